"""Starts, adopts and stops the embedded PostgreSQL."""

import hashlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

from server.adapters.postgres.embedded.account import Account, account_for, let_reach
from server.adapters.postgres.embedded.errors import EmbeddedPostgresError
from server.adapters.postgres.embedded.installation import SUPERUSER, Installation
from server.adapters.postgres.embedded.locks import Users, taking_turns
from server.adapters.postgres.embedded.postmaster import (
    Postmaster,
    clear_stale_files,
    running_postmaster,
    stop_process,
)

log = logging.getLogger("kaiwa.postgres")

DATABASE = "kaiwa"
OWNER = "kaiwa"
PORT = 5432

START_TIMEOUT = timedelta(seconds=60)
FAST_SHUTDOWN = timedelta(seconds=30)
HARD_SHUTDOWN = timedelta(seconds=10)

# A Unix socket's path has at most 107 bytes on Linux, 103 on macOS.
_LONGEST_SOCKET = 103
_LOG_LIMIT = 8 * 2**20
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "jit": "off",
    "cluster_name": "kaiwa",
}


class EmbeddedPostgres:
    """A PostgreSQL server in a folder, reachable by a Unix socket in it and by nothing else.

    The server is a process group of its own, so a Ctrl-C in the terminal reaches us and not it. Processes that name
    one folder share one server: the first starts it, the last to `stop` stops it. One that a killed process left
    behind is adopted.

    Args:
        home: Kaiwa's folder; the server's files are in `postgres/` under it.
        settings: PostgreSQL settings beyond ours, for a server that is not running yet.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self._folder = home.expanduser().absolute() / "postgres"
        self._data = self._folder / "data"
        self._log = self._folder / "server.log"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._users = Users(self._folder / "users.lock")
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    def start(self) -> str:
        """Starts the server, or joins the one that runs, and makes the database `kaiwa` if it isn't there.

        Returns:
            Its URL, `postgresql+psycopg://...`. Starting again is harmless, and starts a server that has died.

        Raises:
            EmbeddedPostgresError: it can't be started; the message has the reason or the end of PostgreSQL's log.
        """
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            with taking_turns(self._folder / "start.lock", START_TIMEOUT):
                self._users.join()
                try:
                    if not self._adopt():
                        self._launch()
                    self._ensure_database()
                except BaseException:
                    if self._users.leave() and self._process is not None:
                        self._shut_down()
                    raise
        except PermissionError as error:
            raise EmbeddedPostgresError(
                f"{error.filename or self._folder} belongs to another user: run Kaiwa as that user, or set KAIWA_HOME"
            ) from error
        return self.url()

    def stop(self) -> bool:
        """Leaves the server; the last process to leave stops it.

        Returns:
            Whether the server was stopped (False: others use it still).
        """
        if not self._folder.is_dir():
            return False
        with taking_turns(self._folder / "start.lock", START_TIMEOUT):
            if not self._users.leave():
                if self._process is not None:
                    # It goes on for the others; else the finaliser would warn of it.
                    self._process.returncode = 0
                    self._process = None
                return False
            self._shut_down()
            return True

    def url(self, database: str = DATABASE, user: str = OWNER) -> str:
        """The URL of a database of the started server; `user="postgres"` is its superuser."""
        query = {"host": str(self._socket()), "port": str(PORT)}
        return URL.create("postgresql+psycopg", user, database=database, query=query).render_as_string()

    def pid(self) -> int | None:
        """The server's main process; None: it isn't running."""
        running = running_postmaster(self._data)
        return running.pid if running else None

    # --- Starting

    def _adopt(self) -> bool:
        """Joins a server that runs on our data already; one that can't be reached is stopped."""
        running = running_postmaster(self._data)
        if running is None:
            if self._process is not None:
                # It is dead or dying.
                self._process.wait(HARD_SHUTDOWN.total_seconds())
                self._process = None
            return False
        try:
            self._socket_folder = running.socket_folder
            self._wait_until_ready(running)
        except EmbeddedPostgresError:
            log.warning("stopping a PostgreSQL (process %d) that was left behind and can't be reached", running.pid)
            self._shut_down()
            return False
        log.info("using the PostgreSQL that runs already (process %d)", running.pid)
        return True

    def _launch(self) -> None:
        account = account_for(self._data)
        installation = Installation(account)
        if account is not None:
            let_reach(account, self._data)
        if not (self._data / "PG_VERSION").exists():
            installation.initialise(self._data)
        installation.check_version(self._data)
        installation.own(self._data)
        self._socket_folder = self._prepare_socket_folder(account)
        quoted = str(self._socket_folder).replace('"', '""')
        settings = [*self._settings.items(), ("unix_socket_directories", f'"{quoted}"')]
        deadline = time.monotonic() + START_TIMEOUT.total_seconds()
        while True:
            clear_stale_files(self._data)
            (self._socket_folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
            log_start = self._open_log()
            self._process = installation.start(self._data, settings, self._log)
            try:
                self._wait_until_ready(None)
                return
            except EmbeddedPostgresError:
                said = self._log_since(log_start)
                # Processes of a killed server take a moment to notice that it is gone.
                if "still in use" not in said or time.monotonic() > deadline:
                    self._shut_down()
                    raise EmbeddedPostgresError(f"PostgreSQL did not start. Its log says:\n{said}") from None
                time.sleep(0.1)

    def _prepare_socket_folder(self, account: Account | None) -> Path:
        folder = self._folder / "socket"
        # libpq takes a comma in a host for the end of its name.
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > _LONGEST_SOCKET or "," in str(folder):
            folder = self._short_socket_folder(folder, account)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if account is not None:
            os.chown(folder, account.uid, account.gid)
            let_reach(account, folder)
        return folder

    def _short_socket_folder(self, link: Path, account: Account | None) -> Path:
        """A private folder of a short name under the temporary one, that `link` remembers."""
        owner = os.geteuid() if account is None else account.uid
        if link.is_symlink():
            target = link.readlink()
            if target.is_dir() and not target.is_symlink() and target.stat().st_uid == owner:
                return target
            link.unlink()
        elif link.is_dir():
            shutil.rmtree(link)
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:6]
        target = Path(tempfile.mkdtemp(prefix=f"kaiwa-{name}-"))
        link.symlink_to(target)
        return target

    def _open_log(self) -> int:
        """Makes sure that the log exists and isn't too large; where its next line will begin."""
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT:
            self._log.replace(self._log.with_suffix(".log.1"))
        self._log.touch(mode=0o600)
        return self._log.stat().st_size

    def _log_since(self, start: int) -> str:
        with self._log.open("rb") as file:
            file.seek(start)
            return "\n".join(file.read()[-4000:].decode(errors="replace").splitlines()[-20:])

    def _wait_until_ready(self, adopted: Postmaster | None) -> None:
        """Returns when the server takes connections, which after a crash is when it has recovered."""
        deadline = time.monotonic() + START_TIMEOUT.total_seconds()
        while True:
            try:
                self._connect(SUPERUSER).close()
                return
            except psycopg.OperationalError as error:
                gone = running_postmaster(self._data) is None if adopted else self._exited()
                # A server that recovers says so; one that runs without its socket never answers.
                lost = adopted is not None and not (self._socket() / f".s.PGSQL.{PORT}").exists()
                if gone or lost or time.monotonic() > deadline:
                    raise EmbeddedPostgresError(f"PostgreSQL does not answer: {error}") from error
                time.sleep(0.01)

    def _exited(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _ensure_database(self) -> None:
        with self._connect(SUPERUSER) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                names = sql.Identifier(DATABASE), sql.Identifier(OWNER)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self._socket()),
            port=PORT,
            user=SUPERUSER,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _socket(self) -> Path:
        if self._socket_folder is None:
            raise EmbeddedPostgresError("PostgreSQL has not been started")
        return self._socket_folder

    # --- Stopping

    def _shut_down(self) -> None:
        """Fast shutdown: transactions are rolled back, what was committed is on disk. Forced if that takes too long."""
        process, self._process = self._process, None
        for how, timeout in ((signal.SIGINT, FAST_SHUTDOWN), (signal.SIGQUIT, HARD_SHUTDOWN)):
            if process is not None and process.poll() is None:
                process.send_signal(how)
                try:
                    process.wait(timeout.total_seconds())
                except subprocess.TimeoutExpired:
                    continue
                break
            running = running_postmaster(self._data)
            if running is None or stop_process(running.pid, self._data, how, timeout):
                break
            log.warning("PostgreSQL did not stop within %d s of %s", timeout.seconds, how.name)
        else:
            raise EmbeddedPostgresError(f"PostgreSQL does not stop; see {self._log}")
        link = self._folder / "socket"
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
            link.unlink()

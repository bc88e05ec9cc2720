"""The embedded PostgreSQL: starting, sharing, crashing, adopting."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from sqlalchemy import make_url

from server.adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from server.adapters.postgres.embedded.postmaster import running_postmaster, runs_on, stop_process

REPOSITORY = Path(__file__).resolve().parents[3]

# Starts the server, says its process, and waits to be told what to do.
OTHER_PROCESS = """
import sys
from pathlib import Path
from server.adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.pid(), flush=True)
sys.stdin.readline()
print(server.stop(), flush=True)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A private folder as `mktemp -d` makes it; what a killed process left running in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="kaiwa-home-"))
    yield folder
    data = folder / "postgres" / "data"
    if (left := running_postmaster(data)) is not None:
        assert stop_process(left.pid, data, signal.SIGQUIT, timedelta(seconds=30))
    shutil.rmtree(folder)


class Make(Protocol):
    def __call__(self, home: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres: ...


@pytest.fixture
def make(home: Path) -> Iterator[Make]:
    """Makes servers that are stopped, the last first, before their home goes."""
    with contextlib.ExitStack() as stack:

        def made(home: Path, *, settings: Mapping[str, str] | None = None) -> EmbeddedPostgres:
            server = EmbeddedPostgres(home, settings=settings)
            stack.callback(server.stop)
            return server

        yield made


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    plain = make_url(url).set(drivername="postgresql").render_as_string()
    with psycopg.connect(plain, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def other_process(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(home)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def say(process: subprocess.Popen[str], word: str = "") -> str:
    """Sends a line and reads the answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    if word:
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def close(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_starts_stops_and_keeps_what_was_written(make: Make, home: Path) -> None:
    server = make(home)
    url = server.start()
    execute(url, "CREATE TABLE kept AS SELECT 1 AS n")
    pid = server.pid()
    assert pid is not None
    assert server.stop()
    assert server.pid() is None
    assert not runs_on(pid, home / "postgres" / "data")
    assert make(home).start() == url
    assert execute(url, "SELECT n FROM kept") == [(1,)]


def test_is_reachable_by_a_private_socket_alone(make: Make, home: Path) -> None:
    url = make(home).start()
    assert execute(url, "SHOW listen_addresses") == [("",)]
    assert stat.S_IMODE((home / "postgres" / "socket").stat().st_mode) == 0o700
    assert stat.S_IMODE((home / "postgres" / "data").stat().st_mode) == 0o700


def test_gives_an_ordinary_role_that_owns_its_database(make: Make, home: Path) -> None:
    url = make(home).start()
    assert execute(url, "SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = 'kaiwa'") == [
        ("kaiwa", "kaiwa", False)
    ]
    execute(url, "CREATE EXTENSION pg_trgm")


def test_stores_text_as_unicode_sorted_by_code_point(make: Make, home: Path) -> None:
    url = make(home).start()
    shown = execute(url, "SELECT datlocprovider::text, datlocale, pg_encoding_to_char(encoding) FROM pg_database")
    assert set(shown) == {("b", "C.UTF-8", "UTF8")}


def test_is_out_of_the_terminals_reach(make: Make, home: Path) -> None:
    server = make(home)
    server.start()
    pid = server.pid()
    assert pid is not None
    assert os.getpgid(pid) == pid
    assert os.getsid(pid) == pid


def test_takes_nothing_from_the_environment(make: Make, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "/nowhere",
        "PGDATA": "/nowhere",
        "PGUSER": "x",
        "LC_ALL": "C",
    }.items():
        monkeypatch.setenv(name, value)
    assert execute(make(home).start(), "SELECT 1") == [(1,)]


def test_starting_again_is_harmless(make: Make, home: Path) -> None:
    server = make(home)
    url = server.start()
    pid = server.pid()
    assert server.start() == url
    assert server.pid() == pid
    assert server.stop()


def test_stopping_what_was_not_started_is_harmless(make: Make, home: Path) -> None:
    assert not make(home).stop()
    make(home / "never").stop()
    assert not (home / "never").exists()


def test_a_killed_server_recovers(make: Make, home: Path) -> None:
    server = make(home)
    url = server.start()
    execute(url, "CREATE TABLE acknowledged AS SELECT 1 AS n")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.start() == url
    assert server.pid() != pid
    assert execute(url, "SELECT n FROM acknowledged") == [(1,)]


def test_a_server_killed_under_a_running_statement_recovers(make: Make, home: Path) -> None:
    server = make(home)
    url = server.start()
    pid = server.pid()
    assert pid is not None
    plain = make_url(url).set(drivername="postgresql").render_as_string()
    started = threading.Event()

    def work() -> None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(plain) as connection:
            started.set()
            connection.execute("SELECT count(*) FROM generate_series(1, 3000000)")

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    os.kill(pid, signal.SIGKILL)
    assert execute(server.start(), "SELECT 1") == [(1,)]
    thread.join()


def test_a_server_left_behind_is_adopted_and_stopped(make: Make, home: Path) -> None:
    with other_process(home) as other:
        pid = int(say(other))
        other.kill()
        other.wait()
    assert runs_on(pid, home / "postgres" / "data")
    server = make(home)
    execute(server.start(), "SELECT 1")
    assert server.pid() == pid
    assert server.stop()
    assert server.pid() is None


def test_a_server_left_behind_without_its_socket_is_replaced(make: Make, home: Path) -> None:
    with other_process(home) as other:
        pid = int(say(other))
        other.kill()
        other.wait()
    (home / "postgres" / "socket" / ".s.PGSQL.5432").unlink()
    server = make(home)
    execute(server.start(), "SELECT 1")
    assert server.pid() != pid


def test_a_renamed_home_finds_its_server(make: Make, home: Path) -> None:
    old, new = home / "old", home / "new"
    with other_process(old) as other:
        pid = int(say(other))
        other.kill()
        other.wait()
    old.rename(new)
    server = make(new)
    execute(server.start(), "SELECT 1")
    assert server.pid() != pid
    assert not runs_on(pid, new / "postgres" / "data")
    assert server.stop()


def test_a_pid_file_that_names_another_process_is_stale(make: Make, home: Path) -> None:
    server = make(home)
    url = server.start()
    server.stop()
    for file in (home / "postgres/data/postmaster.pid", home / "postgres/socket/.s.PGSQL.5432.lock"):
        file.write_text(f"{os.getpid()}\n{home / 'postgres/data'}\n1\n5432\n{home / 'postgres/socket'}\n\n1 1\nready\n")
    assert server.pid() is None
    assert make(home).start() == url


def test_processes_share_one_server_and_the_last_one_stops_it(make: Make, home: Path) -> None:
    first = make(home)
    url = first.start()
    with other_process(home) as other:
        assert int(say(other)) == first.pid()
        assert not first.stop()
        assert execute(url, "SELECT 1") == [(1,)]
        assert say(other, "stop") == "True"
    assert first.pid() is None


def test_the_first_may_outlive_the_second(make: Make, home: Path) -> None:
    first = make(home)
    url = first.start()
    with other_process(home) as other:
        say(other)
        assert say(other, "stop") == "False"
    assert execute(url, "SELECT 1") == [(1,)]
    assert first.stop()


def test_two_that_start_at_once_get_the_same_server(make: Make, home: Path) -> None:
    with other_process(home) as one, other_process(home) as other:
        assert say(one) == say(other)
        assert {say(one, "stop"), say(other, "stop")} == {"True", "False"}


def test_a_first_start_cut_short_is_begun_again(make: Make, home: Path) -> None:
    (home / "postgres" / "data.new" / "base").mkdir(parents=True)
    assert execute(make(home).start(), "SELECT 1") == [(1,)]


def test_files_that_are_no_database_are_not_touched(make: Make, home: Path) -> None:
    precious = home / "postgres" / "data" / "precious"
    precious.parent.mkdir(parents=True)
    precious.touch()
    with pytest.raises(EmbeddedPostgresError, match="no database"):
        make(home).start()
    assert precious.exists()


def test_data_of_another_version_are_refused(make: Make, home: Path) -> None:
    server = make(home)
    server.start()
    server.stop()
    (home / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 15"):
        make(home).start()


def test_a_start_that_fails_says_what_the_log_says(make: Make, home: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        make(home, settings={"no_such_setting": "1"}).start()
    assert execute(make(home).start(), "SELECT 1") == [(1,)]


def test_a_home_too_deep_for_a_socket_works(make: Make, home: Path) -> None:
    deep = home / ("d" * 120)
    server = make(deep)
    url = server.start()
    assert execute(url, "SELECT 1") == [(1,)]
    folder = (deep / "postgres" / "socket").readlink()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    server.stop()
    assert not folder.exists()


def test_odd_names_work(make: Make, home: Path) -> None:
    server = make(home / '日本 %s, "it\'s"')
    assert execute(server.start(), "SELECT 1") == [(1,)]


@pytest.mark.skipif(os.geteuid() != 0, reason="root only: others run PostgreSQL as themselves")
def test_as_root_the_server_has_an_account_of_its_own_and_no_more_than_it_needs(make: Make, home: Path) -> None:
    server = make(home)
    server.start()
    pid = server.pid()
    assert pid is not None
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    uid = int(status["Uid"].split()[0])
    assert uid != 0
    assert status["Groups"].split() == []
    assert (home / "postgres" / "data").stat().st_uid == uid
    # Nobody else is let in: neither the group nor the others.
    assert home.stat().st_uid == 0
    assert stat.S_IMODE(home.stat().st_mode) & 0o067 == 0
    as_nobody = subprocess.run(["test", "-x", home], user=65534, group=65534, extra_groups=[], check=False)
    assert (as_nobody.returncode == 0) == (uid == 65534)


@pytest.mark.skipif(os.geteuid() != 0, reason="root only: others can't give files away")
def test_as_root_data_that_root_owns_is_given_to_the_account(make: Make, home: Path) -> None:
    server = make(home)
    url = server.start()
    server.stop()
    for file in (home / "postgres" / "data", *(home / "postgres" / "data").rglob("*")):
        os.chown(file, 0, 0)
    assert make(home).start() == url

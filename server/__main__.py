"""The command line: `kaiwa-server COMMAND`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from server.config import Settings, SettingsError

Command = Callable[[argparse.Namespace, Settings, Mapping[str, str]], int]

_EPILOGUE = """Settings come from the environment; docs/settings.md lists them. The most used:
  KAIWA_HOME           folder for everything that is kept (.kaiwa)
  KAIWA_DATABASE_URL   a PostgreSQL to use instead of the embedded one
  KAIWA_LISTEN         address of the gRPC server (127.0.0.1:50051)
  KAIWA_ENVOY_LISTEN   address of Envoy (127.0.0.1:8080)
  KAIWA_CORS_ORIGINS   origins of web apps that may call (this machine's)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: of the command line; None: this process's.

    Returns:
        The exit status: 0 if all went well, 1 after a failure, 2 when it was called wrongly, 3 when `up` runs already.
    """
    options = _parser().parse_args(arguments)
    environment = {**os.environ, **_overrides(options)}
    try:
        settings = Settings.from_environment(environment)
    except SettingsError as error:
        return _refuse(f"these settings can't be used:\n{error}", 2)
    command: Command = options.command
    try:
        return command(options, settings, environment)
    except KeyboardInterrupt:
        return 130
    except _known_failures() as error:
        return _refuse(str(error), 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kaiwa-server",
        description="Kaiwa's server and what belongs to it.",
        epilog=_EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")

    def add(name: str, run: Command, text: str, more: str = "") -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=f"{text}. {more}".strip())
        command.set_defaults(command=run)
        return command

    add(
        "up",
        _up,
        "Start everything on this machine: PostgreSQL, server, worker, Envoy, demo accounts",
        "For development and for a first look; Ctrl-C stops it. A deployment runs the other commands, as "
        "docker-compose.yml does.",
    )
    serve = add("serve", _serve, "Run the gRPC server", "SIGTERM ends it in order. It expects a migrated database.")
    serve.add_argument("--listen", metavar="HOST:PORT", help="where to listen (KAIWA_LISTEN)")
    serve.add_argument("--services", metavar="NAMES", help="answer these services only: speech,jobs (KAIWA_SERVICES)")
    add("worker", _worker, "Run the worker, which does jobs and tidies up now and then", "Any number may run at once.")
    migrate = add("migrate", _migrate, "Bring the database's schema up to date")
    migrate.add_argument("--check", action="store_true", help="change nothing; fail if it is not up to date")
    add(
        "rebuild-stats",
        _rebuild_stats,
        "Compute every learner's daily figures anew from their log of reviews",
        "They are kept with each review, so it finds nothing unless something went wrong. Servers may run meanwhile.",
    )
    front = add("envoy", _envoy, "Run Envoy with the settings filled into envoy/envoy.yaml")
    front.add_argument("--print", action="store_true", dest="print_only", help="show the configuration, run nothing")
    add("doctor", _doctor, "Say what this machine has of what Kaiwa needs")
    health = add("health", _health, "Say whether the server that runs here is well, by the exit status")
    health.add_argument("--envoy", action="store_true", help="ask Envoy whether any server is")
    rebuild = add(
        "rebuild-cards",
        _rebuild_cards,
        "Make all cards anew from the log of reviews",
        "Servers may run meanwhile. rebuild-stats does the same for statistics.",
    )
    rebuild.add_argument("--check", action="store_true", help="change nothing; fail if a card is not what its log says")
    keys = add("keys", _keys, "List the keys that sign access tokens", "The newest signs; all of them verify.")
    what = keys.add_mutually_exclusive_group()
    what.add_argument("--add", action="store_true", help="make a new key; servers that run take it within a second")
    what.add_argument("--prune", action="store_true", help="remove the keys that no living token was signed with")
    keys.add_argument(
        "--force",
        action="store_true",
        help="with --prune: remove all keys but the newest; sessions that hold older tokens have to refresh them",
    )
    return parser


def _overrides(options: argparse.Namespace) -> dict[str, str]:
    names = {"listen": "KAIWA_LISTEN", "services": "KAIWA_SERVICES"}
    return {names[name]: value for name, value in vars(options).items() if name in names and value is not None}


def _up(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.supervisor.screen import Screen
    from server.supervisor.up import up

    return asyncio.run(up(settings, environment, Screen()))


def _serve(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.app import serve

    asyncio.run(serve(settings))
    return 0


def _worker(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.adapters.log import configure
    from server.assembly.job_handlers import job_handlers
    from server.worker import work

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await work(settings, stop, job_handlers)

    configure(settings.log_format, settings.log_level)
    asyncio.run(run())
    return 0


def _migrate(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.adapters.postgres.database import database_url
    from server.adapters.postgres.migrate import current_revision, head_revision, upgrade

    with database_url(settings.database_url, settings.home) as url:
        before, wanted = current_revision(url), head_revision()
        if before == wanted:
            _say(f"The schema is up to date ({wanted}).")
            return 0
        if options.check:
            return _refuse(
                f"the schema is at {before or 'nothing'}, and has to be at {wanted}: run kaiwa-server migrate"
            )
        upgrade(url)
        _say(f"The schema went from {before or 'nothing'} to {wanted}.")
    return 0


def _rebuild_stats(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.rebuild import rebuild_statistics

    asyncio.run(rebuild_statistics(settings, _say))
    return 0


def _rebuild_cards(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.adapters.postgres.database import database_url
    from server.rebuild import rebuild_cards

    with database_url(settings.database_url, settings.home) as url:
        found = asyncio.run(rebuild_cards(url, check=options.check))
    told = f"{found.cards} cards of {found.learners} learners, {found.differing} were not what their log says"
    if options.check and found.differing:
        return _refuse(f"{told}: run kaiwa-server rebuild-cards")
    _say(f"{told}.")
    return 0


def _envoy(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.supervisor import envoy

    rendered = envoy.render(settings)
    if options.print_only:
        _say(rendered)
        return 0
    folder = settings.home / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = folder / "envoy.yaml"
    configuration.write_text(rendered, encoding="utf-8")
    command = envoy.command(configuration)
    sys.stdout.flush()
    # Envoy takes this process's place, and with it the signals that are meant for it.
    os.execve(command[0], command, dict(environment))  # noqa: S606 - no shell is wanted


def _doctor(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.supervisor.doctor import examine
    from server.supervisor.screen import Screen

    return examine(settings, Screen())


def _health(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.supervisor.health import envoy_problem, server_problem

    problem = envoy_problem(settings) if options.envoy else server_problem(settings)
    return 0 if problem is None else _refuse(problem)


def _keys(options: argparse.Namespace, settings: Settings, environment: Mapping[str, str]) -> int:
    from server.adapters.clock import SystemClock, UuidV7Source
    from server.adapters.tokens.keys import add_key, ensure_keys, load_keys, old_keys, remove_keys

    if options.force and not options.prune:
        return _refuse("--force goes with --prune", 2)
    if options.add:
        add_key(settings.keys, UuidV7Source())
    else:
        ensure_keys(settings.keys, UuidV7Source())
    if options.prune:
        now = SystemClock().now()
        old = old_keys(settings.keys, settings.tokens.access)
        gone = [key for key in old if options.force or key.needed_until <= now]
        remove_keys(settings.keys, [key.id for key in gone])
        for key in gone:
            _say(f"{key.id}  removed")
        for key in old:
            if key not in gone:
                _say(f"{key.id}  kept: tokens signed with it live until {key.needed_until:%Y-%m-%d %H:%M:%S} UTC")
        _say(f"{load_keys(settings.keys).signer.id}  signs")
        return 0
    ring = load_keys(settings.keys)
    for one in ring.keys:
        _say(f"{one.id}{'  signs' if one.id == ring.signer.id else ''}")
    return 0


def _known_failures() -> tuple[type[Exception], ...]:
    """What ends a command with a message instead of a trace; only what has been imported can have been raised."""
    names = (
        ("server.errors", "ApplicationError"),
        ("server.adapters.postgres.embedded", "EmbeddedPostgresError"),
        ("server.adapters.tokens.keys", "KeysError"),
        ("server.adapters.whisper.weights", "WeightsError"),
        ("server.supervisor.envoy", "EnvoyMissing"),
    )
    return tuple(getattr(sys.modules[module], name) for module, name in names if module in sys.modules)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _refuse(text: str, status: int = 1) -> int:
    sys.stderr.write(f"kaiwa-server: {text}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())

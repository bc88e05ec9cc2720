"""Runs a command and turns what happens into an exit code."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import platformdirs
from rich.console import Console
from rich.text import Text

from kaiwa_client.cli import account, accounts, admin, importing, jobs, lists, own_data, practise, transcribing
from kaiwa_client.cli.arguments import parser
from kaiwa_client.cli.complaints import FAILED, INTERRUPTED, USAGE, complaint, exit_code
from kaiwa_client.cli.world import UsageError, World, address_of, connect
from kaiwa_client.clock import SystemClock
from kaiwa_client.errors import KaiwaError, NotSignedIn
from kaiwa_client.retry import RetryPolicy

_COMMANDS: Mapping[str, Callable[[World, Namespace], Awaitable[None]]] = MappingProxyType(
    {
        "register": accounts.register,
        "login": accounts.login,
        "logout": accounts.logout,
        "whoami": accounts.whoami,
        "token": accounts.token,
        "sessions": account.sessions,
        "profile": account.profile,
        "export": own_data.export,
        "account": own_data.account,
        "jobs": jobs.jobs,
        "admin": admin.admin,
        "practice": practise.practice,
        "transcribe": transcribing.transcribe,
        "sentences": lists.sentences,
        "import": importing.importing,
        "history": lists.history,
        "attempt": lists.attempt,
    }
)

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What goes wrong while the output, which has no name, is written."""


async def run(world: World, arguments: Sequence[str]) -> int:
    """Runs one command.

    Args:
        world: everything outside.
        arguments: the command line without the program's name.

    Returns:
        The exit code.
    """
    try:
        options = parser().parse_args(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    debug = getattr(options, "debug", False)
    try:
        try:
            await _COMMANDS[options.command](world, options)
        except NotSignedIn as error:
            if error.code == "":
                # Known without asking the server: where none runs, that is the news.
                async with connect(world, options, anonymous=True) as client:
                    await client.ping()
            raise
    except UsageError as error:
        _complain(world, str(error))
        return USAGE
    except KaiwaError as error:
        if debug:
            world.errors.print_exception()
        text = complaint(error, address_of(world, options), signing_in=options.command == "login")
        if getattr(options, "json", False):
            world.print_json({"type": "error", "reason": error.reason, "code": error.code or None, "message": text})
        _complain(world, text)
        return exit_code(error)
    except (BrokenPipeError, asyncio.CancelledError):
        raise
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            return _unexpected(world, error, debug=debug)
        raise
    except Exception as error:
        return _unexpected(world, error, debug=debug)
    return 0


def _unexpected(world: World, error: Exception, *, debug: bool) -> int:
    if debug:
        world.errors.print_exception()
    _complain(world, f"Something went wrong: {type(error).__name__}: {error}. --debug shows where.")
    return FAILED


def _complain(world: World, text: str) -> None:
    world.errors.print(Text.assemble(("kaiwa: ", "bold red"), text), soft_wrap=True)


def main() -> int:
    """Runs the command of this process.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    interactive = sys.stdin is not None and sys.stdin.isatty()
    world = World(
        output=Console(highlight=False),
        errors=Console(stderr=True, highlight=False),
        environment=os.environ,
        config_folder=Path(platformdirs.user_config_path("kaiwa")),
        working_folder=Path.cwd(),
        clock=SystemClock(),
        ask=input if interactive else None,
        ask_password=getpass.getpass if interactive else None,
        retry=RetryPolicy(),
    )
    try:
        code = asyncio.run(run(world, sys.argv[1:]))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        _complain(world, "Interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more may be written at exit either.
        _close_output()
        return FAILED
    except OSError as error:
        _close_output()
        _complain(world, f"The output can't be written: {error.strerror}.")
        return FAILED


def _close_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

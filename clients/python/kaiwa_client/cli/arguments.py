"""The command line's grammar."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

_LONGEST_TEXT = 400
"""Characters of a text that is read, by the contract."""
_EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 server not reachable, 4 not signed in, 130 interrupted."


def parser() -> argparse.ArgumentParser:
    """The parser of `kaiwa`; `command` names the command chosen."""
    common = _common_options()
    root = argparse.ArgumentParser(
        prog="kaiwa",
        description="Practise spoken Japanese with a Kaiwa server.",
        epilog="KAIWA_ADDRESS and KAIWA_TOKEN stand in for --address and --token. " + _EXIT_CODES,
        parents=[_common_options()],
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"kaiwa {version('kaiwa')}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common], allow_abbrev=False
        )

    register = command("register", "make an account and sign in to it")
    register.add_argument("--email", help="the account's e-mail address (asked for if left out)")
    register.add_argument("--username", help="the name to go by (asked for if left out)")
    register.add_argument("--time-zone", help="the IANA name of your time zone (this machine's if left out)")

    login = command("login", "sign in; the password is asked for, or taken from KAIWA_PASSWORD")
    login.add_argument("--email", metavar="EMAIL", help="e-mail address or username (asked for if left out)")

    command("logout", "sign out, here and on the server")
    _json(command("whoami", "show who is signed in"))
    command("token", "print an access token, for grpcurl and the like")

    practice = command("practice", "read a recording aloud to the server and be judged on it")
    target = practice.add_mutually_exclusive_group()
    target.add_argument(
        "--sentence-id",
        type=_id_from("kaiwa sentences"),
        metavar="ID",
        help="the sentence that is read (see kaiwa sentences)",
    )
    target.add_argument("--text", type=_words, help="the text that is read; with neither it is free speech")
    practice.add_argument("file", type=Path, metavar="FILE", help="a recording: WAV, FLAC, OGG or MP3")
    practice.add_argument("--realtime", action="store_true", help="send at the speed of speech, as a microphone would")
    practice.add_argument("--session", type=_id_from(""), metavar="ID", help="the speaking session that it belongs to")
    _json(practice, "print one JSON object for each message from the server, and a summary last")

    transcribe = command("transcribe", "write down what is said in a file; nothing is stored")
    transcribe.add_argument("file", type=Path, metavar="FILE", help="any common audio file up to 3.5 MiB and 5 minutes")
    transcribe.add_argument("--language", default="ja", help="the language expected, or auto (default: ja)")
    _json(transcribe)

    sentences = command("sentences", "list sentences to practise, the easiest first or what fits a search best")
    sentences.add_argument("--search", default="", metavar="WORDS", help="in Japanese, kana, romaji or English")
    sentences.add_argument("--difficulty", type=_bounds, default=(0, 0), metavar="N|A-B", help="1 (easiest) to 10")
    sentences.add_argument("--tag", action="append", default=[], help="only with this tag; may be given again")
    sentences.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _json(sentences)

    history = command("history", "list your attempts, newest first")
    history.add_argument(
        "--sentence-id",
        type=_id_from("kaiwa sentences"),
        metavar="ID",
        help="only attempts at this sentence",
    )
    history.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _json(history)

    attempt = command("attempt", "show one attempt in full")
    attempt.add_argument(
        "id", type=_id_from("kaiwa history"), metavar="ID", help="the attempt's id, as kaiwa history shows it"
    )
    _json(attempt)
    return root


def _common_options() -> argparse.ArgumentParser:
    # Given before or after the command; what is left out must not overwrite what was given on the other side.
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
    group = options.add_argument_group("connection")
    group.add_argument("--address", help="the server: host:port or https://host (default: 127.0.0.1:50051)")
    group.add_argument("--token", help="an access token, in place of signing in")
    group.add_argument("--tls", action="store_true", help="connect with TLS")
    group.add_argument("--ca-file", type=Path, metavar="PEM", help="certificates to trust in place of the system's")
    group.add_argument("--debug", action="store_true", help="show the whole trace of an error")
    return options


def _json(command: argparse.ArgumentParser, text: str = "print one JSON object a line") -> None:
    command.add_argument("--json", action="store_true", help=text)


def _bounds(text: str) -> tuple[int, int]:
    low, dash, high = text.partition("-")
    try:
        bounds = (int(low), int(high)) if dash else (int(low), int(low))
    except ValueError:
        bounds = (0, 0)
    if not 1 <= bounds[0] <= bounds[1] <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no difficulty; give 3 or 2-5, from 1 to 10")
    return bounds


def _words(text: str) -> str:
    # The server takes an empty text for none, which is free speech: not what a script with an empty variable wants.
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; leave it out for free speech")
    if len(text) > _LONGEST_TEXT:
        raise argparse.ArgumentTypeError(f"it has {len(text)} characters; a text to read has at most {_LONGEST_TEXT}")
    return text


def _id_from(command: str) -> Callable[[str], str]:
    where = f"; {command} shows them" if command else ""

    def check(text: str) -> str:
        try:
            return str(uuid.UUID(text))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no id{where}") from None

    return check


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)

"""The command line's grammar."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from kaiwa_client.models import JOB_KINDS, JOB_STATES

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

    sessions = command("sessions", "list your sign-ins, or end one")
    sessions.add_argument("--end", default="", metavar="ID", help="end this one instead of listing")
    sessions.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _json(sessions)

    profile = command("profile", "show your profile, after changing what is given")
    profile.add_argument("--username", help="the name to go by")
    profile.add_argument("--native-language", metavar="TAG", help="the language you know best, such as en or pt-BR")
    profile.add_argument("--level", type=int, metavar="N", help="your own estimate, 1 to 10")
    profile.add_argument("--time-zone", help="the IANA name of your time zone")
    profile.add_argument("--day-turn-hour", type=int, metavar="HOUR", help="when your day turns over, 0 to 23")
    profile.add_argument(
        "--voice-retention-days", type=int, metavar="DAYS", help="how long recordings are kept; 0: until deleted"
    )
    _json(profile)

    export = command("export", "save all that the server holds of you as a ZIP archive")
    export.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="where to (default: the archive's own name, in this folder)"
    )
    export.add_argument("--omit-audio", action="store_true", help="leave your recordings out")
    export.add_argument(
        "--job",
        type=_id_from("kaiwa jobs"),
        metavar="ID",
        help="fetch this earlier export, or the rest of it",
    )
    _json(export, "print one JSON object for each state of the job, and one for the file last")

    account = command("account", "end your account")
    account_commands = account.add_subparsers(dest="account_command", metavar="COMMAND", required=True)
    delete = account_commands.add_parser(
        "delete",
        help="delete your account with everything in it; the password is asked for, or taken from KAIWA_PASSWORD",
        description="Delete your account with everything in it. There is no way back.",
        parents=[common],
        allow_abbrev=False,
    )
    delete.add_argument("--yes", action="store_true", help="do not ask whether it is meant")
    _json(delete)

    _jobs(command("jobs", "list your background jobs, or look after one"), common)

    _admin(command("admin", "look after accounts and the configuration; for administrators"), common)

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

    bring = command("import", "import sentences, decks and their schedule: Anki packages, tables, Tatoeba's exports")
    bring.add_argument("files", type=Path, nargs="+", metavar="FILE", help="the files; what each is for its name tells")
    bring.add_argument("--kind", choices=("tatoeba", "tatoeba_pairs", "anki_package", "table"), help="what they are")
    bring.add_argument("--shared", action="store_true", help="for everyone; for teachers and administrators")
    bring.add_argument("--tag", action="append", default=[], help="add this tag to each sentence; may be given again")
    bring.add_argument("--author", default="", metavar="NAME", help="of sentences whose source names none")
    bring.add_argument("--licence", default="", metavar="NAME", help="of sentences whose source names none")
    bring.add_argument("--skip-analysis", action="store_true", help="leave readings and levels to a later import")
    bring.add_argument("--preview", action="store_true", help="show what importing would do, and stop there")
    bring.add_argument("--rows", type=_count, default=5, help="how many entries to show before (default: 5)")
    bring.add_argument("--yes", action="store_true", help="import without asking")
    bring.add_argument("--resume", type=_id_from(""), metavar="ID", help="go on with this import")
    _json(bring, "print one JSON object for each thing that happens, the report last")

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


def _jobs(jobs: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    jobs.add_argument("--kind", action="append", default=[], choices=JOB_KINDS, help="only of this kind; repeatable")
    jobs.add_argument("--state", action="append", default=[], choices=JOB_STATES, help="only in this state; repeatable")
    jobs.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _json(jobs)
    commands = jobs.add_subparsers(dest="jobs_command", metavar="COMMAND")
    for name, text in (
        ("show", "show a job with what came of it"),
        ("watch", "follow a job to its end"),
        ("cancel", "ask a job to stop"),
    ):
        command = commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common], allow_abbrev=False
        )
        command.add_argument(
            "id", type=_id_from("kaiwa jobs"), metavar="ID", help="the job's id, as kaiwa jobs shows it"
        )
        _json(command)


def _admin(admin: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    commands = admin.add_subparsers(dest="admin_command", metavar="COMMAND", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common], allow_abbrev=False
        )

    def activity(command: argparse.ArgumentParser, yes: str, no: str) -> None:
        choice = command.add_mutually_exclusive_group()
        for option, value in ((yes, True), (no, False)):
            choice.add_argument(f"--{option}", dest="active", action="store_const", const=value, default=None)

    roles = ("student", "teacher", "admin")
    note = "why, for the audit log"

    users = command("users", "list accounts, newest first")
    users.add_argument("--search", default="", metavar="TEXT", help="in the address or the username")
    users.add_argument("--role", choices=roles, help="only with this role")
    activity(users, "active", "inactive")
    users.add_argument("--limit", type=_count, default=20, help="how many at most (default: 20)")
    _json(users)

    user = command("user", "change an account's role, or whether it may sign in")
    user.add_argument("id", metavar="ID", help="the account's id, as kaiwa admin users shows it")
    user.add_argument("--role", choices=roles, help="what it may do")
    activity(user, "activate", "deactivate")
    user.add_argument("--note", default="", help=note)
    _json(user)

    config = command("config", "list the configuration table")
    config.add_argument("--prefix", default="", help="only keys that begin with this")
    config.add_argument("--limit", type=_count, default=200, help="how many at most (default: 200)")
    _json(config)

    entry = command("set", "set an entry of the configuration table as a whole")
    entry.add_argument("key", metavar="KEY")
    entry.add_argument("value", metavar="VALUE")
    entry.add_argument("--description", default="", metavar="TEXT", help="what it is for")
    entry.add_argument("--public", action="store_true", help="let everyone read it, signed in or not")
    entry.add_argument("--note", default="", help=note)
    _json(entry)

    unset = command("unset", "delete an entry of the configuration table")
    unset.add_argument("key", metavar="KEY")
    unset.add_argument("--note", default="", help=note)


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

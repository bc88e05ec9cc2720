"""What the command line meets outside itself, and how it connects."""

from __future__ import annotations

import json
import re
import socket
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from kaiwa_client.auth import Credentials
from kaiwa_client.channel import DEFAULT_ADDRESS, Address, parse_address
from kaiwa_client.client import KaiwaClient
from kaiwa_client.clock import Clock
from kaiwa_client.retry import RetryPolicy
from kaiwa_client.tokens import FileTokenStore, TokenStore


class UsageError(Exception):
    """What was asked for can't be meant."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside.

    Attributes:
        output: where results go.
        errors: where complaints go.
        environment: the variables.
        config_folder: where sign-ins are kept.
        working_folder: where `.kaiwa` is looked for.
        clock: tells the time and waits.
        ask: asks for a line.
        ask_password: asks for a line without showing it; None when nobody is there to ask.
        retry: when calls are made again.
    """

    output: Console
    errors: Console
    environment: Mapping[str, str]
    config_folder: Path
    working_folder: Path
    clock: Clock
    ask: Callable[[str], str] | None
    ask_password: Callable[[str], str] | None
    retry: RetryPolicy

    def print_json(self, value: Mapping[str, object]) -> None:
        """One JSON object on a line of its own, at once."""
        self.output.file.write(json.dumps(value, ensure_ascii=False) + "\n")
        self.output.file.flush()


def address_of(world: World, options: Namespace) -> Address:
    """The server's address: the option, else KAIWA_ADDRESS, else this machine.

    Raises:
        UsageError: it is no address.
    """
    text = getattr(options, "address", "") or world.environment.get("KAIWA_ADDRESS", "") or DEFAULT_ADDRESS
    try:
        return parse_address(text, tls=getattr(options, "tls", False))
    except ValueError as error:
        raise UsageError(str(error)) from error


def login_store(world: World, address: Address) -> FileTokenStore:
    """Where the sign-in at an address is kept."""
    return FileTokenStore(world.config_folder / "sessions" / f"{_file_name(address)}.json", world.clock)


def connect(world: World, options: Namespace, *, anonymous: bool = False) -> KaiwaClient:
    """A client as whoever the options, the environment or an earlier `kaiwa login` say.

    With none of them, and a server on this machine, it is the demo learner that `make run` made.

    Args:
        world: everything outside.
        options: the command line's.
        anonymous: for calls that sign in themselves; nothing but the store of the login is used.

    Raises:
        UsageError: the address or the certificates can't be used.
    """
    address = address_of(world, options)
    token = None if anonymous else getattr(options, "token", "") or world.environment.get("KAIWA_TOKEN", "") or None
    store: TokenStore = login_store(world, address)
    credentials = None
    if not (anonymous or token) and store.load() is None and address.local:
        credentials = demo_learner(world)
        if credentials is not None:
            store = FileTokenStore(world.config_folder / "sessions" / f"{_file_name(address)}.demo.json", world.clock)
    try:
        return KaiwaClient(
            address,
            credentials=credentials,
            token=token,
            store=store,
            device_name=f"kaiwa on {socket.gethostname()}",
            ca_file=getattr(options, "ca_file", None),
            clock=world.clock,
            retry=world.retry,
        )
    except OSError as error:
        raise UsageError(f"Can't read the certificates: {error}") from error


def demo_learner(world: World) -> Credentials | None:
    """The demo learner of the local server, from `demo.json` in KAIWA_HOME or `./.kaiwa`; None when there is none."""
    home = world.environment.get("KAIWA_HOME", "")
    folder = Path(home) if home else world.working_folder / ".kaiwa"
    try:
        learner = json.loads((folder / "demo.json").read_text(encoding="utf-8"))["learner"]
        return Credentials(str(learner["email"]), str(learner["password"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file_name(address: Address) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", str(address))

"""Signing up, in and out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from kaiwa_client.cli.world import UsageError, World, address_of, connect, demo_learner, login_store
from kaiwa_client.models import User


async def register(world: World, options: Namespace) -> None:
    """`kaiwa register`."""
    email = options.email or _asked(world.ask, "E-mail address: ", "--email")
    username = options.username or _asked(world.ask, "Username: ", "--username")
    password = _password(world, twice=True)
    async with connect(world, options, anonymous=True) as client:
        time_zone = options.time_zone or _local_time_zone(world)
        user = await client.register(email, username, password, time_zone=time_zone)
    _welcome(world, options, user)


async def login(world: World, options: Namespace) -> None:
    """`kaiwa login`."""
    name = options.email or _asked(world.ask, "E-mail address or username: ", "--email")
    password = _password(world, twice=False)
    async with connect(world, options, anonymous=True) as client:
        user = await client.login(name, password)
    _welcome(world, options, user)


async def logout(world: World, options: Namespace) -> None:
    """`kaiwa logout`."""
    address = address_of(world, options)
    demo = " The demo learner stays: commands go on as it." if address.local and demo_learner(world) else ""
    if login_store(world, address).load() is None:
        world.output.print(f"Nobody was signed in at {address}.{demo}", soft_wrap=True)
        return
    async with connect(world, options, anonymous=True) as client:
        await client.logout()
    world.output.print(f"Signed out of {address}.{demo}", soft_wrap=True)


async def whoami(world: World, options: Namespace) -> None:
    """`kaiwa whoami`."""
    address = address_of(world, options)
    async with connect(world, options) as client:
        user = await client.me()
    if options.json:
        created = user.create_time.isoformat() if user.create_time else None
        world.print_json({**asdict(user), "create_time": created, "address": str(address)})
        return
    world.output.print(f"{user.username} ({user.email}), {user.role}, level {user.level}, at {address}")


async def token(world: World, options: Namespace) -> None:
    """`kaiwa token`."""
    async with connect(world, options) as client:
        world.output.print(await client.access_token(), soft_wrap=True, highlight=False, markup=False)


def _welcome(world: World, options: Namespace, user: User) -> None:
    world.output.print(f"Signed in to {address_of(world, options)} as {user.username} ({user.email}).")


def _asked(ask: Callable[[str], str] | None, question: str, option: str) -> str:
    if ask is None:
        raise UsageError(f"There is no terminal to ask at; give {option}.")
    return ask(question).strip()


def _password(world: World, *, twice: bool) -> str:
    given = world.environment.get("KAIWA_PASSWORD", "")
    if given:
        return given
    if world.ask_password is None:
        raise UsageError("There is no terminal to ask for the password at; set KAIWA_PASSWORD.")
    password = world.ask_password("Password: ")
    if twice and world.ask_password("Once more: ") != password:
        raise UsageError("The two passwords differ.")
    return password


def _local_time_zone(world: World) -> str:
    """The machine's zone as an IANA name; empty where it can't be told."""
    named = world.environment.get("TZ", "").removeprefix(":")
    if "/" in named:
        return named
    link = Path("/etc/localtime")
    _, found, name = str(link.resolve()).partition("zoneinfo/") if link.is_symlink() else ("", "", "")
    return name if found else ""

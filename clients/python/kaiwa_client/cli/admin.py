"""What administrators do: `kaiwa admin users`, `user`, `config`, `set`, `unset`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from rich.text import Text

from kaiwa_client.cli.account import day, user_json
from kaiwa_client.cli.world import UsageError, World, connect
from kaiwa_client.models import ConfigEntry, User


async def admin(world: World, options: Namespace) -> None:
    """`kaiwa admin`."""
    match options.admin_command:
        case "users":
            await _users(world, options)
        case "user":
            await _user(world, options)
        case "config":
            await _config(world, options)
        case "set":
            await _set(world, options)
        case _:
            await _unset(world, options)


async def _users(world: World, options: Namespace) -> None:
    async with connect(world, options) as client:
        found = await client.admin.users(
            query=options.search, role=options.role or "", active=options.active, limit=options.limit
        )
    for user in found:
        _show_user(world, options, user)
    if not found and not options.json:
        world.output.print("No account fits.")


async def _user(world: World, options: Namespace) -> None:
    if options.role is None and options.active is None:
        raise UsageError("Give --role, --activate or --deactivate.")
    async with connect(world, options) as client:
        user = await client.admin.update_user(
            options.id, role=options.role or "", active=options.active, note=options.note
        )
    _show_user(world, options, user)


async def _config(world: World, options: Namespace) -> None:
    async with connect(world, options) as client:
        found = await client.admin.config(key_prefix=options.prefix, limit=options.limit)
    for entry in found:
        _show_entry(world, options, entry)
    if not found and not options.json:
        world.output.print("No entry fits.")


async def _set(world: World, options: Namespace) -> None:
    async with connect(world, options) as client:
        entry = await client.admin.set_config(
            options.key, options.value, description=options.description, public=options.public, note=options.note
        )
    _show_entry(world, options, entry)


async def _unset(world: World, options: Namespace) -> None:
    async with connect(world, options) as client:
        await client.admin.delete_config(options.key, note=options.note)
    world.output.print(f"{options.key} is not set.", soft_wrap=True)


def _show_user(world: World, options: Namespace, user: User) -> None:
    if options.json:
        world.print_json(user_json(user))
        return
    state = "" if user.active else ", inactive"
    world.output.print(Text.assemble((user.username, "bold"), f" ({user.email}), {user.role}{state}"), soft_wrap=True)
    since = f"  since {day(user.create_time)}" if user.create_time else ""
    world.output.print(Text(f"    {user.id}{since}", "dim"), soft_wrap=True)


def _show_entry(world: World, options: Namespace, entry: ConfigEntry) -> None:
    if options.json:
        world.print_json({**asdict(entry), "update_time": entry.update_time.isoformat()})
        return
    public = "  (public)" if entry.public else ""
    world.output.print(Text.assemble((entry.key, "bold"), f" = {entry.value}", (public, "dim")), soft_wrap=True)
    if entry.description:
        world.output.print(Text(f"    {entry.description}"), soft_wrap=True)

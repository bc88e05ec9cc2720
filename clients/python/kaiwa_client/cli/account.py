"""One's own sessions and profile."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from datetime import datetime

from rich.text import Text

from kaiwa_client.cli.world import World, connect
from kaiwa_client.models import User


async def sessions(world: World, options: Namespace) -> None:
    """`kaiwa sessions`."""
    async with connect(world, options) as client:
        if options.end:
            await client.account.end_session(options.end)
            world.output.print(f"Ended session {options.end}.", soft_wrap=True)
            return
        found = await client.account.sessions(limit=options.limit)
    for session in found:
        if options.json:
            times = {
                name: getattr(session, name).isoformat() for name in ("create_time", "refresh_time", "expire_time")
            }
            world.print_json({**asdict(session), **times})
            continue
        here = "  (this one)" if session.current else ""
        world.output.print(Text(f"{session.device_name or 'a device without a name'}{here}", "bold"), soft_wrap=True)
        since = f"signed in {day(session.create_time)}, last refreshed {day(session.refresh_time)}"
        world.output.print(Text(f"    {since}  {session.user_agent}"), soft_wrap=True)
        world.output.print(Text(f"    {session.id}", "dim"), soft_wrap=True)


async def profile(world: World, options: Namespace) -> None:
    """`kaiwa profile`."""
    names = ("username", "native_language", "level", "time_zone", "day_turn_hour", "voice_retention_days")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    async with connect(world, options) as client:
        user = await client.account.update(**given) if given else await client.me()
    if options.json:
        world.print_json(user_json(user))
        return
    kept = f"{user.voice_retention_days} days" if user.voice_retention_days else "until deleted"
    for name, value in (
        ("Username", user.username),
        ("E-mail", f"{user.email} ({'verified' if user.verified else 'not verified'})"),
        ("Role", user.role),
        ("Language", user.native_language),
        ("Level", str(user.level)),
        ("Time zone", f"{user.time_zone}, days turn over at {user.day_turn_hour}:00"),
        ("Recordings", f"kept {kept}"),
    ):
        world.output.print(Text.assemble((f"{name:<12}", "dim"), value), soft_wrap=True)


def user_json(user: User) -> dict[str, object]:
    """An account as one JSON object."""
    return {**asdict(user), "create_time": user.create_time.isoformat() if user.create_time else None}


def day(at: datetime) -> str:
    """A time to show, to the minute, in this machine's zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")

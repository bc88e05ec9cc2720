"""One's own data: `kaiwa export` and `kaiwa account delete`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from kaiwa_client.cli.jobs import bar, follow, succeeded
from kaiwa_client.cli.world import UsageError, World, address_of, connect, login_store
from kaiwa_client.saving import save_archive


async def export(world: World, options: Namespace) -> None:
    """`kaiwa export`."""
    if options.file is not None:
        _check_free(options.file)
    async with connect(world, options) as client:
        job_id = options.job or await client.account.export(omit_audio=options.omit_audio)
        succeeded(await follow(world, options, client.jobs.watch(job_id)))
        archive = await client.account.archive(job_id)
        # Only its last part, whatever the server calls it.
        path = options.file or world.working_folder / Path(archive.file_name).name
        if options.file is None:
            _check_free(path)
        with bar(world, shown=not options.json) as update:
            await save_archive(client.account, archive, path, lambda done, total: update("Downloading", done, total))
    if options.json:
        world.print_json(
            {
                "type": "export",
                "job_id": job_id,
                "file": str(path),
                "size_bytes": archive.size_bytes,
                "sha256": archive.sha256,
                "expire_time": archive.expire_time.isoformat(),
            }
        )
        return
    world.output.print(f"Saved {path} ({_size(archive.size_bytes)}).", soft_wrap=True)


async def account(world: World, options: Namespace) -> None:
    """`kaiwa account delete`."""
    address = address_of(world, options)
    async with connect(world, options) as client:
        user = await client.me()
        if not options.yes:
            _confirm(world, user.username, str(address))
        password = _password(world)
        job = await follow(world, options, client.account.delete(password))
    login_store(world, address).clear()
    if job is None or job.state != "succeeded":
        text = "The deletion of your account has begun and goes on by itself."
    else:
        text = "Your account has been deleted."
    if not options.json:
        world.output.print(text, soft_wrap=True)


def _check_free(path: Path) -> None:
    if path.exists():
        raise UsageError(f"{path} is there already; name another file.")


def _confirm(world: World, username: str, address: str) -> None:
    if world.ask is None:
        raise UsageError("There is no terminal to confirm it at; give --yes.")
    world.output.print(
        f"This deletes the account {username} at {address} with everything in it: cards, reviews, sentences, attempts, "
        "recordings. There is no way back. kaiwa export saves a copy.",
        soft_wrap=True,
    )
    if world.ask(f"Type {username} to go on: ").strip() != username:
        raise UsageError("Nothing was deleted.")


def _password(world: World) -> str:
    given = world.environment.get("KAIWA_PASSWORD", "")
    if given:
        return given
    if world.ask_password is None:
        raise UsageError("There is no terminal to ask for the password at; set KAIWA_PASSWORD.")
    return world.ask_password("Password: ")


def _size(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"

"""`kaiwa transcribe`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from dataclasses import asdict

from rich.text import Text

from kaiwa_client.cli.world import World, connect
from kaiwa_client.client import LONGEST_TRANSCRIBED_FILE
from kaiwa_client.errors import AudioError
from kaiwa_client.recording import read_bytes


async def transcribe(world: World, options: Namespace) -> None:
    """Writes down what is said in a file."""
    audio = await asyncio.to_thread(read_bytes, options.file)
    if len(audio) > LONGEST_TRANSCRIBED_FILE:
        raise AudioError(
            f"{options.file} has {len(audio) / 2**20:.1f} MiB; at most 3.5 MiB are transcribed. "
            "A compressed file (FLAC, Ogg Opus, MP3) or a shorter piece may fit."
        )
    hint = "" if options.language == "auto" else options.language
    async with connect(world, options) as client:
        result = await client.transcribe(audio, language_hint=hint)
    if options.json:
        world.print_json(
            {**asdict(result.transcript), "audio_ms": result.audio_ms, "speech_model": result.speech_model}
        )
        return
    heard = result.transcript
    if not heard.text:
        world.errors.print(Text("No speech was found.", "dim"))
        return
    world.output.print(Text(heard.text), soft_wrap=True)
    if heard.reading:
        world.output.print(Text(heard.reading, "dim"), soft_wrap=True)

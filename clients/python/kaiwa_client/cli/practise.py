"""`kaiwa practice`."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from kaiwa_client.cli.live import LiveView
from kaiwa_client.cli.plain import PlainView
from kaiwa_client.cli.result import show_result, show_saved
from kaiwa_client.cli.summary import Log, event_json
from kaiwa_client.cli.world import World, connect
from kaiwa_client.errors import AudioError
from kaiwa_client.events import Event, Ready
from kaiwa_client.practice import Practice
from kaiwa_client.recording import Recording, chunks, in_real_time, read_recording

_TIME_FOR_RESULTS = 120.0


class View(Protocol):
    """Shows a practice while it goes on; entered before and left after it."""

    def show(self, event: Event, practice: Practice) -> None:
        """Shows what an event brings."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _JsonView(AbstractContextManager["_JsonView"]):
    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, event: Event, practice: Practice) -> None:
        self._world.print_json(event_json(event, practice))

    def __exit__(self, *_: object) -> None:
        return None


async def practice(world: World, options: Namespace) -> None:
    """Sends a recording and shows what comes back."""
    recording = await asyncio.to_thread(read_recording, options.file)
    log = Log()
    async with connect(world, options) as client:
        audio = in_real_time(recording, world.clock) if options.realtime else chunks(recording)
        under_way = client.practice(
            audio,
            sample_rate_hertz=recording.sample_rate_hertz,
            sentence_id=options.sentence_id or "",
            text=options.text or "",
            speaking_session_id=options.session or "",
            timeout=recording.duration_ms / 1000 + _TIME_FOR_RESULTS,
        )
        async with under_way:
            with _view(world, options, recording) as view:
                async for event in under_way:
                    if isinstance(event, Ready):
                        _check_length(options, recording, event)
                    log.add(event, under_way)
                    view.show(event, under_way)
    if options.json:
        world.print_json(log.summary(under_way))
        return
    if log.transcript is not None:
        show_result(world.output, log.transcript, log.assessment)
    if log.saved is not None:
        show_saved(world.output, log.saved)


def _view(world: World, options: Namespace, recording: Recording) -> View:
    if options.json:
        return _JsonView(world)
    if world.output.is_terminal and not world.output.is_dumb_terminal:
        return LiveView(world.output, recording.duration_ms)
    return PlainView(world.output)


def _check_length(options: Namespace, recording: Recording, ready: Ready) -> None:
    longest = ready.limits.longest_utterance_ms
    # A sample more than the limit may be rounding; the server decides about that.
    if longest is not None and recording.duration_ms > longest + 1:
        raise AudioError(
            f"{options.file} plays for {recording.duration_ms / 1000:.1f} s; "
            f"this practice takes at most {longest / 1000:.0f} s."
        )

"""A practice in lines, for files, pipes and terminals that can't redraw."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text

from kaiwa_client.events import Event, Notice, Partial, Ready, SpeechStarted
from kaiwa_client.phrases import notice
from kaiwa_client.practice import Practice


class PlainView:
    """Prints a line when something new is heard: what may still change stands in brackets."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def show(self, event: Event, practice: Practice) -> None:
        """Prints what an event brings, if it is new."""
        if isinstance(event, Ready) and event.reference is not None:
            self._line(f"Read: {event.reference.text}  ({event.reference.reading})")
        elif isinstance(event, SpeechStarted):
            self._line("Listening ...")
        elif isinstance(event, Partial):
            unstable = f"[{event.unstable_text}]" if event.unstable_text else ""
            read = "" if event.morae_read is None else f"  {event.morae_read}/{event.morae_total} morae"
            line = f"... {event.stable_text}{unstable}{read}"
            if line != self._last:
                self._line(line)
                self._last = line
        elif isinstance(event, Notice) and (text := notice(event.kind, event.parameters)) is not None:
            self._line(f"Note: {text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._console.print()

    def _line(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

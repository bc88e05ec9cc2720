"""A practice as it goes on, redrawn in place."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kaiwa_client.cli.colours import score_style
from kaiwa_client.events import Event, Notice, Partial, Ready, SpeechEnded, SpeechStarted
from kaiwa_client.models import Reference
from kaiwa_client.phrases import notice
from kaiwa_client.practice import Practice

_BAR_WIDTH = 40


class LiveView:
    """The text with its morae lighting up as they are read, what is heard, and how far the audio is.

    Args:
        console: a terminal.
        duration_ms: how long the recording is.
    """

    def __init__(self, console: Console, duration_ms: int) -> None:
        self._duration_ms = duration_ms
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._reference: Reference | None = None
        self._partial: Partial | None = None
        self._state = "Connecting ..."
        self._notice = ""
        self._heard_ms = 0

    def show(self, event: Event, practice: Practice) -> None:
        """Redraws with what an event brings."""
        self._heard_ms = max(self._heard_ms, event.audio_offset_ms)
        if isinstance(event, Ready):
            self._reference, self._state = event.reference, "Listening ..."
        elif isinstance(event, SpeechStarted):
            self._state = "Hearing you ..."
        elif isinstance(event, Partial):
            self._partial = event
        elif isinstance(event, SpeechEnded):
            self._state, self._heard_ms = "Judging ...", self._duration_ms
        elif isinstance(event, Notice):
            self._notice = notice(event.kind, event.parameters) or self._notice
        self._live.update(self._picture(), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._live.update(self._picture(), refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _picture(self) -> Group:
        rows = Table.grid(padding=(0, 2))
        rows.add_column(style="dim", no_wrap=True)
        rows.add_column(overflow="fold")
        if self._reference is not None:
            rows.add_row("Read", Text(self._reference.text, "bold"))
            rows.add_row("", self._morae(self._reference))
        rows.add_row("Heard", self._heard())
        bar = ProgressBar(total=max(1, self._duration_ms), completed=self._heard_ms, width=_BAR_WIDTH)
        rows.add_row("", bar)
        rows.add_row("", Text(f"{self._state}  {self._heard_ms / 1000:.1f} of {self._duration_ms / 1000:.1f} s", "dim"))
        if self._notice:
            rows.add_row("", Text(self._notice, "yellow"))
        return Group(rows)

    def _morae(self, reference: Reference) -> Text:
        read = self._partial.morae_read or 0 if self._partial else 0
        impressions: Mapping[int, float] = (
            {item.mora: item.score for item in self._partial.impressions} if self._partial else {}
        )
        line = Text()
        for index, mora in enumerate(reference.morae):
            if index >= read:
                style = "dim"
            elif index in impressions:
                style = f"bold {score_style(impressions[index])}"
            else:
                style = "bold cyan"
            line.append(mora.mora, style)
            line.append(" ")
        return line

    def _heard(self) -> Text:
        if self._partial is None:
            return Text("–", "dim")
        return Text.assemble((self._partial.stable_text, "bold"), (self._partial.unstable_text, "dim"))

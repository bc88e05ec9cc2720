"""What `up` and `doctor` show."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO


class Screen:
    """Writes lines for a person. A reader that went away is no reason to stop.

    Args:
        output: where to; colours only if it is a terminal.
    """

    def __init__(self, output: TextIO | None = None) -> None:
        self._output = output or sys.stdout
        self._colours = self._output.isatty()

    def line(self, text: str = "") -> None:
        """Writes a line."""
        with contextlib.suppress(OSError, ValueError):
            self._output.write(f"{text}\n")
            self._output.flush()

    def step(self, name: str, text: str, seconds: float | None = None) -> None:
        """Writes what became of one thing, and how long it took."""
        took = f"  {self._dim(f'{seconds:.1f} s')}" if seconds is not None else ""
        self.line(f"  {self._green('✓')} {name:<12} {text}{took}")

    def fault(self, name: str, text: str) -> None:
        """Writes what is wrong with one thing."""
        first, *rest = text.splitlines() or [""]
        self.line(f"  {self._red('✗')} {name:<12} {first}")
        for line in rest:
            self.line(f"{'':17}{line}")

    def heading(self, text: str) -> None:
        """Writes a line that stands out."""
        self.line(self._paint("1", text))

    def _green(self, text: str) -> str:
        return self._paint("32", text)

    def _red(self, text: str) -> str:
        return self._paint("31", text)

    def _dim(self, text: str) -> str:
        return self._paint("2", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text

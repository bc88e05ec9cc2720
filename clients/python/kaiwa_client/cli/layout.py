"""Lines that fit the terminal, with what does not fit beneath in the same column."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

_NARROWEST = 10


def hang(console: Console, lead: Text | str, *pieces: Text | str, separator: str = "", least: int = _NARROWEST) -> None:
    """Prints pieces behind a lead; further lines begin where the first piece does.

    A line breaks between pieces, and within one only where it alone is wider than the room. What is no terminal gets
    one line, as programs read it.

    Args:
        console: where to.
        lead: what stands before the first piece.
        pieces: what stands side by side.
        separator: what stands between two on a line.
        least: the columns that pieces get however narrow the terminal is.
    """
    lead = Text(lead) if isinstance(lead, str) else lead
    texts = [Text(piece) if isinstance(piece, str) else piece for piece in pieces]
    if not console.is_terminal:
        console.print(Text.assemble(lead, Text(separator).join(texts)), soft_wrap=True)
        return
    room = max(least, console.width - lead.cell_len)
    for index, line in enumerate(_lines(console, texts, separator, room)):
        start = lead if index == 0 else Text(" " * lead.cell_len)
        console.print(Text.assemble(start, line), soft_wrap=True)


def _lines(console: Console, pieces: Sequence[Text], separator: str, room: int) -> Sequence[Text]:
    lines: list[Text] = []
    for piece in pieces:
        if lines and lines[-1].cell_len + len(separator) + piece.cell_len <= room:
            lines[-1].append(separator).append_text(piece)
        elif piece.cell_len <= room:
            lines.append(piece.copy())
        else:
            lines += piece.wrap(console, room, overflow="fold")
    for line in lines:
        line.rstrip()
    return lines or [Text()]

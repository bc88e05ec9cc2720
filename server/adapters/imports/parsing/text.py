"""Text out of files: lines, encodings, and fields that hold HTML."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import IO

from server.adapters.imports.parsing.unpacking import Refused

_BLOCKS = frozenset({"br", "div", "p", "li", "tr", "td", "th", "ul", "ol", "table", "hr", "h1", "h2", "h3", "h4"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg", "math"})
_SOUND = re.compile(r"\[sound:([^\]\r\n]{1,400})\]")
_SPACES = re.compile(r"[ \t\u00a0]+")
_RUBY = re.compile(r" ?([^\s\[\]。、！？「」]+?)\[([^\[\]]+)\]")
_KANA = re.compile(r"[ぁ-ゖァ-ヺー・]+")


class _Seen(HTMLParser):
    """Gathers the text that a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._reading = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Hides scripts; a block begins a line; <rt> becomes ruby in brackets."""
        if tag in _UNSEEN:
            self._hidden += 1
        elif tag == "rt":
            self.parts.append("[")
            self._reading += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag == "ruby":
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """Ends what began."""
        if tag in _UNSEEN and self._hidden:
            self._hidden -= 1
        elif tag == "rt" and self._reading:
            self.parts.append("]")
            self._reading -= 1
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Keeps what is seen."""
        if not self._hidden:
            self.parts.append(data)


def plain(field: str) -> str:
    """The text that a reader of a field sees: no tags, scripts, comments or control characters, one line."""
    if "<" in field or "&" in field:
        seen = _Seen()
        try:
            seen.feed(field)
            seen.close()
            field = "".join(seen.parts)
        except AssertionError:
            # The parser gives up on some broken declarations.
            field = html.unescape(re.sub(r"<[^>]*>?", " ", field))
    field = "".join(c if unicodedata.category(c) != "Cc" or c in "\n\t" else " " for c in field)
    lines = (_SPACES.sub(" ", line).strip() for line in field.splitlines())
    return unicodedata.normalize("NFC", " ".join(line for line in lines if line))


def sounds(field: str) -> list[str]:
    """The recordings that a field names, in Unicode's NFC form."""
    return [unicodedata.normalize("NFC", html.unescape(name)) for name in _SOUND.findall(field)]


def without_sounds(field: str) -> str:
    """A field without the recordings that it names."""
    return _SOUND.sub("", field)


def ruby(field: str) -> tuple[str, list[list[object]]]:
    """Takes Anki's ruby out of a text: 漢字[かんじ] is 漢字 with a span over it.

    Returns:
        The text without it, and spans as [offset, length, reading], each over everything since the last space, as Anki
        has it; what of it the reading is meant for is left to be found out.
    """
    spans: list[list[object]] = []
    out: list[str] = []
    length = at = 0
    for found in _RUBY.finditer(field):
        base, reading = found.group(1), found.group(2)
        if not _KANA.fullmatch(reading):
            continue
        before = field[at : found.start()]
        out += (before, base)
        spans.append([length + len(before), len(base), reading])
        length += len(before) + len(base)
        at = found.end()
    out.append(field[at:])
    return "".join(out), spans


def lines(file: IO[bytes], most: int) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file without their ends, numbered from 1; None in the place of one that is longer than `most`."""
    number = 0
    while line := file.readline(most + 1):
        number += 1
        if len(line) > most and not line.endswith(b"\n"):
            while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, line.rstrip(b"\r\n")


def decode(line: bytes, number: int) -> str:
    """A line of UTF-8.

    Raises:
        Refused: wrong_encoding.
    """
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise Refused("wrong_encoding", f"Row {number} is not UTF-8.") from error

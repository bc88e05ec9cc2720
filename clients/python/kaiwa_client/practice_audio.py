"""The audio of a practice, kept until its result is there so that a broken stream can go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable

AudioSource = AsyncIterable[bytes] | Iterable[bytes]
"""Gives signed 16-bit little-endian mono samples in pieces of any size."""


class KeptAudio:
    """Takes audio from a source and gives it out from any offset, as often as needed."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False
        self._changed = asyncio.Event()
        self.failure: BaseException | None = None

    async def fill(self, source: AudioSource) -> None:
        """Reads the source to its end; what it raises is kept in `failure`."""
        try:
            if isinstance(source, AsyncIterable):
                async for piece in source:
                    self._add(piece)
            else:
                for piece in source:
                    self._add(piece)
        except Exception as error:
            self.failure = error
        finally:
            self._ended = True
            self._changed.set()

    async def read(self, offset: int, most: int) -> bytes | None:
        """The audio from byte `offset`, at most `most` bytes, as soon as there is any; None at the end."""
        while offset >= len(self._data):
            if self._ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return bytes(self._data[offset : offset + most])

    def _add(self, piece: bytes) -> None:
        self._data += piece
        self._changed.set()

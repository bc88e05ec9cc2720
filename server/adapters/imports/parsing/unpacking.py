"""Unpacks what was uploaded, within limits. What a file is, its content tells, never its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

import zstandard

PIECE = 1 << 16
MOST_MEMBERS = 200_000
_WINDOW = 1 << 27
"""The largest window of zstd, in bytes; Anki's are 8 MiB."""


class Refused(Exception):
    """The file can't be used at all.

    Args:
        kind: the problem, as the domain names it.
        description: a sentence for people.
        entry: the member of the archive.
    """

    def __init__(self, kind: str, description: str, entry: str = "") -> None:
        super().__init__(description)
        self.kind = kind
        self.description = description
        self.entry = entry[:200]


@dataclass(slots=True)
class Budget:
    """How many bytes may still be unpacked."""

    left: int
    limit: int

    @classmethod
    def of(cls, limit: int) -> Budget:
        """A budget that nothing was taken from yet."""
        return cls(limit, limit)

    def take(self, count: int, entry: str = "") -> None:
        """Takes bytes out of it.

        Raises:
            Refused: unpacks_too_large.
        """
        self.left -= count
        if self.left < 0:
            raise Refused("unpacks_too_large", f"The files unpack to more than {self.limit} bytes.", entry)


class Counted(io.RawIOBase):
    """A stream that takes what is read from it out of a budget, and tells damage as that."""

    def __init__(self, inner: IO[bytes], budget: Budget, entry: str = "") -> None:
        self._inner = inner
        self._budget = budget
        self._entry = entry

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: object) -> int:
        """Reads into a buffer."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        with damage_told(self._entry):
            data = self._inner.read(min(len(view), PIECE))
        self._budget.take(len(data), self._entry)
        view[: len(data)] = data
        return len(data)


@contextmanager
def damage_told(entry: str = "") -> Iterator[None]:
    """Turns what decompressors raise into refusals."""
    try:
        yield
    except EOFError as error:
        raise Refused("truncated", "The file ends too early.", entry) from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        lzma.LZMAError,
        zlib.error,
        zstandard.ZstdError,
        gzip.BadGzipFile,
    ) as error:
        raise Refused("damaged", "The archive is damaged.", entry) from error
    except NotImplementedError as error:
        raise Refused("wrong_format", "The archive is compressed in a way that isn't read.", entry) from error
    except RuntimeError as error:
        # zipfile says so of members that are encrypted.
        if "encrypted" in str(error) or "password" in str(error):
            raise Refused("encrypted", "The archive is encrypted.", entry) from error
        raise
    except (OSError, ValueError) as error:
        raise Refused("damaged", "The archive is damaged.", entry) from error


def check_name(name: str) -> None:
    """Refuses names that lead out of an archive.

    Raises:
        Refused: unsafe_name.
    """
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name or (len(name) > 1 and name[1] == ":"):
        raise Refused("unsafe_name", "A member of the archive has a name that leads out of it.", name)


def open_zip(file: IO[bytes]) -> zipfile.ZipFile:
    """An archive whose members are all safe to be read.

    Raises:
        Refused: damaged, too_many_entries, unsafe_name, encrypted.
    """
    with damage_told():
        archive = zipfile.ZipFile(file)
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise Refused("too_many_entries", f"The archive has more than {MOST_MEMBERS} members.")
    for member in members:
        check_name(member.orig_filename)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Refused("unsafe_name", "A member of the archive is a link.", member.filename)
        if member.flag_bits & 1:
            raise Refused("encrypted", "The archive is encrypted.", member.filename)
    return archive


def zip_member(archive: zipfile.ZipFile, name: str, budget: Budget) -> IO[bytes]:
    """A member of an archive, to be read.

    Raises:
        Refused: damaged and the like, here or when it is read.
    """
    with damage_told(name):
        return io.BufferedReader(Counted(archive.open(name), budget, name), PIECE)


def zstd_stream(inner: IO[bytes], budget: Budget, entry: str = "") -> IO[bytes]:
    """What a stream of zstd unpacks to."""
    reader = zstandard.ZstdDecompressor(max_window_size=_WINDOW).stream_reader(inner, read_across_frames=True)
    return io.BufferedReader(Counted(reader, budget, entry), PIECE)


def open_plain(path: str, budget: Budget) -> IO[bytes]:
    """The one file that there is in an uploaded file: itself, or what it unpacks to, also twice (a tar in bzip2).

    Of several members of an archive the largest is taken that does not begin with `_` or `.`.

    Raises:
        Refused: it can't be unpacked, here or when it is read.
    """
    file: IO[bytes] = open(path, "rb")  # noqa: SIM115 - the process ends with its work
    for _ in range(3):
        head = _peek(file)
        if head.startswith(b"BZh"):
            file = io.BufferedReader(Counted(bz2.BZ2File(file), budget), PIECE)
        elif head.startswith(b"\x1f\x8b"):
            file = io.BufferedReader(Counted(gzip.GzipFile(fileobj=file), budget), PIECE)  # type: ignore[arg-type]
        elif head.startswith(b"\x28\xb5\x2f\xfd"):
            file = zstd_stream(file, budget)
        elif head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            archive = open_zip(file)
            wanted = [each for each in archive.infolist() if not each.is_dir() and _counts(each.filename)]
            if not wanted:
                raise Refused("wrong_format", "The archive is empty.")
            file = zip_member(archive, max(wanted, key=lambda each: each.file_size).filename, budget)
        elif head[257:262] == b"ustar":
            file = _tar_member(file, budget)
        else:
            return file
    raise Refused("wrong_format", "The file is packed too many times over.")


def _counts(name: str) -> bool:
    return not name.rpartition("/")[2].startswith(("_", "."))


def _peek(file: IO[bytes]) -> bytes:
    if not isinstance(file, io.BufferedReader):
        raise TypeError("not buffered")
    head = file.peek(PIECE)
    return head[:512]


def _tar_member(file: IO[bytes], budget: Budget) -> IO[bytes]:
    with damage_told():
        archive = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115 - it is read after this call
    for count in range(MOST_MEMBERS):
        with damage_told():
            member = archive.next()
        if member is None:
            raise Refused("wrong_format", "The archive is empty.")
        check_name(member.name)
        if member.issym() or member.islnk():
            raise Refused("unsafe_name", "A member of the archive is a link.", member.name)
        if member.isfile() and _counts(member.name):
            with damage_told(member.name):
                inner = archive.extractfile(member)
            if inner is not None:
                return io.BufferedReader(Counted(inner, budget, member.name), PIECE)
        elif not member.isfile() and not member.isdir():
            raise Refused("unsafe_name", "A member of the archive is no file.", f"{member.name} ({count})")
    raise Refused("too_many_entries", f"The archive has more than {MOST_MEMBERS} members.")

"""Reads one import's files under limits; the program of the process that `reader` starts.

It takes a job as one JSON object on its standard input, and writes one JSON object a line: records as the parsers make
them, at last `{"t": "end"}` or `{"t": "fatal", ...}`. With `media` in the job it writes recordings instead: a line that
names one and its size, then its bytes. It never writes anything else.

Archives, compressed streams and SQLite files are a large attack surface, so before this process looks at one it gives
up what it doesn't need: it starts nothing, and uses no more memory, time or disk than it was given.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from server.adapters.imports.parsing.anki import Package, anki
from server.adapters.imports.parsing.table import table
from server.adapters.imports.parsing.tatoeba import tatoeba, tatoeba_pairs
from server.adapters.imports.parsing.unpacking import PIECE, Budget, Refused, open_zip, zip_member


def restrict(job: Mapping[str, Any]) -> None:
    """Gives up, for good, what reading doesn't need."""
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, job["limits"]["unpacked_bytes"]),
        (resource.RLIMIT_CPU, job["cpu_seconds"]),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_AS, job["memory_bytes"]),
    ]
    for kind, value in limits:
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):
            # macOS refuses some; there the parent's own limits on time still hold.
            if sys.platform == "linux":
                raise
    # A file that grows too large is an error to be told, not a signal.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        set_parent_death_signal, set_no_new_privileges = 1, 38
        if prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0) or prctl(set_no_new_privileges, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != job["parent"]:
        sys.exit(1)


def records(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the parser of the import's kind makes of its files."""
    files, limits, options = job["files"], job["limits"], job["options"]
    if job["kind"] == "tatoeba":
        return tatoeba(files, limits, options)
    if job["kind"] == "tatoeba_pairs":
        return tatoeba_pairs(files, limits, options)
    if job["kind"] == "anki_package":
        return anki(files, limits, options, job["folder"])
    return table(files, limits, options)


def media(job: Mapping[str, Any]) -> Iterator[tuple[str, bytes | None]]:
    """The wanted media of an archive; None in the place of one that is too large."""
    parts_of: Callable[[str], Iterator[bytes]]
    if job["kind"] == "anki_package":
        parts_of = Package(job["files"]["anki_package"], job["limits"], job["folder"]).member
    else:
        budget = Budget.of(job["limits"]["unpacked_bytes"])
        archive = open_zip(open(job["files"]["table_media"], "rb"))  # noqa: SIM115 - the process ends with its work

        def parts_of(member: str) -> Iterator[bytes]:
            return iter(partial(zip_member(archive, member, budget).read, PIECE), b"")

    for member in job["media"]:
        data = bytearray()
        for part in parts_of(member):
            data += part
            if len(data) > job["media_bytes"]:
                break
        yield member, bytes(data) if len(data) <= job["media_bytes"] else None


def main() -> int:
    """Does one job."""
    job = json.loads(sys.stdin.buffer.readline())
    out = sys.stdout.buffer
    restrict(job)

    def write(record: Mapping[str, Any]) -> None:
        out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n")

    try:
        if job.get("media") is not None:
            for member, data in media(job):
                write({"t": "media", "member": member, "size": -1 if data is None else len(data)})
                out.write(data or b"")
        else:
            for count, record in enumerate(records(job)):
                write(record)
                if job.get("most") is not None and count >= job["most"]:
                    break
        write({"t": "end"})
    except Refused as refused:
        write({"t": "fatal", "kind": refused.kind, "description": refused.description, "entry": refused.entry})
    except MemoryError:
        write(
            {"t": "fatal", "kind": "unpacks_too_large", "description": "Reading it takes too much memory.", "entry": ""}
        )
    except BrokenPipeError:
        return 0
    except Exception:
        # Whatever else goes wrong here, a file made it go wrong.
        write({"t": "fatal", "kind": "damaged", "description": "The file can't be read.", "entry": ""})
    try:
        out.flush()
    except BrokenPipeError:
        return 0
    return 0


if __name__ == "__main__":
    # Everything is flushed; taking the modules down again would only take time.
    os._exit(main())

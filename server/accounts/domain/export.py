"""Exports of an account's data: what they are called and what they say of themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.kernel.identity import UserId
from server.kernel.ownership import Document, Folder

MOST_A_DAY = 5
"""Exports that an account may ask for in 24 hours; the contract says so."""
DAY = timedelta(days=1)
CONTENT_TYPE = "application/zip"
EXPORTS = "exports/"
"""Where archives lie in the object store: under the user's id, the job's and the attempt's number."""
FORMAT, VERSION = "kaiwa-export", 1
"""The name of the format and its version, which changes when what was there is called otherwise or means otherwise."""


@dataclass(frozen=True, slots=True)
class Export:
    """An archive.

    Attributes:
        job_id: the job that made it, which is also its name to its owner.
        user_id: whose data.
        key: where it lies in the object store.
        size_bytes: its size.
        sha256: its digest, 32 bytes.
        created_at: when it was made.
        deleted_at: when it was deleted; None while it is there.
    """

    job_id: str
    user_id: UserId
    key: str
    size_bytes: int
    sha256: bytes
    created_at: datetime
    deleted_at: datetime | None = None

    @property
    def file_name(self) -> str:
        """A name to save it under."""
        return f"{FORMAT}-{self.created_at:%Y-%m-%d}.zip"


@dataclass(frozen=True, slots=True)
class FoundExport:
    """What is known of an export.

    Attributes:
        state: the job's, such as `running`; None when the job is forgotten.
        expires_at: when the archive is deleted; None while the job has not ended, or when it is forgotten.
        archive: None while there is none.
    """

    state: str | None
    expires_at: datetime | None
    archive: Export | None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        if self.archive is not None and self.archive.deleted_at is not None:
            return True
        return self.state is None or (self.expires_at is not None and now >= self.expires_at)


def archive_key(user_id: UserId, job_id: str, attempt: int) -> str:
    """Where an attempt stores its archive."""
    return f"{EXPORTS}{user_id}/{job_id}-{attempt}.zip"


def readme(now: datetime, documents: Iterable[Document], folders: Iterable[Folder], *, omit_audio: bool) -> str:
    """What the archive says of itself to people, in Markdown."""
    files = "\n".join(f"- `{document.path}.json`: {document.text}" for document in documents)
    held = list(folders)
    exported = "\n".join(f"- `{folder.path}`: {folder.text}" for folder in held if folder.path is not None)
    left_out = "\n".join(f"- {folder.text}" for folder in held if folder.path is None)
    audio = "You asked for an export without recordings, so these folders are left out:\n\n" if omit_audio else ""
    return f"""# Your data in Kaiwa

This is all that Kaiwa held of you at {rfc3339(now)}.

## Records

Each file is a JSON array (RFC 8259, UTF-8) with an object for each record; a field that is null had no value. Times are
UTC by RFC 3339, days are `YYYY-MM-DD` in your own time zone, ids are UUIDs, and the same id in two files is the same
thing. Lengths of time and sizes have their unit in the name of the field. `manifest.json` says how many records each
file has, for programs.

{files}

## Files

{audio}{exported}

## Left out

Digests of your password and of tokens, which say nothing about you and could only help somebody to guess them; where
files lie on the server; other people's ids in the log of administrators.

{left_out}
"""


def rfc3339(at: datetime) -> str:
    """A time as an export has it.

    Args:
        at: aware, UTC.
    """
    return at.isoformat().replace("+00:00", "Z")

"""Recognises common files that are no audio, by how they begin, so that the refusal can name them."""

from __future__ import annotations

_LOOKED_AT = 1024

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
)
_TEXTS: tuple[tuple[str, str], ...] = (
    ("#extm3u", "application/vnd.apple.mpegurl"),
    ("v=0", "application/sdp"),
    ("{\\rtf", "application/rtf"),
    ("<!doctype html", "text/html"),
    ("<html", "text/html"),
    ("<svg", "image/svg+xml"),
    ("<?xml", "application/xml"),
)
# NIST SPHERE, the one audio container with a header in plain text.
_AUDIO_TEXT = b"NIST_1A\n"
_WHITE = "\t\n\r\f"


def recognised_as(data: bytes) -> str | None:
    """The media type of a file that is certainly no audio; None for everything else.

    Args:
        data: the whole file.
    """
    for offset, signature, kind in _SIGNATURES:
        if data.startswith(signature, offset):
            return kind
    return _text(data)


def _text(data: bytes) -> str | None:
    head = data[:_LOOKED_AT]
    if not head or head.startswith(_AUDIO_TEXT):
        return None
    try:
        # A character may be cut at the end of what is looked at.
        text = head.decode("utf-8-sig", "strict" if len(data) <= _LOOKED_AT else "ignore")
    except UnicodeDecodeError:
        return None
    if len(data) > _LOOKED_AT and len(text.encode()) < len(head) - 6:
        return None
    if any((character < " " and character not in _WHITE) or character == "\x7f" for character in text):
        return None
    start = text.lstrip().lower()
    return next((kind for prefix, kind in _TEXTS if start.startswith(prefix)), "text/plain")

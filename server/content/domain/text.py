"""How texts and tags that people send are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from server.content.domain.kana import is_japanese
from server.errors import InvalidInput, Reason

_ALLOWED_CONTROLS = "\t\n"


def check_text(value: str, field: str) -> str:
    """A text without the control characters that no text needs and some displays obey.

    Raises:
        InvalidInput: INVALID_FIELD when there is one other than tab and line feed.
    """
    if any(unicodedata.category(char) == "Cc" and char not in _ALLOWED_CONTROLS for char in value):
        raise InvalidInput(field, "has a control character; tab and line feed alone are allowed")
    return value


def clean_text(value: str, field: str) -> str:
    """A text without white space at its ends.

    Raises:
        InvalidInput: INVALID_FIELD when it has a control character other than tab and line feed.
    """
    return check_text(value.strip(), field)


def clean_japanese(value: str, field: str) -> str:
    """The text of a sentence without white space at its ends.

    Raises:
        InvalidInput: TEXT_NOT_JAPANESE when it has no kana and no kanji; INVALID_FIELD when it has a control character.
    """
    text = clean_text(value, field)
    if not is_japanese(text):
        raise InvalidInput(field, "has no kana and no kanji", reason=Reason.TEXT_NOT_JAPANESE)
    return text


def normalize_tags(tags: Sequence[str], field: str) -> tuple[str, ...]:
    """Tags without white space at their ends, each once, sorted.

    Raises:
        InvalidInput: INVALID_FIELD when one is blank or has a control character.
    """
    cleaned = set[str]()
    for index, tag in enumerate(tags):
        path = f"{field}[{index}]"
        if not (name := clean_text(tag, path)):
            raise InvalidInput(path, "is blank")
        cleaned.add(name)
    return tuple(sorted(cleaned))

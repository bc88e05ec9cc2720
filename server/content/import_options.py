"""How the options of imports are kept."""

from __future__ import annotations

from dataclasses import replace

from server.content.domain.imports import ImportOptions
from server.content.domain.text import clean_text, normalize_tags


def cleaned(options: ImportOptions) -> ImportOptions:
    """Options as they are kept: tags, author and licence without white space at their ends.

    Raises:
        InvalidInput: INVALID_FIELD for control characters and blank tags.
    """
    return replace(
        options,
        tags_to_add=normalize_tags(options.tags_to_add, "options.tags_to_add"),
        author=clean_text(options.author, "options.author"),
        licence=clean_text(options.licence, "options.licence"),
    )

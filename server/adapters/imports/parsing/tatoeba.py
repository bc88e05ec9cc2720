"""Tatoeba's exports, and the pairs of manythings.org."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from server.adapters.imports.parsing.text import decode, lines, plain
from server.adapters.imports.parsing.unpacking import Budget, Refused, open_plain

LICENCE = "CC BY 2.0 FR"
_MOST_TRANSLATIONS = 16
_ATTRIBUTION = re.compile(r"(.*?)\s*Attribution: tatoeba\.org #(\d+) \((.*?)\) & #(\d+) \((.*?)\)\s*$")
_ID = re.compile(r"[1-9][0-9]{0,17}")

Record = dict[str, Any]


def tatoeba(files: Mapping[str, str], limits: Mapping[str, int], options: Mapping[str, Any]) -> Iterator[Record]:
    """The Japanese sentences of an export in the file's order, each with what the other files say of it.

    Args:
        files: paths by role.
        limits: unpacked_bytes, field_bytes, entries.
        options: licence.
    """
    japanese = {row[0] for _, row in _sentences(files["tatoeba_sentences"], limits, {"jpn"}) if isinstance(row, tuple)}
    if len(japanese) > limits["entries"]:
        raise Refused("too_many_entries", f"There are more than {limits['entries']} sentences.")
    links: dict[int, list[int]] = {}
    if "tatoeba_links" in files:
        for number, fields in _rows(files["tatoeba_links"], limits):
            one, other = _ids(fields, number, 2)
            if other in japanese and one not in japanese:
                one, other = other, one
            elif one not in japanese or other in japanese:
                continue
            kept = links.setdefault(one, [])
            if other not in kept:
                kept.append(other)
    pairs: dict[int, list[tuple[int, str]]] = {}
    authors: dict[int, str] = {}
    if "tatoeba_pairs" in files:
        for _, pair in _pairs(files["tatoeba_pairs"], limits):
            if isinstance(pair, dict) and pair["japanese_id"] in japanese:
                pairs.setdefault(pair["japanese_id"], []).append((pair["english_id"], pair["english"]))
                authors[pair["japanese_id"]] = pair["author"]
                authors[pair["english_id"]] = pair["english_author"]
    wanted = {each for kept in links.values() for each in kept}
    english: dict[int, tuple[str, str]] = {}
    for role in ("tatoeba_english", "tatoeba_sentences"):
        if role in files and (role == "tatoeba_english" or wanted):
            for _, row in _sentences(files[role], limits, {"eng"}):
                if isinstance(row, tuple) and row[0] in wanted:
                    english[row[0]] = (row[2], row[3])
    indices: dict[int, str] = {}
    if "tatoeba_indices" in files:
        for _, fields in _rows(files["tatoeba_indices"], limits):
            if len(fields) >= 3 and _ID.fullmatch(fields[0]) and int(fields[0]) in japanese:
                indices.setdefault(int(fields[0]), fields[2])
    audio: dict[int, str] = {}
    if "tatoeba_audio" in files:
        for _, fields in _rows(files["tatoeba_audio"], limits):
            if fields and _ID.fullmatch(fields[0]) and int(fields[0]) in japanese:
                licence = "" if len(fields) < 4 or fields[3] == "\\N" else fields[3]
                audio[int(fields[0])] = licence or audio.get(int(fields[0]), "")
    yield {"t": "head", "entries": len(japanese), "media": len(audio)}
    seen: set[int] = set()
    for number, row in _sentences(files["tatoeba_sentences"], limits, {"jpn"}):
        if not isinstance(row, tuple):
            yield _refused(number, *row)
            continue
        own, _, text, author = row
        if own in seen:
            yield _refused(number, "bad_row", f"The id {own} stands there twice.", str(own))
            continue
        seen.add(own)
        found = [(str(each), *english[each]) for each in links.get(own, ()) if each in english]
        known = {text_ for _, text_, _ in found}
        found += [(str(id_), text_, "") for id_, text_ in pairs.get(own, ()) if text_ not in known]
        translations = [
            {
                "text": text_[:1000],
                "source_id": id_,
                "author": name or authors.get(int(id_), ""),
                "licence": LICENCE,
            }
            for id_, text_, name in found[: _MOST_TRANSLATIONS + 1]
        ]
        record = _entry(number, str(own), text, translations, author or authors.get(own, ""))
        if own in indices:
            record["index"] = indices[own]
        if own in audio:
            record["remote_audio_licence"] = audio[own]
        yield record


def tatoeba_pairs(files: Mapping[str, str], limits: Mapping[str, int], options: Mapping[str, Any]) -> Iterator[Record]:
    """The Japanese sentences of manythings.org's pairs, each once with all of its translations."""
    entries: dict[int, Record] = {}
    problems: list[Record] = []
    for number, pair in _pairs(files["tatoeba_pairs"], limits):
        if not isinstance(pair, dict):
            problems.append(_refused(number, *pair))
            if len(problems) == 1000 and not entries:
                raise Refused("wrong_format", "These are no pairs of English, Japanese and attribution.")
            continue
        translation = {
            "text": pair["english"][:1000],
            "source_id": str(pair["english_id"]),
            "author": pair["english_author"],
            "licence": pair["licence"],
        }
        entry = entries.get(pair["japanese_id"])
        if entry is None:
            if len(entries) >= limits["entries"]:
                raise Refused("too_many_entries", f"There are more than {limits['entries']} sentences.")
            entry = _entry(number, str(pair["japanese_id"]), pair["japanese"], [], pair["author"])
            entry["licence"] = pair["licence"]
            entries[pair["japanese_id"]] = entry
        if len(entry["translations"]) <= _MOST_TRANSLATIONS:
            entry["translations"].append(translation)
    if not entries:
        raise Refused("wrong_format", "These are no pairs of English, Japanese and attribution.")
    yield {"t": "head", "entries": len(entries) + len(problems), "media": 0}
    yield from problems
    yield from entries.values()


def _entry(number: int, source_id: str, text: str, translations: list[Record], author: str) -> Record:
    return {
        "t": "entry",
        "row": number,
        "source_id": source_id,
        "raw": [source_id, text],
        "japanese": text,
        "translations": translations,
        "author": author[:200],
        "licence": LICENCE,
    }


def _refused(number: int, kind: str, description: str, entry: str = "") -> Record:
    return {"t": "refused", "row": number, "kind": kind, "description": description, "entry": entry}


def _rows(path: str, limits: Mapping[str, int]) -> Iterator[tuple[int, list[str]]]:
    budget = Budget.of(limits["unpacked_bytes"])
    for number, line in lines(open_plain(path, budget), limits["field_bytes"]):
        if line:
            yield number, decode(line, number).split("\t")


def _sentences(
    path: str, limits: Mapping[str, int], languages: set[str]
) -> Iterator[tuple[int, tuple[int, str, str, str] | list[str]]]:
    """Rows of sentences as (id, language, text, author), or [problem, description]."""
    budget = Budget.of(limits["unpacked_bytes"])
    good = bad = 0
    for number, line in lines(open_plain(path, budget), limits["field_bytes"]):
        if line is None:
            yield number, ["field_too_long", f"The row has more than {limits['field_bytes']} bytes."]
            continue
        if not line:
            continue
        fields = decode(line, number).split("\t")
        if len(fields) < 3 or not _ID.fullmatch(fields[0]) or not 2 <= len(fields[1]) <= 8:
            bad += 1
            if bad >= 100 and not good:
                raise Refused("wrong_format", "This is no export of Tatoeba's sentences.")
            yield number, ["bad_row", "The row is not an id, a language and a text."]
            continue
        good += 1
        if fields[1] in languages:
            author = fields[3] if len(fields) > 3 and fields[3] != "\\N" else ""
            yield number, (int(fields[0]), fields[1], plain(fields[2]), author)
    if bad and not good:
        raise Refused("wrong_format", "This is no export of Tatoeba's sentences.")


def _pairs(path: str, limits: Mapping[str, int]) -> Iterator[tuple[int, Record | list[str]]]:
    for number, fields in _rows(path, limits):
        found = _ATTRIBUTION.match(fields[2]) if len(fields) >= 3 else None
        if found is None:
            yield number, ["bad_row", "The row is not English, Japanese and an attribution."]
            continue
        licence = found.group(1).replace("CC-BY 2.0 (France)", LICENCE)
        yield (
            number,
            {
                "english": plain(fields[0]),
                "japanese": plain(fields[1]),
                "licence": licence[:100] or LICENCE,
                "english_id": int(found.group(2)),
                "english_author": found.group(3)[:200],
                "japanese_id": int(found.group(4)),
                "author": found.group(5)[:200],
            },
        )


def _ids(fields: list[str], number: int, count: int) -> tuple[int, ...]:
    if len(fields) < count or not all(_ID.fullmatch(field) for field in fields[:count]):
        raise Refused("wrong_format", f"Row {number} of the links is not two ids.")
    return tuple(int(field) for field in fields[:count])

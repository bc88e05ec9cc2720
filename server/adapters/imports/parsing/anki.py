"""Anki packages of every form: .apkg and .colpkg, legacy and latest."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from server.adapters.imports.parsing.table import entry_of, guess
from server.adapters.imports.parsing.text import sounds
from server.adapters.imports.parsing.unpacking import (
    PIECE,
    Budget,
    Refused,
    open_zip,
    zip_member,
    zstd_stream,
)

LATEST = 3
_MOST_MEDIA = 100_000
_MOST_MAP_BYTES = 64 << 20
_FIELD = re.compile(r"\{\{(?![#^/!])(?:[^{}:]+:)*([^{}:]+)\}\}")
_SQLITE = b"SQLite format 3\0"

Record = dict[str, Any]


class Package:
    """An opened package.

    Args:
        path: of the file.
        limits: unpacked_bytes, field_bytes, entries.
        folder: where the collection is unpacked to.
    """

    def __init__(self, path: str, limits: Mapping[str, int], folder: str) -> None:
        self._budget = Budget.of(limits["unpacked_bytes"])
        self._limits = limits
        file = open(path, "rb")  # noqa: SIM115 - the process ends with its work
        if file.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            raise Refused("wrong_format", "This is no Anki package.")
        file.seek(0)
        self._zip = open_zip(file)
        names = set(self._zip.namelist())
        self.version = self._version() if "meta" in names else (2 if "collection.anki21" in names else 1)
        wanted = {1: "collection.anki2", 2: "collection.anki21", 3: "collection.anki21b"}[self.version]
        if wanted not in names:
            raise Refused("wrong_format", f"The package has no {wanted}.", wanted)
        self.media = self._media() if "media" in names else {}
        self.database = self._database(wanted, os.path.join(folder, "collection"))

    def _version(self) -> int:
        with zip_member(self._zip, "meta", self._budget) as file:
            meta = file.read(1024)
        version = next((value for number, value in _fields(meta) if number == 1 and isinstance(value, int)), 0)
        if version not in (1, 2, 3):
            raise Refused("unknown_version", f"The package is of the form {version}, which isn't known.", "meta")
        return version

    def _media(self) -> dict[str, str]:
        """The members that hold recordings and the like, by the names that notes know them by."""
        with zip_member(self._zip, "media", self._budget) as file:
            packed = zstd_stream(file, self._budget, "media") if self.version == LATEST else file
            data = packed.read(_MOST_MAP_BYTES + 1)
        if len(data) > _MOST_MAP_BYTES:
            raise Refused("unpacks_too_large", "The list of media is too large.", "media")
        found: dict[str, str] = {}
        if self.version == LATEST:
            entries = (value for number, value in _fields(data) if number == 1 and isinstance(value, bytes))
            for index, entry in enumerate(entries):
                name = next((v for n, v in _fields(entry) if n == 1 and isinstance(v, bytes)), b"")
                found[_name(name.decode("utf-8", "replace"))] = str(index)
        else:
            try:
                listed = json.loads(data or b"{}")
                pairs = [(str(member), str(name)) for member, name in listed.items()]
            except (ValueError, AttributeError, RecursionError) as error:
                raise Refused("damaged", "The list of media can't be read.", "media") from error
            for member, title in pairs:
                found[_name(title)] = member
        if len(found) > _MOST_MEDIA:
            raise Refused("too_many_entries", f"The package lists more than {_MOST_MEDIA} media.", "media")
        there = set(self._zip.namelist())
        return {name: member for name, member in found.items() if member in there}

    def _database(self, member: str, path: str) -> sqlite3.Connection:
        with zip_member(self._zip, member, self._budget) as file, open(path, "wb") as target:
            packed = zstd_stream(file, self._budget, member) if self.version == LATEST else file
            first = True
            while piece := packed.read(PIECE):
                if first and not piece.startswith(_SQLITE):
                    raise Refused("bad_database", "The collection is no SQLite database.", member)
                first = False
                target.write(piece)
        if first:
            raise Refused("bad_database", "The collection is empty.", member)
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        connection.create_collation("unicase", _unicase)
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(4 * self._limits["field_bytes"], 64 << 20))
        connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 100_000)
        # Views and triggers of a hostile collection may call nothing.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA cache_size = -8192")
        connection.execute("PRAGMA mmap_size = 0")
        return connection

    def member(self, name: str) -> Iterator[bytes]:
        """The bytes of one of the media."""
        with zip_member(self._zip, name, self._budget) as file:
            packed = zstd_stream(file, self._budget, name) if self.version == LATEST else file
            while piece := packed.read(PIECE):
                yield piece


def anki(
    files: Mapping[str, str], limits: Mapping[str, int], options: Mapping[str, Any], folder: str
) -> Iterator[Record]:
    """The notes of a package with their cards and reviews, after a head that says what is in it."""
    try:
        package = Package(files["anki_package"], limits, folder)
        yield from _notes(package, limits, options)
    except sqlite3.Error as error:
        raise Refused("bad_database", f"The collection can't be read: {error}.", "collection") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("bad_database", "The collection has something else in it than a collection.") from error


def _notes(package: Package, limits: Mapping[str, int], options: Mapping[str, Any]) -> Iterator[Record]:
    base = package.database
    modern = _has_table(base, "notetypes")
    counts = {
        table: int(base.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of ours
        for table in ("notes", "cards", "revlog")
    }
    if counts["notes"] > limits["entries"]:
        raise Refused("too_many_entries", f"The package has more than {limits['entries']} notes.")
    types = _types_18(base) if modern else _types_11(base)
    decks = _decks_18(base) if modern else _decks_11(base)
    created, conf = base.execute("SELECT crt, conf FROM col").fetchone()
    for id_, note_type in types.items():
        cells = [
            row[0].split("\x1f")
            for row in base.execute("SELECT flds FROM notes WHERE mid = ? ORDER BY id LIMIT 100", (id_,))
            if len(row[0]) <= limits["field_bytes"]
        ]
        note_type["count"] = int(base.execute("SELECT count(*) FROM notes WHERE mid = ?", (id_,)).fetchone()[0])
        note_type["guess"] = guess(note_type["fields"], cells) if cells else {}
    types = {id_: each for id_, each in types.items() if each["count"]}
    given = {int(id_): each for id_, each in (options.get("note_types") or {}).items()}
    mapping = {id_: _settled(id_, note_type, given.get(id_)) for id_, note_type in types.items()}
    for id_ in given:
        if id_ not in types:
            raise Refused("mapping", f"There is no note type {id_}.", "note_types")
    yield {
        "t": "head",
        "entries": counts["notes"],
        "cards": counts["cards"],
        "reviews": counts["revlog"],
        "media": len(package.media),
        "decks": sorted({*decks.values()}),
        "note_types": [
            {
                "id": id_,
                "name": note_type["name"],
                "count": note_type["count"],
                "fields": [[name, mapping[id_]["fields"].get(name, "ignored")] for name in note_type["fields"]],
                "templates": [
                    [number, name, mapping[id_]["skills"][number]]
                    for number, (name, _, _) in enumerate(note_type["templates"])
                ],
                "skip": mapping[id_]["skip"],
            }
            for id_, note_type in types.items()
        ],
        "created": int(created),
        "rollover": _rollover(base, conf, modern),
    }
    wanted_decks = options.get("decks") or []
    rows = base.execute("SELECT id, guid, mid, mod, tags, flds FROM notes ORDER BY id")
    for number, (note_id, guid, type_id, _, tags, fields) in enumerate(rows, start=1):
        if type_id not in types:
            yield _refused(number, "bad_database", "The note's type is not in the package.", str(guid))
            continue
        mapped = mapping[type_id]
        cards = _cards(base, note_id, decks, wanted_decks, mapped, options)
        if mapped["skip"] or (wanted_decks and not cards):
            yield {"t": "skipped", "row": number, "entry": str(guid)[:200]}
            continue
        cells = fields.split("\x1f")
        if any(len(cell.encode()) > limits["field_bytes"] for cell in cells):
            what = f"A field has more than {limits['field_bytes']} bytes."
            yield _refused(number, "field_too_long", what, str(guid))
            continue
        names = types[type_id]["fields"]
        values = {
            field: cells[n] for n, name in enumerate(names) if n < len(cells) and (field := mapped["fields"].get(name))
        }
        values.pop("ignored", None)
        if "audio" not in values:
            # Recordings stand in any field.
            named = [name for cell in cells for name in sounds(cell)]
            values["audio"] = f"[sound:{named[0]}]" if named else ""
        record = entry_of(values, number, cells, None, package.media)
        own = [tag[:64] for tag in str(tags).split()]
        if options.get("tag_with_decks"):
            own += [card["deck"][:64] for card in cards if card["deck"]]
        record["tags"] = list(dict.fromkeys([*record["tags"], *own]))[:32]
        record["source_id"] = str(guid)[:128]
        record["note_type"] = type_id
        record["cards"] = cards
        yield record


def _cards(
    base: sqlite3.Connection,
    note_id: int,
    decks: Mapping[int, str],
    wanted: Sequence[str],
    mapped: Mapping[str, Any],
    options: Mapping[str, Any],
) -> list[Record]:
    """The cards of a note that are wanted, with their schedule and reviews unless those stay behind."""
    cards: list[Record] = []
    query = (
        "SELECT id, did, ord, type, queue, due, ivl, factor, reps, lapses, left, odue, odid, data FROM cards"
        " WHERE nid = ? ORDER BY ord"
    )
    for id_, did, ord_, type_, queue, due, ivl, factor, reps, lapses, left, odue, odid, data in base.execute(
        query, (note_id,)
    ):
        deck = decks.get(odid or did, "")
        if wanted and not any(deck == name or deck.startswith(f"{name}::") for name in wanted):
            continue
        skill = mapped["skills"].get(ord_, "reading")
        card: Record = {"template": ord_, "deck": deck, "skill": skill}
        cards.append(card)
        if options.get("skip_scheduling"):
            continue
        card["schedule"] = {
            "type": type_,
            "queue": queue,
            "due": odue or due,
            "interval": ivl,
            "factor": factor,
            "reps": reps,
            "lapses": lapses,
            "left": left,
            "data": _memory(data),
        }
        card["reviews"] = [
            list(row)
            for row in base.execute(
                "SELECT id, ease, ivl, lastIvl, factor, time, type FROM revlog WHERE cid = ? ORDER BY id", (id_,)
            )
        ]
    return cards


def _memory(data: object) -> Record:
    """What FSRS remembers of a card: stability in days, difficulty 1 to 10, when it was last seen."""
    try:
        found = json.loads(str(data or "{}"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: found[key] for key in ("s", "d", "lrt", "pos") if isinstance(found.get(key), int | float)}


def _settled(id_: int, note_type: Mapping[str, Any], given: Mapping[str, Any] | None) -> Record:
    """How a note type is read: what the caller says of it, the rest guessed."""
    fields: list[str] = note_type["fields"]
    mapped = {fields[n]: field for n, field in note_type["guess"].items() if n < len(fields)}
    skip = False
    if given is not None:
        skip = bool(given.get("skip"))
        if given.get("fields"):
            mapped = dict(given["fields"])
            for name in mapped:
                if name not in fields:
                    raise Refused("mapping", f"The note type {note_type['name']} has no field {name}.", "note_types")
    if "japanese" not in mapped.values() and not skip:
        if given is not None:
            raise Refused("mapping", f"No field of the note type {note_type['name']} is the Japanese.", "note_types")
        skip = True
    skills: dict[int, str] = {}
    japanese = next((name for name, field in mapped.items() if field == "japanese"), "")
    audio = next((name for name, field in mapped.items() if field == "audio"), "")
    for number, (_, front, _) in enumerate(note_type["templates"]):
        shown = {name.strip() for name in _FIELD.findall(front)}
        if japanese in shown:
            skills[number] = "reading"
        elif audio and audio in shown:
            skills[number] = "listening"
        else:
            # From the meaning or the kana to the Japanese: it is said.
            skills[number] = "speaking"
    for number, skill in ((given or {}).get("templates") or {}).items():
        if int(number) not in skills:
            raise Refused("mapping", f"The note type {note_type['name']} has no template {number}.", "note_types")
        skills[int(number)] = skill
    return {"fields": mapped, "skills": skills, "skip": skip, "id": id_}


def _types_11(base: sqlite3.Connection) -> dict[int, Record]:
    models = json.loads(base.execute("SELECT models FROM col").fetchone()[0])
    return {
        int(id_): {
            "name": str(model["name"]),
            "fields": [str(field["name"]) for field in sorted(model["flds"], key=lambda each: each["ord"])],
            "templates": [
                (str(each["name"]), str(each["qfmt"]), str(each["afmt"]))
                for each in sorted(model["tmpls"], key=lambda each: each["ord"])
            ],
        }
        for id_, model in models.items()
    }


def _types_18(base: sqlite3.Connection) -> dict[int, Record]:
    types: dict[int, Record] = {}
    for id_, name in base.execute("SELECT id, name FROM notetypes"):
        fields = [row[0] for row in base.execute("SELECT name FROM fields WHERE ntid = ? ORDER BY ord", (id_,))]
        templates = []
        for title, config in base.execute("SELECT name, config FROM templates WHERE ntid = ? ORDER BY ord", (id_,)):
            raw = config.encode() if isinstance(config, str) else bytes(config)
            texts = {n: v.decode("utf-8", "replace") for n, v in _fields(raw) if isinstance(v, bytes)}
            templates.append((title, texts.get(1, ""), texts.get(2, "")))
        types[id_] = {"name": name, "fields": fields, "templates": templates}
    return types


def _decks_11(base: sqlite3.Connection) -> dict[int, str]:
    decks = json.loads(base.execute("SELECT decks FROM col").fetchone()[0])
    return {int(id_): str(deck["name"]) for id_, deck in decks.items()}


def _decks_18(base: sqlite3.Connection) -> dict[int, str]:
    return {id_: name.replace("\x1f", "::") for id_, name in base.execute("SELECT id, name FROM decks")}


def _rollover(base: sqlite3.Connection, conf: object, modern: bool) -> int:
    """The hour at which the collection's day turns over, 0 to 23."""
    try:
        if modern:
            row = base.execute("SELECT val FROM config WHERE key = 'rollover'").fetchone()
            hour = int(row[0]) if row else 4
        else:
            hour = int(json.loads(str(conf or "{}")).get("rollover", 4))
    except (ValueError, TypeError, sqlite3.Error):
        return 4
    return hour if 0 <= hour <= 23 else 4


def _has_table(base: sqlite3.Connection, name: str) -> bool:
    return base.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone() is not None


def _name(name: str) -> str:
    """A name as notes write it, never a path."""
    return unicodedata.normalize("NFC", name)[:400]


def _unicase(one: str, other: str) -> int:
    a, b = one.casefold(), other.casefold()
    return (a > b) - (a < b)


def _refused(number: int, kind: str, description: str, entry: str) -> Record:
    return {"t": "refused", "row": number, "kind": kind, "description": description, "entry": entry[:200]}


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: numbers, and bytes of those that have a length."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
        elif wire == 2:
            length, at = _varint(data, at)
            if at + length > len(data):
                raise Refused("damaged", "A message in the package ends too early.")
            yield number, data[at : at + length]
            at += length
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise Refused("damaged", "A message in the package can't be read.")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Refused("damaged", "A message in the package can't be read.")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7

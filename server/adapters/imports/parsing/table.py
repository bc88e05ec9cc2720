"""Tables: CSV, TSV and their relatives, in any of the encodings that Japanese comes in."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from server.adapters.imports.parsing.text import plain, ruby, sounds, without_sounds
from server.adapters.imports.parsing.unpacking import Budget, Refused, open_plain, open_zip

_SAMPLE = 1 << 16
_ENCODINGS = ("utf-8", "euc-jp", "shift_jis")
_CODECS = {"shift_jis": "cp932", "utf-8": "utf-8-sig"}
_DELIMITERS = "\t,;|"
_MOST_COLUMNS = 1000
_KANA_ONLY = re.compile(r"[ぁ-ゖァ-ヺー・、。！？「」\s\u3000]+")
_JAPANESE = re.compile(r"[ぁ-ゖァ-ヺ々\u3400-\u4dbf\u4e00-\u9fff]")
_KANJI = re.compile(r"[々\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_AUDIO = re.compile(r"\[sound:|\.(?:mp3|ogg|opus|wav|flac|m4a|oga|aac)$", re.IGNORECASE)
_LEVEL = re.compile(r"N?[1-5]", re.IGNORECASE)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "japanese": (
        "japanese",
        "sentence",
        "expression",
        "word",
        "vocab",
        "front",
        "text",
        "kanji",
        "日本語",
        "例文",
        "文",
        "単語",
        "表面",
    ),
    "english": ("english", "translation", "meaning", "back", "eng", "英語", "訳", "意味", "裏面"),
    "reading": ("reading", "kana", "furigana", "hiragana", "yomi", "読み", "よみ", "かな", "ふりがな"),
    "audio": ("audio", "sound", "voice", "音声"),
    "tags": ("tags", "tag", "タグ"),
    "difficulty": ("difficulty", "難易度"),
    "jlpt_level": ("jlpt", "jlpt_level", "level", "レベル"),
    "source_id": ("id", "source_id", "key", "番号"),
    "author": ("author", "作者", "著者"),
    "licence": ("licence", "license", "ライセンス"),
}
"""What columns and fields are called."""

Record = dict[str, Any]


def table(files: Mapping[str, str], limits: Mapping[str, int], options: Mapping[str, Any]) -> Iterator[Record]:
    """The rows of a table as entries, after a head that says how it was read.

    Args:
        files: paths by role.
        limits: unpacked_bytes, field_bytes, entries.
        options: encoding, delimiter, has_header, columns ({number: field}), tag_separator; what is missing is guessed.
    """
    csv.field_size_limit(limits["field_bytes"])
    sample = _sample(files["table"], limits)
    encoding = options.get("encoding") or _encoding(sample)
    text = _decoded_sample(sample, encoding)
    delimiter = options.get("delimiter") or _delimiter(text)
    first = [row for _, row in zip(range(100), _rows(io.StringIO(text, newline=""), delimiter), strict=False)]
    if not first:
        raise Refused("wrong_format", "The table is empty.")
    rows = [row for row in first if isinstance(row, list)]
    width = max((len(row) for row in rows), default=0)
    has_header = options.get("has_header")
    if has_header is None:
        has_header = _is_header(rows)
    names = [plain(name) for name in rows[0]] if has_header and rows else [str(n + 1) for n in range(width)]
    given = options.get("columns")
    columns = {int(n): f for n, f in given.items()} if given else guess(names if has_header else [], rows[has_header:])
    if "japanese" not in columns.values():
        raise Refused("mapping", "No column is the Japanese.", "columns")
    beyond = next((number for number in columns if number >= width), None)
    if beyond is not None:
        raise Refused("mapping", f"There is no column {beyond}.", "columns")
    media = _members(files["table_media"]) if "table_media" in files else {}
    total = _count(files["table"], limits, encoding, delimiter) - has_header
    if total > limits["entries"]:
        raise Refused("too_many_entries", f"The table has more than {limits['entries']} rows.")
    yield {
        "t": "head",
        "entries": total,
        "media": len(media),
        "columns": names,
        "options": {
            "encoding": encoding,
            "delimiter": delimiter,
            "has_header": bool(has_header),
            "columns": {str(number): columns[number] for number in sorted(columns)},
        },
    }
    separator = options.get("tag_separator") or None
    with _text(files["table"], limits, encoding) as stream:
        for number, row in enumerate(_rows(stream, delimiter), start=1):
            if number == 1 and has_header:
                continue
            yield _entry(number, row, columns, separator, media)


def guess(names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """What columns or fields hold, by their names and by what is in them.

    Args:
        names: theirs; empty: unknown.
        rows: the first of them.
    """
    width = max([len(names), *(len(row) for row in rows)], default=0)
    columns = [[row[n] for row in rows if n < len(row) and row[n].strip()] for n in range(width)]
    taken: dict[str, int] = {}
    for field, known in _NAMES.items():
        for n, name in enumerate(names):
            plausible = field not in _LOOKS or not columns[n] or _share(columns[n], field) > 0.3
            if n not in taken.values() and field not in taken and plausible and name.strip().lower() in known:
                taken[field] = n
    for field in ("audio", "reading", "japanese", "english"):
        if field in taken:
            continue
        scores = [(_share(cells, field), -n) for n, cells in enumerate(columns) if n not in taken.values() and cells]
        best = max(scores, default=(0.0, 0))
        if best[0] > 0.5:
            taken[field] = -best[1]
    if "japanese" not in taken and "reading" in taken:
        taken["japanese"] = taken.pop("reading")
    return {n: field for field, n in taken.items()}


def _ruby_share(cells: Sequence[str]) -> float:
    return sum(bool(ruby(plain(cell))[1]) for cell in cells) / len(cells)


_LOOKS = ("japanese", "english", "reading", "audio", "difficulty")


def _share(cells: Sequence[str], field: str) -> float:
    """The share of cells that look like a field, 0 to 1."""
    seen = [plain(without_sounds(cell)) for cell in cells]
    if field == "audio":
        return sum(_AUDIO.search(cell.strip()) is not None for cell in cells) / len(cells)
    if field == "reading":
        kana = sum(_KANA_ONLY.fullmatch(cell) is not None for cell in seen) / len(cells)
        return max(kana, _ruby_share(cells))
    if field == "japanese":
        kanji = sum(_KANJI.search(cell) is not None for cell in seen)
        return (sum(_JAPANESE.search(cell) is not None for cell in seen) + 0.2 * kanji) / (1.2 * len(cells))
    if field == "difficulty":
        return sum(cell.isdigit() and 1 <= int(cell) <= 10 for cell in seen if len(cell) < 3) / len(cells)
    return sum(_LATIN.search(cell) is not None and _JAPANESE.search(cell) is None for cell in seen) / len(cells)


def _entry(
    number: int,
    row: list[str] | str,
    columns: Mapping[int, str],
    separator: str | None,
    media: Mapping[str, str],
) -> Record:
    if isinstance(row, str):
        kind = "field_too_long" if "limit" in row else "bad_row"
        what = "A field of the row is too long." if kind == "field_too_long" else "The row has broken quotes."
        return {"t": "refused", "row": number, "kind": kind, "description": what, "entry": ""}
    if len(row) <= max(columns):
        what = f"The row has {len(row)} columns, the mapping names column {max(columns)}."
        return {"t": "refused", "row": number, "kind": "bad_row", "description": what, "entry": ""}
    values = {field: row[n] for n, field in columns.items() if field != "ignored"}
    return entry_of(values, number, row, separator, media)


def entry_of(
    values: Mapping[str, str], number: int, raw: Sequence[str], separator: str | None, media: Mapping[str, str]
) -> Record:
    """An entry from what its fields hold.

    Args:
        values: raw text by field.
        media: members of the archive by normalised name.
    """
    problems: list[Record] = []
    japanese, spans = ruby(plain(without_sounds(values.get("japanese", ""))))
    reading, reading_spans = ruby(plain(without_sounds(values.get("reading", ""))))
    if reading_spans and reading == japanese and not spans:
        spans, reading = reading_spans, ""
    elif reading and _KANA_ONLY.fullmatch(reading) is None:
        if not reading_spans:
            problems.append(_problem("bad_value", "reading", "The reading is not kana."))
        reading = ""
    record: Record = {
        "t": "entry",
        "row": number,
        "raw": [cell[:500] for cell in raw[:100]],
        "japanese": japanese,
        "ruby": spans,
        "reading": reading,
        "source_id": plain(values.get("source_id", ""))[:128],
        "author": plain(values.get("author", ""))[:200],
        "licence": plain(values.get("licence", ""))[:100],
        "translations": [],
        "tags": _tags(values.get("tags", ""), separator),
        "problems": problems,
    }
    if english := plain(without_sounds(values.get("english", ""))):
        if len(english) > 1000:
            problems.append(_problem("field_too_long", "english", "The English is longer than 1000 characters."))
        else:
            record["translations"] = [{"text": english, "source_id": "", "author": "", "licence": ""}]
    if difficulty := plain(values.get("difficulty", "")):
        if difficulty.isascii() and difficulty.isdigit() and 1 <= int(difficulty[:4]) <= 10:
            record["difficulty"] = int(difficulty)
        else:
            problems.append(_problem("bad_value", "difficulty", "The difficulty is not a number from 1 to 10."))
    if level := plain(values.get("jlpt_level", "")):
        if _LEVEL.fullmatch(level):
            record["jlpt"] = int(level[-1])
        else:
            problems.append(_problem("bad_value", "jlpt_level", "The level is none of N5 to N1."))
    audio = [name for value in (values.get("audio", ""), values.get("japanese", "")) for name in sounds(value)]
    bare = plain(values.get("audio", ""))
    if not audio and bare and _AUDIO.search(bare):
        audio = [bare]
    if audio:
        record["audio"] = unicodedata.normalize("NFC", audio[0])
        record["audio_member"] = media.get(record["audio"])
    return record


def _problem(kind: str, field: str, description: str) -> Record:
    return {"kind": kind, "field": field, "description": description}


def _tags(value: str, separator: str | None) -> list[str]:
    tags = (plain(tag)[:64] for tag in value.split(separator))
    return list(dict.fromkeys(tag for tag in tags if tag))[:32]


def _sample(path: str, limits: Mapping[str, int]) -> bytes:
    return open_plain(path, Budget.of(limits["unpacked_bytes"])).read(_SAMPLE)


def _encoding(sample: bytes) -> str:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample[:4096]:
        raise Refused("wrong_format", "This is no table: it has bytes that no text has.")
    if b"\x1b$" in sample or b"\x1b(" in sample:
        # Its bytes are those of ASCII.
        return "iso-2022-jp"
    for encoding in _ENCODINGS:
        try:
            codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))().decode(sample)
        except UnicodeDecodeError:
            continue
        return encoding
    raise Refused("wrong_encoding", "The text is in none of the encodings that are known.")


def _decoded_sample(sample: bytes, encoding: str) -> str:
    try:
        text = codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))().decode(sample)
    except UnicodeDecodeError as error:
        raise Refused("wrong_encoding", f"The text is not in {encoding}.") from error
    if len(sample) < _SAMPLE:
        return text
    whole, _, _ = text.rpartition("\n")
    return whole or text


def _delimiter(text: str) -> str:
    head = [line for line in text.splitlines()[:50] if line.strip()]
    if not head:
        raise Refused("wrong_format", "The table is empty.")

    def evenness(delimiter: str) -> tuple[float, int]:
        counts = [len(row) - 1 for row in csv.reader(head, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count) if counts else 0
        return (counts.count(usual) / len(counts) if usual else 0.0, usual)

    return max(_DELIMITERS, key=evenness)


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    if len(rows) < 2:
        return False
    known = {name for names in _NAMES.values() for name in names}
    return sum(cell.strip().lower() in known for cell in rows[0]) * 2 >= len(rows[0])


def _text(path: str, limits: Mapping[str, int], encoding: str) -> IO[str]:
    file = open_plain(path, Budget.of(limits["unpacked_bytes"]))
    return io.TextIOWrapper(file, _CODECS.get(encoding, encoding), newline="")


def _rows(stream: IO[str], delimiter: str) -> Iterator[list[str] | str]:
    """The rows of a table; a string says what is wrong with one."""
    rows = csv.reader(_without_nul(stream), delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield str(error)
            continue
        except UnicodeDecodeError as error:
            raise Refused("wrong_encoding", f"The text after row {rows.line_num} is in another encoding.") from error
        if len(row) > _MOST_COLUMNS:
            yield "too many columns"
        elif row:
            yield row


def _without_nul(stream: IO[str]) -> Iterator[str]:
    for line in stream:
        yield line.replace("\0", "")


def _count(path: str, limits: Mapping[str, int], encoding: str, delimiter: str) -> int:
    with _text(path, limits, encoding) as stream:
        return sum(1 for _ in _rows(stream, delimiter))


def _members(path: str) -> dict[str, str]:
    with open(path, "rb") as file:
        names = [each.filename for each in open_zip(file).infolist() if not each.is_dir()]
    return {unicodedata.normalize("NFC", name.rpartition("/")[2]): name for name in names}

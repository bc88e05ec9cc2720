"""What files hold, as entries."""

from __future__ import annotations

import bz2
from pathlib import Path

import pytest

from server.adapters.imports.parsing.table import guess
from server.adapters.imports.parsing.text import plain, ruby, sounds
from server.content.domain.entries import Entry
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.imports import FileRole, ImportKind
from server.content.domain.source_readings import spans_of_index, spans_of_ruby
from tests.adapters.imports.test_hostile_files import read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "shift_jis", "euc-jp", "iso-2022-jp"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
async def test_tables_are_read_in_every_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [["日本語", "英語"], ["水を飲む。", "I drink water."], ["橋を渡る。", "I cross the bridge."]]
    data = "\r\n".join(delimiter.join(row) for row in rows).encode(encoding)

    entries = await read(tmp_path, ImportKind.TABLE, {FileRole.TABLE: data})

    assert [each.japanese for each in entries if isinstance(each, Entry)] == ["水を飲む。", "橋を渡る。"]
    assert isinstance(entries[0], Entry)
    assert entries[0].translations[0].text == "I drink water."


async def test_pairs_are_grouped_by_their_japanese(tmp_path: Path) -> None:
    end = "CC-BY 2.0 (France) Attribution: tatoeba.org #{} (CM) & #{} (mika)"
    rows = [("Go.", "行け。", end.format(1, 9)), ("Move!", "行け。", end.format(2, 9)), ("x", "y", "z")]
    data = "".join("\t".join(row) + "\n" for row in rows).encode()

    entries = await read(tmp_path, ImportKind.TATOEBA_PAIRS, {FileRole.TATOEBA_PAIRS: bz2.compress(data)})

    found = [each for each in entries if isinstance(each, Entry)]
    assert len(entries) == 2
    assert [(each.source_id, each.author, each.licence) for each in found] == [("9", "mika", "CC BY 2.0 FR")]
    assert [each.text for each in found[0].translations] == ["Go.", "Move!"]


def test_html_becomes_what_is_seen() -> None:
    assert plain("a<br>b &amp; <b>c</b>") == "a b & c"
    assert plain("<ruby>漢字<rt>かんじ</rt></ruby>です") == "漢字[かんじ]です"
    assert plain("1 < 2") == "1 < 2"
    assert sounds("[sound:a b.mp3]x[sound:か.mp3]") == ["a b.mp3", "か.mp3"]


@pytest.mark.parametrize(
    ("field", "text", "spans"),
    [
        ("漢字[かんじ]", "漢字", [FuriganaSpan(0, 2, "かんじ")]),
        ("私は 学生[がくせい]です", "私は学生です", [FuriganaSpan(2, 2, "がくせい")]),
        ("私は学生[がくせい]です", "私は学生です", [FuriganaSpan(2, 2, "がくせい")]),
        ("食べ物[たべもの]だ", "食べ物だ", [FuriganaSpan(0, 1, "た"), FuriganaSpan(2, 1, "もの")]),
        ("注[note]", "注[note]", []),
    ],
)
def test_ruby_stands_over_what_it_is_meant_for(field: str, text: str, spans: list[FuriganaSpan]) -> None:
    without, given = ruby(field)
    laid, fits = spans_of_ruby(without, [FuriganaSpan(*each) for each in given])  # type: ignore[arg-type]

    assert (without, list(laid), fits) == (text, spans, True)


@pytest.mark.parametrize(
    ("text", "index", "spans"),
    [
        (
            "２０歳になりました。",
            "は|1 二十歳(はたち){２０歳} になる[01]{になりました}",
            [FuriganaSpan(0, 3, "はたち")],
        ),
        (
            "魚を食べた。",
            "魚(さかな) を 食べる(たべる){食べた}~",
            [FuriganaSpan(0, 1, "さかな"), FuriganaSpan(2, 1, "た")],
        ),
        ("それをする。", "其れ[01]{それ} を 為る(する){する}", []),
    ],
)
def test_indices_give_readings(text: str, index: str, spans: list[FuriganaSpan]) -> None:
    found, fits = spans_of_index(text, index)

    assert list(found) == spans
    assert fits is not ("は|1" in index)


def test_columns_are_guessed_by_name_and_by_content() -> None:
    rows = [["1", "橋", "はし", "bridge", "[sound:a.mp3]"], ["2", "箸", "はし", "chopsticks", "[sound:b.mp3]"]]

    assert guess([], rows) == {1: "japanese", 2: "reading", 3: "english", 4: "audio"}
    assert guess(["Front", "Back"], [["橋", "bridge"]]) == {0: "japanese", 1: "english"}
    assert guess(["Front", "Back"], [["bridge", "橋"]]) == {1: "japanese", 0: "english"}

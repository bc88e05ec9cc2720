"""The starter deck is well formed, and its readings are right."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyopenjtalk
import pytest

DECK = Path(__file__).resolve().parents[2] / "server" / "content" / "starter" / "deck.tsv"
COLUMNS = ("key", "japanese", "reading", "furigana", "english", "difficulty", "jlpt", "tags")

STYLES = frozenset({"plain", "polite"})
# fmt: off
TOPICS = frozenset({
    "directions", "family", "feelings", "food", "greetings", "health", "hobby", "home", "phone", "school", "shopping",
    "travel", "weather", "work",
})
GRAMMAR = frozenset({
    "adjective", "causative", "change", "comparison", "concession", "conditional", "conjecture", "counter", "desire",
    "existence", "experience", "giving-receiving", "keigo", "negative", "obligation", "passive", "past", "permission",
    "potential", "progressive", "question", "quotation", "reason", "relative-clause", "request", "te-form",
    "volitional",
})
# fmt: on

VOICELESS = "かきくけこさしすせそたちつてとはひふへほぱぴぷぺぽっ"
LONG_VOWEL = re.compile(
    r"ー|[あかがさざただなはばぱまやゃらわ]あ|[いきぎしじちにひびぴみり]い|[うくぐすずつぬふぶぷむゆゅる]う"
    r"|[えけげせぜてでねへべぺめれ][いえ]|[おこごそぞとどのほぼぽもよょろ][うお]"
)
DEVOICED = re.compile(rf"[きくしすちつひふぴぷ][{VOICELESS}]|[しちひき]ゅ[{VOICELESS}]|(?:で|ま)す$")

# A focus tag promises that the reading holds what the sentence is to train.
FOCUS: dict[str, Callable[[str], bool]] = {
    "devoicing": lambda reading: DEVOICED.search(reading) is not None,
    "geminate": lambda reading: "っ" in reading,
    "long-vowel": lambda reading: LONG_VOWEL.search(reading) is not None,
    "nasal": lambda reading: "ん" in reading,
    "pitch-accent": lambda reading: True,
    "r-row": lambda reading: re.search("[らりるれろ]", reading) is not None,
    "tsu-su": lambda reading: len(re.findall("[つづすず]", reading)) >= 2,
    "yoon": lambda reading: re.search("[ゃゅょ]", reading) is not None,
}

# Morae, fewest and most, of a sentence of each difficulty, and how many sentences there are at the least.
LENGTHS = {1: (5, 10), 2: (6, 14), 3: (8, 18), 4: (11, 22), 5: (16, 26), 6: (22, 30)}
AT_LEAST = {1: 45, 2: 40, 3: 35, 4: 25, 5: 15, 6: 10}

# Sentences that differ in accent alone.
SAME_KANA = (
    ("雨が好きです。", "飴が好きです。"),
    ("柿を食べました。", "牡蠣を食べました。"),
    ("花がかわいいね。", "鼻がかわいいね。"),
    ("熱いほうがいい。", "厚いほうがいい。"),
    ("酒を買ってきた。", "鮭を買ってきた。"),
    ("もう帰るの？", "もう変えるの？"),
)

# Sentences that differ in one mora of length alone: the kana is the one that the longer sentence adds.
ONE_MORA_LONGER = (
    ("おじさんと話した。", "おじいさんと話した。", "い"),
    ("隣のおばさんです。", "隣のおばあさんです。", "あ"),
    ("地図を買いました。", "チーズを買いました。", "ー"),
    ("そのビル、大きいね。", "そのビール、大きいね。", "ー"),
    ("もう少し雪がほしい。", "もう少し勇気がほしい。", "う"),
)

# Where the deck's reading stands against Open JTalk's: what the analyser reads, and why it is the one who errs.
ANALYSER_ERRS = {
    "辛いものを食べると、汗が止まらなくなる。": ("つらい", "what one eats is からい; つらい is what one endures"),
    "初めて行く町では、まず市場を歩く。": ("しじょう", "stalls one walks among are いちば; しじょう is the economy's"),
    "午後から雨が降りそうだ。": ("おりそう", "rain does ふる; おりる is getting off"),
    "お手数をおかけしますが、ご確認をお願いいたします。": ("おてかず", "the set phrase is おてすうをおかけします"),
    "箱が八個あります。": ("はちこ", "八 before 個 closes to はっこ in speech, and the sentence trains it"),
}
# Right in sound, but not spelt as modern kana orthography has it.
ANALYSER_MISSPELLS = {
    "荷物を預けたいです。": ("あづけ", "modern kana orthography writes あずける"),
}

KANJI = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff々]")
KANA = re.compile(r"[ぁ-ゖァ-ヺー]")
PUNCTUATION = frozenset("。、？！")
POLITE = re.compile(r"です|ます|ません|ました|ましょう|まし[てい]|ございま|ください|なさい|しまい|まりです|いたします")


@dataclass(frozen=True, slots=True)
class Span:
    offset: int
    length: int
    reading: str


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    japanese: str
    reading: str
    furigana: str
    english: str
    difficulty: int
    jlpt: str
    tags: tuple[str, ...]

    def spans(self) -> list[Span]:
        parts = (span.split(":") for span in self.furigana.split(";") if self.furigana)
        return [Span(int(offset), int(length), reading) for offset, length, reading in parts]


def read_deck() -> list[Entry]:
    header, *lines = DECK.read_text(encoding="utf-8").splitlines()
    assert tuple(header.split("\t")) == COLUMNS
    rows = [line.split("\t") for line in lines]
    assert [row for row in rows if len(row) != len(COLUMNS)] == []
    return [
        Entry(key, japanese, reading, furigana, english, int(difficulty), jlpt, tuple(tags.split(" ")))
        for key, japanese, reading, furigana, english, difficulty, jlpt, tags in rows
    ]


@pytest.fixture(scope="module")
def deck() -> list[Entry]:
    return read_deck()


def hiragana(text: str) -> str:
    return "".join(chr(ord(char) - 0x60) if "ァ" <= char <= "ヶ" else char for char in text)


def morae(reading: str) -> int:
    return sum(char not in "ゃゅょぁぃぅぇぉ" for char in reading)


def sounded(kana: str) -> str:
    """Kana as heard: long vowels as ー, and kana that sound alike written alike."""
    kana = hiragana(kana).translate(str.maketrans("をぢづ", "おじず"))
    return LONG_VOWEL.sub(lambda match: match.group()[0] + "ー" if len(match.group()) == 2 else "ー", kana)


def test_the_file_is_plain_tsv() -> None:
    raw = DECK.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert b'"' not in raw
    assert raw.endswith(b"\n")
    assert not raw.endswith(b"\n\n")


def test_keys_sentences_and_translations_are_unique(deck: list[Entry]) -> None:
    for values in ([e.key for e in deck], [e.japanese for e in deck], [e.english for e in deck]):
        assert [value for value, count in Counter(values).items() if count > 1] == []
    assert [e.key for e in deck if not re.fullmatch(r"[a-z]+(-[a-z]+)*-\d{3}", e.key)] == []


def test_fields_hold_what_they_may(deck: list[Entry]) -> None:
    assert [e.key for e in deck if any(value != value.strip() for value in (e.japanese, e.english))] == []
    strange = {
        char for e in deck for char in e.japanese if not (KANJI.match(char) or KANA.match(char) or char in PUNCTUATION)
    }
    assert strange == set()
    assert [e.key for e in deck if e.japanese[-1] not in "。？！"] == []
    assert [e.key for e in deck if not re.fullmatch("[ぁ-ゖー]+", e.reading)] == []
    assert [e.key for e in deck if not (e.english.isascii() and re.search(r"[.?!)]$", e.english))] == []


def test_spans_cover_the_kanji_and_rebuild_the_reading(deck: list[Entry]) -> None:
    for entry in deck:
        rebuilt, covered, end = "", set[int](), 0
        for span in entry.spans():
            assert span.offset >= end, f"{entry.key}: spans overlap or are out of order"
            assert span.length > 0, entry.key
            assert re.fullmatch("[ぁ-ゖ]+", span.reading), entry.key
            rebuilt += entry.japanese[end : span.offset] + span.reading
            end = span.offset + span.length
            covered |= set(range(span.offset, end))
        rebuilt += entry.japanese[end:]
        kanji = {index for index, char in enumerate(entry.japanese) if KANJI.match(char)}
        assert covered == kanji, f"{entry.key}: spans must lie on the kanji, all and only"
        assert "".join(hiragana(c) for c in rebuilt if c not in PUNCTUATION) == entry.reading, entry.key


def test_difficulty_and_level(deck: list[Entry]) -> None:
    assert {e.difficulty for e in deck} == set(LENGTHS)
    levels = {1: {"N5", "N4"}, 2: {"N5", "N4"}, 3: {"N5", "N4", "N3"}, 4: {"N4", "N3"}, 5: {"N4", "N3"}, 6: {"N3"}}
    assert [e.key for e in deck if e.jlpt not in levels[e.difficulty]] == []
    wrong = [
        (e.key, morae(e.reading))
        for e in deck
        if not LENGTHS[e.difficulty][0] <= morae(e.reading) <= LENGTHS[e.difficulty][1]
    ]
    assert wrong == []
    counts = Counter(e.difficulty for e in deck)
    assert {level for level, least in AT_LEAST.items() if counts[level] < least} == set()


def test_tags_come_from_the_vocabulary(deck: list[Entry]) -> None:
    known = STYLES | TOPICS | GRAMMAR | set(FOCUS)
    used = {tag for e in deck for tag in e.tags}
    assert used == known
    assert [e.key for e in deck if len(set(e.tags)) != len(e.tags)] == []
    assert [e.key for e in deck if not TOPICS.intersection(e.tags)] == []
    assert [e.key for e in deck if len(STYLES.intersection(e.tags)) != 1] == []
    assert [e.key for e in deck if ("polite" in e.tags) != bool(POLITE.search(e.japanese))] == []


def test_every_topic_has_both_styles(deck: list[Entry]) -> None:
    pairs = {(topic, style) for e in deck for topic in TOPICS.intersection(e.tags) for style in STYLES & set(e.tags)}
    assert {(topic, style) for topic in TOPICS for style in STYLES} - pairs == set()


def test_a_sentence_holds_what_its_focus_trains(deck: list[Entry]) -> None:
    assert [(e.key, tag) for e in deck for tag in e.tags if tag in FOCUS and not FOCUS[tag](e.reading)] == []
    assert [e.key for e in deck if ("pitch-accent" in e.tags) != e.key.startswith("accent-")] == []


def test_minimal_pairs_differ_in_one_thing(deck: list[Entry]) -> None:
    readings = {e.japanese: e.reading for e in deck}
    for one, other in SAME_KANA:
        assert readings[one] == readings[other]
    for short, long, added in ONE_MORA_LONGER:
        cuts = {readings[long][:i] + readings[long][i + 1 :] for i, char in enumerate(readings[long]) if char == added}
        assert readings[short] in cuts


def analysed(japanese: str) -> tuple[str, str]:
    """Open JTalk's orthographic and spoken kana; a particle's は and へ stay as written in both."""
    read = heard = ""
    for word in pyopenjtalk.run_frontend(japanese):
        if word["pos"] == "記号":
            continue
        read += hiragana(word["read"])
        particle = word["pos"] in {"助詞", "接続詞"} and word["read"][-1] in "ハヘ"
        heard += word["read"] if particle else word["pron"].replace("’", "")
    return read, sounded(heard)


# The analyser's own call of SudachiPy.
@pytest.mark.filterwarnings(r"ignore:Dictionary\.create\(\) is deprecated:DeprecationWarning")
def test_readings_agree_with_open_jtalk(deck: list[Entry]) -> None:
    allowed = {**ANALYSER_ERRS, **ANALYSER_MISSPELLS}
    misheard, misread = set[str](), set[str]()
    for entry in deck:
        read, heard = analysed(entry.japanese)
        if heard != sounded(entry.reading):
            misheard.add(entry.japanese)
        if read != entry.reading:
            misread.add(entry.japanese)
            assert entry.japanese in allowed, f"{entry.key}: {entry.reading}, but Open JTalk reads {read}"
            wrong, _ = allowed[entry.japanese]
            assert wrong in read, f"{entry.key}: listed for {wrong}, but Open JTalk reads {read}"
    assert misheard == set(ANALYSER_ERRS)
    assert misread == set(allowed)

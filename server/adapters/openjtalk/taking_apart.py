"""Takes texts apart by Open JTalk: words, morae, accent phrases. Synchronous; one object serves one thread."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, Literal

from server.adapters.openjtalk.spans import locate
from server.content.domain.analysis import AccentPhrase, AnalysedWord, Mora, Parts, Said, WordReadingOrigin
from server.content.domain.morae import lengthened, split_morae, vowels_of
from server.content.domain.part_of_speech import PartOfSpeech

_KANA = re.compile(r"[ァ-ヶー]+")
_PHONE = re.compile(r"-(.+?)\+")
_VOWELS = frozenset("aiueoAIUEON") | {"cl"}
_DEVOICED = frozenset("AIUEO")
_SILENCE = frozenset({"sil", "pau", "xx"})
_MOST_VARIANTS = 24
"""How often a text is read again to hear what another accent of one of its words does to the phrase."""
_IU: Literal["YuuBase"] = "YuuBase"
"""言う is said ユー and 言って イッテ, as dictionaries of pronunciation have it."""

_READ, _PRON, _ACCENT, _CHAIN = 8, 9, 10, 11

AccentDictionary = Mapping[tuple[str, str], tuple[int, ...]]
"""Accents by word as written and its reading in katakana, most usual first."""


class TextParts:
    """Takes texts apart.

    Args:
        accents: what another dictionary says of words' accents; its first goes before Open JTalk's.
    """

    def __init__(self, accents: AccentDictionary | None = None) -> None:
        # Imported when first used: the dictionaries take half a second to load.
        import pyopenjtalk
        from pyopenjtalk.openjtalk import OpenJTalk

        self._open_jtalk = pyopenjtalk
        self._own = OpenJTalk(dn_mecab=pyopenjtalk.OPEN_JTALK_DICT_DIR)
        self._accents = accents or {}

    def take_apart(self, text: str, said: Sequence[Said] = ()) -> Parts:
        """The words and accent phrases of a text.

        Args:
            text: any text; what is not Japanese is read as Open JTalk reads it.
            said: what somebody knows better, in order, without overlaps; what doesn't begin and end where words do is
                left out of account.
        """
        text = text.replace("\0", " ")
        if not text.strip():
            return Parts((), ())
        with warnings.catch_warnings():
            # SudachiPy, which pyopenjtalk-plus asks for the readings of some kanji, deprecates the way it is called.
            warnings.simplefilter("ignore", DeprecationWarning)
            found = self._own.analyze_mecab_candidates(text, [(0, len(self._own.normalize_for_mecab(text)))])
            tokens = _tokens(text, found)
            fixed = self._fixed(text, tokens, said)
            # Without anything to put right the whole of the frontend is used: it knows of face marks and the like.
            features = self._frontend(text, fixed) if said and fixed != tokens else self._plain(text)
            base = self._parts(text, features)
            return self._with_alternatives(text, fixed, said, base)

    def words(self, text: str) -> tuple[AnalysedWord, ...]:
        """The words of a text, without their accents; a third of the time."""
        text = text.replace("\0", " ")
        if not text.strip():
            return ()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return self._words(text, self._plain(text))[0]

    def _plain(self, text: str) -> list[Any]:
        return list(self._open_jtalk.run_frontend(text, iu_pronunciation=_IU, jtalk=self._own))

    def _frontend(self, text: str, tokens: Sequence[_Token]) -> list[Any]:
        features = self._own.run_njd_from_mecab([",".join(token.fields) for token in tokens], True, True)
        held = {(token.fields[0], token.fields[_READ]) for token in tokens if token.said is not None}
        for feature in features:
            if (feature["string"], feature["read"]) in held:
                feature["is_reading_protected"] = True
        return list(self._open_jtalk.apply_postprocessing(text, features, iu_pronunciation=_IU, jtalk=self._own))

    def _fixed(self, text: str, tokens: Sequence[_Token], said: Sequence[Said]) -> list[_Token]:
        """The tokens with what is known better in their places."""
        fixed = list(tokens)
        for one in said:
            first = next((i for i, token in enumerate(fixed) if token.offset == one.offset), None)
            last = next((i for i, token in enumerate(fixed) if token.end == one.offset + one.length), None)
            if first is None or last is None or last < first:
                continue
            run = fixed[first : last + 1]
            fixed[first : last + 1] = [_as_said(run, one)]
        return fixed

    def _parts(self, text: str, features: Sequence[Any]) -> Parts:
        words, word_of = self._words(text, features)
        return Parts(words, tuple(self._phrases(words, features, word_of)))

    def _words(self, text: str, features: Sequence[Any]) -> tuple[tuple[AnalysedWord, ...], dict[int, int]]:
        words: list[AnalysedWord] = []
        # For each feature that is said, the word it is in.
        word_of: dict[int, int] = {}
        for span, indexes in locate(text, [feature["string"] for feature in features]):
            own = [features[index] for index in indexes]
            pronunciation = "".join(_kana(feature["pron"]) for feature in own)
            if not pronunciation:
                continue
            for index in indexes:
                word_of[index] = len(words)
            words.append(
                AnalysedWord(
                    span.offset,
                    span.length,
                    text[span.offset : span.offset + span.length],
                    _lemma(own, text[span.offset : span.offset + span.length]),
                    "".join(_kana(feature["read"]) for feature in own),
                    pronunciation,
                    part_of_speech(own[-1] if own[-1]["pos_group1"] == "接尾" and len(own) > 1 else own[0]),
                    _detail(own[0]),
                    split_morae(pronunciation),
                )
            )
        return tuple(words), word_of

    def _phrases(
        self, words: Sequence[AnalysedWord], features: Sequence[Any], word_of: Mapping[int, int]
    ) -> list[AccentPhrase]:
        phrases: list[AccentPhrase] = []
        groups = _groups(features)
        said = [[(i, m) for i in group.indexes for m in split_morae(_kana(features[i]["pron"]))] for group in groups]
        sounds = _sounds(self._own.make_label(features))
        if len(sounds) != sum(map(len, said)):
            # Nothing that is a word: a ー alone.
            sounds = [("", vowel) for each in said for vowel in vowels_of([mora for _, mora in each])]
        rest = iter(sounds)
        for number, (group, kana) in enumerate(zip(groups, said, strict=True)):
            morae = [
                Mora(
                    mora, consonant, vowel.lower() if vowel in _DEVOICED else vowel, vowel in _DEVOICED, word_of[index]
                )
                for (index, mora), (consonant, vowel) in zip(kana, rest, strict=False)
                if vowel and index in word_of
            ]
            if not morae:
                continue
            own = [words[index] for index in dict.fromkeys(mora.word_index for mora in morae)]
            accent = features[group.indexes[0]]["acc"]
            offset = own[0].offset
            phrases.append(
                AccentPhrase(
                    offset,
                    own[-1].offset + own[-1].length - offset,
                    tuple(morae),
                    (accent if 0 <= accent <= len(morae) else 0,),
                    group.interrogative,
                    group.pause and number + 1 < len(groups),
                )
            )
        return phrases

    def _with_alternatives(self, text: str, tokens: Sequence[_Token], said: Sequence[Said], base: Parts) -> Parts:
        """Adds the accents that dictionaries and entries accept beside the one that was heard first."""
        by_span = {(token.offset, token.length): token for token in tokens}
        words = [_with_accents(word, by_span.get((word.offset, word.length)), self._accents) for word in base.words]
        phrases = list(base.phrases)
        variants = 0
        for index, word in enumerate(words):
            token = by_span.get((word.offset, word.length))
            if token is None or (token.said is not None and not token.said.accents):
                continue
            for accent in word.accepted_accents:
                if accent == token.accent or variants >= _MOST_VARIANTS:
                    continue
                variants += 1
                other = [each.accented(accent) if each is token else each for each in tokens]
                heard = self._parts(text, self._frontend(text, other))
                if [len(phrase.morae) for phrase in heard.phrases] != [len(phrase.morae) for phrase in phrases]:
                    continue
                for number, phrase in enumerate(phrases):
                    new = heard.phrases[number].accepted_accents[0]
                    if any(mora.word_index == index for mora in phrase.morae) and new not in phrase.accepted_accents:
                        accents = (*phrase.accepted_accents, new)
                        # Another dictionary's first goes before Open JTalk's own.
                        if accent == word.accepted_accents[0]:
                            accents = (new, *phrase.accepted_accents)
                        phrases[number] = replace(phrase, accepted_accents=accents)
        return Parts(tuple(words), tuple(phrases))


def analyser_version() -> str:
    """Name and version of the analyser."""
    return f"pyopenjtalk-plus {version('pyopenjtalk-plus')}"


@dataclass(frozen=True, slots=True)
class _Token:
    """A token of MeCab, at its place in the text.

    Attributes:
        fields: of its feature.
        candidates: the fields of the dictionary's other entries for the same stretch.
        said: what it was put right by.
    """

    offset: int
    length: int
    fields: tuple[str, ...]
    candidates: tuple[tuple[str, ...], ...] = ()
    said: Said | None = None

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.length

    @property
    def accent(self) -> int | None:
        """Its accent said alone; None where no dictionary knows it."""
        return _accent(self.fields)

    def accented(self, accent: int) -> _Token:
        """The token with another accent."""
        morae = len(split_morae(self.fields[_PRON]))
        fields = list(self.fields)
        fields[_ACCENT] = f"{accent}/{morae}"
        return replace(self, fields=tuple(fields))


@dataclass(slots=True)
class _Group:
    """The features of one accent phrase.

    Attributes:
        pause: whether a pause follows; at the end of the text one always does.
    """

    indexes: list[int]
    interrogative: bool = False
    pause: bool = False


def _tokens(text: str, found: Any) -> list[_Token]:
    features = [tuple(feature.split(",")) for feature in found["features"]]
    nodes: dict[tuple[int, int], list[tuple[int, tuple[str, ...]]]] = {}
    for node in found["nodes"]:
        fields = tuple(node["feature"].split(","))
        if len(fields) > _CHAIN:
            nodes.setdefault(tuple(node["char_span"]), []).append((node["word_cost"], fields))
    spans = {
        feature: tuple(morph["char_span"])
        for morph, feature in zip(found["morphs"], found["feature_index_by_morph"], strict=True)
        if feature is not None
    }
    tokens: list[_Token] = []
    for span, indexes in locate(text, [fields[0] for fields in features]):
        if len(indexes) > 1:
            continue
        others = sorted(nodes.get(spans.get(indexes[0], (-1, -1)), []), key=lambda each: each[0])
        tokens.append(_Token(span.offset, span.length, features[indexes[0]], tuple(fields for _, fields in others)))
    # A token that stands nowhere makes what is between its neighbours unknown: then nothing can be put right.
    return tokens if len(tokens) == len(features) else []


def _as_said(run: Sequence[_Token], said: Said) -> _Token:
    """One token in the place of several, read as somebody says."""
    length = run[-1].end - run[0].offset
    single = run[0] if len(run) == 1 else None
    known = None
    if single is not None:
        wanted = lengthened(said.reading)
        known = next(
            (
                fields
                for fields in (single.fields, *single.candidates)
                if len(fields) > _CHAIN
                and (fields[_READ] == said.reading if said.spelled else lengthened(fields[_PRON]) == wanted)
            ),
            None,
        )
    surface = "".join(token.fields[0] for token in run)
    if known is not None:
        fields = list(known)
    else:
        pronunciation = lengthened(said.reading) if said.spelled else said.reading
        kind = run[0].fields[1:7] if single is not None else ("名詞", "一般", "*", "*", "*", "*")
        lemma = single.fields[7] if single is not None else surface
        accent = _accent(run[0].fields) if single is not None else None
        morae = len(split_morae(pronunciation))
        chain = run[0].fields[_CHAIN] if single is not None and len(run[0].fields) > _CHAIN else "C1"
        settled = accent if accent is not None and accent <= morae else 0
        fields = [surface, *kind, lemma, said.reading, pronunciation, f"{settled}/{morae}", chain]
    token = _Token(run[0].offset, length, tuple(fields), single.candidates if single is not None else (), said)
    return token.accented(said.accents[0]) if said.accents else token


def _with_accents(word: AnalysedWord, token: _Token | None, dictionary: AccentDictionary) -> AnalysedWord:
    if token is None:
        return word
    said = token.said
    origin = WordReadingOrigin.ANALYZER if said is None else said.origin
    if said is not None and said.accents:
        return replace(word, accepted_accents=said.accents, origin=origin)
    morae = len(word.morae)
    accents = [] if token.accent is None else [token.accent]
    for fields in token.candidates:
        other = _accent(fields)
        same = fields[_READ] == token.fields[_READ] and fields[1:3] == token.fields[1:3]
        if same and other is not None and other not in accents and other <= morae:
            accents.append(other)
    if listed := dictionary.get((word.surface, word.reading)):
        accents = [*listed, *(accent for accent in accents if accent not in listed)]
        if said is None:
            origin = WordReadingOrigin.DICTIONARY
    return replace(word, accepted_accents=tuple(accents), origin=origin)


def _accent(fields: Sequence[str]) -> int | None:
    if len(fields) <= _ACCENT:
        return None
    accent = fields[_ACCENT].partition("/")[0]
    return int(accent) if accent.isdigit() else None


def _groups(features: Sequence[Any]) -> list[_Group]:
    groups: list[_Group] = []
    open_ = False
    for index, feature in enumerate(features):
        if not _kana(feature["pron"]):
            if groups:
                groups[-1].pause = True
                groups[-1].interrogative |= feature["string"] in ("？", "?") and groups[-1].indexes[-1] == index - 1
            open_ = False
            continue
        if open_ and feature["chain_flag"] == 1:
            groups[-1].indexes.append(index)
        else:
            groups.append(_Group([index]))
            open_ = True
    return groups


def _sounds(labels: Sequence[str]) -> list[tuple[str, str]]:
    """The consonant and vowel of each mora of full-context labels."""
    sounds: list[tuple[str, str]] = []
    consonant = ""
    for label in labels:
        found = _PHONE.search(label)
        phone = "xx" if found is None else found.group(1)
        if phone in _SILENCE:
            consonant = ""
        elif phone in _VOWELS:
            sounds.append((consonant, phone))
            consonant = ""
        else:
            consonant = phone
    return sounds


def _kana(reading: str) -> str:
    """The kana of a reading, without marks of devoicing; empty for punctuation."""
    return "".join(_KANA.findall(reading))


def _lemma(own: Sequence[Any], surface: str) -> str:
    number = own[0]["pos_group1"] == "数"
    lemma = own[0]["orig"] if len(own) == 1 and not number else surface
    return unicodedata.normalize("NFKC", surface if lemma == "*" else lemma)


def _detail(feature: Any) -> str:
    names = (feature["pos"], feature["pos_group1"], feature["pos_group2"], feature["pos_group3"])
    return ",".join(name for name in names if name != "*")


_OF_NOUNS = {
    "固有名詞": PartOfSpeech.PROPER_NOUN,
    "代名詞": PartOfSpeech.PRONOUN,
    "数": PartOfSpeech.NUMERAL,
    "形容動詞語幹": PartOfSpeech.NA_ADJECTIVE,
}
_PARTS = {
    "動詞": PartOfSpeech.VERB,
    "助動詞": PartOfSpeech.AUXILIARY,
    "形容詞": PartOfSpeech.I_ADJECTIVE,
    "形容動詞": PartOfSpeech.NA_ADJECTIVE,
    "副詞": PartOfSpeech.ADVERB,
    "連体詞": PartOfSpeech.ADNOMINAL,
    "助詞": PartOfSpeech.PARTICLE,
    "接続詞": PartOfSpeech.CONJUNCTION,
    "感動詞": PartOfSpeech.INTERJECTION,
    "接頭詞": PartOfSpeech.PREFIX,
    "フィラー": PartOfSpeech.FILLER,
    "記号": PartOfSpeech.SYMBOL,
}


def part_of_speech(feature: Any) -> PartOfSpeech:
    """The part of speech of one of Open JTalk's features."""
    pos, group = feature["pos"], feature["pos_group1"]
    if pos == "名詞":
        if group == "接尾":
            return PartOfSpeech.COUNTER if feature["pos_group2"] == "助数詞" else PartOfSpeech.SUFFIX
        return _OF_NOUNS.get(group, PartOfSpeech.NOUN)
    if pos in ("動詞", "形容詞") and group == "接尾":
        return PartOfSpeech.AUXILIARY if pos == "動詞" else PartOfSpeech.SUFFIX
    return _PARTS.get(pos, PartOfSpeech.OTHER)

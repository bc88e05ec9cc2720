import random

import pytest

from bench.assessment.calibrate import with_numbers
from bench.assessment.clips import Group, Split, clips, sentences
from bench.assessment.frontend import morae_of, phrases_of, read, with_nucleus
from bench.assessment.planting import KINDS, draw, places, plant

SENTENCE = "きのう新しい切符を買って電車に乗りました。"


def kana(text: str) -> list[str]:
    return [mora for word in read(text) for mora in morae_of(word["pron"])]


def test_every_kind_finds_its_places() -> None:
    found = places(read(SENTENCE), random.Random(0))
    morae = kana(SENTENCE)
    assert {morae[one.mora] for one in found["geminate_lost"]} == {"ッ"}
    assert {morae[one.mora] for one in found["nasal_lost"]} == {"ン"}
    assert all(morae[one.mora] in ("ー", "イ") for one in found["long_shortened"])
    assert len(found["particle_dropped"]) == 2


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_errors_are_in_words_of_their_own(count: int) -> None:
    features = read(SENTENCE)
    errors = draw(features, count, random.Random(count))
    assert errors is not None
    assert len({error.word for error in errors}) == count
    assert plant(features, errors) != features
    assert plant(features, []) == features


def test_another_nucleus_is_the_only_difference() -> None:
    features = read(SENTENCE)
    before = phrases_of(features)
    for index, phrase in enumerate(before):
        for nucleus in range(phrase.morae):
            after = phrases_of(with_nucleus(features, phrase, nucleus))
            assert after[index].nucleus == nucleus
            assert [(p.first, p.morae) for p in after] == [(p.first, p.morae) for p in before]


def test_the_same_clips_are_drawn_every_time_and_nothing_is_in_both_halves() -> None:
    tune, test = clips(Split.TUNE, 4), clips(Split.TEST, 4)
    assert [clip.id for clip in clips(Split.TEST, 4)] == [clip.id for clip in test]
    assert not {clip.sentence.key for clip in tune} & {clip.sentence.key for clip in test}
    assert {clip.group for clip in test} == set(Group)
    assert {error.kind for clip in test if clip.group is Group.ERROR for error in clip.errors} <= set(KINDS)
    assert len({sentence.key for sentence in sentences()}) == len(sentences())


def test_numbers_are_written_into_their_table_and_comments_stay() -> None:
    text = "[one]\n# Why.\na = 1.0\nb = [1, 2]\n\n[two]\na = 3.0\n"
    assert with_numbers(text, "one", {"a": 0.5, "b": [3.0, 4.5]}) == (
        "[one]\n# Why.\na = 0.5000\nb = [3, 4.5]\n\n[two]\na = 3.0\n"
    )
    with pytest.raises(ValueError, match="no figure c"):
        with_numbers(text, "two", {"c": 1.0})
    with pytest.raises(ValueError, match=r"no table \[three\]"):
        with_numbers(text, "three", {})

"""Phones, lengths and accents of references."""

from __future__ import annotations

import numpy as np
import pytest

from server.adapters.openjtalk.analyser import analyse
from server.adapters.openjtalk.pronunciation import pronounce
from server.speech.domain.reference import ReadWord, Reference, TextSpan, build_reference


def _reference(text: str, **readings: str) -> Reference:
    words = [ReadWord(w.text, w.span, readings.get(w.text, w.pronunciation)) for w in analyse(text)]
    return build_reference(text, words)


def test_phones_lengths_and_accents() -> None:
    found = pronounce(_reference("橋を渡るとき、今日は雨だ。"))
    assert " ".join(found.phones) == "pau h a sh i o w a t a r u t o k i ky o o w a a m e d a pau"
    assert [found.phones[slice(*span)] for span in found.spans[:3]] == [("h", "a"), ("sh", "i"), ("o",)]
    assert [(p.first_mora, p.mora_count, p.nucleus) for p in found.phrases] == [
        (0, 3, 2),
        (3, 5, 4),
        (8, 3, 1),
        (11, 3, 1),
    ]
    assert found.durations is not None
    assert np.all(found.durations[1:-1] > 0.01)
    assert np.all(found.durations[1:-1] < 0.4)


def test_flat_is_told_from_a_late_drop() -> None:
    flat, late = pronounce(_reference("端")), pronounce(_reference("橋"))
    assert flat.phones == late.phones
    assert (flat.phrases[0].nucleus, late.phrases[0].nucleus) == (0, 2)


@pytest.mark.parametrize(("reading", "phones"), [("コンニチワ", "k o N n i ch i w a"), ("キョー", "ky o o")])
def test_another_reading_is_followed(reading: str, phones: str) -> None:
    found = pronounce(_reference("今日雨だ", 今日=reading))
    assert " ".join(found.phones[1:-4]).startswith(phones)
    assert found.durations is not None


def test_an_accent_that_was_asked_for_is_followed() -> None:
    words = (ReadWord("橋", TextSpan(0, 1), "ハシ", 1), ReadWord("を", TextSpan(1, 1), "オ"))
    found = pronounce(build_reference("橋を", words))
    assert found.phrases[0].nucleus == 1
    assert found.phrases[0].mora_count == 3


def test_what_the_analyser_can_not_be_made_to_read_is_spelled() -> None:
    found = pronounce(
        Reference(
            "橋",
            (ReadWord("橋", TextSpan(0, 1), "ハシ"),),
            build_reference("", [ReadWord("", TextSpan(0, 0), "アメリカ")]).morae,
        )
    )
    assert found.phones == ("pau", "a", "m", "e", "r", "i", "k", "a", "pau")
    assert found.durations is None
    assert found.phrases == ()


def test_the_contour_skips_pauses() -> None:
    found = pronounce(_reference("雨だ、雨だ。"), lambda samples: np.ones(len(samples) // 160 + 1))
    assert found.f0 is not None
    assert found.durations is not None
    assert len(found.f0) == pytest.approx(100 * found.durations.sum(), abs=3)


def test_a_part_of_a_text() -> None:
    found = pronounce(_reference("今日は雨だ"))
    part = found.of((0, 1, 2, 5))
    assert part.phones == ("pau", "ky", "o", "o", "w", "a", "d", "a", "pau")
    assert part.reference.kana == ("キョ", "ー", "ワ", "ダ")
    assert part.durations is not None
    assert found.durations is not None
    assert part.durations[-2] == found.durations[-2]
    assert found.of(range(6)) is found
    assert [found.mora_of(i) for i in (0, 1, 2, 3, len(found.phones) - 1)] == [-1, 0, 0, 1, len(found.spans)]

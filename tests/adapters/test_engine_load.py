from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters.engine_load import Load, Promise

PROMISE = Promise(interval=1.5, utterance=4.0, share=0.85, partial=0.2, final=0.35)


def test_before_anything_was_measured() -> None:
    load = Load(2, PROMISE)
    assert load.speaker == pytest.approx(0.2 / 1.5 + 0.35 / 4)
    assert load.most == 7


def test_a_slower_machine_serves_fewer() -> None:
    load = Load(2, PROMISE)
    for _ in range(200):
        load.partial_took(0.4)
        load.final_took(0.7)
    assert load.most == 3


def test_a_faster_machine_serves_more() -> None:
    load = Load(2, PROMISE)
    for _ in range(200):
        load.partial_took(0.1)
        load.final_took(0.15)
    assert load.most == 16


def test_one_hiccup_changes_little() -> None:
    load = Load(2, PROMISE)
    load.partial_took(60.0)
    load.final_took(60.0)
    assert load.most >= 6


@given(st.lists(st.floats(0, 1000, allow_nan=False)), st.integers(1, 64))
def test_somebody_is_always_served(times: list[float], workers: int) -> None:
    load = Load(workers, PROMISE)
    for seconds in times:
        load.partial_took(seconds)
        load.final_took(seconds)
    assert load.most >= 1

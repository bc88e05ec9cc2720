"""The state machine of a practice: any order of events, any chunk boundaries."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import ApplicationError, Reason
from server.speech.domain.session import (
    FRAME_SECONDS,
    Action,
    DecodeFinal,
    DecodePartial,
    EndCause,
    LimitNear,
    LimitReached,
    NothingSaid,
    Phase,
    PracticeMachine,
    PracticeRules,
    SpeechBegan,
    UtteranceEnded,
)

FRAME = FRAME_SECONDS


def speak(machine: PracticeMachine, seconds: float, voice: float = 0.9, now: float = 0.0) -> list[Action]:
    """Audio of that length whose frames all have this probability of voice; partials are done at once."""
    actions: list[Action] = []
    for _ in range(round(seconds / FRAME)):
        new = list(machine.audio(machine.received + FRAME, [voice], now))
        actions += new
        if any(isinstance(action, DecodePartial) for action in new):
            actions += machine.partial_done()
    return actions


def kinds(actions: Iterable[Action]) -> list[type]:
    return [type(action) for action in actions]


def test_a_practice_from_start_to_end() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    assert speak(machine, 0.32, voice=0.0) == []
    actions = speak(machine, 1.6)
    assert kinds(actions)[0] is SpeechBegan
    assert kinds(actions).count(DecodePartial) >= 4
    assert UtteranceEnded not in kinds(speak(machine, 0.64, voice=0.0))
    ended, final = machine.finish()
    assert isinstance(ended, UtteranceEnded)
    assert ended.cause is EndCause.CLIENT_FINISHED
    assert ended.speech_end == pytest.approx(1.92)
    assert isinstance(final, DecodeFinal)
    assert (final.start, final.end) == pytest.approx((0.32 - 0.25, 1.92 + 0.3))
    assert machine.phase is Phase.DECIDING


def test_the_final_transcript_ends_it() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    list(machine.finish())
    machine.final_done()
    assert machine.phase is Phase.OVER


def test_the_first_partial_comes_early_and_the_next_at_the_interval() -> None:
    machine = PracticeMachine(PracticeRules(partial_interval=0.5, first_partial=0.2), 0.0)
    untils = [a.until for a in speak(machine, 2.0) if isinstance(a, DecodePartial)]
    assert untils[0] == pytest.approx(0.2, abs=2 * FRAME)
    gaps = [later - earlier for earlier, later in pairwise(untils)]
    assert all(gap == pytest.approx(0.5, abs=FRAME) for gap in gaps)


def test_while_partials_give_nothing_the_next_comes_sooner() -> None:
    machine = PracticeMachine(PracticeRules(partial_interval=0.5), 0.0)
    untils: list[float] = []
    for _ in range(40):
        for action in machine.audio(machine.received + FRAME, [0.9], 0.0):
            if isinstance(action, DecodePartial):
                untils.append(action.until)
                list(machine.partial_done(shown=len(untils) > 2))
    gaps = [later - earlier for earlier, later in pairwise(untils)]
    assert gaps[:2] == pytest.approx([0.128, 0.128], abs=FRAME)
    assert gaps[2] == pytest.approx(0.5, abs=FRAME)


def test_a_pause_brings_a_partial_at_once() -> None:
    machine = PracticeMachine(PracticeRules(partial_interval=2.0), 0.0)
    assert kinds(speak(machine, 0.5)).count(DecodePartial) == 1
    (pause,) = [a for a in speak(machine, 0.5, voice=0.0) if isinstance(a, DecodePartial)]
    assert pause.until == pytest.approx(0.5 + 0.1, abs=2 * FRAME)


def test_only_one_partial_at_a_time() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    actions = [a for _ in range(60) for a in machine.audio(machine.received + FRAME, [0.9], 0.0)]
    assert kinds(actions).count(DecodePartial) == 1
    assert kinds(machine.partial_done()) == [DecodePartial]


def test_no_partials_of_silence_after_speech() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    speak(machine, 1.0)
    late = speak(machine, 3.0, voice=0.0)
    assert kinds(late).count(DecodePartial) <= 2


def test_none_are_made_when_none_are_wanted() -> None:
    machine = PracticeMachine(PracticeRules(partials=False), 0.0)
    assert kinds(speak(machine, 3.0)) == [SpeechBegan]


def test_nothing_said() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    speak(machine, 2.0, voice=0.1)
    assert list(machine.finish()) == [UtteranceEnded(EndCause.CLIENT_FINISHED, None), NothingSaid()]


def test_silence_ends_the_utterance_only_when_asked() -> None:
    patient = PracticeMachine(PracticeRules(), 0.0)
    speak(patient, 1.0)
    speak(patient, 5.0, voice=0.0)
    assert patient.phase is Phase.LISTENING

    machine = PracticeMachine(PracticeRules(finish_on_silence=True, silence=0.55), 0.0)
    speak(machine, 1.0)
    assert UtteranceEnded not in kinds(speak(machine, 0.5, voice=0.0))
    actions = speak(machine, 0.2, voice=0.0)
    assert [a.cause for a in actions if isinstance(a, UtteranceEnded)] == [EndCause.SILENCE]
    assert machine.room(1.0) == 0.0
    assert list(machine.finish()) == []


def test_a_pause_shorter_than_the_silence_does_not_end_it() -> None:
    machine = PracticeMachine(PracticeRules(finish_on_silence=True, silence=1.0), 0.0)
    speak(machine, 0.5)
    speak(machine, 0.8, voice=0.0)
    speak(machine, 0.5)
    assert machine.phase is Phase.LISTENING


def test_speech_that_goes_on_within_one_chunk_does_not_end() -> None:
    machine = PracticeMachine(PracticeRules(finish_on_silence=True, silence=0.2), 0.0)
    voice = [0.9] * 10 + [0.0] * 10 + [0.9] * 10
    assert UtteranceEnded not in kinds(machine.audio(30 * FRAME, voice, 0.0))


def test_nobody_speaks_for_the_longest_wait() -> None:
    machine = PracticeMachine(PracticeRules(finish_on_silence=True, longest_wait=2.0), 0.0)
    actions = speak(machine, 2.1, voice=0.0)
    assert actions == [UtteranceEnded(EndCause.NO_SPEECH, None), NothingSaid()]


def test_audio_after_the_clients_finish_is_its_fault() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    list(machine.finish())
    with pytest.raises(ApplicationError) as caught:
        machine.room(0.1)
    assert caught.value.reason is Reason.AUDIO_AFTER_FINISH
    assert caught.value.metadata == {"field": "audio"}


def test_the_longest_utterance_is_an_error() -> None:
    machine = PracticeMachine(PracticeRules(longest_utterance=1.0), 0.0)
    speak(machine, 0.96)
    assert machine.room(0.04) == pytest.approx(0.04)
    with pytest.raises(ApplicationError) as caught:
        machine.room(0.05)
    assert caught.value.reason is Reason.UTTERANCE_TOO_LONG
    assert caught.value.metadata == {"field": "audio", "limit_seconds": "1"}


def test_or_the_end_where_the_client_asked_for_that() -> None:
    machine = PracticeMachine(PracticeRules(longest_utterance=1.0, finish_at_limit=True), 0.0)
    speak(machine, 0.96)
    room = machine.room(0.5)
    assert room == pytest.approx(0.04)
    assert kinds(machine.audio(machine.received + room, [0.9], 0.0, cut=True)) == [
        LimitReached,
        UtteranceEnded,
        DecodeFinal,
    ]


def test_the_limit_is_announced_once() -> None:
    machine = PracticeMachine(PracticeRules(longest_utterance=6.0), 0.0)
    assert kinds(speak(machine, 5.0)).count(LimitNear) == 1


def test_idleness_counts_from_the_last_audio() -> None:
    machine = PracticeMachine(PracticeRules(idle_timeout=10.0), now=100.0)
    machine.check_idle(109.9)
    list(machine.audio(FRAME, [0.0], 105.0))
    machine.check_idle(114.9)
    list(machine.audio(FRAME, [], 114.9))
    with pytest.raises(ApplicationError) as caught:
        machine.check_idle(115.0)
    assert caught.value.reason is Reason.IDLE_TIMEOUT
    assert caught.value.metadata == {"limit_seconds": "10"}


def test_a_finished_practice_is_never_idle() -> None:
    machine = PracticeMachine(PracticeRules(), 0.0)
    list(machine.finish())
    machine.check_idle(1000.0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("audio"), st.lists(st.sampled_from([0.0, 0.4, 0.9]), max_size=12)),
        st.tuples(st.just("done"), st.just([])),
        st.tuples(st.just("finish"), st.just([])),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(STEPS, st.booleans(), st.booleans())
def test_any_order_of_events(steps: list[tuple[str, list[float]]], on_silence: bool, at_limit: bool) -> None:
    rules = PracticeRules(
        longest_utterance=3.0, finish_on_silence=on_silence, silence=0.2, longest_wait=1.5, finish_at_limit=at_limit
    )
    machine = PracticeMachine(rules, 0.0)
    actions: list[Action] = []
    refusals: set[Reason] = set()
    decoding = False
    for step, voice in [*steps, ("finish", [])]:
        try:
            if step == "audio":
                seconds = len(voice) * FRAME
                room = machine.room(seconds)
                new = list(machine.audio(machine.received + room, voice[: int(room / FRAME)], 0.0, cut=room < seconds))
            elif step == "done":
                new = list(machine.partial_done()) if decoding else []
                decoding = False
            else:
                new = list(machine.finish())
        except ApplicationError as error:
            refusals.add(error.reason)
            continue
        for action in new:
            if isinstance(action, DecodePartial):
                assert not decoding
                assert 0 <= action.start < action.until <= machine.received + 1e-9
                decoding = True
        actions += new
    assert refusals <= {Reason.UTTERANCE_TOO_LONG, Reason.AUDIO_AFTER_FINISH}
    found = kinds(actions)
    assert machine.phase is Phase.DECIDING
    assert found.count(UtteranceEnded) == 1
    assert found.count(SpeechBegan) <= 1
    assert found.count(DecodeFinal) + found.count(NothingSaid) == 1
    assert (DecodeFinal in found) == (SpeechBegan in found)
    assert found[-1] in {DecodeFinal, NothingSaid}
    assert machine.received <= 3.0 + 1e-6


@given(st.lists(st.sampled_from([0.0, 0.9]), min_size=10, max_size=120), st.data())
def test_chunk_boundaries_make_no_difference(voice: list[float], data: st.DataObject) -> None:
    """What was said, and when, is the same however the audio is cut; only partials depend on it."""

    def run(cuts: list[int]) -> list[Action]:
        machine = PracticeMachine(PracticeRules(partials=False), 0.0)
        actions: list[Action] = []
        for start, end in zip([0, *cuts], [*cuts, len(voice)], strict=True):
            actions += machine.audio(end * FRAME, voice[start:end], 0.0)
        return [*actions, *machine.finish()]

    cuts = sorted(data.draw(st.lists(st.integers(0, len(voice)), max_size=10)))
    whole, pieces = run([]), run(cuts)
    assert kinds(whole) == kinds(pieces)
    for one, other in zip(whole, pieces, strict=True):
        if isinstance(one, DecodeFinal) and isinstance(other, DecodeFinal):
            assert (one.start, one.end) == pytest.approx((other.start, other.end))

"""A practice under way: what is kept together when streams break, end and come again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from server.errors import ApplicationError, Reason, ResourceExhausted, Unavailable
from server.kernel.identity import SessionId
from server.speech.domain.attempt import Attempt
from server.speech.domain.events import (
    Assessed,
    Event,
    Notice,
    NoticeKind,
    Partial,
    PitchPoint,
    Ready,
    Saved,
    Transcript,
)
from server.speech.ports import SAMPLE_RATE, Recognised, Samples
from server.speech.practice import Finish
from server.speech.practice_config import PracticeConfig
from tests.support.speech import (
    LEARNER,
    PRACTICE,
    Speech,
    attempt,
    caller,
    chunks,
    practice_config,
    said,
    settle,
    silence,
    spoken,
    stream,
)

T = TypeVar("T")

CUT_SHORT = 30.0
"""Seconds of audio that a recogniser hears; what goes beyond is lost."""


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def practise(speech: Speech, *items: PracticeConfig | bytes) -> list[Event]:
    """All events of a practice whose client sends all at once."""
    return [numbered.event async for numbered in speech.use.practice(caller(), stream(items))]


def free(**changes: object) -> PracticeConfig:
    return practice_config(reference_text=None, **changes)


async def test_long_free_speech_without_partials_is_heard_to_the_end(speech: Speech) -> None:
    speech.recogniser.finals = [said("学校"), said("です"), said("よ")]
    audio = b"".join(spoken(19.0) + silence(0.6) for _ in range(3))
    events = await practise(speech, free(partials=False), *chunks(audio, 64_000))
    (transcript,) = [event for event in events if isinstance(event, Transcript)]
    assert transcript.text == "学校ですよ"
    lengths = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
    assert max(lengths) <= CUT_SHORT
    assert sum(lengths) == pytest.approx(58.5, abs=0.5)


async def test_speech_that_partials_cannot_keep_up_with_is_heard_to_the_end(speech: Speech) -> None:
    speech.recogniser.gate.clear()
    outbox = (await speech.opener(caller(), free()))[1]
    live = speech.sessions.get(LEARNER, PRACTICE)
    for piece in chunks(spoken(1.0)):
        await live.push(piece)
    for piece in chunks(spoken(69.0), 64_000):
        await live.push(piece)
    speech.recogniser.gate.set()
    await settle()
    await live.push(spoken(0.1))
    await live.finish()
    events = [numbered.event async for numbered in outbox]
    assert isinstance(events[-1], Saved)
    lengths = [length for _, length, _ in speech.recogniser.calls]
    assert max(lengths) <= CUT_SHORT
    finals = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
    assert sum(finals) == pytest.approx(70.1, abs=0.1)


async def test_a_piece_whose_sender_goes_while_it_is_taken_is_taken_once(speech: Speech) -> None:
    await speech.opener(caller(), practice_config(partials=False))
    audio = spoken(1.0)
    speech.voice.gate.clear()
    pushing = asyncio.ensure_future(speech.use.push_practice_audio(caller(), PRACTICE, 0, audio[:16_000]))
    await settle()
    pushing.cancel()
    await settle()
    speech.voice.gate.set()
    await asyncio.gather(pushing, return_exceptions=True)
    assert await speech.use.push_practice_audio(caller(), PRACTICE, 0, audio[:16_000]) == 16_000
    assert await speech.use.push_practice_audio(caller(), PRACTICE, 16_000, audio[16_000:]) == 32_000
    await speech.use.finish_practice(caller(), PRACTICE, 32_000)
    assert (await stored(speech)).audio_seconds == pytest.approx(1.0)
    assert [length for _, length, _ in speech.recogniser.calls] == [pytest.approx(1.0, abs=0.03)]


async def test_a_finish_whose_sender_goes_meanwhile_finishes_all_the_same(speech: Speech) -> None:
    live, _ = await speech.opener(caller(), practice_config(partials=False))
    assert live is not None
    await live.push(spoken(1.0))
    speech.voice.gate.clear()
    finishing = asyncio.ensure_future(live.finish())
    await settle()
    finishing.cancel()
    await settle()
    again = asyncio.ensure_future(live.finish())
    await settle()
    speech.voice.gate.set()
    assert await again == 32_000
    assert (await stored(speech)).audio_seconds == pytest.approx(1.0)


async def test_a_stream_taken_over_while_a_piece_is_taken_says_nothing_twice(speech: Speech) -> None:
    audio = spoken(1.0)
    config = practice_config(partials=False)
    old: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    first = asyncio.ensure_future(listen(speech, queued(old)))
    old.put_nowait(config)
    await settle()
    speech.voice.gate.clear()
    old.put_nowait(audio[:16_000])
    await settle()
    new: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    second = asyncio.ensure_future(listen(speech, queued(new)))
    new.put_nowait(config)
    await settle()
    # The piece is on its way, so the server has nothing yet and asks for everything.
    new.put_nowait(audio)
    new.put_nowait(Finish())
    await settle()
    speech.voice.gate.set()
    events = await second
    with pytest.raises(ApplicationError) as caught:
        await first
    assert caught.value.reason is Reason.PRACTICE_TAKEN_OVER
    assert isinstance(events[0], Ready)
    assert events[0].resume_offset == 0
    assert (await stored(speech)).audio_seconds == pytest.approx(1.0)


async def test_what_a_stream_sends_that_was_taken_over_is_not_heard(speech: Speech) -> None:
    config = practice_config(partials=False)
    old: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    first = asyncio.ensure_future(listen(speech, queued(old)))
    old.put_nowait(config)
    await settle()
    old.put_nowait(spoken(0.5))
    old.put_nowait(Finish())
    live, _ = await speech.opener(caller(), config)
    await settle()
    assert live is not None
    assert not live.deciding
    assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], ApplicationError)


async def test_a_client_that_reads_slowly_sees_no_gap_in_the_count(speech: Speech) -> None:
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    for piece in chunks(spoken(3.0)):
        await live.push(piece)
        await settle(20)
    await live.finish()
    counts = [numbered.sequence async for numbered in outbox]
    assert counts == list(range(1, len(counts) + 1))


async def test_the_count_goes_on_after_a_resumption(speech: Speech) -> None:
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    await live.push(spoken(1.0))
    await settle()
    live.detach(outbox)
    before = [numbered.sequence async for numbered in outbox]
    # What nobody hears is not counted.
    await live.push(spoken(1.0))
    await settle()
    _, again = await speech.opener(caller(), practice_config())
    await live.finish()
    after = [numbered.sequence async for numbered in again]
    assert before + after == list(range(1, len(before + after) + 1))


async def test_the_position_is_told_without_waiting_for_text(speech: Speech) -> None:
    speech.recogniser.gate.clear()
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    for piece in chunks(spoken(2.0)):
        await live.push(piece)
        await settle(20)
    speech.recogniser.gate.set()
    await live.finish()
    events = [numbered.event async for numbered in outbox]
    read = [event.morae_read or 0 for event in events if isinstance(event, Partial)]
    assert read[-1] == 6
    assert read == sorted(read)
    assert all(event.morae_total == 6 for event in events if isinstance(event, Partial))


async def test_a_follower_that_is_busy_costs_the_position_but_not_the_practice(speech: Speech) -> None:
    speech.follower.fault = Unavailable(Reason.ANALYZER_UNAVAILABLE, "busy")
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    for piece in chunks(spoken(2.0)):
        await live.push(piece)
        await settle(20)
    await live.finish()
    events = [numbered.event async for numbered in outbox]
    assert NoticeKind.FALLING_BEHIND in {event.kind for event in events if isinstance(event, Notice)}
    assert isinstance(events[-1], Saved)


async def test_the_pitch_is_told_while_one_speaks(speech: Speech) -> None:
    speech.pitch.points = (PitchPoint(0.5, 1.5), PitchPoint(0.51, None))
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    for piece in chunks(spoken(2.0)):
        await live.push(piece)
        await settle(20)
    await live.finish()
    events = [numbered.event async for numbered in outbox]
    told = [event.pitch for event in events if isinstance(event, Partial) and event.pitch]
    assert told
    # Partials that waited were made one, with the pitch of all.
    assert all(pitch == speech.pitch.points * (len(pitch) // 2) for pitch in told)


async def test_pitch_that_was_not_asked_for_is_not_told(speech: Speech) -> None:
    speech.pitch.points = (PitchPoint(0.5, 1.5),)
    live, outbox = await speech.opener(caller(), practice_config(pitch=False))
    assert live is not None
    for piece in chunks(spoken(1.0)):
        await live.push(piece)
        await settle(20)
    await live.finish()
    assert not [n.event for n in [n async for n in outbox] if isinstance(n.event, Partial) and n.event.pitch]


async def test_an_engine_that_is_busy_costs_the_pitch_but_not_the_practice(speech: Speech) -> None:
    speech.pitch.fault = ResourceExhausted(Reason.SPEECH_OVERLOADED, "busy")
    live, outbox = await speech.opener(caller(), practice_config())
    assert live is not None
    for piece in chunks(spoken(2.0)):
        await live.push(piece)
        await settle(20)
    await live.finish()
    events = [numbered.event async for numbered in outbox]
    assert NoticeKind.FALLING_BEHIND in {event.kind for event in events if isinstance(event, Notice)}
    assert isinstance(events[-1], Saved)


async def test_what_is_being_decided_does_not_give_way_to_new_practices(speech: Speech) -> None:
    speech.recogniser.gate.clear()
    live, outbox = await speech.opener(caller(), practice_config(partials=False))
    assert live is not None
    await live.push(spoken(1.0))
    await live.finish()
    live.detach(outbox)
    for number in range(6):
        other = practice_config(practice_id=PRACTICE[:-1] + str(number), partials=False)
        newer, heard = await speech.opener(caller(), other)
        assert newer is not None
        newer.detach(heard)
    assert len(speech.sessions) <= 2 * speech.limits.streams_per_user
    speech.recogniser.gate.set()
    await settle()
    assert [kept.practice_id for kept, _ in speech.state.attempts.values()] == [PRACTICE]


async def test_a_practice_that_is_resumed_counts_among_the_open_ones(speech: Speech) -> None:
    ids = [PRACTICE[:-1] + str(number) for number in range(3)]
    live, outbox = await speech.opener(caller(), practice_config(practice_id=ids[0]))
    assert live is not None
    live.detach(outbox)
    for other in ids[1:]:
        await speech.opener(caller(), practice_config(practice_id=other))
    with pytest.raises(ApplicationError) as caught:
        await speech.opener(caller(), practice_config(practice_id=ids[0]))
    assert caught.value.reason is Reason.TOO_MANY_STREAMS
    # To take over one's own stream opens no further one.
    await speech.opener(caller(), practice_config(practice_id=ids[1]))


async def test_who_resumes_with_a_new_token_speaks_on_it(speech: Speech) -> None:
    soon = caller(expires_at=speech.clock.now() + timedelta(seconds=8))
    live, outbox = await speech.opener(soon, practice_config())
    assert live is not None
    live.detach(outbox)
    renewed = replace(caller(), session_id=SessionId("0198c0de-0000-7000-9000-0000000000d2"))
    _, again = await speech.opener(renewed, practice_config())
    speech.ended_sign_ins.add(soon.session_id)
    await speech.time.advance(9)
    assert not again.closed
    speech.ended_sign_ins.add(renewed.session_id)
    await speech.time.advance(5.5)
    assert again.closed


async def test_who_waits_for_audio_is_told_at_once_that_the_practice_is_over(speech: Speech) -> None:
    silent = practice_config(partials=False, finish_on_silence=True)
    await speech.opener(caller(), silent)
    early = asyncio.ensure_future(speech.use.push_practice_audio(caller(), PRACTICE, 64_000, spoken(0.1)))
    waiting = asyncio.ensure_future(speech.use.finish_practice(caller(), PRACTICE, 67_200))
    await settle()
    await speech.use.push_practice_audio(caller(), PRACTICE, 0, spoken(0.7) + silence(0.7))
    await stored(speech)
    await settle()
    assert early.done()
    for error in await asyncio.gather(early, waiting, return_exceptions=True):
        assert isinstance(error, ApplicationError)
        assert error.reason is Reason.PRACTICE_NOT_FOUND


async def test_a_recording_whose_attempt_cannot_be_stored_is_not_left_behind(speech: Speech) -> None:
    live, outbox = await speech.opener(caller(), practice_config(partials=False))
    assert live is not None
    await live.push(spoken(1.0))
    speech.database.away = 1000
    await live.finish()
    await settle()
    assert len(speech.store.files) == 1
    await speech.time.advance(40)
    with pytest.raises(ApplicationError) as caught:
        _ = [event async for event in outbox]
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    assert speech.store.files == {}


async def test_nor_one_whose_practice_is_ended_by_a_shutdown(speech: Speech) -> None:
    live, _ = await speech.opener(caller(), practice_config(partials=False))
    assert live is not None
    await live.push(spoken(1.0))
    speech.database.away = 1000
    await live.finish()
    await settle()
    speech.sessions.end_all()
    await settle()
    assert speech.store.files == {}


async def test_a_recording_too_many_that_cannot_be_removed_does_not_spoil_the_answer(speech: Speech) -> None:
    live, outbox = await speech.opener(caller(), practice_config(partials=False))
    assert live is not None
    speech.add_attempt(attempt(practice_id=PRACTICE))
    speech.store.stuck = True
    await live.push(spoken(1.0))
    await live.finish()
    await settle()
    events = [numbered.event async for numbered in outbox]
    saved = events[-1]
    assert isinstance(saved, Saved)
    assert saved.attempt_id == attempt().id


async def test_the_only_accepted_answer_is_named_as_the_one_that_was_given(speech: Speech) -> None:
    only = practice_config(reference_text=None, accepted_answers=("今日は雨だ",), partials=False)
    events = await practise(speech, only, spoken(1.2))
    (assessed,) = [event for event in events if isinstance(event, Assessed)]
    assert assessed.assessment.matched_answer == 0


async def test_a_stream_cancelled_twice_lets_go_of_its_practice(speech: Speech) -> None:
    queue: asyncio.Queue[PracticeConfig | bytes | Finish] = asyncio.Queue()
    task = asyncio.ensure_future(listen(speech, queued(queue)))
    queue.put_nowait(practice_config())
    await settle()
    live = speech.sessions.get(LEARNER, PRACTICE)
    speech.voice.gate.clear()
    queue.put_nowait(spoken(0.5))
    await settle()
    for _ in range(2):
        task.cancel()
        await settle()
    speech.voice.gate.set()
    await asyncio.gather(task, return_exceptions=True)
    await settle()
    assert not live.attached


async def listen(speech: Speech, intake: AsyncIterator[PracticeConfig | bytes | Finish]) -> list[Event]:
    return [numbered.event async for numbered in speech.use.practice(caller(), intake)]


async def queued(queue: asyncio.Queue[T]) -> AsyncIterator[T]:
    """What a client sends that takes its time."""
    while True:
        yield await queue.get()


async def stored(speech: Speech) -> Attempt:
    """The one attempt, once it is stored."""
    await speech.sessions.wait_until_none()
    ((kept, _),) = speech.state.attempts.values()
    return kept


async def test_the_transcript_begins_with_what_was_stable(speech: Speech) -> None:
    speech.recogniser.partials = [said("予約した部屋")]
    speech.recogniser.finals = [said("ようやくした部屋と違う")]
    events = await practise(speech, free(), *[spoken(0.5)] * 6)
    (transcript,) = [event for event in events if isinstance(event, Transcript)]
    stable = [event.stable_text for event in events if isinstance(event, Partial)]
    assert stable[-1] == "予約した"
    assert transcript.text == "予約した部屋と違う"


async def test_another_language_is_not_made_to_begin_with_japanese(speech: Speech) -> None:
    speech.recogniser.partials = [said("予約した部屋")]
    speech.recogniser.finals = [said("You have a room.", "en")]
    events = await practise(speech, free(), *[spoken(0.5)] * 6)
    (transcript,) = [event for event in events if isinstance(event, Transcript)]
    assert transcript.text == "You have a room."


async def test_the_final_is_decoded_while_the_silence_lasts(speech: Speech) -> None:
    _, outbox = await speech.opener(caller(), free(finish_on_silence=True, partials=False))
    live = speech.sessions.get(LEARNER, PRACTICE)
    await live.push(spoken(1.0))
    await live.push(silence(0.4))
    await settle()
    assert [kind for kind, _, _ in speech.recogniser.calls] == ["final"]
    await live.push(silence(0.3))
    events = [numbered.event async for numbered in outbox]
    assert isinstance(events[-1], Saved)
    assert [kind for kind, _, _ in speech.recogniser.calls] == ["final"], "it is not decoded again"


async def test_what_was_decoded_ahead_is_thrown_away_when_speech_goes_on(speech: Speech) -> None:
    speech.recogniser.finals = [said("今日は"), said("今日は雨だ")]
    _, outbox = await speech.opener(caller(), free(finish_on_silence=True, partials=False))
    live = speech.sessions.get(LEARNER, PRACTICE)
    await live.push(spoken(1.0))
    await live.push(silence(0.4))
    await settle()
    await live.push(spoken(1.0))
    await live.push(silence(0.7))
    events = [numbered.event async for numbered in outbox]
    (transcript,) = [event for event in events if isinstance(event, Transcript)]
    assert transcript.text == "今日は雨だ"


async def test_what_failed_ahead_is_tried_again(speech: Speech) -> None:
    _, outbox = await speech.opener(caller(), free(finish_on_silence=True, partials=False))
    live = speech.sessions.get(LEARNER, PRACTICE)
    speech.recogniser.fault = ResourceExhausted(Reason.SPEECH_OVERLOADED, "busy")
    await live.push(spoken(1.0))
    await live.push(silence(0.4))
    await settle()
    speech.recogniser.fault = None
    await live.push(silence(0.3))
    events = [numbered.event async for numbered in outbox]
    assert isinstance(events[-1], Saved)


async def test_a_partial_is_about_what_was_said_when_its_turn_came(speech: Speech) -> None:
    _, outbox = await speech.opener(caller(), free())
    live = speech.sessions.get(LEARNER, PRACTICE)
    heard: list[float] = []
    turn = asyncio.Event()
    hear = speech.recogniser.partial

    async def in_turn(samples: Callable[[], Samples]) -> Recognised:
        await turn.wait()
        heard.append(len(samples()) / SAMPLE_RATE)
        return await hear(samples)

    speech.recogniser.partial = in_turn  # type: ignore[method-assign]
    await live.push(spoken(0.5))
    await settle()
    await live.push(spoken(1.5))
    turn.set()
    await settle()
    await live.finish()
    assert isinstance([numbered.event async for numbered in outbox][-1], Saved)
    assert heard[0] == pytest.approx(2.0, abs=0.01)


async def test_nobody_is_let_in_whom_the_recogniser_cannot_serve(speech: Speech) -> None:
    speech.recogniser.most = 1
    await speech.opener(caller(), practice_config())
    with pytest.raises(ResourceExhausted) as refusal:
        await speech.opener(caller(), practice_config(practice_id=PRACTICE[:-1] + "7"))
    assert refusal.value.reason is Reason.SPEECH_OVERLOADED
    assert refusal.value.retry_after is not None
    assert speech.recogniser.speakers == [0, 1]
    # Who speaks already goes on.
    live = speech.sessions.get(LEARNER, PRACTICE)
    await live.push(spoken(0.5))
    assert not live.over

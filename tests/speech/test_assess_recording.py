"""AssessRecording: the order of its messages, its limits, and the same end as a live practice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from server.errors import ApplicationError, FailedPrecondition, Reason, ResourceExhausted, Unavailable
from server.speech.assess_recording import AssessedRecording
from server.speech.domain.assessment import UnassessableReason
from server.speech.domain.attempt import Purpose
from server.speech.domain.events import NoticeKind, SuggestedRating, Transcript
from server.speech.practice_config import PracticeConfig, PracticeLimits
from tests.support.kernel import NOON
from tests.support.speech import (
    CARD,
    LEARNER,
    OTHER_LEARNER,
    PRACTICE,
    SENTENCE,
    Speech,
    attempt,
    caller,
    chunks,
    file_config,
    pcm,
    recording,
    said,
    session,
    settle,
    silence,
    spoken,
    stream,
)

FILE = recording(silence(0.5), spoken(2.0), silence(0.5))


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def assess(speech: Speech, *sent: PracticeConfig | bytes) -> AssessedRecording:
    """Sends a config and files, these in pieces."""
    pieces = [piece for item in sent for piece in (chunks(item) if isinstance(item, bytes) else [item])]
    return await speech.use.assess_recording(caller(), stream(pieces))


async def refused(speech: Speech, *sent: PracticeConfig | bytes) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await assess(speech, *sent)
    assert speech.state.attempts == {}
    assert speech.store.files == {}
    return caught.value


async def test_a_recording_is_assessed_and_stored(speech: Speech) -> None:
    done = await assess(speech, file_config(), FILE)
    made = done.attempt
    assert (made.transcript.text, made.reference_text, made.audio_seconds) == ("今日は雨だ", "今日は雨だ", 3.0)
    assert made.assessment is not None
    assert made.assessment.scores.accuracy == 100.0
    assert made.assessment.reference is not None
    assert made.suggested_rating is None
    assert speech.state.attempts[made.id] == (made, None)
    assert made.audio is not None
    assert speech.store.files[made.audio.key].startswith(b"fLaC")
    assert done.notices == ()
    assert len(made.transcript.segments) == 1


async def test_a_recording_that_was_assessed_answers_with_its_attempt(speech: Speech) -> None:
    first = await assess(speech, file_config(), FILE)
    again = await assess(speech, file_config(), b"whatever")
    assert again == AssessedRecording(first.attempt)
    assert len(speech.recogniser.calls) == 1


async def test_another_recording_under_the_same_id_is_refused(speech: Speech) -> None:
    await assess(speech, file_config(), FILE)
    with pytest.raises(ApplicationError) as caught:
        await assess(speech, file_config(reference_text="箸を渡る"), FILE)
    assert caught.value.reason is Reason.PRACTICE_ID_REUSED
    assert caught.value.metadata == {"practice_id": PRACTICE}


@pytest.mark.parametrize("sent", [(), (FILE, file_config())], ids=["nothing", "audio"])
async def test_the_config_comes_first(speech: Speech, sent: tuple[PracticeConfig | bytes, ...]) -> None:
    error = await refused(speech, *sent)
    assert error.reason is Reason.CONFIG_REQUIRED
    assert error.metadata == {"field": "config"}


async def test_there_is_one_config(speech: Speech) -> None:
    error = await refused(speech, file_config(), FILE[:100], file_config())
    assert error.reason is Reason.CONFIG_REPEATED
    assert error.metadata == {"field": "config"}


async def test_a_piece_that_is_too_large(speech: Speech) -> None:
    with pytest.raises(ApplicationError) as caught:
        await speech.use.assess_recording(caller(), stream([file_config(), bytes(65_537)]))
    assert caught.value.reason is Reason.CHUNK_TOO_LARGE
    assert caught.value.metadata == {"field": "audio", "limit_bytes": "65536", "bytes": "65537"}


async def test_a_file_that_is_too_large(speech: Speech) -> None:
    error = await refused(speech, file_config(), bytes(20_000_001))
    assert error.reason is Reason.AUDIO_TOO_LARGE
    assert error.metadata == {"field": "audio", "limit_bytes": "20000000"}


async def test_no_file_at_all(speech: Speech) -> None:
    assert (await refused(speech, file_config())).reason is Reason.AUDIO_UNDECODABLE


async def test_a_file_that_is_none(speech: Speech) -> None:
    assert (await refused(speech, file_config(), b"%PDF")).reason is Reason.AUDIO_UNDECODABLE


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [({}, 30), ({"reference_text": None}, 300), ({"reference_text": None, "accepted_answers": ("三時です",)}, 30)],
    ids=["reference", "free speech", "answers"],
)
async def test_the_longest_recording(speech: Speech, changes: dict[str, object], seconds: int) -> None:
    error = await refused(speech, file_config(**changes), recording(silence(seconds + 0.1)))
    assert error.reason is Reason.AUDIO_TOO_LONG
    await assess(speech, file_config(**changes), recording(silence(seconds)))


@pytest.mark.parametrize("before", [[], [file_config()], [file_config(), FILE[:50]]], ids=["config", "audio", "rest"])
async def test_a_client_that_falls_silent(speech: Speech, before: list[PracticeConfig | bytes]) -> None:
    async def sent() -> AsyncIterator[PracticeConfig | bytes]:
        for item in before:
            yield item
        await asyncio.Event().wait()

    under_way = asyncio.ensure_future(speech.use.assess_recording(caller(), sent()))
    await speech.time.advance(9.9)
    assert not under_way.done()
    await speech.time.advance(0.1)
    with pytest.raises(ApplicationError) as caught:
        await under_way
    assert caught.value.reason is Reason.IDLE_TIMEOUT
    assert caught.value.metadata == {"limit_seconds": "10"}


async def test_silence_is_stored_and_not_assessable(speech: Speech) -> None:
    made = (await assess(speech, file_config(), recording(silence(2)))).attempt
    assert made.transcript == Transcript()
    assert made.assessment is not None
    assert made.assessment.reason is UnassessableReason.NO_SPEECH
    assert speech.recogniser.calls == []


async def test_free_speech_is_cut_at_pauses(speech: Speech) -> None:
    speech.recogniser.finals = [said("今日は"), said("雨だ")]
    made = (await assess(speech, file_config(reference_text=None), recording(spoken(2), silence(3), spoken(2)))).attempt
    assert [segment.text for segment in made.transcript.segments] == ["今日は", "雨だ"]
    assert made.reference_text == ""
    assert made.assessment is not None
    assert made.assessment.scores.accuracy is None


async def test_what_was_read_with_a_reference_stays_in_one_piece(speech: Speech) -> None:
    made = (await assess(speech, file_config(), recording(spoken(2), silence(3), spoken(2)))).attempt
    assert len(made.transcript.segments) == 1


async def test_the_answer_that_fits_best(speech: Speech) -> None:
    speech.recogniser.finals = [said("三時だよ")]
    config = file_config(reference_text=None, accepted_answers=("三時です", "三時だよ"))
    made = (await assess(speech, config, FILE)).attempt
    assert made.assessment is not None
    assert made.assessment.matched_answer == 1
    assert made.accepted_answers == ("三時です", "三時だよ")


async def test_a_review_suggests_a_rating(speech: Speech) -> None:
    speech.state.cards[CARD] = LEARNER
    made = (await assess(speech, file_config(purpose=Purpose.REVIEW, card_id=CARD), FILE)).attempt
    assert made.suggested_rating in set(SuggestedRating)
    assert made.card_id == CARD


async def test_only_transcribed(speech: Speech) -> None:
    made = (await assess(speech, file_config(assess=False), FILE)).attempt
    assert made.transcript.text == "今日は雨だ"
    assert (made.assessment, made.assessed_at) == (None, None)


async def test_audio_that_is_not_to_be_kept(speech: Speech) -> None:
    done = await assess(speech, file_config(keep_audio=False), FILE)
    assert done.attempt.audio is None
    assert done.notices == ()
    assert speech.store.files == {}


@pytest.mark.parametrize("fault", ["store", "encoder"])
async def test_audio_that_could_not_be_kept(speech: Speech, fault: str) -> None:
    speech.store.away = fault == "store"
    if fault == "encoder":
        speech.transcoder.fault = ResourceExhausted(Reason.SPEECH_OVERLOADED, "busy")
    done = await assess(speech, file_config(), FILE)
    assert done.attempt.audio is None
    assert [notice.kind for notice in done.notices] == [NoticeKind.AUDIO_NOT_KEPT]


async def test_a_database_that_comes_back_in_time(speech: Speech) -> None:
    speech.recogniser.gate.clear()
    under_way = asyncio.ensure_future(assess(speech, file_config(), FILE))
    await settle()
    speech.database.away = 3
    speech.recogniser.gate.set()
    await speech.time.advance(5)
    assert (await under_way).attempt.transcript.text == "今日は雨だ"


async def test_a_clipped_recording_says_so(speech: Speech) -> None:
    done = await assess(speech, file_config(), recording(silence(0.5), pcm((2.0, 0.9999)), silence(0.5)))
    assert done.notices[0].kind is NoticeKind.CLIPPING
    assert done.attempt.assessment is not None
    assert done.attempt.assessment.reason is UnassessableReason.CLIPPED


async def test_what_the_config_names_must_be_there(speech: Speech) -> None:
    nowhere = "0198c0de-0000-7000-9000-0000000000ff"
    sentence = file_config(reference_text=None, sentence_id=nowhere)
    assert (await refused(speech, sentence, FILE)).reason is Reason.SENTENCE_NOT_FOUND
    review = file_config(purpose=Purpose.REVIEW, card_id=CARD)
    speech.state.cards[CARD] = OTHER_LEARNER
    assert (await refused(speech, review, FILE)).reason is Reason.CARD_NOT_FOUND
    in_session = file_config(session_id=session().id)
    assert (await refused(speech, in_session, FILE)).reason is Reason.SPEAKING_SESSION_NOT_FOUND
    speech.add_session(session(ended_at=NOON))
    ended = await refused(speech, in_session, FILE)
    assert isinstance(ended, FailedPrecondition)
    assert ended.reason is Reason.SPEAKING_SESSION_ENDED
    assert (await refused(speech, file_config(reference_text="?!"), FILE)).reason is Reason.UNREADABLE_TEXT


async def test_a_forgotten_session_has_ended(speech: Speech) -> None:
    speech.add_session(session(started_at=NOON - timedelta(hours=12, seconds=1)))
    error = await refused(speech, file_config(session_id=session().id), FILE)
    assert error.reason is Reason.SPEAKING_SESSION_ENDED


async def test_attempts_are_counted_in_their_session(speech: Speech) -> None:
    speech.add_sentence()
    speech.add_session(session())
    numbers: list[int] = []
    for practice in (PRACTICE, PRACTICE[:-1] + "2"):
        config = file_config(
            practice_id=practice, session_id=session().id, reference_text=None, sentence_id=SENTENCE.id
        )
        made = (await assess(speech, config, FILE)).attempt
        numbers.append(made.attempt_number)
        assert (made.sentence_id, made.reference_text) == (SENTENCE.id, SENTENCE.japanese)
    assert numbers == [1, 2]


async def test_the_day_has_a_limit() -> None:
    speech = Speech(PracticeLimits(audio_seconds_a_day=10))
    speech.add_attempt(attempt(audio_seconds=10.0))
    with pytest.raises(ApplicationError) as caught:
        await assess(speech, file_config(), FILE)
    assert caught.value.reason is Reason.DAILY_AUDIO_LIMIT


async def test_a_decoder_that_is_away(speech: Speech) -> None:
    speech.files.fault = Unavailable(Reason.SPEECH_ENGINE_UNAVAILABLE, "away", metadata={"engine": "decoder"})
    assert (await refused(speech, file_config(), FILE)).reason is Reason.SPEECH_ENGINE_UNAVAILABLE

"""A practice whose connection breaks goes on, and is graded once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from kaiwa.speech.v1 import practice_pb2
from kaiwa_client import AudioError, CallFailed, Credentials, KaiwaClient, Unreachable
from kaiwa_client.events import Event, Notice, Ready
from server.errors import Aborted, Reason, ResourceExhausted, Unauthenticated
from tests.clients.python.conftest import RETRY, CommandLine, Recorder, SleepingClock
from tests.support.fake_kaiwa import EMAIL, PASSWORD, FakeKaiwa
from tests.support.fake_practice import TEXT

RATE = 16000
CHUNK = b"\x01\x02" * (RATE // 10)
CHUNKS = [CHUNK] * 15


@pytest.fixture
async def client(fake: FakeKaiwa, clock: SleepingClock) -> AsyncIterator[KaiwaClient]:
    async with KaiwaClient(
        fake.address, credentials=Credentials(EMAIL, PASSWORD), clock=clock, retry=RETRY
    ) as connected:
        yield connected


async def _events(client: KaiwaClient, **options: object) -> list[Event]:
    practice = client.practice(CHUNKS, sample_rate_hertz=RATE, text=TEXT, **options)  # type: ignore[arg-type]
    return [event async for event in practice]


def _names(events: list[Event]) -> list[str]:
    return [event.kind if isinstance(event, Notice) else type(event).__name__ for event in events]


WHOLE = [
    "Ready",
    "SpeechStarted",
    "Partial",
    "Partial",
    "Partial",
    "SpeechEnded",
    "TranscriptReady",
    "AssessmentReady",
    "Saved",
]


async def test_goes_on_from_the_audio_that_the_server_has(client: KaiwaClient, fake: FakeKaiwa) -> None:
    fake.speech.breaks = [3 * len(CHUNK), 10 * len(CHUNK)]
    events = await _events(client)
    assert [name for name in _names(events) if name != "resumed"] == WHOLE
    assert _names(events).count("resumed") == 2
    (practice,) = fake.speech.practices.values()
    assert bytes(practice.audio) == b"".join(CHUNKS)
    assert len(fake.speech.attempts) == 1
    assert len({config.practice_id for config in fake.speech.configs}) == 1


async def test_sends_everything_again_when_the_audio_is_lost(client: KaiwaClient, fake: FakeKaiwa) -> None:
    fake.speech.breaks, fake.speech.lose_on_break = [8 * len(CHUNK)], True
    events = await _events(client)
    assert _names(events)[-4:] == WHOLE[-4:]
    assert "started_again" in _names(events)
    (practice,) = fake.speech.practices.values()
    assert bytes(practice.audio) == b"".join(CHUNKS)


async def test_gets_the_stored_result_when_it_was_graded_already(client: KaiwaClient, fake: FakeKaiwa) -> None:
    fake.speech.break_after_saved = True
    events = await _events(client)
    assert _names(events)[-5:] == ["resumed", *WHOLE[-4:]]
    assert len(fake.speech.attempts) == 1


async def test_survives_a_restart_of_the_server(client: KaiwaClient, fake: FakeKaiwa) -> None:
    events: list[Event] = []
    async with client.practice(CHUNKS, sample_rate_hertz=RATE, text=TEXT) as practice:
        async for event in practice:
            events.append(event)
            if isinstance(event, Ready):
                await fake.restart()
    assert "resumed" in _names(events)
    assert _names(events)[-4:] == WHOLE[-4:]
    assert len(fake.speech.attempts) == 1


async def test_gives_up_when_the_server_stays_away(client: KaiwaClient, fake: FakeKaiwa, clock: SleepingClock) -> None:
    practice = aiter(client.practice(CHUNKS, sample_rate_hertz=RATE, text=TEXT))
    await anext(practice)
    await fake.stop()
    with pytest.raises(Unreachable, match="Can't reach Kaiwa"):
        [event async for event in practice]
    assert len(clock.slept) == 8
    assert clock.slept == sorted(clock.slept)


async def test_renews_an_expired_token_under_the_same_practice(client: KaiwaClient, fake: FakeKaiwa) -> None:
    await client.me()
    fake.state.expired.add("access-1")
    assert _names(await _events(client)) == WHOLE
    assert fake.state.calls.count("RefreshTokens") == 1


async def test_waits_as_long_as_a_busy_server_asks(client: KaiwaClient, fake: FakeKaiwa, clock: SleepingClock) -> None:
    busy = ResourceExhausted(Reason.SPEECH_OVERLOADED, "busy", retry_after=timedelta(seconds=4))
    fake.speech.refuse_config = [busy]
    assert _names(await _events(client)) == WHOLE
    assert clock.slept == [4.0]


async def test_does_not_fight_for_a_practice_that_was_taken_over(client: KaiwaClient, fake: FakeKaiwa) -> None:
    fake.speech.breaks = [3 * len(CHUNK)]
    practice = aiter(client.practice(CHUNKS, sample_rate_hertz=RATE, text=TEXT))
    await anext(practice)
    fake.speech.refuse_config = [Aborted(Reason.PRACTICE_TAKEN_OVER, "taken")]
    with pytest.raises(CallFailed) as failure:
        [event async for event in practice]
    assert failure.value.reason == "PRACTICE_TAKEN_OVER"


async def test_fails_with_the_session_when_it_was_revoked(fake: FakeKaiwa, clock: SleepingClock) -> None:
    fake.speech.refuse_config = [Unauthenticated(Reason.SESSION_REVOKED, "ended")] * 2
    async with KaiwaClient(fake.address, token="access-9", clock=clock, retry=RETRY) as client:
        with pytest.raises(Exception, match="ended"):
            await _events(client)


async def test_tells_what_the_source_of_the_audio_raises(client: KaiwaClient, fake: FakeKaiwa) -> None:
    async def microphone() -> AsyncIterator[bytes]:
        yield CHUNK
        raise AudioError("The microphone was unplugged.")

    practice = client.practice(microphone(), sample_rate_hertz=RATE)
    with pytest.raises(AudioError, match="unplugged"):
        [event async for event in practice]
    assert fake.speech.attempts == []


async def test_can_be_given_up_early(client: KaiwaClient, fake: FakeKaiwa) -> None:
    async with client.practice(CHUNKS, sample_rate_hertz=RATE) as practice:
        async for event in practice:
            assert isinstance(event, Ready)
            break
    # The channel still serves other calls.
    await client.me()


async def test_tells_of_notices_and_ignores_unknown_ones(client: KaiwaClient, fake: FakeKaiwa) -> None:
    fake.speech.notices = [
        practice_pb2.Notice(kind=practice_pb2.NOTICE_KIND_NOISY),
        practice_pb2.Notice(kind=99),  # type: ignore[arg-type]
    ]
    assert _names(await _events(client))[:2] == ["Ready", "noisy"]


async def test_one_target_at_a_time(client: KaiwaClient) -> None:
    with pytest.raises(ValueError, match="one target"):
        client.practice(CHUNKS, sample_rate_hertz=RATE, text=TEXT, accepted_answers=["はい"])


async def test_sends_chunks_of_100_ms(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    await learner("practice", str(recorded(seconds=0.25)))
    assert fake.speech.chunks == [3200, 3200, 1600]

"""Speech without engines and without a database: what use cases and live practices are tested with.

Audio is told apart by loudness: `spoken` is voice, `silence` is none. What was said is scripted.
"""

from __future__ import annotations

import asyncio
import copy
import heapq
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar

import numpy as np

from server.errors import ApplicationError, InvalidInput, Reason, ResourceExhausted, Unauthenticated, Unavailable
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.kernel.paging import Page, PageRequest
from server.speech.assess_recording import AssessRecording
from server.speech.check_microphone import CheckMicrophone
from server.speech.conclusion import Conclusion
from server.speech.delete_attempt import DeleteAttempt
from server.speech.domain.assessment import (
    AccentPhraseJudgement,
    Assessment,
    AudioSpan,
    ErrorKind,
    Finding,
    Fluency,
    Insertion,
    MoraJudgement,
    Prosody,
    Scores,
    Versions,
    WordJudgement,
)
from server.speech.domain.attempt import Attempt, Purpose, SpeakingSession, StoredAudio
from server.speech.domain.events import PitchPoint, Transcript, TranscriptSegment
from server.speech.domain.prosody.rhythm import Pause
from server.speech.domain.reference import ReadWord, Reference, TextSpan
from server.speech.end_speaking_session import EndSpeakingSession
from server.speech.finish_practice import FinishPractice
from server.speech.get_attempt import GetAttempt
from server.speech.get_attempt_audio import GetAttemptAudio
from server.speech.list_attempts import ListAttempts
from server.speech.list_speaking_sessions import ListSpeakingSessions
from server.speech.open_practice import OpenPractice, PracticeOpener
from server.speech.ports import SAMPLE_RATE, Recognised, Samples
from server.speech.practice import Practice
from server.speech.practice_config import Encoding, PracticeConfig, PracticeLimits, PracticePreparation
from server.speech.practice_sessions import PracticeSessions
from server.speech.practice_spec import PracticeTools
from server.speech.push_practice_audio import PushPracticeAudio
from server.speech.servicer import SpeechUseCases
from server.speech.start_speaking_session import StartSpeakingSession
from server.speech.storage import AttemptFilter, LearnerDay, PracticeSentence, SessionFilter
from server.speech.transcribe import Transcribe
from tests.support.accounts import FakeIdempotency
from tests.support.accounts import State as AccountsState
from tests.support.kana_grading import KanaAssessor
from tests.support.kernel import NOON, CountingIds, FixedClock

T = TypeVar("T")

LEARNER = UserId("0198c0de-0000-7000-9000-000000000001")
OTHER_LEARNER = UserId("0198c0de-0000-7000-9000-000000000002")
PRACTICE = "0198c0de-0000-7000-9000-0000000000a1"
SENTENCE = PracticeSentence("0198c0de-0000-7000-9000-0000000000b1", "今日は雨だ", "It is raining today.", "")
CARD = "0198c0de-0000-7000-9000-0000000000c1"

LOUD = 0.3
_FRAME = 512


def caller(user_id: UserId = LEARNER, *, expires_at: datetime = NOON + timedelta(hours=1)) -> Caller:
    """A learner whose token lives for another hour."""
    return Caller(user_id, Role.STUDENT, SessionId("0198c0de-0000-7000-9000-0000000000d1"), expires_at)


def samples(*parts: tuple[float, float]) -> Samples:
    """Audio of (seconds, loudness) after each other, a buzz at half the sample rate."""
    pieces = [level * (1 - 2 * (np.arange(round(length * SAMPLE_RATE)) % 2)) for length, level in parts]
    return np.concatenate([np.zeros(0), *pieces]).astype(np.float32)


def pcm(*parts: tuple[float, float]) -> bytes:
    """The same as LINEAR16 at 16 kHz."""
    return (samples(*parts) * 32768).astype("<i2").tobytes()


def spoken(seconds: float) -> bytes:
    """LINEAR16 in which somebody speaks."""
    return pcm((seconds, LOUD))


def silence(seconds: float) -> bytes:
    """LINEAR16 in which nobody speaks."""
    return pcm((seconds, 0.0))


def recording(*linear16: bytes) -> bytes:
    """A file that `FakeFiles` decodes to these samples."""
    return FakeFiles.MAGIC + b"".join(linear16)


def chunks(data: bytes, size: int = 3200) -> list[bytes]:
    """Bytes in pieces of 100 ms."""
    return [data[i : i + size] for i in range(0, len(data), size)]


async def stream(items: Iterable[T]) -> AsyncIterator[T]:
    """What a client sends that sends all at once."""
    for item in items:
        yield item


def practice_config(**changes: object) -> PracticeConfig:
    """A practice of `今日は雨だ` with the usual settings."""
    usual = PracticeConfig(PRACTICE, Encoding.LINEAR16, SAMPLE_RATE, reference_text=SENTENCE.japanese)
    return replace(usual, **changes)  # type: ignore[arg-type]


def file_config(**changes: object) -> PracticeConfig:
    """The same for a recording in a file."""
    return practice_config(encoding=Encoding.FILE, sample_rate_hertz=0, **changes)


def said(text: str, language: str = "ja", confidence: float = 0.9) -> Recognised:
    """What a recogniser made of speech."""
    return Recognised(text, confidence if text else None, language if text else "", {})


class VirtualTime:
    """Time that passes when it is told to, for durations and for waiting."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    @property
    def waiting(self) -> bool:
        """Whether somebody sleeps."""
        return bool(self._sleepers)

    def steady(self) -> float:
        """Seconds since the beginning."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Waits until that many seconds have been passed."""
        self._count += 1
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, self._count, done))
        await done

    async def advance(self, seconds: float) -> None:
        """Lets time pass; everything that becomes due runs in order, and to where it waits again."""
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, done = heapq.heappop(self._sleepers)
            self._move_to(max(due, self._now))
            if not done.done():
                done.set_result(None)
                await settle()
        self._move_to(end)
        await settle()

    def _move_to(self, now: float) -> None:
        self._clock.advance(timedelta(seconds=now - self._now))
        self._now = now


async def settle(turns: int = 500) -> None:
    """Lets every task run to where it waits for time or input."""
    for _ in range(turns):
        await asyncio.sleep(0)


class ScriptedRecogniser:
    """Hears what it was told to; of each script the last line counts for all that follow.

    Attributes:
        finals, partials: what is heard.
        calls: kind, seconds of audio and expected language of each call.
        fault, crash: what every call fails with, if anything.
        partial_fault: what partials fail with, if anything.
        gate: calls wait until it is set.
        most: speakers that are let in; None: all.
        speakers: how many spoke already, each time somebody asked to be let in.
    """

    def __init__(self) -> None:
        self.most: int | None = None
        self.speakers: list[int] = []
        self.finals: list[Recognised] = [said("今日は雨だ")]
        self.partials: list[Recognised] = [said("きょう"), said("今日はあめ"), said("今日は雨だ")]
        self.calls: list[tuple[str, float, str | None]] = []
        self.fault: ApplicationError | None = None
        self.partial_fault: ApplicationError | None = None
        self.crash: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def version(self) -> str:
        return "scripted-1"

    def admit(self, speakers: int) -> None:
        self.speakers.append(speakers)
        if self.most is not None and speakers >= self.most:
            raise ResourceExhausted(
                Reason.SPEECH_OVERLOADED,
                "Too many.",
                metadata={"engine": "recognition"},
                retry_after=timedelta(seconds=2),
            )

    async def partial(self, samples: Callable[[], Samples]) -> Recognised:
        return await self._hear("partial", samples(), None, self.partials)

    async def final(
        self, samples: Samples, *, language: str | None = None, shown: str = "", live: bool = True, known: bool = False
    ) -> Recognised:
        return await self._hear("final", samples, language, self.finals)

    async def _hear(self, kind: str, samples: Samples, language: str | None, script: list[Recognised]) -> Recognised:
        self.calls.append((kind, len(samples) / SAMPLE_RATE, language))
        await self.gate.wait()
        for fault in (self.fault, self.crash, self.partial_fault if kind == "partial" else None):
            if fault is not None:
                raise fault
        return script.pop(0) if len(script) > 1 else script[0]


class LoudnessDetector:
    """Takes what is loud for voice.

    Attributes:
        gate: streams wait until it is set.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    def open(self) -> LoudnessStream:
        return LoudnessStream(self.gate)


class LoudnessStream:
    """Loudness of frames of 512 samples."""

    def __init__(self, gate: asyncio.Event) -> None:
        self._gate = gate
        self._rest = np.zeros(0, np.float32)

    async def probabilities(self, samples: Samples) -> Sequence[float]:
        await self._gate.wait()
        whole = np.concatenate([self._rest, samples])
        count = len(whole) // _FRAME
        self._rest = whole[count * _FRAME :]
        frames = whole[: count * _FRAME].reshape(-1, _FRAME)
        return [0.95 if float(np.abs(frame).mean()) > 0.01 else 0.02 for frame in frames]


class FakePcm:
    """LINEAR16 without a filter: samples are taken from where they are next to."""

    def open(self, sample_rate_hertz: int) -> FakePcmStream:
        return FakePcmStream(sample_rate_hertz)


class FakePcmStream:
    """One stream of LINEAR16."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._half = b""
        self._read = 0
        self._written = 0
        self._finished = False

    def push(self, data: bytes) -> Samples:
        if self._finished:
            raise ValueError("the stream was finished")
        whole = self._half + data
        even = len(whole) // 2 * 2
        self._half = whole[even:]
        given = (np.frombuffer(whole[:even], "<i2") / 32768).astype(np.float32)
        until = (self._read + len(given)) * SAMPLE_RATE // self._rate
        places = np.arange(self._written, until) * self._rate // SAMPLE_RATE - self._read
        self._read += len(given)
        self._written = max(self._written, until)
        return given[np.clip(places, 0, max(0, len(given) - 1))]

    def finish(self) -> Samples:
        rest = self.push(b"")
        self._finished = True
        return rest


class FakeFiles:
    """Decodes files that `recording` makes."""

    MAGIC = b"AUDIO"

    def __init__(self) -> None:
        self.fault: ApplicationError | None = None

    async def decode(self, data: bytes, *, longest_seconds: float) -> Samples:
        if self.fault is not None:
            raise self.fault
        if not data.startswith(self.MAGIC):
            raise InvalidInput("audio", "can't be decoded", reason=Reason.AUDIO_UNDECODABLE)
        decoded = FakePcm().open(SAMPLE_RATE).push(data.removeprefix(self.MAGIC))
        if len(decoded) > longest_seconds * SAMPLE_RATE:
            raise InvalidInput("audio", "is too long", reason=Reason.AUDIO_TOO_LONG)
        return decoded


class FakeTranscoder:
    """Writes LINEAR16 behind the magic bytes of each kind of file."""

    def __init__(self) -> None:
        self.fault: ApplicationError | None = None

    async def flac(self, samples: Samples) -> bytes:
        if self.fault is not None:
            raise self.fault
        return b"fLaC" + _linear16(samples)

    async def wav(self, samples: Samples) -> bytes:
        return b"RIFF" + _linear16(samples)

    async def ogg_opus(self, samples: Samples) -> bytes:
        return b"OggS" + _linear16(samples)

    async def read_flac(self, data: bytes) -> Samples:
        if not data.startswith(b"fLaC"):
            raise ValueError("no FLAC file")
        return FakePcm().open(SAMPLE_RATE).push(data[4:])


class DictionaryAnalyser:
    """Knows a few words, and kana."""

    WORDS: Mapping[str, str] = {
        "今日": "キョー",
        "は": "ワ",
        "雨": "アメ",
        "だ": "ダ",
        "です": "デス",
        "橋": "ハシ",
        "箸": "ハシ",
        "を": "オ",
        "渡る": "ワタル",
        "三時": "サンジ",
        "よ": "ヨ",
        "学校": "ガッコー",
    }

    @property
    def version(self) -> str:
        return "dictionary-1"

    async def words(self, text: str) -> tuple[ReadWord, ...]:
        found: list[ReadWord] = []
        at = 0
        while at < len(text):
            word = next(
                (w for w in sorted(self.WORDS, key=len, reverse=True) if text.startswith(w, at)),
                text[at],
            )
            reading = self.WORDS.get(word, word if "ぁ" <= word <= "ー" else "")
            found.append(ReadWord(word, TextSpan(at, len(word)), reading))
            at += len(word)
        return tuple(found)


class InlineComputation:
    """Computes at once."""

    async def final(self, work: Callable[[], T]) -> T:
        return work()

    async def passing(self, work: Callable[[], T]) -> T:
        return work()


class PacedFollower:
    """Takes every reading for one of five morae a second.

    Attributes:
        fault: what the next looks fail with.
    """

    def __init__(self) -> None:
        self.fault: ApplicationError | None = None

    def open(self, reference: Reference) -> PacedReading:
        return PacedReading(self, len(reference.morae))


class PacedReading:
    def __init__(self, follower: PacedFollower, total: int) -> None:
        self._follower = follower
        self._total = total

    async def morae_read(self, part: Callable[[float, float], Samples], until: float) -> int:
        if self._follower.fault is not None:
            raise self._follower.fault
        return min(self._total, int(5 * until))


class HummedPitch:
    """Hears one voice's pitch as it was told to.

    Attributes:
        points: what each look hears.
        fault: what the next looks fail with.
    """

    def __init__(self) -> None:
        self.points: tuple[PitchPoint, ...] = ()
        self.fault: ApplicationError | None = None

    def open(self) -> HummedPitch:
        return self

    async def advance(self, part: Callable[[float, float], Samples], until: float) -> tuple[PitchPoint, ...]:
        if self.fault is not None:
            raise self.fault
        return self.points


class MemoryAudioStore:
    """Keeps files in memory; `away` makes it fail, `stuck` only removals."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.away = False
        self.stuck = False

    async def put(self, key: str, data: bytes, attributes: Mapping[str, str]) -> None:
        self._check()
        self.files[key] = data

    async def get(self, key: str) -> bytes | None:
        self._check()
        return self.files.get(key)

    async def delete(self, key: str) -> None:
        self._check()
        if self.stuck:
            raise Unavailable(Reason.STORAGE_UNAVAILABLE, "stuck")
        self.files.pop(key, None)

    def _check(self) -> None:
        if self.away:
            raise Unavailable(Reason.STORAGE_UNAVAILABLE, "away")


@dataclass
class SpeechState:
    """What the database in memory holds."""

    attempts: dict[str, tuple[Attempt, datetime | None]] = field(default_factory=dict)
    sessions: dict[str, SpeakingSession] = field(default_factory=dict)
    sentences: dict[str, tuple[PracticeSentence, UserId | None]] = field(default_factory=dict)
    cards: dict[str, UserId] = field(default_factory=dict)
    days: dict[UserId, LearnerDay] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], tuple[bytes, bytes | None]] = field(default_factory=dict)


class FakeSpeechDatabase:
    """A database in memory whose transactions come one after another.

    Attributes:
        away: how many of the next transactions find it away.
    """

    def __init__(self) -> None:
        self.state = SpeechState()
        self.turn = asyncio.Lock()
        self.away = 0

    def __call__(self) -> FakeSpeechUnitOfWork:
        return FakeSpeechUnitOfWork(self)


class FakeSpeechUnitOfWork:
    """A transaction on a `FakeSpeechDatabase`."""

    def __init__(self, database: FakeSpeechDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> Self:
        if self._database.away:
            self._database.away -= 1
            raise Unavailable(Reason.DATABASE_UNAVAILABLE, "away")
        await self._database.turn.acquire()
        self._state = copy.copy(self._database.state)
        for name, table in vars(self._state).items():
            setattr(self._state, name, dict(table))
        self.attempts = FakeAttempts(self._state)
        self.speaking_sessions = FakeSpeakingSessions(self._state)
        self.practice_sentences = FakePracticeSentences(self._state)
        self.practice_cards = FakePracticeCards(self._state)
        self.learners = FakeLearners(self._state)
        self.idempotency = FakeIdempotency(AccountsState(answers=self._state.answers))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.turn.release()

    async def commit(self) -> None:
        self._database.state = self._state


class FakeAttempts:
    """Attempts in memory."""

    def __init__(self, state: SpeechState) -> None:
        self._rows = state.attempts

    async def add(self, attempt: Attempt) -> Attempt:
        stored = await self.by_practice(attempt.user_id, attempt.practice_id)
        if stored is not None:
            return stored
        if attempt.session_id is not None:
            target = (attempt.sentence_id, None if attempt.sentence_id else attempt.reference_text)
            numbers = [
                other.attempt_number
                for other, deleted_at in self._rows.values()
                if deleted_at is None
                and other.session_id == attempt.session_id
                and (other.sentence_id, None if other.sentence_id else other.reference_text) == target
                and (attempt.sentence_id or other.accepted_answers == attempt.accepted_answers)
            ]
            attempt = replace(attempt, attempt_number=max(numbers, default=0) + 1)
        self._rows[attempt.id] = (attempt, None)
        return attempt

    async def by_practice(self, user_id: UserId, practice_id: str) -> Attempt | None:
        return next((a for a, _ in self._rows.values() if a.user_id == user_id and a.practice_id == practice_id), None)

    async def get(self, user_id: UserId, attempt_id: str) -> Attempt | None:
        attempt, deleted_at = self._rows.get(attempt_id, (None, None))
        return attempt if attempt is not None and attempt.user_id == user_id and deleted_at is None else None

    async def list(self, user_id: UserId, wanted: AttemptFilter, page: PageRequest) -> Page[Attempt]:
        found = [
            attempt.outline
            for attempt, deleted_at in self._rows.values()
            if deleted_at is None and attempt.user_id == user_id and _attempt_fits(attempt, wanted)
        ]
        return _page(found, [(a.created_at, a.id) for a in found], page)

    async def delete(self, user_id: UserId, attempt_id: str, at: datetime) -> Attempt | None:
        attempt, deleted_at = self._rows.get(attempt_id, (None, None))
        if attempt is None or attempt.user_id != user_id:
            return None
        emptied = replace(
            attempt,
            reference_text="",
            accepted_answers=(),
            suggested_rating=None,
            transcript=Transcript(),
            assessment=None,
            assessed_at=None,
            audio=None,
        )
        self._rows[attempt_id] = (emptied, deleted_at or at)
        return attempt

    async def audio_seconds_since(self, user_id: UserId, since: datetime) -> float:
        return sum(a.audio_seconds for a, _ in self._rows.values() if a.user_id == user_id and a.created_at >= since)


class FakeSpeakingSessions:
    """Speaking sessions in memory."""

    def __init__(self, state: SpeechState) -> None:
        self._rows = state.sessions
        self._attempts = state.attempts

    async def add(self, session: SpeakingSession) -> None:
        self._rows[session.id] = session

    async def get(self, user_id: UserId, session_id: str) -> SpeakingSession | None:
        session = self._rows.get(session_id)
        return self._figured(session) if session is not None and session.user_id == user_id else None

    async def end(self, user_id: UserId, session_id: str, at: datetime) -> None:
        session = self._rows.get(session_id)
        if session is not None and session.user_id == user_id and session.ended_at is None:
            self._rows[session_id] = replace(session, ended_at=at)

    async def end_forgotten(self, user_id: UserId, before: datetime) -> None:
        for session in list(self._rows.values()):
            times = [a.created_at for a, _ in self._attempts.values() if a.session_id == session.id]
            last = max([session.started_at, *times])
            if session.user_id == user_id and session.ended_at is None and last < before:
                self._rows[session.id] = replace(session, ended_at=last)

    async def list(self, user_id: UserId, wanted: SessionFilter, page: PageRequest) -> Page[SpeakingSession]:
        found = [
            self._figured(session)
            for session in self._rows.values()
            if session.user_id == user_id and _session_fits(session, wanted)
        ]
        return _page(found, [(s.started_at, s.id) for s in found], page)

    def _figured(self, session: SpeakingSession) -> SpeakingSession:
        own = [a for a, deleted in self._attempts.values() if a.session_id == session.id and deleted is None]
        scores = [a.assessment.scores for a in own if a.assessment is not None]
        return replace(
            session,
            attempt_count=len(own),
            audio_seconds=sum(a.audio_seconds for a in own),
            average_scores=Scores(
                _mean(s.overall for s in scores),
                _mean(s.accuracy for s in scores),
                _mean(s.fluency for s in scores),
                _mean(s.completeness for s in scores),
                _mean(s.prosody for s in scores),
            ),
        )


class FakePracticeSentences:
    """Sentences in memory."""

    def __init__(self, state: SpeechState) -> None:
        self._rows = state.sentences

    async def find_for_practice(self, caller: Caller, sentence_id: str) -> PracticeSentence | None:
        sentence, owner = self._rows.get(sentence_id, (None, None))
        return sentence if owner in {None, caller.user_id} else None


class FakePracticeCards:
    """Cards in memory."""

    def __init__(self, state: SpeechState) -> None:
        self._rows = state.cards

    async def owns(self, user_id: UserId, card_id: str) -> bool:
        return self._rows.get(card_id) == user_id


class FakeLearners:
    """Learners in memory."""

    def __init__(self, state: SpeechState) -> None:
        self._rows = state.days

    async def day_of(self, user_id: UserId) -> LearnerDay:
        return self._rows.get(user_id, LearnerDay("UTC", 4))


class Speech:
    """All use cases of speech on fakes."""

    def __init__(self, limits: PracticeLimits | None = None, *, streams: int = 64) -> None:
        self.limits = limits or PracticeLimits()
        self.database = FakeSpeechDatabase()
        self.clock = FixedClock()
        self.time = VirtualTime(self.clock)
        self.ids = CountingIds()
        self.recogniser = ScriptedRecogniser()
        self.voice = LoudnessDetector()
        self.pcm = FakePcm()
        self.files = FakeFiles()
        self.analyser = DictionaryAnalyser()
        self.follower = PacedFollower()
        self.pitch = HummedPitch()
        self.transcoder = FakeTranscoder()
        self.store = MemoryAudioStore()
        self.ended_sign_ins: set[SessionId] = set()
        self.conclusion = Conclusion(
            recogniser=self.recogniser,
            analyser=self.analyser,
            assessor=KanaAssessor(),
            encoder=self.transcoder,
            store=self.store,
            unit_of_work=self.database,
            clock=self.clock,
            ids=self.ids,
            sleep=self.time.sleep,
        )
        self.prepare = PracticePreparation(self.database, self.analyser, self.clock, self.limits)
        self.tools = PracticeTools(
            recogniser=self.recogniser,
            voice=self.voice,
            pcm=self.pcm,
            analyser=self.analyser,
            follower=self.follower,
            pitch=self.pitch,
            conclusion=self.conclusion,
            clock=self.clock,
            steady=self.time.steady,
            sleep=self.time.sleep,
            check_caller=self._check_caller,
        )
        self.sessions = PracticeSessions(self.tools, streams_per_user=self.limits.streams_per_user, streams=streams)
        self.opener = PracticeOpener(self.prepare, self.sessions)
        get_attempt = GetAttempt(self.database)
        self.use = SpeechUseCases(
            practice=Practice(self.opener, self.limits.idle_timeout, self.time.sleep),
            open_practice=OpenPractice(self.opener),
            push_practice_audio=PushPracticeAudio(self.sessions),
            finish_practice=FinishPractice(self.sessions),
            assess_recording=AssessRecording(
                prepare=self.prepare,
                files=self.files,
                voice=self.voice,
                recogniser=self.recogniser,
                analyser=self.analyser,
                conclusion=self.conclusion,
                sleep=self.time.sleep,
            ),
            transcribe=Transcribe(
                files=self.files,
                pcm=self.pcm,
                voice=self.voice,
                recogniser=self.recogniser,
                analyser=self.analyser,
                unit_of_work=self.database,
                clock=self.clock,
                limits=self.limits,
            ),
            check_microphone=CheckMicrophone(self.files, self.pcm, self.voice, InlineComputation()),
            start_speaking_session=StartSpeakingSession(self.database, self.clock, self.ids),
            end_speaking_session=EndSpeakingSession(self.database, self.clock),
            list_speaking_sessions=ListSpeakingSessions(self.database, self.clock),
            list_attempts=ListAttempts(self.database),
            get_attempt=get_attempt,
            get_attempt_audio=GetAttemptAudio(get_attempt, self.store, self.transcoder),
            delete_attempt=DeleteAttempt(self.database, self.store, self.clock),
        )

    @property
    def state(self) -> SpeechState:
        """What is committed."""
        return self.database.state

    def add_sentence(self, sentence: PracticeSentence = SENTENCE, owner: UserId | None = None) -> None:
        """Puts a sentence into the database; without an owner everyone sees it."""
        self.state.sentences[sentence.id] = (sentence, owner)

    def add_attempt(self, attempt: Attempt) -> None:
        """Puts an attempt into the database."""
        self.state.attempts[attempt.id] = (attempt, None)

    def add_session(self, session: SpeakingSession) -> None:
        """Puts a speaking session into the database."""
        self.state.sessions[session.id] = session

    async def assess(self, *items: PracticeConfig | bytes, caller: Caller | None = None) -> Attempt:
        """Has a recording assessed; without anything, three seconds in which `今日は雨だ` is read."""
        sent = items or (file_config(), *chunks(recording(silence(0.5), spoken(2.0), silence(0.5))))
        return (await self.use.assess_recording(caller or _caller(), stream(sent))).attempt

    async def _check_caller(self, caller: Caller) -> None:
        if caller.session_id in self.ended_sign_ins:
            raise Unauthenticated(Reason.SESSION_REVOKED, "revoked")


_caller = caller


def _linear16(samples: Samples) -> bytes:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tobytes()


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _attempt_fits(attempt: Attempt, wanted: AttemptFilter) -> bool:
    return (
        wanted.sentence_id in {None, attempt.sentence_id}
        and wanted.session_id in {None, attempt.session_id}
        and wanted.card_id in {None, attempt.card_id}
        and wanted.purpose in {None, attempt.purpose}
        and (wanted.since is None or attempt.created_at >= wanted.since)
        and (wanted.until is None or attempt.created_at < wanted.until)
        and (not wanted.assessable_only or (attempt.assessment is not None and attempt.assessment.assessable))
    )


def _session_fits(session: SpeakingSession, wanted: SessionFilter) -> bool:
    return (
        wanted.sentence_id in {None, session.sentence_id}
        and wanted.purpose in {None, session.purpose}
        and (wanted.since is None or session.started_at >= wanted.since)
        and (wanted.until is None or session.started_at < wanted.until)
        and (not wanted.open_only or session.ended_at is None)
    )


def _page(items: Sequence[T], keys: Sequence[tuple[datetime, str]], page: PageRequest) -> Page[T]:
    ordered = sorted(zip(keys, items, strict=True), key=lambda pair: pair[0], reverse=True)
    if page.after is not None:
        after = (datetime.fromisoformat(page.after[0]), page.after[1])
        ordered = [pair for pair in ordered if pair[0] < after]
    shown = ordered[: page.size]
    more = len(ordered) > page.size
    return Page(tuple(item for _, item in shown), (shown[-1][0][0].isoformat(), shown[-1][0][1]) if more else None)


def full_assessment() -> Assessment:
    """An assessment with something in every field."""
    words = (ReadWord("今日", TextSpan(0, 2), "キョー"), ReadWord("は", TextSpan(2, 1), "ワ"))
    return Assessment(
        Versions("kana-1", "scripted-1", "dictionary-1"),
        scores=Scores(overall=71.5, accuracy=66.5, fluency=100.0, completeness=75.0),
        matched_answer=1,
        reference_text="今日は",
        reference_english="Today",
        words=(
            WordJudgement(words[0], 0, 2, 50.0, ErrorKind.LENGTH),
            WordJudgement(words[1], 2, 1, 100.0, ErrorKind.NONE),
        ),
        morae=(
            MoraJudgement("キョ", "キョ", 100.0, ErrorKind.NONE, 0, AudioSpan(0.5, 0.75)),
            MoraJudgement("ー", "", 0.0, ErrorKind.LENGTH, 0),
            MoraJudgement("ワ", "ワ", 100.0, ErrorKind.NONE, 1),
        ),
        insertions=(Insertion(3, "ン", ErrorKind.NASAL),),
        fluency=Fluency(5.5, 6.25, 0.125, 1.5, (Pause(1.0, 1.25, 3, False),)),
        findings=(
            Finding(
                "long_vowel_shortened",
                (("word", "今日"), ("reading", "キョー"), ("ratio", 0.5)),
                ErrorKind.LENGTH,
                True,
                0,
                2,
            ),
            Finding("too_many_pauses", (("pauses", 1),), ErrorKind.UNEXPECTED_BREAK, False),
        ),
        prosody=Prosody(
            accents=(AccentPhraseJudgement(0, 3, (1, 0), AudioSpan(0.5, 1.0), 2, 0.75, 0.25, False, 62.5),),
            learner=(None, 1.25, -0.5),
            learner_median=210.5,
            reference=(0.25, None, None),
            mora_pitch=((1.0, 2.0, None), (None, None, None), (-1.5, -2.0, -2.5)),
            reference_mora_pitch=((0.5, 1.5, 2.5), (None, None, None), (0.0, -1.0, -2.0)),
        ),
    )


def attempt(number: int = 1, **changes: object) -> Attempt:
    """A stored attempt of `LEARNER`, told from others by its number; a later number was stored later."""
    key = f"0198c0de-0000-7000-8000-{number:012x}"
    usual = Attempt(
        id=key,
        practice_id=f"0198c0de-0000-7000-a000-{number:012x}",
        user_id=LEARNER,
        fingerprint="f" * 64,
        session_id=None,
        sentence_id=None,
        reference_text="今日は",
        accepted_answers=(),
        purpose=Purpose.PRACTICE,
        card_id=None,
        suggested_rating=None,
        attempt_number=0,
        transcript=Transcript(
            "今日は",
            "キョーワ",
            0.875,
            "ja",
            (TranscriptSegment("今日は", "キョーワ", AudioSpan(0.25, 1.75), TextSpan(0, 3), 0.875, "ja"),),
        ),
        assessment=full_assessment(),
        assessed_at=NOON + timedelta(seconds=number),
        audio_seconds=2.5,
        audio=StoredAudio(f"attempts/{LEARNER}/{key}.flac", "audio/flac", 16000, 4321),
        created_at=NOON + timedelta(seconds=number),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def session(number: int = 1, **changes: object) -> SpeakingSession:
    """An open speaking session of `LEARNER`, told from others by its number; a later number was started later."""
    usual = SpeakingSession(
        id=f"0198c0de-0000-7000-b000-{number:012x}",
        user_id=LEARNER,
        sentence_id=None,
        title="Lesson 1",
        purpose=Purpose.PRACTICE,
        attempt_count=0,
        audio_seconds=0.0,
        average_scores=Scores(),
        started_at=NOON + timedelta(seconds=number),
        ended_at=None,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]

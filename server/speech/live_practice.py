"""A practice under way: joins the state machine to audio, engines, storage and the client's stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import timedelta

from server.errors import (
    Aborted,
    ApplicationError,
    InvalidInput,
    NotFound,
    OutOfRange,
    PermissionDenied,
    Reason,
    ResourceExhausted,
    Unauthenticated,
)
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.speech.conclusion import Conclusion, Utterance
from server.speech.domain.attempt import Attempt, Purpose
from server.speech.domain.comparison import read_so_far
from server.speech.domain.endpointing import Segment
from server.speech.domain.events import (
    Assessed,
    Event,
    Limits,
    Notice,
    NoticeKind,
    Numbered,
    Partial,
    Ready,
    Saved,
    SpeechEnded,
    SpeechStarted,
    Transcript,
    TranscriptSegment,
)
from server.speech.domain.morae import split_morae
from server.speech.domain.reference import Reference
from server.speech.domain.segmenting import LONGEST_WINDOW, choose_cut, cut_speech
from server.speech.domain.session import (
    Action,
    DecodeFinal,
    DecodePartial,
    LimitNear,
    LimitReached,
    NothingSaid,
    Phase,
    PracticeMachine,
    PracticeRules,
    SpeechBegan,
    UtteranceEnded,
)
from server.speech.domain.stability import Stabiliser
from server.speech.outbox import Outbox
from server.speech.ports import Analyser, PcmDecoder, Recogniser, Samples, VoiceDetector
from server.speech.recording import Recording
from server.speech.transcription import join_segments, transcribe_segment

_ORDER_WAIT = 2.0
_NOTICE_INTERVAL = 5.0
_TOKEN_NOTICE = 60.0
_REVOCATION_CHECK = 5.0


@dataclass(frozen=True, slots=True)
class PracticeSpec:
    """A practice as it was asked for, with everything looked up.

    Attributes:
        fingerprint: digest of what it is about; the same id with another is a reuse.
        references: what may be read: one for a text, several for accepted answers or readings, none for free speech.
        reference: the one that is shown and followed; None for free speech and accepted answers.
        sample_rate_hertz: of the LINEAR16 audio.
    """

    practice_id: str
    caller: Caller
    fingerprint: str
    session_id: str | None
    sentence_id: str | None
    accepted_answers: tuple[str, ...]
    references: tuple[Reference, ...]
    reference: Reference | None
    purpose: Purpose
    card_id: str | None
    keep_audio: bool
    assess: bool
    sample_rate_hertz: int
    rules: PracticeRules
    limits: Limits


@dataclass(frozen=True, slots=True)
class PracticeTools:
    """What every practice uses.

    Attributes:
        steady: a clock for durations, in seconds.
        sleep: waits that many seconds on the same clock.
        check_caller: raises Unauthenticated when the caller's session was ended.
    """

    recogniser: Recogniser
    voice: VoiceDetector
    pcm: PcmDecoder
    analyser: Analyser
    conclusion: Conclusion
    clock: Clock
    steady: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    check_caller: Callable[[Caller], Awaitable[None]]


class LivePractice:
    """One practice. Audio comes in by `push`, events go out through the attached `Outbox`.

    Args:
        spec: what is practised.
        tools: engines, storage, clocks.
        on_over: called once when the practice has nothing more to do.
    """

    def __init__(self, spec: PracticeSpec, tools: PracticeTools, on_over: Callable[[LivePractice], None]) -> None:
        self.spec = spec
        self._tools = tools
        self._on_over = on_over
        self._caller = spec.caller
        self._machine = PracticeMachine(spec.rules, tools.steady())
        self._pcm = tools.pcm.open(spec.sample_rate_hertz)
        self._voice = tools.voice.open()
        self._audio = Recording()
        self._taken = 0
        self._heard = 0
        self._arrival = asyncio.Condition()
        self._pushes = 0
        self._outbox: Outbox | None = None
        self._sequence = 0
        self._kept: dict[type, Event] = {}
        self._told: dict[NoticeKind, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._partial: asyncio.Task[None] | None = None
        self._stabiliser = Stabiliser()
        self._segments: list[TranscriptSegment] = []
        self._segment_start = 0.0
        self._committing = False
        self._over = False
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spawn(self._watch())

    # -- the client's side

    @property
    def attached(self) -> bool:
        """Whether a client is listening."""
        return self._outbox is not None and not self._outbox.closed

    @property
    def deciding(self) -> bool:
        """Whether the utterance is complete and its result on its way."""
        return self._machine.phase is Phase.DECIDING

    @property
    def taken(self) -> int:
        """How many bytes of audio there are without a gap."""
        return self._taken

    @property
    def over(self) -> bool:
        """Whether it has nothing more to do."""
        return self._over

    def attach(self, caller: Caller) -> Outbox:
        """Begins a stream of events to a client, in place of any other.

        From now on the practice depends on this caller's token and session. The first event is `ready`; of a practice
        that is resumed, what still holds follows.
        """
        resumed = self._sequence > 0
        self._caller = caller
        if self._outbox is not None:
            self._outbox.close(
                Aborted(
                    Reason.PRACTICE_TAKEN_OVER,
                    "The same practice was opened again on another stream, which goes on with it.",
                    metadata={"practice_id": self.spec.practice_id},
                )
            )
        self._outbox = Outbox()
        self._machine.resume(self._tools.steady())
        self._emit(Ready(self.spec.practice_id, self._taken, self.spec.limits, self.spec.reference))
        if resumed:
            self._emit(Notice(NoticeKind.RESUMED, (("offset", self._taken),)))
            for event in tuple(self._kept.values()):
                self._emit(event)
        return self._outbox

    def detach(self, outbox: Outbox) -> None:
        """The client is gone. The practice is kept for the resume window; one that is being decided is finished."""
        if self._outbox is outbox:
            outbox.close()
            if not self._over:
                self._spawn(self._forget_later(outbox))

    async def push(self, data: bytes, offset: int | None = None) -> int:
        """Takes audio.

        Args:
            data: LINEAR16 bytes cut anywhere.
            offset: how much goes before it; None: it follows what came last.

        Returns:
            How many bytes there are now without a gap.

        Raises:
            ApplicationError: CHUNK_TOO_LARGE, AUDIO_OFFSET_WRONG, AUDIO_AFTER_FINISH, UTTERANCE_TOO_LONG,
                TOO_MANY_PUSHES, PRACTICE_NOT_FOUND when the practice ends before its turn has come.
        """
        if len(data) > self.spec.limits.longest_chunk_bytes:
            raise chunk_too_large(len(data), self.spec.limits.longest_chunk_bytes)
        if self._pushes >= self.spec.limits.pushes_in_flight:
            raise ResourceExhausted(
                Reason.TOO_MANY_PUSHES,
                f"{self._pushes} pushes of this practice are under way; that is the most there may be.",
                metadata={"limit": str(self.spec.limits.pushes_in_flight)},
                retry_after=timedelta(milliseconds=100),
            )
        self._pushes += 1
        try:
            async with self._arrival:
                if offset is not None:
                    await self._wait_for(offset, "offset")
                    data = data[self._taken - offset :]
                if data:
                    await _whole(self._take(data))
                    self._arrival.notify_all()
            return self._taken
        except OutOfRange as error:
            if error.reason is Reason.UTTERANCE_TOO_LONG:
                self._finish_up(error)
            raise
        finally:
            self._pushes -= 1

    async def finish(self, final_offset: int | None = None) -> int:
        """The client has no more audio.

        Args:
            final_offset: how many bytes there are in all, waited for; None: what has come.

        Raises:
            ApplicationError: AUDIO_OFFSET_WRONG when the rest does not come, PRACTICE_NOT_FOUND when the practice ends
                before.
        """
        async with self._arrival:
            if final_offset is not None:
                await self._wait_for(final_offset, "final_offset")
            await _whole(self._close())
        return self._taken

    def tell(self, notice: Notice) -> None:
        """Sends a notice to whoever listens; one of a kind every five seconds at most."""
        now = self._tools.steady()
        if now - self._told.get(notice.kind, float("-inf")) >= _NOTICE_INTERVAL:
            self._told[notice.kind] = now
            self._emit(notice)

    def end(self, error: ApplicationError | None) -> None:
        """Ends the practice at once, without a result."""
        self._finish_up(error)

    # -- intake

    async def _wait_for(self, offset: int, field: str) -> None:
        """Waits until audio up to `offset` is there; the condition's lock is held."""
        if offset > self._taken and not self._over:
            waiter = asyncio.ensure_future(self._reach(offset))
            timer = asyncio.ensure_future(self._tools.sleep(_ORDER_WAIT))
            try:
                await asyncio.wait({waiter, timer, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                waiter.cancel()
                await asyncio.gather(waiter, timer, return_exceptions=True)
        if offset > self._taken and self._over:
            raise practice_not_found(self.spec.practice_id)
        if offset > self._taken:
            raise OutOfRange(
                Reason.AUDIO_OFFSET_WRONG,
                f"{field}: audio before {offset} is missing; go on from {self._taken}.",
                metadata={"field": field, "offset": str(offset), "expected_offset": str(self._taken)},
            )

    async def _reach(self, offset: int) -> None:
        await self._arrival.wait_for(lambda: self._taken >= offset)

    async def _take(self, data: bytes) -> None:
        bytes_a_second = 2 * self.spec.sample_rate_hertz
        seconds = len(data) / bytes_a_second
        kept = data
        if self._machine.room(seconds) < seconds:
            most = 2 * int(self.spec.rules.longest_utterance * self.spec.sample_rate_hertz)
            kept = data[: max(0, most - self._heard)] if self._machine.phase is Phase.LISTENING else b""
        cut = len(kept) < len(data) and self._machine.phase is Phase.LISTENING
        if kept or cut:
            self._heard += len(kept)
            await self._hear(self._pcm.push(kept), cut=cut)
        self._taken += len(data)

    async def _close(self) -> None:
        if self._machine.phase is Phase.LISTENING:
            await self._hear(self._pcm.finish(), cut=False)
        self._perform(self._machine.finish())

    async def _hear(self, samples: Samples, *, cut: bool) -> None:
        self._audio.append(samples)
        voice = await self._voice.probabilities(samples)
        received = self._heard / (2 * self.spec.sample_rate_hertz)
        self._perform(self._machine.audio(received, voice, self._tools.steady(), cut=cut))

    # -- what the machine decides

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case SpeechBegan(start):
                    self._emit(SpeechStarted(start))
                case DecodePartial(start, until):
                    self._partial = self._spawn(self._decode_partial(start, until))
                case UtteranceEnded(cause, speech_end):
                    self._emit(SpeechEnded(cause, speech_end))
                case DecodeFinal(start, end):
                    self._spawn(self._conclude(start, end))
                case NothingSaid():
                    self._spawn(self._conclude(0.0, 0.0))
                case LimitNear(remaining):
                    self._emit(Notice(NoticeKind.NEAR_LIMIT, (("remaining", remaining),)))
                case LimitReached(limit):
                    self._emit(Notice(NoticeKind.UTTERANCE_CUT, (("limit", limit),)))

    async def _decode_partial(self, start: float, until: float) -> None:
        try:
            start = max(start, self._segment_start)
            while (cut := choose_cut(self._machine.segments, start, until)) is not None:
                await self._commit_segment(start, cut)
                start = cut
            if self.deciding:
                return
            heard = await self._tools.recogniser.partial(self._audio.part(start, until))
            if self._machine.phase is Phase.LISTENING and heard.text:
                await self._show("".join(s.text for s in self._segments) + heard.text)
        except ApplicationError:
            # Too much to do, for the recogniser or the analyser: the result does not depend on a partial.
            self.tell(Notice(NoticeKind.FALLING_BEHIND, (("behind", self._machine.received - until),)))
        finally:
            self._perform(self._machine.partial_done())

    async def _commit_segment(self, start: float, end: float) -> None:
        """Decodes a piece of long speech for good."""
        self._committing = True
        try:
            self._segments.append(await self._transcribe(start, end))
            self._segment_start = end
        finally:
            self._committing = False

    async def _transcribe(self, start: float, end: float) -> TranscriptSegment:
        tools = self._tools
        return await transcribe_segment(tools.recogniser, tools.analyser, self._audio.part(start, end), start, end)

    async def _show(self, text: str) -> None:
        partial = self._stabiliser.add(text)
        read = total = None
        if self.spec.reference is not None:
            words = await self._tools.analyser.words(partial.stable + partial.unstable)
            heard = tuple(mora for word in words for mora in split_morae(word.reading))
            read, total = read_so_far(self.spec.reference.kana, heard), len(self.spec.reference.morae)
        if self._machine.phase is Phase.LISTENING:
            self._emit(Partial(partial.stable, partial.unstable, read, total))

    async def _conclude(self, start: float, end: float) -> None:
        # A piece that is being committed must be in before the rest is decoded; a mere partial is worth nothing now.
        partial = self._partial
        if partial is not None and not partial.done():
            if not self._committing:
                partial.cancel()
            await asyncio.gather(partial, return_exceptions=True)
        segments = list(self._segments)
        for piece in self._pieces(max(start, self._segment_start), end):
            segments.append(await self._transcribe(piece.start, piece.end))
        transcript = join_segments(segments)
        self._emit(transcript)
        utterance = Utterance(self.spec, transcript, self._machine.segments, self._audio.whole, self._machine.received)
        if self.spec.assess:
            assessed = self._tools.conclusion.assess(utterance)
            self._emit(assessed)
        else:
            assessed = None
        attempt = await self._tools.conclusion.save(
            utterance, assessed, lambda: self.tell(Notice(NoticeKind.SAVING_DELAYED))
        )
        self._machine.final_done()
        if self.spec.keep_audio and attempt.audio is None:
            self._emit(Notice(NoticeKind.AUDIO_NOT_KEPT))
        self._emit(saved_event(attempt))
        self._finish_up(None)

    def _pieces(self, start: float, end: float) -> tuple[Segment, ...]:
        """What is left to be recognised; long where no partials were wanted or they could not keep up."""
        if end <= start:
            return ()
        if self.spec.references or end - start <= LONGEST_WINDOW:
            return (Segment(start, end),)
        return cut_speech(self._machine.segments, end, start)

    # -- time

    async def _watch(self) -> None:
        """Ends the stream of a silent client, of an expired token before speech, and of a session that was ended."""
        warned: Caller | None = None
        while not self._over and self._machine.phase is Phase.LISTENING:
            caller = self._caller
            left = (caller.expires_at - self._tools.clock.now()).total_seconds()
            if left <= 0 and not self._machine.spoken:
                self._finish_up(token_expired(caller))
                return
            if left <= _TOKEN_NOTICE and warned is not caller:
                warned = caller
                self._emit(Notice(NoticeKind.TOKEN_EXPIRING, (("remaining", max(0.0, left)),)))
            if self.attached:
                try:
                    self._machine.check_idle(self._tools.steady())
                except ApplicationError as error:
                    outbox = self._outbox
                    if outbox is not None:
                        outbox.close(error)
                        self._spawn(self._forget_later(outbox))
            wait = _REVOCATION_CHECK
            if self.attached:
                wait = min(wait, max(0.01, self._machine.idle_deadline - self._tools.steady()))
            if left > 0:
                wait = min(wait, left)
            await self._tools.sleep(wait)
            caller = self._caller
            try:
                await self._tools.check_caller(caller)
            except (Unauthenticated, PermissionDenied) as error:
                if caller is self._caller:
                    self._finish_up(error)
                    return
            except ApplicationError:
                # The database is away: that says nothing about the session; saving deals with it.
                continue

    async def _forget_later(self, outbox: Outbox) -> None:
        await self._tools.sleep(self.spec.limits.resume_window)
        if self._outbox is outbox and self._machine.phase is not Phase.DECIDING:
            self._finish_up(None)

    # -- plumbing

    def _emit(self, event: Event) -> None:
        if isinstance(event, (SpeechStarted, Partial, SpeechEnded, Transcript, Assessed, Saved)):
            if isinstance(event, Transcript):
                self._kept.pop(Partial, None)
            self._kept[type(event)] = event
        if self._outbox is not None and self._outbox.put(Numbered(self._sequence + 1, self._machine.received, event)):
            self._sequence += 1

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._finish_up(error)

    def _finish_up(self, error: BaseException | None) -> None:
        if self._over:
            return
        self._over = True
        self._gone.set_result(None)
        self._machine.fail()
        if self._outbox is not None:
            self._outbox.close(error)
        current = asyncio.current_task()
        for task in tuple(self._tasks):
            if task is not current:
                task.cancel()
        self._audio.clear()
        self._on_over(self)


async def _whole(work: Coroutine[None, None, None]) -> None:
    """Does the work to its end, also when who asked for it goes: half a piece taken would be taken again later."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def saved_event(attempt: Attempt) -> Saved:
    """What the client is told of a stored attempt."""
    return Saved(
        attempt.id, attempt.suggested_rating, attempt.audio is not None, attempt.attempt_number, attempt.created_at
    )


def practice_not_found(practice_id: str) -> NotFound:
    """What a call gets that belongs to a practice which is not under way here."""
    return NotFound(
        Reason.PRACTICE_NOT_FOUND,
        "No practice with this id is open here. Open it with OpenPractice.",
        metadata={"practice_id": practice_id},
    )


def chunk_too_large(size: int, limit: int) -> InvalidInput:
    """What a piece of audio gets that is too large."""
    return InvalidInput(
        "audio",
        f"has {size} bytes; one message may have {limit}",
        reason=Reason.CHUNK_TOO_LARGE,
        metadata={"limit_bytes": str(limit), "bytes": str(size)},
    )


def token_expired(caller: Caller) -> Unauthenticated:
    """What a stream gets whose token expires before anything was said."""
    return Unauthenticated(
        Reason.TOKEN_EXPIRED,
        "The access token has expired. Refresh it and open the practice again.",
        metadata={"expired_at": caller.expires_at.isoformat()},
    )

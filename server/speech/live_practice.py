"""A practice under way: joins the state machine to audio, engines, storage and the client's stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace

from server.errors import (
    ApplicationError,
    OutOfRange,
    PermissionDenied,
    Reason,
    Unauthenticated,
)
from server.kernel.identity import Caller
from server.speech.conclusion import Utterance
from server.speech.decoded_ahead import DecodedAhead
from server.speech.domain.attempt import Attempt
from server.speech.domain.events import (
    Notice,
    NoticeKind,
    Partial,
    PitchPoint,
    Ready,
    Saved,
    SpeechEnded,
    SpeechStarted,
    Transcript,
)
from server.speech.domain.notices import recording_notices
from server.speech.domain.session import (
    Action,
    DecodeAhead,
    DecodeFinal,
    DecodePartial,
    LimitNear,
    LimitReached,
    NothingSaid,
    Phase,
    PracticeMachine,
    SpeechBegan,
    UtteranceEnded,
)
from server.speech.event_stream import EventStream
from server.speech.live_melody import LiveMelody
from server.speech.live_progress import LiveProgress
from server.speech.live_transcript import LiveTranscript
from server.speech.ordered_intake import OrderedIntake
from server.speech.outbox import Outbox
from server.speech.ports import SAMPLE_RATE, Samples
from server.speech.practice_spec import PracticeSpec, PracticeTools
from server.speech.recording import Recording

_TOKEN_NOTICE = 60.0
_REVOCATION_CHECK = 5.0
_MICROPHONE_CHECK = 2.0
"""Seconds of audio after which the microphone is judged anew."""


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
        self._recording = Recording()
        self._transcript = LiveTranscript(tools.recogniser, tools.analyser, self._recording, spec.references)
        self._progress = LiveProgress(tools.follower, self._recording, spec.reference)
        self._melody = LiveMelody(tools.pitch, self._recording, wanted=spec.pitch)
        self._intake = OrderedIntake(
            spec.practice_id,
            longest_chunk=spec.limits.longest_chunk_bytes,
            most_pushes=spec.limits.pushes_in_flight,
            take=self._take,
            sleep=tools.sleep,
        )
        self._events = EventStream(spec.practice_id, lambda: self._machine.received, tools.steady)
        self._heard = 0
        self._checked = 0.0
        self._last_partial = Partial("", "")
        self._ahead = DecodedAhead()
        self._tasks: set[asyncio.Task[None]] = set()
        self._partial: asyncio.Task[None] | None = None
        self._over = False
        self._spawn(self._watch())

    # -- the client's side

    @property
    def attached(self) -> bool:
        """Whether a client is listening."""
        return self._events.attached

    @property
    def deciding(self) -> bool:
        """Whether the utterance is complete and its result on its way."""
        return self._machine.phase is Phase.DECIDING

    @property
    def taken(self) -> int:
        """How many bytes of audio there are without a gap."""
        return self._intake.taken

    @property
    def over(self) -> bool:
        """Whether it has nothing more to do."""
        return self._over

    def attach(self, caller: Caller) -> Outbox:
        """Begins a stream of events to a client, in place of any other.

        From now on the practice depends on this caller's token and session. The first event is `ready`; of a practice
        that is resumed, what still holds follows.
        """
        self._caller = caller
        self._machine.resume(self._tools.steady())
        return self._events.attach(Ready(self.spec.practice_id, self.taken, self.spec.limits, self.spec.reference))

    def detach(self, outbox: Outbox) -> None:
        """The client is gone. The practice is kept for the resume window; one that is being decided is finished."""
        if self._events.serves(outbox):
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
            ApplicationError: as `OrderedIntake.push`, and AUDIO_AFTER_FINISH, UTTERANCE_TOO_LONG.
        """
        try:
            return await self._intake.push(data, offset)
        except OutOfRange as error:
            if error.reason is Reason.UTTERANCE_TOO_LONG:
                self._finish_up(error)
            raise

    async def finish(self, final_offset: int | None = None) -> int:
        """The client has no more audio.

        Args:
            final_offset: how many bytes there are in all, waited for; None: what has come.

        Raises:
            ApplicationError: as `OrderedIntake.finish`.
        """
        return await self._intake.finish(final_offset, self._close)

    def tell(self, notice: Notice) -> None:
        """Sends a notice to whoever listens; one of a kind every five seconds at most."""
        self._events.tell(notice)

    def end(self, error: ApplicationError | None) -> None:
        """Ends the practice at once, without a result."""
        self._finish_up(error)

    # -- audio

    async def _take(self, data: bytes) -> None:
        seconds = len(data) / (2 * self.spec.sample_rate_hertz)
        kept = data
        if self._machine.room(seconds) < seconds:
            most = 2 * int(self.spec.rules.longest_utterance * self.spec.sample_rate_hertz)
            kept = data[: max(0, most - self._heard)] if self._machine.phase is Phase.LISTENING else b""
        cut = len(kept) < len(data) and self._machine.phase is Phase.LISTENING
        if kept or cut:
            self._heard += len(kept)
            await self._hear(self._pcm.push(kept), cut=cut)

    async def _close(self) -> None:
        if self._machine.phase is Phase.LISTENING:
            await self._hear(self._pcm.finish(), cut=False)
        self._perform(self._machine.finish())

    async def _hear(self, samples: Samples, *, cut: bool) -> None:
        self._recording.append(samples)
        voice = await self._voice.probabilities(samples)
        received = self._heard / (2 * self.spec.sample_rate_hertz)
        self._perform(self._machine.audio(received, voice, self._tools.steady(), cut=cut))
        if self.spec.rules.partials and self._machine.spoken and self._listening() and self._progress.due(received):
            self._spawn(self._follow(received))
        if self._machine.spoken and self._listening() and self._melody.due(received):
            self._spawn(self._tell_pitch(received))
        self._listen_to_the_microphone(received)

    def _listen_to_the_microphone(self, received: float) -> None:
        """Tells of a recording that can't be judged well while there is time to do something about it."""
        if not self._machine.spoken or received - self._checked < _MICROPHONE_CHECK:
            return
        self._checked = received
        for notice in recording_notices(self._recording.whole, self._machine.segments, SAMPLE_RATE):
            self.tell(notice)

    # -- what the machine decides

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case SpeechBegan(start):
                    self._events.emit(SpeechStarted(start))
                case DecodePartial(start, until):
                    self._partial = self._spawn(self._decode_partial(start, until))
                case UtteranceEnded(cause, speech_end):
                    self._events.emit(SpeechEnded(cause, speech_end))
                case DecodeAhead(start, end):
                    self._ahead.begin(start, end, lambda: self._transcribe(start, end))
                case DecodeFinal(start, end):
                    self._spawn(self._conclude(start, end))
                case NothingSaid():
                    self._spawn(self._conclude(0.0, 0.0))
                case LimitNear(remaining):
                    self._events.emit(Notice(NoticeKind.NEAR_LIMIT, (("remaining", remaining),)))
                case LimitReached(limit):
                    self._events.emit(Notice(NoticeKind.UTTERANCE_CUT, (("limit", limit),)))

    async def _decode_partial(self, start: float, until: float) -> None:
        shown = False
        try:
            partial = await self._transcript.partial(
                lambda: self._machine.segments, start, until, lambda: not self._listening()
            )
            if partial is not None and self._listening():
                shown = True
                self._show(partial)
        except ApplicationError:
            # Too much to do, for the recogniser or the analyser: the result does not depend on a partial.
            self.tell(Notice(NoticeKind.FALLING_BEHIND, (("behind", self._machine.received - until),)))
        finally:
            self._perform(self._machine.partial_done(shown=shown, until=self._transcript.until))

    async def _follow(self, until: float) -> None:
        try:
            moved = await self._progress.advance(until)
            while self._listening():
                if moved:
                    self._show(self._last_partial)
                # What came meanwhile is looked at too, even if nothing more comes.
                if not self._progress.due(self._machine.received):
                    break
                moved = await self._progress.advance(self._machine.received)
        except ApplicationError:
            # Too much to do: the result does not depend on the position.
            self.tell(Notice(NoticeKind.FALLING_BEHIND, (("behind", self._machine.received - until),)))

    async def _tell_pitch(self, until: float) -> None:
        try:
            pitch = await self._melody.advance(until)
            if pitch and self._listening():
                self._show(self._last_partial, pitch)
        except ApplicationError:
            # Too much to do: what is missing now comes with the next look.
            self.tell(Notice(NoticeKind.FALLING_BEHIND, (("behind", self._machine.received - until),)))

    def _show(self, partial: Partial, pitch: tuple[PitchPoint, ...] = ()) -> None:
        self._last_partial = partial
        read, total = self._progress.read, self._progress.total
        self._events.emit(replace(partial, morae_read=read, morae_total=None if read is None else total, pitch=pitch))

    async def _conclude(self, start: float, end: float) -> None:
        transcript = await (self._ahead.take(start, end) or self._transcribe(start, end))
        voice = self._machine.segments
        self._events.emit(transcript)
        utterance = Utterance(self.spec, transcript, voice, self._recording.whole, self._machine.received)
        assessed = None
        if self.spec.assess:
            assessed = await self._tools.conclusion.assess(utterance)
            self._events.emit(assessed)
        attempt = await self._tools.conclusion.save(
            utterance, assessed, lambda: self.tell(Notice(NoticeKind.SAVING_DELAYED))
        )
        self._machine.final_done()
        if self.spec.keep_audio and attempt.audio is None:
            self._events.emit(Notice(NoticeKind.AUDIO_NOT_KEPT))
        self._events.emit(saved_event(attempt))
        self._finish_up(None)

    async def _transcribe(self, start: float, end: float) -> Transcript:
        # A piece that is being committed must be in before the rest is decoded; a mere partial is worth nothing now.
        partial = self._partial
        if partial is not None and not partial.done():
            if not self._transcript.committing:
                partial.cancel()
            await asyncio.gather(partial, return_exceptions=True)
        return await self._transcript.final(self._machine.segments, start, end)

    def _listening(self) -> bool:
        return self._machine.phase is Phase.LISTENING

    # -- time

    async def _watch(self) -> None:
        """Ends the stream of a silent client, of an expired token before speech, and of a session that was ended."""
        warned: Caller | None = None
        while not self._over and self._listening():
            caller = self._caller
            left = (caller.expires_at - self._tools.clock.now()).total_seconds()
            if left <= 0 and not self._machine.spoken:
                self._finish_up(token_expired(caller))
                return
            if left <= _TOKEN_NOTICE and warned is not caller:
                warned = caller
                self._events.emit(Notice(NoticeKind.TOKEN_EXPIRING, (("remaining", max(0.0, left)),)))
            self._end_idle_stream()
            await self._tools.sleep(self._next_look(left))
            if not await self._still_signed_in():
                return

    def _end_idle_stream(self) -> None:
        if not self.attached:
            return
        try:
            self._machine.check_idle(self._tools.steady())
        except ApplicationError as error:
            outbox = self._events.close(error)
            if outbox is not None:
                self._spawn(self._forget_later(outbox))

    def _next_look(self, token_left: float) -> float:
        """Seconds until something may have to be ended."""
        wait = _REVOCATION_CHECK
        if self.attached:
            wait = min(wait, max(0.01, self._machine.idle_deadline - self._tools.steady()))
        return min(wait, token_left) if token_left > 0 else wait

    async def _still_signed_in(self) -> bool:
        caller = self._caller
        try:
            await self._tools.check_caller(caller)
        except (Unauthenticated, PermissionDenied) as error:
            if caller is self._caller:
                self._finish_up(error)
                return False
        except ApplicationError:
            # The database is away: that says nothing about the session; saving deals with it.
            return True
        return True

    async def _forget_later(self, outbox: Outbox) -> None:
        await self._tools.sleep(self.spec.limits.resume_window)
        if self._events.serves(outbox) and not self.deciding:
            self._finish_up(None)

    # -- plumbing

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
        self._intake.end()
        self._machine.fail()
        self._ahead.drop()
        self._events.close(error)
        current = asyncio.current_task()
        for task in tuple(self._tasks):
            if task is not current:
                task.cancel()
        self._recording.clear()
        self._on_over(self)


def saved_event(attempt: Attempt) -> Saved:
    """What the client is told of a stored attempt."""
    return Saved(
        attempt.id, attempt.suggested_rating, attempt.audio is not None, attempt.attempt_number, attempt.created_at
    )


def token_expired(caller: Caller) -> Unauthenticated:
    """What a stream gets whose token expires before anything was said."""
    return Unauthenticated(
        Reason.TOKEN_EXPIRED,
        "The access token has expired. Refresh it and open the practice again.",
        metadata={"expired_at": caller.expires_at.isoformat()},
    )

"""What a client asks of a practice, and how it is looked up."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum

from server.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidInput,
    NotFound,
    Reason,
)
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.speech.daily_audio import audio_left
from server.speech.domain.attempt import FORGOTTEN_AFTER, Attempt, Purpose
from server.speech.domain.events import Limits
from server.speech.domain.morae import is_japanese, plain_morae, split_morae
from server.speech.domain.reference import ReadWord, Reference, TextSpan, build_reference, with_reading
from server.speech.domain.session import PracticeRules
from server.speech.ports import Analyser
from server.speech.practice_spec import PracticeSpec
from server.speech.storage import UnitOfWork, UnitOfWorkFactory

CHUNK_BYTES = 65_536
PUSHES_IN_FLIGHT = 3
RECOMMENDED_CHUNK = 0.1
_WITH_REFERENCE = 30.0
_FREE_SPEECH = 300.0


class Encoding(StrEnum):
    """How the audio of a practice is written."""

    LINEAR16 = "AUDIO_ENCODING_LINEAR16"
    OPUS = "AUDIO_ENCODING_OPUS"
    FILE = "file"
    """A file in a container, which says by itself how it is written. Not in streams."""


@dataclass(frozen=True, slots=True)
class Override:
    """How a part of the reference text is pronounced.

    Attributes:
        span: the part.
        reading: kana; empty: as the analyser reads it.
        nucleus: accent nucleus; None: as the analyser has it.
    """

    span: TextSpan
    reading: str
    nucleus: int | None


@dataclass(frozen=True, slots=True)
class PracticeConfig:
    """A practice as the client asks for it; durations in seconds, None where unset.

    Attributes:
        sentence_id, reference_text, accepted_answers: at most one of them is set.
    """

    practice_id: str
    encoding: Encoding
    sample_rate_hertz: int
    session_id: str | None = None
    sentence_id: str | None = None
    reference_text: str | None = None
    accepted_answers: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()
    purpose: Purpose = Purpose.PRACTICE
    card_id: str | None = None
    keep_audio: bool = True
    partials: bool = True
    assess: bool = True
    pitch: bool = True
    finish_on_silence: bool = False
    finish_at_limit: bool = False
    silence: float = 0.55
    longest_wait: float = 10.0
    partial_interval: float = 0.3

    @property
    def fingerprint(self) -> str:
        """A digest of what the practice is about: the same id with another one is a reuse."""
        about = [
            self.session_id,
            self.sentence_id,
            self.reference_text,
            list(self.accepted_answers),
            self.purpose.value,
            self.card_id,
            self.encoding.value,
            self.sample_rate_hertz,
            [[o.span.offset, o.span.length, o.reading, o.nucleus] for o in self.overrides],
        ]
        return hashlib.sha256(json.dumps(about, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PracticeLimits:
    """The limits that the operator sets; seconds."""

    idle_timeout: float = 10.0
    streams_per_user: int = 2
    audio_seconds_a_day: int = 7200
    resume_window: float = 60.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for a config.

    Attributes:
        stored: the attempt that this practice has led to already.
        spec: the practice to be begun; None with a stored attempt.
    """

    stored: Attempt | None = None
    spec: PracticeSpec | None = None


@dataclass(frozen=True, slots=True)
class PracticePreparation:
    """Looks up everything a config names, and holds it against the rules."""

    unit_of_work: UnitOfWorkFactory
    analyser: Analyser
    clock: Clock
    limits: PracticeLimits = field(default_factory=PracticeLimits)

    async def __call__(self, caller: Caller, config: PracticeConfig) -> Looked:
        """Prepares a practice.

        Raises:
            ApplicationError: as the contract lists for Practice.
        """
        check_format(config.encoding, config.sample_rate_hertz)
        async with self.unit_of_work() as uow:
            stored = await uow.attempts.by_practice(caller.user_id, config.practice_id)
            if stored is not None:
                check_same(stored.fingerprint, config)
                return Looked(stored=stored)
            await self._check_session(uow, caller, config)
            await self._check_card(uow, caller, config)
            left = await audio_left(uow, caller.user_id, self.clock.now(), self.limits.audio_seconds_a_day)
            text, checked, english = config.reference_text, "", ""
            if config.sentence_id is not None:
                sentence = await uow.practice_sentences.find_for_practice(caller, config.sentence_id)
                if sentence is None:
                    raise NotFound(
                        Reason.SENTENCE_NOT_FOUND,
                        "There is no such sentence.",
                        metadata={"field": "config.sentence_id", "sentence_id": config.sentence_id},
                    )
                text, checked, english = sentence.japanese, sentence.reading, sentence.english
        references = await self._references(config, text, checked, english)
        return Looked(spec=self._spec(caller, config, references, left, single=text is not None))

    async def _references(
        self, config: PracticeConfig, text: str | None, checked: str, english: str
    ) -> tuple[Reference, ...]:
        if text is not None:
            words = apply_overrides(await self.analyser.words(text), config.overrides)
            analysed = _readable(build_reference(text, words, english), "config.reference_text")
            if checked:
                # A reading that a human checked goes first. The analyser's stays acceptable, since the transcript is
                # read by the same analyser: 市場 misread in both is still 市場.
                human = build_reference(text, with_reading(words, checked, text), english)
                return (human,) if human.kana == analysed.kana else (human, analysed)
            return (analysed,)
        return tuple(
            [
                _readable(
                    build_reference(answer, await self.analyser.words(answer)),
                    f"config.accepted_answers.texts[{index}]",
                )
                for index, answer in enumerate(config.accepted_answers)
            ]
        )

    def _spec(
        self,
        caller: Caller,
        config: PracticeConfig,
        references: tuple[Reference, ...],
        left: float,
        *,
        single: bool,
    ) -> PracticeSpec:
        longest = _WITH_REFERENCE if references else _FREE_SPEECH
        rules = PracticeRules(
            longest_utterance=longest,
            finish_at_limit=config.finish_at_limit,
            idle_timeout=self.limits.idle_timeout,
            partials=config.partials,
            partial_interval=config.partial_interval,
            finish_on_silence=config.finish_on_silence,
            silence=config.silence,
            longest_wait=config.longest_wait,
        )
        return PracticeSpec(
            practice_id=config.practice_id,
            caller=caller,
            fingerprint=config.fingerprint,
            session_id=config.session_id,
            sentence_id=config.sentence_id,
            accepted_answers=config.accepted_answers,
            references=references,
            reference=references[0] if single else None,
            purpose=config.purpose,
            card_id=config.card_id,
            keep_audio=config.keep_audio,
            assess=config.assess,
            pitch=config.partials and config.pitch,
            sample_rate_hertz=config.sample_rate_hertz,
            rules=rules,
            limits=Limits(
                longest_chunk_bytes=CHUNK_BYTES,
                recommended_chunk=RECOMMENDED_CHUNK,
                longest_utterance=longest,
                idle_timeout=self.limits.idle_timeout,
                streams_per_user=self.limits.streams_per_user,
                audio_left_today=left,
                resume_window=self.limits.resume_window,
                pushes_in_flight=PUSHES_IN_FLIGHT,
            ),
        )

    async def _check_session(self, uow: UnitOfWork, caller: Caller, config: PracticeConfig) -> None:
        if config.session_id is None:
            return
        await uow.speaking_sessions.end_forgotten(caller.user_id, self.clock.now() - FORGOTTEN_AFTER)
        session = await uow.speaking_sessions.get(caller.user_id, config.session_id)
        if session is None:
            raise session_not_found(config.session_id)
        if session.ended_at is not None:
            raise FailedPrecondition(
                Reason.SPEAKING_SESSION_ENDED,
                "The speaking session has ended and takes no more attempts.",
                metadata={
                    "speaking_session_id": config.session_id,
                    "ended_at": session.ended_at.isoformat(),
                },
            )

    async def _check_card(self, uow: UnitOfWork, caller: Caller, config: PracticeConfig) -> None:
        if config.card_id is not None and not await uow.practice_cards.owns(caller.user_id, config.card_id):
            raise NotFound(
                Reason.CARD_NOT_FOUND,
                "There is no such card.",
                metadata={"field": "config.card_id", "card_id": config.card_id},
            )


def check_format(encoding: Encoding, rate: int, field: str = "config.audio_format") -> None:
    """Raises InvalidInput where the server can't take audio without a container that is written so.

    Args:
        encoding: how samples are written; for a file there is nothing to check.
        rate: samples a second.
        field: path of the format in the request.
    """
    if encoding is Encoding.FILE:
        return
    if encoding is not Encoding.LINEAR16:
        raise InvalidInput(
            f"{field}.encoding",
            "without a container this server takes LINEAR16; it has no decoder of Opus packets",
            reason=Reason.AUDIO_ENCODING_UNSUPPORTED,
            metadata={"encoding": encoding.value},
        )
    if not 8000 <= rate <= 48000:
        raise InvalidInput(
            f"{field}.sample_rate_hertz",
            f"is {rate}; LINEAR16 may have 8000 to 48000",
            reason=Reason.AUDIO_RATE_UNSUPPORTED,
            metadata={"sample_rate_hertz": str(rate), "lowest": "8000", "highest": "48000"},
        )


def check_same(fingerprint: str, config: PracticeConfig) -> None:
    """Raises AlreadyExists(PRACTICE_ID_REUSED) when the practice of this id was about something else."""
    if fingerprint != config.fingerprint:
        raise AlreadyExists(
            Reason.PRACTICE_ID_REUSED,
            "The practice id was used before with another target, format, purpose, card or session.",
            metadata={"practice_id": config.practice_id},
        )


def session_not_found(session_id: str) -> NotFound:
    """What a caller gets for a speaking session that is not theirs."""
    return NotFound(
        Reason.SPEAKING_SESSION_NOT_FOUND,
        "There is no such speaking session.",
        metadata={"speaking_session_id": session_id},
    )


def apply_overrides(words: tuple[ReadWord, ...], overrides: tuple[Override, ...]) -> tuple[ReadWord, ...]:
    """The words with the readings that the client gave in place of the analyser's.

    Raises:
        InvalidInput: PRONUNCIATION_INVALID when a span is not made of whole words or overlaps another, a reading is not
            kana, or a nucleus lies beyond the last mora.
    """
    taken: list[TextSpan] = []
    for index, override in enumerate(overrides):
        field_name = f"config.overrides[{index}]"
        start, end = override.span.offset, override.span.offset + override.span.length
        inside = [w for w in words if w.span.offset >= start and w.span.offset + w.span.length <= end]
        whole = inside and sum(w.span.length for w in inside) == override.span.length
        if not whole or any(start < other.offset + other.length and other.offset < end for other in taken):
            raise _unpronounceable(
                f"{field_name}.span", "is not made of whole words of the reference text, or overlaps another"
            )
        taken.append(override.span)
        if len("".join(plain_morae(override.reading))) != len(override.reading):
            raise _unpronounceable(f"{field_name}.reading", "is not kana alone")
        reading = override.reading or "".join(w.reading for w in inside)
        if override.nucleus is not None and override.nucleus > len(split_morae(reading)):
            raise _unpronounceable(f"{field_name}.nucleus", f"lies beyond the last mora of {reading}")
        if not override.reading and override.nucleus is None:
            continue
        first = words.index(inside[0])
        text = "".join(w.text for w in inside)
        joined = replace(inside[0], text=text, span=override.span, reading=reading, nucleus=override.nucleus)
        words = (*words[:first], joined, *words[first + len(inside) :])
    return words


def _unpronounceable(field_name: str, description: str) -> InvalidInput:
    return InvalidInput(field_name, description, reason=Reason.PRONUNCIATION_INVALID)


def _readable(reference: Reference, field_name: str) -> Reference:
    # The analyser spells out Latin letters, so it finds morae in any text: hello is エイチイーエルエルオー.
    if not reference.morae or not is_japanese(reference.text):
        raise InvalidInput(field_name, "has nothing in it that can be read in Japanese", reason=Reason.UNREADABLE_TEXT)
    return reference

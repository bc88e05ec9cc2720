"""The figures of the assessment; the file `server/speech/assessment.toml` explains each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from server.speech.domain.confusions import Confusion
from server.speech.domain.prosody.accent import FEATURES, LOCAL_FEATURES, AccentParameters, MelodyParameters
from server.speech.domain.prosody.rhythm import FluencyParameters

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SpeechLimits:
    """What can be judged at all."""

    least_seconds: float
    clipped_share: float
    least_snr_db: float


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """When and how a recording is mended before it is heard."""

    narrow_db: float
    widening: float
    speeds: tuple[float, ...]
    short_speeds: tuple[float, ...]
    short_seconds: float
    good_fit: float
    clean_db: float
    floor: float
    excess: float


@dataclass(frozen=True, slots=True)
class Gate:
    """What counts as the text at all."""

    other_content: float
    full: float
    worst_phone: float
    least_heard: float
    least_read: int
    omissions_below: float
    telling_morae: int

    def share(self, fit: float) -> float:
        """How much of the points a fit leaves, 0 to 1."""
        return min(1.0, max(0.0, (fit - self.other_content) / (self.full - self.other_content)))


@dataclass(frozen=True, slots=True)
class Sounds:
    """When a sound is wrong."""

    centre: float
    scale: float
    doubt: float
    biases: Mapping[Confusion, float]


@dataclass(frozen=True, slots=True)
class LengthWeights:
    """Log odds of a wrong length: weights of the log ratio, of the log-likelihood ratio, and the bias."""

    ratio: float
    likelihood: float
    bias: float


@dataclass(frozen=True, slots=True)
class LengthParameters:
    """When a length is wrong."""

    prior_weight: float
    few_others: float
    phrase_final: float
    ratio_limit: float
    long_vowel_shortened: LengthWeights
    short_vowel_lengthened: LengthWeights
    geminate_lost: LengthWeights
    geminate_added: LengthWeights


@dataclass(frozen=True, slots=True)
class ScoreParameters:
    """How judgements become scores and findings."""

    fluency_share: float
    prosody_share: float
    telling: float
    praise_confidence: float
    most_to_work_on: int


@dataclass(frozen=True, slots=True)
class FluencyLimits:
    """What is fluent."""

    pause_seconds: float
    fast_enough: float
    too_slow: float
    pauses_allowed: float
    no_fluency_pauses: float
    least_rate_seconds: float
    told_below: float


@dataclass(frozen=True, slots=True)
class SpanParameters:
    """How frames become times."""

    delay: float
    evidence_margin: float


@dataclass(frozen=True, slots=True)
class AssessmentParameters:
    """All of them.

    Attributes:
        recipe: their name, which every assessment carries.
    """

    recipe: str
    speech: SpeechLimits
    front_end: FrontEnd
    gate: Gate
    sounds: Sounds
    lengths: LengthParameters
    scores: ScoreParameters
    fluency: FluencyLimits
    spans: SpanParameters
    accent: AccentParameters
    rhythm: FluencyParameters


def read_parameters(document: Mapping[str, Any]) -> AssessmentParameters:
    """The figures from the file's tables.

    Raises:
        ValueError: a figure is missing, unknown or of another kind.
    """
    sounds, lengths = dict(document["sounds"]), dict(document["lengths"])
    sounds["biases"] = {Confusion(name): float(value) for name, value in sounds["biases"].items()}
    for name, value in lengths.items():
        if isinstance(value, list):
            lengths[name] = LengthWeights(*value)
    return AssessmentParameters(
        recipe=document["recipe"],
        speech=_table(SpeechLimits, document["speech"]),
        front_end=_table(FrontEnd, _with_tuples(document["front_end"])),
        gate=_table(Gate, document["gate"]),
        sounds=_table(Sounds, sounds),
        lengths=_table(LengthParameters, lengths),
        scores=_table(ScoreParameters, document["scores"]),
        fluency=_table(FluencyLimits, document["fluency"]),
        spans=_table(SpanParameters, document["spans"]),
        accent=_accent(document["accent"]),
        rhythm=_table(FluencyParameters, document["rhythm"]),
    )


def _accent(values: Mapping[str, Any]) -> AccentParameters:
    for table, names in (("word", LOCAL_FEATURES), ("phrase", FEATURES)):
        if set(values[table]) != set(names):
            raise ValueError(f"accent.{table}: {sorted(set(values[table]) ^ set(names))} are missing or unknown.")
    return _table(AccentParameters, {**values, "melody": _table(MelodyParameters, values["melody"])})


def _with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _table(kind: type[T], values: Mapping[str, Any]) -> T:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if names != set(values):
        raise ValueError(f"{kind.__name__}: {sorted(names ^ set(values))} are missing or unknown.")
    return kind(**values)

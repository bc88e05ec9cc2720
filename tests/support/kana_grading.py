"""An assessor without an acoustic model, for tests of what is around it.

It was the server's first recipe: it compares the kana of what was recognised with the kana of what was to be read, and
measures fluency on the voice itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from server.speech.domain.assessment import (
    Assessment,
    ErrorKind,
    Finding,
    Fluency,
    Insertion,
    MoraJudgement,
    Scores,
    UnassessableReason,
    Versions,
    WordJudgement,
)
from server.speech.domain.comparison import align, error_rate
from server.speech.domain.hearing import Heard
from server.speech.domain.morae import differ_by_voicing, likeness
from server.speech.domain.prosody.rhythm import Pause
from server.speech.domain.reference import Reference
from server.speech.ports import Samples

RECIPE = "kana-1"


@dataclass(frozen=True, slots=True)
class GradingParameters:
    """The recipe's figures.

    Attributes:
        least_speech: seconds of voice under which nothing is judged.
        belongs: share of the morae heard that must be those to be said; below it something else was said. Two
            sentences of one length share about a third by chance.
        covered: share of the morae to be said that must be heard; below it, too.
        telling: morae from which on that can be told: a short word said badly or misheard looks like another word, and
            gets the low score that it would have as either.
        clipped_share: share of samples at full scale above which the recording is not judged.
        least_snr_db: signal-to-noise ratio under which it is not judged.
        pause: seconds of silence that count as a pause (docs/assessment.md).
        fast_enough: morae a second of an unhurried native reading; slower costs fluency.
        too_slow: morae a second at which no fluency is left.
        pauses_allowed: share of pauses that costs nothing; none is left at 60 %.
        fluency_share: how much of the points for right sounds depends on fluency; wrong sounds said fluently get none.
        sure: confidence of the recogniser from which on a reading without errors is praised.
    """

    least_speech: float = 0.15
    belongs: float = 0.45
    covered: float = 0.25
    telling: int = 5
    clipped_share: float = 0.05
    least_snr_db: float = 3.0
    pause: float = 0.15
    fast_enough: float = 5.5
    too_slow: float = 1.5
    pauses_allowed: float = 0.25
    fluency_share: float = 0.2
    sure: float = 0.6


class KanaAssessor:
    """Judges by the transcript alone."""

    async def assess(
        self, references: Sequence[Reference], heard: Heard, samples: Samples, *, speech_model: str, analyzer: str
    ) -> Assessment:
        return assess(references, heard, Versions(RECIPE, speech_model, analyzer))


def assess(
    references: Sequence[Reference],
    heard: Heard,
    versions: Versions,
    parameters: GradingParameters | None = None,
) -> Assessment:
    """Judges an utterance.

    Args:
        references: what was to be read; several are alternatives (other readings, other accepted answers) of which the
            one that fits best counts. Empty for free speech.
        heard: what was recognised.
        versions: what produced this.
        parameters: the recipe's figures.

    Returns:
        The assessment; for free speech only fluency is judged.
    """
    given = parameters or GradingParameters()
    reason = _obstacle(heard, given)
    if reason is None and not heard.morae:
        reason = UnassessableReason.NO_SPEECH
    if reason is not None:
        return Assessment(versions, reason=reason)
    fluency = _fluency(heard, len(heard.morae), given)
    if not references:
        return Assessment(versions, scores=Scores(fluency=_fluency_score(fluency, given)), fluency=fluency)
    index = min(range(len(references)), key=lambda i: error_rate(references[i].kana, heard.morae))
    return _against(references[index], index if len(references) > 1 else None, heard, fluency, versions, given)


def _obstacle(heard: Heard, parameters: GradingParameters) -> UnassessableReason | None:
    voice = sum(segment.end - segment.start for segment in heard.segments)
    if not heard.segments:
        return UnassessableReason.NO_SPEECH
    if voice < parameters.least_speech:
        return UnassessableReason.TOO_SHORT
    if heard.quality.clipped_share > parameters.clipped_share:
        return UnassessableReason.CLIPPED
    if heard.language not in {"", "ja"}:
        return UnassessableReason.OTHER_LANGUAGE
    if heard.quality.snr_db is not None and heard.quality.snr_db < parameters.least_snr_db:
        return UnassessableReason.TOO_NOISY
    return None


def _against(
    reference: Reference,
    matched: int | None,
    heard: Heard,
    fluency: Fluency,
    versions: Versions,
    parameters: GradingParameters,
) -> Assessment:
    morae, insertions = _judge_morae(reference, heard.morae)
    right = sum(mora.error is ErrorKind.NONE for mora in morae)
    other = right < parameters.belongs * len(heard.morae) or right < parameters.covered * len(morae)
    if other and len(morae) >= parameters.telling:
        return Assessment(versions, reason=UnassessableReason.OTHER_CONTENT)
    said = [mora for mora in morae if mora.error is not ErrorKind.OMISSION]
    # Something added is a mistake like any other: it counts as one more mora, wrong.
    accuracy = sum(mora.score for mora in said) / max(1, len(said) + len(insertions))
    completeness = 100 * len(said) / len(morae)
    smooth = _fluency_score(fluency, parameters)
    share = parameters.fluency_share
    overall = accuracy * (1 - share + share * smooth / 100) * completeness / 100
    words = _judge_words(reference, morae, insertions)
    return Assessment(
        versions,
        scores=Scores(overall=overall, accuracy=accuracy, fluency=smooth, completeness=completeness),
        matched_answer=matched,
        reference_text=reference.text,
        reference_english=reference.english,
        words=words,
        morae=morae,
        insertions=insertions,
        fluency=fluency,
        findings=_findings(
            words, morae, insertions, fluency, smooth, sure=(heard.confidence or 0.0) >= parameters.sure
        ),
    )


def _judge_morae(reference: Reference, heard: Sequence[str]) -> tuple[tuple[MoraJudgement, ...], tuple[Insertion, ...]]:
    judged: list[MoraJudgement] = []
    added: list[Insertion] = []
    for pair in align(reference.kana, heard):
        if pair.expected is None:
            sound = heard[pair.heard] if pair.heard is not None else ""
            added.append(Insertion(len(judged), sound, _special(sound, ErrorKind.INSERTION)))
            continue
        mora = reference.morae[pair.expected]
        if pair.heard is None:
            judged.append(MoraJudgement(mora.kana, "", 0.0, _special(mora.kana, ErrorKind.OMISSION), mora.word))
            continue
        sound = heard[pair.heard]
        judged.append(
            MoraJudgement(mora.kana, sound, 100 * likeness(mora.kana, sound), _difference(mora.kana, sound), mora.word)
        )
    return tuple(judged), tuple(added)


def _special(kana: str, otherwise: ErrorKind) -> ErrorKind:
    return {"ー": ErrorKind.LENGTH, "ッ": ErrorKind.GEMINATE, "ン": ErrorKind.NASAL}.get(kana, otherwise)


def _difference(expected: str, heard: str) -> ErrorKind:
    if expected == heard:
        return ErrorKind.NONE
    if differ_by_voicing(expected, heard):
        return ErrorKind.VOICING
    kind = _special(expected, ErrorKind.SUBSTITUTION)
    return kind if kind is not ErrorKind.SUBSTITUTION else _special(heard, ErrorKind.SUBSTITUTION)


def _judge_words(
    reference: Reference, morae: Sequence[MoraJudgement], insertions: Sequence[Insertion]
) -> tuple[WordJudgement, ...]:
    words: list[WordJudgement] = []
    first = 0
    for index, word in enumerate(reference.words):
        own = [mora for mora in morae if mora.word == index]
        inside = _added_to(first, len(own), insertions)
        worst = min(own, key=lambda mora: mora.score)
        error = worst.error
        if error is ErrorKind.NONE and inside:
            error = inside[0].error
        if all(mora.heard == "" for mora in own):
            error = ErrorKind.OMISSION
        score = sum(mora.score for mora in own) / (len(own) + len(inside))
        words.append(WordJudgement(word, first, len(own), score, error))
        first += len(own)
    return tuple(words)


def _added_to(first: int, count: int, insertions: Sequence[Insertion]) -> list[Insertion]:
    """What was put into a word or after it; what came before everything goes to the first word."""
    return [i for i in insertions if first < i.before_mora <= first + count or i.before_mora == first == 0]


def _fluency(heard: Heard, mora_count: int, parameters: GradingParameters) -> Fluency:
    start, end = heard.segments[0].start, heard.segments[-1].end
    pauses = tuple(
        Pause(one.end, other.start)
        for one, other in pairwise(heard.segments)
        if other.start - one.end >= parameters.pause
    )
    total = max(end - start, 1e-3)
    silent = sum(pause.end - pause.start for pause in pauses)
    return Fluency(
        morae_per_second=mora_count / total,
        articulation_rate=mora_count / max(total - silent, 1e-3),
        pause_ratio=silent / total,
        speech_duration=total,
        pauses=pauses,
    )


def _fluency_score(fluency: Fluency, parameters: GradingParameters) -> float:
    """100 for an unhurried native reading, falling straight to 0 where it is too slow or 60 % of it are pauses."""
    # Isolated words are over before a rate means anything: under 0.8 s only pauses count.
    rate = 1.0
    if fluency.speech_duration >= 0.8:
        slow = parameters.too_slow
        rate = min(1.0, max(0.0, (fluency.morae_per_second - slow) / (parameters.fast_enough - slow)))
    room = 0.6 - parameters.pauses_allowed
    pauses = min(1.0, max(0.0, 1 - (fluency.pause_ratio - parameters.pauses_allowed) / room))
    return 100 * min(rate, pauses)


_FINDING_KEYS = {
    ErrorKind.SUBSTITUTION: "sound_substituted",
    ErrorKind.VOICING: "sound_substituted",
    ErrorKind.OMISSION: "sound_omitted",
}
_MOST_TO_WORK_ON = 3


def _findings(
    words: Sequence[WordJudgement],
    morae: Sequence[MoraJudgement],
    insertions: Sequence[Insertion],
    fluency: Fluency,
    smooth: float,
    *,
    sure: bool,
) -> tuple[Finding, ...]:
    """One finding a faulty word, the worst first; then the whole; praise when there is nothing and that is `sure`."""
    found: list[tuple[float, Finding]] = []
    for word in words:
        if word.error is not ErrorKind.NONE:
            own = morae[word.first_mora : word.first_mora + word.mora_count]
            inside = _added_to(word.first_mora, word.mora_count, insertions)
            found.append((word.score, _word_finding(word, own, inside)))
    found.sort(key=lambda item: item[0])
    findings = [finding for _, finding in found]
    if smooth < 60 and fluency.pauses:
        findings.append(
            Finding("too_many_pauses", (("pauses", len(fluency.pauses)),), ErrorKind.UNEXPECTED_BREAK, False)
        )
    elif smooth < 60:
        rate = round(fluency.morae_per_second, 2)
        findings.append(Finding("too_slow", (("morae_per_second", rate),), ErrorKind.NONE, False))
    if not findings and sure:
        return (Finding("well_done", (), ErrorKind.NONE, False),)
    return tuple(
        Finding(f.key, f.parameters, f.error, i < _MOST_TO_WORK_ON, f.first_mora, f.mora_count)
        for i, f in enumerate(findings)
    )


def _word_finding(word: WordJudgement, own: Sequence[MoraJudgement], inside: Sequence[Insertion]) -> Finding:
    common: tuple[tuple[str, str | int | float], ...] = (
        ("word", word.word.text),
        ("reading", word.word.reading),
    )
    place = (word.first_mora, word.mora_count)
    if all(mora.heard == "" for mora in own):
        return Finding("word_omitted", common, ErrorKind.OMISSION, True, *place)
    worst = min(own, key=lambda mora: mora.score)
    if worst.error is ErrorKind.NONE:
        added = inside[0]
        key = {
            ErrorKind.LENGTH: "short_vowel_lengthened",
            ErrorKind.GEMINATE: "geminate_added",
            ErrorKind.NASAL: "nasal_added",
        }.get(added.error, "sound_inserted")
        return Finding(key, (*common, ("heard", added.heard)), added.error, True, *place)
    key = _FINDING_KEYS.get(worst.error, "")
    lost = worst.heard == "" or worst.kana in "ーッン"
    if worst.error is ErrorKind.LENGTH:
        key = "long_vowel_shortened" if lost else "short_vowel_lengthened"
    elif worst.error is ErrorKind.GEMINATE:
        key = "geminate_lost" if lost else "geminate_added"
    elif worst.error is ErrorKind.NASAL:
        key = "nasal_lost" if lost else "nasal_added"
    details = (("expected", worst.kana), ("heard", worst.heard))
    return Finding(key, (*common, *details), worst.error, True, *place)

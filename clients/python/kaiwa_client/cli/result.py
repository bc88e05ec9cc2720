"""The result of a practice, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from kaiwa_client.cli.colours import score_style
from kaiwa_client.cli.layout import hang
from kaiwa_client.events import Saved
from kaiwa_client.models import Assessment, Finding, Mora, Scores, Transcript, Word
from kaiwa_client.phrases import finding, not_judged

_LABEL = 14
_BAR = 25
_FULL, _EMPTY = "█", "░"


def show_result(console: Console, transcript: Transcript, assessment: Assessment | None) -> None:
    """Prints what was said and how well.

    Args:
        console: where to.
        transcript: what was said.
        assessment: how well; None when it was not scored.
    """
    heard = [Text(transcript.text or "nothing", "bold")]
    if transcript.confidence is not None:
        heard.append(Text(f"(confidence {transcript.confidence:.2f})", "dim"))
    _row(console, "Heard", *heard, separator="  ")
    if transcript.reading:
        _row(console, "", Text(transcript.reading, "dim"))
    if assessment is None:
        return
    if not assessment.assessable:
        _row(console, "Not judged", Text(f"{not_judged(assessment.reason)}.", "yellow"))
        return
    console.print()
    _show_scores(console, assessment.scores)
    if assessment.words:
        console.print()
        _row(console, "Words", *map(_word, assessment.words), separator="  ")
    if assessment.morae:
        console.print()
        _show_morae(console, assessment.morae)
    _show_findings(console, assessment.findings)


def show_saved(console: Console, saved: Saved) -> None:
    """Prints where the attempt can be seen again."""
    rating = f"  Suggested rating: {saved.suggested_rating}." if saved.suggested_rating else ""
    console.print()
    console.print(Text(f"Saved as attempt {saved.attempt_id}.{rating}", "dim"), soft_wrap=True)


def _show_scores(console: Console, scores: Scores) -> None:
    for name in ("overall", "accuracy", "fluency", "completeness", "prosody"):
        value: float | None = getattr(scores, name)
        label = name.capitalize()
        if value is None:
            if name == "overall":
                _row(console, label, Text("–", "dim"))
            continue
        filled = round(max(0.0, min(100.0, value)) / 100 * _BAR)
        style = score_style(value)
        bar = Text.assemble(
            (f"{value:>3.0f}  ", f"bold {style}"), (_FULL * filled, style), (_EMPTY * (_BAR - filled), "dim")
        )
        _row(console, label, bar)


def _word(word: Word) -> Text:
    style = score_style(word.score)
    return Text.assemble((word.text, f"bold {style}"), (f" {_number(word.score)}", style))


def _show_morae(console: Console, morae: Sequence[Mora]) -> None:
    """The morae in columns, with the score of each beneath and, where it was another sound, what was heard."""
    room = max(20, console.width - _LABEL)
    label = "Morae"
    start = 0
    while start < len(morae):
        end, used = start, 0
        while end < len(morae) and (end == start or used + _column(morae[end]) <= room):
            used += _column(morae[end])
            end += 1
        line = morae[start:end]
        rows = [
            (label, [(mora.mora, f"bold {score_style(mora.score)}") for mora in line]),
            ("", [(_number(mora.score), score_style(mora.score)) for mora in line]),
        ]
        if any(_misheard(mora) for mora in line):
            rows.append(("  heard", [(_misheard(mora), "red") for mora in line]))
        for name, cells in rows:
            text = Text()
            for mora, (content, style) in zip(line, cells, strict=True):
                text.append(content, style)
                text.append(" " * (_column(mora) - cell_len(content)))
            text.rstrip()
            _row(console, name, text)
        label, start = "", end


def _column(mora: Mora) -> int:
    return max(cell_len(mora.mora), cell_len(_number(mora.score)), cell_len(_misheard(mora))) + 1


def _number(score: float | None) -> str:
    return "–" if score is None else f"{score:.0f}"


def _misheard(mora: Mora) -> str:
    if mora.error in (None, "none"):
        return ""
    if mora.error == "omission":
        return "×"
    return mora.heard if mora.heard != mora.mora else ""


def _show_findings(console: Console, findings: Sequence[Finding]) -> None:
    praise = [item for item in findings if not item.work_on and item.error in (None, "none")]
    if praise:
        console.print()
    for item in praise:
        hang(console, "", Text(finding(item), "green"))
    for title, chosen in (
        ("To work on", [item for item in findings if item.work_on]),
        ("Also", [item for item in findings if not item.work_on and item not in praise]),
    ):
        if chosen:
            console.print()
            console.print(Text(title, "bold"))
            for item in chosen:
                hang(console, "  • ", finding(item))


def _row(console: Console, label: str, *pieces: Text, separator: str = "") -> None:
    hang(console, Text(label.ljust(_LABEL), "dim"), *pieces, separator=separator)

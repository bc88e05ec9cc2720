"""Sentences, the history of attempts, and one attempt."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from rich.text import Text

from kaiwa_client.cli.colours import score_style
from kaiwa_client.cli.layout import hang
from kaiwa_client.cli.result import show_result
from kaiwa_client.cli.summary import mora_json, word_json
from kaiwa_client.cli.world import World, connect
from kaiwa_client.models import Attempt
from kaiwa_client.phrases import not_judged

_ID = 36
"""The columns of an id, which is never broken so that it can be copied."""


async def sentences(world: World, options: Namespace) -> None:
    """`kaiwa sentences`."""
    # One more than is shown tells whether there are more.
    limit = options.limit if options.json else options.limit + 1
    async with connect(world, options) as client:
        found = await client.sentences(
            query=options.search,
            difficulty=options.difficulty,
            tags=options.tag,
            limit=limit,
            easiest_first=not options.search,
        )
    for sentence in found[: options.limit]:
        if options.json:
            world.print_json(asdict(sentence))
            continue
        difficulty = f"{sentence.difficulty:>2}" if sentence.difficulty is not None else " –"
        hang(world.output, Text(f"{difficulty}  ", "dim"), Text(sentence.japanese, "bold"))
        hang(world.output, "    ", *(part for part in (sentence.reading, sentence.english) if part), separator=" · ")
        notes = [sentence.id, *([", ".join(sentence.tags)] if sentence.tags else [])]
        hang(world.output, "    ", *(Text(note, "dim") for note in notes), separator="  ", least=_ID)
    if len(found) > options.limit and not options.json:
        hang(world.output, "", Text(f"{options.limit} of more shown; --limit shows more.", "dim"))
    if not found and not options.json:
        world.output.print("No sentence fits.")


async def history(world: World, options: Namespace) -> None:
    """`kaiwa history`."""
    async with connect(world, options) as client:
        attempts = await client.attempts(sentence_id=options.sentence_id or "", limit=options.limit)
    for attempt in attempts:
        if options.json:
            world.print_json(attempt_json(attempt))
        else:
            _show_line(world, attempt)
    if not attempts and not options.json:
        world.output.print("No attempts yet. kaiwa practice --text 'こんにちは' FILE makes one.")


async def attempt(world: World, options: Namespace) -> None:
    """`kaiwa attempt`."""
    async with connect(world, options) as client:
        found = await client.attempt(options.id)
    if options.json:
        world.print_json(attempt_json(found))
        return
    _show_line(world, found)
    world.output.print()
    show_result(world.output, found.transcript, found.assessment)


def attempt_json(attempt: Attempt) -> dict[str, object]:
    """An attempt as an object for JSON, with the names of the summary of a practice."""
    assessment = attempt.assessment
    return {
        "attempt_id": attempt.id,
        "practice_id": attempt.practice_id,
        "speaking_session_id": attempt.speaking_session_id or None,
        "sentence_id": attempt.sentence_id or None,
        "reference_text": attempt.reference_text or None,
        "purpose": attempt.purpose,
        "create_time": attempt.create_time.isoformat() if attempt.create_time else None,
        "audio_ms": attempt.audio_ms,
        "audio_kept": attempt.audio_kept,
        "transcript": attempt.transcript.text,
        "reading": attempt.transcript.reading,
        "confidence": attempt.transcript.confidence,
        "assessable": assessment.assessable if assessment else None,
        "reason": assessment.reason if assessment else None,
        "scores": asdict(assessment.scores) if assessment else None,
        "words": [word_json(word) for word in assessment.words] if assessment else [],
        "morae": [mora_json(mora) for mora in assessment.morae] if assessment else [],
    }


def _show_line(world: World, attempt: Attempt) -> None:
    when = attempt.create_time.astimezone().strftime("%Y-%m-%d %H:%M") if attempt.create_time else ""
    overall = attempt.assessment.scores.overall if attempt.assessment else None
    score = f"{overall:>3.0f}" if overall is not None else "  –"
    target = attempt.reference_text or "(free speech)"
    hang(world.output, Text.assemble((f"{when}  ", "dim"), (f"{score}  ", score_style(overall))), Text(target, "bold"))
    heard = attempt.transcript.text or "nothing"
    if attempt.assessment is not None and not attempt.assessment.assessable:
        heard += f" (not judged: {not_judged(attempt.assessment.reason)})"
    hang(world.output, "    ", f"heard {heard}", f"{attempt.audio_ms / 1000:.1f} s", separator=" · ")
    hang(world.output, "    ", Text(attempt.id, "dim"), least=_ID)

"""Measures content: readings and accents, and imports. `make bench-content` runs it; one JSON object a line.

`python -m bench.content readings` or `imports` measures only that.
"""

from __future__ import annotations

import asyncio
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.importing import Ran, workbench
from bench.readings import Phrase, checked_sentences, score
from bench.report import figure, machine
from server.adapters.openjtalk.taking_apart import TextParts
from server.content.domain.imports import Counts, FileRole, ImportKind, ImportOptions, Outcome
from server.content.domain.sentence import Visibility

SHARED = Path(__file__).parents[2] / "shared" / "data"


def bare(text: str) -> Sequence[Phrase]:
    """Open JTalk by itself: its dictionary and rules, without anything that comes after them."""
    import pyopenjtalk

    labels = pyopenjtalk.make_label(pyopenjtalk.run_frontend(text, use_vanilla=True))
    return _of_labels(labels)


def ours(parts: TextParts, text: str) -> Sequence[Phrase]:
    """What AnalyzeText says."""
    return [
        Phrase(
            tuple(mora.consonant + mora.vowel for mora in phrase.morae),
            frozenset({phrase.accepted_accents[0] - 1} if phrase.accepted_accents[0] else ()) - {len(phrase.morae) - 1},
        )
        for phrase in parts.take_apart(text).phrases
    ]


def readings() -> bool:
    """Mora error rate and accuracy of accent nuclei, for bare Open JTalk and for ours."""
    folder = SHARED / "dict" / "ita-accent"
    if not folder.is_dir():
        sys.stderr.write(f"left out: readings, as there is no {folder}\n")
        return True
    sentences = checked_sentences(folder)
    parts = TextParts()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        plain = score(sentences, bare)
        own = score(sentences, lambda text: ours(parts, text))
    n = len(sentences)
    figure("mora error rate, bare Open JTalk", plain.error_rate, "of morae", plain.morae, sentences=n)
    figure("accent nucleus accuracy, bare Open JTalk", plain.nuclei, "of phrases", plain.phrases, sentences=n)
    held = [
        figure("mora error rate, ours", own.error_rate, "of morae", own.morae, plain.error_rate, sentences=n),
        figure(
            "accent nucleus accuracy, ours",
            own.nuclei,
            "of phrases",
            own.phrases,
            plain.nuclei,
            at_least=True,
            sentences=n,
        ),
        figure(
            "readings, figures in which ours is better",
            float((own.error_rate < plain.error_rate) + (own.nuclei > plain.nuclei)),
            "figures",
            2,
            1,
            at_least=True,
        ),
    ]
    return all(held)


async def imports() -> bool:
    """All of Tatoeba imported without analysis, with it, and again; time, memory and what came of it."""
    folder = SHARED / "tatoeba"
    if not folder.is_dir():
        sys.stderr.write(f"left out: imports, as there is no {folder}\n")
        return True
    files = {
        FileRole.TATOEBA_SENTENCES: folder / "jpn_sentences.tsv.bz2",
        FileRole.TATOEBA_ENGLISH: folder / "eng_sentences.tsv.bz2",
        FileRole.TATOEBA_LINKS: folder / "links.csv.bz2",
        FileRole.TATOEBA_INDICES: folder / "jpn_indices.tar.bz2",
        FileRole.TATOEBA_PAIRS: folder / "jpn-eng.zip",
    }
    shared = ImportOptions(Visibility.SHARED)
    async with workbench() as bench:
        raw = await bench.imported(ImportKind.TATOEBA, files, replace(shared, skip_analysis=True))
    async with workbench() as bench:
        first = await bench.imported(ImportKind.TATOEBA, files, shared)
        second = await bench.imported(ImportKind.TATOEBA, files, shared)
    held = [figure("tatoeba, raw import", raw.seconds, "s", _entries(raw), 60)]
    held.append(figure("tatoeba, import with analysis", first.seconds, "s", _entries(first), 600, aim=240))
    held.append(figure("tatoeba, memory of an import", first.peak_bytes / 2**20, "MiB", 1, 1024))
    held.append(
        figure("tatoeba, second import", second.seconds / first.seconds, "of the first", _entries(second), 0.25)
    )
    changed = second.result.report.sentences if second.result.report is not None else Counts(added=1)
    more = changed.added + changed.updated
    held.append(figure("tatoeba, sentences changed by the second import", more, "sentences", _entries(second), 0))
    kept = first.result.report.sentences.added if first.result.report is not None else 0
    held.append(figure("tatoeba, sentences imported", kept, "sentences", _entries(first), 246_000, at_least=True))
    return all(held)


def _entries(ran: Ran) -> int:
    report = ran.result.report
    return 0 if report is None else sum(getattr(report.sentences, fate.value) for fate in Outcome)


def _of_labels(labels: Any) -> list[Phrase]:
    phrases: list[tuple[list[str], set[int]]] = []
    last, sound = "", ""
    for label in labels:
        phone = re.search(r"-(.+?)\+", label)
        place = re.search(r"/A:[-\d]+\+(\d+)\+\d+/.*/F:(\d+)_(\d+)#\d+_\d+@(\d+)_", label)
        if phone is None or place is None:
            last, sound = "", ""
            continue
        at, count, accent, number = (int(part) for part in place.groups())
        if str(number) != last:
            phrases.append(([], set()))
            last = str(number)
        sound += phone.group(1)
        if phone.group(1) in ("N", "cl") or phone.group(1) in tuple("aiueoAIUEO"):
            morae, falls = phrases[-1]
            if at == accent != count:
                falls.add(len(morae))
            morae.append(sound if phone.group(1) in ("N", "cl") else sound.lower())
            sound = ""
    return [Phrase(tuple(morae), frozenset(falls)) for morae, falls in phrases]


def main() -> int:
    """Prints every figure; 1 where one is not as it must be."""
    wanted = sys.argv[1:] or ["readings", "imports"]
    machine("pyopenjtalk-plus", "SudachiPy", "sudachidict-core", "psycopg")
    held = [readings() if "readings" in wanted else True]
    if "imports" in wanted:
        held.append(asyncio.run(imports()))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

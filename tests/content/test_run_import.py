"""Imports run in batches: what they report is what is there, and a run that stopped goes on."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from server.adapters.postgres.tables import AudioFileRow, CardRow, ReviewRow, SentenceRow
from server.content import run_import
from server.content.domain.imports import (
    AnkiOptions,
    Counts,
    FileRole,
    ImportKind,
    ImportOptions,
    ImportState,
    ProblemKind,
)
from server.content.domain.sentence import Visibility
from server.errors import FailedPrecondition, Reason
from tests.support.accounts import make_user
from tests.support.content import MIKA, STUDENT, TEACHER
from tests.support.imports import CSV, PRIVATE, Cancelled, Imports, zipped

DATA = Path(__file__).parents[2].parent / "shared" / "data"
SENTENCES = (
    "1\tjpn\t水を飲む。\n2\teng\tI drink water.\n3\tjpn\t今日は学校へ行った。\n4\tjpn\tOK!\n5\tjpn\t水を飲む。\n"
)
TATOEBA = {
    FileRole.TATOEBA_SENTENCES: SENTENCES.encode(),
    FileRole.TATOEBA_LINKS: b"2\t1\n1\t2\n",
    FileRole.TATOEBA_INDICES: "3\t2\t今日(こんにち) は|1 学校(がっこう) へ 行く(いく){行った}\n".encode(),
    FileRole.TATOEBA_AUDIO: b"1\t7\tmika\t\\N\t\\N\n",
}


async def rows(imports: Imports) -> list[SentenceRow]:
    async with imports.unit_of_work() as uow:
        query = select(SentenceRow).order_by(SentenceRow.source_id)
        return list((await uow.session.execute(query)).scalars())


async def count(imports: Imports, table: type) -> int:
    async with imports.unit_of_work() as uow:
        return (await uow.session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_a_table_becomes_sentences_and_again_changes_nothing(imports: Imports) -> None:
    done = await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV}, replace(PRIVATE, tags_to_add=("mine",)))

    assert (done.state, done.report and done.report.sentences) == (ImportState.SUCCEEDED, Counts(added=2))
    water = next(row for row in await rows(imports) if row.japanese == "水を飲む。")
    assert (water.owner_id, water.visibility, water.source, water.tags) == (MIKA, "private", "custom", ["mine"])
    assert (water.english, water.reading, water.reading_origin) == ("I drink water.", "みずをのむ。", "human")
    assert (water.jlpt_level, water.word_count, water.difficulty_computed) == (5, 3, True)

    before, asked = await rows(imports), imports.analyser.asked
    again = await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV}, replace(PRIVATE, tags_to_add=("mine",)))
    assert again.report is not None
    assert again.report.sentences == Counts(unchanged=2)
    assert [(row.id, row.revision) for row in await rows(imports)] == [(row.id, row.revision) for row in before]
    assert imports.analyser.asked == asked


async def test_a_change_at_the_source_updates_in_place_and_one_made_here_stays(imports: Imports) -> None:
    await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV})
    async with imports.unit_of_work() as uow:
        await uow.session.execute(
            update(SentenceRow).where(SentenceRow.japanese == "水を飲む。").values(english="Water!", revision=2)
        )
        await uow.commit()

    done = await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV.replace(b"the bridge", b"a bridge")})

    assert done.report is not None
    assert done.report.sentences == Counts(updated=1, unchanged=1)
    assert {row.english: row.revision for row in await rows(imports)} == {"Water!": 2, "I cross a bridge.": 2}


async def test_tatoeba_with_links_indices_and_audio(imports: Imports) -> None:
    done = await imports.imported(ImportKind.TATOEBA, TATOEBA)

    assert done.report is not None
    assert done.report.sentences == Counts(added=2, refused=1, duplicate=1)
    assert done.report.media == Counts(refused=1)
    assert [problem.kind for problem in done.report.problems] == [
        ProblemKind.NO_JAPANESE,
        ProblemKind.MEDIA_NOT_LICENSED,
    ]
    water, school = await rows(imports)
    assert (water.english, water.english_source_id, water.licence) == ("I drink water.", "2", "CC BY 2.0 FR")
    assert (school.reading, school.reading_origin) == ("こんにちはがっこうへいった。", "human")


async def test_shared_sentences_belong_to_everyone_and_spaces_are_apart(imports: Imports) -> None:
    async with imports.unit_of_work() as uow:
        await uow.users.add(make_user(TEACHER.user_id, email="t@example.com", username="t"), "hash")
        await uow.commit()
    shared = await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV}, ImportOptions(Visibility.SHARED), TEACHER)
    own = await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV})

    assert shared.report is not None
    assert own.report is not None
    assert shared.report.sentences == own.report.sentences == Counts(added=2)
    assert {row.owner_id for row in await rows(imports)} == {None, MIKA}


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5])
async def test_a_run_that_stopped_goes_on_where_it_was(
    imports: Imports, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    monkeypatch.setattr(run_import, "BATCH", 2)
    data = "Japanese\n" + "".join(f"これは文{number}です。\n" for number in range(7))
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: data.encode()})
    with pytest.raises(Cancelled):
        await imports.run(ready.id, steps=steps)
    stopped = await imports.get(STUDENT, ready.id)
    stored = await count(imports, SentenceRow)
    assert stored == (stopped.report.sentences.added if stopped.report else 0) == stopped.position

    async with imports.unit_of_work() as uow:
        # What becomes of it is the job's to say, which is none here.
        await uow.imports.save(replace(stopped, state=ImportState.CANCELLED))
        await uow.commit()
    done = await imports.run(ready.id)

    assert done.report is not None
    assert (done.state, done.report.sentences) == (ImportState.SUCCEEDED, Counts(added=7))
    assert await count(imports, SentenceRow) == 7


async def test_recordings_are_stored_once_also_after_a_stop(imports: Imports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_import, "BATCH", 2)
    table = "Japanese,Audio\n水。,a.mp3\n橋。,b.mp3\n箸。,c.mp3\n端。,d.mp3\n".encode()
    media = zipped({"x/a.mp3": b"ok a", "x/b.mp3": b"no audio", "x/c.mp3": b"ok c"})
    files = {FileRole.TABLE: table, FileRole.TABLE_MEDIA: media}
    ready = await imports.ready(ImportKind.TABLE, files)
    with pytest.raises(Cancelled):
        # Begun, and the first two sentences stored, but not their recordings.
        await imports.run(ready.id, steps=2)
    async with imports.unit_of_work() as uow:
        stopped = await uow.imports.lock(ready.id, None)
        assert stopped is not None
        await uow.imports.save(replace(stopped, state=ImportState.CANCELLED))
        await uow.commit()

    done = await imports.run(ready.id)
    again = await imports.imported(ImportKind.TABLE, files)

    assert done.report is not None
    assert again.report is not None
    assert done.report.sentences == Counts(added=4)
    assert done.report.media == Counts(added=2, refused=2)
    assert {problem.kind for problem in done.report.problems} == {
        ProblemKind.MEDIA_UNREADABLE,
        ProblemKind.MEDIA_MISSING,
    }
    assert again.report.media == Counts(unchanged=2, refused=2)
    assert await count(imports, AudioFileRow) == 2


async def test_nothing_of_a_refused_file_is_kept(imports: Imports) -> None:
    package = zipped({"collection.anki2": b"SQLite format 3\0" + b"x" * 5000, "media": b"{}"})
    ready = await imports.ready(ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: package})
    with pytest.raises(FailedPrecondition) as refused:
        await imports.run(ready.id)

    assert refused.value.reason is Reason.IMPORT_FILE_REFUSED
    failed = await imports.get(STUDENT, ready.id)
    assert failed.state is ImportState.FAILED
    assert failed.failure is not None
    assert (failed.failure.kind, failed.failure.fatal) == (ProblemKind.BAD_DATABASE, True)
    assert await count(imports, SentenceRow) == 0


PACKAGES = sorted((DATA / "anki").glob("*pkg"))


@pytest.mark.skipif(not PACKAGES, reason="needs ../shared/data/anki")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
async def test_packages_import_what_anki_itself_imports(imports: Imports, package: Path) -> None:
    with (DATA / "anki" / "expected_import.tsv").open(encoding="utf-8") as file:
        table = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")
        wanted = next(row for row in table if row["file"] == package.name)
    notes, cards, reviews = int(wanted["notes"]), int(wanted["cards"]), int(wanted["revlog"])

    done = await imports.imported(ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: package})
    again = await imports.imported(ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: package})

    assert done.report is not None
    assert again.report is not None
    assert (done.report.sentences, done.report.cards) == (Counts(added=notes), Counts(added=cards))
    assert done.report.reviews == Counts(added=reviews)
    assert (again.report.sentences, again.report.cards) == (Counts(unchanged=notes), Counts(unchanged=cards))
    assert again.report.reviews == Counts(unchanged=reviews)
    assert await count(imports, CardRow) == cards
    async with imports.unit_of_work() as uow:
        answers = select(func.count()).select_from(ReviewRow).where(ReviewRow.rating.is_not(None))
        assert (await uow.session.execute(answers)).scalar_one() == reviews
    bridge = next(row for row in await rows(imports) if row.japanese == "橋")
    assert (bridge.reading, bridge.reading_origin, bridge.source) == ("はし", "human", "anki")


@pytest.mark.skipif(not PACKAGES, reason="needs ../shared/data/anki")
async def test_scheduling_goes_on_where_it_was(imports: Imports) -> None:
    package = DATA / "anki" / "tofugu-latest-sched-media.apkg"
    await imports.imported(ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: package})

    async with imports.unit_of_work() as uow:
        found = (await uow.session.execute(select(CardRow).where(CardRow.state == "review"))).scalars().all()
        states = {
            row[0]: row[1]
            for row in await uow.session.execute(select(CardRow.state, func.count()).group_by(CardRow.state))
        }
    assert sum(states.values()) == 122
    assert found
    for card in found:
        assert card.due_day is not None
        assert card.interval_seconds is not None
        assert (card.scheduler, card.ease_factor, card.memory_day) == ("sm2", 2.5, card.last_answer_day)
        assert card.last_answer_day is not None
        assert (card.due_day - card.last_answer_day).days == card.interval_seconds // 86_400


@pytest.mark.skipif(not PACKAGES, reason="needs ../shared/data/anki")
async def test_what_is_not_wanted_stays_behind(imports: Imports) -> None:
    package = {FileRole.ANKI_PACKAGE: DATA / "anki" / "tofugu-legacy-sched-media.apkg"}
    options = replace(PRIVATE, anki=AnkiOptions(skip_cards=True, skip_media=True, deck_names=("日本語",)))

    done = await imports.imported(ImportKind.ANKI_PACKAGE, package, options)

    assert done.report is not None
    assert done.report.sentences == Counts(added=61)
    assert (done.report.cards, done.report.media) == (Counts(), Counts(skipped=60))

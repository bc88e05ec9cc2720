"""Imports: protobuf to domain and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from kaiwa.content.v1 import content_service_pb2, import_pb2, sentence_pb2
from server.content.domain.imports import (
    LIMITS,
    AnkiOptions,
    CardSkill,
    Counts,
    FileRole,
    Import,
    ImportField,
    ImportFile,
    ImportId,
    ImportKind,
    ImportOptions,
    ImportState,
    NoteTypeMapping,
    Outcome,
    Problem,
    ProblemKind,
    Report,
    TableOptions,
    TatoebaOptions,
)
from server.content.import_uploads import UploadHeader
from server.content.mapping import VISIBILITY_FROM, VISIBILITY_TO
from server.content.preview_import import Preview, PreviewRow
from server.rpc.wire import duration, timestamp

_KIND_TO = {kind: import_pb2.ImportKind.Value(f"IMPORT_KIND_{kind.name}") for kind in ImportKind}
_KIND_FROM = {number: kind for kind, number in _KIND_TO.items()}
_ROLE_TO = {role: import_pb2.ImportFileRole.Value(f"IMPORT_FILE_ROLE_{role.name}") for role in FileRole}
_ROLE_FROM = {number: role for role, number in _ROLE_TO.items()}
_STATE_TO = {state: import_pb2.ImportState.Value(f"IMPORT_STATE_{state.name}") for state in ImportState}
_STATE_FROM = {number: state for state, number in _STATE_TO.items()}
_FIELD_TO = {field: import_pb2.ImportField.Value(f"IMPORT_FIELD_{field.name}") for field in ImportField}
_FIELD_FROM = {number: field for field, number in _FIELD_TO.items()}
_SKILL_TO = {skill: import_pb2.ImportedCardSkill.Value(f"IMPORTED_CARD_SKILL_{skill.name}") for skill in CardSkill}
_SKILL_FROM = {number: skill for skill, number in _SKILL_TO.items()}
_OUTCOME_TO = {outcome: import_pb2.ImportOutcome.Value(f"IMPORT_OUTCOME_{outcome.name}") for outcome in Outcome}
_PROBLEM_TO = {kind: import_pb2.ImportProblemKind.Value(f"IMPORT_PROBLEM_KIND_{kind.name}") for kind in ProblemKind}


def import_id(text: str) -> ImportId:
    """An import's id from a request; UUIDs are kept in lower case."""
    return ImportId(text.lower())


def kind(number: import_pb2.ImportKind.ValueType) -> ImportKind:
    """What an import reads."""
    return _KIND_FROM[number]


def state_filter(number: import_pb2.ImportState.ValueType) -> ImportState | None:
    """The state that a list asks for; None: any."""
    return _STATE_FROM.get(number)


def state_message(state: ImportState) -> import_pb2.ImportState.ValueType:
    """How far an import is, as the wire has it."""
    return _STATE_TO[state]


def upload_header(
    header: content_service_pb2.ImportUploadHeader | content_service_pb2.PushImportChunkRequest,
) -> UploadHeader:
    """What precedes the bytes of a file."""
    return UploadHeader(
        import_id(header.import_id),
        _ROLE_FROM[header.role],
        header.file_name,
        header.offset,
        header.size_bytes,
        header.sha256,
    )


async def upload_messages(
    requests: AsyncIterator[content_service_pb2.UploadImportRequest],
) -> AsyncIterator[UploadHeader | bytes]:
    """The header and the chunks of an upload."""
    async for request in requests:
        if request.WhichOneof("payload") == "header":
            yield upload_header(request.header)
        else:
            yield request.chunk


def options(message: import_pb2.ImportOptions) -> ImportOptions:
    """How files are read and where the sentences go."""
    specific = message.WhichOneof("specific")
    return ImportOptions(
        visibility=VISIBILITY_FROM[message.visibility],
        tags_to_add=tuple(message.tags_to_add),
        author=message.author,
        licence=message.licence,
        skip_analysis=message.skip_analysis,
        tatoeba=TatoebaOptions(message.tatoeba.skip_without_english, message.tatoeba.max_character_count)
        if specific == "tatoeba"
        else None,
        anki=_anki(message.anki) if specific == "anki" else None,
        table=_table(message.table) if specific == "table" else None,
    )


def _anki(message: import_pb2.AnkiImportOptions) -> AnkiOptions:
    return AnkiOptions(
        note_types=tuple(
            NoteTypeMapping(
                id=each.note_type_id,
                skip=each.skip,
                fields=tuple((field.field_name, _FIELD_FROM[field.field]) for field in each.fields),
                templates=tuple(
                    (one.template_number, "", one.skip, _SKILL_FROM.get(one.skill)) for one in each.templates
                ),
            )
            for each in message.note_types
        ),
        deck_names=tuple(message.deck_names),
        tag_with_deck_names=message.tag_with_deck_names,
        skip_scheduling=message.skip_scheduling,
        skip_media=message.skip_media,
        skip_cards=message.skip_cards,
    )


def _table(message: import_pb2.TableImportOptions) -> TableOptions:
    return TableOptions(
        encoding=message.encoding,
        delimiter=message.delimiter,
        has_header=message.has_header if message.HasField("has_header") else None,
        columns=tuple((each.column, "", _FIELD_FROM[each.field]) for each in message.columns),
        tag_separator=message.tag_separator,
    )


def options_message(given: ImportOptions) -> import_pb2.ImportOptions:
    """How files are read, as the wire has it."""
    message = import_pb2.ImportOptions(
        visibility=VISIBILITY_TO[given.visibility],
        tags_to_add=given.tags_to_add,
        author=given.author,
        licence=given.licence,
        skip_analysis=given.skip_analysis,
    )
    if given.tatoeba is not None:
        message.tatoeba.skip_without_english = given.tatoeba.skip_without_english
        message.tatoeba.max_character_count = given.tatoeba.max_character_count
        message.tatoeba.SetInParent()
    if given.anki is not None:
        message.anki.CopyFrom(
            import_pb2.AnkiImportOptions(
                note_types=note_type_messages(given.anki.note_types),
                deck_names=given.anki.deck_names,
                tag_with_deck_names=given.anki.tag_with_deck_names,
                skip_scheduling=given.anki.skip_scheduling,
                skip_media=given.anki.skip_media,
                skip_cards=given.anki.skip_cards,
            )
        )
    if given.table is not None:
        message.table.CopyFrom(
            import_pb2.TableImportOptions(
                encoding=given.table.encoding,
                delimiter=given.table.delimiter,
                has_header=given.table.has_header,
                columns=(
                    import_pb2.TableColumnMapping(column=number, column_name=name, field=_FIELD_TO[field])
                    for number, name, field in given.table.columns
                ),
                tag_separator=given.table.tag_separator,
            )
        )
    return message


def note_type_messages(note_types: Iterable[NoteTypeMapping]) -> list[import_pb2.AnkiNoteTypeMapping]:
    """How note types become sentences and cards, as the wire has it."""
    return [
        import_pb2.AnkiNoteTypeMapping(
            note_type_id=each.id,
            note_type_name=each.name,
            note_count=each.note_count,
            skip=each.skip,
            fields=(
                import_pb2.AnkiFieldMapping(field_name=name, field=_FIELD_TO[field]) for name, field in each.fields
            ),
            templates=(
                import_pb2.AnkiTemplateMapping(
                    template_number=number,
                    template_name=name,
                    skip=skip,
                    skill=import_pb2.IMPORTED_CARD_SKILL_UNSPECIFIED if skill is None else _SKILL_TO[skill],
                )
                for number, name, skip, skill in each.templates
            ),
        )
        for each in note_types
    ]


def import_message(found: Import) -> import_pb2.Import:
    """An import as the wire has it."""
    return import_pb2.Import(
        id=found.id,
        owner_id=found.owner_id,
        kind=_KIND_TO[found.kind],
        state=_STATE_TO[found.state],
        options=options_message(found.options),
        files=map(file_message, found.files),
        limits=import_pb2.ImportLimits(
            max_chunk_bytes=LIMITS.max_chunk_bytes,
            max_file_bytes=LIMITS.max_file_bytes,
            max_unpacked_bytes=LIMITS.max_unpacked_bytes,
            max_entry_count=LIMITS.max_entry_count,
            max_field_bytes=LIMITS.max_field_bytes,
            max_upload_idle=duration(LIMITS.max_upload_idle),
        ),
        job_id=found.job_id or "",
        report=None if found.report is None else _report(found.report),
        failure=None if found.failure is None else problem_message(found.failure),
        create_time=timestamp(found.created_at),
        update_time=timestamp(found.updated_at),
        start_time=_time(found.started_at),
        finish_time=_time(found.finished_at),
        expire_time=_time(found.expires_at),
    )


def file_message(file: ImportFile) -> import_pb2.ImportFile:
    """A file as the wire has it."""
    return import_pb2.ImportFile(
        role=_ROLE_TO[file.role],
        file_name=file.file_name,
        size_bytes=file.size_bytes,
        received_bytes=file.received_bytes,
        complete=file.complete,
        sha256=file.sha256,
    )


def problem_message(problem: Problem) -> import_pb2.ImportProblem:
    """A problem as the wire has it."""
    return import_pb2.ImportProblem(
        kind=_PROBLEM_TO[problem.kind],
        role=_ROLE_TO[problem.role],
        row=problem.row,
        entry=problem.entry,
        field=problem.field,
        description=problem.description,
        fatal=problem.fatal,
    )


def preview_message(preview: Preview) -> content_service_pb2.PreviewImportResponse:
    """What an import would do, as the wire has it."""
    return content_service_pb2.PreviewImportResponse(
        options=options_message(preview.options),
        column_names=preview.head.columns,
        note_types=note_type_messages(preview.head.note_types),
        deck_names=preview.head.decks,
        rows=map(_row, preview.rows),
        entry_count=preview.head.entries,
        card_count=preview.head.cards,
        review_count=preview.head.reviews,
        media_count=preview.head.media,
        exhaustive=preview.exhaustive,
        problems=map(problem_message, preview.problems),
        problem_count=preview.problem_count,
    )


def _row(row: PreviewRow) -> import_pb2.ImportPreviewRow:
    entry = row.entry
    message = import_pb2.ImportPreviewRow(
        row=row.row, outcome=_OUTCOME_TO[row.outcome], problems=map(problem_message, row.problems)
    )
    if entry is not None:
        message.MergeFrom(
            import_pb2.ImportPreviewRow(
                source_id=entry.source_id,
                raw_fields=(field[:500] for field in entry.raw),
                japanese=entry.japanese,
                english=entry.translations[0].text if entry.translations else "",
                reading=entry.reading,
                furigana=(
                    sentence_pb2.FuriganaSpan(offset=span.offset, length=span.length, reading=span.reading)
                    for span in row.furigana
                ),
                tags=entry.tags,
                author=entry.author,
                licence=entry.licence,
                audio_file_name=entry.audio,
                note_type_id=entry.note_type,
            )
        )
    return message


def _report(report: Report) -> import_pb2.ImportReport:
    return import_pb2.ImportReport(
        sentences=_counts(report.sentences),
        cards=_counts(report.cards),
        reviews=_counts(report.reviews),
        media=_counts(report.media),
        problems=map(problem_message, report.problems),
        problem_count=report.problem_count,
    )


def _counts(counts: Counts) -> import_pb2.ImportCounts:
    return import_pb2.ImportCounts(
        added=counts.added,
        updated=counts.updated,
        unchanged=counts.unchanged,
        duplicate=counts.duplicate,
        refused=counts.refused,
        skipped=counts.skipped,
    )


def _time(at: datetime | None) -> Timestamp | None:
    return None if at is None else timestamp(at)

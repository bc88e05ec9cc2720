"""`kaiwa import`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from kaiwa.content.v1 import content_service_pb2, import_pb2
from kaiwa_client.cli.jobs import follow, succeeded
from kaiwa_client.cli.world import UsageError, World, connect
from kaiwa_client.client import KaiwaClient

_COUNTED = ("sentences", "cards", "reviews", "media")
_FATES = ("added", "updated", "unchanged", "duplicate", "refused", "skipped")
_SHOWN_PROBLEMS = 10


async def importing(world: World, options: Namespace) -> None:
    """Uploads files, shows what importing them would do, imports them and tells what became of them."""
    for path in options.files:
        if not path.is_file():
            raise UsageError(f"There is no file {path}.")
    kind, roles = _roles(options.files, options.kind)
    async with connect(world, options) as client:
        import_id = options.resume or await _created(client, kind, options)
        _say(world, options, {"type": "import", "import_id": import_id, "kind": kind}, f"Import {import_id}")
        with _bar(world, options) as bar:
            for role, path in roles.items():
                task = bar.add_task(path.name, total=None)

                def sent(done: int, total: int, task: TaskID = task) -> None:
                    bar.update(task, completed=done, total=total)

                await client.imports.upload(import_id, role, path, sent)
        preview = await client.imports.preview(import_id, rows=options.rows)
        _show_preview(world, options, preview)
        if options.preview:
            return
        if world.ask is not None and not options.yes and not options.json:
            answer = world.ask("Import it? [Y/n] ").strip().lower()
            if answer not in ("", "y", "yes"):
                again = f"kaiwa import --resume {import_id} FILE..."
                world.output.print(f"Nothing was imported. The files are kept for 7 days: {again}", soft_wrap=True)
                return
        job_id = await client.imports.start(import_id)
        succeeded(await follow(world, options, client.jobs.watch(job_id)))
        _show_report(world, options, await client.imports.get(import_id))


async def _created(client: KaiwaClient, kind: str, options: Namespace) -> str:
    given = import_pb2.ImportOptions(
        tags_to_add=options.tag,
        author=options.author,
        licence=options.licence,
        skip_analysis=options.skip_analysis,
    )
    return (await client.imports.create(kind, shared=options.shared, options=given)).id


def _bar(world: World, options: Namespace) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=world.errors,
        transient=True,
        disable=options.json or not world.errors.is_terminal,
    )


def _show_preview(world: World, options: Namespace, preview: content_service_pb2.PreviewImportResponse) -> None:
    if options.json:
        shown = MessageToDict(preview, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        world.print_json({"type": "preview", **shown})
        return
    counts = [
        f"{count:,} {name}"
        for count, name in (
            (preview.entry_count, "entries"),
            (preview.card_count, "cards"),
            (preview.review_count, "reviews"),
            (preview.media_count, "recordings"),
        )
        if count
    ]
    world.output.print(Text(", ".join(counts) or "No entries", "bold"), soft_wrap=True)
    for column in preview.options.table.columns:
        field = import_pb2.ImportField.Name(column.field).removeprefix("IMPORT_FIELD_").lower()
        world.output.print(Text(f"    column {column.column_name or column.column}: {field}", "dim"), soft_wrap=True)
    for note_type in preview.note_types:
        fields = ", ".join(
            f"{each.field_name} is {import_pb2.ImportField.Name(each.field).removeprefix('IMPORT_FIELD_').lower()}"
            for each in note_type.fields
        )
        left_out = " (left out)" if note_type.skip else ""
        line = f"    {note_type.note_type_name}, {note_type.note_count} notes{left_out}: {fields}"
        world.output.print(Text(line, "dim"), soft_wrap=True)
    for row in preview.rows:
        outcome = import_pb2.ImportOutcome.Name(row.outcome).removeprefix("IMPORT_OUTCOME_").lower()
        text = Text.assemble((f"{outcome:<10}", "dim"), row.japanese or "; ".join(row.raw_fields))
        if row.english:
            text.append(f"  {row.english}", "dim")
        world.output.print(text, soft_wrap=True)
    _show_problems(world, preview.problems[:_SHOWN_PROBLEMS], preview.problem_count)


def _show_report(world: World, options: Namespace, done: import_pb2.Import) -> None:
    report = done.report
    if options.json:
        shown = MessageToDict(report, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        world.print_json({"type": "report", "import_id": done.id, **shown})
        return
    for name in _COUNTED:
        counts = getattr(report, name)
        parts = [f"{getattr(counts, fate):,} {fate}" for fate in _FATES if getattr(counts, fate)]
        if parts:
            line = Text.assemble((f"{name.capitalize():<11}", "bold"), ", ".join(parts))
            world.output.print(line, soft_wrap=True)
    _show_problems(world, report.problems[:_SHOWN_PROBLEMS], report.problem_count)


def _show_problems(world: World, problems: list[import_pb2.ImportProblem], count: int) -> None:
    for problem in problems:
        where = f"row {problem.row}" if problem.row else problem.entry
        what = f"{where}: {problem.description}" if where else problem.description
        world.output.print(Text(f"    {what}", "yellow"), soft_wrap=True)
    if count > len(problems):
        world.output.print(Text(f"    and {count - len(problems):,} more problems", "yellow"), soft_wrap=True)


def _say(world: World, options: Namespace, record: dict[str, object], text: str) -> None:
    if options.json:
        world.print_json(record)
    else:
        world.output.print(Text(text, "dim"), soft_wrap=True)


def _roles(files: list[Path], kind: str | None) -> tuple[str, dict[str, Path]]:
    """What files are for, by their names.

    Raises:
        UsageError: it can't be told, or two are for the same.
    """
    roles: dict[str, Path] = {}
    for path in files:
        role = _role(path.name.lower(), kind)
        if role in roles:
            raise UsageError(f"{roles[role].name} and {path.name} seem to be for the same; give one of them.")
        roles[role] = path
    if "anki_package" in roles:
        found = "anki_package"
    elif "tatoeba_sentences" in roles:
        found = "tatoeba"
    elif "tatoeba_pairs" in roles:
        found = "tatoeba_pairs"
    elif "table" in roles:
        found = "table"
    else:
        raise UsageError("None of these files has sentences; give a package, a table, or Tatoeba's sentences.")
    return kind or found, roles


def _role(name: str, kind: str | None) -> str:
    if name.endswith((".apkg", ".colpkg")):
        return "anki_package"
    if kind == "table" or (kind is None and name.endswith((".csv", ".tsv", ".txt")) and "sentences" not in name):
        known = ("links", "jpn_indices")
        if kind == "table" or not name.startswith(known):
            return "table_media" if name.endswith((".zip", ".tar")) else "table"
    for part, role in (
        ("with_audio", "tatoeba_audio"),
        ("links", "tatoeba_links"),
        ("indices", "tatoeba_indices"),
        ("-eng.zip", "tatoeba_pairs"),
        ("jpn.txt", "tatoeba_pairs"),
        ("eng_sentences", "tatoeba_english"),
        ("sentences", "tatoeba_sentences"),
    ):
        if part in name:
            return role
    if kind == "tatoeba_pairs":
        return "tatoeba_pairs"
    if name.endswith(".zip"):
        return "table_media"
    raise UsageError(f"What {name} is for can't be told from its name; say --kind.")

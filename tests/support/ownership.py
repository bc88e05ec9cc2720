"""Fills every table with rows of a person, whatever tables there are, and searches everything for what names them."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, Connection, Table, cast, insert, literal_column, select, text
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import BigInteger, Boolean, Date, DateTime, Double, Integer, Numeric, SmallInteger, Text, Uuid

from server.adapters.postgres.tables import Base, UserRow

USERS = Base.metadata.tables["users"]
_LATER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Person:
    """Somebody with an account, and what else names them.

    Attributes:
        job_id: a job of theirs, which has ended, and the export that it made.
        label: tells their texts from another's.
        rows: the first row of each table that is theirs.
        filled: table, columns of the key, and its values, of each row that is theirs.
    """

    user_id: str
    email: str
    username: str
    new_email: str
    job_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    label: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    filled: list[tuple[Table, dict[str, Any]]] = field(default_factory=list)

    @property
    def names(self) -> tuple[str, ...]:
        """What must be found nowhere once they are gone."""
        return (
            self.user_id,
            self.user_id.replace("-", ""),
            self.email,
            self.new_email,
            self.username,
            self.email.encode().hex(),
            self.user_id.encode().hex(),
        )


def special(person: Person) -> Mapping[str, Any]:
    """Values that a column has to have because of a rule that `_value` does not read out of the table's CHECKs."""
    return {
        "sessions.revoked_reason": "revoked",
        "refresh_tokens.replaced_by": None,
        "one_time_tokens.email": person.new_email,
        "audit_log.note": f"They wrote from {person.email.upper()} to be one.",
        "exports.job_id": person.job_id,
        "exports.deleted_at": None,
        "exports.object_key": f"exports/{person.user_id}/old-1.zip",
        "sentences.visibility": "private",
        "pronunciations.accepted_accents": [1, 0],
        "audio_files.object_key": f"attempts/{person.user_id}/recording.flac",
        "attempts.assessable": False,
        "attempts.deleted_at": None,
        "cards.state": "review",
        "cards.due_at": None,
        "card_marks.action": "bury",
        # Long ago, so that no worker looks whether the log of reviews bears it out.
        "daily_stats.updated_at": datetime(2020, 1, 1, tzinfo=UTC),
        "imports.failure": None,
        "import_files.received_bytes": 1,
        "import_files.sha256": bytes(32),
        "import_parts.object_key": f"imports/{person.user_id}/part",
        "jobs.id": person.job_id,
        "jobs.kind": "export",
        "jobs.state": "succeeded",
        "jobs.result": {"size_bytes": 2},
        "jobs.failure": None,
        "jobs.attempts": 1,
        "jobs.max_attempts": 5,
        "jobs.done": 1,
        "jobs.total": 2,
        "jobs.expires_at": _LATER,
    }


def belongs_to_people() -> Sequence[Table]:
    """The tables that name a user, or hang on one that does, each after those that it hangs on."""
    found: list[Table] = []
    for table in Base.metadata.sorted_tables:
        if any(key.column.table is USERS or key.column.table in found for key in table.foreign_keys):
            found.append(table)
    return found


def names_user(column: Column[Any]) -> bool:
    """Whether a column names a user."""
    return any(key.column.table is USERS for key in column.foreign_keys)


def fill(connection: Connection, person: Person) -> None:
    """Gives each table a row of the person's: one for each column that can name them, all other columns with values
    that no other row has. The account is there already.
    """
    numbers = itertools.count(1)
    account = connection.execute(select(UserRow.__table__).where(USERS.c.id == person.user_id)).mappings().one()
    person.rows["users"] = dict(account)
    person.filled.append((USERS, dict(account)))
    for table in belongs_to_people():
        naming: list[Column[Any] | None] = [column for column in table.columns if names_user(column)]
        for column in naming or [None]:
            row = _row(table, column, person, numbers)
            try:
                with connection.begin_nested():
                    stored = connection.execute(insert(table).values(row).returning(table)).mappings().one()
            except DBAPIError as error:
                pytest.fail(
                    f"tests/support/ownership.py can't make a row of {table.name}: {error.orig}\n"
                    "Give the column that it complains of a value in `special`."
                )
            person.rows.setdefault(table.name, dict(stored))
            person.filled.append((table, dict(stored)))


def _row(table: Table, naming: Column[Any] | None, person: Person, numbers: Iterator[int]) -> dict[str, Any]:
    fixed, row = special(person), {}
    for column in table.columns:
        if f"{table.name}.{column.name}" in fixed:
            row[column.name] = fixed[f"{table.name}.{column.name}"]
        elif names_user(column):
            row[column.name] = person.user_id if column is naming else None
        elif column.foreign_keys:
            (target,) = {key.column for key in column.foreign_keys}
            row[column.name] = person.rows.get(target.table.name, {}).get(target.name)
        else:
            row[column.name] = _value(table, column, person, next(numbers))
    return row


def _value(table: Table, column: Any, person: Person, number: int) -> Any:
    checks = [str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint)]
    for check in checks:
        if known := re.match(rf"{column.name} IN \('([^']+)'", check):
            return known.group(1)
        if bounds := re.match(rf"{column.name} BETWEEN (\S+) AND (\S+)$", check):
            low, high = float(bounds.group(1)), float(bounds.group(2))
            whole = isinstance(column.type, (Integer, SmallInteger, BigInteger))
            return int(low) + number % int(high - low + 1) if whole else low + (high - low) * (number % 90 + 5) / 100
        if counted := re.search(rf"cardinality\({column.name}\) = (\d+)", check):
            return [_of_type(column.type.item_type, "", number + place) for place in range(int(counted.group(1)))]
    return _of_type(column.type, f"{table.name}.{column.name} of {person.label} {number}", number)


def _of_type(kind: Any, label: str, number: int) -> Any:
    match kind:
        case ARRAY():
            return [_of_type(kind.item_type, label, number), _of_type(kind.item_type, label, number + 1)]
        case JSONB():
            return {"label": label, "numbers": [number, 0.5, None]}
        case Uuid():
            return str(uuid.uuid4())
        case BYTEA():
            return uuid.uuid4().bytes * 2
        case Boolean():
            return True
        case DateTime():
            # Not of the past, which workers tidy up.
            return datetime(2090, 11, 1, 12, tzinfo=UTC) + timedelta(seconds=number, microseconds=number)
        case Date():
            return date(2026, 1, 1) + timedelta(days=number)
        case Double() | Numeric():
            return 2.0 + number / 1024
        case Integer() | SmallInteger() | BigInteger():
            return number
        case Text():
            return label
        case _:
            pytest.fail(f"tests/support/ownership.py knows no value of the type {kind!r}; teach `_of_type` one.")


def dump(connection: Connection) -> dict[str, list[str]]:
    """Every row of every table of every schema, as PostgreSQL writes it."""
    tables = connection.execute(
        text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    ).all()
    dumped = {}
    for schema, name in tables:
        rows = select(cast(literal_column("t"), Text)).select_from(text(f'"{schema}"."{name}" t'))
        dumped[f"{schema}.{name}"] = sorted(connection.execute(rows).scalars())
    return dumped


def found_in(rows: Mapping[str, Sequence[str]], names: Sequence[str]) -> dict[str, list[str]]:
    """The rows that hold any of the names, whatever their case."""
    wanted = [name.lower() for name in names]
    hits = {table: [row for row in each if any(name in row.lower() for name in wanted)] for table, each in rows.items()}
    return {table: each for table, each in hits.items() if each}


def files_naming(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files, and folders, that are called by any of the names or hold one."""
    wanted = [name.lower().encode() for name in names]
    return [
        path
        for path in folder.rglob("*")
        if any(name in str(path.relative_to(folder)).lower().encode() for name in wanted)
        or (path.is_file() and any(name in path.read_bytes().lower() for name in wanted))
    ]


def as_json(value: Any) -> Any:
    """A column's value as an export has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, uuid.UUID):
        return str(value)
    return json.loads(json.dumps(value))

"""How a service says what it holds of its users in PostgreSQL: a `Held` a table.

To add a table: give its service's module one more `Held`, which says whose rows are and what they are to their owner;
every column is then exported and every row erased. `tests/ownership` tells when one is missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, delete, func, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute

from server.adapters.postgres.tables import Base
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.kernel.identity import UserId
from server.kernel.ownership import Document, Folder, Record

PORTION = 500
"""Records that are read at once."""

Whose = Callable[[UserId], ColumnElement[bool]]
"""Which rows belong to a user, as a condition."""


@dataclass(frozen=True, slots=True)
class Held:
    """The rows of one table that belong to users.

    Attributes:
        row: the table.
        path, text: of the document, see `Document`.
        whose: which rows are a user's.
        withheld: columns that are not exported, each with the reason.
        added: further fields of the export, each an expression for the user.
        forget: what of a row that stays is changed so that it names the user no more; None: the row is deleted.
        with_account: whether the rows go with the account itself, in its last transaction.
        spared: those of a user's rows that go with the account all the same.
    """

    row: type[Base]
    path: str
    text: str
    whose: Whose
    withheld: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, Callable[[UserId], ColumnElement[Any]]] = field(default_factory=dict)
    forget: Callable[[UserId], Mapping[str, Any]] | None = None
    with_account: bool = False
    spared: ColumnElement[bool] | None = None

    @property
    def table(self) -> Table:
        """The table."""
        table = self.row.__table__
        if not isinstance(table, Table):
            raise TypeError(f"{self.row.__name__} is no table")
        return table

    @property
    def document(self) -> Document:
        """The kind of records."""
        return Document(self.path, self.text)


def of(column: InstrumentedAttribute[Any]) -> Whose:
    """The rows that name the user in a column."""
    return lambda user_id: column == user_id


class PostgresHoldings:
    """What one service holds of its users.

    Args:
        held: its tables, in the order in which they are exported.
        folders: its files.
    """

    def __init__(self, held: Sequence[Held], folders: Sequence[Folder] = ()) -> None:
        self.held = tuple(held)
        self.folders: Sequence[Folder] = tuple(folders)
        self._by_document = MappingProxyType({each.document: each for each in self.held})

    @property
    def documents(self) -> Sequence[Document]:
        """The kinds of records."""
        return tuple(self._by_document)

    async def count(self, uow: PostgresUnitOfWork, user_id: UserId) -> int:
        """How many records there are, of all kinds."""
        counted = 0
        for held in self.held:
            query = select(func.count()).select_from(held.table).where(held.whose(user_id))
            counted += (await uow.session.execute(query)).scalar_one()
        return counted

    async def records(
        self, uow: PostgresUnitOfWork, user_id: UserId, document: Document
    ) -> AsyncIterator[Sequence[Record]]:
        """The records of one kind, in the order of their keys."""
        held = self._by_document[document]
        key = [f"_key_{column.name}" for column in held.table.primary_key]
        after: tuple[object, ...] | None = None
        while True:
            rows = (await uow.session.execute(_query(held, user_id, after))).mappings().all()
            if rows:
                yield [{name: _json(value) for name, value in row.items() if name not in key} for row in rows]
            if len(rows) < PORTION:
                return
            after = tuple(rows[-1][name] for name in key)

    async def erase(self, uow: PostgresUnitOfWork, user_id: UserId, most: int) -> int:
        """Erases up to `most` records, those first that hang on others."""
        erased = 0
        for held in _children_first(self.held):
            if erased < most and not held.with_account:
                erased += await _erase(uow, held, user_id, most - erased)
        return erased


def _query(held: Held, user_id: UserId, after: tuple[object, ...] | None) -> Select[Any]:
    key = list(held.table.primary_key.columns)
    columns: list[ColumnElement[Any]] = [each for each in held.table.columns if each.name not in held.withheld]
    columns += [expression(user_id).label(name) for name, expression in held.added.items()]
    columns += [column.label(f"_key_{column.name}") for column in key]
    query = select(*columns).where(held.whose(user_id)).order_by(*key).limit(PORTION)
    return query if after is None else query.where(tuple_(*key) > after)


async def _erase(uow: PostgresUnitOfWork, held: Held, user_id: UserId, most: int) -> int:
    key = tuple_(*held.table.primary_key.columns)
    some = select(*held.table.primary_key.columns).where(held.whose(user_id))
    if held.spared is not None:
        some = some.where(~held.spared)
    chosen = key.in_(some.limit(most))
    if held.forget is None:
        result = await uow.session.execute(delete(held.table).where(chosen))
    else:
        result = await uow.session.execute(update(held.table).where(chosen).values(**held.forget(user_id)))
    return int(getattr(result, "rowcount", 0))


def _children_first(held: Sequence[Held]) -> Sequence[Held]:
    order = {table: place for place, table in enumerate(reversed(Base.metadata.sorted_tables))}
    return sorted(held, key=lambda each: order[each.table])


def _json(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes() | memoryview():
            return bytes(value).hex()
        case _:
            return value

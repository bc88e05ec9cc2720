"""Whatever the schema holds of a user is exported and erased: this walks the tables, those of tomorrow too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import Column, Table

from server.adapters.postgres.holdings import HOLDINGS, Held
from server.adapters.postgres.tables import Base
from tests.support.ownership import USERS, belongs_to_people, names_user

ROOT = Path(__file__).parents[2]
HELD = [held for holdings in HOLDINGS.values() for held in holdings.held]
HOW = (
    "Add a Held to the module of its service in server/adapters/postgres/holdings: whose its rows are, and what they "
    "are to their owner. Nothing else is needed: its columns are then exported and its rows erased."
)


def test_there_is_something_to_check() -> None:
    assert len(belongs_to_people()) >= 17


@pytest.mark.parametrize("table", [USERS, *belongs_to_people()], ids=lambda table: table.name)
def test_a_table_that_names_users_is_held_by_a_service(table: Table) -> None:
    assert table in [held.table for held in HELD], f"{table.name} holds data of users that no export has. {HOW}"


def test_what_is_held_names_users() -> None:
    assert {held.table for held in HELD} <= {USERS, *belongs_to_people()}


@pytest.mark.parametrize("table", belongs_to_people(), ids=lambda table: table.name)
def test_no_row_keeps_an_account_from_being_deleted(table: Table) -> None:
    for key in table.foreign_keys:
        if key.column.table is USERS:
            assert key.ondelete in {"CASCADE", "SET NULL"}, (
                f"{table.name}.{key.parent.name} would keep an account from being deleted: say ondelete='CASCADE', or "
                "'SET NULL' where the row stays without the user's name."
            )


def naming_without_key() -> list[str]:
    """Columns that by their name are of a user and that nothing ties to one."""
    named = ("user_id", "owner_id", "learner_id", "email", "created_by", "updated_by")
    return [
        f"{column.table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name in named and not names_user(column) and table is not USERS
    ]


def test_what_names_a_user_has_a_key() -> None:
    # Where a token was mailed to: the row has a key of its own.
    assert naming_without_key() == ["one_time_tokens.email"]


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.path)
def test_what_is_withheld_has_a_reason_and_what_is_told_a_name(held: Held) -> None:
    columns = {column.name for column in held.table.columns}
    assert set(held.withheld) <= columns
    assert not set(held.added) & columns
    assert all(reason for reason in held.withheld.values())
    assert held.text.endswith(".")


def test_documents_are_told_apart() -> None:
    paths = [held.path for held in HELD]
    assert len(paths) == len(set(paths))
    for service, holdings in HOLDINGS.items():
        assert all(document.path.startswith(f"{service}/") for document in holdings.documents)


def test_a_secret_is_never_exported() -> None:
    def secret(column: Column[object]) -> bool:
        return column.name.endswith(("_hash", "secret", "password")) or "token_hash" in column.name

    shown = [
        f"{held.table.name}.{column.name}"
        for held in HELD
        for column in held.table.columns
        if secret(column) and column.name not in held.withheld
    ]
    assert shown == []


def test_files_of_users_lie_in_folders_that_are_held() -> None:
    """Keys such as `attempts/<user id>/...`, wherever the server makes one."""
    made = set()
    for path in (ROOT / "server").rglob("*.py"):
        made.update(re.findall(r"""f["']([\w-]+/)\{[^}]*user_id""", path.read_text("utf-8")))
    folders = [folder.keys for holdings in HOLDINGS.values() for folder in holdings.folders]
    assert made
    for prefix in sorted(made):
        assert f"{prefix}{{user_id}}/" in folders, (
            f"{prefix} holds files of users that no export has and no deletion removes: give its service's module in "
            "server/adapters/postgres/holdings a Folder."
        )

"""What the text of a failure tells, which goes to the log."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres.failures import violated

PRIVATE = "mika@example.com"


@pytest.mark.parametrize(
    ("statement", "values", "told"),
    [
        ("INSERT INTO secrets VALUES (:value, 1)", {"value": PRIVATE}, "secrets_number_check"),
        ("INSERT INTO secrets VALUES (:value, 2), (:value, 3)", {"value": PRIVATE}, "secrets_pkey"),
        ("INSERT INTO secrets VALUES (:value, NULL)", {"value": PRIVATE}, 'null value in column "number"'),
        ("SELECT CAST(:value AS uuid)", {"value": PRIVATE}, "SQLSTATE 22P02"),
        ("SELECT CAST(CAST(:value AS text) AS integer)", {"value": PRIVATE}, "SQLSTATE 22P02"),
        ("SELECT nothing FROM secrets WHERE name = :value", {"value": PRIVATE}, 'column "nothing" does not exist'),
    ],
)
async def test_what_people_entered_is_not_in_it(
    engine: AsyncEngine, statement: str, values: dict[str, str], told: str
) -> None:
    async with engine.connect() as connection:
        await connection.execute(
            text("CREATE TEMPORARY TABLE secrets (name text PRIMARY KEY, number integer NOT NULL CHECK (number > 1))")
        )
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text(statement), values)
    for error in (caught.value, caught.value.orig):
        assert told in str(error)
        assert PRIVATE not in str(error)
        assert PRIVATE not in repr(error)


async def test_which_constraint_it_was_is_still_known(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("CREATE TEMPORARY TABLE ids (id uuid CONSTRAINT only_once UNIQUE)"))
        again = {"id": uuid.UUID(int=1)}
        await connection.execute(text("INSERT INTO ids VALUES (:id)"), again)
        with pytest.raises(IntegrityError) as caught:
            await connection.execute(text("INSERT INTO ids VALUES (:id)"), again)
    assert violated(caught.value) == "only_once"

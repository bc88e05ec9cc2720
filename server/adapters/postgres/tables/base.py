"""What every table shares: naming of constraints, and the few column types the schema is built from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import CheckConstraint, Double, Integer, MetaData, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeEngine

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[str, mapped_column(Uuid(as_uuid=False))]
PrimaryId = Annotated[str, mapped_column(Uuid(as_uuid=False), primary_key=True)]
Instant = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]
Small = Annotated[int, mapped_column(SmallInteger)]
Count = Annotated[int, mapped_column(Integer, server_default="0")]
Texts = Annotated[list[str], mapped_column(ARRAY(Text), server_default="{}")]
SmallInts = Annotated[list[int], mapped_column(ARRAY(SmallInteger))]
Json = Annotated[Any, mapped_column(JSONB(none_as_null=True))]


class Base(DeclarativeBase):
    """The root of all tables. Rows never leave the adapters."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[type, TypeEngine[Any]]] = {
        str: Text(),
        bytes: BYTEA(),
        float: Double(),
        datetime: TIMESTAMP(timezone=True),
    }


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """A CHECK that holds a text column to `values`; text with a CHECK changes more easily than a native enum."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def in_range(column: str, low: float, high: float) -> CheckConstraint:
    """A CHECK that a column, where it is set, lies in [low, high]."""
    return CheckConstraint(f"{column} BETWEEN {low} AND {high}", name=f"{column}_range")


def not_negative(*columns: str) -> list[CheckConstraint]:
    """A CHECK a column that it, where it is set, is 0 or more."""
    return [CheckConstraint(f"{column} >= 0", name=f"{column}_range") for column in columns]

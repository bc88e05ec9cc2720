"""Frozen dataclasses as JSON documents, by their type hints.

A document outlives the code that wrote it: keys that a class no longer has are passed over, and a field that an older
document lacks takes its default. Everything else must fit.
"""

import dataclasses
import math
import types
import typing
from enum import Enum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_SCALARS = (bool, int, float, str)


class DocumentError(ValueError):
    """A document does not fit the class that it is read as, or a value can't be a document."""


def dump(value: object) -> Any:
    """A dataclass, an enum, a tuple, a scalar or None as JSON values.

    Raises:
        DocumentError: a value of another kind, or a float that JSON doesn't have.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"{value} has no JSON form")
    if value is None or isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple):
        return [dump(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: dump(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise DocumentError(f"{type(value).__name__} has no JSON form")


def load(kind: type[T], document: Any) -> T:
    """The value of type `kind` that `dump` made the document of.

    Args:
        kind: a dataclass, an enum, a scalar, `tuple[X, ...]`, `tuple[X, Y]` or a union of such with None; of several
            members other than None the scalars are told apart by their JSON type.
        document: JSON values.

    Raises:
        DocumentError: it does not fit.
    """
    return typing.cast(T, _load(kind, document, "$"))


def _load(kind: Any, document: Any, path: str) -> Any:
    origin, members = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return _load_union(members, document, path)
    if origin is tuple:
        return _load_tuple(members, document, path)
    if dataclasses.is_dataclass(kind):
        return _load_dataclass(kind, document, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(document)
        except ValueError:
            raise DocumentError(f"{path}: {document!r} is no {kind.__name__}") from None
    if kind is float and type(document) is int:
        return float(document)
    if kind in _SCALARS and type(document) is kind:
        return document
    raise DocumentError(f"{path}: {type(document).__name__} where {kind} belongs")


def _load_union(members: tuple[Any, ...], document: Any, path: str) -> Any:
    if document is None and types.NoneType in members:
        return None
    others = [member for member in members if member is not types.NoneType]
    exact = [member for member in others if member is type(document)]
    return _load((exact or others)[0], document, path)


def _load_tuple(members: tuple[Any, ...], document: Any, path: str) -> tuple[Any, ...]:
    if not isinstance(document, list):
        raise DocumentError(f"{path}: {type(document).__name__} where a list belongs")
    if len(members) == 2 and members[1] is Ellipsis:
        members = (members[0],) * len(document)
    if len(members) != len(document):
        raise DocumentError(f"{path}: {len(document)} items where {len(members)} belong")
    return tuple(
        _load(member, item, f"{path}[{i}]") for i, (member, item) in enumerate(zip(members, document, strict=True))
    )


def _load_dataclass(kind: Any, document: Any, path: str) -> Any:
    if not isinstance(document, dict):
        raise DocumentError(f"{path}: {type(document).__name__} where {kind.__name__} belongs")
    hints = _hints(kind)
    values = {
        field.name: _load(hints[field.name], document[field.name], f"{path}.{field.name}")
        for field in dataclasses.fields(kind)
        if field.name in document
    }
    try:
        return kind(**values)
    except TypeError:
        missing = sorted(hints.keys() - values.keys())
        raise DocumentError(f"{path}: lacks some of {', '.join(missing)}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)

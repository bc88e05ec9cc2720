"""Dataclasses come back from their documents as they were."""

import json
import math
from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.adapters.postgres.documents import DocumentError, dump, load
from server.speech.domain.assessment import Assessment
from server.speech.domain.events import Transcript


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leaf:
    number: float
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    best: Leaf | None = None
    pair: tuple[str, str | int | float] = ("", 0)
    flag: bool = False


def test_a_document_says_what_the_class_says() -> None:
    tree = Tree("oak", (Leaf(1.5, Colour.BLUE),), None, ("height", 3))
    assert dump(tree) == {
        "name": "oak",
        "leaves": [{"number": 1.5, "colour": "blue"}],
        "best": None,
        "pair": ["height", 3],
        "flag": False,
    }


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(st.from_type(Assessment) | st.from_type(Transcript) | st.from_type(Tree))
def test_every_value_comes_back(value: Assessment | Transcript | Tree) -> None:
    try:
        document = json.loads(json.dumps(dump(value)))
    except DocumentError:
        assert "nan" in repr(value) or "inf" in repr(value)
        return
    assert load(type(value), document) == value


@given(finite | st.integers() | st.text())
def test_scalars_of_a_union_keep_their_type(value: str | int | float) -> None:
    document = json.loads(json.dumps(dump(Tree("", pair=("x", value)))))
    kept = load(Tree, document).pair[1]
    assert (kept, type(kept)) == (value, type(value))


def test_keys_of_other_versions() -> None:
    assert load(Tree, {"name": "oak", "rings": 12}) == Tree("oak")
    assert load(Leaf, {"number": 2}) == Leaf(2.0)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({}, "$: lacks some of"),
        ([], "$: list where Tree"),
        ({"name": None}, "$.name: NoneType"),
        ({"name": "", "leaves": {}}, "$.leaves: dict"),
        ({"name": "", "leaves": [{"number": "1"}]}, "$.leaves[0].number: str"),
        ({"name": "", "leaves": [{"number": True}]}, "$.leaves[0].number: bool"),
        ({"name": "", "best": {"number": 1, "colour": "green"}}, "$.best.colour: 'green' is no Colour"),
        ({"name": "", "pair": ["x"]}, "$.pair: 1 items where 2 belong"),
        ({"name": "", "pair": ["x", None]}, "$.pair[1]: NoneType"),
        ({"name": "", "flag": 1}, "$.flag: int"),
    ],
)
def test_what_does_not_fit_is_refused(document: object, place: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load(Tree, document)
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("value", [math.nan, math.inf, b"bytes", {"a": 1}, Leaf])
def test_what_has_no_document_is_refused(value: object) -> None:
    with pytest.raises(DocumentError):
        dump(value)

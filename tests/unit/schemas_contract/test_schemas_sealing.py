"""A personal value is open, sealed or erased, in whatever position it stands."""

import copy
import pickle
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from schemas.errors import Unavailable
from schemas.event import EventData
from schemas.fields import Block
from schemas.personal import Erased, FreeText, Identifying, Opener, Sealed, is_token
from tests.unit.schemas_contract.examples import PlainOpener, PlainSealer, door, sealed


class Inner(Block):
    name: Identifying
    maybe: Identifying | None = None


class Noted(EventData):
    """Personal values in every position."""

    TYPE: ClassVar[str] = "test.noted"

    plain: Identifying
    text: FreeText | None = None
    names: list[Identifying] | None = None
    several: tuple[FreeText, ...] | None = None
    inner: Inner | None = None
    inners: list[Inner] | None = None


POSITIONS: dict[str, Any] = {
    "plain": "Ada",
    "text": "called twice",
    "names": ["Ada", "Bo"],
    "several": ["one", "two"],
    "inner": {"name": "Ada", "maybe": "Bo"},
    "inners": [{"name": "Ada"}, {"name": "Bo", "maybe": "Cy"}],
}
KEPT: dict[str, Any] = {
    "plain": sealed("Ada"),
    "text": sealed("called twice", "content"),
    "names": [sealed("Ada"), sealed("Bo")],
    "several": [sealed("one", "content"), sealed("two", "content")],
    "inner": {"name": sealed("Ada"), "maybe": sealed("Bo")},
    "inners": [{"name": sealed("Ada")}, {"name": sealed("Bo"), "maybe": sealed("Cy")}],
}


def read(data: dict[str, Any], context: Any = None) -> Noted:
    return Noted.model_validate(data, context=context)


def dump(event: Noted, context: Any = None) -> dict[str, Any]:
    out: dict[str, Any] = event.model_dump(mode="json", exclude_none=True, context=context)
    return out


def only(position: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"plain": values["plain"], position: values[position]}


def leaves(value: Any) -> list[Any]:
    """The personal values of an event, with the models and lists around them taken off."""
    if isinstance(value, Block):
        return [leaf for _, part in value for leaf in leaves(part)]
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in leaves(part)]
    return [] if value is None else [value]


@pytest.mark.parametrize("position", POSITIONS)
def test_an_open_value_is_sealed_by_a_sealer(position: str) -> None:
    event = read(only(position, POSITIONS), door())
    assert dump(event, PlainSealer()) == only(position, KEPT)


@pytest.mark.parametrize("position", POSITIONS)
def test_dumping_an_open_value_without_saying_which_raises_and_does_not_show_it(
    position: str,
) -> None:
    event = read({"plain": KEPT["plain"], position: POSITIONS[position]})
    with pytest.raises(PydanticSerializationError, match="dump it with a Sealer") as failure:
        dump(event)
    assert not any(word in str(failure.value) for word in ("Ada", "Bo", "Cy", "twice", "two"))
    with pytest.raises(PydanticSerializationError):
        event.model_dump()
    with pytest.raises(PydanticSerializationError):
        event.model_dump_json()


@pytest.mark.parametrize("position", POSITIONS)
def test_a_sealed_value_passes_through_whoever_holds_no_keys(position: str) -> None:
    event = read(only(position, KEPT))
    assert all(isinstance(leaf, Sealed) for leaf in leaves(event))
    assert dump(event) == only(position, KEPT)
    assert dump(event, PlainSealer()) == only(position, KEPT)


@pytest.mark.parametrize("position", POSITIONS)
def test_an_opener_opens(position: str) -> None:
    event = read(only(position, KEPT), PlainOpener())
    assert leaves(event) == leaves(read(only(position, POSITIONS)))


@pytest.mark.parametrize("position", POSITIONS)
def test_a_value_whose_key_is_destroyed_is_erased_and_dumps_as_null(position: str) -> None:
    event = read(only(position, KEPT), PlainOpener("identity", "content"))
    assert set(leaves(event)) == {Erased.ERASED}
    nulls = event.model_dump(mode="json")
    assert nulls["plain"] is None
    assert not any(is_token(leaf) for leaf in leaves(list(nulls.values())))


@pytest.mark.parametrize("position", POSITIONS)
def test_an_erased_value_is_never_sealed_anew(position: str) -> None:
    event = read(only(position, KEPT), PlainOpener("identity", "content"))
    with pytest.raises(PydanticSerializationError, match="cannot be sealed"):
        dump(event, PlainSealer())


@pytest.mark.parametrize("position", POSITIONS)
def test_the_door_refuses_what_looks_sealed(position: str) -> None:
    with pytest.raises(ValidationError, match="mark of sealed values"):
        read({"plain": "Ada", position: KEPT[position]}, door())


def test_one_class_of_key_may_be_destroyed_and_the_other_live() -> None:
    event = read({"plain": KEPT["plain"], "text": KEPT["text"]}, PlainOpener("content"))
    assert event.plain == "Ada"
    assert event.text is Erased.ERASED


def test_erased_survives_copy_and_pickle() -> None:
    assert copy.deepcopy(Erased.ERASED) is Erased.ERASED
    assert pickle.loads(pickle.dumps(Erased.ERASED)) is Erased.ERASED


def test_an_opener_that_cannot_reach_its_keys_is_heard() -> None:
    class OutOfReach(Opener):
        def open(self, token: str) -> str | Erased:
            assert is_token(token)
            raise Unavailable("the ring is out of reach")

    with pytest.raises(Unavailable):
        read({"plain": KEPT["plain"]}, OutOfReach())


@pytest.mark.parametrize("value", ["", "a\x00b", 7, 1.5, True, ["Ada"], {"value": "Ada"}])
def test_a_personal_value_is_a_text_without_nul(value: Any) -> None:
    with pytest.raises(ValidationError):
        read({"plain": value}, door())


def test_a_text_has_a_limit() -> None:
    assert read({"plain": "x" * 100_000}, door())
    with pytest.raises(ValidationError):
        read({"plain": "x" * 100_001}, door())


def test_no_repr_shows_a_value() -> None:
    event = read(POSITIONS, door())
    for text in (repr(event), str(event), f"{event!r}", repr(event.inner), repr([event])):
        assert text.strip("[]").endswith("()") or text == ""

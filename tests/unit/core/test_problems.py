"""Problems as values, and their texts."""

from __future__ import annotations

import pickle

import attrs
import pytest

from custinfo.core.frozen import FrozenDict
from custinfo.core.messages import DEFAULT_MESSAGES
from custinfo.core.problems import Place, Problem


def test_message_in_both_languages() -> None:
    """The field comes first, with the punctuation of the language."""
    problem = Problem("too_long", "name", params={"limit": 200})
    assert problem.message() == "name：最多 200 个字符"
    assert problem.message("en") == "name: at most 200 characters are allowed"
    assert problem.message("zh", label="客户名称") == "客户名称：最多 200 个字符"


def test_message_without_field() -> None:
    """A problem of no field is its text alone, unless a label is given."""
    assert Problem("not_archived").message("en") == "the record is not archived"
    assert Problem("not_archived").message("en", label="Row 3") == "Row 3: the record is not archived"


def test_message_falls_back_to_english() -> None:
    """A language that nobody added is answered in English, and an unknown code by the code."""
    assert Problem("required", "name").message("fr") == "name: a value is required"
    assert Problem("my_own_code", "name").message("zh") == "name：my_own_code"


def test_a_field_is_called_by_the_label_that_is_there() -> None:
    """A field without a label in the language is called as its definition says: in English or Chinese, else by key."""
    chinese, both = FrozenDict({"zh": "名称"}), FrozenDict({"zh": "名称", "en": "Name"})
    assert Problem("required", "name", labels=chinese).message("en") == "名称: a value is required"
    assert [Problem("required", "name", labels=both).label_in(language) for language in ("zh", "en", "fr")] == [
        "名称",
        "Name",
        "Name",
    ]
    assert Problem("required", "name", labels=FrozenDict()).label_in("en") == "name"
    assert Problem("required", "tags").label_in("en") == "Tags"


def test_message_from_the_hosts_catalogue() -> None:
    """A host passes its own catalogue."""
    german = DEFAULT_MESSAGES.with_language("de", {"required": "Pflichtfeld"})
    assert Problem("required", "name").message("de", messages=german) == "name: Pflichtfeld"


def test_params_are_frozen() -> None:
    """Parameters given as a dict are copied, so that a problem can be hashed and never changes."""
    params: dict[str, str | int | tuple[str, ...]] = {"limit": 3}
    problem = Problem("too_long", params=params)
    params["limit"] = 4
    assert problem.params == {"limit": 3}
    assert isinstance(problem.params, FrozenDict)
    assert hash(problem) == hash(Problem("too_long", params=FrozenDict({"limit": 3})))


def test_at_gives_a_copy_with_the_place() -> None:
    """The problem itself stays without place."""
    problem = Problem("required", "name")
    placed = problem.at(Place("客户", 3, 2))
    assert placed == attrs.evolve(problem, place=Place("客户", 3, 2))
    assert problem.place is None
    assert problem.severity == "error"


def test_problems_cannot_be_changed() -> None:
    """Problems are values."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Problem("required").code = "other"  # type: ignore[misc]


def test_problems_pickle() -> None:
    """A problem survives pickling, place and parameters included."""
    problem = Problem("not_one_of", "a", Place("s", 1, None), {"allowed": ("x", "y")}, "warning")
    assert pickle.loads(pickle.dumps(problem)) == problem

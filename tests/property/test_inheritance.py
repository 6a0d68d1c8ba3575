"""Access that would follow from itself is found in any web of modules, however dense (POL-2)."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from custinfo import FieldDefinition, ModuleDefinition
from custinfo.core.configuration import Configuration
from custinfo.core.fields import Inheritance
from custinfo.core.schema import Schema
from custinfo.core.validation.whole import configuration_problems
from custinfo.standard import sample_organisation

Web = list[list[int]]
"""For each module the modules from which it inherits."""


def webs(most: int) -> st.SearchStrategy[Web]:
    """Make webs of so many modules at most."""
    return st.integers(1, most).flatmap(
        lambda number: st.lists(
            st.lists(st.integers(0, number - 1), max_size=number, unique=True), min_size=number, max_size=number
        )
    )


def modules(web: Web) -> tuple[ModuleDefinition, ...]:
    """Return modules that inherit as a web says."""
    return tuple(
        ModuleDefinition(
            f"m{number}",
            (
                FieldDefinition("name", "text", "名称"),
                *(
                    FieldDefinition(f"to{other}", "reference", f"到{other}", options={"module": f"m{other}"})
                    for other in web[number]
                ),
            ),
            inherits=tuple(Inheritance(f"to{other}") for other in web[number]),
        )
        for number in range(len(web))
    )


def circles(web: Web) -> dict[str, list[str]]:
    """Return place → the circle, for each rule that leads back to its module."""
    told = configuration_problems(Schema(Configuration(modules(web)), sample_organisation(), UTC))
    return {
        str(problem.params["path"]): str(problem.params["circle"]).split(" → ")
        for problem in told
        if problem.code == "leads_in_circle"
    }


def leads_back(web: Web, start: int, first: int) -> bool:
    """Try every way from one module by another, and tell whether one of them ends where it began."""
    if first == start:
        return True
    others = [number for number in range(len(web)) if number not in (start, first)]
    return any(
        all(after in web[before] for before, after in zip((first, *way), (*way, start), strict=True))
        for length in range(len(others) + 1)
        for way in permutations(others, length)
    )


@given(webs(5))
def test_circles_are_those_that_one_can_walk(web: Web) -> None:
    """A rule is told of exactly if some way leads back, and what is told is such a way."""
    found = circles(web)
    expected = {
        f"$.modules['m{number}'].inherits[{place}]": (number, other)
        for number, others in enumerate(web)
        for place, other in enumerate(others)
        if leads_back(web, number, other)
    }
    assert found.keys() == expected.keys()
    for path, (number, other) in expected.items():
        way = [int(key[1:]) for key in found[path]]
        assert (way[0], way[1], way[-1]) == (number, other, number)
        assert all(after in web[before] for before, after in pairwise(way))
        assert len(set(way)) == len(way) - 1, "no module twice"


def test_a_dense_web_is_looked_at_once() -> None:
    """Of thirty modules that each inherit from all before them there are more ways than a computer could go."""
    web = [list(range(number)) for number in range(30)]
    assert circles(web) == {}
    web[0] = [29]
    assert len(circles(web)) == sum(map(len, web))

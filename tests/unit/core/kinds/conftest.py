"""What the tests of kinds share: a dictionary, a directory, and reading one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest

from custinfo.core.dictionaries import Dictionary, DictionaryValue
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, KindContext
from custinfo.core.problems import Problem

Reader = Callable[..., tuple[Any, list[str]]]


MEMBERS: dict[str, str | tuple[str, ...]] = {
    "u1": "u1",
    "李四": "u1",
    "1001": "u1",
    "u2": "u2",
    "u3": "u3",
    "王五": ("u2", "u3"),
}
DEPARTMENTS: dict[str, str | tuple[str, ...]] = {"d1": "d1", "销售一部": "d1", "一组": ("g1", "g2")}


class People:
    """A directory in which two people share a name."""

    def find_member(self, text: str, /) -> str | tuple[str, ...] | None:
        """Find by key, name or employee number."""
        return MEMBERS.get(text)

    def find_department(self, text: str, /) -> str | tuple[str, ...] | None:
        """Find by key, name or path."""
        return DEPARTMENTS.get(text)

    def member_label(self, key: str, /) -> str:
        """Return the name."""
        return {"u1": "李四", "u2": "王五", "u3": "王五"}.get(key, key)

    def department_label(self, key: str, /) -> str:
        """Return the name."""
        return {"d1": "销售一部"}.get(key, key)


INDUSTRIES = Dictionary(
    "industry",
    (
        DictionaryValue("manufacturing", {"zh": "制造业", "en": "Manufacturing"}, aliases=("制造",)),
        DictionaryValue("it", {"zh": "IT设备", "en": "IT equipment"}, parent="manufacturing"),
        DictionaryValue("services", "服务业"),
        DictionaryValue("other_m", "其他", parent="manufacturing"),
        DictionaryValue("other_s", "其他", parent="services"),
        DictionaryValue("trade", "批发、零售"),
        DictionaryValue("1", "一类"),
        DictionaryValue("mining", "采矿业", state="retired"),
        DictionaryValue("making", "造业", state="merged", merged_into="manufacturing"),
    ),
    label="行业",
)
CONTEXT = KindContext({"industry": INDUSTRIES}, People(), ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def context() -> KindContext:
    """Return a context in Shanghai, in Chinese."""
    return CONTEXT


@pytest.fixture
def read() -> Reader:
    """Return a function that parses one value: the typed value, and the codes of the problems."""

    def call(kind: str, raw: object, *, at: dict[str, Any] | None = None, **options: Any) -> tuple[Any, list[str]]:
        problems: list[Problem] = []
        field = FieldDefinition("f", kind, options={"dictionary": "industry", **options})
        context = attrs.evolve(CONTEXT, **(at or {}))
        value = BUILT_IN_KINDS[kind].parser(field, context)(raw, problems)
        assert all(problem.field == "f" for problem in problems)
        return value, [problem.code for problem in problems]

    return call


@pytest.fixture
def show() -> Callable[..., str]:
    """Return a function that renders one typed value."""

    def call(kind: str, value: Any, *, at: dict[str, Any] | None = None, **options: Any) -> str:
        field = FieldDefinition("f", kind, options={"dictionary": "industry", **options})
        return BUILT_IN_KINDS[kind].renderer(field, attrs.evolve(CONTEXT, **(at or {})))(value)

    return call

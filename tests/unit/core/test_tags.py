"""Tag dimensions, and finding tags by what people type."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from custinfo.core.errors import ConfigurationError
from custinfo.core.frozen import FrozenDict
from custinfo.core.tags import RetiredTag, TagDimension
from custinfo.core.text import folded

CLOSED = TagDimension("need", ("采购设备", "IT服务"), {"zh": "需求", "en": "Need"}, ("Wants",))
OPEN = TagDimension("自定义", ("VIP",), open=True)


@pytest.mark.parametrize(
    ("typed", "found"),
    [("采购设备", "采购设备"), (" 采购 设备 ", "采购设备"), ("ｉｔ服务", "IT服务"), ("培训", None), ("", None)],
)
def test_a_closed_dimension(typed: str, found: str | None) -> None:
    """Listed tags are found whatever their spelling; others are not."""
    assert CLOSED.find(typed) == found


@pytest.mark.parametrize(
    ("typed", "found"), [("vip", "VIP"), (" 重要　", "重要"), ("ＡＢ", "AB"), ("  ", None), ("", None)]
)
def test_an_open_dimension(typed: str, found: str | None) -> None:
    """Listed tags win; any other text that is not blank is a tag in its narrow form."""
    assert OPEN.find(typed) == found


def test_a_long_list_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of many tags that an import has is found without reading the whole list again."""
    times = 0

    def counting(text: str) -> str:
        nonlocal times
        times += 1
        return folded(text)

    monkeypatch.setattr("custinfo.core.tags.folded", counting)
    dimension = TagDimension("need", tuple(f"需求{number}" for number in range(200)))
    for number in range(200):
        assert dimension.find(f" 需求{number}") == f"需求{number}"
    assert times <= 400


def test_a_dimension_that_was_asked_is_still_a_value() -> None:
    """It pickles, copies, compares and hashes as before."""
    asked = TagDimension("need", ("采购设备",), merged={"设备": "采购设备"})
    assert asked.find("设备") == "采购设备"
    plain = TagDimension("need", ("采购设备",), merged={"设备": "采购设备"})
    for other in (pickle.loads(pickle.dumps(asked)), copy.copy(asked), copy.deepcopy(asked)):
        assert (other, hash(other)) == (plain, hash(plain))
        assert other.find("设备") == "采购设备"


def test_names_of_a_dimension() -> None:
    """A dimension is named by key, label and alias, folded."""
    assert CLOSED.names() == {"need", "需求", "wants"}
    assert OPEN.names() == {"自定义"}


def test_a_plain_label_is_chinese() -> None:
    """A label that is one text is taken as Chinese."""
    assert TagDimension("need", label="需求").label == {"zh": "需求"}
    assert (CLOSED.open, CLOSED.single) == (False, False)


NEED = TagDimension("need", ("采购设备", "IT服务", "培训"))


@pytest.mark.parametrize(
    ("dimension", "typed", "found"),
    [
        (NEED.renamed("采购设备", "设备采购"), "采购 设备", "设备采购"),
        (NEED.renamed("采购设备", "设备采购"), "设备采购", "设备采购"),
        (NEED.merged_into("it服务", "培训"), "ＩＴ服务", "培训"),
        (NEED.with_retired("培训"), "培训", RetiredTag("培训")),
        (NEED.with_retired("培训").renamed("培训", "课程"), "培训", RetiredTag("课程")),
        (NEED.with_retired("培训").with_restored("培训"), "培训", "培训"),
        (NEED.with_values("维修", "培训"), "维修", "维修"),
        (NEED.renamed("IT服务", "it服务"), "IT服务", "it服务"),
        (OPEN.merged_into("重要客户", "vip"), "重要 客户", "VIP"),
        (OPEN.renamed("重要", "要紧"), "重要", "要紧"),
        (OPEN.with_retired("重要"), "重要", RetiredTag("重要")),
    ],
)
def test_changed_tags(dimension: TagDimension, typed: str, found: str | RetiredTag) -> None:
    """A former tag means what it is now, and a retired one says so."""
    assert dimension.find(typed) == found


def test_the_values_after_a_change() -> None:
    """A renamed tag keeps its place; merged and retired ones are offered no more, restored and new ones come last."""
    assert NEED.renamed("采购设备", "设备").values == ("设备", "IT服务", "培训")
    assert NEED.merged_into("采购设备", "培训").values == ("IT服务", "培训")
    assert NEED.with_retired("采购设备", "采购 设备").retired == ("采购设备",)
    assert NEED.with_retired("采购设备").values == ("IT服务", "培训")
    assert NEED.with_retired("采购设备").with_restored("采购设备").values == ("IT服务", "培训", "采购设备")
    assert NEED.with_values("维修", "培训").values == ("采购设备", "IT服务", "培训", "维修")
    assert NEED.renamed("培训", "培训") == NEED


def test_former_tags_lead_straight_to_the_live_one() -> None:
    """Renaming twice, back again, and merging what was renamed keep one step from each former tag to the live one."""
    twice = NEED.renamed("培训", "课程").renamed("课程", "讲座")
    assert twice.merged == {"培训": "讲座", "课程": "讲座"}
    assert twice.same_as("讲座") == ("讲座", "培训", "课程")
    assert twice.renamed("讲座", "培训").merged == {"课程": "培训", "讲座": "培训"}
    assert twice.merged_into("讲座", "IT服务").merged == {
        "培训": "IT服务",
        "课程": "IT服务",
        "讲座": "IT服务",
    }
    assert NEED.same_as("培训") == ("培训",)


def test_former_tags_in_a_circle() -> None:
    """Data that lead in a circle neither hang nor raise."""
    circle = TagDimension("d", merged=FrozenDict({"a": "b", "b": "a"}))
    assert circle.find("a") == "b"
    assert circle.live_tag("b") == "a"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda: NEED.renamed("飞机", "x"), "unknown_tag"),
        (lambda: NEED.renamed("培训", "IT服务"), "tag_exists"),
        (lambda: NEED.with_retired("IT服务").renamed("培训", "it服务"), "tag_exists"),
        (lambda: NEED.renamed("培训", "课程").renamed("IT服务", "培训"), "tag_exists"),
        (lambda: NEED.renamed("培训", " "), "invalid_tag"),
        (lambda: NEED.renamed("培训", "a\x00"), "invalid_tag"),
        (lambda: NEED.renamed("培训", "长" * 101), "invalid_tag"),
        (lambda: NEED.merged_into("培训", "飞机"), "unknown_tag"),
        (lambda: NEED.merged_into("培训", "培训"), "tag_exists"),
        (lambda: NEED.with_retired("IT服务").merged_into("培训", "IT服务"), "retired_tag"),
        (lambda: NEED.with_retired("飞机"), "unknown_tag"),
        (lambda: NEED.with_restored("飞机"), "unknown_tag"),
        (lambda: NEED.with_values("it服务"), "tag_exists"),
        (lambda: NEED.renamed("培训", "课程").with_values("培训"), "tag_exists"),
        (lambda: NEED.with_values(""), "invalid_tag"),
    ],
)
def test_tags_that_make_no_sense(change: Callable[[], object], code: str) -> None:
    """Unknown tags, tags that are there already and texts that are no tags are refused."""
    with pytest.raises(ConfigurationError) as caught:
        change()
    assert [(problem.code, problem.params["dimension"]) for problem in caught.value.problems] == [(code, "need")]

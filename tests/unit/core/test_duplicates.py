"""Names taken apart, evidence weighed, and records that resemble each other found by what they share."""

from __future__ import annotations

import attrs
import pytest

from custinfo.core.duplicates.company_names import company_name, ordinal_marks
from custinfo.core.duplicates.comparing import Signature, Traits, probability, weigh
from custinfo.core.duplicates.index import CROWD, Index
from custinfo.core.duplicates.ratio import plain_ratio
from custinfo.core.duplicates.regions import agree, leading_region
from custinfo.core.fields import FieldDefinition, ModuleDefinition
from custinfo.standard.modules import CUSTOMER, FOLLOW_UP

TRAITS = Traits.of(CUSTOMER)


@pytest.mark.parametrize(
    ("name", "core", "region"),
    [
        ("北京示例科技有限公司", "示例科技", "北京"),
        ("北京市示例科技有限责任公司", "示例科技", "北京"),
        ("示例科技（北京）有限公司", "示例科技", "北京"),
        ("示例科技（北京市）股份有限公司", "示例科技", "北京"),
        ("示例（集团）科技有限公司", "示例科技", ""),
        ("示例科技集团股份有限公司", "示例科技", ""),
        ("江苏省苏州市示例科技有限公司", "示例科技", "苏州"),
        ("ＡＢＣ Trading Co., Ltd.", "abctrading", ""),
        ("示例科技有限公司苏州分公司", "示例科技苏州分公司", ""),
        ("示例（新材料）有限公司", "示例新材料", ""),
        ("海南", "海南", ""),
        ("有限公司", "有限公司", ""),
        ("张三", "张三", ""),
        ("", "", ""),
    ],
)
def test_names(name: str, core: str, region: str) -> None:
    """What people leave out is taken off; what is left of nothing stays."""
    assert company_name(name)[:2] == (core, region)


def test_regions() -> None:
    """A city is in its province; two cities, or provinces, are two places."""
    assert leading_region("内蒙古自治区包头市示例") == ("包头", "示例")
    assert leading_region("示例北京") == ("", "示例北京")
    assert [agree("苏州", other) for other in ("苏州", "江苏", "", "南京", "上海")] == [True, True, True, False, False]
    assert ordinal_marks("第二示例12号ab") == ["二", "12", "ab"]


def score(one: dict[str, str], other: dict[str, str]) -> float:
    """Return how likely two customers are the same."""
    return probability(weigh(TRAITS.signature(one), TRAITS.signature(other), TRAITS, plain_ratio))


FULL = {"name": "北京示例科技有限公司", "phone": "+8613812345678", "email": "a@example.com", "contact_name": "张三"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"name": "示例科技(北京)有限责任公司", "phone": "+8613812345678"}, True),
        ({"name": "示例科技", "email": "A@example.com", "phone": "+8613900139000"}, True),
        ({"name": "北京示倒科技有限公司", "phone": "+8613812345678"}, True),
        ({"name": "北京示例科技有限公司", "phone": "+8613900139000", "email": "b@example.com"}, True),
        ({"name": "示例科技", "phone": "+8613900139000", "email": "b@example.com", "contact_name": "张三"}, True),
        ({"name": "示例科技", "phone": "+8613900139000", "email": "b@example.com", "contact_name": "李四"}, False),
        ({"name": "上海示例科技有限公司", "phone": "+8613900139000"}, False),
        ({"name": "北京示例二科技有限公司", "phone": "+8613900139000"}, False),
        ({"name": "杭州望潮食品有限公司", "phone": "+8613812345678"}, False),
        ({"phone": "+8613812345678"}, False),
        ({}, False),
    ],
)
def test_scores(other: dict[str, str], same: bool) -> None:
    """Names that are the same but for their form need little beside; others need a phone or an address in common."""
    assert (score(FULL, other) >= 0.7) is same
    assert score(FULL, other) == score(other, FULL)


def test_what_tells_apart() -> None:
    """Another credit code, number or ordinal outweighs one phone for all."""
    phone = {"phone": "+8613812345678"}
    assert score({**phone, "name": "客户1"}, {**phone, "name": "客户2"}) < 0.1
    assert score({**phone, "name": "示例第一中学"}, {**phone, "name": "示例第二中学"}) < 0.3
    same = {**phone, "email": "a@example.com", "contact_name": "张三"}
    for one, other in (
        ("客户1", "客户2"), ("甲公司", "乙公司"), ("某公司", "某二公司"),
        ("北京示例科技有限公司", "上海示例科技有限公司"),
        ("示例电子科技有限公司", "样品电子科技有限公司"), ("示例科技有限公司", "示范贸易有限公司"),
    ):  # fmt: skip
        assert score({**same, "name": one}, {**same, "name": other}) < 0.7, (one, other)
    assert score({**same, "name": "示例"}, {**same, "name": "示例精密机械有限公司"}) > 0.9
    codes = ({"uscc": "91350100M000100Y43"}, {"uscc": "91110000000000001A"})
    assert score({**FULL, **codes[0]}, {**FULL, "name": "示例科技", **codes[1]}) < 0.7
    assert score({"name": "示例科技", **codes[0]}, {"name": "示例科技有限公司", **codes[1]}) < 0.01
    assert score({"name": "甲乙", **codes[0]}, {"name": "北京示例科技有限公司", **codes[0]}) < 0.7


def test_traits() -> None:
    """What is compared follows from the definitions of the fields."""
    assert (TRAITS.name, TRAITS.identifiers, TRAITS.contacts) == ("name", ("uscc",), ("phone", "email"))
    assert TRAITS.texts == ("contact_name", "address")
    assert Traits.of(FOLLOW_UP) == Traits(None, texts=("contact_name",))
    fields = (FieldDefinition("title", "text"), FieldDefinition("code", "text", unique=True))
    deal = ModuleDefinition("deal", fields, title_field="title")
    assert Traits.of(deal) == Traits("title", ("code",), given=("code",))


def test_numbers_that_a_host_gives() -> None:
    """Who is there twice has two numbers of the host's: they say nothing, while the same number in both says all."""
    number = FieldDefinition("number", "text", unique=True)
    traits = Traits.of(attrs.evolve(CUSTOMER, fields=(*CUSTOMER.fields.values(), number)))
    one, other = {**FULL, "number": "K-1"}, {**FULL, "name": "示例科技（北京）有限公司", "number": "K-2"}

    def weights(mine: dict[str, str], theirs: dict[str, str]) -> dict[str, float]:
        found = weigh(traits.signature(mine), traits.signature(theirs), traits, plain_ratio)
        return {item.field: item.weight for item in found}

    assert weights(one, other) == weights(FULL, {**FULL, "name": other["name"]})
    assert weights(one, {**other, "number": "K-1"})["number"] == 10.0


def index_of(*rows: dict[str, str]) -> Index:
    """Return an index of customers by their numbers."""
    index = Index(TRAITS, plain_ratio)
    columns = {key: [row.get(key) for row in rows] for key in TRAITS.fields}
    index.add(range(len(rows)), TRAITS.signatures(columns, len(rows)))
    return index


def test_index() -> None:
    """Pairs are told once, with reasons; a probe finds the same, and `before` what came earlier."""
    other = {"name": "示例科技", "phone": "+8613812345678", "contact_name": "李四"}
    index = index_of(FULL, {"name": "望潮食品有限公司", "phone": "+8613700137000"}, other)
    ((one, likeness),) = index.pairs()
    assert (one, likeness.other) == (0, 2)
    assert {item.field: item.weight > 0 for item in likeness.evidence} == {"name": True, "phone": True}
    assert [found.other for found in index.alike(TRAITS.signature({**FULL, "name": "示例科技"}))] == [0, 2]
    assert [[found.other for found in index.before(place)] for place in range(3)] == [[], [], [0]]


def test_what_is_shared_with_earlier_ones() -> None:
    """Adding tells which records share something with an earlier one, of the same call or another."""
    index = Index(TRAITS, plain_ratio)
    rows = [FULL, {"name": "望潮食品有限公司", "phone": "+8613700137000"}]
    parts = [TRAITS.signatures({key: [row.get(key)] for key in TRAITS.fields}, 1) for row in (*rows, *rows)]
    assert [index.add([number], part) for number, part in enumerate(parts)] == [set(), set(), {2}, {3}]
    assert [[found.other for found in index.before(place)] for place in range(4)] == [[], [], [0], [1]]


def test_names_mistyped_with_the_same_contact() -> None:
    """A name with a slip and nothing but the contact in common is compared, and told if nothing speaks against it."""
    one = {"name": "北京示例未来科技发展有限公司", "contact_name": "张三", "address": "北京市海淀区示例路1号"}
    assert len(list(index_of(one, {**one, "name": "北京示例末来科技发展有限公司"}).pairs())) == 1


def test_crowds() -> None:
    """One phone for very many customers costs no square of them, and still finds the same names."""
    crowd = [{"name": f"示例{'甲乙丙丁戊己庚辛'[n % 8]}{n:05}贸易", "phone": "+8613812345678"} for n in range(3000)]
    index = index_of(*crowd, {"name": "北京示例甲00008贸易有限公司", "phone": "+8613812345678"})
    assert [(one, found.other) for one, found in index.pairs()] == [(8, 3000)]
    assert len(list(index.alike(Signature("", "", "", (None,), ("+8613812345678", None), (None, None))))) <= CROWD

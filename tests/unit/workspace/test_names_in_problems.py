"""What readers of each language see where a message names a list, a field, a state, a dimension or a flow."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs
import pytest

from custinfo import (
    CustinfoError,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    OneOfValues,
    Report,
    Session,
    Tagged,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.frozen import FrozenDict
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.story import ENTERPRISE, IDENTITY_NUMBER, INDIVIDUAL, Story

TWINS: Final = Dictionary(
    "twins",
    (
        DictionaryValue("a", {"zh": "甲类", "en": "Class A"}),
        DictionaryValue("b", {"zh": "乙类", "en": "Class B"}),
        DictionaryValue("a1", {"zh": "其他", "en": "Other", "fr": "Autre"}, parent="a"),
        DictionaryValue("b1", {"zh": "其他", "en": "Other", "fr": "Autre"}, parent="b"),
    ),
    {"zh": "类别", "en": "Class", "fr": "Classe"},
)
FIELD: Final = FieldDefinition(
    "class",
    "choice",
    label={"zh": "类别", "en": "Class"},
    options={"dictionary": "twins"},
    rules=(OneOfValues(("a", "a1")),),
)


@pytest.fixture
def story() -> Story:
    """Return a workspace on the standard configuration with one more choice, all in two languages."""
    known = standard_configuration()
    customer = known.modules["customer"]
    changed = attrs.evolve(customer, fields=FrozenDict({**customer.fields, FIELD.key: FIELD}))
    configuration = attrs.evolve(
        known,
        modules=known.modules.set("customer", changed),
        dictionaries=known.dictionaries.set("twins", TWINS),
    )
    keyring = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32)
    units = MemoryUnits()
    return Story(Workspace(configuration, units=units, organisation=sample_organisation(), keyring=keyring))


CASES: Final[list[tuple[str, Callable[[Session], object], str, str]]] = [
    (
        "an unknown choice",
        lambda session: session.customers.create({**ENTERPRISE, "industry": "?"}),
        "所属行业：不在“所属行业”字典中",
        "Industry: is not in the list Industry",
    ),
    (
        "an unknown choice in a criterion",
        lambda session: session.customers.find(F.status == "?"),
        "客户状态：不在“客户状态”字典中",
        "Status: is not in the list Customer status",
    ),
    (
        "an ambiguous choice",
        lambda session: session.customers.create({**ENTERPRISE, "class": "其他"}),
        "类别：对应“类别”中的多个条目：甲类-其他、乙类-其他",
        "Class: names several entries of Class: Class A-Other, Class B-Other",
    ),
    (
        "an ambiguous choice in a criterion",
        lambda session: session.customers.find(F["class"] == "Other"),
        "类别：对应“类别”中的多个条目：甲类-其他、乙类-其他",
        "Class: names several entries of Class: Class A-Other, Class B-Other",
    ),
    (
        "a choice that a rule does not allow",
        lambda session: session.customers.create({**ENTERPRISE, "class": "b"}),
        "类别：只能是：甲类、甲类-其他",
        "Class: must be one of: Class A, Class A-Other",
    ),
    (
        "an unknown tag",
        lambda session: session.customers.create(ENTERPRISE, tags=[("行业", "?")]),
        "标签：标签维度 行业 中没有这个标签",
        "Tags: the dimension Industry has no such tag",
    ),
    (
        "two tags of a dimension that takes one",
        lambda session: session.customers.create(ENTERPRISE, tags=[("规模", "大型"), ("规模", "小型")]),
        "标签：标签维度 规模 只能有一个标签",
        "Tags: the dimension Scale takes one tag only",
    ),
    (
        "an unknown tag in a criterion",
        lambda session: session.customers.find(Tagged("行业", "?")),
        "标签：标签维度 行业 中没有这个标签",
        "Tags: the dimension Industry has no such tag",
    ),
    (
        "a system field",
        lambda session: session.customers.find(F.created_at == "?"),
        "创建时间：不是有效的日期时间：请写成 2024-03-05 10:30 的样子",
        "Created at: is not a date and time: write it like 2024-03-05 10:30",
    ),
    (
        "a total of a field that is no number",
        lambda session: session.customers.total("name"),
        "客户名称：“文本”类型的字段不支持“合计”运算",
        "Name: a field of kind text does not take the operator “total”",
    ),
    (
        "periods of a field that is no date",
        lambda session: session.customers.distribution("客户名称", period="month"),
        "客户名称：“文本”类型的字段不支持“按月分组”运算",
        "Name: a field of kind text does not take the operator “group by month”",
    ),
    (
        "periods of a field of a record that is referred to",
        lambda session: session.follow_ups.distribution("customer.name", period="month"),
        "客户名称：“文本”类型的字段不支持“按月分组”运算",
        "Name: a field of kind text does not take the operator “group by month”",
    ),
    (
        "a wrong choice of a record that is referred to",
        lambda session: session.follow_ups.find(F.customer.status == "?"),
        "客户状态：不在“客户状态”字典中",
        "Status: is not in the list Customer status",
    ),
    (
        "periods of tags",
        lambda session: session.customers.distribution("需求", period="month"),
        "需求：“标签”类型的字段不支持“按月分组”运算",
        "Need: a field of kind tags does not take the operator “group by month”",
    ),
    (
        "a field that a new record may not have from its author",
        lambda session: session.customers.create({**INDIVIDUAL, "id_number": IDENTITY_NUMBER}),
        "证件号码：您无权填写该字段",
        "Identity number: you may not fill in this field",
    ),
]


def refused(story: Story, actor: str, ask: Callable[[Session], object]) -> CustinfoError:
    """Return what refuses somebody's wish."""
    with pytest.raises(CustinfoError) as caught, story.workspace.acting_as(actor) as session:
        ask(session)
    return caught.value


@pytest.mark.parametrize(("ask", "chinese", "english"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_names_are_in_the_language_of_the_reader(
    story: Story, ask: Callable[[Session], object], chinese: str, english: str
) -> None:
    """A message names things as its reader calls them, in reports as well."""
    error = refused(story, "lisi", ask)
    assert (error.message("zh"), error.message("en")) == (chinese, english)
    assert not re.search("[一-鿿]", error.message("en"))
    [told] = Report.of(error).to_dict("en")["problems"]
    assert told["message"] == english
    assert told["label"] == english.partition(":")[0]


def test_names_in_a_language_that_the_host_added(story: Story) -> None:
    """What has a name in a third language is called by it."""
    error = refused(story, "lisi", lambda session: session.customers.create({**ENTERPRISE, "class": "其他"}))
    [problem] = error.problems
    named: Any = problem.params["dictionary"]
    assert named.in_language("fr") == "Classe"


def test_fields_that_an_approver_may_not_change_are_named(story: Story) -> None:
    """Whoever changes what is not theirs to change in a request is told the labels of it."""
    person = story.individual(id_number=None)
    request = story.submit("liuqi", person, {"id_number": IDENTITY_NUMBER})
    amend = {"contact_name": "王芳"}
    error = refused(story, "sunjiu", lambda session: session.approvals.approve(request.id, version=1, amend=amend))
    assert (error.message("zh"), error.message("en")) == (
        "该步骤的审批人不可修改 联系人",
        "the step does not let its approvers change Contact",
    )


def test_refusals_of_requests_and_sorts_name_fields_by_their_labels(story: Story) -> None:
    """An approver who may not change a field, and whoever sorts by what is encrypted, read what people call it."""
    won = story.won()
    request = story.submit("lisi", won, {"phone": "13812345679"})
    amend = {"contact_name": "王芳"}
    refusals = (
        refused(story, "zhaojl", lambda session: session.approvals.approve(request.id, version=1, amend=amend)),
        refused(story, "zhoushi", lambda session: session.customers.find(order_by="-id_number")),
    )
    assert [refusal.problems[0].label_in("zh") for refusal in refusals] == ["联系人", "证件号码"]

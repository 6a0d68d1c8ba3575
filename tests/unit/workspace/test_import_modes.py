"""What an import may do (create, update, both), by which keys rows find records, and what headings may mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import attrs
import pytest

from custinfo import ANY, InvalidInputError, Workspace
from custinfo.core.problems import Place
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.story import Story
from tests.unit.workspace.test_importing import Rows, everything, planned

HEADER = ("客户名称", "客户类型", "联系人", "电话", "统一社会信用代码")
THERE = ("北京示例科技有限公司", "企业客户", "张三", "13812345678", "91350100M000100Y43")
CODES = (THERE[4], "91110105MA0000000Y", None, None)
NEW = ("上海样品贸易有限公司", "企业客户", "王芳", "13900139000", None)


@pytest.fixture
def stored(story: Story) -> Story:
    """A store with one customer."""
    story.customer("lisi", name=THERE[0], phone="13700137000", uscc=THERE[4])
    return story


@pytest.mark.parametrize(
    ("mode", "outcomes"),
    [
        ("upsert", [(2, "update"), (3, "create")]),
        ("create", [(2, "skip"), (3, "create")]),
        ("update", [(2, "update"), (3, "skip")]),
    ],
)
def test_modes(stored: Story, mode: Any, outcomes: list[tuple[int, str]]) -> None:
    """Rows that would do what the import is not to do are skipped, and say so; applying does what the plan says."""
    result = planned(stored.workspace, Rows((THERE, NEW), HEADER), mode=mode)
    assert result["rows"] == outcomes
    assert result["counts"]["skipped"] == sum(outcome == "skip" for _, outcome in outcomes)
    told = {row.row: [item.code for item in row.problems] for row in result["plan"].rows if row.outcome == "skip"}
    assert told == {number: [f"skipped_{'existing' if mode == 'create' else 'new'}"] for number in told}
    with stored.workspace.acting_as("sunjiu") as session:
        plan = make_plan(session.context, "customer", Rows((THERE, NEW), HEADER), digest="d", mode=mode)
        report = plan.apply()
        assert (report.counts, report.differences) == (plan.counts, ())
    names = {name for name, *_ in everything(stored.workspace)}
    assert names == {THERE[0]} | ({NEW[0]} if mode != "update" else set())


def test_match_keys_by_name(stored: Story) -> None:
    """Rows find records by the fields that one names, alone or together; what is no column is refused."""
    renamed = (("北京新名科技有限公司", "企业客户", "李四", "13700137000", None),)
    assert planned(stored.workspace, Rows(renamed, HEADER))["rows"] == [(2, "create")]
    assert planned(stored.workspace, Rows(renamed, HEADER), match=["电话"])["rows"] == [(2, "update")]
    by_both = planned(stored.workspace, Rows(renamed, HEADER), match=[("客户名称", "phone")])
    assert by_both["rows"] == [(2, "create")]
    with pytest.raises(InvalidInputError) as caught:
        planned(stored.workspace, Rows(renamed, HEADER), match=["邮箱", "天气"])
    assert [(item.code, item.field) for item in caught.value.problems] == [
        ("missing_column", "email"),
        ("unknown_field", "天气"),
    ]


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("负责人", "unknown_operator"),
        ("owner", "unknown_operator"),
        (("客户名称", "负责人"), "unknown_operator"),
        (("客户名称", "证件号码"), "unknown_operator"),
        (("客户名称", "id"), "unknown_operator"),
    ],
)
def test_match_keys_by_which_no_record_is_found(stored: Story, key: Any, code: str) -> None:
    """What every record has beside its fields, and what is encrypted and not alone, is no part of a match key."""
    rows = Rows(((*THERE, "lisi", None, None),), (*HEADER, "负责人", "证件号码", "id"))
    with pytest.raises(InvalidInputError) as caught:
        planned(stored.workspace, rows, match=[key])
    assert [item.code for item in caught.value.problems] == [code]
    assert planned(stored.workspace, rows, match=["证件号码", "id", "uscc"])["rows"] == [(2, "update")]
    with pytest.raises(ValueError, match="match has a key without fields"):
        planned(stored.workspace, rows, match=[()])


def test_keys_that_disagree(stored: Story) -> None:
    """A row whose keys find two records is a conflict; nothing happens to either."""
    stored.customer("lisi", name=NEW[0], phone=NEW[3], uscc=None)
    row = ((NEW[0], "企业客户", "换人", NEW[3], THERE[4]),)
    result = planned(stored.workspace, Rows(row, HEADER))
    assert result["rows"] == [(2, "conflict")]
    (problem,) = [item for item in result["plan"].rows[0].problems if item.severity == "error"]
    assert (problem.code, problem.params["field_label"]) == ("matches_several", "统一社会信用代码")


def test_records_are_read_once(workspace: Workspace) -> None:
    """A plan reads each record that its rows are about once, by whatever keys it is found; again, nothing changes."""
    rows = [(f"第{number}公司", "企业客户", "张三", f"1381234{number:04}", code) for number, code in enumerate(CODES)]
    changed = [*rows[:1], (*rows[1][:2], "李四", *rows[1][3:]), *rows[2:]]
    with workspace.acting_as("sunjiu") as session:
        make_plan(session.context, "customer", Rows(rows, HEADER), digest="d").apply()
        unit, read = session.context.unit, list[str]()
        getting = patch.object(type(unit.records), "get", noting(unit.records.get, read))
        finding = patch.object(type(unit.queries), "find", noting(unit.queries.find, read))
        with getting, finding:
            plan = make_plan(session.context, "customer", Rows(changed, HEADER), digest="e")
    assert [row.outcome for row in plan.rows] == ["unchanged", "update", "unchanged", "unchanged"]
    assert sorted(read) == sorted({str(row.record_id) for row in plan.rows})


def noting(call: Any, read: list[str]) -> Any:
    """Return a method that notes the ids of the records that it returns."""

    def noted(_: object, *given: Any) -> Any:
        found = call(*given)
        read.extend(found if isinstance(found, Mapping) else [record.id for record in found])
        return found

    return noted


def test_a_record_that_changed_since_the_plan(stored: Story) -> None:
    """Such a row is in conflict; the report says what differs from the plan, which stays as it was."""
    with stored.workspace.acting_as("sunjiu") as session:
        plan = make_plan(session.context, "customer", Rows((THERE, NEW), HEADER), digest="d")
        (record,) = session.customers.find().records
        session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
        report = plan.apply()
        (difference,) = report.differences
        assert (difference.row, difference.planned, difference.applied) == (2, "update", "conflict")
        assert [item.code for item in difference.problems if item.severity == "error"] == ["stale_version"]
        assert [row.outcome for row in plan.rows] == ["update", "create"]
        assert attrs.asdict(report.counts) == {**attrs.asdict(plan.counts), "updates": 0, "conflicts": 1}


def test_all_or_nothing(stored: Story) -> None:
    """Asked for the whole or nothing, a plan that leaves rows out is refused, and a clash takes everything back."""
    bad = ("", "企业客户", "无名", "123", None)
    with stored.workspace.acting_as("sunjiu") as session:
        plan = make_plan(session.context, "customer", Rows((NEW, bad), HEADER), digest="d")
        with pytest.raises(InvalidInputError) as caught:
            plan.apply(whole=True)
        assert {item.code for item in caught.value.problems} == {"required", "invalid_phone"}
        assert str(caught.value) == (
            "D3: Phone: is not a valid phone number [invalid_phone]; A3: Name: a value is required [required]"
        )
    assert len(everything(stored.workspace)) == 1
    with stored.workspace.acting_as("sunjiu") as session:
        report = make_plan(session.context, "customer", Rows((NEW,), HEADER), digest="e").apply(whole=True)
        assert report.counts.creates == 1


def test_headings_that_could_mean_more(workspace: Workspace) -> None:
    """Unknown headings come with suggestions and a score; letters of columns may stand for headings."""
    table = Rows(
        (("甲公司", "企业客户", "甲", "13812345678", "x"),), ("客户名", "客户类型", "联系人", "联系电话号码", "")
    )
    with pytest.raises(InvalidInputError) as caught:
        planned(workspace, Rows((), ("天气",)))
    assert caught.value.code == "no_header"
    result = planned(workspace, table)
    found = {(item.heading, item.field): item.score for item in result["plan"].columns.suggestions}
    assert found["客户名", "name"] > 0.8
    assert (
        max(score for (heading, _), score in found.items() if heading == "联系电话号码")
        == found["联系电话号码", "phone"]
    )
    by_letter = planned(workspace, table, mapping={"A": "name", "D": "phone", "E": ""})
    assert by_letter["rows"] == [(2, "create")]
    assert by_letter["plan"].problems == ()


def test_ambiguous_headings_are_asked(workspace: Workspace) -> None:
    """A heading that differs from names of two fields in punctuation only is never guessed."""
    configuration = workspace.configuration
    module = configuration.modules["customer"]
    aliases = {"phone": ("号码-1",), "uscc": ("号码1",), "email": ("号码(二)",)}
    fields = [
        attrs.evolve(field, aliases=(*field.aliases, *aliases.get(field.key, ()))) for field in module.fields.values()
    ]
    twofold = attrs.evolve(
        configuration, modules={**configuration.modules, "customer": attrs.evolve(module, fields=fields)}
    )
    table = Rows((("甲公司", "企业客户", "甲", "13812345678"),), ("客户名称", "客户类型", "联系人", "号码_1"))
    from custinfo.standard import sample_organisation

    with Workspace.open("memory://", twofold, organisation=sample_organisation()) as other:
        with pytest.raises(InvalidInputError) as caught:
            planned(other, table)
        (problem,) = caught.value.problems
        assert (problem.code, problem.place) == ("ambiguous_column", Place("客户", 1, 4))
        assert problem.params["candidates"] == ("联系方式", "统一社会信用代码")
        assert planned(other, table, mapping={"号码_1": "phone"})["rows"] == [(2, "create")]

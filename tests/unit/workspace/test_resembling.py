"""Records and rows that are likely about the same customer: found within what the actor may see, and explained."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from custinfo import InvalidInputError, PermissionDeniedError, Workspace
from custinfo.workspace import resembling_rows
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.story import Story
from tests.unit.workspace.test_importing import Rows

HEADER = ("客户名称", "客户类型", "联系人", "电话", "邮箱")
FIRST = ("北京示例科技有限公司", "企业客户", "张三", "13812345678", "a@example.com")
AGAIN = ("示例科技（北京）有限责任公司", "企业客户", "李四", "13812345678", None)
OTHER = ("上海样品贸易有限公司", "企业客户", "王芳", "13900139000", None)


@pytest.fixture
def stored(story: Story) -> Story:
    """A store in which one customer is there twice, and another once."""
    story.customer("lisi", name=FIRST[0], phone=FIRST[3], email=FIRST[4])
    story.customer("lisi", name=AGAIN[0], phone=FIRST[3], contact_name="李四", uscc=None)
    story.customer("lisi", name=OTHER[0], phone=OTHER[3], uscc=None)
    return story


def plan_of(workspace: Workspace, *rows: Any, **options: Any) -> Any:
    """Return the plan of an import of rows by the data administrator."""
    with workspace.acting_as("sunjiu") as session:
        return make_plan(session.context, "customer", Rows(rows, HEADER), digest="d", **options)


def test_pairs(stored: Story) -> None:
    """Stored records that are likely the same come as one pair, with a score and what agrees, in words too."""
    with stored.workspace.acting_as("sunjiu") as session:
        finder = session.customers.duplicates()
        (pair,) = finder.pairs()
        names = {session.customers.get(key)["name"] for key in (pair.first, pair.second)}
        told = finder.explain(pair)
        assert finder.explain(pair, "en").startswith("Name 100% (+6.0); Phone 100% (+4.5)")
    assert names == {FIRST[0], AGAIN[0]}
    assert pair.score > 0.99
    assert told == "客户名称 100% (+6.0)；联系方式 100% (+4.5)"
    assert FIRST[0] not in repr(pair)


def test_probes(stored: Story) -> None:
    """A new record finds those that it resembles, in memory and by asking the store alike; wrong values are refused."""
    new = {"客户名称": "示例 科技", "phone": "13812345678"}
    with stored.workspace.acting_as("sunjiu") as session:
        finder = session.customers.duplicates()
        found = finder.probe(new)
        assert len(finder) == 3
        assert session.customers.resembling(new) == found
        assert len(found) == 2
        assert finder.probe(new, limit=1) == found[:1]
        assert finder.probe({"name": "杭州别样食品有限公司", "phone": "13812345678"}) == ()
        assert session.customers.resembling({"name": "霁川"}) == ()
        for bad in ({"phone": "123"}, {"天气": "好"}):
            with pytest.raises(InvalidInputError):
                finder.probe(bad)
            with pytest.raises(InvalidInputError):
                session.customers.resembling(bad)
        with pytest.raises(ValueError, match="limit"):
            finder.probe(new, limit=0)


def test_what_is_hidden_says_nothing(stored: Story) -> None:
    """客服 sees phones masked, so no phone speaks for or against; who sees one's own customers finds no others."""
    names_only = {"name": "示例科技", "phone": "13812345678", "email": "x@example.com"}
    with stored.workspace.acting_as("liuqi") as session:
        for found in session.customers.duplicates(least=0).probe(names_only):
            assert "phone" not in {item.field for item in found.evidence}
        for found in session.customers.resembling(names_only, least=0):
            assert "phone" not in {item.field for item in found.evidence}
    with stored.workspace.acting_as("wangwu") as session:
        assert session.customers.duplicates().pairs() == ()
        assert session.customers.resembling(names_only) == ()
    with stored.workspace.acting_as("admin") as session, pytest.raises(PermissionDeniedError):
        session.customers.duplicates()
    with stored.workspace.acting_as("admin") as session, pytest.raises(PermissionDeniedError):
        session.customers.resembling(names_only)


def test_rows_that_resemble_a_row(story: Story) -> None:
    """Within the file the later row is left out, says which row it resembles and why; applying does as planned."""
    plan = plan_of(story.workspace, FIRST, OTHER, AGAIN)
    assert [row.outcome for row in plan.rows] == ["create", "create", "duplicate"]
    row = plan.rows[2]
    (problem,) = row.problems
    assert (problem.code, problem.field, problem.params["row"]) == ("resembles_row", "name", 2)
    assert problem.params["fields"] == ("客户名称", "联系方式")
    assert problem.message("en") == "Name: likely about the same as row 2 (99 %, by Name, Phone)"
    assert (row.resemblance.row, row.resemblance.record_id) == (2, None)
    assert row.resemblance.score == pytest.approx(0.999, abs=0.001)
    copied = pickle.loads(pickle.dumps(row))
    assert copied.resemblance == row.resemblance


@pytest.mark.parametrize("worth_a_scan", [0, 100])
def test_rows_that_resemble_a_record(story: Story, monkeypatch: pytest.MonkeyPatch, worth_a_scan: int) -> None:
    """A row finds the stored record that it resembles, whether that is held in memory or asked for."""
    monkeypatch.setattr(resembling_rows, "_WORTH_A_SCAN", worth_a_scan)
    record_id = story.customer("lisi", name=FIRST[0], phone=FIRST[3], email=FIRST[4]).id
    plan = plan_of(story.workspace, AGAIN, OTHER)
    assert [(row.outcome, row.record_id) for row in plan.rows] == [("duplicate", record_id), ("create", None)]
    assert [problem.code for problem in plan.rows[0].problems] == ["resembles_record"]
    assert plan.rows[0].resemblance.record_id == record_id


def test_what_becomes_of_them(stored: Story) -> None:
    """`exact` and `create` take rows over that resemble others; who only updates skips them as any new row."""
    rows = (("示例科技", *AGAIN[1:]), OTHER)
    outcomes = {
        duplicates: [row.outcome for row in plan_of(stored.workspace, *rows, duplicates=duplicates).rows]
        for duplicates in ("report", "exact", "create")
    }
    assert outcomes == {
        "report": ["duplicate", "update"],
        "exact": ["create", "update"],
        "create": ["create", "update"],
    }
    assert [row.outcome for row in plan_of(stored.workspace, *rows, mode="update").rows] == ["skip", "update"]


def test_wrong_rows_are_rejected_first(story: Story) -> None:
    """A row that is wrong says so, whatever it resembles."""
    plan = plan_of(story.workspace, FIRST, (AGAIN[0], "未知类型", *AGAIN[2:]))
    assert [(row.outcome, row.resemblance) for row in plan.rows] == [("create", None), ("rejected", None)]


def test_importing_again(story: Story) -> None:
    """What was left out for its resemblance is left out again, and nothing changes."""
    with story.workspace.acting_as("sunjiu") as session:
        make_plan(session.context, "customer", Rows((FIRST, AGAIN), HEADER), digest="d").apply()
    again = plan_of(story.workspace, FIRST, AGAIN)
    assert [row.outcome for row in again.rows] == ["unchanged", "duplicate"]

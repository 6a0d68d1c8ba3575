"""Import plans on tables in memory: what rows come to, that a plan writes nothing, and that undo takes all back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest

from custinfo import ANY, F, InvalidInputError, NotFoundError, PermissionDeniedError, Workspace
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.core.problems import Place
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.importing import ImportPlan, ImportReport
from custinfo.workspace.planning import make_plan
from tests.unit.workspace.conftest import Clock
from tests.unit.workspace.story import Story

HEADER = ("客户名称*", "客户类型", "联系人", "电话", "统一社会信用代码", "年采购预算", "负责人")
ROWS = (
    ("北京示例科技有限公司", "企业客户", "张三", 13812345678.0, "91350100M000100Y43", "80万", "李四(销售一部-1组)"),
    ("上海样品贸易有限公司", "企业客户", "王芳", "021-62345678", None, None, "王五"),
    ("", "企业客户", "无名", "123", None, "很多", "李四"),
    ("王小明", "个人客户", "王小明", "13900139000", None, "", None),
    ("北京示例科技有限公司", "企业客户", "张三", "13812345678", "91350100M000100Y43", None, "李四"),
)


@attrs.frozen
class Rows:
    """A table in memory, as a reader would give it."""

    data: Sequence[tuple[object, ...]]
    header: tuple[str, ...] = HEADER
    sheet: str = "客户"
    header_row: int = 1

    @property
    def columns(self) -> tuple[int, ...]:
        return tuple(range(1, len(self.header) + 1))

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        return iter(enumerate(self.data, start=2))


def plain(header: tuple[str, ...]) -> tuple[str, ...]:
    """Return headings without marks, as a reader gives them."""
    return tuple(item.strip("*") for item in header)


def planned(workspace: Workspace, table: Rows, actor: str = "sunjiu", **settings: Any) -> dict[str, Any]:
    """Return what a plan says, without applying it."""
    with workspace.acting_as(actor) as session:
        plan = _plan(session.context, table, **settings)
        return {
            "counts": attrs.asdict(plan.counts),
            "rows": [(row.row, row.outcome) for row in plan.rows],
            "plan": plan,
        }


def _plan(context: Any, table: Rows, **settings: Any) -> ImportPlan:
    table = attrs.evolve(table, header=plain(table.header))
    return make_plan(context, "customer", table, digest=str(hash(tuple(table.data))), **settings)


def imported(workspace: Workspace, table: Rows, **settings: Any) -> ImportReport:
    """Plan and apply."""
    with workspace.acting_as("sunjiu") as session:
        return _plan(session.context, table).apply(**settings)


def everything(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return the live records by name, without ids and times."""
    with workspace.acting_as("zhoushi") as session:
        records = session.customers.find(order_by=["name"], limit=100).records
        return [(record["name"], dict(record.values), record.tags, record.owner) for record in records]


def test_rows_come_to_what_they_say(workspace: Workspace) -> None:
    """Creates, rejected rows with every problem in its place, and a repeated row are told apart; nothing is written."""
    result = planned(workspace, Rows(ROWS))
    assert result["counts"] == {
        "creates": 3,
        "updates": 0,
        "unchanged": 0,
        "rejected": 1,
        "awaiting": 0,
        "duplicates": 1,
        "skipped": 0,
        "conflicts": 0,
    }
    assert result["rows"] == [(2, "create"), (3, "create"), (4, "rejected"), (5, "create"), (6, "duplicate")]
    (rejected,), (repeated,) = result["plan"].rejected, result["plan"].duplicates
    assert {(item.code, item.field, item.place) for item in rejected.problems if item.severity == "error"} == {
        ("required", "name", Place("客户", 4, 1)),
        ("invalid_phone", "phone", Place("客户", 4, 4)),
        ("invalid_number", "annual_budget", Place("客户", 4, 6)),
    }
    assert [(item.code, item.params["row"]) for item in repeated.problems if item.severity == "error"] == [
        ("duplicate_in_file", 2)
    ]
    assert everything(workspace) == []


def test_apply_does_what_the_plan_says(workspace: Workspace) -> None:
    """The rows that the plan creates are there afterwards, normalised and owned; a second import changes nothing."""
    seen: list[str] = []
    report = imported(workspace, Rows(ROWS), progress=lambda progress: seen.append(str(progress)), batch_size=2)
    assert seen == ["2/5", "4/5", "5/5"]
    assert attrs.asdict(report.counts)["creates"] == 3
    assert [(name, owner) for name, _, _, owner in everything(workspace)] == [
        ("上海样品贸易有限公司", "wangwu"),
        ("北京示例科技有限公司", "lisi"),
        ("王小明", "sunjiu"),
    ]
    with workspace.acting_as("lisi") as session:
        (record,) = session.customers.find().records
        assert (record["phone"], record["annual_budget"]) == ("13812345678", 800_000)
        (change,) = session.customers.history(record.id)
        assert (change.channel, change.actor, change.batch) == ("import", "sunjiu", report.batch_id)
    again = planned(workspace, Rows(ROWS))
    assert again["counts"] == {**again["counts"], "creates": 0, "updates": 0, "unchanged": 3, "awaiting": 0}


def test_updates_by_match_key(story: Story) -> None:
    """A row that agrees in a match key updates the record; blanks keep what is there; gated changes wait."""
    imported(story.workspace, Rows(ROWS))
    header = ("客户名称", "电话", "统一社会信用代码", "年采购预算", "联系人", "客户状态")
    changed = (
        ("北京示例科技有限公司", None, "91350100M000100Y43", "90万", "李雷", None),
        ("上海样品贸易有限公司", "021 6234 5678", None, "5,000", None, "流失"),
        ("王小明", "139-0013-9000", None, None, "王小明", None),
    )
    result = planned(story.workspace, Rows(changed, header))
    assert result["rows"] == [(2, "update"), (3, "awaiting"), (4, "unchanged")]
    with story.workspace.acting_as("sunjiu") as session:
        report = _plan(session.context, Rows(changed, header)).apply()
    assert attrs.asdict(report.counts) == {**attrs.asdict(report.counts), "updates": 1, "awaiting": 1, "unchanged": 1}
    with story.workspace.acting_as("lisi") as session:
        (record,) = session.customers.find().records
        assert (record["contact_name"], record["annual_budget"], record["phone"]) == ("李雷", 900_000, "13812345678")
    with story.workspace.acting_as("zhaojl") as session:
        (task,) = session.approvals.inbox()
        assert (task.request_id,) == report.requests
        session.approvals.approve(task.request_id)
        assert session.customers.count(F.status == "流失") == 1


def test_similar_names_are_reported(story: Story) -> None:
    """A row with the name of an existing record and another phone is a possible duplicate, created only on demand."""
    story.customer("lisi", name="北京示例科技有限公司", phone="13900139000", uscc=None)
    row = Rows((("北京示例科技有限公司", "企业客户", "张三", "13812345678", None, None, None),))
    result = planned(story.workspace, row)
    assert result["rows"] == [(2, "duplicate")]
    assert result["plan"].rows[0].problems[0].code == "duplicate_in_store"
    assert result["plan"].rows[0].record_id is not None
    assert planned(story.workspace, row, duplicates="create")["rows"] == [(2, "create")]


def test_headings(workspace: Workspace) -> None:
    """Headings match by label, alias and mapping; unknown ones are left out with a warning, clashes are refused."""
    table = Rows((("甲公司", "企业客户", "甲", "13812345678", "x"),), ("公司", "客户类型", "联系人", "手机", "备忘"))
    result = planned(workspace, table, mapping={"公司": "name"})
    assert result["rows"] == [(2, "create")]
    (warning,) = result["plan"].problems
    assert (warning.code, warning.place, warning.severity) == ("unmapped_column", Place("客户", 1, 5), "warning")
    assert planned(workspace, table, mapping={"公司": "name", "备忘": ""})["plan"].problems == ()
    with pytest.raises(InvalidInputError) as caught:
        planned(workspace, table, mapping={"公司": "name", "备忘": "电话", "联系人": "colour"})
    assert {item.code for item in caught.value.problems} == {"duplicate_column", "unknown_field"}
    with pytest.raises(InvalidInputError):
        planned(workspace, Rows(((1,),), ("天气",)))


def test_who_may_import(workspace: Workspace) -> None:
    """Only who holds the grant imports."""
    with pytest.raises(PermissionDeniedError):
        planned(workspace, Rows(ROWS), actor="lisi")


def test_undo_takes_everything_back(story: Story) -> None:
    """Created records go, changed ones become as before, those changed since stay and are listed."""
    story.customer("wangwu", name="上海样品贸易有限公司", phone="021-62345678", uscc=None, contact_name="老王")
    before = everything(story.workspace)
    report = imported(story.workspace, Rows(ROWS))
    assert len(everything(story.workspace)) == 3
    undone = story.workspace.undo_import(report.batch_id, actor="admin")
    assert (len(undone.removed), len(undone.reverted), undone.kept) == (2, 1, ())
    assert everything(story.workspace) == before
    assert story.workspace.undo_import(report.batch_id, actor="admin").removed == ()
    with pytest.raises(NotFoundError):
        story.workspace.undo_import("nonsense", actor="admin")


def test_undo_keeps_later_work(story: Story) -> None:
    """A record that somebody changed after the import stays as it is."""
    report = imported(story.workspace, Rows(ROWS))
    with story.workspace.acting_as("lisi") as session:
        (record,) = session.customers.find(F.name == "北京示例科技有限公司").records
        session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
    undone = story.workspace.undo_import(report.batch_id, actor="sunjiu")
    assert undone.kept == (record.id,)
    assert len(undone.removed) == 2
    assert [name for name, *_ in everything(story.workspace)] == ["北京示例科技有限公司"]
    with pytest.raises(NotFoundError):
        story.workspace.undo_import(report.batch_id, actor="lisi")


@pytest.mark.parametrize("creates", [False, True])
def test_undo_by_who_could_have_imported_it(url: str, creates: bool) -> None:
    """Who may import customers takes back the calls that came along only if calls are theirs to create."""
    service = Grant("customer_service", "customer", frozenset({"import"}), "all")
    configuration = standard_configuration().with_grants(service)
    if creates:
        configuration = configuration.with_grants(
            Grant("customer_service", "follow_up", frozenset({"create"}), "all", edit=ALL_FIELDS)
        )
    with Workspace.open(url, configuration, organisation=sample_organisation()) as workspace:
        row = ("甲公司", "企业客户", "张三", "13800138000", "2024-03-01 谈合作")
        report = imported(workspace, Rows((row,), ("客户名称", "客户类型", "联系人", "联系方式", "跟进记录")))
        if creates:
            assert len(workspace.undo_import(report.batch_id, actor="liuqi").removed) == 2
        else:
            with pytest.raises(NotFoundError):
                workspace.undo_import(report.batch_id, actor="liuqi")
        with workspace.acting_as("zhoushi") as session:
            assert (session.customers.count(), session.follow_ups.count()) == ((0, 0) if creates else (1, 1))


def test_a_clash_since_the_plan_rejects_the_row_only(story: Story) -> None:
    """If a unique value is taken between plan and apply, that row is rejected and the others are saved."""
    with story.workspace.acting_as("sunjiu") as session:
        plan = _plan(session.context, Rows(ROWS))
        session.customers.create(
            {
                "name": "抢先公司",
                "customer_type": "企业客户",
                "contact_name": "抢",
                "phone": "13700137000",
                "uscc": "91350100M000100Y43",
            }
        )
        report = plan.apply()
    assert attrs.asdict(report.counts)["creates"] == 2
    assert [row.row for row in report.rejected] == [2, 4]
    assert [row.row for row in report.duplicates] == [6]
    assert {problem.code for problem in report.rejected[0].problems if problem.severity == "error"} == {"not_unique"}
    assert len(everything(story.workspace)) == 3


def test_interrupted_work_goes_on(workspace: Workspace) -> None:
    """An import that stops between batches is resumed by the same content, without doubles and under one id."""

    class Stop(Exception):  # noqa: N818
        pass

    def stop(progress: object) -> None:
        if str(progress) == "2/5":
            raise Stop

    with pytest.raises(Stop):
        imported(workspace, Rows(ROWS), progress=stop, batch_size=2)
    assert len(everything(workspace)) == 2
    report = imported(workspace, Rows(ROWS), batch_size=2)
    assert len(everything(workspace)) == 3
    assert [(row.row, row.outcome) for row in report.rows] == [
        (2, "unchanged"),
        (3, "unchanged"),
        (4, "rejected"),
        (5, "create"),
        (6, "duplicate"),
    ]
    assert [problem.code for problem in report.rows[0].problems] == [
        "number_as_text",
        "normalised",
        "imported_before",
    ]
    assert (report.counts.creates, report.counts.rejected, report.counts.duplicates) == (3, 1, 1)
    assert len(workspace.undo_import(report.batch_id, actor="admin").removed) == 3


def test_an_import_of_a_process_whose_clock_is_behind(workspace: Workspace, clock: Clock) -> None:
    """The same file is imported again after its undoing, also where the time of the first import is yet to come."""
    first = imported(workspace, Rows(ROWS), batch_size=1)
    workspace.undo_import(first.batch_id, actor="admin")
    clock.advance(hours=-1)
    assert imported(workspace, Rows(ROWS), batch_size=1).counts.creates == 3


def test_a_resumed_import_tells_its_own_records_from_those_of_others(workspace: Workspace) -> None:
    """What looks like a record that was there before is told as such before the interruption and after it."""

    class Stop(Exception):  # noqa: N818
        pass

    def stop(_: object) -> None:
        raise Stop

    imported(workspace, Rows((ROWS[1],)))
    table = Rows((("样品贸易（上海）", *ROWS[1][1:]), ROWS[3], ROWS[0]))
    undisturbed = planned(workspace, table)["rows"]
    with pytest.raises(Stop):
        imported(workspace, table, progress=stop, batch_size=2)
    assert undisturbed == [(2, "duplicate"), (3, "create"), (4, "create")]
    assert planned(workspace, table)["rows"] == [(2, "duplicate"), (3, "unchanged"), (4, "create")]

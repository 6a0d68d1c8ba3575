"""A workbook becomes a plan, the plan is applied, and what was refused comes back to be corrected."""

import builtins
import io
from pathlib import Path
from typing import Any

import pytest

from custinfo import InvalidInputError, MissingExtraError, PermissionDeniedError, UnreadableFileError
from custinfo.adapters.excel import ExcelPlan, Limits, plan_import, write_template
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import (
    COMPANY,
    CountedIds,
    acting_as,
    errors_of,
    filled,
    loaded,
    local,
    open_workspace,
    planned,
    rows_of,
    saved,
    table,
)

SECOND = {**COMPANY, "客户名称": "第二家公司", "联系方式": "13912345678", "统一社会信用代码": None}
HEADER = ["公司名称", "客户类别", "联系人", "手机"]
ROW = ["北京示例科技有限公司", "企业客户", "张三", "13812345678"]


def found(plan: ExcelPlan) -> list[tuple[str, int | None, int | None]]:
    """Return code, row and column of every error."""
    return [
        (problem.code, problem.place.row, problem.place.column)
        for problem in plan.problems
        if problem.severity == "error" and problem.place is not None
    ]


def test_a_filled_template_is_planned_and_applied() -> None:
    """Counts say what will happen, and after `apply` it has happened."""
    with acting_as("sunjiu") as session:
        plan = planned(session, filled(session, COMPANY, SECOND, {**SECOND, "联系方式": "123"}))
        assert (plan.counts.creates, plan.counts.rejected, plan.counts.total) == (2, 1, 3)
        assert [row.outcome for row in plan.rows] == ["create", "create", "rejected"]
        steps: list[str] = []
        report = plan.apply(lambda progress: steps.append(str(progress)), batch_size=2)
        assert (report.counts, report.requests, len(report.rejected)) == (plan.counts, (), 1)
        assert steps == ["2/3", "3/3"]
        names = {view["name"] for view in session.customers.find().records}
        assert names == {"北京示例科技有限公司", "第二家公司"}


def test_planning_writes_nothing() -> None:
    """A plan leaves the store as it was and takes no ids."""
    ids = CountedIds()
    with open_workspace(ids=ids).acting_as("sunjiu") as session:
        plan = planned(session, filled(session, COMPANY, SECOND))
        plan.write_errors(io.BytesIO())
        assert (ids.given, session.customers.count()) == (0, 0)
        plan.apply()
        assert (ids.given, session.customers.count()) == (3, 2)


def test_problems_have_their_place_and_words() -> None:
    """Each problem names its row, column and field, and has a text in both languages."""
    row = {**COMPANY, "所属行业": "没有", "联系方式": "123", "年采购预算": "-1", "联系人": None}
    with acting_as("sunjiu") as session:
        plan = planned(session, filled(session, row))
    assert sorted(found(plan)) == [
        ("invalid_phone", 2, 5), ("required", 2, 4), ("too_small", 2, 11), ("unknown_choice", 2, 3)
    ]  # fmt: skip
    phone = next(problem for problem in plan.problems if problem.field == "phone")
    assert phone.place is not None
    assert phone.place.sheet == "客户"
    assert phone.message("zh", label="联系方式") == "联系方式：不是有效的电话号码"
    assert phone.message("en") == "Phone: is not a valid phone number"


def test_cells_without_a_value_say_so() -> None:
    """An error cell and a formula that was never calculated are named as what they are."""
    with acting_as("sunjiu") as session:
        plan = planned(session, filled(session, {**COMPANY, "客户名称": "=A1", "联系人": "#N/A"}))
    assert sorted(found(plan)) == [("cell_error", 2, 4), ("formula_without_value", 2, 1)]


def test_numbers_typed_as_numbers() -> None:
    """A phone of eleven digits is taken with a notice; an identity number of eighteen has lost digits."""
    row = {**COMPANY, "客户类型": "个人客户", "统一社会信用代码": None, "联系方式": 13812345678}
    with acting_as("sunjiu") as session:
        plan = planned(session, filled(session, row, {**row, "客户名称": "乙", "证件号码": 110105194912310021}))
    assert [row.outcome for row in plan.rows] == ["create", "rejected"]
    assert found(plan) == [("precision_lost", 3, 23)]
    assert {problem.code for problem in plan.rows[0].problems} == {"number_as_text"}


def test_duplicates_in_the_file_and_in_the_store() -> None:
    """A row that repeats another, or a record by its name alone, is reported; the same record again is unchanged."""
    with acting_as("sunjiu") as session:
        session.customers.create(COMPANY)
        other = {**COMPANY, "联系方式": "13912345678", "统一社会信用代码": None}
        plan = planned(session, filled(session, COMPANY, other, SECOND, SECOND))
        assert [row.outcome for row in plan.rows] == ["unchanged", "duplicate", "create", "duplicate"]
        assert [code for code, _, _ in found(plan)] == ["duplicate_in_file", "duplicate_in_file"]
        assert planned(session, filled(session, other)).counts.duplicates == 1
        assert planned(session, filled(session, other), duplicates="create").counts.creates == 1


def test_an_existing_record_is_updated_and_blanks_keep_its_values() -> None:
    """The match keys find the record; a blank cell is no value."""
    with acting_as("sunjiu") as session:
        session.customers.create({**COMPANY, "email": "a@example.com"})
        report = planned(session, filled(session, {**COMPANY, "联系人": "李四", "邮箱": None})).apply()
        (view,) = session.customers.find().records
        assert (report.counts.updates, view["联系人"], view["email"]) == (1, "李四", "a@example.com")


def test_gated_changes_wait_for_approval() -> None:
    """A change that needs approval by hand needs it in an import, too."""
    with open_workspace() as workspace:
        with workspace.acting_as("lisi") as session:
            session.customers.create(COMPANY)
        with workspace.acting_as("sunjiu") as session:
            plan = planned(session, filled(session, {**COMPANY, "客户状态": "流失"}))
            assert plan.counts.awaiting == 1
            report = plan.apply()
            assert len(report.requests) == 1
            assert session.customers.find().records[0]["status"] == "高潜"


def test_the_import_can_be_undone() -> None:
    """The report has the id by which the workspace takes it back."""
    with open_workspace() as workspace:
        with workspace.acting_as("sunjiu") as session:
            batch = planned(session, filled(session, COMPANY)).apply().batch_id
        workspace.undo_import(batch, actor="sunjiu")
        with workspace.acting_as("sunjiu") as session:
            assert session.customers.count() == 0


def test_other_headings_are_mapped() -> None:
    """A mapping says what a heading means, leaves a column out, and may be written as the heading stands there."""
    content = table(["*单位全称", *HEADER[1:], "备用"], [*ROW, "x"])
    with acting_as("sunjiu") as session:
        plan = planned(session, content, mapping={"*单位全称": "name", "备用": ""})
        assert (plan.counts.creates, plan.problems) == (1, ())
        unmapped = planned(session, content)
        assert [problem.code for problem in unmapped.problems if problem.severity == "warning"] == [
            "unmapped_column"
        ] * 2
        with pytest.raises(InvalidInputError) as caught:
            planned(session, content, mapping={"备用": "没有"})
    assert caught.value.code == "unknown_field"


def test_two_columns_of_one_field_are_refused() -> None:
    """Which one is meant, only the user knows."""
    with acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        planned(session, table([*HEADER, "电话"], [*ROW, "13912345678"]))
    assert caught.value.code == "duplicate_column"


def test_the_sheet_whose_headings_fit_is_read() -> None:
    """Among several sheets, the one that names fields is meant."""
    workbook = loaded(table(HEADER, ROW))
    workbook.create_sheet("汇总", 0).append(["月份", "合计"])
    workbook.worksheets[0].append(["一月", 5])
    workbook.create_sheet("备用").append(HEADER)
    with acting_as("sunjiu") as session:
        plan = planned(session, saved(workbook))
    assert (plan.sheet, plan.counts.creates) == ("Sheet", 1)


def test_several_sheets_must_be_chosen_from() -> None:
    """Where several fit, none is guessed; `sheet` names one."""
    workbook = loaded(table(HEADER, ROW))
    workbook.copy_worksheet(workbook.active).title = "二月"
    with acting_as("sunjiu") as session:
        with pytest.raises(UnreadableFileError) as caught:
            planned(session, saved(workbook))
        assert planned(session, saved(workbook), sheet="二月").sheet == "二月"
        with pytest.raises(UnreadableFileError) as unknown:
            planned(session, saved(workbook), sheet="三月")
    assert caught.value.problems[0].params["sheets"] == ("Sheet", "二月")
    assert (caught.value.code, unknown.value.code) == ("several_sheets", "unknown_sheet")


def test_sheets_without_any_known_heading() -> None:
    """One such sheet has no header that is known; of several, one must be chosen."""
    workbook = loaded(table(["甲", "乙"], ["1", "2"]))
    with acting_as("sunjiu") as session:
        with pytest.raises(InvalidInputError) as single:
            planned(session, saved(workbook))
        workbook.copy_worksheet(workbook.active)
        with pytest.raises(UnreadableFileError) as several:
            planned(session, saved(workbook))
    assert (single.value.code, several.value.code) == ("no_header", "several_sheets")


def test_masks_are_not_values() -> None:
    """What an export shows of a masked value is refused, not written back; other text with stars is text."""
    with acting_as("sunjiu") as session:
        masked = {**COMPANY, "联系方式": "138****5678", "开户行信息": "****1234", "特殊备注": "***重要***"}
        plan = planned(session, filled(session, masked))
        shown = rows_of(errors_of(plan).active)[0]
    assert sorted(found(plan)) == [("masked_value", 2, 5), ("masked_value", 2, 15)]
    assert (shown["*联系方式"], shown["开户行信息"]) == ("138****5678", "****1234")


@pytest.mark.parametrize("actor", ["lisi", "liuqi", "qianba", "zhoushi", "admin"])
def test_refused_without_the_right_to_import(actor: str) -> None:
    """The file is not even read."""
    with acting_as(actor) as session, pytest.raises(PermissionDeniedError) as caught:
        planned(session, b"no workbook")
    assert caught.value.code == "action_denied"


def test_files_that_cannot_be_read() -> None:
    """Why a file is refused is said by one code, within the given limits."""
    with acting_as("sunjiu") as session:
        with pytest.raises(UnreadableFileError) as broken:
            planned(session, b"\x00\x01\x02")
        with pytest.raises(UnreadableFileError) as large:
            planned(session, table(HEADER, ROW), limits=Limits(max_bytes=100))
    assert (broken.value.code, large.value.code) == ("not_a_workbook", "file_too_large")


def test_interrupted_work_goes_on(tmp_path: Path) -> None:
    """After an interruption the same file goes on where it stopped, and nothing is doubled."""
    path = tmp_path / "客户.xlsx"
    path.write_bytes(table(HEADER, *([f"客户{number}", *ROW[1:]] for number in range(10))))
    workspace = open_workspace()

    def interrupt(progress: object) -> None:
        if str(progress) == "6/10":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", path).apply(interrupt, batch_size=3)
    with workspace.acting_as("sunjiu") as session:
        steps: list[str] = []
        plan_import(session, "customer", path).apply(lambda progress: steps.append(str(progress)), batch_size=3)
        assert steps == ["9/10", "10/10"]
        assert session.customers.count() == 10


def test_what_tells_two_imports_apart() -> None:
    """Content, mapping, sheet and module decide whether it is the same import."""
    content = table([*HEADER, "备用"], [*ROW, "x"])
    with acting_as("sunjiu") as session:
        digests = {
            planned(session, content)._plan.digest,
            planned(session, content, mapping={"备用": ""})._plan.digest,
            planned(session, content, duplicates="create")._plan.digest,
            planned(session, content, sheet="Sheet")._plan.digest,
        }
        assert len(digests) == 4
        assert planned(session, content)._plan.digest in digests


def test_follow_ups_are_imported() -> None:
    """Any module can be imported; a reference is the id of a record."""
    with acting_as("sunjiu") as session:
        customer = session.customers.create(COMPANY).record  # type: ignore[union-attr]
        row = {"客户": customer.id, "跟进时间": local(2024, 3, 5, 10, 30), "跟进内容": "电话"}
        plan = plan_import(session, "follow_up", filled(session, row, module="follow_up"))
        assert plan.apply().counts.creates == 1
        assert session.follow_ups.find().records[0].text("at") == "2024-03-05 10:30:00"


def test_a_repr_shows_no_value() -> None:
    """Plans and reports can be logged."""
    with acting_as("sunjiu") as session:
        plan = planned(session, filled(session, COMPANY))
        report = plan.apply()
    assert repr(plan).startswith("ExcelPlan('customer', sheet='客户', counts=Counts(creates=1")
    assert "北京" not in repr(plan) + repr(report)


def test_missing_libraries_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error says what to install."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name in ("xlsxwriter", "python_calamine"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    with acting_as("sunjiu") as session:
        content = table(HEADER, ROW)
        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingExtraError, match="xlsxwriter"):
            write_template(session, "customer", io.BytesIO())
        with pytest.raises(MissingExtraError, match="calamine"):
            planned(session, content)


def test_a_form_that_there_is_not_is_refused() -> None:
    """A misspelt form of the error workbook writes no other one instead."""
    with open_workspace().acting_as("sunjiu") as session:
        plan = planned(session, filled(session, COMPANY))
        target = io.BytesIO()
        with pytest.raises(ValueError, match="form must be one of rows, sheet, marked"):
            plan.write_errors(target, form="plain")  # type: ignore[arg-type]
        assert target.getvalue() == b""


def test_the_tour(tmp_path: Path) -> None:
    """The example of the README works with paths."""
    with open_workspace(standard_configuration()).acting_as("sunjiu") as session:
        path = tmp_path / "客户信息导入模板.xlsx"
        write_template(session, "customer", path)
        path.write_bytes(filled(session, COMPANY, {**SECOND, "联系方式": "1"}))
        report = plan_import(session, "customer", path).apply(progress=str)
        report.write_errors(tmp_path / "客户-错误.xlsx")
    assert loaded((tmp_path / "客户-错误.xlsx").read_bytes()).active.max_row == 2


def test_everything_or_nothing() -> None:
    """`whole` saves all rows in one transaction, and refuses a plan that leaves one out; nothing is saved then."""
    other = {**COMPANY, "客户名称": "杭州样品贸易有限公司", "联系方式": "13900139000", "统一社会信用代码": None}
    with acting_as("sunjiu") as session:
        wrong = planned(session, filled(session, COMPANY, {**other, "联系方式": "123"}))
        with pytest.raises(InvalidInputError):
            wrong.apply(whole=True)
        assert session.customers.count() == 0
        assert planned(session, filled(session, COMPANY, other)).apply(whole=True).counts.creates == 2
        assert session.customers.count() == 2


def test_sheets_of_values_to_choose_from_are_passed_over() -> None:
    """A sheet that lists what may be chosen has headings of fields and names no customer: it is not asked about."""
    workbook = loaded(table(list(COMPANY), list(COMPANY.values()), sheet="客户"))
    choices = workbook.create_sheet("字典")
    for row in (("客户类型", "所属行业", "客户状态"), ("企业客户", "制造业", "高潜"), ("个人客户", "零售", "成交")):
        choices.append(row)
    with acting_as("sunjiu") as session:
        plan = planned(session, saved(workbook))
        assert (plan.sheet, plan.counts.creates) == ("客户", 1)
        workbook.copy_worksheet(workbook["客户"])
        with pytest.raises(UnreadableFileError) as caught:
            planned(session, saved(workbook))
    assert caught.value.problems[0].params["sheets"] == ("客户", "客户 Copy")

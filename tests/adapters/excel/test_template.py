"""A template has everything that people need to fill it in, and comes back readable."""

import errno
import io
import re
import time
from pathlib import Path
from typing import Any

import attrs
import pytest

from custinfo import Dictionary, DictionaryValue, FieldDefinition, ModuleDefinition, PermissionDeniedError
from custinfo.adapters.excel import plan_import, write_template
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.core.rules import Length, Pattern, Range
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import COMPANY, acting_as, filled, headings, loaded, saved, template


def column_of(sheet: Any, label: str) -> str:
    """Return the letters of the column with a label."""
    (found,) = [cell.column_letter for cell in sheet[1] if cell.value.strip("*") == label]
    return str(found)


def validation_on(sheet: Any, label: str) -> Any:
    """Return the validation of a column, or `None`."""
    reference = f"{column_of(sheet, label)}2"
    return next((item for item in sheet.data_validations.dataValidation if reference in item.sqref), None)


def list_of(workbook: Any, label: str) -> list[str]:
    """Return the entries of the drop-down list of a column."""
    formula = validation_on(workbook.worksheets[0], label).formula1
    whole = re.search(r"MATCH\([A-Z]+2,([^,]+),0\)", formula)
    name, _, cells = (whole[1] if whole else formula).partition("!")
    return [cell.value for (cell,) in workbook[name.strip("'")][cells.replace("$", "")]]


def shop() -> Any:
    """Return a configuration with a module that has a field of every unusual sort."""
    sizes = Dictionary("size", tuple(DictionaryValue(f"s{number}", f"尺码{number:03d}") for number in range(300)))
    tree = Dictionary(
        "tree",
        (
            DictionaryValue("a", "甲"),
            DictionaryValue("b", "乙", parent="a"),
            DictionaryValue("c", "丙", state="retired"),
        ),
    )
    fields = (
        FieldDefinition(
            "name", "text", "名称/全称", required=True, rules=(Length(2, 20), Pattern("[A-Z]+", "大写字母"))
        ),
        FieldDefinition("size", "choice", "尺码", options={"dictionary": "size"}),
        FieldDefinition("leaf", "choice", "末级", options={"dictionary": "tree", "leaf_only": True}),
        FieldDefinition("several", "multiple_choice", "多选", options={"dictionary": "tree"}),
        FieldDefinition("open", "boolean", "营业"),
        FieldDefinition("count", "integer", "数量", rules=(Range(1, 10),)),
        FieldDefinition("rate", "decimal", "比率"),
        FieldDefinition("seen", "datetime", "见面时间"),
        FieldDefinition("code", "text", "编码", unique=True, options={"max_length": 8}),
        FieldDefinition("kind", "text", "类型"),
        FieldDefinition("file", "attachment", "附件"),
        FieldDefinition("sum", "computed", "合计"),
        FieldDefinition("old", "text", "旧字段", retired=True),
    )
    module = ModuleDefinition("shop", fields, "店铺: [A/B]")
    grant = Grant("data_administrator", "shop", frozenset({"view", "create", "edit", "import"}), "all", edit=ALL_FIELDS)
    return (
        standard_configuration()
        .with_dictionaries(sizes, tree)
        .with_modules(module)
        .with_grants(attrs.evolve(grant, view=ALL_FIELDS))
    )


def test_headings_are_the_labels_and_required_ones_have_a_star() -> None:
    """The first row of the first sheet has every field that the actor may set, and the owner."""
    with acting_as("sunjiu") as session:
        workbook = template(session)
    sheet = workbook.worksheets[0]
    assert workbook.sheetnames[0] == "客户"
    assert headings(sheet)[:5] == ["*客户名称", "*客户类型", "所属行业", "*联系人", "*联系方式"]
    assert headings(sheet)[-1] == "负责人"
    assert "证件号码" in headings(sheet)
    assert sheet.freeze_panes == "A2"
    required, optional = sheet["A1"].fill.fgColor.rgb, sheet["C1"].fill.fgColor.rgb
    assert required != optional
    assert "工商登记全称" in sheet["A1"].comment.text


def test_only_fields_that_the_actor_may_set() -> None:
    """A field that only others may write is not in the template; who may write nothing gets none."""
    grant = Grant("finance", "customer", frozenset({"create"}), edit=standard_fields("name", "phone"))
    with acting_as("qianba", standard_configuration().with_grants(grant)) as session:
        assert headings(template(session).worksheets[0]) == ["*客户名称", "*联系方式"]


def standard_fields(*names: str) -> Any:
    """Return a choice of fields."""
    return type(ALL_FIELDS).only(*names)


@pytest.mark.parametrize("actor", ["liuqi", "qianba", "zhoushi", "admin", "zhangsan"])
def test_refused_without_create_or_import(actor: str) -> None:
    """Nobody gets a template for what they could not send in, and no file appears."""
    file = io.BytesIO()
    with acting_as(actor) as session, pytest.raises(PermissionDeniedError) as caught:
        write_template(session, "customer", file)
    assert caught.value.code == "action_denied"
    assert file.getvalue() == b""


def test_sales_may_fill_in_what_they_create() -> None:
    """The right to create is enough."""
    with acting_as("lisi") as session:
        assert "开户行信息" not in headings(template(session).worksheets[0])


def test_long_digits_are_text() -> None:
    """Columns of phones, codes and names have the text format, those of money and dates have theirs."""
    with acting_as("sunjiu") as session:
        sheet = template(session).worksheets[0]
    formats = {
        label: sheet.column_dimensions[column_of(sheet, label)].number_format for label in ("联系方式", "负责人")
    }
    assert set(formats.values()) == {"@"}
    assert sheet.column_dimensions[column_of(sheet, "统一社会信用代码")].number_format == "@"
    assert sheet.column_dimensions[column_of(sheet, "年采购预算")].number_format == "#,##0.00"
    assert sheet.column_dimensions[column_of(sheet, "成立时间")].number_format == "yyyy-mm-dd"


def test_choices_stand_on_a_hidden_sheet_with_their_paths() -> None:
    """A drop-down offers every entry that may be chosen, below its parents, whatever the length of the list."""
    with acting_as("sunjiu") as session:
        workbook = template(session)
    assert list_of(workbook, "客户类型") == ["企业客户", "个人客户", "渠道客户"]
    assert "制造业-IT设备" in list_of(workbook, "所属行业")
    assert sum(map(len, list_of(workbook, "地区"))) > 255 or len(list_of(workbook, "地区")) > 40
    assert [sheet.sheet_state for sheet in workbook.worksheets] == ["visible", "visible", "hidden", "visible"]
    check = validation_on(workbook.worksheets[0], "客户类型")
    assert (check.type, str(check.sqref), check.error) == ("list", "B2:B2001", "请从下拉列表中选择。")


def test_every_entry_of_a_list_can_be_imported() -> None:
    """What the drop-down offers is understood, in both languages."""
    for language in ("zh", "en"):
        with acting_as("sunjiu") as session:
            workbook = template(session, language=language)
            parse = session.context.module("customer").parsers["region"]
            entries = list_of(workbook, "地区" if language == "zh" else "Region")
            problems: list[Any] = []
            assert len({parse(entry, problems) for entry in entries}) == len(entries) > 40
            assert not problems


def test_unusual_fields() -> None:
    """Long lists, leaves, several choices, yes and no, bounds and lengths each have their check."""
    with acting_as("sunjiu", shop()) as session:
        workbook = template(session, "shop", rows=50)
    sheet = workbook.worksheets[0]
    assert sheet.title == "店铺   A B"
    assert headings(sheet) == [
        "*名称/全称", "尺码", "末级", "多选", "营业", "数量", "比率", "见面时间", "编码", "类型"
    ]  # fmt: skip
    assert len(list_of(workbook, "尺码")) == 300
    assert list_of(workbook, "末级") == ["甲-乙"]
    assert list_of(workbook, "多选") == ["甲", "甲-乙"]
    assert not validation_on(sheet, "多选").showErrorMessage
    assert validation_on(sheet, "营业").formula1 == '"是,否"'
    checks = {
        label: (check.type, check.formula1, check.formula2)
        for label in ("名称/全称", "数量", "比率", "见面时间", "编码")
        if (check := validation_on(sheet, label))
    }
    assert checks["名称/全称"] == ("textLength", "2", "20")
    assert checks["数量"] == ("whole", "1", "10")
    assert checks["比率"][0] == "decimal"
    assert checks["见面时间"] == ("date", "1", "2958465")
    assert checks["编码"] == ("textLength", "0", "8")
    assert validation_on(sheet, "类型") is None
    assert str(validation_on(sheet, "数量").sqref) == "F2:F51"


def test_dates_and_amounts_are_checked() -> None:
    """A date lies within the calendar, an amount is not below the least that the rules allow."""
    with acting_as("sunjiu") as session:
        sheet = template(session).worksheets[0]
    day, amount = validation_on(sheet, "成立时间"), validation_on(sheet, "年采购预算")
    assert (day.type, day.formula1, day.formula2, day.error) == ("date", "1", "2958465", "请输入日期，如 2024-03-15。")
    assert (amount.type, amount.operator, amount.formula1) == ("decimal", "greaterThanOrEqual", "0")


def test_repeated_values_are_marked() -> None:
    """Unique columns colour what stands twice, compared as text, so that long digits are told apart."""
    with acting_as("sunjiu") as session:
        sheet = template(session).worksheets[0]
    marked = {str(item.sqref): item.rules[0].formula[0] for item in sheet.conditional_formatting}
    column = column_of(sheet, "统一社会信用代码")
    assert set(marked) == {f"{letters}2:{letters}2001" for letters in (column, column_of(sheet, "证件号码"))}
    assert "SUMPRODUCT" in marked[f"{column}2:{column}2001"]


def test_instructions_have_a_row_for_each_field() -> None:
    """The second sheet says of each field whether it is required, its kind, what is allowed, and an example."""
    with acting_as("sunjiu") as session:
        workbook = template(session)
    data, instructions = workbook.worksheets[:2]
    assert instructions.title == "填写说明"
    assert headings(instructions) == ["字段", "必填", "类型", "可填内容", "说明", "示例"]
    rows = {row[0]: row[1:] for row in instructions.iter_rows(min_row=2, values_only=True) if row[1]}
    assert list(rows) == [heading.strip("*") for heading in headings(data)]
    assert rows["客户名称"][0] == "是"
    assert rows["联系方式"][4] == "13812345678"
    assert "客户状态" in rows["合同金额"][0]
    assert "制造业-IT设备" in rows["所属行业"][2]
    assert rows["负责人"][4] == "孙九(数据部)"


def test_english() -> None:
    """Labels, kinds and refusals come in the language that is asked for."""
    with acting_as("sunjiu") as session:
        workbook = template(session, language="en")
    assert workbook.sheetnames[:2] == ["Customer", "Instructions"]
    assert headings(workbook.worksheets[0])[0] == "*Name"
    assert validation_on(workbook.worksheets[0], "Status").error == "Choose an entry of the list."


def test_a_template_that_nobody_filled_in_has_no_rows() -> None:
    """Reading it back meets its data sheet only, and every heading; that it is empty is all that is said."""
    with acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", saved(template(session)))
    assert (plan.sheet, plan.counts.total) == ("客户", 0)
    assert [(problem.code, problem.severity) for problem in plan.problems] == [("no_data", "warning")]
    assert None not in plan.columns.values()


def test_the_data_sheet_is_found_under_another_name() -> None:
    """A template says itself which sheet holds the data, also where the instructions look like data."""
    with acting_as("sunjiu", shop()) as session:
        workbook = template(session, "shop")
        workbook.worksheets[0].title = "我的 '店'!"
        workbook.defined_names["custinfo_template"].attr_text = "'我的 ''店''!'!$A$1:$J$1"
        workbook.move_sheet(workbook.worksheets[1], -1)
        workbook.worksheets[1]["A2"] = "ABC"
        plan = plan_import(session, "shop", saved(workbook))
        assert (plan.sheet, plan.counts.creates) == ("我的 '店'!", 1)


def test_a_template_whose_data_sheet_is_gone() -> None:
    """Then the remaining sheets are judged by their headings, as in any other workbook."""
    with acting_as("sunjiu") as session:
        workbook = loaded(filled(session, COMPANY))
        workbook.defined_names["custinfo_template"].attr_text = "#REF!"
        assert plan_import(session, "customer", saved(workbook)).sheet == "客户"


def test_nothing_half_written_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error the file that was there is as before, and nothing lies beside it."""
    target = tmp_path / "模板.xlsx"
    target.write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    with acting_as("sunjiu") as session:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", fail)
            with pytest.raises(OSError, match="disk full"):
                write_template(session, "customer", target)
        assert [path.name for path in tmp_path.iterdir()] == ["模板.xlsx"]
        assert target.read_bytes() == b"before"
        write_template(session, "customer", str(target))
    assert [path.name for path in tmp_path.iterdir()] == ["模板.xlsx"]
    assert target.read_bytes().startswith(b"PK")


def test_wrong_arguments() -> None:
    """What is no target, and a number of rows that no sheet has, are errors of the caller."""
    with acting_as("sunjiu") as session:
        with pytest.raises(TypeError):
            write_template(session, "customer", object())  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="rows"):
            write_template(session, "customer", io.BytesIO(), rows=0)


def test_fast() -> None:
    """The template of the standard customer module takes less than 0.3 s."""
    with acting_as("sunjiu") as session:
        write_template(session, "customer", io.BytesIO())
        times = []
        for _ in range(3):
            start = time.perf_counter()
            write_template(session, "customer", io.BytesIO())
            times.append(time.perf_counter() - start)
    assert min(times) < 0.3

"""An export shows what its actor may see, typed, and nothing in it is a formula."""

import datetime as dt
import io
import zipfile
from decimal import Decimal
from typing import Any

import attrs
import pytest

from custinfo import ANY, F, FieldDefinition, InvalidInputError, PermissionDeniedError, Session
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import ExportReport, export, plan_import
from custinfo.core.policy.grants import ALL_FIELDS, Fields, Grant
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import (
    COMPANY,
    NOW,
    acting_as,
    headings,
    loaded,
    local,
    open_workspace,
    rows_of,
    saved,
)

KEY = bytes(range(32))


def exported(session: Session, module: str = "customer", **options: Any) -> Any:
    """Return the exported sheet as openpyxl reads it."""
    file = io.BytesIO()
    report = export(session, module, file, **options)
    sheet = loaded(file).active
    assert report == ExportReport(sheet.max_row - 1)
    return sheet


def cells(sheet: Any, row: int = 2) -> dict[str, Any]:
    """Return heading → cell of a row."""
    return dict(zip(headings(sheet), sheet[row], strict=True))


def test_values_are_typed() -> None:
    """Text is text, numbers and dates are numbers and dates with their formats; the header is frozen and filtered."""
    with acting_as("lisi") as session:
        values = {**COMPANY, "年采购预算": "80万", "成立时间": "2008-08-08", "industry": "IT设备"}
        session.customers.create(values, tags=[("需求", "培训"), ("行业", "制造业")])
        sheet = exported(session)
    row = cells(sheet)
    assert (row["联系方式"].value, row["联系方式"].data_type, row["联系方式"].number_format) == (
        "13812345678",
        "s",
        "@",
    )
    assert row["统一社会信用代码"].value == "91350100M000100Y43"
    assert (row["年采购预算"].value, row["年采购预算"].number_format) == (800000, "#,##0.00")
    assert row["成立时间"].value == local(2008, 8, 8)
    assert row["成立时间"].number_format == "yyyy-mm-dd"
    assert row["所属行业"].value == "制造业-IT设备"
    assert row["负责人"].value == "李四(销售一部-1组)"
    assert row["创建时间"].value == NOW.replace(tzinfo=None) + dt.timedelta(hours=8)
    assert row["标签"].value == "行业:制造业; 需求:培训"
    assert row["邮箱"].value is None
    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("客户", "A2", sheet.dimensions)
    assert sheet.column_dimensions["H"].width >= 20


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"])
def test_text_is_never_a_formula(text: str) -> None:
    """What begins like a formula is exported as the same text, typed as text, with the text format."""
    with acting_as("lisi") as session:
        session.customers.create({**COMPANY, "客户名称": text})
        file = io.BytesIO()
        export(session, "customer", file)
    cell = cells(loaded(file).active)["客户名称"]
    assert (cell.value, cell.data_type, cell.number_format) == (text, "s", "@")
    assert b"<f>" not in zipfile.ZipFile(file).read("xl/worksheets/sheet1.xml")


def test_values_that_a_spreadsheet_would_change_are_text() -> None:
    """Numbers over 15 digits, days before March 1900 and fractions of a second stay exact, as text."""
    fields = (
        FieldDefinition("big", "integer", "大数"),
        FieldDefinition("fine", "decimal", "小数"),
        FieldDefinition("moment", "datetime", "时刻"),
        FieldDefinition("flag", "boolean", "标记"),
    )
    grant = Grant("sales", "customer", frozenset({"create", "view", "export"}), view=ALL_FIELDS, edit=ALL_FIELDS)
    configuration = standard_configuration().with_fields("customer", *fields).with_grants(grant)
    values = {
        **COMPANY,
        "big": 1234567890123456,
        "fine": Decimal("1234567890.123456"),
        "moment": local(2024, 3, 5, 1, 2, 3, 4000),
        "flag": True,
        "founded_on": "1899-12-31",
    }
    with acting_as("lisi", configuration) as session:
        session.customers.create(values)
        session.customers.create(
            {**COMPANY, "统一社会信用代码": None, "big": 123456789012345, "moment": "2024-03-05 01:02:03"}
        )
        sheet = exported(session, fields=["大数", "小数", "时刻", "标记", "成立时间"])
    first, second = sheet[2], sheet[3]
    assert [cell.value for cell in first] == [
        "1234567890123456", "1234567890.123456", "2024-03-05 01:02:03.004000", "是", "1899-12-31"
    ]  # fmt: skip
    assert {cell.data_type for cell in first} == {"s"}
    assert (second[0].value, second[2].value) == (123456789012345, local(2024, 3, 5, 1, 2, 3))


@pytest.mark.parametrize("actor", ["liuqi", "qianba", "sunjiu", "zhangsan", "zhaojl", "admin"])
def test_refused_without_the_right_to_export(actor: str) -> None:
    """To view is not to export; no file appears."""
    file = io.BytesIO()
    with acting_as(actor) as session, pytest.raises(PermissionDeniedError) as caught:
        export(session, "customer", file)
    assert caught.value.code == "action_denied"
    assert file.getvalue() == b""


def test_only_records_and_fields_in_reach() -> None:
    """Sales export their own customers without sensitive fields; the senior administrator all, with them."""
    workspace = open_workspace(keyring=Keyring({"1": KEY}, current="1", index_key=KEY))
    with workspace.acting_as("lisi") as session:
        session.customers.create(COMPANY)
    with workspace.acting_as("wangwu") as session:
        session.customers.create({**COMPANY, "客户名称": "王五的客户", "统一社会信用代码": None})
        own = exported(session)
    assert [row["客户名称"] for row in rows_of(own)] == ["王五的客户"]
    assert not {"证件号码", "开户行信息"} & set(headings(own))
    with workspace.acting_as("zhoushi") as session:
        every = exported(session, order_by=["-name"])
        assert {"证件号码", "开户行信息"} <= set(headings(every))
        assert [row["客户名称"] for row in rows_of(every)] == ["王五的客户", "北京示例科技有限公司"]
        assert len(rows_of(exported(session, criteria=F.name == "王五的客户"))) == 1


def test_masked_is_masked_and_hidden_is_absent() -> None:
    """A role that sees a part of a phone exports that part; finance gets its own columns of won customers only."""
    configuration = standard_configuration().with_grants(
        Grant("customer_service", "customer", frozenset({"export"}), "all"),
        Grant("finance", "customer", frozenset({"export"}), "all"),
    )
    with open_workspace(configuration) as workspace:
        with workspace.acting_as("lisi") as session:
            session.customers.create({**COMPANY, "bank_account": None, "paid_amount": 5})
            won = {"status": "成交", "contract_amount": 9, "effective_on": "2024-01-01", "paid_amount": 7}
            session.customers.create({**COMPANY, "客户名称": "成交客户", "统一社会信用代码": None, **won})
        with workspace.acting_as("liuqi") as session:
            sheet = exported(session)
            assert {row["联系方式"] for row in rows_of(sheet)} == {"138****5678"}
            assert cells(sheet)["联系方式"].data_type == "s"
        with workspace.acting_as("qianba") as session:
            sheet = exported(session)
            assert rows_of(sheet) == [{"客户名称": "成交客户", "回款金额": 7, "回款日期": None}]


def test_a_field_that_only_some_records_show() -> None:
    """Where a grant shows a field under a condition, the other records leave the cell blank."""
    grant = Grant("finance", "customer", frozenset({"view", "export"}), "all", view=Fields.only("name", "status"))
    with open_workspace(standard_configuration().with_grants(grant)) as workspace:
        with workspace.acting_as("lisi") as session:
            session.customers.create({**COMPANY, "paid_amount": 5})
            won = {"status": "成交", "contract_amount": 9, "effective_on": "2024-01-01", "paid_amount": 7}
            session.customers.create({**COMPANY, "客户名称": "成交客户", "统一社会信用代码": None, **won})
        with workspace.acting_as("qianba") as session:
            found = {row["客户名称"]: row["回款金额"] for row in rows_of(exported(session))}
    assert found == {"北京示例科技有限公司": None, "成交客户": 7}


def test_rows_without_a_value() -> None:
    """A record that has nothing in the columns that are asked for is a blank row, also if none has anything."""
    with acting_as("lisi") as session:
        session.customers.create(COMPANY)
        session.customers.create({**COMPANY, "客户名称": "别家公司", "统一社会信用代码": None, "企业地址": "示例路1号"})
        rows = rows_of(exported(session, fields=["企业地址"], order_by=["created_at"]))
        assert [row["企业地址"] for row in rows] == [None, "示例路1号"]
        file = io.BytesIO()
        assert export(session, "customer", file, fields=["主营业务"]) == ExportReport(2)
    with zipfile.ZipFile(file) as archive:
        assert archive.read("xl/worksheets/sheet1.xml").count(b"<row") == 3


def test_encrypted_values_are_opened_or_said_to_be_unreadable() -> None:
    """Who may read an identity number exports it; without its key, a mask stands there, as text."""
    keys = Keyring({"1": KEY}, current="1", index_key=KEY)
    grant = Grant(
        "sales", "customer", frozenset({"view", "create", "export", "decrypt"}), view=Fields.only("id_number"),
        edit=Fields.only("id_number"),
    )  # fmt: skip
    configuration = attrs.evolve(standard_configuration().with_grants(grant), flows=())
    person = {**COMPANY, "客户类型": "个人客户", "统一社会信用代码": None, "证件号码": "11010519491231002X"}
    with open_workspace(configuration, keyring=keys) as workspace:
        with workspace.acting_as("lisi") as session:
            session.customers.create(person)
            assert cells(exported(session))["证件号码"].value == "11010519491231002X"
        workspace._begin.keyring = None
        with workspace.acting_as("lisi") as session:
            assert cells(exported(session))["证件号码"].value == "******"


def test_chosen_fields_in_their_order() -> None:
    """Fields are named by key, label or alias, and system columns too; each comes once."""
    with acting_as("lisi") as session:
        outcome = session.customers.create(COMPANY)
        names = ["负责人", "name", "id", "电话", "标签", "创建时间", "所属部门", "version", "客户名称"]
        sheet = exported(session, fields=names)
    assert headings(sheet) == ["负责人", "客户名称", "id", "联系方式", "标签", "创建时间", "所属部门", "版本"]
    row = cells(sheet)
    assert row["id"].value == outcome.record.id  # type: ignore[union-attr]
    assert row["版本"].value == 1


def test_fields_that_may_not_be_named() -> None:
    """Unknown names are wrong input, hidden ones refused; nothing is written."""
    file = io.BytesIO()
    with acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as unknown:
            export(session, "customer", file, fields=["name", "nope"])
        with pytest.raises(PermissionDeniedError) as hidden:
            export(session, "customer", file, fields=["id_number"])
    assert (unknown.value.code, hidden.value.code) == ("unknown_field", "field_not_readable")
    assert file.getvalue() == b""


def test_no_records_make_a_header_only() -> None:
    """An export of nothing is a workbook all the same, in the language asked for."""
    with acting_as("lisi") as session:
        sheet = exported(session, language="en")
    assert (sheet.title, headings(sheet)[:2], sheet.max_row) == ("Customer", ["Name", "Customer type"], 1)
    assert headings(sheet)[-3:] == ["Owner", "Created at", "Tags"]


def test_english_labels_of_choices() -> None:
    """Labels and tag dimensions are in the language of the export."""
    with acting_as("lisi") as session:
        session.customers.create({**COMPANY, "industry": "IT设备"}, tags=[("行业", "制造业")])
        row = cells(exported(session, language="en"))
    assert (row["Industry"].value, row["Tags"].value) == ("Manufacturing-IT equipment", "Industry:制造业")


def test_archived_records_stay_out() -> None:
    """What is archived is in no list and in no export."""
    with acting_as("lisi") as session:
        record = session.customers.create(COMPANY).record  # type: ignore[union-attr]
        session.customers.archive(record.id, version=ANY)
        assert exported(session).max_row == 1


def test_an_unmodified_export_changes_nothing() -> None:
    """Imported again, each row is found to be unchanged; what is no field is passed over."""
    workspace = open_workspace(keyring=Keyring({"1": KEY}, current="1", index_key=KEY))
    with workspace.acting_as("lisi") as session:
        long = {"年采购预算": "1234.50", "成立时间": "2008-08-08", "特殊备注": "a\nb", "地址": "=1+1", "region": "上海"}
        session.customers.create({**COMPANY, **long}, tags=[("行业", "制造业")])
        session.customers.create({**COMPANY, "客户名称": "@二", "统一社会信用代码": None, "联系方式": "010-62345678"})
        file = io.BytesIO()
        export(session, "customer", file)
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", file.getvalue())
    assert (plan.counts.unchanged, plan.counts.total) == (2, 2)
    assert [problem.code for problem in plan.problems if problem.severity != "notice"] == ["unmapped_column"]
    assert plan.columns["创建时间"] is plan.columns["标签"] is None


def test_follow_ups() -> None:
    """Any module can be exported; a reference is the id, which an import takes."""
    with acting_as("lisi") as session:
        customer = session.customers.create(COMPANY).record  # type: ignore[union-attr]
        session.follow_ups.create({"客户": customer.id, "跟进时间": "2024-03-05 10:30", "跟进内容": "电话"})
        sheet = exported(session, "follow_up")
    row = cells(sheet)
    assert sheet.title == "跟进记录"
    assert (row["客户"].value, row["跟进时间"].value) == (customer.id, local(2024, 3, 5, 10, 30))
    assert "标签" not in row


def test_labels_that_a_workbook_cannot_hold() -> None:
    """A module's label with forbidden characters, quotes and markup still names a sheet."""
    configuration = standard_configuration()
    module = configuration.modules["customer"]
    labelled = attrs.evolve(module, label={"zh": "A&B <'客户'>: [1/2]"})
    with acting_as("lisi", configuration.with_modules(labelled)) as session:
        assert exported(session).title == "A&B <'客户'>   1 2"


def test_masks_that_come_back() -> None:
    """The mask that a record shows asks for nothing; another one is refused, and so is one on another record."""
    exporting = Grant("data_administrator", "customer", frozenset({"view", "export"}), "all")
    configuration = standard_configuration().with_grants(exporting)
    workspace = open_workspace(configuration, keyring=Keyring({"1": KEY}, current="1", index_key=KEY))
    numbers = {"证件号码": "11010519491231002X", "客户类型": "个人客户", "统一社会信用代码": None}
    with workspace.acting_as("sunjiu") as session:
        session.customers.create({**COMPANY, **numbers})
        file = io.BytesIO()
        export(session, "customer", file, fields=["id", "name", "id_number"])
        content = file.getvalue()
        assert plan_import(session, "customer", content).counts.unchanged == 1
        workbook = loaded(content)
        assert workbook.active["C2"].value.endswith("002X")
        workbook.active["C2"] = "**************9999"
        plan = plan_import(session, "customer", saved(workbook))
    assert [(row.outcome, [item.code for item in row.problems]) for row in plan.rows] == [
        ("rejected", ["masked_value"])
    ]


def test_texts_that_no_cell_holds() -> None:
    """A text that is too long is cut in the file; imported again it stays whole, and the row says why."""
    workspace = open_workspace()
    with workspace.acting_as("lisi") as session:
        record = session.customers.create({**COMPANY, "特殊备注": "😀" * 20_000}).record  # type: ignore[union-attr]
        file = io.BytesIO()
        export(session, "customer", file, fields=["id", "name", "special_notes"])
    workbook = loaded(file.getvalue())
    assert len(workbook.active["C2"].value) == 32_767 // 2
    with workspace.acting_as("sunjiu") as session:
        (row,) = plan_import(session, "customer", file.getvalue()).rows
        assert (row.outcome, [item.code for item in row.problems]) == ("unchanged", ["text_cut"])
        workbook.active["C2"] = "短"
        plan_import(session, "customer", saved(workbook)).apply()
        assert session.customers.get(record.id)["special_notes"] == "短"

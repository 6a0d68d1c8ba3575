"""Follow-ups and contacts on further sheets: planned, applied, undone and refused with the rows that they belong to."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import attrs
import openpyxl
import pytest

from custinfo import (
    Configuration,
    FieldDefinition,
    InvalidInputError,
    ModuleDefinition,
    PermissionDeniedError,
    UnreadableFileError,
)
from custinfo.adapters.excel import plan_import
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import errors_of, local, open_workspace, saved

CUSTOMERS = (
    ("编号", "客户名称", "客户类型", "联系人", "联系方式"),
    ("K1", "北京示例科技有限公司", "企业客户", "张三", "13812345678"),
    ("K2", "上海样品贸易有限公司", "企业客户", "王芳", "13900139000"),
)
FOLLOW_UPS = (
    ("编号", "跟进时间", "跟进内容", "跟进方式"),
    ("K1", "2024-03-01 10:00", "电话联系", "电话"),
    ("K1", "2024-03-08 10:00", "拜访", "拜访"),
    ("K2", "2024-03-09 10:00", "寄资料", None),
)
CONTACTS = (
    ("编号", "姓名", "手机", "职务"),
    ("K1", "赵敏", "13700137000", "采购经理"),
    ("K2", "钱伟", "13600136000", None),
)
SHEETS = {"跟进记录": "follow_up", "联系人": "contact"}


def configuration() -> Configuration:
    """Return the standard configuration with a module of contacts, which refer to customers."""
    fields = (
        FieldDefinition("customer", "reference", "客户", required=True, options={"module": "customer"}),
        FieldDefinition("name", "text", "姓名", required=True),
        FieldDefinition("mobile", "phone", "手机", required=True),
        FieldDefinition("position", "text", "职务"),
    )
    contact = ModuleDefinition("contact", fields, "联系人", title_field="name")
    every = Grant(
        "data_administrator", "contact", frozenset({"view", "create"}), "all", view=ALL_FIELDS, edit=ALL_FIELDS
    )
    follow = attrs.evolve(every, module="follow_up")
    return standard_configuration().with_modules(contact).with_grants(every, follow)


def book(*, customers: Any = CUSTOMERS, follow_ups: Any = FOLLOW_UPS, contacts: Any = CONTACTS) -> bytes:
    """Return a workbook with three sheets."""
    workbook = openpyxl.Workbook()
    del workbook["Sheet"]
    for name, rows in (("客户", customers), ("跟进记录", follow_ups), ("联系人", contacts)):
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return saved(workbook)


def stored(session: Any) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is stored: customers, and what refers to each, by name."""
    names = {view.id: view["name"] for view in session.customers.find().records}
    contacts = session.records("contact").find().records
    return {
        "customer": sorted((name,) for name in names.values()),
        "follow_up": sorted((names[view["customer"]], view["content"]) for view in session.follow_ups.find().records),
        "contact": sorted((names[view["customer"]], view["name"], view["mobile"]) for view in contacts),
    }


ALL = {
    "customer": [("上海样品贸易有限公司",), ("北京示例科技有限公司",)],
    "follow_up": [
        ("上海样品贸易有限公司", "寄资料"),
        ("北京示例科技有限公司", "拜访"),
        ("北京示例科技有限公司", "电话联系"),
    ],
    "contact": [
        ("上海样品贸易有限公司", "钱伟", "13600136000"),
        ("北京示例科技有限公司", "赵敏", "13700137000"),
    ],
}


def test_sheets_come_along() -> None:
    """One plan has all three sheets; applied, all refer to their customers; again, nothing changes; undone, all go."""
    workspace = open_workspace(configuration())
    with workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", book(), related=SHEETS, key="编号")
        assert plan.sheet == "客户"
        assert [item for item in plan.problems if item.severity != "notice"] == []
        assert [[item.module for item in row.related] for row in plan.rows] == [
            ["follow_up", "follow_up", "contact"],
            ["follow_up", "contact"],
        ]
        report = plan.apply()
        assert (report.counts, report.differences) == (plan.counts, ())
        assert stored(session) == ALL
        again = plan_import(session, "customer", book(), related=SHEETS, key="编号")
        assert again.counts.unchanged == 2
        more = (*FOLLOW_UPS, ("K2", "2024-04-01 09:00", "回访", None))
        third = plan_import(session, "customer", book(follow_ups=more), related=SHEETS, key="编号")
        assert (third.counts.updates, third.counts.unchanged) == (1, 1)
        assert [[item.values["content"] for item in row.related] for row in third.rows] == [[], ["回访"]]
    undone = workspace.undo_import(report.batch_id, actor="sunjiu")
    assert len(undone.removed) == 7
    with workspace.acting_as("sunjiu") as session:
        assert stored(session) == {"customer": [], "follow_up": [], "contact": []}


def with_tags(*rows: Any) -> bytes:
    """Return a workbook whose third sheet has tags."""
    workbook = openpyxl.load_workbook(io.BytesIO(book()))
    sheet = workbook.create_sheet("标签表")
    for row in rows:
        sheet.append(row)
    return saved(workbook)


def test_tags_on_a_sheet_of_their_own() -> None:
    """Tags are added to the record of their key; unknown ones stop it, and are told on their sheet."""
    options: Any = {"related": {"标签表": "tags"}, "key": "编号", "sheet": "客户"}
    good = with_tags(("编号", "标签"), ("K1", "行业:制造业"), ("K1", "需求:培训"), ("K2", "需求:培训"))
    bad = with_tags(("编号", "标签:需求"), ("K1", "没有这个"), ("K9", "培训"))
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        wrong = plan_import(session, "customer", bad, **options)
        assert [row.outcome for row in wrong.rows] == ["rejected", "create"]
        found = [(item.code, item.place) for item in wrong.problems if item.place is not None]
        places = {code: (place.sheet, place.row, place.column) for code, place in found}
        assert places["related_without_row"] == ("标签表", 3, 1)
        assert ("标签表", 2, 2) in places.values()
        errors = errors_of(wrong)
        assert [cell.value for cell in errors["标签表"]["D"]] == ["标签:需求", "没有这个", "培训"]
        plan_import(session, "customer", good, **options).apply()
        customers = session.customers.find().records
        tags = {view["name"][:2]: {(tag.dimension, tag.value) for tag in view.tags} for view in customers}
        assert tags == {"北京": {("行业", "制造业"), ("需求", "培训")}, "上海": {("需求", "培训")}}
        assert plan_import(session, "customer", good, **options).counts.unchanged == 2
        with pytest.raises(InvalidInputError):
            plan_import(session, "customer", with_tags(("编号", "别的"), ("K1", "x")), **options)


def test_linked_by_id() -> None:
    """Where the key column holds ids, as an export has them, rows find their records by them too."""
    workspace = open_workspace(configuration())
    with workspace.acting_as("sunjiu") as session:
        plan_import(session, "customer", book(), related=SHEETS, key="编号").apply()
        (one, *_) = session.customers.find().records
        customers = (("编号", "客户名称"), (one.id, "改名有限公司"))
        content = book(customers=customers, follow_ups=(FOLLOW_UPS[0], (one.id, "2024-05-01", "新", None)), contacts=())
        plan = plan_import(session, "customer", content, related={"跟进记录": "follow_up"}, key="编号")
        assert [(row.outcome, row.record_id, len(row.related)) for row in plan.rows] == [("update", one.id, 1)]


def test_linked_by_title() -> None:
    """Without a key, what stands in the field that refers to the customer is its name, however it is spelt."""
    follow_ups = (("客户", "跟进时间", "跟进内容"), ("北京示例科技有限公司 ", "2024-03-01", "电话"))
    customers = [row[1:] for row in CUSTOMERS]
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        content = book(customers=customers, follow_ups=follow_ups, contacts=())
        plan = plan_import(session, "customer", content, related={"跟进记录": "follow_up"})
        plan.apply()
        assert stored(session)["follow_up"] == [("北京示例科技有限公司", "电话")]


def test_wrong_rows_stop_their_main_row_and_come_back() -> None:
    """A wrong row is told with its place, and its main row waits; corrected and imported again, both go in."""
    contacts = (CONTACTS[0], ("K1", "赵敏", "123", None), ("K1", None, "13700137000", None), CONTACTS[2])
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", book(contacts=contacts), related=SHEETS, key="编号")
        assert [row.outcome for row in plan.rows] == ["rejected", "create"]
        told = [
            (item.code, item.field, item.place.sheet, item.place.row, item.place.column)
            for item in plan.rejected[0].problems
            if item.severity == "error" and item.place is not None
        ]
        assert told == [("invalid_phone", "mobile", "联系人", 2, 3), ("required", "name", "联系人", 3, 2)]
        report = plan.apply()
        errors = errors_of(report)
        assert errors.sheetnames == ["客户", "跟进记录", "联系人"]
        assert "联系人 2: 手机" in errors["客户"]["A2"].value
        assert [cell.value for cell in errors["联系人"]["D"]] == ["姓名", "赵敏", None]
        assert [cell.value for cell in errors["跟进记录"]["E"]] == ["跟进内容", "电话联系", "拜访"]
        errors["联系人"]["E2"], errors["联系人"]["D3"] = "13500135000", "孙丽"
        plan_import(session, "customer", saved(errors), related=SHEETS, key="编号").apply()
        result = stored(session)
    assert result["customer"] == ALL["customer"]
    assert result["follow_up"] == ALL["follow_up"]
    assert len(result["contact"]) == 3


def test_rows_that_belong_to_none() -> None:
    """A row whose key the main sheet does not have is told, and stands in the error workbook."""
    follow_ups = (*FOLLOW_UPS, ("K9", "2024-03-09 10:00", "谁的", None), (None, "2024-03-09 10:00", "无主", None))
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", book(follow_ups=follow_ups), related=SHEETS, key="编号")
        left = [item.place and item.place.row for item in plan.problems if item.code == "related_without_row"]
        assert left == [5, 6]
        assert plan.counts.creates == 2
        errors = errors_of(plan)
    assert errors["客户"].max_row == 1
    assert [cell.value for cell in errors["跟进记录"]["E"]] == ["跟进内容", "谁的", "无主"]


def test_the_whole_workbook_marked() -> None:
    """Marked in place, the reason of the main row says on which sheet what is wrong."""
    contacts = (CONTACTS[0], ("K1", "赵敏", "123", None))
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", book(contacts=contacts), related=SHEETS, key="编号")
        errors = errors_of(plan, form="marked")
    assert any("联系人 2: 手机" in str(cell.value) for cell in errors["客户"][2])


@pytest.mark.parametrize("form", ["rows", "marked"])
def test_encrypted_values_are_not_shown(form: Any) -> None:
    """What is stored encrypted stands in no error workbook, whatever its form."""
    contact = configuration().modules["contact"]
    secret = FieldDefinition("secret", "text", "密", sensitivity="sensitive", encrypted=True, mask="last4")
    changed = configuration().with_modules(attrs.evolve(contact, fields=(*contact.fields.values(), secret)))
    contacts = (("编号", "姓名", "手机", "密"), ("K1", "赵敏", "123", "机密1234"))
    with open_workspace(changed).acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", book(contacts=contacts), related=SHEETS, key="编号")
        file = io.BytesIO()
        plan.write_errors(file, form=form)
    cells = [str(cell.value) for sheet in openpyxl.load_workbook(file) for row in sheet for cell in row]
    assert "手机" in cells
    assert not any("机密" in text for text in cells)


def test_what_cannot_be_linked() -> None:
    """Sheets that are missing, lack the key, or whose module does not refer to the main one are refused at once."""
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        with pytest.raises(UnreadableFileError) as missing:
            plan_import(session, "customer", book(), related={"没有": "contact"}, key="编号")
        assert missing.value.code == "unknown_sheet"
        for key in ("天气", None):
            with pytest.raises(InvalidInputError) as caught:
                plan_import(session, "customer", book(), related=SHEETS, key=key)
            assert caught.value.code == "missing_column"
        with pytest.raises(InvalidInputError) as caught:
            plan_import(session, "follow_up", book(), sheet="跟进记录", related={"联系人": "contact"}, key="编号")
        assert caught.value.code == "not_related"
    file = io.BytesIO(book())
    narrow = standard_configuration().with_modules(configuration().modules["contact"])
    with open_workspace(narrow).acting_as("sunjiu") as session, pytest.raises(PermissionDeniedError):
        plan_import(session, "customer", file, related=SHEETS, key="编号")


def exported(session: Any) -> bytes:
    """Return the customers and their follow-ups as exports have them, with ids, on two sheets."""
    customers = [
        (view.id, view["name"], view["customer_type"], view["contact_name"], view["phone"])
        for view in session.customers.find(order_by=["name"]).records
    ]
    follow_ups = [
        (view.id, view["customer"], view["at"].replace(tzinfo=None) + timedelta(hours=8), view["content"])
        for view in session.follow_ups.find(order_by=["content"]).records
    ]
    return book(
        customers=(("id", "客户名称", "客户类型", "联系人", "联系方式"), *customers),
        follow_ups=(("id", "客户", "跟进时间", "跟进内容"), *follow_ups),
        contacts=(("编号", "姓名", "手机"),),
    )


def test_rows_of_stored_records_say_what_is_stored() -> None:
    """Rows with ids, as exports have them, belong to the record whose id they name, and are there already."""
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        plan_import(session, "customer", book(), related=SHEETS, key="编号").apply()
        before = stored(session)
        content = exported(session)
        plan = plan_import(session, "customer", content, related={"跟进记录": "follow_up"})
        assert [(row.outcome, row.related, row.problems) for row in plan.rows] == [("unchanged", (), ())] * 2
        assert plan.column_problems == ()
        plan.apply()
        assert stored(session) == before


def test_a_row_of_a_stored_record_with_other_values() -> None:
    """It is refused with its main row, and says what to do: a second record of the same would be wrong."""
    with open_workspace(configuration()).acting_as("sunjiu") as session:
        plan_import(session, "customer", book(), related=SHEETS, key="编号").apply()
        workbook = openpyxl.load_workbook(io.BytesIO(exported(session)))
        sheet = workbook["跟进记录"]
        sheet["D2"] = "改过的内容"
        sheet.append((None, sheet["B2"].value, local(2024, 5, 1, 9), "新的"))
        content = saved(workbook)
        plan = plan_import(session, "customer", content, related={"跟进记录": "follow_up"})
        (refused,) = plan.rejected
        assert [(item.code, item.place and item.place.row) for item in refused.problems] == [("related_changed", 2)]
        sheet["D2"] = session.follow_ups.get(sheet["A2"].value)["content"]
        plan = plan_import(session, "customer", saved(workbook), related={"跟进记录": "follow_up"})
        assert plan.rejected == ()
        assert [item.values["content"] for row in plan.rows for item in row.related] == ["新的"]

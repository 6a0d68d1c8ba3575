"""Lists that depend on their cell, an example to look at, and templates that come back when the fields have changed."""

from __future__ import annotations

import html
import io
import json
import zipfile
from typing import Any

import attrs
import pytest

from custinfo import Configuration, Dictionary, DictionaryValue, FieldDefinition
from custinfo.adapters.excel import plan_import
from custinfo.adapters.excel._manifest import read_manifest
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import COMPANY, acting_as, filled, headings, loaded, saved, template
from tests.adapters.excel.test_template import list_of, validation_on

CODES = {
    "template_outdated", "template_field_gone", "template_field_renamed", "template_field_changed",
    "template_entries_changed", "template_field_required", "template_field_added",
}  # fmt: skip


def offered(workbook: Any, label: str, value: str | None) -> list[str]:
    """Return what the list of a column offers while its cell holds a value, as a spreadsheet computes the formula."""
    entries = list_of(workbook, label)
    _, _, cells = validation_on(workbook.worksheets[0], label).formula1.partition("MATCH(")
    column = workbook["_lists"][cells.split("$")[1] + "2"].column
    if value not in entries:
        return entries
    row = entries.index(value) + 2
    start, length = (workbook["_lists"].cell(row, column + step).value for step in (1, 2))
    return entries[start : start + length]


def test_lists_depend_on_their_cell() -> None:
    """An entry with others below offers these, one without offers those beside it, and a blank cell everything."""
    with acting_as("sunjiu") as session:
        workbook = template(session)
        regions = session.context.schema.configuration.dictionaries["region"]
    whole = list_of(workbook, "地区")
    assert offered(workbook, "地区", None) == whole
    east = offered(workbook, "地区", "华东")
    assert east[0] == "华东"
    assert "华东-上海" in east
    assert {entry.split("-")[0] for entry in east} == {"华东"}
    assert len(east) == 1 + len(regions.children(regions.find("华东")))  # type: ignore[arg-type]
    assert offered(workbook, "地区", "华东-上海") == east
    formula = validation_on(workbook.worksheets[0], "地区").formula1
    assert formula.startswith("OFFSET(")
    assert len(formula) <= 255


def test_entries_below_a_retired_one_and_on_three_levels() -> None:
    """What is retired is not offered; what stands two levels below an entry is offered with it."""
    values = [
        DictionaryValue("z", "单独"),
        DictionaryValue("c", "丙", parent="b"),
        DictionaryValue("a", "甲"),
        DictionaryValue("b", "乙", parent="a"),
        DictionaryValue("r", "旧", parent="a", state="retired"),
        DictionaryValue("d", "丁", parent="r"),
    ]
    standard = standard_configuration()
    customer = standard.modules["customer"]
    field = FieldDefinition("level", "choice", "级别", options={"dictionary": "level"})
    changed = attrs.evolve(customer, fields=(*customer.fields.values(), field))
    with acting_as("sunjiu", standard.with_dictionaries(Dictionary("level", values)).with_modules(changed)) as session:
        workbook = template(session)
    assert list_of(workbook, "级别") == ["单独", "甲", "甲-乙", "甲-乙-丙", "甲-旧-丁"]
    assert offered(workbook, "级别", "甲") == ["甲", "甲-乙", "甲-乙-丙", "甲-旧-丁"]
    assert offered(workbook, "级别", "甲-乙-丙") == ["甲-乙", "甲-乙-丙"]
    assert offered(workbook, "级别", "单独") == ["单独", "甲", "甲-乙", "甲-乙-丙", "甲-旧-丁"]


def test_the_example_is_no_data() -> None:
    """A sheet of its own shows a row filled in; the import passes it over, also where the file lost its mark."""
    with acting_as("sunjiu") as session:
        workbook = template(session)
        example = workbook["填写示例"]
        assert headings(example) == headings(workbook.worksheets[0])
        assert example["A2"].value == "××科技有限公司"
        assert workbook.worksheets[0]["A2"].value is None
        content = filled(session, COMPANY)
        assert plan_import(session, "customer", content).counts.total == 1
        workbook = loaded(content)
        del workbook.defined_names["custinfo_template"]
        plan = plan_import(session, "customer", saved(workbook))
    assert (plan.sheet, plan.counts.total) == ("客户", 1)


def changed_configuration() -> Configuration:
    """Return the standard configuration with a field renamed, one retired, one required, one added, and a new entry."""
    standard = standard_configuration()
    customer = standard.modules["customer"]
    changes: dict[str, dict[str, Any]] = {
        "contact_name": {"label": {"zh": "对接人", "en": "Counterpart"}, "aliases": ()},
        "main_business": {"retired": True},
        "industry": {"required": True},
        "special_notes": {"kind": "text"},
    }
    fields = [attrs.evolve(field, **changes.get(key, {})) for key, field in customer.fields.items()]
    fields.append(FieldDefinition("grade", "text", "等级"))
    sources = standard.dictionaries["source"].with_values(DictionaryValue("fair", "展会2"))
    return standard.with_modules(attrs.evolve(customer, fields=tuple(fields))).with_dictionaries(sources)


def told(plan: Any) -> set[tuple[str, str | None, int | None]]:
    """Return what a plan says of its template: code, field and column."""
    return {(item.code, item.field, item.place and item.place.column) for item in plan.problems if item.code in CODES}


def test_an_old_template_is_recognised() -> None:
    """Each change since it was made is named; a heading that means nothing any more still leads to its field."""
    row = {**COMPANY, "所属行业": "制造业", "主营业务": "设备", "特殊备注": "无", "客户来源": None}
    with acting_as("sunjiu") as session:
        content = filled(session, row)
        places = {cell.value.strip("*"): cell.column for cell in loaded(content).worksheets[0][1]}
        assert told(plan_import(session, "customer", content)) == set()
    with acting_as("sunjiu", changed_configuration()) as session:
        plan = plan_import(session, "customer", content)
        assert plan.columns["联系人"] == "contact_name"
        assert plan.columns["主营业务"] is None
        assert plan.counts.creates == 1
    assert told(plan) == {
        ("template_outdated", None, None),
        ("template_field_renamed", "contact_name", places["联系人"]),
        ("template_field_gone", "主营业务", places["主营业务"]),
        ("template_field_required", "industry", places["所属行业"]),
        ("template_field_changed", "special_notes", places["特殊备注"]),
        ("template_entries_changed", "source", places["客户来源"]),
        ("template_field_added", "grade", None),
    }
    first = next(item for item in plan.problems if item.code == "template_outdated")
    assert str(first.params["template"]).startswith("customer-zh-")
    assert all(item.message(language) for item in plan.problems for language in ("zh", "en"))


def test_only_columns_that_are_there() -> None:
    """Nobody is told of a change in a column that they deleted."""
    with acting_as("sunjiu") as session:
        workbook = loaded(filled(session, COMPANY))
    sheet = workbook.worksheets[0]
    for column in range(sheet.max_column, 5, -1):
        sheet.delete_cols(column)
    with acting_as("sunjiu", changed_configuration()) as session:
        plan = plan_import(session, "customer", saved(workbook))
    assert {(code, field) for code, field, _ in told(plan)} == {
        ("template_outdated", None),
        ("template_field_renamed", "contact_name"),
        ("template_field_required", "industry"),
        ("template_field_added", "grade"),
    }


def test_templates_of_other_roles_are_not_old() -> None:
    """A template that offers fewer fields, since somebody may write fewer, says nothing when others import it."""
    with acting_as("lisi") as session:
        content = filled(session, {key: COMPANY[key] for key in ("客户名称", "客户类型", "联系人", "联系方式")})
    with acting_as("sunjiu") as session:
        assert told(plan_import(session, "customer", content)) == set()


def forged(content: bytes, text: str) -> bytes:
    """Return a template that says something else of itself."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/custom.xml":
                part = (
                    f'<Properties xmlns:vt="v"><property name="custinfo_template_0"><vt:lpwstr>'
                    f"{html.escape(text)}</vt:lpwstr></property></Properties>"
                ).encode()
            target.writestr(name, part)
    return changed.getvalue()


def test_a_heading_that_means_a_field_today_is_read() -> None:
    """A field went and another one has its name, or the template is of another system: the column is the field's."""
    offers = {"counterpart": ["联系人", "text", True, ""], "gone": ["旧称", "text", False, ""]}
    with acting_as("sunjiu") as session:
        places = {cell.value.strip("*"): cell.column for cell in loaded(filled(session, COMPANY)).worksheets[0][1]}
        content = forged(filled(session, COMPANY), json.dumps(["customer", "zh", 1, offers, []]))
        plan = plan_import(session, "customer", content)
    assert (plan.columns["联系人"], plan.counts.creates) == ("contact_name", 1)
    assert [item for item in told(plan) if item[0] not in ("template_outdated", "template_field_added")] == [
        ("template_field_changed", "contact_name", places["联系人"])
    ]


@pytest.mark.parametrize("key", ["gone", "address"])
def test_a_former_heading_is_no_letter_of_a_column(key: str) -> None:
    """A field that was called B, and is gone or has another name, says nothing of the second column."""
    offers = {key: ["B", "text", False, ""]}
    with acting_as("sunjiu") as session:
        content = forged(filled(session, COMPANY), json.dumps(["customer", "zh", 1, offers, []]))
        plan = plan_import(session, "customer", content)
    assert (plan.columns["客户类型"], plan.counts.creates) == ("customer_type", 1)


@pytest.mark.parametrize(
    "text", ["[]", "nonsense", "[" * 5000, '["customer","zh",1,{"name":[1,2,3,4]},[]]', "[1,2,3,4,5]"]
)
def test_what_is_no_manifest(text: str) -> None:
    """A file whose mark says nothing that is understood is read as any other."""
    with acting_as("sunjiu") as session:
        changed = forged(filled(session, COMPANY), text)
        assert read_manifest(changed) is None
        assert read_manifest(b"PK nothing") is None
        assert plan_import(session, "customer", changed).counts.creates == 1

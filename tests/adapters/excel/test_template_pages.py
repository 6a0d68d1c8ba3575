"""What a template offers to whom, how it explains it, and how workbooks print."""

import io
import re
from typing import Any

import attrs
import pytest

from custinfo import DEFAULT_MESSAGES, FieldDefinition, PermissionDeniedError
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import, read_tables
from custinfo.adapters.excel._guidance import Guide
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.policy.grants import ALL_FIELDS, Grant
from custinfo.core.rules import Length, OneOfValues, Pattern
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import (
    COMPANY,
    acting_as,
    filled,
    headings,
    loaded,
    local,
    open_workspace,
    template,
)

LANDSCAPE = ("landscape", 0, True)


def printing_of(sheet: Any) -> tuple[str, int, bool]:
    """Return the orientation of a sheet, on how many pages its height has to fit, and whether it is made to fit."""
    return sheet.page_setup.orientation, sheet.page_setup.fitToHeight, sheet.sheet_properties.pageSetUpPr.fitToPage


def examples_of(workbook: Any) -> dict[str, str | None]:
    """Return the examples in the instructions, by field."""
    return {row[0]: row[5] for row in workbook.worksheets[1].iter_rows(min_row=2, values_only=True) if row[1]}


def configured(*rules: Any) -> Any:
    """Return the standard configuration with further rules of the customer's name."""
    standard = standard_configuration()
    customer = standard.modules["customer"]
    fields = tuple(
        attrs.evolve(field, rules=(*field.rules, *rules)) if field.key == "name" else field
        for field in customer.fields.values()
    )
    return standard.with_modules(attrs.evolve(customer, fields=fields))


def test_fields_that_may_only_be_edited_later_are_left_out() -> None:
    """Sales may not set an identity number on creation, so they are not asked for one; the importer is."""
    with acting_as("lisi") as session:
        offered = headings(template(session).worksheets[0])
    with acting_as("sunjiu") as session:
        assert "证件号码" in headings(template(session).worksheets[0])
    assert "*客户名称" in offered
    assert "证件号码" not in offered


def test_what_is_left_out_would_be_refused() -> None:
    """A new record with an identity number is refused to sales, as the template without that column promises."""
    person = {**COMPANY, "客户类型": "个人客户", "统一社会信用代码": None, "证件号码": "11010519491231002X"}
    with open_workspace(keyring=Keyring.generate()).acting_as("lisi") as session:
        with pytest.raises(PermissionDeniedError) as caught:
            session.customers.create(person)
        session.customers.create({**person, "证件号码": None})
    assert caught.value.code == "field_not_editable"


def test_who_may_only_import_gets_what_they_may_edit() -> None:
    """Without the right to create, the template has the fields that an import may change."""
    grant = Grant("finance", "customer", frozenset({"import", "edit"}), edit=type(ALL_FIELDS).only("name", "phone"))
    with acting_as("qianba", standard_configuration().with_grants(grant)) as session:
        offered = headings(template(session).worksheets[0])
    assert {"*客户名称", "*联系方式"} <= set(offered)


def test_hidden_lists_are_not_read() -> None:
    """The sheet of lists can be shown by anybody, and is still no data when the template comes back."""
    with acting_as("sunjiu") as session:
        content = filled(session, COMPANY)
        assert loaded(content).worksheets[2].sheet_state == "hidden"
        assert "_lists" not in [found.sheet for found in read_tables(content)]
        plan = plan_import(session, "customer", content)
    assert (plan.sheet, plan.counts.creates) == ("客户", 1)


def test_examples_are_what_people_would_write() -> None:
    """A list gives its first entry, and names of companies and people have an example too."""
    with acting_as("sunjiu") as session:
        chinese, english = examples_of(template(session)), examples_of(template(session, language="en"))
    assert chinese["客户名称"] == "××科技有限公司"
    assert (chinese["联系人"], chinese["负责人"]) == ("张三", "孙九(数据部)")
    assert (chinese["客户类型"], chinese["客户状态"]) == ("企业客户", "高潜")
    assert (english["Name"], english["Contact"]) == ("Example Technology Co., Ltd.", "Zhang San")


@pytest.mark.parametrize("rule", [Pattern("[A-Z]+", "大写字母"), OneOfValues(("甲", "乙")), Length(maximum=3)])
def test_no_example_that_would_be_refused(rule: Any) -> None:
    """Where a rule bounds the text, an example that might break it is not given."""
    with acting_as("sunjiu", configured(rule)) as session:
        assert not examples_of(template(session))["客户名称"]


@pytest.mark.parametrize(
    ("hint", "told"),
    [({"zh": "大写字母", "en": "capitals"}, ("大写字母", "capitals")), ("大写字母", ("大写字母", "大写字母"))],
)
def test_forms_are_told_in_the_language_of_the_template(hint: Any, told: tuple[str, str]) -> None:
    """The instructions say which form a text must have in their own language, where there are words in it."""
    with acting_as("sunjiu", configured(Pattern("[A-Z]+", hint))) as session:
        for language, label, words in (("zh", "客户名称", told[0]), ("en", "Name", told[1])):
            rows = template(session, language=language).worksheets[1].iter_rows(values_only=True)
            assert any(words in str(row) for row in rows if row[0] == label)


def test_entries_that_a_rule_names_are_told_by_their_labels() -> None:
    """Where a rule takes some entries of a list only, the instructions name them as people do, not by codes."""
    with acting_as("sunjiu") as session:
        schema = session.context.module("customer")
    field = attrs.evolve(schema.definition.fields["source"], rules=(OneOfValues(("官网", "展会")),))
    assert Guide(schema, "en", "").allowed(field).endswith("one of: Web site, Exhibition")


def test_kinds_are_called_as_in_messages() -> None:
    """The instructions have the word for a kind that a message has, and how it is written; no kind reads as its key."""
    with acting_as("sunjiu") as session:
        schema = session.context.module("customer")
    guides = {language: Guide(schema, language, "") for language in ("zh", "en")}
    for kind in sorted(BUILT_IN_KINDS):
        for language, guide in guides.items():
            name = DEFAULT_MESSAGES.render("wrong_type", {"kind": kind}, language)
            told = re.split("：|: ", guide.kind(FieldDefinition("f", kind)))[0]
            assert told in name
            assert "_" not in told
            assert language == "en" or not told.isascii()
    told = {kind: guides["zh"].kind(FieldDefinition("f", kind)) for kind in ("long_text", "user", "uscc", "plate")}
    assert told == {
        "long_text": "多行文本",
        "user": "人员：姓名、姓名(部门)或工号",
        "uscc": "统一社会信用代码：18 位",
        "plate": "plate",
    }


def test_instructions_can_be_read_in_full() -> None:
    """A row whose text wraps is higher than one line."""
    with acting_as("sunjiu") as session:
        sheet = template(session).worksheets[1]
    heights = {row[0].value: sheet.row_dimensions[row[0].row].height for row in sheet.iter_rows(min_row=2)}
    assert heights["所属行业"] >= 45
    assert heights["邮箱"] is None or heights["邮箱"] == 15


def test_workbooks_print_on_the_width_of_a_page() -> None:
    """Templates and exports print landscape, with all columns on one page."""
    file = io.BytesIO()
    with acting_as("sunjiu") as session:
        workbook = template(session)
    with acting_as("lisi") as session:
        session.customers.create({**COMPANY, "成立时间": local(2008, 8, 8).date()})
        export(session, "customer", file)
    for sheet in (*workbook.worksheets[:2], loaded(file).active):
        assert printing_of(sheet) == LANDSCAPE

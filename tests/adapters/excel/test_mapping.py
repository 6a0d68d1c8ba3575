"""What happens to headings that a mapping names."""

import attrs
import pytest

from custinfo import Configuration, InvalidInputError
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import acting_as, planned, table

HEADER = ["公司名称", "客户类别", "联系人", "手机"]
ROW = ["甲公司", "企业客户", "张三", "13812345678"]


def test_a_mapped_heading_that_is_not_in_the_file() -> None:
    """It gives a warning about the header row, under the name that the mapping has for it."""
    content = table(
        ["公司名称", "客户类别", "联系人", "手机"], ["甲公司", "企业客户", "张三", "13812345678"], sheet="数据"
    )
    with acting_as("sunjiu") as session:
        plan = planned(session, content, mapping={"公司名称": "name", "单位全称": "name", "*备用": ""})
    assert [(problem.code, problem.field, problem.severity) for problem in plan.problems] == [
        ("missing_column", "单位全称", "warning"),
        ("missing_column", "备用", "warning"),
    ]
    place = plan.problems[0].place
    assert place is not None
    assert (place.sheet, place.row, place.column) == ("数据", 1, None)
    assert plan.problems[0].message("zh") == "单位全称：文件中没有这个表头"
    assert plan.counts.creates == 1


def test_a_letter_beyond_the_table() -> None:
    """A mapping by a letter that no column has gives the same warning as a heading that is not there."""
    with acting_as("sunjiu") as session:
        plan = planned(session, table(["单位", *HEADER[1:]], ROW), mapping={"A": "name", "Z": "email"})
    assert [(problem.code, problem.field) for problem in plan.problems] == [("missing_column", "Z")]


def test_what_comes_along_stays_in_a_saved_mapping() -> None:
    """A mapping that is kept for the next file leaves out no tags and follow-ups."""
    content = table([*HEADER, "标签", "跟进记录", "天气"], [*ROW, "行业:制造业", "寄了资料", "晴"])
    with acting_as("sunjiu") as session:
        plan = planned(session, content)
        assert plan.attached == {"标签": "tags", "跟进记录": "follow_up"}
        assert plan.mapping == {
            **dict(zip(HEADER, ("name", "customer_type", "contact_name", "phone"), strict=True)),
            "天气": "",
        }
        again = planned(session, content, mapping=plan.mapping)
        assert again.column_problems == ()
        again.apply()
        (customer,) = session.customers.find().records
        assert [tag.value for tag in customer.tags] == ["制造业"]
        assert session.records("follow_up").count() == 1


def test_a_saved_mapping_of_two_columns_of_one_name() -> None:
    """It names them by their letters, so that the next file of the kind is understood."""
    content = table([*HEADER, "手机"], [*ROW, "13912345678"])
    with acting_as("sunjiu") as session:
        plan = planned(session, content, mapping={"D": ""})
        assert plan.mapping["D"] == ""
        assert plan.mapping["E"] == "phone"
        planned(session, content, mapping=plan.mapping).apply()
        assert [view["phone"] for view in session.customers.find().records] == ["13912345678"]


def ambiguous() -> Configuration:
    """Return a configuration with two fields whose labels differ in a mark alone."""
    standard = standard_configuration()
    customer = standard.modules["customer"]
    labels = {"legal_representative": {"zh": "联系人-职务"}, "main_business": {"zh": "联系人/职务"}}
    fields = customer.fields.merged(
        {key: attrs.evolve(customer.fields[key], label=label) for key, label in labels.items()}
    )
    return attrs.evolve(standard, modules=standard.modules.set("customer", attrs.evolve(customer, fields=fields)))


def test_an_ambiguous_heading_is_asked_and_the_answer_kept() -> None:
    """A heading that may mean two fields is refused with both names; a mapping decides, and can be saved."""
    content = table([*HEADER, "联系人 职务"], [*ROW, "经理"])
    with acting_as("sunjiu", ambiguous()) as session:
        with pytest.raises(InvalidInputError) as caught:
            planned(session, content)
        assert caught.value.message("zh") == "E1：联系人 职务：该列可能是 联系人-职务、联系人/职务：请指定"
        plan = planned(session, content, mapping={"联系人 职务": "legal_representative"})
        saved = plan.mapping
        assert saved["联系人 职务"] == "legal_representative"
        planned(session, content, mapping=saved).apply()
        assert [view["legal_representative"] for view in session.customers.find().records] == ["经理"]


def test_a_mask_under_a_numbered_heading_is_no_value() -> None:
    """However a heading spells a field of which people see a part, what an export shows of it is not taken over."""
    with acting_as("sunjiu") as session:
        content = table([*HEADER, "5、证件号码"], [*ROW[:1], "个人客户", *ROW[2:], "****************29"])
        plan = planned(session, content)
        assert plan.columns["5、证件号码"] == "id_number"
        assert [problem.code for problem in plan.rejected[0].problems] == ["masked_value"]

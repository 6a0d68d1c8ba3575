"""What happens to headings that a mapping names."""

from tests.adapters.excel.sessions import acting_as, planned, table


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

"""Most rows are told to be data at a glance: those that are no data are so looked at closely as well."""

from hypothesis import given
from hypothesis import strategies as st

from custinfo.adapters.excel import _asides
from custinfo.adapters.excel._asides import aside_of
from custinfo.adapters.excel._cells import CellError

_CELLS = st.sampled_from(
    [
        *(
            "合计",
            "备注：截至三月",
            "审核：赵六",
            "共 2 条",
            "300",
            "￥3",
            "３",
            "甲公司",
            "乙",
            "3家",
            "日期：2024",
            "年: 1",
        ),
        *("(5)", "—", "*", "一、华东", None, 300, 2.5, CellError("#N/A")),
    ]
)


@given(st.lists(_CELLS, min_size=1, max_size=6))
def test_glance(values: list[object]) -> None:
    """Rows that a glance takes for data are data to those who look closely, too."""
    if _asides._is_full(values):
        assert aside_of(values, leading=False) is None

"""What the columns of an import told of a row is what an edit by hand would make of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import CLEAR, Workspace
from custinfo.adapters.excel._cells import CellError
from custinfo.core.records import Masked
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.context import Context
from custinfo.workspace.row_reading import RowReader
from custinfo.workspace.screening import RowScreen

KEYS = ("name", "customer_type", "phone", "uscc", "annual_budget", "status", "owner", "id_number", None)
ODD: tuple[object, ...] = (None, "", "\u200b", CLEAR, Masked("138****8000"), CellError("#N/A"), 5, "无")

rows = st.lists(
    st.tuples(
        st.sampled_from(["甲公司", " 乙公司 ", *ODD]),
        st.sampled_from(["企业客户", "enterprise", "别的", *ODD]),
        st.sampled_from(["13812345678", 13812345678, "139 0013 9000", "123", *ODD]),
        st.sampled_from(["91350100M000100Y43", "91110105MA0000000H", "bad", *ODD]),
        st.sampled_from(["80万", 5.5, "1,234.50", "很多", *ODD]),
        st.sampled_from(["高潜", "流失", *ODD]),
        st.sampled_from(["李四", "王五(销售一部-2组)", "谁", *ODD]),
        st.sampled_from([None, None, None, "11010519491231002X"]),
        st.sampled_from([None, "anything"]),
    ),
    min_size=1,
    max_size=8,
)


@contextmanager
def contexts() -> Iterator[Context]:
    """Give the context of somebody who may import."""
    people = sample_organisation()
    with (
        Workspace.open("memory://", standard_configuration(), organisation=people) as workspace,
        workspace.acting_as("sunjiu") as session,
    ):
        yield session.context


@settings(max_examples=150, deadline=None)
@given(table=rows)
def test_normalised(table: list[tuple[object, ...]]) -> None:
    """A row whose columns were read is the patch that the validator makes of it, problems and order included."""
    with contexts() as context:
        reader, validator = RowReader(context, "customer", KEYS), context.validator("customer")
        typed = RowScreen(context, "customer", KEYS).read(table)
        found = reader.found(list(enumerate(table, start=2)), range(len(table)), typed)
        for place, row in enumerate(table):
            expected = validator.normalise(reader.raw(row))
            assert list(found[place].patch.items()) == list(expected.patch.items())
            assert found[place].problems == expected.problems


def test_not_read_twice() -> None:
    """A bad phone is what most refused rows have: such a row is not parsed again, nor is one without a fault."""
    table: list[tuple[object, ...]] = [
        ("甲公司", "企业客户", "123", None, "80万", None, "李四", None, None),
        ("乙公司",) + (None,) * 8,
    ]
    with contexts() as context:
        reader = RowReader(context, "customer", KEYS)
        typed = RowScreen(context, "customer", KEYS).read(table)
        assert typed.wrong == {0}
        for place, row in enumerate(table):
            assert typed.normalised(place, reader.raw(row)) is not None

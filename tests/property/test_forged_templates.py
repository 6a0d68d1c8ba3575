"""Whatever a template says of itself: its columns mean what they say today, and it opens no way around the policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from custinfo import Grant, InvalidInputError, Session
from custinfo.adapters.excel import plan_import
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import COMPANY, acting_as, loaded, open_workspace, saved, template
from tests.adapters.excel.test_template_old import forged

FORMER: Final = "旧名"
"""A heading that means nothing today."""

UNKNOWN: Final = "gone"
CONFIGURATION: Final = standard_configuration().with_grants(Grant("sales", "customer", frozenset({"import"})))
"""Sales may import what they may write, which is not every field."""

KEYS: Final = (
    "name", "contact_name", "phone", "address", "uscc", "id_number", "bank_account", "submitted_by", "archive_status",
    "owner", "department", "id", "version", "created_by", "tags", UNKNOWN,
)  # fmt: skip
LABELS: Final = (*COMPANY, FORMER, "企业地址", "负责人", "A", "B", "AB", "标签", "错误原因", "原行号", "id", "")
PASSED: Final = ("旧值", "李四", "11010519491231002X", None)

offers = st.tuples(
    st.sampled_from(LABELS),
    st.sampled_from(["text", "integer", "nonsense"]),
    st.booleans(),
    st.sampled_from(["", "00000000"]),
)
manifests = st.tuples(
    st.sampled_from(["customer", "customer", "customer", "follow_up", "nobody"]),
    st.sampled_from(["zh", "en", "xx", ""]),
    st.integers(-1, 3),
    st.dictionaries(st.sampled_from(KEYS), offers, max_size=6),
    st.lists(st.sampled_from(KEYS), max_size=4),
)


@cache
def template_of_today() -> bytes:
    """Return a template of sales, filled in, with a column that means nothing today."""
    with acting_as("lisi", CONFIGURATION) as session:
        workbook = template(session)
    sheet = workbook.worksheets[0]
    columns = {cell.value.strip("*"): cell.column for cell in sheet[1]}
    for label, value in COMPANY.items():
        if label in columns:
            sheet.cell(2, columns[label], value)
    sheet.cell(1, sheet.max_column + 1, FORMER)
    return saved(workbook)


def with_passed(value: object) -> bytes:
    """Return the template with a value in the column that means nothing."""
    workbook = loaded(template_of_today())
    sheet = workbook.worksheets[0]
    sheet.cell(2, sheet.max_column, value)
    return saved(workbook)


FILES: Final = cache(with_passed)


def came(session: Session, content: bytes, **options: Any) -> Any:
    """Return what a file comes to: what each row is, with its problems, and each record that it makes."""
    try:
        plan = plan_import(session, "customer", content, **options)
    except InvalidInputError as error:
        return sorted((item.code, item.field or "") for item in error.problems)
    rows = [(row.row, row.outcome, sorted(item.code for item in row.problems)) for row in plan.rows]
    plan.apply()
    views = session.customers.find(limit=None).records
    return (dict(plan.columns), rows, [(dict(view), view.owner, view.department, view.tags) for view in views])


def meant(manifest: tuple[str, str, int, Mapping[str, tuple[Any, ...]], list[str]]) -> str | None:
    """Return what the column without a meaning was by a manifest, as one would say it in a mapping."""
    module, _, _, fields, _ = manifest
    if module != "customer":
        return None
    found = [key for key, (label, *_) in fields.items() if label == FORMER]
    known = [key for key in found if key not in ("department", "id", "version", "created_by", "tags", UNKNOWN)]
    return known[-1] if known else ("" if found else None)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(manifest=manifests, actor=st.sampled_from(["lisi", "sunjiu"]), passed=st.sampled_from(PASSED))
@example(("customer", "zh", 1, {UNKNOWN: ("B", "text", False, "")}, []), "lisi", None)
@example(("customer", "zh", 1, {UNKNOWN: ("联系人", "text", False, "")}, []), "lisi", None)
@example(("customer", "zh", 1, {"id_number": (FORMER, "text", False, "")}, []), "lisi", "11010519491231002X")
@example(("customer", "zh", 1, {"owner": (FORMER, "text", False, "")}, []), "lisi", "王五")
def test_a_template_says_no_more_than_a_mapping(manifest: Any, actor: str, passed: object) -> None:
    """Its columns are read as in any file; the one that means nothing is what its actor might have said it is."""
    name = meant(manifest)
    with open_workspace(CONFIGURATION) as one, one.acting_as(actor) as session:
        found = came(session, forged(FILES(passed), json.dumps(manifest)))
    with open_workspace(CONFIGURATION) as other, other.acting_as(actor) as session:
        expected = came(session, forged(FILES(passed), "[]"), mapping={} if name is None else {FORMER: name})
    assert found == expected


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.one_of(
        st.text(max_size=40),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=8,
        ).map(json.dumps),
    )
)
def test_what_a_template_says_may_be_anything(text: str) -> None:
    """A mark that says nothing makes the file one like any other."""
    with open_workspace(CONFIGURATION) as one, one.acting_as("lisi") as session:
        found = came(session, forged(FILES(None), text))
    with open_workspace(CONFIGURATION) as other, other.acting_as("lisi") as session:
        assert found == came(session, FILES(None))

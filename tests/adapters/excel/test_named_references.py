"""An export may name the records that others refer to by their titles; what would not lead back to them stays an id."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from custinfo import ANY, AwaitingApproval, DepartmentHead, Flow, Session, Step, Trigger
from custinfo.adapters.excel import export, plan_import
from custinfo.core.configuration import Configuration
from custinfo.core.policy.grants import ALL_FIELDS, Action, Fields, Grant
from custinfo.standard import standard_configuration
from tests.adapters.excel.sessions import COMPANY, acting_as, loaded, open_workspace, rows_of

ANOTHER = {**COMPANY, "客户名称": "上海样品贸易有限公司", "联系方式": "13800000009", "统一社会信用代码": None}


def customer(session: Session, values: Mapping[str, object]) -> str:
    """Save a customer, and return its id."""
    outcome = session.customers.create(values)
    assert not isinstance(outcome, AwaitingApproval)
    return outcome.record.id


def follow(session: Session, customer_id: str, content: str = "电话联系") -> None:
    """Save a follow-up of a customer."""
    session.records("follow_up").create({"customer": customer_id, "at": "2024-05-01", "content": content})


def named(session: Session, **options: Any) -> list[Any]:
    """Return the column of customers of an export of all follow-ups."""
    file = io.BytesIO()
    export(session, "follow_up", file, references="title", order_by=["content"], **options)
    return [row["客户"] for row in rows_of(loaded(file).active)]


def test_titles_lead_back() -> None:
    """Titles stand in place of ids; imported again as it is, the workbook changes nothing."""
    actions: frozenset[Action] = frozenset({"view", "create", "edit", "export", "import"})
    grant = Grant("sales", "follow_up", actions, "all", view=ALL_FIELDS, edit=ALL_FIELDS)
    standard = standard_configuration()
    with open_workspace(attrs.evolve(standard, grants=(*standard.grants, grant))).acting_as("lisi") as session:
        first, second = customer(session, COMPANY), customer(session, ANOTHER)
        for number, key in enumerate((first, second, first)):
            follow(session, key, f"第{number}次")
        assert named(session) == [COMPANY["客户名称"], ANOTHER["客户名称"], COMPANY["客户名称"]]
        file = io.BytesIO()
        export(session, "follow_up", file, references="title", fields=["id", "客户", "跟进时间", "跟进内容"])
        counts = plan_import(session, "follow_up", file.getvalue()).counts
        assert (counts.unchanged, counts.creates, counts.updates, counts.rejected) == (3, 0, 0, 0)


def test_ids_are_the_default() -> None:
    """Without being asked, an export has ids."""
    with acting_as("lisi") as session:
        key = customer(session, COMPANY)
        follow(session, key)
        file = io.BytesIO()
        export(session, "follow_up", file)
        assert [row["客户"] for row in rows_of(loaded(file).active)] == [key]


def test_a_misspelt_form() -> None:
    """Another word than the two is named."""
    with acting_as("lisi") as session, pytest.raises(ValueError, match="references must be one of id, title"):
        export(session, "follow_up", io.BytesIO(), references="titles")  # type: ignore[arg-type]


def test_two_of_one_title() -> None:
    """A title that names two records would lead nowhere: ids stay."""
    with acting_as("lisi") as session:
        first = customer(session, COMPANY)
        second = customer(session, {**ANOTHER, "客户名称": COMPANY["客户名称"]})
        follow(session, first, "1")
        follow(session, second, "2")
        assert named(session) == [first, second]


def test_archived_records() -> None:
    """An import finds no archived record by its title: the id stays."""
    with acting_as("lisi") as session:
        key = customer(session, COMPANY)
        follow(session, key)
        session.customers.archive(key, version=ANY)
        assert named(session) == [key]


def test_a_title_that_looks_like_an_id() -> None:
    """A title that is the id of another record would lead there."""
    with acting_as("lisi") as session:
        first = customer(session, COMPANY)
        second = customer(session, {**ANOTHER, "客户名称": first})
        follow(session, second)
        assert named(session) == [second]


def granted(*grants: Grant) -> Configuration:
    """Return the standard configuration in which customer service has these grants alone."""
    standard = standard_configuration()
    kept = [grant for grant in standard.grants if grant.role != "customer_service"]
    return attrs.evolve(standard, grants=(*kept, *grants))


def reading(module: str, *actions: Action, fields: Fields = ALL_FIELDS) -> Grant:
    """Let customer service do something with all records of a module."""
    return Grant("customer_service", module, frozenset(actions), "all", view=fields)


@pytest.mark.parametrize(
    "grants",
    [
        (),
        (reading("customer", "view"),),
        (reading("customer", "view", "export", fields=Fields.only("phone")),),
    ],
    ids=["not to be seen", "not to be exported", "title hidden"],
)
def test_rights_on_the_other_record(grants: tuple[Grant, ...]) -> None:
    """Whoever may export follow-ups sees titles of those customers alone that they may export with their title."""
    configuration = granted(reading("follow_up", "view", "export"), *grants)
    workspace = open_workspace(configuration)
    with workspace.acting_as("lisi") as session:
        key = customer(session, COMPANY)
        follow(session, key)
    with workspace.acting_as("liuqi") as session:
        assert named(session) == [key]
    with open_workspace(configuration).acting_as("lisi") as session:
        follow(session, customer(session, COMPANY))
        assert named(session) == [COMPANY["客户名称"]]


def test_titles_that_leave_by_approval() -> None:
    """Where a flow on exports asks for the title, there is no way around it."""
    step = Step("head", (DepartmentHead("submitter"),))
    flow = Flow("names", Trigger("customer", actions=("export",), fields=("name",)), (step,), {"zh": "导出名称"})
    with open_workspace(standard_configuration().with_flows(flow)).acting_as("lisi") as session:
        key = customer(session, COMPANY)
        follow(session, key)
        assert named(session) == [key]


def test_sensitive_titles() -> None:
    """Who may read them may export them, where they are asked for by their name; reading them here is not logged."""
    standard = standard_configuration().change_field("customer", "name", sensitivity="sensitive")
    name = Fields.only("name")
    grant = Grant("sales", "customer", frozenset({"view", "create", "export"}), "all", view=name, edit=name)
    with open_workspace(attrs.evolve(standard, grants=(*standard.grants, grant))).acting_as("lisi") as session:
        key = customer(session, COMPANY)
        follow(session, key)
        assert session.customers.get(key)["name"] == COMPANY["客户名称"]
        assert named(session) == [key]


def test_masked_references() -> None:
    """A reference that is shown masked is no id, and stays masked."""
    follow_ups = Grant(
        "customer_service",
        "follow_up",
        frozenset({"view", "export"}),
        "all",
        view=Fields.everything_but("customer"),
        mask={"customer": "full"},
    )
    workspace = open_workspace(granted(follow_ups, reading("customer", "view", "export")))
    with workspace.acting_as("lisi") as session:
        follow(session, customer(session, COMPANY))
    with workspace.acting_as("liuqi") as session:
        (shown,) = named(session)
        assert set(shown) == {"*"}

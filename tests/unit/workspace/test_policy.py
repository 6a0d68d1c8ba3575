"""Who sees and does what under the standard policy, on both stores; the expectations are written by hand."""

from __future__ import annotations

import pytest

from custinfo import ANY, F, Masked, NotFoundError, PermissionDeniedError, RecordView, Workspace
from tests.unit.workspace.story import Story

NAMES = {
    "lisi": "李四的客户",
    "wangwu": "王五的客户",
}


@pytest.fixture
def customers(story: Story) -> dict[str, RecordView]:
    """One customer of 李四, one won customer of 王五, and one of the service centre."""
    return {
        "lisi": story.customer("lisi", name="李四的客户", email="a@example.com"),
        "wangwu": story.won("wangwu", name="王五的客户", uscc=None, paid_amount="300000", paid_on="2024-05-01"),
        "data": story.individual("sunjiu", name="数据部的客户"),
    }


@pytest.mark.parametrize(
    ("actor", "names"),
    [
        ("lisi", {"李四的客户"}),
        ("wangwu", {"王五的客户"}),
        ("zhangsan", {"李四的客户"}),
        ("zhaojl", {"李四的客户", "王五的客户"}),
        ("liuqi", {"李四的客户", "王五的客户", "数据部的客户"}),
        ("qianba", {"王五的客户"}),
        ("sunjiu", {"李四的客户", "王五的客户", "数据部的客户"}),
        ("zhoushi", {"李四的客户", "王五的客户", "数据部的客户"}),
    ],
)
def test_rows(workspace: Workspace, customers: dict[str, RecordView], actor: str, names: set[str]) -> None:
    """Each role finds, counts and gets just its records."""
    with workspace.acting_as(actor) as session:
        assert {record["name"] for record in session.customers.find().records} == names
        assert session.customers.count() == len(names)
        assert sum(session.customers.distribution("name").values()) == len(names)
        for record in customers.values():
            try:
                seen = session.customers.get(record.id)["name"] in names
            except NotFoundError:
                seen = False
            assert seen == (record.id in {found.id for found in session.customers.find().records})


def test_system_administrator_sees_no_rows(workspace: Workspace, customers: dict[str, RecordView]) -> None:
    """Who configures does not read."""
    with workspace.acting_as("admin") as session:
        with pytest.raises(PermissionDeniedError):
            session.customers.find()
        with pytest.raises(NotFoundError):
            session.customers.get(customers["lisi"].id)


def test_finance_sees_payments_of_won_customers_only(workspace: Workspace, customers: dict[str, RecordView]) -> None:
    """Finance reads the name and the payment fields of won customers, and nothing else of them."""
    with workspace.acting_as("qianba") as session:
        (view,) = session.customers.find().records
        assert set(view.values) == {"name", "paid_amount", "paid_on"}
        assert view.owner is None
        assert view.tags == frozenset()
        for hidden in ("phone", "status", "owner", "created_at", "id_number", "no_such_field"):
            with pytest.raises(KeyError):
                view[hidden]
        with pytest.raises(NotFoundError):
            session.customers.get(customers["lisi"].id)


@pytest.mark.parametrize(
    ("actor", "number"),
    [("lisi", None), ("liuqi", None), ("sunjiu", Masked("****002X")), ("zhoushi", "11010519491231002X")],
)
def test_identity_numbers(workspace: Workspace, story: Story, actor: str, number: object) -> None:
    """Only the senior administrator reads an identity number, the data administrator its last four."""
    record = story.individual("lisi")
    with workspace.acting_as(actor) as session:
        assert session.customers.get(record.id).values.get("id_number") == number


@pytest.mark.parametrize(
    ("actor", "account"),
    [
        ("lisi", None),
        ("zhangsan", None),
        ("liuqi", None),
        ("zhaojl", Masked("****3445")),
        ("sunjiu", Masked("****3445")),
        ("zhoushi", "工行 6222020200112233445"),
    ],
)
def test_bank_accounts(workspace: Workspace, story: Story, actor: str, account: object) -> None:
    """A sensitive field is reached by roles that name it only."""
    record = story.customer("lisi")
    with workspace.acting_as("sunjiu") as session:
        session.customers.update(record.id, {"bank_account": "工行 6222020200112233445"}, version=ANY)
    with workspace.acting_as(actor) as session:
        assert session.customers.get(record.id).values.get("bank_account") == account


def test_service_sees_masked_phones(workspace: Workspace, customers: dict[str, RecordView]) -> None:
    """Service reads every customer, with the phone masked, and changes nothing but the identity number."""
    with workspace.acting_as("liuqi") as session:
        view = session.customers.get(customers["lisi"].id)
        assert view["phone"] == Masked("138****5678")
        assert str(view["phone"]) == "138****5678"
        with pytest.raises(PermissionDeniedError):
            session.customers.update(view.id, {"email": "x@example.com"}, version=ANY)


@pytest.mark.parametrize(
    "question",
    [
        lambda session: session.customers.find(F.phone == "13812345678"),
        lambda session: session.customers.find(~(F.phone == "13812345678")),
        lambda session: session.customers.find(F.phone.is_present()),
        lambda session: session.customers.find((F.name == "x") | F.phone.starts_with("138")),
        lambda session: session.customers.find(order_by=["phone"]),
        lambda session: session.customers.find(order_by=["-phone"]),
        lambda session: session.customers.count(F.phone == "13812345678"),
        lambda session: session.customers.distribution("phone"),
        lambda session: session.customers.distribution("industry", F.phone == "13812345678"),
        lambda session: session.customers.find(F.id_number.is_present()),
        lambda session: session.customers.distribution("bank_account"),
    ],
)
def test_unreadable_fields_are_not_searched(
    workspace: Workspace, customers: dict[str, RecordView], question: object
) -> None:
    """A filter, sort or group on a field that the actor may read nowhere is refused."""
    assert callable(question)
    with workspace.acting_as("liuqi") as session, pytest.raises(PermissionDeniedError) as caught:
        question(session)
    assert caught.value.code == "field_not_readable"


def test_a_field_readable_on_some_records_is_searched_there_only(story: Story) -> None:
    """Where a field is readable on part of the records, the query is joined with that part."""
    story.won("wangwu", uscc=None, paid_amount="300000")
    story.customer("lisi", paid_amount="500000")
    with story.workspace.acting_as("qianba") as session:
        assert session.customers.count(F.paid_amount >= 1) == 1
        assert session.customers.count(~(F.paid_amount >= 400_000)) == 1
        assert session.customers.distribution("paid_amount") == {300_000: 1}
        with pytest.raises(PermissionDeniedError):
            session.customers.count(F.status == "成交")
        with pytest.raises(PermissionDeniedError):
            session.customers.find(order_by=["created_at"])


def test_team_leads_and_managers_do_not_edit_customers(workspace: Workspace, customers: dict[str, RecordView]) -> None:
    """Leads and managers look, managers transfer; neither edits customer fields."""
    for actor in ("zhangsan", "zhaojl"):
        with workspace.acting_as(actor) as session, pytest.raises(PermissionDeniedError):
            session.customers.update(customers["lisi"].id, {"email": "x@example.com"}, version=ANY)


def test_writing_an_unreadable_value_confirms_nothing(story: Story) -> None:
    """Submitting the identity number that is stored looks just like submitting another one."""
    record = story.individual()
    outcomes = []
    for guess in ("11010519491231002X", "110101194912310016"):
        with story.workspace.acting_as("liuqi") as session:
            outcome = session.customers.update(record.id, {"id_number": guess}, version=ANY)
        outcomes.append(type(outcome).__name__)
        with story.workspace.acting_as("liuqi") as session:
            (request,) = [item for item in session.approvals.submitted() if item.state == "pending"]
            assert dict(request.proposed) == {}
            assert dict(request.base) == {}
            session.approvals.withdraw(request.id)
    assert outcomes == ["AwaitingApproval", "AwaitingApproval"]


def test_explain_names_grant_and_clause(story: Story) -> None:
    """An explanation says which grant allowed, or which clause of each failed."""
    record = story.customer("lisi")
    with story.workspace.acting_as("lisi") as session:
        yes = session.explain("update", "customer", record.id)
        assert yes.allowed
        assert [finding.clause for finding in yes.findings] == ["action", "allows"]
        no = session.explain("transfer", "customer", record.id)
        assert not no.allowed
        assert {finding.clause for finding in no.findings} == {"action"}
        assert "lisi may not transfer customer" in no.text()
    with story.workspace.acting_as("qianba") as session:
        assert session.explain("view", "customer").allowed
        assert not session.explain("view", "customer", record.id)
        assert session.explain("view", "customer", record.id) == session.explain("view", "customer", "nonsense")
        with pytest.raises(ValueError, match="unknown action"):
            session.explain("fly", "customer")

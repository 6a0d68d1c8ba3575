"""Shorthand for the beginnings of tests: customers that somebody has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from custinfo import ANY, Applied, AwaitingApproval, RecordView, RequestView, Workspace
from custinfo.workspace.tagging import TagInput

ENTERPRISE = {
    "name": "北京示例科技有限公司",
    "customer_type": "企业客户",
    "contact_name": "张三",
    "phone": "13812345678",
    "uscc": "91350100M000100Y43",
}
INDIVIDUAL = {
    "name": "王小明",
    "customer_type": "个人客户",
    "contact_name": "王小明",
    "phone": "13900139000",
    "birthday": "1949-12-31",
}
IDENTITY_NUMBER = "11010519491231002X"
WON = {"status": "成交", "contract_amount": "1200000", "effective_on": "2024-04-01"}


@attrs.frozen
class Story:
    """Make records in a workspace, each in a transaction of its own."""

    workspace: Workspace

    def customer(self, owner: str = "lisi", tags: TagInput = (), **values: Any) -> RecordView:
        """Create a customer of `owner`, an enterprise unless said otherwise, and return it as they see it."""
        with self.workspace.acting_as(owner) as session:
            outcome = session.customers.create({**ENTERPRISE, **values}, tags=tags)
        return applied(outcome)

    def individual(self, owner: str = "lisi", id_number: str | None = IDENTITY_NUMBER, **values: Any) -> RecordView:
        """Create an individual with an identity number, entered by the data administrator."""
        raw = {**INDIVIDUAL, "owner": owner, **values}
        with self.workspace.acting_as("sunjiu") as session:
            outcome = session.customers.create(raw if id_number is None else {**raw, "id_number": id_number})
        return applied(outcome)

    def won(self, owner: str = "lisi", **values: Any) -> RecordView:
        """Create a won customer."""
        return self.customer(owner, **{**WON, **values})

    def view(self, actor: str, record: RecordView | str) -> RecordView:
        """Return a record as `actor` sees it."""
        with self.workspace.acting_as(actor) as session:
            return session.customers.get(record if isinstance(record, str) else record.id)

    def update(self, actor: str, record: RecordView, values: Mapping[str, object]) -> RecordView:
        """Change a record that needs no approval for it."""
        with self.workspace.acting_as(actor) as session:
            return applied(session.customers.update(record.id, values, version=ANY))

    def submit(self, actor: str, record: RecordView, values: Mapping[str, object]) -> RequestView:
        """Change a record in a way that needs approval."""
        with self.workspace.acting_as(actor) as session:
            outcome = session.customers.update(record.id, values, version=ANY, reason="测试")
        assert isinstance(outcome, AwaitingApproval)
        return outcome.request

    def approve(self, actor: str, request: RequestView) -> RequestView:
        """Approve a request."""
        with self.workspace.acting_as(actor) as session:
            return session.approvals.approve(request.id, comment="同意")


def applied(outcome: object) -> RecordView:
    """Return the record of a change that took effect at once."""
    assert isinstance(outcome, Applied)
    return outcome.record

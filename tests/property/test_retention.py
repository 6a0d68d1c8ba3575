"""What a retention rule is said to do is what it does, whoever applies it, whatever is in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from custinfo import ANY, ERASED, F, Flow, Grant, NamedMember, RetentionRule, Step, Trigger, Workspace
from custinfo.adapters.crypto import Keyring
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.session import Session

NOW = datetime(2030, 1, 15, 4, tzinfo=UTC)
MONTHS = 12
WHICH = F.status == "休眠"
RULES = {
    "archive": RetentionRule("archive", "customer", "created_at", MONTHS, "archive", WHICH),
    "erase": RetentionRule("erase", "customer", "created_at", MONTHS, "erase", WHICH, ("address", "email")),
}
CHECK = (Step("check", (NamedMember("zhoushi"),)),)
CONFIGURATION = (
    standard_configuration()
    .with_retention(*RULES.values())
    .with_flows(
        Flow("away", Trigger("customer", ("archive",), after=F.annual_budget >= 500_000), CHECK),
        Flow("gone", Trigger("customer", ("erase",), before=F.annual_budget >= 500_000), CHECK),
        Flow("moved", Trigger("customer", ("update",), fields=("address",)), CHECK),
    )
    .with_grants(Grant("sales", "customer", frozenset({"archive", "erase"})))
)
KEYRING = Keyring.generate()


@attrs.frozen
class Customer:
    """A customer as it is made: how old, and what is in the way."""

    months: int
    dormant: bool
    owner: str
    large: bool
    address: bool
    reserved: bool
    archived: bool

    def is_due(self, rule: str, actor: str) -> bool:
        """Tell by hand whether the rule is about it."""
        mine = actor in ("sunjiu", self.owner)
        left = not self.archived if rule == "archive" else self.address
        return self.dormant and self.months > MONTHS and mine and left


CUSTOMERS = st.builds(
    Customer,
    st.sampled_from((1, 11, 13, 40)),
    st.booleans(),
    st.sampled_from(("lisi", "wangwu")),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def made(workspace: Workspace, moment: list[datetime], number: int, customer: Customer) -> str:
    """Make a customer."""
    moment[0] = NOW - timedelta(days=31 * customer.months if customer.months > MONTHS else 28 * customer.months)
    values = {
        "name": f"公司{number}",
        "customer_type": "企业客户",
        "contact_name": "张三",
        "phone": "13812345678",
        "status": "休眠" if customer.dormant else "高潜",
        "annual_budget": "800000" if customer.large else "1000",
        "address": "北京路1号" if customer.address else None,
    }
    with workspace.acting_as(customer.owner) as session:
        key = str(session.customers.create(values).record.id)  # type: ignore[union-attr]  # no flow gates it
    with workspace.acting_as("sunjiu") as session:
        if customer.archived and not customer.large:
            session.customers.archive(key, version=ANY)
        elif customer.reserved:
            session.customers.update(key, {"address": "南京路2号"}, version=ANY)
    return key


def previewed(session: Session, rule: str, limit: int) -> dict[str, str]:
    """Return record → outcome, page by page."""
    found: dict[str, str] = {}
    after: str | None = None
    while True:
        page = session.retention.preview(rule, limit=limit, after=after)
        found |= {item.record.id: item.outcome for item in page.items}
        after = page.next
        if after is None:
            assert page.due == len(found)
            return found


@settings(max_examples=40)
@given(
    st.lists(CUSTOMERS, min_size=1, max_size=6),
    st.sampled_from(("archive", "erase")),
    st.sampled_from(("sunjiu", "lisi")),
    st.integers(1, 4),
)
def test_preview_is_what_applying_does(customers: list[Customer], rule: str, actor: str, limit: int) -> None:
    """Each record that is due, and no other, comes out as foreseen; of what was done nothing is due again."""
    moment = [NOW]
    workspace = Workspace.open(
        "memory://", CONFIGURATION, organisation=sample_organisation(), keyring=KEYRING, clock=lambda: moment[0]
    )
    with workspace:
        keys = {made(workspace, moment, number, item): item for number, item in enumerate(customers)}
        moment[0] = NOW
        with workspace.acting_as("zhoushi") as session:
            before = {key: session.customers.get(key) for key in keys}
        real = {key: attrs.evolve(item, archived=before[key].archived_at is not None) for key, item in keys.items()}
        with workspace.acting_as(actor) as session:
            foreseen = previewed(session, rule, limit)
        assert set(foreseen) == {key for key, item in real.items() if item.is_due(rule, actor)}
        with workspace.acting_as(actor) as session:
            report = session.retention.apply(rule)
        counts = [sum(outcome == name for outcome in foreseen.values()) for name in ("applied", "awaiting", "refused")]
        assert [report.applied, report.awaiting, len(report.refused)] == counts
        assert {item.record_id for item in report.refused} == {
            key for key, outcome in foreseen.items() if outcome == "refused"
        }
        with workspace.acting_as("zhoushi") as session:
            for key, old in before.items():
                new = session.customers.get(key)
                assert (new.version > old.version) == (foreseen.get(key) == "applied")
                if foreseen.get(key) == "applied":
                    [*_, change] = session.customers.history(key)
                    assert (change.channel, change.reason) == ("retention", f"retention rule {rule}")
                    assert (new.archived_at is not None) if rule == "archive" else ("address" not in new)
                    assert rule == "archive" or change.fields["address"] == (ERASED, None)
        with workspace.acting_as(actor) as session:
            left = previewed(session, rule, 10)
        assert set(left) == {key for key, outcome in foreseen.items() if outcome != "applied"}
        assert set(left.values()) <= {"refused"}

"""Without the keyring encrypted values are unreadable, and everything else works (FLD-7)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs
import pytest

from custinfo import (
    ANY,
    UNREADABLE,
    ConfigurationError,
    F,
    InvalidInputError,
    RetentionRule,
    StaleVersionError,
    SubjectAccess,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.core.approval.flows import NamedMember
from custinfo.core.policy.grants import Fields, Grant
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.session import Session
from tests.unit.workspace.story import IDENTITY_NUMBER, Story

KEYRING: Final = Keyring({"k1": b"k" * 32}, current="k1", index_key=b"i" * 32)
CONFIGURATION: Final = standard_configuration().with_retention(
    RetentionRule("old", "customer", "created_at", 12, "archive")
)
ROW: Final = "客户名称,客户类型,联系人,联系方式,职业\n王小明,个人客户,王小明,13900139000,医生\n".encode()


@pytest.fixture
def store() -> Iterator[SqlAlchemyUnits]:
    """A store with somebody who has an identity number, and a request for another one."""
    units = SqlAlchemyUnits.open("sqlite://")
    yield units
    units.dispose()


def opened(units: SqlAlchemyUnits, keyring: Keyring | None) -> Workspace:
    """Return a workspace on the store."""
    return Workspace(CONFIGURATION, units=units, organisation=sample_organisation(), keyring=keyring)


@pytest.fixture
def person(store: SqlAlchemyUnits) -> str:
    """The id of the person."""
    story = Story(opened(store, KEYRING))
    made = story.individual(birthday=None)
    story.update("sunjiu", made, {"region": "上海"})
    story.submit("lisi", made, {"id_number": "110101194912310016"})
    return made.id


def test_an_amendment_that_would_be_encrypted(store: SqlAlchemyUnits) -> None:
    """An approver who changes an encrypted value is told that there is no keyring, and the request stays as it was."""
    flow = CONFIGURATION.flows["sensitive_field"]
    step = attrs.evolve(flow.steps[0], approvers=(NamedMember("zhoushi"),), amends=("id_number",))
    edit = Grant("senior_administrator", "customer", frozenset({"edit"}), "all", edit=Fields.only("id_number"))
    configuration = CONFIGURATION.with_flows(attrs.evolve(flow, steps=(step,))).with_grants(edit)
    workspaces = [
        Workspace(configuration, units=store, organisation=sample_organisation(), keyring=keyring)
        for keyring in (KEYRING, None)
    ]
    story = Story(workspaces[0])
    request = story.submit("lisi", story.individual(), {"id_number": "110101194912310016"})
    with workspaces[1].acting_as("zhoushi") as session, pytest.raises(InvalidInputError) as caught:
        session.approvals.approve(request.id, amend={"id_number": IDENTITY_NUMBER})
    assert [(item.code, item.field) for item in caught.value.problems] == [("keyring_missing", "id_number")]
    assert story.approve("zhoushi", request).state == "applied"


def told(session: Session, person: str) -> str:
    """Return what is held about the person."""
    answer, text = session.customers.subject_access(person), io.StringIO()
    assert isinstance(answer, SubjectAccess)
    answer.write_json(text)
    return text.getvalue()


READ: Final[tuple[tuple[str, Callable[[Session, str], Any], Any], ...]] = (
    ("get", lambda session, key: session.customers.get(key)["id_number"], UNREADABLE),
    ("text", lambda session, key: session.customers.get(key).text("证件号码"), "无法解密"),
    ("find", lambda session, _: [item["id_number"] for item in session.customers.find().records], [UNREADABLE]),
    ("present", lambda session, _: session.customers.count(F.id_number.is_present()), 1),
    ("history", lambda session, key: session.customers.history(key)[0].fields["id_number"], (None, UNREADABLE)),
    ("diff", lambda session, key: session.customers.diff(key, 1, 2), {"region": (None, "上海")}),
    ("changes", lambda session, _: len(list(session.changes())), 2),
    ("subject_access", lambda session, key: '"complete": false' in told(session, key), True),
    ("export", lambda session, _: export(session, "customer", io.BytesIO()).rows, 1),  # type: ignore[union-attr]
)
WRITE: Final[tuple[tuple[str, Callable[[Session, str], Any]], ...]] = (
    ("update", lambda session, key: session.customers.update(key, {"occupation": "教师"}, version=ANY)),
    ("revert", lambda session, key: session.customers.revert(key, to_version=1, version=ANY)),
    ("tag", lambda session, key: session.customers.tag(key, ("需求", "培训"), version=ANY)),
    ("archive", lambda session, key: session.customers.archive(key, version=ANY)),
    ("approve", lambda session, _: session.approvals.approve(session.approvals.inbox()[0].request_id)),
    ("import", lambda session, _: plan_import(session, "customer", ROW, match=["name"]).apply()),
    ("retention", lambda session, _: session.retention.apply("old")),
)


@pytest.mark.parametrize(("verb", "ask", "expected"), READ, ids=[row[0] for row in READ])
def test_everything_is_read(store: SqlAlchemyUnits, person: str, verb: str, ask: Any, expected: Any) -> None:
    """Whoever may read the number is told that nobody can."""
    with opened(store, None).acting_as("zhoushi") as session:
        assert ask(session, person) == expected


@pytest.mark.parametrize(("verb", "work"), WRITE, ids=[row[0] for row in WRITE])
def test_everything_else_is_changed(store: SqlAlchemyUnits, person: str, verb: str, work: Any) -> None:
    """And with the key again, the number is there as before, or as it was approved."""
    with opened(store, None).acting_as("sunjiu") as session:
        work(session, person)
    with opened(store, KEYRING).acting_as("zhoushi") as session:
        expected = "110101194912310016" if verb == "approve" else IDENTITY_NUMBER
        assert session.customers.get(person)["id_number"] == expected
    assert opened(store, None).check_integrity().ok


def test_what_needs_the_key_says_so(store: SqlAlchemyUnits, person: str) -> None:
    """Writing or searching the number, and what is about keys."""
    workspace = opened(store, None)
    with workspace.acting_as("zhoushi") as session, pytest.raises(InvalidInputError) as asked:
        session.customers.find(F.id_number == IDENTITY_NUMBER)
    assert asked.value.code == "keyring_missing"
    with pytest.raises(ConfigurationError):
        workspace.rotate_keys()
    with pytest.raises(ConfigurationError):
        workspace.verify()


def test_a_revert_says_what_changed_since(store: SqlAlchemyUnits, person: str) -> None:
    """Whoever read an older version is told the fields that changed since, as far as they see them."""
    with opened(store, KEYRING).acting_as("sunjiu") as session:
        session.customers.tag(person, ("需求", "培训"), version=ANY)
        with pytest.raises(StaleVersionError) as caught:
            session.customers.revert(person, to_version=1, version=1)
    found = [(problem.code, problem.field) for problem in caught.value.problems]
    assert found == [("stale_version", None), ("changed_since_read", "region"), ("changed_since_read", "tags")]

"""The write path: what is refused, all at once, with nothing saved."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from custinfo import (
    ANY,
    CLEAR,
    Applied,
    F,
    InvalidInputError,
    Masked,
    NotFoundError,
    PermissionDeniedError,
    SessionEndedError,
    StaleVersionError,
    Workspace,
)
from custinfo.adapters.memory import MemoryUnits
from custinfo.core.policy.grants import Fields, Grant
from custinfo.standard import sample_organisation, standard_configuration
from tests.unit.workspace.story import ENTERPRISE, WON, Story, applied


def codes(error: InvalidInputError | PermissionDeniedError) -> set[tuple[str, str | None]]:
    """Return (field, code) of every problem."""
    return {(problem.field or "", problem.code) for problem in error.problems}


def test_all_problems_at_once(workspace: Workspace) -> None:
    """Unknown names, wrong forms, missing values, broken rules and clashes are told together; nothing is saved."""
    with workspace.acting_as("lisi") as session:
        session.customers.create(ENTERPRISE)
        with pytest.raises(InvalidInputError) as caught:
            session.customers.create(
                {
                    "customer_type": "企业客户",
                    "phone": "123",
                    "email": "nobody",
                    "uscc": "91350100M000100Y43",
                    "industry": "炼金术",
                    "status": "成交",
                    "contract_amount": "-5",
                    "birthday": "1990-01-01",
                    "colour": "red",
                    "created_at": "2020-01-01",
                }
            )
        assert codes(caught.value) == {
            ("name", "required"),
            ("contact_name", "required"),
            ("phone", "invalid_phone"),
            ("email", "invalid_email"),
            ("uscc", "not_unique"),
            ("industry", "unknown_choice"),
            ("effective_on", "required_when"),
            ("contract_amount", "too_small"),
            ("birthday", "not_applicable"),
            ("colour", "unknown_field"),
            ("created_at", "read_only_field"),
        }
        assert "必填" in caught.value.message("zh")
        assert "a value is required" in caught.value.message("en")
        assert session.customers.count() == 1


def test_a_problem_tells_no_value(workspace: Workspace) -> None:
    """Neither the text nor the representation of an error holds what was typed."""
    with workspace.acting_as("lisi") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.create({**ENTERPRISE, "phone": "13812345678999", "email": "secret-address"})
    for text in (str(caught.value), repr(caught.value), caught.value.message("zh"), repr(caught.value.problems)):
        assert "13812345678999" not in text
        assert "secret-address" not in text


def test_version_is_checked(story: Story) -> None:
    """Who read an older version is told, and nothing is overwritten."""
    record = story.customer()
    story.update("lisi", record, {"email": "a@example.com"})
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(StaleVersionError):
            session.customers.update(record.id, {"email": "b@example.com"}, version=record.version)
        assert session.customers.get(record.id)["email"] == "a@example.com"
        with pytest.raises(TypeError):
            session.customers.update(record.id, {"email": "b@example.com"})  # type: ignore[call-arg]


def told_of_stale(workspace: Workspace, actor: str, record_id: str, version: int) -> list[tuple[str, str]]:
    """Return (code, label) of what somebody is told who changes an address as it was at an old version."""
    with workspace.acting_as(actor) as session, pytest.raises(StaleVersionError) as caught:
        session.customers.update(record_id, {"address": "苏州市"}, version=version)
    return [(problem.code, problem.label_in("en")) for problem in caught.value.problems]


def test_a_stale_version_names_what_changed_since(story: Story) -> None:
    """Who was too late is told the fields that changed since they read the record."""
    record = story.customer()
    story.update("lisi", record, {"email": "a@example.com"})
    story.update("lisi", record, {"annual_budget": "50万"})
    stale, budget = ("stale_version", ""), ("changed_since_read", "Annual budget")
    told = [told_of_stale(story.workspace, "lisi", record.id, version) for version in (1, 2)]
    assert told == [[stale, ("changed_since_read", "E-mail"), budget], [stale, budget]]
    for version in (-1, 0, 9):  # nobody can have read it
        assert told_of_stale(story.workspace, "lisi", record.id, version) == [stale]


def test_a_stale_version_names_nothing_that_is_hidden(story: Story) -> None:
    """Who may change what they see in part, or not at all, is told of no field that they don't see."""
    record = story.customer()
    story.update("lisi", record, {"email": "a@example.com", "main_business": "机床"})
    address, business = Fields.only("address"), Fields.only("address", "main_business")
    finance = Grant("finance", "customer", frozenset({"view", "edit"}), "all", view=business, edit=address)
    service = Grant("customer_service", "customer", frozenset({"edit"}), "all", edit=address)
    with story.workspace.acting_as("admin") as session:
        known = session.configuration.current
        grants = [grant for grant in known.grants if grant.role not in ("finance", "customer_service")]
        session.configuration.change(attrs.evolve(known, grants=(*grants, finance, service)))
    stale = ("stale_version", "")
    assert told_of_stale(story.workspace, "qianba", record.id, 1) == [stale, ("changed_since_read", "Main business")]
    assert told_of_stale(story.workspace, "liuqi", record.id, 1) == [stale]


def test_nothing_different_makes_no_version(story: Story) -> None:
    """Writing what is there already is applied without a new version or a change in the history."""
    record = story.customer()
    with story.workspace.acting_as("lisi") as session:
        outcome = session.customers.update(record.id, {"phone": "138-1234-5678"}, version=record.version)
        assert applied(outcome).version == 1
        assert len(session.customers.history(record.id)) == 1


@pytest.mark.parametrize("blank", [CLEAR, None, "", " 　"])
def test_blank_clears(story: Story, blank: object) -> None:
    """A blank or CLEAR removes a value, fields that are not named stay, and a required value cannot be removed."""
    record = story.customer(email="a@example.com", address="北京")
    after = story.update("lisi", record, {"email": blank})
    assert after["email"] is None
    assert after["address"] == "北京"
    with story.workspace.acting_as("lisi") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.update(record.id, {"contact_name": blank}, version=ANY)
    assert codes(caught.value) == {("contact_name", "required")}


def test_what_a_state_requires_stays(story: Story) -> None:
    """A won customer keeps its contract amount and effective date."""
    record = story.won()
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.update(record.id, {"contract_amount": None}, version=ANY)
        assert codes(caught.value) == {("contract_amount", "required_when")}
        for key in WON:
            assert session.customers.get(record.id)[key] is not None


def test_masked_values_are_not_written_back(story: Story) -> None:
    """What was read masked is refused, on its own type."""
    record = story.individual()
    masked = story.view("sunjiu", record)["id_number"]
    assert masked == Masked("****002X")
    with story.workspace.acting_as("sunjiu") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.update(record.id, {"id_number": masked}, version=ANY)
    assert codes(caught.value) == {("id_number", "masked_value")}


def test_refused_fields_are_named(story: Story) -> None:
    """Every field that the actor may not edit is named, and nothing is saved."""
    record = story.customer()
    with story.workspace.acting_as("liuqi") as session:
        with pytest.raises(PermissionDeniedError) as caught:
            session.customers.update(record.id, {"name": "别的名字", "address": "上海"}, version=ANY)
        assert codes(caught.value) == {("name", "field_not_editable"), ("address", "field_not_editable")}
        assert session.customers.get(record.id)["name"] == ENTERPRISE["name"]


def test_records_of_others_do_not_exist(story: Story) -> None:
    """A record out of reach gives the same answer as one that does not exist, for reading and for writing."""
    record = story.customer("lisi")
    with story.workspace.acting_as("wangwu") as session:
        answers = set()
        for record_id in (record.id, "01900000-0000-7000-8000-000000000000", "nonsense"):
            for call in (
                lambda key: session.customers.get(key),
                lambda key: session.customers.update(key, {"email": "a@example.com"}, version=1),
                lambda key: session.customers.update(key, {"email": "a@example.com"}, version=7),
                lambda key: session.customers.archive(key, version=ANY),
                lambda key: session.customers.history(key),
                lambda key: session.customers.transfer(key, "lisi", version=ANY),
            ):
                with pytest.raises(NotFoundError) as caught:
                    call(record_id)
                answers.add(str(caught.value))
        assert len(answers) == 1
        explained = {session.explain("update", "customer", key) for key in (record.id, "nonsense")}
        assert [bool(item) for item in explained] == [False]


def test_owner_is_checked_before_and_after(story: Story) -> None:
    """Nobody creates for others without the right, and a manager transfers only within the department."""
    record = story.customer()
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(PermissionDeniedError):
            session.customers.create({**ENTERPRISE, "uscc": None, "owner": "wangwu"})
        with pytest.raises(PermissionDeniedError):
            session.customers.update(record.id, {"owner": "wangwu"}, version=ANY)
        with pytest.raises(PermissionDeniedError):
            session.customers.transfer(record.id, "wangwu", version=ANY)
    with story.workspace.acting_as("zhaojl") as session:
        with pytest.raises(PermissionDeniedError):
            session.customers.transfer(record.id, "liuqi", version=ANY)
        with pytest.raises(InvalidInputError) as caught:
            session.customers.transfer(record.id, "nobody", version=ANY)
        assert codes(caught.value) == {("owner", "unknown_member")}
        assert applied(session.customers.transfer(record.id, "wangwu", version=ANY)).owner == "wangwu"


def test_archived_records_rest(story: Story) -> None:
    """An archived record takes no changes, frees its unique values, and comes back only if they are still free."""
    record = story.customer()
    with story.workspace.acting_as("lisi") as session:
        archived = applied(session.customers.archive(record.id, version=record.version))
        assert archived.archived_at is not None
        with pytest.raises(InvalidInputError):
            session.customers.update(record.id, {"email": "a@example.com"}, version=ANY)
        with pytest.raises(InvalidInputError):
            session.customers.archive(record.id, version=ANY)
        assert session.customers.count() == 0
        assert len(session.customers.find(archived=True).records) == 1
        other = applied(session.customers.create(ENTERPRISE))
        with pytest.raises(InvalidInputError) as caught:
            session.customers.restore(record.id, version=ANY)
        assert codes(caught.value) == {("uscc", "not_unique")}
        session.customers.update(other.id, {"uscc": None}, version=ANY)
        assert applied(session.customers.restore(record.id, version=ANY)).archived_at is None


def test_tags_are_checked(story: Story) -> None:
    """Unknown dimensions and tags are refused, and a dimension for one tag keeps one."""
    record = story.customer(tags=(("规模", "小型"), ("行业", "制造业")))
    with story.workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.tag(record.id, ("颜色", "红"), ("行业", "炼金术"), version=ANY)
        assert codes(caught.value) == {("tags", "unknown_tag_dimension"), ("tags", "unknown_tag")}
        after = applied(session.customers.tag(record.id, ("规模", "大型"), version=ANY))
        assert after.tags == {("规模", "大型"), ("行业", "制造业")}
        with pytest.raises(InvalidInputError):
            session.customers.tag(record.id, ("规模", "大型"), ("规模", "小型"), version=ANY)


def test_failure_leaves_the_session_usable(workspace: Workspace) -> None:
    """After a refusal the same session goes on, and only what succeeded is saved."""
    with workspace.acting_as("lisi") as session:
        with pytest.raises(InvalidInputError):
            session.customers.create({"name": "x"})
        session.customers.create(ENTERPRISE)
    with workspace.acting_as("lisi") as session:
        assert session.customers.count() == 1


def test_an_exception_takes_the_session_back(workspace: Workspace) -> None:
    """If the block raises, nothing of it is saved."""
    with pytest.raises(RuntimeError, match="stop"), workspace.acting_as("lisi") as session:
        session.customers.create(ENTERPRISE)
        raise RuntimeError("stop")
    with workspace.acting_as("lisi") as session:
        assert session.customers.count() == 0


def test_unknown_people_do_not_act(workspace: Workspace) -> None:
    """Who is not an active member of the organisation gets no session."""
    with pytest.raises(PermissionDeniedError), workspace.acting_as("mallory"):
        pass


def test_follow_ups_belong_to_customers(story: Story) -> None:
    """Sales add follow-ups to their own customers only; a customer out of reach is as good as none."""
    own, other = story.customer("lisi"), story.customer("wangwu", uscc=None)
    with story.workspace.acting_as("lisi") as session:
        note = {"at": "2024-03-15 10:00", "channel": "电话", "content": "聊了预算"}
        created = applied(session.follow_ups.create({**note, "customer": own.id}))
        assert created["status"] == "进行中"
        for target in (other.id, "01900000-0000-7000-8000-000000000000"):
            with pytest.raises((InvalidInputError, PermissionDeniedError)):
                session.follow_ups.create({**note, "customer": target})
        with pytest.raises(InvalidInputError) as caught:
            session.follow_ups.create({**note, "customer": own.id, "next_at": "2024-03-14 10:00"})
        assert codes(caught.value) == {("next_at", "date_order")}
        assert session.follow_ups.count(F.customer.name == ENTERPRISE["name"]) == 1
    with story.workspace.acting_as("wangwu") as session:
        assert session.follow_ups.count() == 0
    with story.workspace.acting_as("zhangsan") as session:
        (seen,) = session.follow_ups.find().records
        done = session.follow_ups.update(seen.id, {"status": "已完成"}, version=seen.version)
        assert isinstance(done, Applied)
        with pytest.raises(PermissionDeniedError):
            session.follow_ups.update(seen.id, {"content": "别的"}, version=ANY)


@pytest.mark.parametrize(
    "tags",
    [
        ("规模", "大型"),
        [("规模", "大型")],
        {"规模": "大型"},
        {"规模": ["大型"]},
        (("规模", "大型"),),
    ],
)
def test_tags_in_any_shape(story: Story, tags: Any) -> None:
    """Tags are given as a pair, as pairs, or by dimension, on creation and afterwards; anything else is misuse."""
    record = story.customer(tags=tags)
    assert record.tags == {("规模", "大型")}
    with story.workspace.acting_as("lisi") as session:
        assert applied(session.customers.tag(record.id, tags, version=ANY)).tags == {("规模", "大型")}
        with pytest.raises(TypeError, match="pair"):
            session.customers.tag(record.id, "大型", version=ANY)  # type: ignore[arg-type]


def test_wrong_tags_are_told_with_everything_else(workspace: Workspace) -> None:
    """A wrong tag does not hide what is wrong with the fields."""
    with workspace.acting_as("lisi") as session, pytest.raises(InvalidInputError) as caught:
        session.customers.create({"phone": "123"}, tags=[("火星", "x")])
    assert {("tags", "unknown_tag_dimension"), ("phone", "invalid_phone"), ("name", "required")} <= codes(caught.value)


def test_a_session_ends_with_its_block(workspace: Workspace) -> None:
    """After its block a session neither reads nor writes, on every store."""
    with workspace.acting_as("lisi") as session:
        customers = session.customers
    for call in (lambda: customers.create(ENTERPRISE), customers.count, customers.find, session.approvals.inbox):
        with pytest.raises(SessionEndedError):
            call()


def test_views_are_mappings_that_travel(story: Story) -> None:
    """A view hashes, pickles and turns into a dict; after travelling it is read by keys."""
    record = story.customer()
    assert dict(record) == dict(record.values)
    assert record in {record}
    sent = pickle.loads(pickle.dumps(record))
    assert sent == record
    assert sent["name"] == ENTERPRISE["name"]
    assert record["创建时间"] == record.created_at


def test_everything_at_once(story: Story) -> None:
    """Without a limit all records come in one page."""
    for number in range(3):
        story.customer(name=f"客户{number}", uscc=None)
    with story.workspace.acting_as("lisi") as session:
        assert len(session.customers.find(limit=None, order_by="-name").records) == 3


def test_who_has_left_is_not_named_anew() -> None:
    """A member who has left keeps what they have, and becomes neither owner nor the value of a field."""
    people, units = sample_organisation(), MemoryUnits()
    members = people.members.set("wangwu", attrs.evolve(people.members["wangwu"], active=False))
    before = Workspace(standard_configuration(), units=units, organisation=people)
    with before.acting_as("sunjiu") as session:
        theirs = applied(session.customers.create({**ENTERPRISE, "owner": "wangwu", "submitted_by": "王五"}))
    after = Workspace(standard_configuration(), units=units, organisation=attrs.evolve(people, members=members))
    with after.acting_as("sunjiu") as session:
        kept = applied(session.customers.update(theirs.id, {"address": "x", "submitted_by": "wangwu"}, version=1))
        assert (kept["owner"], kept["submitted_by"]) == ("wangwu", "wangwu")
        for key in ("submitted_by", "owner"):
            with pytest.raises(InvalidInputError) as caught:
                session.customers.create({**ENTERPRISE, "name": "x", "uscc": "", key: "王五"})
            assert codes(caught.value) == {(key, "inactive_member")}


def test_rules_on_an_encrypted_value(workspace: Workspace, story: Story) -> None:
    """Who may read an encrypted value is held to the rules on it; nobody else learns anything of it."""
    person = story.individual()
    configuration = workspace.configuration
    editing = Grant("senior_administrator", "customer", frozenset({"edit"}), "all", edit=Fields.only("birthday"))
    with workspace.acting_as("admin") as session:
        session.configuration.change(configuration.with_grants(editing))
    with workspace.acting_as("zhoushi") as session:
        with pytest.raises(InvalidInputError) as caught:
            session.customers.update(person.id, {"birthday": "1960-01-01"}, version=ANY)
        assert codes(caught.value) == {("id_number", "birthday_mismatch")}
    with workspace.acting_as("lisi") as session:
        session.customers.update(person.id, {"birthday": "1960-01-01"}, version=ANY)


def test_an_id_that_no_store_takes(workspace: Workspace) -> None:
    """A text that no id can be is an id that nothing has."""
    with workspace.acting_as("lisi") as session, pytest.raises(NotFoundError):
        session.customers.get("\ud800")

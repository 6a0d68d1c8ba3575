"""Every action of a grant, one by one: what it allows where it holds, and what is said and done where it doesn't."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

import attrs
import pytest

from custinfo import (
    ALL_FIELDS,
    ANY,
    Assignment,
    Configuration,
    CustinfoError,
    Department,
    FieldDefinition,
    Fields,
    Grant,
    Masked,
    Member,
    ModuleDefinition,
    Organisation,
    Position,
    Role,
    TagDimension,
    Tagged,
    Workspace,
)
from custinfo.adapters.crypto import Keyring
from custinfo.adapters.excel import export, plan_import
from custinfo.core.policy.grants import Action
from custinfo.workspace.session import Session

NOWHERE: Final = "018f3fff-0000-7000-8000-000000000000"
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
KEYS: Final = ("mine", "other", "theirs", "pooled", "away")
"""In the actor's team, two of them; in another team; without an owner; in sight of nobody but the keeper."""

MODULE: Final = ModuleDefinition(
    "deal",
    (
        FieldDefinition("name", "text", required=True),
        FieldDefinition("note", "text"),
        FieldDefinition("number", "text", sensitivity="sensitive", encrypted=True, mask="last4", log_reads=True),
    ),
    title_field="name",
)
PEOPLE: Final = Organisation(
    (Department("a", "A"), Department("b", "B")),
    (Position("r", "r", ("r",)), Position("keeper", "keeper", ("keeper",))),
    (
        Member("sam", "Sam", (Assignment("a", "r"),)),
        Member("eve", "Eve", (Assignment("a", "r"),)),
        Member("bob", "Bob", (Assignment("b", "keeper"),)),
    ),
)
EVERYTHING: Final = Fields.everything_but(also=("number",))
SIGHT: Final = Grant("r", "deal", frozenset({"view"}), "all", None, ~Tagged("seen", "no"), EVERYTHING)


def opened(url: str, tenant: str, *grants: Grant) -> Workspace:
    """Return a store with five deals, in which Sam has these grants."""
    keeper = Grant("keeper", "deal", frozenset(ACTIONS), "all", view=EVERYTHING, edit=EVERYTHING)
    configuration = Configuration(
        (MODULE,),
        tag_dimensions=(TagDimension("seen", ("no",)), TagDimension("free", open=True)),
        roles=(Role("r"), Role("keeper")),
        grants=(keeper, *grants),
    )
    return Workspace.open(url, configuration, organisation=PEOPLE, keyring=Keyring.generate(), tenant=tenant)


def filled(workspace: Workspace) -> dict[str, str]:
    """Put the deals in, and return their ids by name."""
    found = {}
    with workspace.acting_as("bob") as session:
        deals = session.records("deal")
        for key in KEYS:
            owner = "bob" if key in ("theirs", "away") else "sam"
            tags = [("seen", "no")] if key == "away" else []
            given = {"name": key, "note": "n", "number": "11112222", "owner": owner}
            found[key] = deals.create(given, tags=tags).record.id  # type: ignore[union-attr]
        deals.release(found["pooled"], version=ANY)
    return found


def state(workspace: Workspace) -> Any:
    """Return all that is stored, as the keeper sees it."""
    with workspace.acting_as("bob") as session:
        deals = session.records("deal")
        views = deals.find(archived=True, limit=None).records
        kept = [(v.id, v.version, dict(v.values), v.tags, v.owner, v.archived_at, v.shares) for v in views]
        return sorted(kept), session.configuration.current.version, len(list(deals.changes()))


@attrs.frozen
class Case:
    """How one action is tried.

    Args:
        call: What Sam asks for; of a record, by its id.
        holds: Whether, after that, what was asked for is so: of the state before and after, the id, and the answer.
        scope: The scope of the grant.
        on: The record in the scope.
        off: One that Sam sees, out of the scope.
        with_: Other actions that the verb needs.
        without: What is said where no grant has the action.
        beyond: What is said of the record out of the scope.
    """

    call: Callable[[Session, str], Any]
    holds: Callable[[dict[str, Any], dict[str, Any], str, Any], bool]
    scope: Any = "team"
    on: str = "mine"
    off: str = "theirs"
    with_: tuple[Action, ...] = ()
    without: str = "action_denied"
    beyond: str = "scope_denied"


def by_id(found: Any) -> dict[str, Any]:
    """Return (version, values, tags, owner, archived, shares) by id."""
    return {item[0]: item[1:] for item in found[0]}


def table(*rows: str) -> bytes:
    """Return a text file."""
    return "\n".join(rows).encode()


def imported(session: Session, key: str) -> Any:
    """Import a note, and return what the row came to."""
    report = plan_import(session, "deal", table("id,note", f"{key},imported")).apply()
    for row in report.rows:
        for problem in row.problems:
            if problem.severity == "error":
                raise CustinfoError([problem])
    return report.counts


def exported(session: Session, _key: str) -> Any:
    """Export names, and return how many."""
    file = io.BytesIO()
    return export(session, "deal", file, fields=["id", "name"]).rows  # type: ignore[union-attr]


def deal(verb: str, *positional: Any, **named: Any) -> Callable[[Session, str], Any]:
    """Return a call of a verb on a deal."""
    return lambda session, key: getattr(session.records("deal"), verb)(key, *positional, version=ANY, **named)


CASES: Final[dict[Action, Case]] = {
    "edit": Case(deal("update", {"note": "new"}), lambda _, after, key, __: after[key][1]["note"] == "new"),
    "archive": Case(deal("archive"), lambda _, after, key, __: after[key][4] is not None),
    "delete": Case(deal("delete"), lambda _, after, key, __: key not in after),
    "transfer": Case(deal("transfer", "eve"), lambda _, after, key, __: after[key][3] == "eve"),
    "tag": Case(deal("tag", ("free", "t")), lambda _, after, key, __: ("free", "t") in after[key][2]),
    "share": Case(deal("share", "bob"), lambda _, after, key, __: [share.key for share in after[key][5]] == ["bob"]),
    "release": Case(deal("release"), lambda _, after, key, __: after[key][3] is None),
    "claim": Case(
        deal("claim"), lambda _, after, key, __: after[key][3] == "sam",
        scope="pool", on="pooled", beyond="already_claimed",
    ),
    "erase": Case(
        lambda session, key: session.records("deal").erase_person(key, fields=["note"], reason="asked for"),
        lambda _, after, key, __: "note" not in after[key][1], with_=("edit",),
    ),
    "import": Case(imported, lambda _, after, key, __: after[key][1]["note"] == "imported", with_=("edit",)),
}  # fmt: skip
"""The actions that change one record, with what they come to."""


def grants(action: Action, case: Case) -> tuple[Grant, ...]:
    """Return the grants with which an action is allowed in its scope."""
    given = Grant("r", "deal", frozenset({action, *case.with_}), case.scope, edit=ALL_FIELDS)
    return SIGHT, given


def refused(workspace: Workspace, call: Callable[[Session, str], Any], key: str) -> CustinfoError:
    """Return the error with which Sam is refused; nothing has changed then."""
    before = state(workspace)
    with workspace.acting_as("sam") as session, pytest.raises(CustinfoError) as caught:
        call(session, key)
    assert state(workspace) == before
    return caught.value


@pytest.fixture
def store(url: str) -> Iterator[Callable[..., tuple[Workspace, dict[str, str]]]]:
    """Open stores, and close them at the end."""
    opened_ones: list[Workspace] = []

    def make(*given: Grant) -> tuple[Workspace, dict[str, str]]:
        workspace = opened(url, f"t{len(opened_ones)}", *given)
        opened_ones.append(workspace)
        return workspace, filled(workspace)

    yield make
    for workspace in opened_ones:
        workspace.close()


@pytest.mark.parametrize("action", CASES)
def test_with_the_grant_it_happens(store: Any, action: Action) -> None:
    """Where a grant allows an action, the verb does what it says, and nothing to other records."""
    case = CASES[action]
    workspace, ids = store(*grants(action, case))
    before = by_id(state(workspace))
    with workspace.acting_as("sam") as session:
        answer = case.call(session, ids[case.on])
    after = by_id(state(workspace))
    assert case.holds(before, after, ids[case.on], answer)
    assert {key: item for key, item in after.items() if key != ids[case.on]} == {
        key: item for key, item in before.items() if key != ids[case.on]
    }


@pytest.mark.parametrize("action", CASES)
def test_without_the_grant_it_is_refused(store: Any, action: Action) -> None:
    """Where no grant allows it, all others together don't: it is refused by its name, and nothing happens."""
    case = CASES[action]
    others = frozenset(ACTIONS) - {action}
    workspace, ids = store(SIGHT, Grant("r", "deal", others, case.scope, edit=ALL_FIELDS))
    assert refused(workspace, case.call, ids[case.on]).code == case.without


@pytest.mark.parametrize("action", CASES)
def test_out_of_its_scope_it_is_refused(store: Any, action: Action) -> None:
    """On a record that one sees, and may not do it with, it is refused, and nothing happens."""
    case = CASES[action]
    workspace, ids = store(*grants(action, case))
    assert refused(workspace, case.call, ids[case.off]).code == case.beyond


@pytest.mark.parametrize("action", CASES)
def test_out_of_reach_there_is_no_record(store: Any, action: Action) -> None:
    """On a record that one may not know of it answers as on one that does not exist, to the letter."""
    case = CASES[action]
    workspace, ids = store(*grants(action, case))
    errors = [refused(workspace, case.call, key) for key in (ids["away"], NOWHERE)]
    told = [(error.code, error.message("zh"), str(error), error.problems) for error in errors]
    assert told[0] == told[1]
    assert type(errors[0]) is type(errors[1])


# --- actions of another kind


def test_view(store: Any) -> None:
    """Without it there is nothing; with it, what is in its scope."""
    workspace, ids = store(Grant("r", "deal", frozenset(ACTIONS) - {"view"}, "team", edit=ALL_FIELDS))
    assert refused(workspace, lambda session, key: session.records("deal").get(key), ids["mine"]).code == "not_found"
    assert refused(workspace, lambda session, _: session.records("deal").find(), "").code == "action_denied"
    workspace, ids = store(Grant("r", "deal", frozenset({"view"}), "team", view=ALL_FIELDS))
    with workspace.acting_as("sam") as session:
        deals = session.records("deal")
        assert {view["name"] for view in deals.find().records} == {"mine", "other", "pooled"}
        assert deals.get(ids["mine"])["name"] == "mine"
    errors = [
        refused(workspace, lambda session, key: session.records("deal").get(key), key)
        for key in (ids["theirs"], NOWHERE)
    ]
    assert str(errors[0]) == str(errors[1])


def test_create(store: Any) -> None:
    """It makes records that are in its scope when they are made."""
    creating = Grant("r", "deal", frozenset({"create"}), "team", edit=ALL_FIELDS)

    def create(owner: str) -> Callable[[Session, str], Any]:
        return lambda session, _: session.records("deal").create({"name": "new", "owner": owner})

    workspace, _ = store(SIGHT, creating)
    with workspace.acting_as("sam") as session:
        assert create("eve")(session, "").record.owner == "eve"
    assert refused(workspace, create("bob"), "").code == "scope_denied"
    others = frozenset(ACTIONS) - {"create"}
    workspace, _ = store(SIGHT, attrs.evolve(creating, actions=others))
    assert refused(workspace, create("sam"), "").code == "action_denied"


def test_export(store: Any) -> None:
    """It writes what is in its scope, and nothing else."""
    exporting = Grant("r", "deal", frozenset({"export"}), "team")
    workspace, _ = store(SIGHT, exporting)
    with workspace.acting_as("sam") as session:
        assert exported(session, "") == 3
    others = frozenset(ACTIONS) - {"export"}
    workspace, _ = store(SIGHT, attrs.evolve(exporting, actions=others))
    assert refused(workspace, exported, "").code == "action_denied"


def test_import_alone_changes_nothing(store: Any) -> None:
    """It opens the door: each row needs what it comes to as well."""
    workspace, ids = store(SIGHT, Grant("r", "deal", frozenset({"import"}), "team", edit=ALL_FIELDS))
    assert refused(workspace, imported, ids["mine"]).code == "action_denied"


@pytest.mark.parametrize(("merging", "outcome"), [("mine other", None), ("mine theirs", "scope_denied")])
def test_merge(store: Any, merging: str, outcome: str | None) -> None:
    """It takes all of the records in its scope; one out of reach is one that there is not."""

    def merge(*names: str) -> Callable[[Session, str], Any]:
        keep, gone = (ids.get(name, name) for name in names)
        return lambda session, _: session.records("deal").merge(keep, [gone], version=ANY)

    allowed = Grant("r", "deal", frozenset({"merge", "archive", "edit"}), "team", edit=ALL_FIELDS)
    workspace, ids = store(SIGHT, allowed)
    if outcome is None:
        with workspace.acting_as("sam") as session:
            assert merge(*merging.split())(session, "").merged == (ids["other"],)
    else:
        assert refused(workspace, merge(*merging.split()), "").code == outcome
    errors = [refused(workspace, merge("mine", name), "") for name in ("away", NOWHERE)]
    assert str(errors[0]) == str(errors[1])
    others = frozenset(ACTIONS) - {"merge"}
    workspace, ids = store(SIGHT, attrs.evolve(allowed, actions=others))
    assert refused(workspace, merge("mine", "other"), "").code == "action_denied"


def test_configure(store: Any) -> None:
    """It changes the module's configuration; without it nobody plans one."""

    def relabel(session: Session, _key: str) -> Any:
        wanted = session.configuration.current.change_field("deal", "note", label="Remark")
        return session.configuration.change(wanted).version

    workspace, _ = store(SIGHT, Grant("r", "deal", frozenset({"configure"}), "team"))
    with workspace.acting_as("sam") as session:
        assert relabel(session, "") == 2
    others = frozenset(ACTIONS) - {"configure"}
    workspace, _ = store(SIGHT, Grant("r", "deal", others, "all"))
    assert refused(workspace, relabel, "").code == "action_denied"


def test_decrypt(store: Any) -> None:
    """It opens what is sensitive and encrypted, of the fields in `view`, in its scope; elsewhere that is masked."""
    opening = Grant("r", "deal", frozenset({"view", "decrypt"}), "team", view=Fields(("number",)))
    workspace, ids = store(SIGHT, opening)
    with workspace.acting_as("sam") as session:
        deals = session.records("deal")
        shown = [deals.get(ids[key])["number"] for key in ("mine", "theirs")]
        assert shown == ["11112222", Masked("****2222")]
    workspace, ids = store(SIGHT)
    with workspace.acting_as("sam") as session:
        assert session.records("deal").get(ids["mine"])["number"] == Masked("****2222")


def test_audit(store: Any) -> None:
    """It shows the access log of a module; only a grant on all of its records does."""

    def log(session: Session, _key: str) -> Any:
        return len(session.access_log.find("deal").entries)

    for scope, condition in (("team", None), ("all", Tagged("free"))):
        limited = Grant("r", "deal", frozenset({"audit"}), scope, None, condition)  # type: ignore[arg-type]
        assert refused(store(SIGHT, limited)[0], log, "").code == "action_denied"
    workspace, ids = store(SIGHT, Grant("r", "deal", frozenset({"audit"}), "all"))
    with workspace.acting_as("bob") as session:
        session.records("deal").get(ids["mine"])
    with workspace.acting_as("sam") as session:
        assert log(session, "") >= 1


def test_approve(store: Any) -> None:
    """It is for hosts to ask about, record by record: whom a request asks is for its flow to say."""
    workspace, ids = store(SIGHT, Grant("r", "deal", frozenset({"approve"}), "team"))
    with workspace.acting_as("sam") as session:
        asked = [session.explain("approve", "deal", ids[key]).allowed for key in ("mine", "theirs", "away")]
        assert asked == [True, False, False]


def test_every_action_is_here() -> None:
    """A new action needs a case, or a test of its own."""
    own = {"view", "create", "export", "merge", "configure", "decrypt", "audit", "approve"}
    assert set(ACTIONS) == {*CASES, *own}
    assert all(f"test_{action}" in globals() for action in own)

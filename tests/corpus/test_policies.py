"""Policies that nobody in this project wrote: what casbin and Cedar decide, custinfo decides too, where it can say it.

`docs/explanation/other-policy-languages.md` has the reasons for people.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from tests.corpus.casbin_policies import casbin_world
from tests.corpus.cedar_language import Uid
from tests.corpus.cedar_policies import cedar_world
from tests.corpus.cedar_records import member_key
from tests.corpus.policy_worlds import NotExpressibleError

ROOT = Path(__file__).resolve().parents[2]
POLICIES = Path(os.environ.get("CUSTINFO_SHARED") or ROOT.parent / "shared") / "data" / "policy"
PAGE = ROOT / "docs" / "explanation" / "other-policy-languages.md"

shared = pytest.mark.skipif(
    not POLICIES.is_dir(), reason=f"no policies in {POLICIES}: set CUSTINFO_SHARED to the shared folder"
)

REASONS: Final = {
    "deny": "a rule that denies",
    "default": "what no rule denies is allowed",
    "actions": "more actions than custinfo has",
    "shape": "requests of another shape",
    "matcher": "a function of the host's own",
    "attributes": "attributes of the request",
    "context": "the circumstances of a request",
    "people": "people who are listed in the record",
}
"""Why something cannot be expressed; each stands in the page."""

NOT_EXPRESSIBLE: Final = {"priority_policy.csv": "deny"}
"""The policies of the shared collection that cannot be expressed."""


def casbin_policies() -> list[Any]:
    """Return model, policy and cases of each policy of the collection."""
    file = POLICIES / "casbin_cases.json"
    cases = json.loads(file.read_text("utf-8")) if file.is_file() else []
    grouped = groupby(cases, key=lambda case: (case["model"], case["policy"]))
    return [pytest.param(model, policy, list(found), id=Path(policy).name) for (model, policy), found in grouped]


def inside(folder: Path, name: str) -> Path:
    """Return the file of the collection that a case names by its place in its own project."""
    return folder / Path(name).name


@shared
@pytest.mark.parametrize(("model", "policy", "cases"), casbin_policies())
def test_casbin_cases(model: str, policy: str, cases: list[dict[str, Any]]) -> None:
    """Every request gets the verdict that casbin's own tests state; a policy that can't be said is listed as such."""
    folder = POLICIES / "casbin"
    requests = [case["request"] for case in cases]
    files = inside(folder, model), inside(folder, policy)
    if Path(policy).name in NOT_EXPRESSIBLE:
        with pytest.raises(NotExpressibleError, match=NOT_EXPRESSIBLE[Path(policy).name]):
            casbin_world(*files, requests)
        return
    with casbin_world(*files, requests) as world:
        assert [verdict(world, request) for request in requests] == [case["allow"] for case in cases]


def verdict(world: Any, request: Sequence[Any]) -> bool:
    """Ask about subject, (domain,) object and act."""
    subject, *domain, thing, act = request
    name = thing["Name"] if isinstance(thing, dict) else thing
    return bool(world.allows(subject, act, (domain[0] if domain else None, name)))


MODEL: Final = """
[request_definition]
r = {request}
[policy_definition]
p = {policy}
[role_definition]
g = _, _
[policy_effect]
e = {effect}
[matchers]
m = {matcher}
"""
ALLOW: Final = "some(where (p.eft == allow))"
BOTH: Final = "some(where (p.eft == allow)) && !some(where (p.eft == deny))"


def made(tmp_path: Path, rules: str, matcher: str, effect: str, names: Mapping[str, str]) -> tuple[Path, Path]:
    """Write a model and a policy."""
    text = MODEL.replace("g = _, _", "g = _, _\ng2 = _, _") if "g2" in matcher else MODEL
    words = {"request": "sub, obj, act", "policy": "sub, obj, act", **names}
    model, policy = tmp_path / "model.conf", tmp_path / "policy.csv"
    model.write_text(text.format(effect=effect, matcher=matcher, **words), "utf-8")
    policy.write_text(rules, "utf-8")
    return model, policy


OWNED: Final = {"Name": "data", "Owner": "ann"}
RBAC: Final = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"
SHAPES: Final[dict[str, tuple[str, str, str, dict[str, str], list[tuple[Sequence[Any], bool]]]]] = {
    "roles of roles": (
        "p, boss, data, read\ng, ann, deputy\ng, deputy, boss",
        RBAC, ALLOW, {},
        [(("ann", "data", "read"), True), (("ann", "data", "write"), False), (("bob", "data", "read"), False)],
    ),
    "deny is allowed for where nothing denies": (
        "p, ann, data, read, allow", "r.sub == p.sub && r.obj == p.obj && r.act == p.act", BOTH,
        {"policy": "sub, obj, act, eft"},
        [(("ann", "data", "read"), True), (("ann", "other", "read"), False)],
    ),
    "rules that deny count for nothing where only allowing counts": (
        "p, ann, data, read, allow\np, ann, data, read, deny", "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
        ALLOW, {"policy": "sub, obj, act, eft"},
        [(("ann", "data", "read"), True)],
    ),
    "a superuser": (
        "p, ann, data, read", f'{RBAC} || r.sub == "root"', ALLOW, {},
        [(("root", "other", "write"), True), (("ann", "data", "read"), True), (("ann", "data", "write"), False)],
    ),
    "groups of objects": (
        "p, ann, drawer, write\ng2, letter, drawer\ng2, drawer, desk\np, bob, desk, read",
        "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act", ALLOW, {},
        [(("ann", "letter", "write"), True), (("bob", "letter", "read"), True), (("ann", "desk", "write"), False)],
    ),
    "anything, and anywhere": (
        "p, ann, *, read\np, bob, data, *",
        '(p.obj == "*" || r.obj == p.obj) && (p.act == "*" || r.act == p.act) && r.sub == p.sub', ALLOW, {},
        [(("ann", "other", "read"), True), (("bob", "data", "write"), True), (("bob", "other", "write"), False)],
    ),
    "one of several": (
        "p, ann, data, read", f"{RBAC} || r.act in ('read', 'list') && r.obj in ('open', 'free')", ALLOW, {},
        [(("bob", "open", "read"), True), (("ann", "data", "read"), True), (("bob", "open", "write"), False)],
    ),
    "no subject": (
        "p, data, read", "r.obj == p.obj && r.act == p.act", ALLOW, {"policy": "obj, act"},
        [(("ann", "data", "read"), True), (("bob", "data", "write"), False)],
    ),
    "owners": (
        "", "r.sub == r.obj.Owner", ALLOW, {},
        [(("ann", OWNED, "read"), True), (("bob", OWNED, "read"), False)],
    ),
    "acts by pattern": (
        "p, ann, data, ^(GET|HEAD)$", "r.sub == p.sub && r.obj == p.obj && regexMatch(r.act, p.act)", ALLOW, {},
        [(("ann", "data", "GET"), True), (("ann", "data", "DELETE"), False)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_of_casbin_models(tmp_path: Path, name: str) -> None:
    """Models that the collection lacks; the verdicts are written by hand, and casbin agrees where it is installed."""
    policy, matcher, effect, names, cases = SHAPES[name]
    model, rules = made(tmp_path, policy, matcher, effect, names)
    with casbin_world(model, rules, [request for request, _ in cases]) as world:
        assert [verdict(world, request) for request, _ in cases] == [allowed for _, allowed in cases]


@pytest.mark.parametrize(
    ("policy", "matcher", "effect", "reason"),
    [
        ("p, ann, data, read, deny", RBAC, BOTH, "deny"),
        ("p, ann, data, read, allow", RBAC, "!some(where (p.eft == deny))", "default"),
        ("p, ann, data, read", "r.sub.Age > 18 && r.act == p.act", ALLOW, "matcher"),
        ("p, ann, data, read", "r.sub.Name == p.sub", ALLOW, "attributes"),
        ("p, ann, data, read", "mine(r.sub, p.sub)", ALLOW, "matcher"),
        ("p, ann, data, read", "regexMatch(r.obj, p.obj)", ALLOW, "matcher"),
    ],
)
def test_what_casbin_has_and_custinfo_has_not(
    tmp_path: Path, policy: str, matcher: str, effect: str, reason: str
) -> None:
    """It is refused with its reason, and not translated into something else."""
    columns = "sub, obj, act, eft" if policy.count(",") == 4 else "sub, obj, act"
    model, rules = made(tmp_path, policy, matcher, effect, {"policy": columns})
    with pytest.raises(NotExpressibleError, match=f"^{reason}$"):
        casbin_world(model, rules, [("ann", "data", "read")])


# --- Cedar


def cedar_files() -> list[Any]:
    """Return every file of cases of the collection."""
    return [pytest.param(path, id=path.stem) for path in sorted((POLICIES / "cedar" / "tests").rglob("*.json"))]


@shared
@pytest.mark.parametrize("path", cedar_files())
def test_cedar_cases(path: Path) -> None:
    """Every request gets the decision that Cedar's own tests state."""
    case = json.loads(path.read_text("utf-8"))
    policies, entities = ((POLICIES / "cedar" / case[part]).read_text("utf-8") for part in ("policies", "entities"))
    requests = case["requests"]
    if path.stem in NOT_EXPRESSIBLE:
        with pytest.raises(NotExpressibleError, match=NOT_EXPRESSIBLE[path.stem]):
            cedar_world(policies, json.loads(entities), requests)
        return
    with cedar_world(policies, json.loads(entities), requests) as world:
        assert decisions(world, requests) == [request["decision"] for request in requests]


def decisions(world: Any, requests: Sequence[dict[str, Any]]) -> list[str]:
    """Ask every question."""
    found = []
    for request in requests:
        who, what = (Uid(**request[part]) for part in ("principal", "resource"))
        found.append("allow" if world.allows(member_key(who), request["action"]["id"], what) else "deny")
    return found


def entity(kind: str, name: str, *parents: tuple[str, str], **attributes: Any) -> dict[str, Any]:
    """Return an entity as Cedar's files have it."""
    above = [{"type": kind, "id": name} for kind, name in parents]
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": above}


def pointer(kind: str, name: str) -> dict[str, Any]:
    """Return an attribute that is an entity."""
    return {"__entity": {"type": kind, "id": name}}


ENTITIES: Final = [
    entity("User", "ann", ("Group", "sales"), level=5, team="blue"),
    entity("User", "bob", level=3, team="blue"),
    entity("Group", "sales", ("Group", "staff")),
    entity("Group", "staff"),
    entity("Account", "a", owner=pointer("User", "ann")),
    entity("Account", "b", owner=pointer("User", "bob")),
    entity("Album", "trip", ("Album", "all")),
    entity("Album", "all"),
    entity("Photo", "sea", ("Album", "trip"), private=False, size=3, account=pointer("Account", "a"), team="blue"),
    entity("Photo", "me", private=True, size=9, account=pointer("Account", "b"), words=["red", "blue"]),
    entity("Action", "view", ("Action", "reading")),
    entity("Action", "edit"),
    entity("Action", "reading"),
]
SEA, ME = ("Photo", "sea"), ("Photo", "me")
OR: Final = """
permit(principal, action, resource)
when { !resource.private || resource.size > 8 && resource.words.contains("red") };
"""
SEVERAL: Final = """
@id("one") permit(principal == User::"bob", action, resource == Photo::"me");
permit(principal is User in Group::"sales", action == Action::"view", resource) when { resource has team };
"""
CEDAR: Final[dict[str, tuple[str, list[tuple[str, str, tuple[str, str], bool]]]]] = {
    "groups of groups": (
        'permit(principal in Group::"staff", action, resource in Album::"all");',
        [("ann", "view", SEA, True), ("ann", "view", ME, False), ("bob", "edit", SEA, False)],
    ),
    "groups of actions": (
        'permit(principal, action in Action::"reading", resource is Photo);',
        [("bob", "view", SEA, True), ("bob", "edit", SEA, False)],
    ),
    "what the principal is": (
        'permit(principal, action == Action::"view", resource) when { principal.level > 4 && principal.team != "" };',
        [("ann", "view", SEA, True), ("bob", "view", SEA, False)],
    ),
    "what the resource is": (
        OR,
        [("bob", "view", SEA, True), ("bob", "view", ME, True), ("ann", "edit", ("Photo", "other"), False)],
    ),
    "unless": (
        "permit(principal, action, resource is Photo) unless { resource.private };",
        [("bob", "view", SEA, True), ("bob", "view", ME, False), ("bob", "view", ("Photo", "other"), False)],
    ),
    "owners": (
        "permit(principal, action, resource) when { resource.owner == principal };",
        [("ann", "view", ("Account", "a"), True), ("bob", "view", ("Account", "a"), False)],
    ),
    "owners of what it belongs to": (
        "permit(principal, action, resource) when { principal == resource.account.owner };",
        [("ann", "edit", SEA, True), ("bob", "edit", SEA, False), ("bob", "view", ME, True)],
    ),
    "several policies, each with its own reason": (
        SEVERAL,
        [("bob", "edit", ME, True), ("ann", "view", SEA, True), ("ann", "view", ME, False)],
    ),
}  # fmt: skip


def asked(cases: Sequence[tuple[str, str, tuple[str, str], bool]]) -> list[dict[str, Any]]:
    """Return requests as Cedar's files have them."""
    return [
        {
            "principal": {"type": "User", "id": who},
            "action": {"type": "Action", "id": action},
            "resource": {"type": kind, "id": name},
            "decision": "allow" if allowed else "deny",
        }
        for who, action, (kind, name), allowed in cases
    ]


@pytest.mark.parametrize("name", CEDAR)
def test_other_shapes_of_cedar_policies(name: str) -> None:
    """Policies that the collection lacks; the decisions are written by hand, and Cedar agrees where it is installed."""
    policies, cases = CEDAR[name]
    requests = asked(cases)
    with cedar_world(policies, ENTITIES, requests) as world:
        assert decisions(world, requests) == [request["decision"] for request in requests]


def test_the_decisions_written_by_hand_are_those_of_the_engines(tmp_path: Path) -> None:
    """Where the engines are installed, they are asked the same."""
    casbin, cedarpy = pytest.importorskip("casbin"), pytest.importorskip("cedarpy")
    for policy, matcher, effect, names, cases in SHAPES.values():
        model, rules = made(tmp_path, policy, matcher, effect, names)
        enforcer = casbin.Enforcer(str(model), str(rules))
        for (subject, thing, act), allowed in cases:
            item = SimpleNamespace(**thing) if isinstance(thing, dict) else thing
            assert enforcer.enforce(subject, item, act) is allowed, (policy, subject, thing, act)
    for policies, questions in CEDAR.values():
        for request in asked(questions):
            answer = cedarpy.is_authorized({**request, "context": {}}, policies, ENTITIES)
            assert answer.allowed is (request["decision"] == "allow"), (policies, request)


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("forbid(principal, action, resource);", "deny"),
        ("permit(principal, action, resource) when { context.mfa };", "context"),
        ("permit(principal, action, resource) when { principal in resource.admins };", "people"),
        ("permit(principal, action, resource) when { resource.team == principal.team };", "people"),
        ('permit(principal, action, resource) when { resource.team like "b*" };', "matcher"),
        ('permit(principal, action, resource) when { ip("10.0.0.1").isLoopback() };', "matcher"),
        ("permit(principal, action, resource) when { if resource.private then false else true };", "matcher"),
        ("permit(principal, action) ;", "shape"),
    ],
)  # fmt: skip
def test_what_cedar_has_and_custinfo_has_not(policy: str, reason: str) -> None:
    """It is refused with its reason, and not translated into something else."""
    with pytest.raises(NotExpressibleError, match=f"^{reason}$"):
        cedar_world(policy, ENTITIES, asked([("ann", "view", SEA, True)]))


def test_the_page_names_every_reason() -> None:
    """What can't be expressed is explained to people."""
    text = PAGE.read_text("utf-8")
    assert [reason for reason in REASONS.values() if reason not in text] == []

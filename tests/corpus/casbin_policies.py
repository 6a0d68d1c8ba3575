"""From casbin's models and policies to grants.

It reads any model of subjects, objects, acts and, if there are any, domains, whose matcher is made of the terms below
with `&&`, `||` and brackets. Subjects are members; what they are in `g` are positions, which give roles; domains are
departments; what objects are in `g2` is a field of the record.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from custinfo import (
    ALL_FIELDS,
    Assignment,
    Criterion,
    Department,
    Dictionary,
    DictionaryValue,
    F,
    FieldDefinition,
    Grant,
    Member,
    ModuleDefinition,
    Organisation,
    Position,
)
from custinfo.core.criteria.nodes import Everything, all_of
from tests.corpus.policy_worlds import LOADER, NotExpressibleError, Thing, World, action_names, build

__all__ = ["casbin_world"]

Term = tuple[str, ...]
_MODULE: Final = "thing"
_ALLOWING: Final = re.compile(r"some\(where\(p\.eft==allow\)\)")


@attrs.frozen
class _Model:
    request: tuple[str, ...]
    policy: tuple[str, ...]
    effect: str
    matcher: tuple[tuple[Term, ...], ...]
    """Alternatives, each of which is a list of terms that must all hold."""


def casbin_world(model: Path, policy: Path, requests: Sequence[Sequence[Any]]) -> World:
    """Return a model with its policy as a workspace that knows the subjects and objects of some requests.

    Raises: NotExpressibleError.
    """
    read = _read_model(model.read_text("utf-8"))
    rows = [[cell.strip() for cell in row] for row in csv.reader(policy.read_text("utf-8").splitlines()) if row]
    rules = [dict(zip(read.policy, row[1:], strict=False)) for row in rows if row[0] == "p"]
    links = {name: [row[1:] for row in rows if row[0] == name] for name in ("g", "g2")}
    asked = [dict(zip(read.request, request, strict=True)) for request in requests]
    return _Translation(read, _effective(read, rules), links, asked).world()


def _read_model(text: str) -> _Model:
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    found = dict(line.split("=", 1) for line in lines if re.match(r"\s*\w+\s*=", line))
    parts = {key.strip(): value.strip() for key, value in found.items()}
    extra = set(parts) - {"r", "p", "g", "g2", "e", "m"}
    names = {key: tuple(item.strip() for item in parts[key].split(",")) for key in ("r", "p")}
    if extra or not set(names["r"]) <= {"sub", "obj", "act", "dom"}:
        raise NotExpressibleError("shape")
    return _Model(names["r"], names["p"], parts["e"].replace(" ", ""), tuple(_alternatives(parts["m"])))


def _effective(model: _Model, rules: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rules that allow. Raises: NotExpressibleError where one that denies would count."""
    denying = [rule for rule in rules if rule.get("eft", "allow") == "deny"]
    allowing = [rule for rule in rules if rule.get("eft", "allow") == "allow"]
    if _ALLOWING.fullmatch(model.effect):
        return allowing
    if model.effect.startswith("!"):
        raise NotExpressibleError("default")
    if denying:
        raise NotExpressibleError("deny")
    return allowing


# --- matchers


def _alternatives(matcher: str) -> Iterator[tuple[Term, ...]]:
    text = matcher.replace("&&", " and ").replace("||", " or ")
    text = re.sub(r"!(?!=)", " not ", text)
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise NotExpressibleError("matcher") from error
    yield from _disjunction(node)


def _disjunction(node: ast.expr) -> list[tuple[Term, ...]]:
    match node:
        case ast.BoolOp(ast.Or(), values):
            return [terms for value in values for terms in _disjunction(value)]
        case ast.BoolOp(ast.And(), values):
            found: list[tuple[Term, ...]] = [()]
            for value in values:
                found = [(*one, *other) for one in found for other in _disjunction(value)]
            return found
        case ast.Compare(left, [ast.In()], [ast.Tuple(values) | ast.List(values)]):
            return [(_term(ast.Compare(left, [ast.Eq()], [value])),) for value in values]
        case _:
            return [(_term(node),)]


def _term(node: ast.expr) -> Term:
    match node:
        case ast.Compare(left, [ast.Eq()], [right]):
            one, other = sorted((_operand(left), _operand(right)), key=lambda item: (item[:2] == "p.", item[:1] == "'"))
            return ("==", one, other)
        case ast.Call(ast.Name(name), arguments) if name in ("g", "g2", "keyMatch", "regexMatch"):
            return (name, *map(_operand, arguments))
        case _:
            raise NotExpressibleError("matcher")


def _operand(node: ast.expr) -> str:
    match node:
        case ast.Attribute(ast.Name(("r" | "p") as side), name):
            return f"{side}.{name}"
        case ast.Attribute(ast.Attribute(ast.Name("r"), "obj"), "Owner"):
            return "r.obj.Owner"
        case ast.Constant(str(value)):
            return f"'{value}"
        case _:
            raise NotExpressibleError("attributes")


# --- grants


@attrs.frozen
class _Who:
    """To whom a grant goes: all, one subject, or all who have a role, in a domain where one is named."""

    kind: str = "all"
    name: str = ""
    domain: str | None = None

    @property
    def role(self) -> str:
        return ":".join((self.kind, self.name, self.domain or ""))


@attrs.define
class _Translation:
    model: _Model
    rules: list[dict[str, str]]
    links: Mapping[str, list[list[str]]]
    asked: list[dict[str, Any]]

    def world(self) -> World:
        acts = action_names(self._acts())
        found = [grant for rule in self.rules or [{}] for grant in self._grants(rule, acts)]
        groups = sorted({row[1] for row in self.links["g2"]} | {rule.get("obj", "") for rule in self.rules} - {""})
        codes = {name: f"c{place}" for place, name in enumerate(groups)}
        grants = [grant(codes) for _, grant in found]
        module = ModuleDefinition(
            _MODULE,
            (
                FieldDefinition("name", "text"),
                FieldDefinition("groups", "multiple_choice", options={"dictionary": "groups"}),
            ),
        )
        dictionary = Dictionary("groups", tuple(DictionaryValue(code, name) for name, code in codes.items()))
        people = self._people([who for who, _ in found])
        return build([module], grants, people, self._things(codes), acts, dictionaries=(dictionary,))

    def _acts(self) -> list[str]:
        patterns = any(term[0] == "regexMatch" for terms in self.model.matcher for term in terms)
        named = [] if patterns else [rule["act"] for rule in self.rules if "act" in rule]
        return [*(request["act"] for request in self.asked if "act" in request), *(act for act in named if act != "*")]

    def _grants(self, rule: Mapping[str, str], acts: Mapping[str, Any]) -> Iterator[tuple[_Who, Any]]:
        for terms in self.model.matcher:
            parts = [self._part(term, rule, acts) for term in terms]
            if None in parts:
                continue
            asked = dict.fromkeys(part for part in parts if isinstance(part, _Who))
            if len(asked) > 1:
                raise NotExpressibleError("matcher")
            who = next(iter(asked), _Who())
            allowed = set(acts)
            for part in parts:
                allowed &= part if isinstance(part, set) else allowed
            scopes = [part for part in parts if part == "own"]
            making = [part for part in parts if callable(part)]
            if allowed:
                yield who, _grant(who, frozenset(acts[act] for act in allowed), bool(scopes), making)

    def _part(self, term: Term, rule: Mapping[str, str], acts: Mapping[str, Any]) -> Any:
        """Return what a term comes to for a rule: who, acts, a criterion or a scope; `None` if it never holds."""
        match term:
            case ("==", "r.sub", "p.sub"):
                return _Who("subject", rule["sub"])
            case ("==", "r.sub", constant) if constant.startswith("'"):
                return _Who("subject", constant[1:])
            case ("g", "r.sub", "p.sub"):
                return _Who("role", rule["sub"])
            case ("g", "r.sub", "p.sub", "r.dom"):
                return _Who("role", rule["sub"], rule.get("dom"))
            case ("==", "r.act", "p.act"):
                return {rule["act"]} & set(acts)
            case ("regexMatch", "r.act", "p.act"):
                return {act for act in acts if re.search(rule["act"], act)}
            case ("==", "r.act", constant) if constant.startswith("'"):
                return {constant[1:]} & set(acts)
            case ("==", constant, own) if own.startswith("p.") and constant.startswith("'"):
                return True if rule.get(own[2:]) == constant[1:] else None
            case ("==", "r.sub", "r.obj.Owner") | ("==", "r.obj.Owner", "r.sub"):
                return "own"
            case _:
                return _criterion(term, rule)

    # --- people and things

    def _people(self, wanted: Iterable[_Who]) -> Organisation:
        subjects = {str(request["sub"]) for request in self.asked} | {row[0] for row in self.links["g"]}
        domains = sorted({str(item["dom"]) for item in [*self.asked, *self.rules] if item.get("dom")} | {"-"})
        held: dict[str, list[Assignment]] = {subject: [Assignment("-", "-")] for subject in sorted(subjects)}
        roles = {who.role: who for who in wanted}
        for role, who in roles.items():
            for subject, assignments in held.items():
                if self._is(subject, who):
                    assignments.append(Assignment(who.domain or "-", role))
        positions = (Position("-", "-", ()), *(Position(role, role, (role,)) for role in sorted(roles)))
        members = [Member(subject, subject, tuple(assignments)) for subject, assignments in held.items()]
        members += [Member(_owner(domain), domain, (Assignment(domain, "-"),)) for domain in domains]
        return Organisation(tuple(Department(key, key) for key in domains), positions, tuple(members))

    def _is(self, subject: str, who: _Who) -> bool:
        if who.kind != "role":
            return who.kind == "all" or subject == who.name
        reached = [subject]
        for name in reached:
            for row in self.links["g"]:
                there = row[0] == name and (len(row) < 3 or who.domain in (None, row[2]))
                if there and row[1] not in reached:
                    reached.append(row[1])
        return who.name in reached

    def _things(self, codes: Mapping[str, str]) -> Iterator[Thing]:
        for domain, thing in dict.fromkeys((item.get("dom"), _key(item["obj"])) for item in self.asked):
            reached = [thing]
            for name in reached:
                reached += [row[1] for row in self.links["g2"] if row[0] == name and row[1] not in reached]
            groups = [codes[name] for name in reached if name in codes]
            owners = [item["obj"]["Owner"] for item in self.asked if item["obj"] != thing == _key(item["obj"])]
            owner = owners[0] if owners else None
            values = {"name": thing, **({"groups": groups} if groups else {})}
            yield Thing((domain, thing), _MODULE, values, owner or (_owner(domain) if domain else LOADER))


def _owner(domain: str) -> str:
    return f"(owner of {domain})"


def _key(thing: Any) -> str:
    return str(thing["Name"]) if isinstance(thing, dict) else str(thing)


def _criterion(term: Term, rule: Mapping[str, str]) -> Any:
    match term:
        case ("==", "r.obj", "p.obj"):
            return lambda _: F.name == rule["obj"]
        case ("==", "r.obj", constant) if constant.startswith("'"):
            return lambda _: F.name == constant[1:]
        case ("keyMatch", "r.obj", "p.obj"):
            prefix, star, _ = rule["obj"].partition("*")
            return (lambda _: F.name.starts_with(prefix)) if star else (lambda _: F.name == rule["obj"])
        case ("g2", "r.obj", "p.obj"):
            return lambda codes: F.groups.has(codes[rule["obj"]])
        case ("==", "r.dom", "p.dom"):
            return lambda _: F.department == rule["dom"]
        case _:
            raise NotExpressibleError("matcher")


def _grant(who: _Who, actions: frozenset[Any], own: bool, making: list[Any]) -> Any:
    scope: Any = "own" if own else "team" if who.domain is not None else "all"

    def made(codes: Mapping[str, str]) -> Grant:
        condition: Criterion = all_of([make(codes) for make in making])
        wanted = None if isinstance(condition, Everything) else condition
        return Grant(who.role, _MODULE, actions, scope, condition=wanted, view=ALL_FIELDS, edit=ALL_FIELDS)

    return made

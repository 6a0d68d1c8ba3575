"""Policies of other engines, as a workspace of custinfo that can be asked the same questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self, get_args

import attrs

from custinfo import (
    ALL_FIELDS,
    ANY,
    Applied,
    Assignment,
    Configuration,
    Department,
    FieldDefinition,
    Grant,
    Member,
    ModuleDefinition,
    NotFoundError,
    Organisation,
    PermissionDeniedError,
    Position,
    Role,
    Workspace,
)
from custinfo.core.policy.grants import Action
from custinfo.workspace.drafts import NEEDED

__all__ = ["LOADER", "NotExpressibleError", "Thing", "World", "action_names", "build", "identifier"]

LOADER: Final = "(loader)"
"""Who puts the records in; no policy of another engine speaks of them."""

NOTE: Final = "note_of_the_test"
_EVERYTHING: Final[frozenset[Action]] = frozenset({"view", "create", "edit"})
_PREFERRED: Final[dict[str, Action]] = {
    **dict.fromkeys(("read", "get", "view"), "view"),
    **dict.fromkeys(("write", "edit", "update", "put", "post"), "edit"),
    "delete": "archive",
}
_ASKABLE: Final[tuple[Action, ...]] = tuple(
    action for action in get_args(Action) if action == "view" or action in set(NEEDED.values()) - {"create"}
)
"""The actions that a session answers for a record whether or not the actor may view it."""


class NotExpressibleError(Exception):
    """A policy that custinfo's model does not have, by the key of the reason in `REASONS` of the test."""


def action_names(names: Iterable[str]) -> dict[str, Action]:
    """Return an action of custinfo for each of another engine: the one that means it, else any that is left."""
    given: dict[str, Action] = {}
    for name in dict.fromkeys(names):
        preferred = _PREFERRED.get(name.lower())
        if preferred is not None and preferred not in given.values():
            given[name] = preferred
    for name in dict.fromkeys(names):
        left = [action for action in _ASKABLE if action != "view" and action not in given.values()]
        if name not in given and not left:
            raise NotExpressibleError("actions")
        if name not in given:
            given[name] = left[0]
    return given


def identifier(name: str, known: dict[str, str]) -> str:
    """Return a key that custinfo takes for a name of another engine, always the same one."""
    if name not in known:
        stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "x"
        known[name] = f"k{len(known)}_{stem}"[:60]
    return known[name]


@attrs.frozen
class Thing:
    """A record to be put in: its key for questions, its module, values by field, and who owns it."""

    key: Any
    module: str
    values: Mapping[str, Any]
    owner: str | None = None
    references: Mapping[str, Any] = {}
    """Field → key of the thing to which it refers."""


@attrs.frozen
class World:
    """A workspace with the policy in force and the records in it."""

    workspace: Workspace
    records: Mapping[Any, tuple[str, str]]
    actions: Mapping[str, Action]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.workspace.close()

    def allows(self, actor: str, action: str, key: Any) -> bool:
        """Ask a session of the actor; where a verb does the action, make sure that it does or doesn't."""
        module, record_id = self.records[key]
        wanted = self.actions.get(action)
        if wanted is None:
            return False
        with self.workspace.acting_as(actor) as session:
            answer = session.explain(wanted, module, record_id).allowed
            records = session.records(module)
            happens = answer
            if wanted == "view":
                happens = _happens(lambda: records.get(record_id))
                found = _happens(lambda: records.find()) and record_id in {view.id for view in records.find().records}
                assert found is happens, "list and single record disagree"
            elif wanted == "edit":
                happens = _happens(lambda: records.update(record_id, {NOTE: f"by {actor}"}, version=ANY))
        assert answer is happens, "the explanation says otherwise than what happens"
        return answer


def _happens(call: Any) -> bool:
    try:
        call()
    except (NotFoundError, PermissionDeniedError):
        return False
    return True


def build(
    modules: Iterable[ModuleDefinition],
    grants: Iterable[Grant],
    organisation: Organisation,
    things: Iterable[Thing],
    actions: Mapping[str, Action],
    **parts: Any,
) -> World:
    """Return a world with these modules, to each of which a field for edits is added, and things in order."""
    known = [attrs.evolve(item, fields=(*item.fields.values(), FieldDefinition(NOTE, "text"))) for item in modules]
    keys: dict[str, str] = {}
    named = [attrs.evolve(grant, role=identifier(grant.role, keys)) for grant in grants]
    positions = [
        attrs.evolve(position, roles=tuple(identifier(role, keys) for role in position.roles))
        for position in (*organisation.positions.values(), Position(LOADER, LOADER, (LOADER,)))
    ]
    loader = identifier(LOADER, keys)
    loading = [Grant(loader, item.key, _EVERYTHING, "all", view=ALL_FIELDS, edit=ALL_FIELDS) for item in known]
    configuration = Configuration(
        tuple(known), roles=tuple(map(Role, keys.values())), grants=(*named, *loading), **parts
    )
    people = Organisation(
        (*organisation.departments.values(), Department(LOADER, LOADER)),
        tuple(positions),
        (*organisation.members.values(), Member(LOADER, LOADER, (Assignment(LOADER, LOADER),))),
    )
    workspace = Workspace.open("memory://", configuration, organisation=people)
    records: dict[Any, tuple[str, str]] = {}
    with workspace.acting_as(LOADER) as session:
        for thing in things:
            pointing = {field: records[target][1] for field, target in thing.references.items()}
            raw = {**thing.values, **pointing, "owner": thing.owner or LOADER}
            outcome = session.records(thing.module).create(raw)
            assert isinstance(outcome, Applied)
            records[thing.key] = (thing.module, outcome.record.id)
    return World(workspace, records, actions)

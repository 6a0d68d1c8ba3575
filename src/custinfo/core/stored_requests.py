"""Approval requests to and from JSON data, for every store."""

from __future__ import annotations

from typing import Any, Final

import attrs

from custinfo.core.approval.exports import ExportScope
from custinfo.core.approval.flows import QUORUM_TYPES, Quorum
from custinfo.core.approval.items import Companion, Item
from custinfo.core.approval.requests import Proposal, Request, ResolvedLimit, ResolvedStep, Task, TrailEntry
from custinfo.core.frozen import FrozenDict
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text

__all__ = ["request_from_json", "request_to_json"]

_INSTANTS: Final = ("submitted_at", "opened_at", "due_at")


def request_to_json(request: Request, codec: ValueCodec) -> dict[str, Any]:
    """Return a request as JSON data; what it would change is in the form of a document, of the time of its making."""
    own = codec.as_of(request.configuration_version)
    data = {field.name: getattr(request, field.name) for field in attrs.fields(Request)}
    data["patch"] = own.encode_values(request.patch)
    data["base"] = own.encode_values(request.base)
    data |= {name: instant_to_text(data[name]) for name in _INSTANTS if data[name] is not None}
    data["steps"] = [_step_to_json(step) for step in request.steps]
    data["tasks"] = [list(task) for task in request.tasks]
    data["items"] = [_item_to_json(item, own) for item in request.items]
    data["trail"] = [_entry_to_json(entry, codec) for entry in request.trail]
    data["export"] = None if request.export is None else attrs.astuple(request.export)
    return data


def request_from_json(data: dict[str, Any], codec: ValueCodec) -> Request:
    """Return the request that `request_to_json` gave."""
    own = codec.as_of(data.get("configuration_version", 1))
    return Request(
        **{
            **data,
            **{name: instant_from_text(data[name]) for name in _INSTANTS if data.get(name) is not None},
            "patch": own.decode_values(data["patch"]),
            "base": own.decode_values(data["base"]),
            "flows": _flows(data["flows"]),
            "steps": tuple(map(_step, data["steps"])),
            "tasks": tuple(Task(*task) for task in data["tasks"]),
            "items": tuple(_item(item, own) for item in data.get("items", ())),
            "trail": tuple(_entry(entry, codec) for entry in data["trail"]),
            "export": None if data.get("export") is None else _export(*data["export"]),
        }
    )


def _export(criterion: str, fields: Any, order_by: Any, hours: int) -> ExportScope:
    return ExportScope(criterion, tuple(fields), tuple(order_by), hours)


def _flows(pairs: Any) -> tuple[tuple[str, int], ...]:
    return tuple((key, version) for key, version in pairs)


def _item_to_json(item: Item, codec: ValueCodec) -> list[Any]:
    values = (codec.encode_values(item.patch), codec.encode_values(item.base))
    data = [item.record_id, *values, item.outcome, item.problem]
    if item.action is None and item.row is None and not (item.companions or item.takes):
        return data
    companions = [[other.module, other.record_id, dict(other.values)] for other in item.companions]
    return [*data, item.action, item.row, companions, item.takes]


def _item(data: list[Any], codec: ValueCodec) -> Item:
    record_id, patch, base, outcome, problem, *others = data
    action, row, companions, takes = others or (None, None, (), ())
    brought = tuple(Companion(module, key, FrozenDict(values)) for module, key, values in companions)
    values = codec.decode_values(patch), codec.decode_values(base)
    return Item(record_id, *values, outcome, problem, action, row, brought, tuple(takes))


def _entry_to_json(entry: TrailEntry, codec: ValueCodec) -> list[Any]:
    """Return an entry as a list, in which the proposals, which most have not, are left out."""
    data = [instant_to_text(entry.at), *entry[1:-2]]
    found = [item for item in (entry.proposal, entry.former) if item is not None]
    return [*data, *(_proposal_to_json(item, codec) for item in found)]


def _entry(data: list[Any], codec: ValueCodec) -> TrailEntry:
    at, *others = data
    entry = TrailEntry(instant_from_text(at), *others)
    stored: tuple[Any, ...] = (entry.proposal, entry.former)
    proposal, former = (None if item is None else _proposal(item, codec) for item in stored)
    return entry._replace(to=tuple(entry.to), proposal=proposal, former=former)


def _proposal_to_json(proposal: Proposal, codec: ValueCodec) -> dict[str, Any]:
    own = codec.as_of(proposal.configuration_version)
    data = attrs.asdict(proposal, recurse=False)
    data["patch"], data["base"] = own.encode_values(proposal.patch), own.encode_values(proposal.base)
    data["steps"] = [_step_to_json(step) for step in proposal.steps]
    data["items"] = [_item_to_json(item, own) for item in proposal.items]
    return data


def _proposal(data: dict[str, Any], codec: ValueCodec) -> Proposal:
    own = codec.as_of(data["configuration_version"])
    return Proposal(
        **{
            **data,
            "patch": own.decode_values(data["patch"]),
            "base": own.decode_values(data["base"]),
            "flows": _flows(data["flows"]),
            "steps": tuple(map(_step, data["steps"])),
            "items": tuple(_item(item, own) for item in data.get("items", ())),
        }
    )


_KINDS: Final = {kind: name for name, kind in QUORUM_TYPES.items()}
_LISTS: Final = ("approvers", "weights", "veto", "presumed", "amends")


def _step_to_json(step: ResolvedStep) -> dict[str, Any]:
    """Return what differs from a plain step."""
    names = [field.name for field in attrs.fields(ResolvedStep)]
    data = {
        name: getattr(step, name) for name in names if name in _ALWAYS or getattr(step, name) != getattr(_PLAIN, name)
    }
    if step.quorum is not None:
        data["quorum"] = {"type": _KINDS[type(step.quorum)], **attrs.asdict(step.quorum)}
    if step.limits:
        data["limits"] = [attrs.astuple(limit) for limit in step.limits]
    return data


def _step(data: dict[str, Any]) -> ResolvedStep:
    given: dict[str, Any] = {**data, "label": FrozenDict(data["label"])}
    given |= {name: tuple(data[name]) for name in _LISTS if name in data}
    if data.get("sees") is not None:
        given["sees"] = tuple(data["sees"])
    if "quorum" in data:
        given["quorum"] = _quorum(**data["quorum"])
    if "limits" in data:
        given["limits"] = tuple(ResolvedLimit(hours, then, tuple(to)) for hours, then, to in data["limits"])
    return ResolvedStep(**given)


def _quorum(type: str, **data: Any) -> Quorum:  # noqa: A002 - as the configuration names it
    made = {name: tuple(value) if isinstance(value, list | tuple) else value for name, value in data.items()}
    found: Quorum = QUORUM_TYPES[type](**made)
    return found


_PLAIN: Final = ResolvedStep("", "", FrozenDict(), "any", ())
_ALWAYS: Final = ("flow", "key", "label", "mode", "approvers")

"""Approval requests to and from JSON data, for every store."""

from __future__ import annotations

from typing import Any

import attrs

from custinfo.core.approval.requests import Request, ResolvedStep, Task, TrailEntry
from custinfo.core.frozen import FrozenDict
from custinfo.core.stored import ValueCodec, instant_from_text, instant_to_text

__all__ = ["request_from_json", "request_to_json"]


def request_to_json(request: Request, codec: ValueCodec) -> dict[str, Any]:
    """Return a request as JSON data; what it would change is in the form of a document, of the time of its making."""
    codec = codec.as_of(request.configuration_version)
    data = {field.name: getattr(request, field.name) for field in attrs.fields(Request)}
    data["patch"] = codec.encode_values(request.patch)
    data["base"] = codec.encode_values(request.base)
    data["submitted_at"] = instant_to_text(request.submitted_at)
    data["steps"] = [attrs.asdict(step) for step in request.steps]
    data["tasks"] = [attrs.astuple(task) for task in request.tasks]
    data["trail"] = [(instant_to_text(entry.at), *attrs.astuple(entry)[1:]) for entry in request.trail]
    return data


def request_from_json(data: dict[str, Any], codec: ValueCodec) -> Request:
    """Return the request that `request_to_json` gave."""
    codec = codec.as_of(data.get("configuration_version", 1))
    return Request(
        **{
            **data,
            "patch": codec.decode_values(data["patch"]),
            "base": codec.decode_values(data["base"]),
            "submitted_at": instant_from_text(data["submitted_at"]),
            "flows": tuple((key, version) for key, version in data["flows"]),
            "steps": tuple(map(_step, data["steps"])),
            "tasks": tuple(Task(*task) for task in data["tasks"]),
            "trail": tuple(TrailEntry(instant_from_text(at), *others) for at, *others in data["trail"]),
        }
    )


def _step(data: dict[str, Any]) -> ResolvedStep:
    return ResolvedStep(
        flow=data["flow"],
        key=data["key"],
        label=FrozenDict(data["label"]),
        mode=data["mode"],
        approvers=tuple(data["approvers"]),
    )

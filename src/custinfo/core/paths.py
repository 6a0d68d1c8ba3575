"""Paths of fields as people write them, and the fields to which they lead."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from custinfo.core.checks import TEXT_KINDS
from custinfo.core.criteria.nodes import Compare, Leaf, Path
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS, Kind, unchanged
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.core.schema import ModuleSchema, Schema

__all__ = ["RefusalError", "Target", "bind_path", "is_text", "is_title", "target_of", "unknown_operator"]


@attrs.frozen
class Target:
    """The field at the end of a path."""

    path: Path
    kind: Kind
    schema: ModuleSchema
    definition: FieldDefinition | None

    @property
    def name(self) -> str:
        """The path as problems name it."""
        return ".".join(self.path)

    def labelled(self, problem: Problem) -> Problem:
        """Return a problem of the field with its labels, which those of a record that is referred to lack."""
        labels = problem.labels or (self.definition.label if self.definition is not None else None)
        return attrs.evolve(problem, labels=labels) if labels else problem


class RefusalError(Exception):
    """Say what is wrong with one comparison; the others are looked at all the same."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def bind_path(name: str | Sequence[str], module: ModuleKey, schema: Schema) -> Path:
    """Return the path of keys for a field name, `reference.field`, or a path as written. Raises: InvalidInputError."""
    parts = name.split(".") if isinstance(name, str) else tuple(name)
    try:
        return target_of(tuple(parts), schema.module(module), schema).path
    except RefusalError as refusal:
        raise InvalidInputError([refusal.problem]) from None


def target_of(path: Path, module: ModuleSchema, schema: Schema) -> Target:
    """Return the field to which a path of names leads, over one reference at most. Raises: RefusalError."""
    if len(path) > 2:
        raise RefusalError(Problem("unknown_field", ".".join(path)))
    keys: list[str] = []
    for position, name in enumerate(path):
        key = module.resolve(name)
        if key is None:
            raise RefusalError(Problem("unknown_field", ".".join(path)))
        keys.append(key)
        definition = module.definition.fields.get(key)
        if position == len(path) - 1:
            return Target(tuple(keys), module.kind_of(key), module, definition)
        if definition is None or definition.kind != "reference":
            raise RefusalError(Problem("unknown_field", ".".join(path)))
        module = schema.module(str(definition.options["module"]))
    raise RefusalError(Problem("unknown_field", ".".join(path)))


def is_text(kind: Kind) -> bool:
    """Tell whether values are texts that people write: also those of a host's kind that is stored as it is."""
    return kind.key in TEXT_KINDS or (
        kind.key not in BUILT_IN_KINDS and kind.storage == "text" and kind.encode is unchanged
    )


def is_title(target: Target) -> bool:
    """Tell whether values are texts that title the records of their module."""
    return target.path[-1] == target.schema.definition.title_field and is_text(target.kind)


def unknown_operator(target: Target, leaf: Leaf, kind: str) -> RefusalError:
    """Return that a field can't be asked this."""
    operator = leaf.operator if isinstance(leaf, Compare) else type(leaf).__name__.lower()
    return RefusalError(Problem("unknown_operator", target.name, params={"kind": kind, "operator": operator}))

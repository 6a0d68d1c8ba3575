"""Of what kinds the values of a field were before: without it, the history could not be read (FLD-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.fields import FieldDefinition, FormerKind
from custinfo.core.records import FieldKey, ModuleKey

__all__ = ["with_former_kinds"]

Fields = dict[tuple[ModuleKey, FieldKey], tuple[FieldDefinition, int]]
"""Module and field → its latest definition, and the version of the configuration in which it stands."""


def with_former_kinds(
    current: Configuration, proposed: Configuration, past: Callable[[], Iterable[Configuration]]
) -> Configuration:
    """Return a configuration in which each field says of what kinds its values were before.

    Args:
        current: The configuration in force.
        proposed: The one to come.
        past: Gives the configurations of before, latest first: a field that comes back may have history.
    """
    known = _fields(current)
    added = _fields(proposed).keys() - known.keys()
    for earlier in past() if added else ():
        known |= {place: found for place, found in _fields(earlier).items() if place in added and place not in known}
    for key, module in proposed.modules.items():
        fields = [
            attrs.evolve(field, former=_former(*known[key, field.key], field))
            for field in module.fields.values()
            if (key, field.key) in known
        ]
        proposed = proposed.with_fields(key, *fields)
    return proposed


def _fields(configuration: Configuration) -> Fields:
    return {
        (key, field.key): (field, configuration.version)
        for key, module in configuration.modules.items()
        for field in module.fields.values()
    }


def _former(old: FieldDefinition, version: int, new: FieldDefinition) -> tuple[FormerKind, ...]:
    same = old.kind == new.kind and (old.kind != "computed" or old.options == new.options)
    return old.former if same else (*old.former, FormerKind(old.kind, version, old.options))

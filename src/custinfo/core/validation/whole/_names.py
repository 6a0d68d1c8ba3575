"""Keys and names: that they can be written in code, stored and told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from custinfo.core.fields import ModuleDefinition
from custinfo.core.policy.grants import PSEUDO_FIELDS
from custinfo.core.problems import Problem
from custinfo.core.records import SYSTEM_FIELDS
from custinfo.core.spots import Spot, repeated
from custinfo.core.text import folded
from custinfo.core.validation.whole._subject import Subject, field_spot, module_spot

__all__ = ["LONGEST_KEY", "key_problems", "name_problems"]

LONGEST_KEY: Final = 60
"""Columns of stores take 64 characters; some are left for what a store puts before a key."""

_KEY: Final = re.compile(r"[^\W\d]\w*")
_RESERVED: Final = frozenset({*SYSTEM_FIELDS, *PSEUDO_FIELDS})


def key_problems(subject: Subject) -> Iterator[Problem]:
    """Yield keys that are none, that every record has already, or that are not those of their items."""
    configuration = subject.configuration
    for name in (
        "modules",
        "dictionaries",
        "tag_dimensions",
        "roles",
        "flows",
        "classifications",
        "segments",
        "retention",
    ):
        items = getattr(configuration, name)
        yield from _keys((Spot().dot(name).at(mapped), mapped, item.key) for mapped, item in items.items())
    for key, module in configuration.modules.items():
        fields = [(field_spot(key, mapped, field), mapped, field.key) for mapped, field in module.fields.items()]
        yield from _keys(fields)
        yield from (spot.problem("key_reserved", key=own) for spot, _, own in fields if own in _RESERVED)
        for mapped, cycle in module.life_cycles.items():
            if cycle.field != mapped:
                spot = module_spot(key).dot("life_cycles").at(mapped)
                yield spot.problem("key_differs", found=mapped, key=cycle.field)


def _keys(items: Iterable[tuple[Spot, str, str]]) -> Iterator[Problem]:
    for spot, mapped, key in items:
        if not _KEY.fullmatch(key) or len(key) > LONGEST_KEY:
            yield spot.problem("key_malformed", key=key[:LONGEST_KEY], limit=LONGEST_KEY)
        if key != mapped:
            yield spot.problem("key_differs", found=mapped, key=key)


def name_problems(subject: Subject) -> Iterator[Problem]:
    """Yield names that mean two things in a module: fields, its owner among them, and segments."""
    for key, module in subject.configuration.modules.items():
        yield from repeated(_field_names(key, module))
        yield from _shadowed(key, module)
        yield from repeated(
            (Spot().dot("segments").at(mapped), name, segment.key)
            for mapped, segment in subject.configuration.segments.items()
            if segment.module == key
            for name in (segment.key, *segment.label.values())
        )


def _field_names(key: str, module: ModuleDefinition) -> Iterator[tuple[Spot, str, str]]:
    for mapped, field in module.fields.items():
        if not field.retired:
            spot = field_spot(key, mapped, field)
            yield from ((spot, name, field.key) for name in field.names())
    spot = module_spot(key)
    yield from ((spot.dot("owner_label"), name, "owner") for name in module.owner_label.values())
    yield from ((spot.dot("owner_aliases"), name, "owner") for name in module.owner_aliases)


def _shadowed(key: str, module: ModuleDefinition) -> Iterator[Problem]:
    """Yield names of active fields that are keys of retired ones, which come first."""
    retired = {folded(field.key): field.key for field in module.fields.values() if field.retired}
    for mapped, field in module.fields.items():
        for name in dict.fromkeys(map(folded, field.names())) if not field.retired else ():
            if name in retired:
                spot = field_spot(key, mapped, field)
                yield spot.problem("name_taken", severity="warning", name=name, other=retired[name])

"""What a configuration leaves out, and whether records still have it: their data would be lost (DIC-3, FLD-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.configuration_changes import ConfigurationChange
from custinfo.core.criteria.evaluate import compile_predicate, no_related
from custinfo.core.criteria.nodes import Criterion, Everything, Has, OneOf, Present, Tagged, any_of
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.ports.repositories import Query
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.migrating import Migrated

__all__ = ["Removal", "gives_up", "removals", "still_in_use"]

_PARTS_WITH_DATA: Final = ("module", "field", "dictionary", "dictionary_value", "tag_dimension")


@attrs.frozen
class Removal:
    """Something that is left out, with the criterion, by module, that the records meet which have it."""

    key: str
    holders: Mapping[ModuleKey, Criterion]

    def given_up(self, migrated: Migrated) -> bool:
        """Tell whether a record has it no more under the new configuration, as what a rule alone gave goes with it."""
        criterion = self.holders.get(migrated.before.module)
        if criterion is None:
            return False
        holds = compile_predicate(criterion)
        return holds(migrated.before, no_related) and not holds(migrated.after, no_related)

    def held(self, unit: UnitOfWork) -> int:
        """Return how many records have it."""
        return sum(unit.queries.count(Query(module, criterion)) for module, criterion in self.holders.items())


def gives_up(removed: Sequence[Removal], migrated: Migrated) -> Iterator[int]:
    """Yield which of some removals a record has no more under the new configuration, by their place."""
    if migrated.changed:
        yield from (place for place, item in enumerate(removed) if item.given_up(migrated))


def still_in_use(removed: Sequence[Removal], held: Sequence[int], given_up: Mapping[int, int]) -> Iterator[Problem]:
    """Yield a problem for each removal that records have, beside those that give it up."""
    for place, (item, number) in enumerate(zip(removed, held, strict=True)):
        left = number - given_up.get(place, 0)
        if left > 0:
            yield Problem("still_in_use", item.key, params={"count": left})


def removals(known: Configuration, changes: Iterable[ConfigurationChange]) -> Iterator[Removal]:
    """Yield what changes leave out of a configuration though records may have it."""
    for change in changes:
        if change.action == "removed" and change.part in _PARTS_WITH_DATA:
            yield Removal(change.key, FrozenDict(dict(_holders(known, change))))


def _holders(known: Configuration, change: ConfigurationChange) -> Iterator[tuple[ModuleKey, Criterion]]:
    match change.part:
        case "module":
            yield change.key, Everything()
        case "field":
            yield str(change.within), Present((change.key,))
        case "tag_dimension":
            yield from ((key, Tagged(change.key)) for key, module in known.modules.items() if module.taggable)
        case _:
            dictionary = change.key if change.part == "dictionary" else change.within
            for key, module in known.modules.items():
                fields = [item for item in module.fields.values() if item.options.get("dictionary") == dictionary]
                yield key, any_of([_holding(field, change) for field in fields if not field.encrypted])


def _holding(field: FieldDefinition, change: ConfigurationChange) -> Criterion:
    if change.part == "dictionary":
        return Present((field.key,))
    several = field.kind == "multiple_choice"
    return Has((field.key,), change.key) if several else OneOf((field.key,), (change.key,))

"""Which records can go back to what they were together: each may need that another one goes back, too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import attrs

from custinfo.core.criteria.nodes import OneOf
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.stored import unique_keys
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import references_to

__all__ = ["Place", "Way", "together"]

_LIST: Final = 500
"""Ids that the store is asked about at once."""

Place = tuple[ModuleKey, RecordId]


@attrs.frozen
class Way:
    """How a record goes back: to `back`, or away."""

    record: Record
    back: Record | None

    def refers_to(self, key: FieldKey, record_id: RecordId) -> bool:
        """Tell whether a reference field of the record leads to another one afterwards."""
        return self.back is not None and self.back.values.get(key) == record_id


def together(context: Context, ways: Mapping[Place, Way]) -> dict[Place, Way]:
    """Return the ways without those that would clash with what stays as it is, or refer to what is gone."""
    settling = _Settling(context, dict(ways))
    settling.settle()
    return settling.ways


@attrs.define
class _Settling:
    context: Context
    ways: dict[Place, Way]

    def settle(self) -> None:
        """Leave records until the rest fits."""
        self.context.related.prefetch(way.back for way in self.ways.values() if way.back is not None)
        holders, referring = self.holders(), self.referring()
        while left := {*self.clashing(holders), *self.astray(), *self.needed(referring)}:
            self.ways = {place: way for place, way in self.ways.items() if place not in left}

    def holders(self) -> Mapping[Place, Collection[Place]]:
        """Return which records have the unique values that others are to have again."""
        wanted: dict[tuple[ModuleKey, FieldKey], dict[str, Place]] = {}
        for place, way in self.ways.items():
            if way.back is None or way.back.archived_at is not None:
                continue
            schema = self.context.module(place[0])
            for field in schema.unique_fields:
                value = way.back.values.get(field.key)
                if value is not None and value != way.record.values.get(field.key):
                    texts = dict.fromkeys(unique_keys(schema, field.key, value), place)
                    wanted.setdefault((place[0], field.key), {}).update(texts)
        found: dict[Place, set[Place]] = {}
        for (module, key), places in wanted.items():
            for text, holder in self.context.unit.records.holders(module, key, places.keys()).items():
                found.setdefault(places[text], set()).add((module, holder))
        return found

    def clashing(self, holders: Mapping[Place, Collection[Place]]) -> Iterator[Place]:
        """Yield the records whose former unique value another one has by now, which does not give it up."""
        for place, others in holders.items():
            if place in self.ways and any(other != place and other not in self.ways for other in others):
                yield place

    def astray(self) -> Iterator[Place]:
        """Yield the records that would refer to what is gone."""
        for place, way in self.ways.items():
            if way.back is None:
                continue
            for key, target in self.context.related.fields(way.back.module):
                wanted = way.back.values.get(key)
                if wanted is None or wanted == way.record.values.get(key):
                    continue
                going = self.ways.get((target, wanted))
                if self.context.related(way.back, key) is None or (going is not None and going.back is None):
                    yield place

    def needed(self, referring: Mapping[Place, Collection[tuple[Place, FieldKey]]]) -> Iterator[Place]:
        """Yield the records that are to go, and to which one refers that stays."""
        for place, referrers in referring.items():
            way = self.ways.get(place)
            if way is None or way.back is not None:
                continue
            if any(other not in self.ways or self.ways[other].refers_to(key, place[1]) for other, key in referrers):
                yield place

    def referring(self) -> Mapping[Place, Collection[tuple[Place, FieldKey]]]:
        """Return what refers to the records that are to go: each with the field by which it does."""
        going: dict[ModuleKey, list[RecordId]] = {}
        for (module, record_id), way in self.ways.items():
            if way.back is None:
                going.setdefault(module, []).append(record_id)
        found: dict[Place, set[tuple[Place, FieldKey]]] = {}
        for target, ids in going.items():
            for module, key in references_to(self.context, target):
                for start in range(0, len(ids), _LIST):
                    query = Query(module, OneOf((key,), tuple(ids[start : start + _LIST])))
                    for record in self.context.unit.queries.find(query):
                        found.setdefault((target, record.values[key]), set()).add(((module, record.id), key))
        return found

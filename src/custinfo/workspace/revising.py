"""What another configuration would do to the stored records: looked at before it is put in force (FLD-1, DIC-3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from custinfo.core.approval.requests import RequestId
from custinfo.core.criteria.nodes import Everything
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.stored import unique_keys
from custinfo.workspace.altering import Alterations, Cause
from custinfo.workspace.context import Context
from custinfo.workspace.migrating import Migrated, Migration, pages
from custinfo.workspace.removing import Removal, gives_up, still_in_use

__all__ = ["Clash", "Effect", "Failure", "Preview", "preview"]


_MOST_TOLD: Final = 100


@attrs.frozen
class Failure:
    """A stored value of the record `record_id` for which the new configuration has no place; `problems` say why."""

    record_id: RecordId
    problems: tuple[Problem, ...]


@attrs.frozen
class Effect:
    """What happens to one field (or to `tags`) of the stored records of a module.

    Args:
        module: Key of the module.
        field: The field, or `tags`.
        cause: `converted` (another kind), `merged` (entries or tags became one), `sealed` or `opened` (encryption), or
            `derived` (a formula or a classification).
        records: How many values change.
        failing: How many of them have no place under the new configuration.
        failures: The first hundred of these.
    """

    module: ModuleKey
    field: FieldKey
    cause: Cause
    records: int = 0
    failing: int = 0
    failures: tuple[Failure, ...] = ()


@attrs.frozen
class Clash:
    """Live records that would share a value of a field that is to be unique.

    `module` and `field` are the keys of both, and `record_ids` are the records, two at least; the value is not told.
    """

    module: ModuleKey
    field: FieldKey
    record_ids: tuple[RecordId, ...]


@attrs.frozen
class Preview:
    """What a configuration would do to the stored records."""

    effects: tuple[Effect, ...]
    clashes: tuple[Clash, ...]
    problems: tuple[Problem, ...]


def preview(context: Context, migrations: Iterable[Migration], removed: Sequence[Removal]) -> Preview:
    """Return what migrations come to; reads the records that they concern, and writes nothing.

    Something removed that records still have is a problem, save where they come to be without it.
    """
    given_up: Counter[int] = Counter()
    effects: list[Effect] = []
    clashes: list[Clash] = []
    problems: list[Problem] = []
    for migration in migrations:
        tally = _Tally(migration.altered)
        if context.keyring is None:
            problems += [Problem("keyring_missing", key) for key in migration.altered.to_be_sealed]
        # A request may hold a field that is blank on its record as yet.
        looked_at = Everything() if migration.altered.rewritten else migration.altered.concerned
        for page in pages(context.unit, migration, looked_at):
            waiting = _held(context, page)
            migration.prefetch(page)
            for record in page:
                migrated = migration.run(record)
                tally.add(migrated, waiting.get(record.id, {}))
                given_up.update(gives_up(removed, migrated))
        effects += tally.effects()
        clashes += tally.clashes()
        problems += map(migration.altered.new.labelled, (*tally.problems, *tally.standing_in_the_way()))
    held = [item.held(context.unit) for item in removed]
    return Preview(tuple(effects), tuple(clashes), (*still_in_use(removed, held, given_up), *problems))


Held = Mapping[RequestId, set[FieldKey]]
"""Open requests about one record → the fields of it that they hold."""


def _held(context: Context, page: Sequence[Record]) -> Mapping[RecordId, Held]:
    """Return what open requests hold of the records of a page, those about many records at once among them."""
    found: dict[RecordId, dict[RequestId, set[FieldKey]]] = defaultdict(lambda: defaultdict(set))
    for request in context.unit.approvals.open_for(page[0].module, [record.id for record in page]):
        for record_id, field in request.reservations():
            found[record_id][request.id].add(field)
    return found


class _Tally:
    """Count what happens to the records of one module."""

    def __init__(self, altered: Alterations) -> None:
        self.altered = altered
        self.module = altered.new.definition.key
        self.problems: list[Problem] = []
        self._changed: Counter[tuple[FieldKey, Cause]] = Counter(
            {(key, altered.cause_of(key)): 0 for key in altered.rewritten}
        )
        self._failing: Counter[FieldKey] = Counter()
        self._failures: dict[FieldKey, list[Failure]] = defaultdict(list)
        self._holders: dict[FieldKey, dict[str, list[RecordId]]] = {key: defaultdict(list) for key in altered.unique}

    def add(self, migrated: Migrated, held: Held) -> None:
        record = migrated.after
        self._changed.update(migrated.causes.items())
        for key, problems in migrated.failures.items():
            self._failing[key] += 1
            if len(self._failures[key]) < _MOST_TOLD:
                labelled = tuple(map(self.altered.new.labelled, problems))
                self._failures[key].append(Failure(record.id, labelled))
        for key, holders in self._holders.items():
            value = record.values.get(key)
            known = () if value is None or record.archived_at is not None else self._texts(key, value)
            for text in known[-1:]:  # what was sealed under a former key has the last one alone
                holders[text].append(record.id)
        touched = (migrated.causes.keys() | set(self.altered.rewritten)) - {"tags"}
        for request_id, fields in held.items():
            params = {"request_id": request_id}
            self.problems += [Problem("field_reserved", key, params=params) for key in sorted(fields & touched)]

    def _texts(self, key: FieldKey, value: object) -> tuple[str, ...]:
        return unique_keys(self.altered.new, key, value)

    def effects(self) -> Iterator[Effect]:
        """Yield what happens to each field, in the order of the fields; tags come last."""
        order = {key: number for number, key in enumerate(self.altered.new.definition.fields)}
        for key, cause in sorted(self._changed, key=lambda item: (order.get(item[0], len(order)), item)):
            number = self._changed[key, cause]
            if key in self.altered.rewritten and cause == self.altered.cause_of(key):
                yield Effect(self.module, key, cause, number, self._failing[key], tuple(self._failures[key]))
            else:
                yield Effect(self.module, key, cause, number)

    def standing_in_the_way(self) -> Iterator[Problem]:
        """Yield a problem for each value that several records share, and for each field with values without place."""
        for clash in self.clashes():
            yield Problem("not_unique_yet", clash.field, params={"count": len(clash.record_ids)})
        for key, number in self._failing.items():
            yield Problem("conversion_failing", key, params={"count": number})

    def clashes(self) -> Iterator[Clash]:
        for key, holders in self._holders.items():
            for records in holders.values():
                if len(records) > 1:
                    yield Clash(self.module, key, tuple(records))

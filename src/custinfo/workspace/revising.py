"""Changing the configuration at run time: plan, apply, undo — like an import (FLD-1, DIC-3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, Literal

import attrs

from custinfo.core.approval.requests import Request
from custinfo.core.configuration import Configuration
from custinfo.core.configuration_changes import ConfigurationChange
from custinfo.core.criteria.nodes import Criterion, Not, Present, any_of
from custinfo.core.errors import InvalidInputError
from custinfo.core.history.changes import Change, changes_between
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.core.schema import Schema
from custinfo.core.stored import unique_key
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.context import Compiled, Context
from custinfo.workspace.migrating import Cause, Migrated, Migration, pages

__all__ = ["Clash", "ConfigurationPlan", "Effect", "Failing", "Failure", "Work", "batch_of", "preview"]

Failing = Literal["refuse", "clear"]

_MOST_TOLD: Final = 100


@attrs.frozen
class Failure:
    """A stored value for which the new configuration has no place, and why."""

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
    """Live records that would share a value of a field that is to be unique."""

    module: ModuleKey
    field: FieldKey
    record_ids: tuple[RecordId, ...]


@attrs.frozen
class Preview:
    """What a configuration would do to the stored records."""

    effects: tuple[Effect, ...]
    clashes: tuple[Clash, ...]
    problems: tuple[Problem, ...]


def preview(context: Context, migrations: Iterable[Migration]) -> Preview:
    """Return what migrations come to; reads the records that they concern, and writes nothing."""
    effects: list[Effect] = []
    clashes: list[Clash] = []
    problems: list[Problem] = []
    for migration in migrations:
        tally = _Tally(migration)
        for page in pages(context.unit, migration, _concerned(migration)):
            requests = _open_requests(context, page)
            for record in page:
                tally.add(migration.run(record), requests.get(record.id, ()))
        effects += tally.effects()
        clashes += tally.clashes()
        problems += tally.problems
    return Preview(tuple(effects), tuple(clashes), tuple(problems))


def _concerned(migration: Migration) -> Criterion:
    """Return the records that a migration changes, or whose values it compares."""
    live = Not(Present(("archived_at",)))
    compared = [Present((key,)) & live for key in migration.unique if key in migration.old.definition.fields]
    return any_of([migration.criterion, *compared])


def _open_requests(context: Context, page: Iterable[Record]) -> Mapping[RecordId, list[Request]]:
    records = list(page)
    found: dict[RecordId, list[Request]] = defaultdict(list)
    for request in context.unit.approvals.open_for(records[0].module, [record.id for record in records]):
        found[request.record_id].append(request)
    return found


class _Tally:
    """Count what happens to the records of one module."""

    def __init__(self, migration: Migration) -> None:
        self.migration = migration
        self.module = migration.new.definition.key
        self.problems: list[Problem] = []
        self._changed: Counter[tuple[FieldKey, Cause]] = Counter(
            {(key, migration.cause_of(key)): 0 for key in migration.rewritten}
        )
        self._failing: Counter[FieldKey] = Counter()
        self._failures: dict[FieldKey, list[Failure]] = defaultdict(list)
        self._holders: dict[FieldKey, dict[str, list[RecordId]]] = {key: defaultdict(list) for key in migration.unique}

    def add(self, migrated: Migrated, requests: Iterable[Request]) -> None:
        record = migrated.after
        self._changed.update(migrated.causes.items())
        for key, problems in migrated.failures.items():
            self._failing[key] += 1
            if len(self._failures[key]) < _MOST_TOLD:
                self._failures[key].append(Failure(record.id, problems))
        for key, holders in self._holders.items():
            value = record.values.get(key)
            text = None if value is None or record.archived_at is not None else self._text(key, value)
            if text is not None:
                holders[text].append(record.id)
        for request in requests:
            held = sorted(key for key in request.reserved_fields() & migrated.causes.keys() if key != "tags")
            params = {"request_id": request.id}
            self.problems += [
                self.migration.new.labelled(Problem("field_reserved", key, params=params)) for key in held
            ]

    def _text(self, key: FieldKey, value: object) -> str | None:
        return unique_key(self.migration.new, key, value)

    def effects(self) -> Iterator[Effect]:
        """Yield what happens to each field, in the order of the fields; tags come last."""
        order = {key: number for number, key in enumerate(self.migration.new.definition.fields)}
        for key, cause in sorted(self._changed, key=lambda item: (order.get(item[0], len(order)), item)):
            number = self._changed[key, cause]
            if key in self.migration.rewritten and cause == self.migration.cause_of(key):
                yield Effect(self.module, key, cause, number, self._failing[key], tuple(self._failures[key]))
            else:
                yield Effect(self.module, key, cause, number)

    def clashes(self) -> Iterator[Clash]:
        for key, holders in self._holders.items():
            for records in holders.values():
                if len(records) > 1:
                    yield Clash(self.module, key, tuple(records))


@attrs.define
class ConfigurationPlan:
    """What replacing the configuration would do. Making it writes nothing; `apply` does what it says.

    Args:
        configuration: The configuration that will be in force, with its new version.
        changes: What differs.
        effects: What happens to stored values, field by field.
        clashes: Records that would share a value of a field that is to be unique.
        problems: What stands in the way (errors), and what is worth a look (warnings).
    """

    configuration: Configuration = attrs.field(repr=False)
    changes: tuple[ConfigurationChange, ...]
    effects: tuple[Effect, ...]
    clashes: tuple[Clash, ...]
    problems: tuple[Problem, ...]
    _work: Work = attrs.field(repr=False, alias="work")
    _revision: Revision | None = attrs.field(default=None, init=False, repr=False)

    @property
    def failing(self) -> int:
        """How many stored values have no place under the new configuration."""
        return sum(effect.failing for effect in self.effects)

    def apply(self, *, reason: str | None = None, failing: Failing = "refuse") -> Revision:
        """Put the configuration in force, and take the records to it, in the session's transaction.

        Applied once: asked again, it returns the same revision. The session goes on under the new configuration, and
        so does every workspace of the tenant from its next session on.

        Args:
            reason: Why; kept with the revision, and with the history of every record that changes.
            failing: What to do where a value has no place: `refuse` the whole change, or `clear` the value, which
                stays in the record's history, and comes back with `undo`.

        Raises: InvalidInputError for the plan's errors, clashes, or values that have no place; ConflictError
            (`configuration_changed`) if somebody else was faster. In each case nothing was changed.
        """
        if self._revision is None:
            context = self._work.context
            self._require(failing)
            with context.unit.atomic():
                self._revision = _Application(self._work, self.configuration.version, reason, context.now()).run()
            context.adopt(self._work.compiled)
        return self._revision

    def _require(self, failing: Failing) -> None:
        context = self._work.context
        if context.compiled is not self._work.base:
            expected, actual = self._work.base.version, context.compiled.version
            raise changed_configuration(expected, actual)
        problems = [problem for problem in self.problems if problem.severity == "error"]
        problems += [
            Problem("not_unique_yet", clash.field, params={"count": len(clash.record_ids)}) for clash in self.clashes
        ]
        if failing == "refuse":
            problems += [
                Problem("conversion_failing", effect.field, params={"count": effect.failing})
                for effect in self.effects
                if effect.failing
            ]
        if problems:
            raise InvalidInputError(problems)


@attrs.frozen
class Work:
    """What carries a plan out: the configuration in force, the one to come, and what it does to each module.

    `undone` is the version that the plan takes back, if that is what it does.
    """

    context: Context
    base: Compiled
    compiled: Compiled
    migrations: tuple[Migration, ...]
    undone: int | None = None


@attrs.frozen
class _Application:
    """Carry one plan out."""

    work: Work
    version: int
    reason: str | None
    now: datetime

    def run(self) -> Revision:
        work, unit = self.work, self.work.context.unit
        actor = work.context.actor
        revision = Revision(self.version, work.compiled.to_json(), self.now, actor, self.reason, work.undone)
        replacing = work.base.revision
        if replacing == 0:
            # The configuration of the host's code is kept too, so that every version can be looked up.
            first = Revision(work.base.version, work.base.to_json(), self.now)
            unit.configurations.save(first, replacing=0)
            replacing = first.version
        unit.configurations.save(revision, replacing=replacing)
        work.compiled.revision = revision.version
        other = unit.under(work.compiled.schema)
        for migration in work.migrations:
            self.migrate(other, migration)
        return revision

    def migrate(self, other: UnitOfWork, migration: Migration) -> None:
        """Save what changes in one module, page by page, and claim unique values anew."""
        unit = self.work.context.unit
        if migration.unique:
            self.release(migration)
        for page in pages(unit, migration, _concerned(migration)):
            done = [(record, self.finished(migration.run(record))) for record in page]
            changed = [(before, after) for before, after in done if before is not after]
            if changed:
                other.records.save([after for _, after in changed])
                other.history.append([self.change(before, after) for before, after in changed])
                self.work.context.related.forget([after for _, after in changed])
            if migration.unique:
                other.records.reindex([after for before, after in done if before is after])

    def release(self, migration: Migration) -> None:
        """Give up what records claim as yet: the new value of one may be the old one of another."""
        module = migration.new.definition.key
        free = without_unique_fields(self.work.compiled.schema, module)
        unit = self.work.context.unit.under(free)
        for page in pages(self.work.context.unit, migration, _concerned(migration)):
            unit.records.reindex(page)

    def finished(self, migrated: Migrated) -> Record:
        """Return a record as it is saved; itself where it does not change."""
        before, after = migrated.before, migrated.after
        if not migrated.causes:
            return before
        return attrs.evolve(after, version=before.version + 1, updated_at=self.now)

    def change(self, before: Record, after: Record) -> Change:
        return Change(
            after.module,
            after.id,
            after.version,
            self.now,
            self.work.context.actor,
            "update",
            changes_between(before, after),
            "configuration",
            self.reason,
            batch=batch_of(self.version),
            configuration_version=self.version,
        )


def batch_of(version: int) -> str:
    """Return the name under which the history keeps what a version of the configuration changed."""
    return f"configuration-{version}"


def without_unique_fields(schema: Schema, module: ModuleKey) -> Schema:
    """Return a schema in which no field of a module is unique."""
    known = schema.configuration
    fields = [attrs.evolve(field, unique=False) for field in known.modules[module].fields.values()]
    return Schema(known.with_fields(module, *fields), schema.directory, schema.zone, schema.extra_kinds)

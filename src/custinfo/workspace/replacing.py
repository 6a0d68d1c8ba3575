"""Putting another configuration in force, and taking it back: what a plan does when it is applied (FLD-1, DIC-3)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Literal

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.configuration_changes import ConfigurationChange
from custinfo.core.errors import InvalidInputError
from custinfo.core.history.changes import Change, FieldChange, changes_between
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, Record
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.core.schema import Schema
from custinfo.ports.units import UnitOfWork
from custinfo.workspace.announcing import remember
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.context import Context
from custinfo.workspace.foreseeing import Foreseen
from custinfo.workspace.migrating import Migrated, Migration, pages
from custinfo.workspace.mistakes import one_of, storable
from custinfo.workspace.removing import Removal, gives_up, still_in_use
from custinfo.workspace.revising import Clash, Effect

__all__ = ["ConfigurationPlan", "Failing", "Work", "batch_of"]

Failing = Literal["refuse", "clear"]


@attrs.define
class ConfigurationPlan:
    """What replacing the configuration would do. Making it writes nothing; `apply` does what it says.

    Args:
        configuration: The configuration that will be in force, with its new version.
        changes: What differs.
        effects: What happens to stored values, field by field.
        clashes: Records that would share a value of a field that is to be unique.
        problems: What stands in the way (errors), clashes and values without place among them, and what is worth a
            look (warnings): what `Report.of(plan)` shows.
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

        Raises: InvalidInputError for the plan's errors, clashes, values that have no place, and what is left out though
            records have it by now (`still_in_use`); ConflictError (`configuration_changed`) if somebody else was
            faster; ValueError for another word in `failing`. In each case nothing was changed.
        """
        one_of("failing", failing, Failing)
        storable("reason", reason)
        if self._revision is None:
            context = self._work.context
            self._require(failing)
            with context.atomic():
                version, now = self.configuration.version, context.now()
                revision = _Application(self._work, version, reason, now, clear=failing == "clear").run()
            context.adopt(self._work.compiled)
            self._revision = revision
        return self._revision

    def _require(self, failing: Failing) -> None:
        context = self._work.context
        if context.compiled is not self._work.base:
            expected, actual = self._work.base.version, context.compiled.version
            raise changed_configuration(expected, actual)
        allowed = {"conversion_failing"} if failing == "clear" else frozenset()
        problems = [item for item in self.problems if item.severity == "error" and item.code not in allowed]
        if problems:
            raise InvalidInputError(problems)


@attrs.frozen
class Work:
    """What carries a plan out: the configuration in force, the one to come, and what it does to each module.

    `related` follows references for the migrations, and `removed` is what is left out. `undone` is the version that the
    plan takes back, if that is what it does.
    """

    context: Context
    base: Compiled
    compiled: Compiled
    migrations: tuple[Migration, ...]
    related: Foreseen
    removed: tuple[Removal, ...] = ()
    undone: int | None = None


@attrs.frozen
class _Application:
    """Carry one plan out."""

    work: Work
    version: int
    reason: str | None
    now: datetime
    clear: bool

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
        work.related.begin(other)
        held = [item.held(unit) for item in work.removed]
        given_up: Counter[int] = Counter()
        for migration in work.migrations:
            given_up.update(self.migrate(other, migration))
            work.related.finished(migration.altered.new.definition.key)
        # Nobody writes under the former configuration any more: what somebody did since the plan was made is seen.
        if problems := list(still_in_use(work.removed, held, given_up)):
            raise InvalidInputError(problems)
        return revision

    def migrate(self, other: UnitOfWork, migration: Migration) -> Counter[int]:
        """Save what changes in one module, page by page, and claim unique values anew.

        Returns: The place of what is left out → how many records give it up.
        """
        unit, given_up = self.work.context.unit, Counter[int]()
        if migration.altered.unique:
            self.release(migration)
        for page in pages(unit, migration, migration.altered.concerned):
            migration.prefetch(page)
            migrated = [migration.run(record) for record in page]
            for item in migrated if self.work.removed else ():
                given_up.update(gives_up(self.work.removed, item))
            done = [(item.before, self.finished(migration, item)) for item in migrated]
            changed = [(before, after) for before, after in done if before is not after]
            if changed:
                other.records.save([after for _, after in changed])
                changes = [self.change(migration, before, after) for before, after in changed]
                prover = self.work.context.prover_under(self.work.compiled)
                remember(other, self.work.compiled.schema, self.work.context.ids, changes, prover)
                self.work.related.saved([after for _, after in changed])
            if migration.altered.unique:
                other.records.reindex([after for before, after in done if before is after])
        return given_up

    def release(self, migration: Migration) -> None:
        """Give up what records claim as yet: the new value of one may be the old one of another."""
        module = migration.altered.new.definition.key
        free = without_unique_fields(self.work.compiled.schema, module)
        unit = self.work.context.unit.under(free)
        for page in pages(self.work.context.unit, migration, migration.altered.concerned):
            unit.records.reindex(page)

    def finished(self, migration: Migration, migrated: Migrated) -> Record:
        """Return a record as it is saved; itself where it does not change.

        Raises: InvalidInputError for a value without place that came after the plan was made.
        """
        if migrated.failures and not self.clear:
            found = (Problem("conversion_failing", key, params={"count": 1}) for key in migrated.failures)
            raise InvalidInputError(map(migration.altered.new.labelled, found))
        before, after = migrated.before, migrated.after
        if not migrated.changed:
            return before
        return attrs.evolve(after, version=before.version + 1, updated_at=self.now).keeping_keys()

    def change(self, migration: Migration, before: Record, after: Record) -> Change:
        return Change(
            after.module,
            after.id,
            after.version,
            self.now,
            self.work.context.actor,
            "update",
            tuple(migration.sealed_change(after, item) for item in _changes(before, after)),
            "configuration",
            self.reason,
            batch=batch_of(self.version),
            configuration_version=self.version,
        )


def _changes(before: Record, after: Record) -> tuple[FieldChange, ...]:
    """Return what differs, also where only the type does: 1 is not the same as 1.0, or as yes."""
    found = changes_between(before, after)
    told = {item.field for item in found}
    pairs = [(key, before.values.get(key), value) for key, value in after.values.items() if key not in told]
    return (*(FieldChange(key, old, new) for key, old, new in pairs if type(old) is not type(new)), *found)


def batch_of(version: int) -> str:
    """Return the name under which the history keeps what a version of the configuration changed."""
    return f"configuration-{version}"


def without_unique_fields(schema: Schema, module: ModuleKey) -> Schema:
    """Return a schema in which no field of a module is unique."""
    known = schema.configuration
    fields = [attrs.evolve(field, unique=False) for field in known.modules[module].fields.values()]
    return Schema(known.with_fields(module, *fields), schema.directory, schema.zone, schema.extra_kinds, schema.masks)

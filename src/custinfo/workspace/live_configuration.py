"""The configuration in force, and the verbs that change it at run time (FLD-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.configuration_changes import ConfigurationChange, affected_modules, compare_configurations
from custinfo.core.criteria.nodes import Criterion, Everything, Has, OneOf, Present, Tagged, any_of
from custinfo.core.errors import ConfigurationError, PermissionDeniedError
from custinfo.core.fields import FieldDefinition, FormerKind
from custinfo.core.history.changes import Change
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, RecordId
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Compiled, Context
from custinfo.workspace.deriving import refresh
from custinfo.workspace.migrating import Migration
from custinfo.workspace.reading import not_found
from custinfo.workspace.revising import ConfigurationPlan, Failing, Preview, Work, batch_of, preview

__all__ = ["LiveConfiguration"]

_PARTS_WITH_DATA = ("module", "field", "dictionary", "dictionary_value", "tag_dimension")


class LiveConfiguration:
    """Show and change the configuration of a tenant while it is in use; `Session.configuration` gives it.

    A configuration is a value: change `current` with its methods, see with `plan` what that would do, and apply the
    plan. Changing needs `configure` on every module that a change is about.

    >>> from custinfo import Workspace
    >>> from custinfo.standard import sample_organisation, standard_configuration
    >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
    >>> with workspace.acting_as("admin") as session:
    ...     wanted = session.configuration.current.change_field("customer", "address", label="公司地址")
    ...     plan = session.configuration.plan(wanted)
    ...     plan.apply(reason="统一叫法").version
    2
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def current(self) -> Configuration:
        """The configuration in force."""
        return self._context.schema.configuration

    def revisions(self) -> tuple[Revision, ...]:
        """Return who changed the configuration when and why, oldest first; nothing if nobody did at run time.

        Raises: PermissionDeniedError unless the actor may configure some module.
        """
        self._require_any()
        return tuple(self._context.unit.configurations.all())

    def at(self, version: int) -> Configuration:
        """Return the configuration as it was at a version. Raises: NotFoundError; PermissionDeniedError."""
        self._require_any()
        if version == self.current.version:
            return self.current
        revision = self._context.unit.configurations.get(version)
        if revision is None:
            raise not_found("version")
        return self._context.compiled.from_json(revision.data)

    def plan(self, proposed: Configuration) -> ConfigurationPlan:
        """Return what it would mean to put a configuration in force; reads records, and writes nothing.

        Args:
            proposed: Made from `current`; its version says from which.

        Raises: ConflictError (`configuration_changed`) if it was made from another version than the one in force;
            PermissionDeniedError. What is wrong with the configuration itself stands in the plan's problems.
        """
        if proposed.version != self.current.version:
            raise changed_configuration(proposed.version, self.current.version)
        return self._plan(proposed, None, {})

    def change(self, proposed: Configuration, *, reason: str | None = None, failing: Failing = "refuse") -> Revision:
        """Plan and apply in one go. Raises: as `plan` and `ConfigurationPlan.apply`; nothing is changed then."""
        return self.plan(proposed).apply(reason=reason, failing=failing)

    def undo(self, version: int) -> ConfigurationPlan:
        """Return the plan that takes the latest version back: the configuration before it, and the values of then.

        Values that somebody changed since are converted back as far as they can be.

        Args:
            version: The version in force, named so that nobody takes back what they have not seen.

        Raises: ConflictError (`configuration_changed`) if another version is in force; NotFoundError where nothing
            was changed at run time; PermissionDeniedError.
        """
        if version != self.current.version:
            raise changed_configuration(version, self.current.version)
        earlier = [item for item in self.revisions() if item.version < version]
        if not earlier:
            raise not_found("version")
        target = self._context.compiled.from_json(earlier[-1].data)
        past: dict[ModuleKey, dict[RecordId, Change]] = {}
        for change in self._context.unit.history.of_batch(batch_of(version)):
            past.setdefault(change.module, {})[change.record_id] = change
        return self._plan(attrs.evolve(target, version=version), version, past)

    def refresh(self, module: ModuleKey) -> int:
        """Bring the tags and grades of a module's live records up to date; return how many records changed.

        For rules that look at periods, such as `F.last_order.within(months=6)`, whose answer changes with the time
        alone: have it run once a day. Everything else is kept current by the changes themselves.

        Raises: PermissionDeniedError unless the actor may configure the module; ConflictError: nothing is changed.
        """
        self._context.module(module)
        self._require([module])
        with self._context.unit.atomic():
            self._context.hold_configuration()
            return refresh(self._context, module)

    # --- inner

    def _plan(
        self, proposed: Configuration, undone: int | None, past: Mapping[ModuleKey, Mapping[RecordId, Change]]
    ) -> ConfigurationPlan:
        base = self._context.compiled
        final = attrs.evolve(_with_former_kinds(self.current, proposed), version=proposed.version + 1)
        changes = compare_configurations(self.current, final)
        self._require(affected_modules(self.current, final, changes))
        problems = [] if changes else [Problem("nothing_to_change")]
        problems += self._removals(changes)
        compiled, found = base, Preview((), (), ())
        migrations: tuple[Migration, ...] = ()
        try:
            compiled = base.revised(final)
        except ConfigurationError as error:
            problems += error.problems
        else:
            migrations = tuple(self._migrations(compiled, past))
            found = preview(self._context, migrations)
        work = Work(self._context, base, compiled, migrations, undone)
        return ConfigurationPlan(final, changes, found.effects, found.clashes, (*problems, *found.problems), work)

    def _migrations(
        self, compiled: Compiled, past: Mapping[ModuleKey, Mapping[RecordId, Change]]
    ) -> Iterator[Migration]:
        base = self._context.compiled
        for module in self.current.modules:
            if module in compiled.schema.modules:
                derivations = (base.derivation(module), compiled.derivation(module))
                yield Migration(self._context, base.schema, compiled.schema, module, derivations, past.get(module))

    def _removals(self, changes: Iterable[ConfigurationChange]) -> Iterator[Problem]:
        """Yield a problem for everything that is left out of the configuration though records have it."""
        for change in changes:
            if change.action == "removed" and change.part in _PARTS_WITH_DATA:
                number = sum(
                    self._context.unit.queries.count(Query(module, criterion))
                    for module, criterion in self._holders(change)
                )
                if number:
                    yield Problem("still_in_use", change.key, params={"count": number})

    def _holders(self, change: ConfigurationChange) -> Iterator[tuple[ModuleKey, Criterion]]:
        """Yield the records that have what is left out: module and criterion."""
        match change.part:
            case "module":
                yield change.key, Everything()
            case "field":
                yield str(change.within), Present((change.key,))
            case "tag_dimension":
                yield from (
                    (key, Tagged(change.key)) for key, module in self.current.modules.items() if module.taggable
                )
            case _:
                dictionary = change.key if change.part == "dictionary" else change.within
                for key, module in self.current.modules.items():
                    fields = [item for item in module.fields.values() if item.options.get("dictionary") == dictionary]
                    yield key, any_of([_holding(field, change) for field in fields if not field.encrypted])

    def _require_any(self) -> None:
        if not any(self._context.access(module).may("configure") for module in self.current.modules):
            raise PermissionDeniedError([_denied("*")])

    def _require(self, modules: Iterable[ModuleKey]) -> None:
        self._require_any()
        denied = [key for key in sorted(modules) if not self._context.access(key).may("configure")]
        if denied:
            raise PermissionDeniedError(map(_denied, denied))


def _holding(field: FieldDefinition, change: ConfigurationChange) -> Criterion:
    if change.part == "dictionary":
        return Present((field.key,))
    several = field.kind == "multiple_choice"
    return Has((field.key,), change.key) if several else OneOf((field.key,), (change.key,))


def _denied(module: str) -> Problem:
    return Problem("action_denied", params={"action": "configure", "module": module})


def _with_former_kinds(current: Configuration, proposed: Configuration) -> Configuration:
    """Return a configuration in which each field says of what kinds its values were before."""
    for key, module in proposed.modules.items():
        known = current.modules[key].fields if key in current.modules else {}
        fields = [
            attrs.evolve(field, former=_former(known[field.key], field, current.version))
            for field in module.fields.values()
            if field.key in known
        ]
        proposed = proposed.with_fields(key, *fields)
    return proposed


def _former(old: FieldDefinition, new: FieldDefinition, version: int) -> tuple[FormerKind, ...]:
    same = old.kind == new.kind and (old.kind != "computed" or old.options == new.options)
    return old.former if same else (*old.former, FormerKind(old.kind, version, old.options))

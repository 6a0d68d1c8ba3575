"""The configuration in force, and the verbs that change it at run time (FLD-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.configuration_changes import affected_modules, compare_configurations
from custinfo.core.errors import ConfigurationError, PermissionDeniedError
from custinfo.core.history.changes import Change
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, RecordId
from custinfo.core.revisions import Revision, changed_configuration
from custinfo.workspace.altering import Alterations
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.context import Context
from custinfo.workspace.deriving import refresh
from custinfo.workspace.foreseeing import Foreseen
from custinfo.workspace.former_kinds import with_former_kinds
from custinfo.workspace.migrating import Migration
from custinfo.workspace.mistakes import refuse_other
from custinfo.workspace.reading import not_found
from custinfo.workspace.removing import removals
from custinfo.workspace.replacing import ConfigurationPlan, Failing, Work, batch_of
from custinfo.workspace.revising import preview

__all__ = ["LiveConfiguration"]


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
        refuse_other("proposed", proposed)
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
        with self._context.atomic():
            self._context.hold_configuration()
            return refresh(self._context, module)

    # --- inner

    def _plan(
        self, proposed: Configuration, undone: int | None, past: Mapping[ModuleKey, Mapping[RecordId, Change]]
    ) -> ConfigurationPlan:
        base = self._context.compiled
        final = attrs.evolve(with_former_kinds(self.current, proposed, self._past), version=proposed.version + 1)
        changes = compare_configurations(self.current, final)
        self._require(affected_modules(self.current, final, changes))
        problems = [] if changes else [Problem("nothing_to_change")]
        problems += self._abandoned(final)
        compiled = base
        try:
            compiled = base.revised(final)
        except ConfigurationError as error:
            problems += error.problems
        else:
            known = set(base.warnings)
            problems += [problem for problem in compiled.warnings if problem not in known]
        related = Foreseen(self._context, compiled.schema)
        migrations = tuple(self._migrations(compiled, related, past)) if compiled is not base else ()
        removed = tuple(removals(self.current, changes))
        found = preview(self._context, migrations, removed)
        work = Work(self._context, base, compiled, migrations, related, removed, undone)
        return ConfigurationPlan(final, changes, found.effects, found.clashes, (*problems, *found.problems), work)

    def _migrations(
        self, compiled: Compiled, related: Foreseen, past: Mapping[ModuleKey, Mapping[RecordId, Change]]
    ) -> Iterator[Migration]:
        base = self._context.compiled
        for module in self.current.modules:
            if module in compiled.schema.modules:
                derivations = (base.derivation(module), compiled.derivation(module))
                altered = Alterations.between(base.schema, compiled.schema, module, derivations)
                yield Migration(self._context, altered, related, past.get(module))

    def _abandoned(self, final: Configuration) -> Iterator[Problem]:
        """Yield a problem for each module that nobody could configure any more."""
        before, after = (
            {grant.module for grant in known.grants if "configure" in grant.actions} for known in (self.current, final)
        )
        for module in sorted((before - after) & final.modules.keys()):
            yield Problem("nobody_configures", params={"module": self._context.named(module)})

    def _past(self) -> Iterator[Configuration]:
        """Yield the configurations of before, latest first."""
        for revision in reversed(self._context.unit.configurations.all()):
            yield self._context.compiled.from_json(revision.data)

    def _require_any(self) -> None:
        if not any(self._context.access(module).may("configure") for module in self.current.modules):
            raise PermissionDeniedError([self._denied("*")])

    def _denied(self, module: ModuleKey) -> Problem:
        named = self._context.named(module) if module != "*" else module
        return Problem("action_denied", params={"action": "configure", "module": named})

    def _require(self, modules: Iterable[ModuleKey]) -> None:
        self._require_any()
        denied = [key for key in sorted(modules) if not self._context.access(key).may("configure")]
        if denied:
            raise PermissionDeniedError(map(self._denied, denied))

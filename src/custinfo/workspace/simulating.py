"""A policy tried out before it is in force: what somebody would see, edit and lose (POL-4).

Who simulates learns no more of the records than they may read. Only records that they may view are looked at, and a
verdict is told only where they may read, on that record, all that it depends on. What follows from the grants alone
needs no record, and is told to whoever may configure the module.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs

from custinfo.core.configuration import Configuration
from custinfo.core.criteria.evaluate import Predicate
from custinfo.core.criteria.nodes import Criterion, Path
from custinfo.core.errors import InvalidInputError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import FrozenDict
from custinfo.core.policy.access import Verdict
from custinfo.core.problems import Problem
from custinfo.core.records import CLEAR, SYSTEM_FIELDS, FieldKey, MemberKey, ModuleKey, Record, RecordId
from custinfo.core.review.entitlements import entitlements
from custinfo.core.review.members import member_difference
from custinfo.ports.repositories import Query
from custinfo.workspace.compiled import Compiled
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import refuse_other
from custinfo.workspace.past import both
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.simulations import SimulatedRecord, Simulation
from custinfo.workspace.telling import Telling, paths_in
from custinfo.workspace.views import RecordView

__all__ = ["simulate"]


def simulate(
    context: Context,
    proposed: Configuration,
    actor: MemberKey,
    module: ModuleKey,
    criterion: Criterion,
    *,
    limit: int | None,
    samples: Sequence[Mapping[str, object]],
) -> Simulation:
    """Return what a member would see of a module under another configuration; `Session.simulate` says the rest."""
    refuse_other("proposed", proposed)
    context.module(module)
    if not context.access(module).may("configure"):
        raise context.denied("configure", module)
    if context.schema.directory.member(actor) is None:
        raise InvalidInputError([Problem("unknown_member", "actor")])
    compiled = context.compiled.revised(proposed)
    if module not in compiled.schema.modules:
        raise InvalidInputError([Problem("unknown_module", params={"module": module})])
    trial = _Trial(context, compiled, actor, module)
    made = [trial.sample(place, raw) for place, raw in enumerate(samples)]
    records, more = trial.records(criterion, limit)
    parts = tuple(
        [part for part in entitlements(schema) if part.module == module] for schema in (context.schema, compiled.schema)
    )
    rights = member_difference(context.schema.directory, actor, (parts[0], parts[1]))
    found = (*made, *map(trial.record, records))
    return Simulation(actor, module, rights, found, more, (context.schema, compiled.schema))


class _Trial:
    """Ask two policies about the same records."""

    def __init__(self, context: Context, compiled: Compiled, actor: MemberKey, module: ModuleKey) -> None:
        now = context.now()
        self._context = context
        self._reading = ReadPath(context)
        self._module = module
        self._changed = {key: frozenset(_changed_fields(context, compiled, key)) for key in context.schema.modules}
        self._predicates: dict[Criterion, Predicate] = {}
        self._before = context.compiled.policy.access(actor, module, now)
        self._after = compiled.policy.access(actor, module, now)

    def records(self, criterion: Criterion, limit: int | None) -> tuple[Sequence[Record], bool]:
        """Return the records to look at, of those that the simulating actor may view, and whether there are more."""
        if not self._context.access(self._module).may("view"):
            return (), False
        guarded = self._reading.guarded(self._module, criterion)
        found = self._context.unit.queries.find(Query(self._module, guarded, (), None if limit is None else limit + 1))
        self._context.related.prefetch(found)
        return found[:limit], limit is not None and len(found) > limit

    def record(self, record: Record) -> SimulatedRecord:
        """Return what the member may do with a record, and would see of it."""
        if not self._is_told(record, ()):
            return SimulatedRecord(record.id, None, None, None)
        before, after = self._verdicts(record)
        return SimulatedRecord(record.id, before, after, self._view(record, after))

    def sample(self, place: int, raw: Mapping[str, object]) -> SimulatedRecord:
        """Return the same for a record that was made up. Raises: InvalidInputError for what no record could hold."""
        record = self._made_up(place, raw)
        told = self._is_told(record, self._given())
        before, after = self._verdicts(record) if told else (None, None)
        return SimulatedRecord(record.id, before, after, None)

    def _given(self) -> tuple[Path, ...]:
        """Return what a record that was made up is known to have: nothing that would follow from its values."""
        fields = self._context.module(self._module).definition.fields
        derived = self._context.compiled.derivation(self._module).fields
        rules = self._context.schema.configuration.classifications.values()
        tags = () if any(rule.module == self._module for rule in rules) else ("tags",)
        return tuple((key,) for key in (*(fields.keys() - derived), *SYSTEM_FIELDS, *tags, "shares"))

    def _is_told(self, record: Record, given: Collection[Path]) -> bool:
        telling = Telling(self._context, record, self._predicates)
        return all(
            all(self._is_steady(path, self._module) for path in paths_in(bound.rows))
            and telling.tells(bound.rows, given)
            for access in (self._before, self._after)
            for bound in access.grants
        )

    def _is_steady(self, path: Path, module: ModuleKey) -> bool:
        """Return whether what a path leads to is the same under both configurations."""
        key, *rest = path
        if key in self._changed[module]:
            return False
        targets = dict(self._context.related.fields(module))
        return not rest or key not in targets or self._is_steady(tuple(rest), targets[key])

    def _verdicts(self, record: Record) -> tuple[Verdict, Verdict]:
        related = self._context.related
        return self._before.verdict(record, related), self._after.verdict(record, related)

    def _view(self, record: Record, verdict: Verdict) -> RecordView | None:
        """Return what the member would see, as far as the simulating actor may see it."""
        if "view" not in verdict.actions:
            return None
        shown = both(self._context.verdict(record), verdict)
        return self._reading.view(record, attrs.evolve(verdict, readable=shown.readable, masked=shown.masked))

    def _made_up(self, place: int, raw: Mapping[str, object]) -> Record:
        now = self._context.now()
        found = self._context.validator(self._module).normalise(raw)
        references = {key for key, _ in self._context.module(self._module).reference_fields}
        wrong = [problem for problem in found.problems if problem.severity == "error"]
        wrong += [Problem("unknown_reference", key) for key in sorted(references & found.patch.keys())]
        if wrong:
            raise InvalidInputError(wrong)
        values = {key: value for key, value in found.patch.items() if value is not CLEAR}
        owner = values.pop("owner", None)
        member = self._context.schema.directory.member(owner) if owner else None
        return Record(
            id=RecordId(f"sample {place + 1}"),
            module=self._module,
            values=FrozenDict(values),
            tags=frozenset(),
            owner=owner,
            department=member.department if member is not None else None,
            version=1,
            created_at=now,
            updated_at=now,
        )


def _changed_fields(context: Context, compiled: Compiled, module: ModuleKey) -> Iterator[FieldKey]:
    """Yield the fields whose values would be others, or mean something else, under the other configuration."""
    old, new = context.schema.configuration, compiled.schema.configuration
    if module not in new.modules:
        yield from old.modules[module].fields
        return
    for key, field in old.modules[module].fields.items():
        other = new.modules[module].fields.get(key)
        if other is None or _meaning(field, old) != _meaning(other, new):
            yield key
    if (old.classifications, old.tag_dimensions) != (new.classifications, new.tag_dimensions):
        yield "tags"
        yield from (rule.field for rule in (*old.classifications.values(), *new.classifications.values()) if rule.field)


def _meaning(field: FieldDefinition, configuration: Configuration) -> tuple[object, ...]:
    dictionary = configuration.dictionaries.get(str(field.options.get("dictionary")))
    return field.kind, field.options, field.formula, field.encrypted, dictionary

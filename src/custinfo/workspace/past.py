"""The read path over time: history, past states and differences, within what the actor may see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.history.changes import Change, difference, fold, is_deleted, replay
from custinfo.core.kinds import Kind
from custinfo.core.kinds.masks import common_style
from custinfo.core.paths import bind_path
from custinfo.core.policy.access import Verdict
from custinfo.core.policy.grants import PSEUDO_FIELDS
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, MemberKey, ModuleKey, Record, RecordId, Tag
from custinfo.core.retention import told_reason
from custinfo.workspace.context import Context
from custinfo.workspace.former_values import present_values
from custinfo.workspace.reading import ReadPath, not_found
from custinfo.workspace.views import ChangeView

__all__ = ["Past", "TagAssignment", "TagSource", "both", "deleted_record", "last_state"]

Kinds = Mapping[FieldKey, Kind]

TagSource = Literal["member", "rule", "import"]


@attrs.frozen
class TagAssignment:
    """Say who or what gave a record a tag: a member, a classification rule (when `actor` changed the data), an import.

    `source` is `member`, `rule` or `import`, and `actor` the key of the member. `at` is when, UTC, and `version` that
    of the record from then on. `reason` is what they gave, `None` where the actor sees only a part of that change;
    `batch` names the import.
    """

    tag: Tag
    source: TagSource
    actor: MemberKey
    at: datetime
    version: int
    reason: str | None = attrs.field(default=None, repr=False)
    batch: str | None = None


class Past:
    """Answer one session's questions about what was.

    A value of the past shows only if the actor may see it both on the record of today and on that of the time.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reading = ReadPath(context)

    def history(self, module: ModuleKey, record_id: str) -> tuple[ChangeView, ...]:
        """Return the changes of a record, oldest first, with what the actor may see of them.

        A change of which they see nothing is left out, time and author included.
        """
        record, verdict = self._reading.record(module, record_id)
        return tuple(self.views(record, verdict, self._context.unit.history.of_record(module, record.id)))

    def views(self, record: Record, verdict: Verdict, changes: Iterable[Change]) -> Iterator[ChangeView]:
        """Yield what the actor may see of the changes of a record, on which they have a verdict today."""
        views = (self._change(record, change, seen) for change, seen in self._steps(verdict, changes))
        return (view for view in views if view.fields)

    def _steps(self, today: Verdict, changes: Iterable[Change]) -> Iterator[tuple[Change, Verdict]]:
        """Yield each change of a record with what the actor may see of it: today, before it, and after it."""
        seen_before = today
        for change, after in replay(changes):
            seen_after = both(today, self._context.verdict(after))
            yield change, both(seen_before, seen_after)
            seen_before = seen_after

    def field_key(self, module: ModuleKey, name: str) -> FieldKey:
        """Return the key of a field, or of what every record has beside its fields. Raises: InvalidInputError."""
        return name if name in PSEUDO_FIELDS else bind_path(name, module, self._context.schema)[-1]

    def _change(self, record: Record, change: Change, verdict: Verdict) -> ChangeView:
        changed = {item.field: (item.old, item.new) for item in change.fields}
        fields = self._seen(record, changed, verdict, self._kinds(change))
        self._context.versions.show(change.record_id, change.version)
        return ChangeView(
            change.version,
            change.at,
            change.actor,
            change.action,
            change.channel,
            FrozenDict(fields),
            self._reason(change, verdict),
            change.on_behalf_of,
            change.approval,
            change.batch,
            change.configuration_version,
            change.module,
            change.record_id,
            self._context.module(change.module),
        )

    def state_at(
        self, module: ModuleKey, record_id: str, *, until: datetime | None = None, version: int | None = None
    ) -> tuple[Record, Verdict]:
        """Return a past state, and what the actor may see both of it and of the record today."""
        record, today = self._reading.record(module, record_id)
        past = fold(self._context.unit.history.of_record(module, record.id), until=until, version=version)
        if past is None or (version is not None and past.version != version):
            raise not_found("version")
        past = attrs.evolve(past, data_keys=record.data_keys)
        return past, both(today, self._context.verdict(past))

    def difference(self, module: ModuleKey, record_id: str, before: int, after: int) -> dict[FieldKey, tuple[Any, Any]]:
        """Return field → (old, new) between two versions, with what the actor may see of them."""
        old, seen_old = self.state_at(module, record_id, version=before)
        new, seen_new = self.state_at(module, record_id, version=after)
        verdict = both(seen_old, seen_new)
        return self._seen(new, difference(old, new), verdict)

    def tags(self, module: ModuleKey, record_id: str) -> tuple[TagAssignment, ...]:
        """Return who or what assigned each tag that a record has, where the actor may read tags, and could then."""
        record, verdict = self._reading.record(module, record_id)
        if "tags" not in verdict.readable:
            return ()
        since: dict[Tag, tuple[Change, Verdict]] = {}
        for step in self._steps(verdict, self._context.unit.history.of_record(module, record.id)):
            for item in step[0].fields:
                if item.field == "tags":
                    since = {Tag(*tag): since.get(Tag(*tag), step) for tag in item.new or ()}
        found = ((tag, *since[tag]) for tag in sorted(record.tags) if tag in since)
        return tuple(self._assignment(tag, change, seen) for tag, change, seen in found if "tags" in seen.readable)

    def _assignment(self, tag: Tag, change: Change, seen: Verdict) -> TagAssignment:
        then = self._context.compiled_at(change.configuration_version)
        by_rule = change.channel == "rule" or (
            change.module in then.schema.modules and then.derivation(change.module).owns_tag(tag)
        )
        source: TagSource = "rule" if by_rule else "import" if change.channel == "import" else "member"
        reason = self._reason(change, seen)
        return TagAssignment(tag, source, change.actor, change.at, change.version, reason, change.batch)

    def _reason(self, change: Change, verdict: Verdict) -> str | None:
        """Return why, where all of a change is readable: a reason may tell all of it."""
        whole = all(item.field in verdict.readable for item in change.fields)
        return told_reason(change.reason, self._context.schema.configuration.retention) if whole else None

    def in_present_kinds(
        self, past: Record, values: Mapping[FieldKey, Any]
    ) -> tuple[dict[FieldKey, Any], list[Problem]]:
        """Return values of the past as the present kinds of their fields have them, and what has no place any more."""
        changes = self._context.unit.history.of_record(past.module, past.id)
        return present_values(self._context, past, values, changes)

    def _kinds(self, change: Change) -> tuple[Kinds, Kinds]:
        """Return the kinds that fields had before and after a change; only a new configuration alters them."""
        module = self._context.module(change.module)
        after = module.kinds_at(change.configuration_version) if module.former_kinds else module.kinds
        if change.channel != "configuration" or not module.former_kinds:
            return after, after
        return module.kinds_at(change.configuration_version - 1), after

    def _seen(
        self,
        record: Record,
        changes: Mapping[FieldKey, tuple[Any, Any]],
        verdict: Verdict,
        kinds: tuple[Kinds | None, Kinds | None] = (None, None),
    ) -> dict[FieldKey, tuple[Any, Any]]:
        """Return what the actor sees to differ: two values behind one mask are the same to them."""
        reveal = self._reading.reveal
        pairs = {
            key: (reveal(record, key, one, verdict, kinds[0]), reveal(record, key, other, verdict, kinds[1]))
            for key, (one, other) in changes.items()
            if verdict.field(key) != "hidden"
        }
        return {key: pair for key, pair in pairs.items() if verdict.field(key) != "masked" or pair[0] != pair[1]}


def last_state(changes: Sequence[Change]) -> Record | None:
    """Return a record as it was before it was deleted, `None` where that can't be told."""
    kept = [change for change in changes if change.action != "delete"]
    return fold(kept)


def deleted_record(context: Context, module: ModuleKey, record_id: RecordId) -> Record | None:
    """Return what a record that was deleted was last, at its latest version; `None` for any other."""
    changes = context.unit.history.of_record(module, record_id) if record_id.isprintable() else ()
    found = last_state(changes) if is_deleted(changes) else None
    return None if found is None else attrs.evolve(found, version=changes[-1].version)


def both(one: Verdict, other: Verdict) -> Verdict:
    """Return what two verdicts agree on: readable in both, or at least masked in both."""
    readable = one.readable & other.readable
    styles = {**dict.fromkeys(one.readable, ""), **one.masked}, {**dict.fromkeys(other.readable, ""), **other.masked}
    pairs = {key: (styles[0][key], styles[1][key]) for key in styles[0].keys() & styles[1].keys() - readable}
    masked = {key: common_style(*pair) if all(pair) else "".join(pair) for key, pair in pairs.items()}
    return Verdict(one.actions & other.actions, readable, FrozenDict(masked), one.editable & other.editable)

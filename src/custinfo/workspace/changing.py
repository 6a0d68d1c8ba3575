"""The verbs on records that are more than one draft: tags, many at once, deleting, merging, going back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from custinfo.core.errors import NotFoundError, StaleVersionError
from custinfo.core.problems import Problem
from custinfo.core.records import ANY, CLEAR, ERASED, ModuleKey, RecordId, Version
from custinfo.workspace.bulk import BulkOutcome, write_many
from custinfo.workspace.combining import Merged, Merger
from custinfo.workspace.context import Context
from custinfo.workspace.deleting import refuse_pending, refuse_referenced
from custinfo.workspace.drafts import Draft
from custinfo.workspace.former_values import present_tags
from custinfo.workspace.mistakes import record_key
from custinfo.workspace.outcomes import outcome, waiting
from custinfo.workspace.past import Past
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.tagging import TagInput, pairs_of, read_tags
from custinfo.workspace.views import AwaitingApproval, Outcome
from custinfo.workspace.writing import WritePath

__all__ = ["Changer"]


@attrs.frozen
class Changer:
    """Change the records of one module for one session; `Records` says what each verb does and raises."""

    context: Context
    module: ModuleKey
    reading: ReadPath
    past: Past

    def write(self, draft: Draft) -> Outcome:
        """Carry out one draft."""
        try:
            prepared = WritePath(self.context).write(draft)
        except StaleVersionError as error:
            raise self._telling(error, draft) from None
        return outcome(self.context, prepared)

    def give_many(
        self, record_ids: Sequence[str], to: str, version: Version | Mapping[str, int], reason: str | None
    ) -> BulkOutcome:
        """Give records to another owner, each as it goes."""
        keys = dict.fromkeys(map(record_key, record_ids))
        versions: Mapping[RecordId, Version] = (
            {record_key(key): known for key, known in version.items()}
            if isinstance(version, Mapping)
            else dict.fromkeys(keys, version)
        )
        if not versions.keys() >= keys.keys():
            raise ValueError("version must have a number for each of record_ids, or be ANY")
        drafts = [Draft("transfer", self.module, key, {"owner": to}, None, versions[key], reason) for key in keys]
        return write_many(self.context, drafts)

    def tag(
        self, record_id: str, tags: Sequence[TagInput], remove: TagInput, version: Version, reason: str | None
    ) -> Outcome:
        """Add and remove tags; where a dimension takes one, the new one replaces the old."""
        context = self.context
        current, _ = self.reading.record(self.module, record_id)
        added, problems = read_tags(context, self.module, [pair for item in tags for pair in pairs_of(item)])
        removed, others = read_tags(context, self.module, remove, removing=True)
        single = {key for key, item in context.schema.configuration.tag_dimensions.items() if item.single}
        replaced = {tag.dimension for tag in added} & single
        kept = frozenset(tag for tag in current.tags if tag.dimension not in replaced) - removed
        found = (*problems, *others)
        return self.write(
            Draft("tag", self.module, RecordId(record_id), {}, kept | added, version, reason, found=found)
        )

    def delete(self, record_id: str, version: Version, reason: str | None) -> AwaitingApproval | None:
        """Delete a record to which nothing refers, and about which nothing is open."""
        record, _ = self.reading.record(self.module, record_id, "view", "delete")
        draft = Draft("delete", self.module, record.id, {}, None, version, reason)
        with self.context.atomic():
            self.context.hold_configuration()  # what is looked at from here on is there by now, in any transaction
            if "delete" in self.context.verdict(record).actions:
                refuse_pending(self.context, [record])
                refuse_referenced(self.context, record)
            return waiting(self.context, WritePath(self.context).write(draft).request)

    def merge(
        self, record_ids: Sequence[str], take: Mapping[str, str], version: Version, reason: str | None
    ) -> Merged | AwaitingApproval:
        """Make one record of several: of the first of them."""
        records = [self.reading.record(self.module, key)[0] for key in dict.fromkeys(record_ids)]
        if len(records) < 2:
            raise ValueError("others must name a record that is not the one to keep")
        schema = self.context.module(self.module)
        chosen = {schema.resolve(name) or name: record_key(source) for name, source in take.items()}
        if not {record.id for record in records}.issuperset(chosen.values()):
            raise ValueError("take must name records that are merged")
        merger = Merger(self.context, records[0], records[1:], chosen, reason)
        kept, differing, moved, request = merger.run(version)
        ids = tuple(record.id for record in records[1:])
        return waiting(self.context, request) or Merged(self.reading.view(kept), ids, differing, moved, merger.batch)

    def revert(self, record_id: str, to_version: int, version: Version, reason: str | None) -> Outcome:
        """Take back what the actor sees to differ from an earlier version."""
        past, seen = self.past.state_at(self.module, record_id, version=to_version)
        if "view" not in seen.actions:
            raise self.context.missing(self.module)
        current, _ = self.reading.record(self.module, record_id)
        draft = Draft("revert", self.module, current.id, {}, None, version, reason, typed=True)
        try:
            self.context.versions.require_current(version, current)
        except StaleVersionError as error:
            raise self._telling(error, draft) from None
        changed = self.past.difference(self.module, record_id, to_version, current.version)
        wanted = {
            key: past.values.get(key, CLEAR)
            for key in changed
            if (key in past.values or key in current.values) and past.values.get(key) is not ERASED
        }
        patch, problems = self.past.in_present_kinds(past, wanted)
        tags = present_tags(self.context, past.tags) if "tags" in changed else None
        return self.write(attrs.evolve(draft, raw=patch, tags=tags, found=tuple(problems)))

    def _telling(self, error: StaleVersionError, draft: Draft) -> StaleVersionError:
        """Return the error with the fields that changed since the version of a draft, as far as the actor sees them."""
        if draft.record_id is None or draft.version is ANY:
            return error
        try:
            current, _ = self.reading.record(self.module, draft.record_id)
            changed = self.past.difference(self.module, current.id, draft.version, current.version)
        except NotFoundError:  # who may not view the record is told nothing of it; nobody has read version 0
            return error
        label = self.context.module(self.module).labelled
        return StaleVersionError(
            [*error.problems, *(label(Problem("changed_since_read", key, severity="notice")) for key in changed)]
        )

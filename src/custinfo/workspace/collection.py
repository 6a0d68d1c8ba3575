"""The verbs on the records of one module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from custinfo.core.criteria.nodes import Criterion, Everything
from custinfo.core.duplicates.index import DEFAULT_LEAST
from custinfo.core.erasure import ErasureCertificate
from custinfo.core.history.changes import Channel
from custinfo.core.records import (
    ANY,
    CLEAR,
    FieldKey,
    MemberKey,
    ModuleKey,
    ShareLevel,
    Version,
)
from custinfo.core.subject_access import SubjectAccess
from custinfo.core.totals import Period, Total
from custinfo.workspace.access_logging import reading
from custinfo.workspace.bulk import BulkOutcome
from custinfo.workspace.changing import Changer
from custinfo.workspace.combining import Merged
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.erasing import Eraser, Requests
from custinfo.workspace.feed import Feed
from custinfo.workspace.mistakes import (
    checked_limit,
    checked_share,
    no_text,
    one_of,
    record_key,
    refuse_nobody,
)
from custinfo.workspace.past import Past, TagAssignment
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.resembling import DuplicateFinder, Resemblance, resembling
from custinfo.workspace.sharing import With, share_draft, unshare_draft
from custinfo.workspace.subject_access import Gatherer
from custinfo.workspace.summaries import Summaries
from custinfo.workspace.tagging import TagInput, read_tags
from custinfo.workspace.viewing_requests import RequestViews
from custinfo.workspace.views import AwaitingApproval, ChangeView, Outcome, Page, RecordView

__all__ = ["Records"]


class Records:
    """Create, read, query and change the records of one module, as one actor, in one unit of work.

    Every method takes field names by key, label or alias. What the actor may not reach does not exist for them
    (`NotFoundError`); what no grant allows is refused (`PermissionDeniedError`); what is wrong with the
    data is said all at once (`InvalidInputError`). Whatever is raised, nothing of the call is saved.

    Some arguments mean the same everywhere: `record_id` is the record, `version` the one that the caller read of it, or
    `ANY`, and `reason` a text that the history keeps. `Session.customers` and `Session.records` give one.
    """

    def __init__(self, context: Context, module: ModuleKey) -> None:
        self.module = module
        self._context = context
        self._reading = ReadPath(context)
        self._summaries = Summaries(context, self._reading)
        self._past = Past(context)
        self._changer = Changer(context, module, self._reading, self._past)
        context.module(module)

    def __repr__(self) -> str:
        return f"Records(module={self.module!r}, actor={self._context.actor!r})"

    # --- reading

    @reading
    def get(self, record_id: str) -> RecordView:
        """Return one record, archived or not.

        Raises: NotFoundError if there is none, or none that the actor may view.
        """
        record, verdict = self._reading.record(self.module, record_id)
        return self._reading.view(record, verdict)

    @reading
    def find(
        self,
        criterion: Criterion | None = None,
        *,
        order_by: str | Sequence[str] = (),
        limit: int | None = 1000,
        after: str | None = None,
        archived: bool = False,
    ) -> Page:
        """Return a page of the records that meet a criterion, of those that the actor may view.

        Args:
            criterion: Which records; everything in reach when not given.
            order_by: A field name or several, `-` before one for descending; missing values come last, ties break by
                id.
            limit: At most so many, from 1; `None` for all at once.
            after: `Page.next` of the page before, in the same order.
            archived: Whether archived records are found too.

        Raises: InvalidInputError for unknown fields, operators and values; PermissionDeniedError for a field that
            the actor may read nowhere; records on which they may not read a field that is used are left out.
            InvalidCursorError for an `after` that is none of this order; ValueError for a limit below 1.
        """
        most = None if limit is None else checked_limit(limit)
        return self._reading.find(self.module, _wanted(criterion), _names(order_by), most, after, archived=archived)

    @reading
    def count(self, criterion: Criterion | None = None) -> int:
        """Return how many live records meet a criterion, of those that the actor may view. Raises: as `find`."""
        return self._summaries.count(self.module, _wanted(criterion))

    @reading
    def search(
        self, text: str, criterion: Criterion | None = None, *, limit: int | None = 50, after: str | None = None
    ) -> Page:
        """Return a page of the records whose title contains a text, by title, of those that the actor may view.

        Case, width, blanks and punctuation make no difference; one character is enough.

        Args:
            text: Any part of the title.
            criterion: Which of them; all when not given.
            limit: At most so many, from 1; `None` for all at once.
            after: `Page.next` of the page before, of the same search.

        Raises: as `find`; InvalidInputError where nothing is left of the text (`too_short`), and where the
            module has no title.
        """
        most = None if limit is None else checked_limit(limit)
        return self._reading.search(self.module, text, _wanted(criterion), most, after)

    def iterate(
        self, criterion: Criterion | None = None, *, order_by: str | Sequence[str] = ()
    ) -> Iterator[RecordView]:
        """Yield the records that meet a criterion, however many, in memory that does not grow with them.

        They are read page by page while one goes through them: what is changed meanwhile may be met as it was or as it
        is. The iterator ends with the session. `order_by` is as in `find`. Raises: as `find`, at the first record.
        """
        return self._reading.views(self.module, _wanted(criterion), _names(order_by))

    @reading
    def duplicates(self, criterion: Criterion | None = None, *, least: float = DEFAULT_LEAST) -> DuplicateFinder:
        """Return what finds records that are likely about the same, and probes new ones.

        It reads all of them once: for one new record among very many, see `resembling`.

        Args:
            criterion: Which records; everything in reach when not given.
            least: The least score, from 0 to 1, of what is told.

        Raises: as `find`; ValueError for a score that is none.
        """
        return DuplicateFinder(self._context, self.module, _wanted(criterion), checked_share("least", least))

    @reading
    def resembling(
        self, values: Mapping[str, object], *, least: float = DEFAULT_LEAST, limit: int = 5
    ) -> tuple[Resemblance, ...]:
        """Return the records that a new one resembles, the likeliest first, by asking the store; nothing is saved.

        Names are found that are the same but for region, legal form, brackets and blanks; the rest by equal phone or
        address of mail. `duplicates().probe` finds the same among records that it holds in memory.

        Args:
            values: Field name → raw value, as for `create`.
            least: The least score, from 0 to 1, of what is told.
            limit: At most so many, from 1.

        Raises: PermissionDeniedError where the actor may view none; InvalidInputError for what is no field, or no
            value of it; ValueError for a limit below 1, and a score that is none.
        """
        least, limit = checked_share("least", least), checked_limit(limit)
        return resembling(self._context, self.module, _named(values), least, limit)

    @reading
    def distribution(
        self, by: str, criterion: Criterion | None = None, *, period: Period | None = None
    ) -> dict[Any, int]:
        """Return value → number of live records, most frequent first; `None` stands for no value.

        Args:
            by: A field, `reference.field`, or a tag dimension (then a record counts once for each of its tags).
            criterion: Which records; all when not given.
            period: For a date: count by `day`, `month`, `quarter` or `year` in the configured time zone. Groups are
                then their first days, in order.

        Raises: as `find`.
        """
        return self._summaries.distribution(self.module, by, period, _wanted(criterion))

    @reading
    def total(self, name: str, criterion: Criterion | None = None) -> Total:
        """Return what the values of a number come to in the live records that meet a criterion, exactly.

        `name` is that of the field. Raises: as `find`; it must be readable as for filtering, and records on which it is
        not are left out.
        """
        return self._summaries.total(self.module, name, _wanted(criterion))

    @reading
    def totals(
        self, name: str, by: str, criterion: Criterion | None = None, *, period: Period | None = None
    ) -> dict[Any, Total]:
        """Return value → total of a number, the largest sum first; groups are those of `distribution`.

        `name` is the field whose values are added up, as in `total`; `by`, `criterion` and `period` are as in
        `distribution`. Raises: as both.
        """
        return self._summaries.totals(self.module, name, by, period, _wanted(criterion))

    @reading
    def history(
        self,
        record_id: str,
        *,
        field: str | None = None,
        actor: MemberKey | None = None,
        channel: Channel | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[ChangeView, ...]:
        """Return what happened to a record, oldest first, or a part of it (HIS-1).

        Args:
            record_id: The record; archived or not.
            field: As in `changes`, and so are the others.
            actor: Who made the changes.
            channel: How they came.
            since: Not before this time.
            until: Before this time.

        Raises: NotFoundError; InvalidInputError for an unknown field, and where nothing is found of somebody whom
            nobody knows; PermissionDeniedError for a field that the actor sees nowhere.
        """
        feed = Feed(self._context)
        query = feed.asked((self.module,), actor, channel, since, until)
        key = None if field is None else feed.readable_field(self.module, field)
        every = self._past.history(self.module, record_id)
        found = tuple(view for view in every if query.wants(view) and (key is None or key in view.fields))
        if not found:
            refuse_nobody(self._context, actor)
        return found

    def changes(
        self,
        *,
        field: str | None = None,
        actor: MemberKey | None = None,
        channel: Channel | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[ChangeView]:
        """Yield what the actor may see of the changes of this module's records, as `Session.changes` does (HIS-1).

        Args:
            field: Only changes of this field, or of `owner`, `tags` and the like, where the actor sees something of it.
            actor: Who made them.
            channel: How they came.
            since: Not before this time; one without a zone is in the configured time zone.
            until: Before this time.

        Raises: InvalidInputError for an unknown field, and at the end where nothing is found of somebody whom nobody
            knows; PermissionDeniedError for a field that the actor sees nowhere.
        """
        feed = Feed(self._context)
        key = None if field is None else feed.readable_field(self.module, field)
        return feed.stream(feed.asked((self.module,), actor, channel, since, until), key)

    @reading
    def tags(self, record_id: str) -> tuple[TagAssignment, ...]:
        """Return the tags of a record, each with who or what assigned it, when, and why (TAG-1, TAG-3).

        Raises: NotFoundError. A record whose tags the actor may not read has none.
        """
        return self._past.tags(self.module, record_id)

    @reading
    def as_of(self, record_id: str, time: datetime) -> RecordView:
        """Return a record as it was at a time; one without a zone is in the configured time zone.

        Raises: NotFoundError, also if it did not exist then.
        """
        record, verdict = self._past.state_at(self.module, record_id, until=self._context.instant(time))
        return self._reading.view(record, verdict)

    @reading
    def diff(self, record_id: str, before: int, after: int) -> dict[FieldKey, tuple[Any, Any]]:
        """Return field → (value at version `before`, value at `after`) for what differs. Raises: NotFoundError."""
        return self._past.difference(self.module, record_id, before, after)

    # --- writing

    @reading
    def create(self, values: Mapping[str, object], *, tags: TagInput = (), reason: str | None = None) -> Outcome:
        """Create a record.

        Args:
            values: Field name → raw value; the owner is the actor unless given.
            tags: Pairs of dimension and tag, or dimension → tag or tags.
            reason: Kept in the history.

        Returns: `Applied`, or `AwaitingApproval` where a flow gates it.
        Raises: InvalidInputError, PermissionDeniedError; ConflictError if a unique value was taken meanwhile.
        """
        found, problems = read_tags(self._context, self.module, tags)
        return self._changer.write(
            Draft("create", self.module, None, _named(values), found, reason=reason, found=tuple(problems))
        )

    @reading
    def update(
        self, record_id: str, values: Mapping[str, object], *, version: Version, reason: str | None = None
    ) -> Outcome:
        """Change fields of a record; a blank or `CLEAR` removes a value, fields that are not named stay.

        Args:
            record_id: The record.
            values: Field name → raw value.
            version: The version that the caller read, or `ANY`.
            reason: Kept in the history.

        Returns: `Applied` (also where nothing differs: then there is no new version), or `AwaitingApproval` with
            the whole change where a flow gates part of it.
        Raises: NotFoundError, InvalidInputError, PermissionDeniedError; StaleVersionError, which names the fields that
            changed since `version` (`changed_since_read`), as far as the actor sees them; FieldReservedError where a
            pending request holds a field.
        """
        return self._changer.write(
            Draft("update", self.module, record_key(record_id), _named(values), None, version, reason)
        )

    @reading
    def archive(self, record_id: str, *, version: Version, reason: str | None = None) -> Outcome:
        """Archive a record: lists leave it out, and its unique values are free. Raises: as `update`."""
        return self._changer.write(Draft("archive", self.module, record_key(record_id), {}, None, version, reason))

    @reading
    def restore(self, record_id: str, *, version: Version, reason: str | None = None) -> Outcome:
        """Bring an archived record back. Raises: as `update`, also if a unique value was taken meanwhile."""
        return self._changer.write(Draft("restore", self.module, record_key(record_id), {}, None, version, reason))

    @reading
    def transfer(self, record_id: str, to: str, *, version: Version, reason: str | None = None) -> Outcome:
        """Give a record to another owner; their department is stamped on it.

        `to` is a member by key, name, `name(department)` or employee number. The actor needs `transfer` on the
        record before and after. Raises: as `update`.
        """
        draft = Draft("transfer", self.module, record_key(record_id), {"owner": to}, None, version, reason)
        return self._changer.write(draft)

    def transfer_many(
        self, record_ids: Sequence[str], to: str, *, version: Version | Mapping[str, int], reason: str | None = None
    ) -> BulkOutcome:
        """Give many records to another owner; those that need approval wait together, in one request.

        Args:
            record_ids: The records.
            to: As in `transfer`.
            version: Record → the version that the caller read, or `ANY`.
            reason: Kept in the history.

        Returns: What changed, what waits, and what is not possible; what is wrong with one does not stop the others.
        Raises: ConflictError if somebody was faster: nothing is saved then; ValueError where a version is missing.
        """
        no_text("record_ids", record_ids)
        return self._changer.give_many(record_ids, to, version, reason)

    @reading
    def tag(
        self,
        record_id: str,
        *tags: TagInput,
        remove: TagInput = (),
        version: Version,
        reason: str | None = None,
    ) -> Outcome:
        """Add and remove tags; in a dimension that takes one tag, the new one replaces the old. Raises: as `update`."""
        return self._changer.tag(record_id, tags, remove, version, reason)

    @reading
    def share(
        self,
        record_id: str,
        with_: With,
        level: ShareLevel = "read",
        *,
        until: datetime | None = None,
        version: Version,
        reason: str | None = None,
    ) -> Outcome:
        """Share a record with a member, a department or a role, beyond what their scopes reach (POL-2).

        What they may do with it is said by their own grants of scope `shared`. Sharing again with the same one replaces
        level and end. The actor needs `share` on the record, and `edit` to share it to collaborate.

        Args:
            record_id: The record.
            with_: A member by key, name, `name(department)` or employee number; `("department", name)`; or
                `("role", key)`.
            level: `read`, or `collaborate` for what changes it.
            until: When it ends; an instant without a zone is in the configured time zone. `None` for never.
            version: The version that the caller read, or `ANY`.
            reason: Kept in the history.

        Raises: as `update`; InvalidInputError for nobody known, somebody who has left, and an end that has passed.
        """
        record, _ = self._reading.record(self.module, record_id)
        return self._changer.write(share_draft(self._context, record, with_, level, until, version, reason))

    @reading
    def unshare(self, record_id: str, with_: With, *, version: Version, reason: str | None = None) -> Outcome:
        """End the share with `with_`, named as in `share`; where there is none, nothing changes. Raises: as `share`."""
        record, _ = self._reading.record(self.module, record_id)
        return self._changer.write(unshare_draft(self._context, record, with_, version, reason))

    @reading
    def claim(self, record_id: str, *, version: Version, reason: str | None = None) -> Outcome:
        """Take a record from the public pool: the actor becomes its owner. They need `claim` on it.

        Of two who claim at once, one gets it. Raises: as `update`; InvalidInputError (`already_claimed`) for a record
        that has an owner.
        """
        raw = {"owner": self._context.actor}
        return self._changer.write(
            Draft("claim", self.module, record_key(record_id), raw, None, version, reason, typed=True)
        )

    @reading
    def release(self, record_id: str, *, version: Version, reason: str | None = None) -> Outcome:
        """Give a record back to the public pool: it has no owner, and stays with its department.

        The actor needs `release` on it. Raises: as `update`.
        """
        raw = {"owner": CLEAR}
        return self._changer.write(
            Draft("release", self.module, record_key(record_id), raw, None, version, reason, typed=True)
        )

    def delete(self, record_id: str, *, version: Version, reason: str | None = None) -> AwaitingApproval | None:
        """Delete a record for good, archived or not; its history stays, and ends with the deletion.

        It is for what should never have been there; otherwise archive it. The actor needs `delete` on the record.

        Returns: `AwaitingApproval` where a flow gates it, else nothing.
        Raises: as `update`; InvalidInputError (`still_referenced`) while another record refers to it;
            FieldReservedError while a request about it is open.
        """
        return self._changer.delete(record_id, version, reason)

    def erase_person(
        self,
        record_id: str,
        *,
        fields: Sequence[str] | None = None,
        reason: str,
        version: Version = ANY,
        requests: Requests = "refuse",
    ) -> ErasureCertificate | AwaitingApproval:
        """Erase values of a record for good, wherever the store has them, as the law gives people a right to.

        They vanish from the record and all that is indexed of it, from its history, and from every approval request
        about it, with the reasons and comments that may quote them; the data keys of encrypted fields are destroyed.
        That there were values stays, and the history still proves itself. A record that lacks a required value by this
        goes to the archive. What the database and its backups keep of what was overwritten is the host's to clear.

        The actor needs `erase` on the record, and each of the fields must be theirs to edit.

        Args:
            record_id: The record; archived, and deleted too, since its history stays.
            fields: Which fields; all that have or had a value when not given.
            reason: Why; it stays, so name the request of the person, and not the person.
            version: The version that the caller read; whatever it is by default.
            requests: `close` the open requests that hold one of the fields, or `refuse` because of them.

        Returns: The certificate, or `AwaitingApproval` where a flow with the action `erase` gates it.
        Raises: NotFoundError; PermissionDeniedError; InvalidInputError; StaleVersionError; FieldReservedError;
            ConfigurationError (`evidence_key_missing`) where the history has evidence and the key for it is missing;
            ValueError for another word in `requests`; TypeError for a store without `custinfo.ports.Rewriting`.
        """
        one_of("requests", requests, Requests)
        no_text("fields", fields)
        done = Eraser(self._context).erase(self.module, record_id, fields, reason, version, requests)
        return (
            done if isinstance(done, ErasureCertificate) else AwaitingApproval(RequestViews(self._context).view(done))
        )

    def erasures(self, record_id: str) -> tuple[ErasureCertificate, ...]:
        """Return a certificate for each erasure of a record, oldest first, as the store tells of it now.

        The actor needs `erase` on the record. Raises: NotFoundError; PermissionDeniedError.
        """
        return Eraser(self._context).certificates(self.module, record_id)

    def subject_access(self, record_id: str, *, reason: str | None = None) -> SubjectAccess | AwaitingApproval:
        """Gather everything that is held about a person, as the law lets them ask for it (GDPR Art. 15, PIPL Art. 45).

        That is the record with its tags and shares, every record that refers to it, to these, and so on, archived ones
        too, and of each its changes, the requests about it, the imports that it came by, who saw it, and what was
        erased of it. All of it obeys the actor's rights: the answer says which fields and sections they keep out, and
        whether it is complete. It is read as one goes through it, and written down in the access log where the
        configuration asks for that.

        The actor needs `export` on the record. Where a flow on `export` of one of the modules is triggered, it waits,
        and the same call gathers it once that is approved.

        Args:
            record_id: The record; archived, and deleted too, since its history is held still.
            reason: Why, for those who approve it.

        Returns: `AwaitingApproval` where it waits; else what was gathered: `write_json` and
            `custinfo.adapters.excel.write_subject_access` write it.
        Raises: NotFoundError; PermissionDeniedError; TypeError for a store without `custinfo.ports.Rewriting`.

        >>> from custinfo import Workspace
        >>> from custinfo.standard import sample_organisation, standard_configuration
        >>> workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
        >>> person = {"客户名称": "王小明", "客户类型": "个人客户", "联系人": "王小明", "联系方式": "13900139000"}
        >>> with workspace.acting_as("lisi") as session:
        ...     customer = session.customers.create(person).record
        ...     [item.section for item in session.customers.subject_access(customer.id)]
        ['record', 'change']
        """
        return Gatherer(self._context).gather(self.module, record_id, reason)

    @reading
    def merge(
        self,
        keep: str,
        others: Sequence[str],
        *,
        take: Mapping[str, str] | None = None,
        version: Version,
        reason: str | None = None,
    ) -> Merged | AwaitingApproval:
        """Make one record of several that are about the same, all or nothing (CUS-1).

        The record that stays keeps its values, and its blanks are filled from the others, in their order; tags and
        shares are put together. What refers to the others refers to it, the others go to the archive, and the history
        of each says so. The actor needs `merge` on all of them.

        Where a flow on `merge` is triggered by the record that stays, or by one that goes, all of this waits as one
        request (`AwaitingApproval`).

        Args:
            keep: The record that stays.
            others: The records that go into it.
            take: Field name → the record whose value counts there.
            version: The version of the record that stays, or `ANY`.
            reason: Kept in the history of all.

        Raises: as `update`; InvalidInputError (`not_mergeable`) for records of different types; FieldReservedError
            while a request about one of them is open; ValueError if there is nothing to merge, or `take` names a record
            that is not among them.
        """
        no_text("others", others)
        return self._changer.merge((keep, *others), take or {}, version, reason)

    @reading
    def revert(self, record_id: str, *, to_version: int, version: Version, reason: str | None = None) -> Outcome:
        """Take a record's values and tags back to those of `to_version`, as a new change like any other.

        Only what the actor sees to differ is taken back, and of that they must be able to edit all.
        Raises: as `update`; NotFoundError for a version that does not exist, or that the actor could not view.
        """
        return self._changer.revert(record_id, to_version, version, reason)


def _wanted(criterion: object) -> Criterion:
    if criterion is None:
        return Everything()
    if isinstance(criterion, Criterion):
        return criterion
    made, given = 'F.status == "成交"', type(criterion).__name__
    raise TypeError(f"a criterion is made with F, as {made}, or by criterion_from_json: not {given}")


def _named(values: Mapping[str, object]) -> Mapping[str, object]:
    if not isinstance(values, Mapping):
        raise TypeError(f"values are a mapping from names of fields: not {type(values).__name__}")
    return values


def _names(order_by: str | Sequence[str]) -> Sequence[str]:
    return (order_by,) if isinstance(order_by, str) else order_by

"""Applying retention rules: what is due is previewed, and then changed like everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal

import attrs

from custinfo.core.comparisons import months_before
from custinfo.core.criteria.nodes import Compare, Criterion, Everything, Present, all_of, any_of
from custinfo.core.errors import CustinfoError, InvalidInputError, PermissionDeniedError
from custinfo.core.frozen import FrozenDict
from custinfo.core.problems import Problem
from custinfo.core.records import Record, RecordId
from custinfo.core.retention import RetentionRule
from custinfo.ports.repositories import Query
from custinfo.workspace.access_logging import reading
from custinfo.workspace.bulk import Refused, write_many
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.erasing import Eraser
from custinfo.workspace.mistakes import checked_limit, cursor_id
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.views import RecordView
from custinfo.workspace.writing import WritePath

__all__ = ["Retention", "RetentionItem", "RetentionPage", "RetentionReport"]

_BATCH: Final = 200

RetentionOutcome = Literal["applied", "awaiting", "refused"]


@attrs.frozen
class RetentionItem:
    """A record that is due, and what applying the rule comes to: it happens, waits for approval, or is refused.

    `record` is it as the actor may see it; `outcome` is `applied`, `awaiting` or `refused`, and `problems` say why it
    is the last.
    """

    record: RecordView
    outcome: RetentionOutcome
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class RetentionPage:
    """Part of what a rule would do: `due` counts all records, `next` is passed as `after` for what follows.

    `rule` is its key, and `items` are the records of this part in order; `next` is `None` at the end.
    """

    rule: str
    due: int
    items: tuple[RetentionItem, ...]
    next: str | None = None


@attrs.frozen
class RetentionReport:
    """What applying a rule came to.

    Args:
        rule: Its key.
        applied: How many records were archived, or had values erased.
        awaiting: How many wait for approval.
        requests: The ids of the requests for them.
        refused: Those that stay as they are, and why.
    """

    rule: str
    applied: int
    awaiting: int
    requests: tuple[str, ...]
    refused: tuple[Refused, ...]


class Retention:
    """Preview and apply the retention rules of the configuration, within the actor's rights; `Session.retention`.

    The actor needs `archive` or `erase`, as the rule says, and what the rule looks at must be theirs to read: records
    on which either is not so are none of theirs, and are not counted.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reading = ReadPath(context)

    @property
    def rules(self) -> tuple[RetentionRule, ...]:
        """The rules of the configuration, in order."""
        return tuple(self._context.schema.configuration.retention.values())

    @reading
    def due(self) -> FrozenDict[str, int]:
        """Return rule → how many records are due now; rules that the actor may not apply are left out."""
        found: dict[str, int] = {}
        for rule in self.rules:
            try:
                found[rule.key] = self._count(rule)
            except PermissionDeniedError:
                continue
        return FrozenDict(found)

    @reading
    def preview(self, rule: str, *, limit: int = 100, after: str | None = None) -> RetentionPage:
        """Return what applying a rule now would come to, record by record; nothing is written.

        Args:
            rule: Its key.
            limit: At most so many records, from 1.
            after: `RetentionPage.next` of the page before.

        Raises: InvalidInputError for an unknown rule, InvalidCursorError for an `after` that is none; ValueError for a
            limit below 1; PermissionDeniedError.
        """
        limit, known = checked_limit(limit), self._known(rule)
        records = self._page(known, limit + 1, None if after is None else RecordId(cursor_id(after)))
        shown = records[:limit]
        items = tuple(self._foreseen(known, shown))
        return RetentionPage(known.key, self._count(known), items, shown[-1].id if len(records) > limit else None)

    def apply(self, rule: str, *, progress: Callable[[int], object] | None = None) -> RetentionReport:
        """Carry a rule out on all that is due now, a batch at a time, each in a transaction where the session owns it.

        Each is a change like any other: the policy and the flows count, and the history has it with the channel
        `retention` and the rule as its reason. What is done stays done: after an interruption, a second call finds what
        is left.

        Args:
            rule: The key of the rule.
            progress: Called after each batch, with how many records were looked at.

        Raises: InvalidInputError for an unknown rule; PermissionDeniedError; ConflictError where somebody was faster;
            ConfigurationError and TypeError as `Records.erase_person`; StorageError.
        """
        known = self._known(rule)
        self._require(known)
        work = _Work(self._context, known)
        after: RecordId | None = None
        while records := self._page(known, _BATCH, after):
            after = records[-1].id
            work.carry_out(records)
            self._context.unit.commit()
            if progress is not None:
                progress(work.seen)
        return work.report()

    # --- inner

    def _known(self, key: str) -> RetentionRule:
        rule = self._context.schema.configuration.retention.get(key)
        if rule is None:
            raise InvalidInputError([Problem("unknown_retention_rule", params={"rule": key})])
        return rule

    def _require(self, rule: RetentionRule) -> None:
        if not self._context.access(rule.module).may(rule.action):
            raise self._context.denied(rule.action, rule.module)

    def _where(self, rule: RetentionRule) -> Criterion:
        """Return the criterion of what is due, and is the actor's to see, read and change.

        Whether there is something left to erase is told to those who may erase it, as by a certificate.
        """
        context = self._context
        self._require(rule)
        end = months_before(context.now().astimezone(context.schema.zone), rule.months)
        by_day = context.module(rule.module).kind_of(rule.since).key == "date"
        over = Compare((rule.since,), "lt", end.date() if by_day else end)
        left = any_of([Present((key,)) for key in rule.fields]) if rule.action == "erase" else Everything()
        due = all_of([rule.criterion, over])
        guarded = self._reading.guarded(rule.module, due, archived=rule.action == "erase")
        return all_of([context.access(rule.module).reach(rule.action), guarded, context.bind(left, rule.module)])

    def _count(self, rule: RetentionRule) -> int:
        return self._context.unit.queries.count(Query(rule.module, self._where(rule)))

    def _page(self, rule: RetentionRule, size: int, after: RecordId | None) -> Sequence[Record]:
        position: tuple[Any, ...] | None = None if after is None else (after,)
        return self._context.unit.queries.find(Query(rule.module, self._where(rule), (), size, position))

    def _foreseen(self, rule: RetentionRule, records: Sequence[Record]) -> Iterator[RetentionItem]:
        view = self._reading.view
        if rule.action == "erase":
            foreseen = Eraser(self._context, "retention").foresee(records, rule.fields, rule.reason)
            for record, one in zip(records, foreseen, strict=True):
                if isinstance(one, CustinfoError):
                    yield RetentionItem(view(record), "refused", tuple(one.problems))
                else:
                    yield RetentionItem(view(record), "applied" if one is None else "awaiting")
            return
        prepared = WritePath(self._context, "retention").prepare([_archiving(rule, record) for record in records])
        for record, item in zip(records, prepared, strict=True):
            if item.error is not None:
                yield RetentionItem(view(record), "refused", tuple(item.error.problems))
            else:
                yield RetentionItem(view(record), "applied" if item.path is None else "awaiting")


def _archiving(rule: RetentionRule, record: Record) -> Draft:
    return Draft("archive", rule.module, record.id, {}, None, record.version, rule.reason)


@attrs.define
class _Work:
    """Carry a rule out, and keep count."""

    context: Context
    rule: RetentionRule
    seen: int = 0
    applied: int = 0
    awaiting: int = 0
    requests: list[str] = attrs.field(factory=list)
    refused: list[Refused] = attrs.field(factory=list)

    def carry_out(self, records: Sequence[Record]) -> None:
        """Archive or erase a batch. Raises: as `Retention.apply`."""
        self.seen += len(records)
        if self.rule.action == "erase":
            self._erase(records)
            return
        outcome = write_many(self.context, [_archiving(self.rule, record) for record in records], "retention")
        self.applied += len(outcome.applied)
        self.awaiting += len(records) - len(outcome.applied) - len(outcome.refused)
        self.requests += outcome.requests
        self.refused += outcome.refused

    def _erase(self, records: Sequence[Record]) -> None:
        """Erase a batch in one step: an index that only marks what is deleted is written anew once for all of it."""
        outcomes = Eraser(self.context, "retention").erase_all(records, self.rule.fields, self.rule.reason)
        for record, outcome in zip(records, outcomes, strict=True):
            if isinstance(outcome, CustinfoError):
                self.refused.append(Refused(record.id, tuple(outcome.problems)))
            elif outcome is None:
                self.applied += 1
            else:
                self.awaiting += 1
                self.requests.append(outcome.id)

    def report(self) -> RetentionReport:
        """Return what it came to."""
        found = (self.applied, self.awaiting, tuple(self.requests), tuple(self.refused))
        return RetentionReport(self.rule.key, *found)

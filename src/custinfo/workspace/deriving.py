"""Keeping what follows from the data in step with it: on every change, over references, and as time passes (TAG-3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from custinfo.core.criteria.nodes import Criterion, Everything, Not, OneOf, Present, all_of, any_of
from custinfo.core.history.changes import Change, changes_between
from custinfo.core.records import FieldKey, ModuleKey, Record
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context

__all__ = ["derived", "derived_changes", "follow", "refresh", "stripped"]

_PAGE: Final = 1000
_MOST_HOPS: Final = 8
_LIVE: Final = Not(Present(("archived_at",)))


def derived(context: Context, record: Record) -> Record:
    """Return a record with what follows from it."""
    derivation = context.compiled.derivation(record.module)
    return derivation.derive(record, context.related, context.now()) if derivation else record


def stripped(context: Context, record: Record) -> Record:
    """Return a record without what follows from it: what people write, and flows hold."""
    return context.compiled.derivation(record.module).stripped(record)


def derived_changes(context: Context, before: Record, after: Record) -> frozenset[FieldKey]:
    """Return the fields that no one wrote and that changed all the same."""
    fields = context.compiled.derivation(after.module).fields
    return frozenset(key for key in fields if before.values.get(key) != after.values.get(key))


def follow(context: Context, records: Iterable[Record]) -> None:
    """Bring the records that refer to changed ones up to date, where their classification looks at these.

    They are saved with history of the channel `rule`. Raises: ConflictError; call it in `atomic`.
    """
    changed = list(records)
    for _ in range(_MOST_HOPS):
        referring = [_page(context, module, criterion) for module, criterion in _referring(context, changed)]
        changed = _save(context, [record for page in referring for record in page])
        if not changed:
            return


def _referring(context: Context, records: Sequence[Record]) -> Iterator[tuple[ModuleKey, Criterion]]:
    """Yield the modules and criteria of the records whose classification looks at `records`."""
    ids: dict[ModuleKey, list[str]] = {}
    for record in records:
        ids.setdefault(record.module, []).append(record.id)
    for module in context.schema.modules if ids else ():
        hops = context.compiled.derivation(module).hops
        fields = [(key, target) for key, target in context.related.fields(module) if key in hops and target in ids]
        if fields:
            yield module, any_of([OneOf((key,), tuple(ids[target])) for key, target in fields])


def _page(context: Context, module: ModuleKey, criterion: Criterion) -> Iterator[Record]:
    after: tuple[str, ...] | None = None
    while records := context.unit.queries.find(Query(module, all_of([_LIVE, criterion]), (), _PAGE, after)):
        context.related.prefetch(records)
        yield from records
        after = (records[-1].id,)


def refresh(context: Context, module: ModuleKey) -> int:
    """Bring every live record of a module up to date with the time; return how many changed."""
    number = 0
    page: list[Record] = []
    for record in _page(context, module, Everything()):
        page.append(record)
        if len(page) == _PAGE:
            number += len(_save(context, page))
            page = []
    return number + len(_save(context, page))


def _save(context: Context, records: Iterable[Record]) -> list[Record]:
    """Save what now follows from records; return those that changed."""
    now = context.now()
    pairs = [(record, derived(context, record)) for record in records]
    changed = [
        (before, attrs.evolve(after, version=before.version + 1, updated_at=now))
        for before, after in pairs
        if after is not before
    ]
    if changed:
        context.unit.records.save([after for _, after in changed])
        context.remember([_change(context, before, after) for before, after in changed])
        context.related.forget([after for _, after in changed])
    return [after for _, after in changed]


def _change(context: Context, before: Record, after: Record) -> Change:
    version = context.schema.configuration.version
    fields = changes_between(before, after)
    return Change(
        after.module,
        after.id,
        after.version,
        after.updated_at,
        context.actor,
        "update",
        fields,
        "rule",
        configuration_version=version,
    )

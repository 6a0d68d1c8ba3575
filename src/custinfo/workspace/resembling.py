"""Records that are likely about the same customer: found among those stored, and for a new one (DQ-1).

Only records that the actor may view are looked at, and of each only the fields that they may read there: what is hidden
or masked neither speaks for a resemblance nor against it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import attrs

from custinfo.core.criteria.nodes import Criterion, Everything, Mentions, Not, Nothing, OneOf, Present, all_of
from custinfo.core.duplicates.comparing import Evidence, Signature, Signatures, Traits, probability, weigh
from custinfo.core.duplicates.index import CROWD, DEFAULT_LEAST, Index, Likeness
from custinfo.core.duplicates.ratio import Ratio, plain_ratio
from custinfo.core.errors import InvalidInputError, MissingExtraError
from custinfo.core.records import CLEAR, FieldKey, ModuleKey, Record, RecordId
from custinfo.core.schema import ModuleSchema
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import checked_limit
from custinfo.workspace.reading import ReadPath

__all__ = [
    "DuplicateFinder",
    "DuplicatePair",
    "Resemblance",
    "StoredLikeness",
    "best_ratio",
    "reasons",
    "resembling",
    "signed",
]

_MOST_OF_A_NAME: Final = 50
_PAGE: Final = 1_000
_ENDS: Final = 2


@attrs.frozen
class Resemblance:
    """What a record or row resembles, how likely both are about the same, from 0 to 1, and why.

    `record_id` is that of a stored record, `row` the number of a row in the file; the other one is `None`. `evidence`
    has every field that says something: how much the values are alike, and the weight, negative against it.
    """

    score: float
    evidence: tuple[Evidence, ...]
    record_id: RecordId | None = None
    row: int | None = None


@attrs.frozen
class DuplicatePair:
    """Two records that are likely about the same: the one that was made first, the other, how likely, and why."""

    first: RecordId
    second: RecordId
    score: float
    evidence: tuple[Evidence, ...]


class DuplicateFinder:
    """Find records that are likely about the same, among those that there were when it was made.

    It holds in memory what is compared: about half a kilobyte a record. Valid within the session that made it.
    """

    def __init__(self, context: Context, module: ModuleKey, criterion: Criterion, least: float) -> None:
        self._context = context
        self._module = module
        self._traits = Traits.of(context.module(module).definition)
        self._index = Index(self._traits, best_ratio(), least)
        for ids, signatures in signed(context, module, self._traits, criterion):
            self._index.add(ids, signatures)

    def __len__(self) -> int:
        """Return how many records there are to be found."""
        return len(self._index)

    def pairs(self) -> tuple[DuplicatePair, ...]:
        """Return the pairs of records that are likely about the same, the likeliest first.

        Of more than 40 records that share one value, such as the phone of a call centre, those are compared whose names
        are next to each other in order.
        """
        found = [
            DuplicatePair(min(one, likeness.other), max(one, likeness.other), likeness.score, likeness.evidence)
            for one, likeness in self._index.pairs()
        ]
        return tuple(sorted(found, key=lambda pair: (-pair.score, pair.first, pair.second)))

    def probe(self, values: Mapping[str, object], *, limit: int = 5) -> tuple[Resemblance, ...]:
        """Return the records that a new one resembles, the likeliest first.

        Args:
            values: Field name → raw or typed value, as for `create`.
            limit: At most so many, from 1.

        Raises: InvalidInputError for what is no field, or no value of it; ValueError for a limit below 1.
        """
        limit = checked_limit(limit)
        signature = _signature_of(self._context, self._module, self._traits, values)
        return _ranked(self._index.alike(signature), limit)

    def explain(self, found: Resemblance | DuplicatePair, language: str | None = None) -> str:
        """Return in words what speaks for a resemblance and what against it, without any value."""
        schema = self._context.module(self._module)
        return reasons(schema, found.evidence, language or self._context.schema.configuration.language)


@attrs.frozen
class StoredLikeness:
    """Find what resembles one or many new records by asking the store: nothing is held in memory.

    Names are found by how they begin and end, through the index of titles, and the rest by equal values.
    """

    context: Context
    module: ModuleKey
    traits: Traits
    ratio: Ratio
    least: float = DEFAULT_LEAST

    def alike(self, signatures: Sequence[Signature]) -> list[list[Likeness]]:
        """Return for each signature the records that it resembles."""
        found: list[dict[RecordId, Record]] = [{} for _ in signatures]
        for number, key in enumerate(self.traits.contacts):
            self._by_contact(key, [signature.contacts[number] for signature in signatures], found)
        if self.traits.name is not None:
            for signature, records in zip(signatures, found, strict=True):
                records.update(self._by_name(self.traits.name, signature.core))
        known: dict[RecordId, Signature] = {}
        return [
            list(self._compared(signature, records.values(), known))
            for signature, records in zip(signatures, found, strict=True)
        ]

    def _compared(
        self, signature: Signature, records: Iterable[Record], known: dict[RecordId, Signature]
    ) -> Iterator[Likeness]:
        for record in records:
            if record.id not in known:
                known[record.id] = _signed(self.context, self.traits, [record])[0]
            evidence = weigh(signature, known[record.id], self.traits, self.ratio)
            score = probability(evidence)
            if score >= self.least:
                yield Likeness(record.id, score, tuple(evidence))

    def _by_contact(self, key: FieldKey, values: Sequence[Any], found: list[dict[RecordId, Record]]) -> None:
        wanted = {value for value in values if value is not None}
        by_value: dict[Any, list[Record]] = {}
        for record in self._query((key,), OneOf((key,), tuple(sorted(wanted)))) if wanted else ():
            by_value.setdefault(record.values.get(key), []).append(record)
        for value, records in zip(values, found, strict=True):
            records.update((record.id, record) for record in by_value.get(value, ())[-CROWD:])

    def _by_name(self, key: FieldKey, core: str) -> Iterator[tuple[RecordId, Record]]:
        if len(core) < _ENDS or self.context.module(self.module).definition.title_field != key:
            return
        # A region in brackets may stand in the middle, so that the store's text does not contain the name as a whole.
        ends = all_of([Mentions((key,), core[:_ENDS]), Mentions((key,), core[-_ENDS:])])
        for criterion in (Mentions((key,), core), ends) if len(core) > _ENDS else (ends,):
            for record in self._query((key,), criterion, limit=_MOST_OF_A_NAME):
                if self.traits.signature({key: record.values.get(key)}).core == core:
                    yield record.id, record

    def _query(self, path: tuple[FieldKey], criterion: Criterion, limit: int | None = None) -> Sequence[Record]:
        access = self.context.access(self.module)
        readable = access.readable_where(path[0])
        if isinstance(readable, Nothing):
            return ()
        live = Not(Present(("archived_at",)))
        wanted = all_of([access.reach("view"), readable, live, criterion])
        return self.context.unit.queries.find(Query(self.module, wanted, limit=limit))


def resembling(
    context: Context, module: ModuleKey, values: Mapping[str, object], least: float, limit: int
) -> tuple[Resemblance, ...]:
    """Return the stored records that a new one resembles, the likeliest first, by asking the store."""
    traits = Traits.of(context.module(module).definition)
    _asked(context, module, traits, Everything())
    signature = _signature_of(context, module, traits, values)
    (found,) = StoredLikeness(context, module, traits, best_ratio(), least).alike([signature])
    return _ranked(found, limit)


def signed(
    context: Context, module: ModuleKey, traits: Traits, criterion: Criterion | None = None
) -> Iterator[tuple[list[RecordId], Signatures]]:
    """Yield the records that the actor may view, many at a time, with what of them they may read."""
    wanted = Everything() if criterion is None else criterion
    _asked(context, module, traits, wanted)
    records = ReadPath(context).stream(module, wanted)
    while page := list(islice(records, _PAGE)):
        yield [record.id for record in page], _signed(context, traits, page)


def best_ratio() -> Ratio:
    """Return rapidfuzz's comparison of two texts, or where it is not installed the plain one, which says the same."""
    try:
        found: Ratio = importlib.import_module("custinfo.adapters.duplicates").ratio()
    except MissingExtraError:
        return plain_ratio
    return found


def reasons(schema: ModuleSchema, evidence: Sequence[Evidence], language: str) -> str:
    """Return evidence in words, such as `客户名称 100% (+6.0)；联系方式 0% (-1.5)`."""
    ordered = sorted(evidence, key=lambda item: -item.weight)
    texts = [f"{schema.label(item.field, language)} {item.similarity:.0%} ({item.weight:+.1f})" for item in ordered]
    return ("；" if language == "zh" else "; ").join(texts)


def _signed(context: Context, traits: Traits, records: Sequence[Record]) -> Signatures:
    seen = [(record.values, context.verdict(record).readable) for record in records]
    columns = {
        key: [values.get(key) if key in readable else None for values, readable in seen] for key in traits.fields
    }
    return traits.signatures(columns, len(records))


def _signature_of(context: Context, module: ModuleKey, traits: Traits, values: Mapping[str, object]) -> Signature:
    found = context.validator(module).normalise(values)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        schema = context.module(module)
        raise InvalidInputError([schema.labelled(problem) for problem in errors])
    return traits.signature({key: None if value is CLEAR else value for key, value in found.patch.items()})


def _asked(context: Context, module: ModuleKey, traits: Traits, criterion: Criterion) -> None:
    """Take down a reading, where the configuration wants those of fields that are compared logged."""
    if not context.access(module).may("view"):
        raise context.denied("view", module)
    if context.readings.fields:
        context.readings.ask(module, traits.fields, criterion)


def _ranked(found: Iterable[Likeness], limit: int) -> tuple[Resemblance, ...]:
    ordered = sorted(found, key=lambda likeness: (-likeness.score, likeness.other))
    return tuple(Resemblance(item.score, item.evidence, item.other) for item in ordered[:limit])

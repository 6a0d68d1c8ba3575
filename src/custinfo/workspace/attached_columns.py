"""Columns that hold no field of the record but what belongs to it: its tags, and records that refer to it (XLS-3).

A column 标签 (Tags) holds tags as an export writes them, `行业:制造业; 需求:培训`; one headed 标签:需求 (Tags:need)
those of one dimension. A column headed like a module whose records refer to these, such as 跟进记录 (Follow-up), holds
texts: each becomes such a record, and a line that begins with a date begins another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from custinfo.core.criteria.nodes import OneOf, all_of
from custinfo.core.kinds import INVALID
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Tag
from custinfo.core.text import folded
from custinfo.ports.repositories import Query
from custinfo.workspace.context import Context
from custinfo.workspace.drafts import Draft
from custinfo.workspace.tagging import read_tags

__all__ = ["Attached", "AttachedColumns", "Related"]

_TAGS: Final = frozenset({"标签", "tags"})
_SEPARATORS: Final = re.compile(r"[;；,，、\r\n]+")
_COLON: Final = re.compile(r"[:：]")
_DATED: Final = re.compile(
    r"\s*(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[ T]+\d{1,2}:\d{2}(?::\d{2})?)?)[\s:：,，、.。-]*(.*)", re.DOTALL
)


@attrs.frozen
class Related:
    """A record of another module that a row brings along: its values, without the reference to the row's record.

    `same` are the fields in which a record that is there already agrees with it; `text_field` alone if empty.
    """

    module: ModuleKey
    reference: FieldKey
    text_field: FieldKey
    values: Mapping[FieldKey, Any] = attrs.field(repr=False)
    same: tuple[FieldKey, ...] = ()

    @property
    def identity(self) -> tuple[FieldKey, ...]:
        """The fields by which it is found to be there already."""
        return self.same or (self.text_field,)

    def draft(self, record_id: RecordId) -> Draft:
        """Return the new record that refers to the row's."""
        return Draft("create", self.module, raw={self.reference: record_id, **self.values}, typed=True)


@attrs.frozen
class Attached:
    """What a row brings along: tags, related records, and what is wrong with them."""

    tags: frozenset[Tag] | None = None
    related: tuple[Related, ...] = ()
    problems: tuple[Problem, ...] = ()

    def joined(self, other: Attached) -> Attached:
        """Return this and what else a row brings along."""
        tags = self.tags if other.tags is None else other.tags.union(self.tags or ())
        return Attached(tags, self.related + other.related, self.problems + other.problems)

    def __bool__(self) -> bool:
        return self.tags is not None or bool(self.related or self.problems)


@attrs.frozen
class _Module:
    """A module whose records refer to those of the import: where its text, and the time of it, go."""

    key: ModuleKey
    reference: FieldKey
    text: FieldKey
    time: FieldKey | None


class AttachedColumns:
    """Know which columns of a file hold what belongs to the records, and read them."""

    def __init__(self, context: Context, module: ModuleKey, header: Sequence[str], free: Sequence[int]) -> None:
        """Find the columns.

        Args:
            context: The session's.
            module: Key of the module that is imported.
            header: The headings.
            free: The places of the columns that mean no field.
        """
        self._context = context
        self._module = module
        modules = self._modules()
        taggable = context.module(module).definition.taggable
        named = {place: self._dimension(header[place]) for place in free if taggable}
        self._tags: dict[int, str] = {place: name for place, name in named.items() if name is not None}
        others = {place: folded(header[place]) for place in free if place not in self._tags}
        self._related = {place: modules[name] for place, name in others.items() if name in modules}

    @property
    def names(self) -> dict[int, str]:
        """The place of each column → what problems with it call it."""
        return {**dict.fromkeys(self._tags, "tags"), **{place: item.key for place, item in self._related.items()}}

    @property
    def places(self) -> frozenset[int]:
        """The places of the columns."""
        return frozenset((*self._tags, *self._related))

    def _dimension(self, heading: str) -> str | None:
        """Return the dimension of a column of tags, empty for all of them; `None` for another column."""
        first, *rest = _COLON.split(heading, maxsplit=1)
        if folded(first) not in _TAGS:
            return None
        return rest[0].strip() if rest else ""

    def _modules(self) -> dict[str, _Module]:
        found = {}
        for key, definition in self._context.schema.configuration.modules.items():
            for reference, target in self._context.related.fields(key):
                if target == self._module and (known := self._usable(key, reference)) is not None:
                    found.update({folded(name): known for name in (key, *definition.label.values())})
        return found

    def _usable(self, key: ModuleKey, reference: FieldKey) -> _Module | None:
        """Return how a text becomes a record of a module; `None` where that needs more than a text and a time."""
        needed = [
            field
            for field in self._context.module(key).definition.active_fields()
            if field.required and field.default is None and field.key != reference
        ]
        texts = [field.key for field in needed if field.kind in ("text", "long_text")]
        times = [field.key for field in needed if field.kind in ("date", "datetime")]
        if len(texts) != 1 or len(times) > 1 or len(needed) != len(texts) + len(times):
            return None
        return _Module(key, reference, texts[0], times[0] if times else None)

    # --- reading

    def read(self, values: Sequence[object]) -> Attached:
        """Return what a row brings along."""
        problems: list[Problem] = []
        pairs = [pair for place, name in self._tags.items() for pair in _pairs(values[place], name)]
        tags = self._read_tags(pairs, problems) if pairs else None
        related: list[Related] = []
        for place, module in self._related.items():
            cell = values[place]
            if cell is not None:
                related += self._read_texts(module, cell, problems)
        return Attached(tags, tuple(related), tuple(problems))

    def _read_tags(self, pairs: Sequence[tuple[str, str]], problems: list[Problem]) -> frozenset[Tag]:
        tags, found = read_tags(self._context, self._module, pairs)
        owns = self._context.compiled.derivation(self._module).owns_tag
        # What a rule gives stands in every export: to write it again asks for nothing.
        problems += [attrs.evolve(item, severity="notice") if item.code == "tag_by_rule" else item for item in found]
        return frozenset(tag for tag in tags if not owns(tag))

    def _read_texts(self, module: _Module, cell: object, problems: list[Problem]) -> Iterator[Related]:
        parsers = self._context.module(module.key).parsers
        better = getattr(cell, "problem", None)
        if callable(better):
            problems.append(self._about(module, better()))
            return
        for time, text in _entries(str(cell)):
            found: list[Problem] = []
            values = {module.text: parsers[module.text](text, found)}
            if module.time is not None:
                raw = self._context.now() if time is None else time
                values[module.time] = parsers[module.time](raw, found)
            problems += [self._about(module, item) for item in found if item.severity == "error"]
            if INVALID not in values.values() and values[module.text] is not None:
                yield Related(module.key, module.reference, module.text, values)

    def _about(self, module: _Module, problem: Problem) -> Problem:
        """Return a problem of a related record as one with the column."""
        label = self._context.schema.configuration.modules[module.key].label
        return attrs.evolve(problem, field=module.key, labels=label)

    def read_all(self, rows: Sequence[Sequence[object]]) -> dict[int, Attached]:
        """Return what rows bring along, by their place; those that bring nothing are left out."""
        if not self.places:
            return {}
        return {place: found for place, values in enumerate(rows) if (found := self.read(values))}

    def brought(self, rows: Mapping[int, tuple[Draft, Attached]]) -> dict[int, tuple[Draft, tuple[Related, ...]]]:
        """Return the drafts of rows with their tags, and the related records that are not there yet."""
        if not rows:
            return {}
        ids = {draft.record_id for draft, _ in rows.values() if draft.record_id is not None}
        stored = self._context.unit.records.get(self._module, ids) if ids else {}
        missing = self.missing(
            {draft.record_id: found.related for draft, found in rows.values() if draft.record_id and found.related}
        )
        result = {}
        for place, (draft, found) in rows.items():
            before = stored.get(draft.record_id) if draft.record_id else None
            tags = found.tags if before is None or found.tags is None else self.merged(before, found.tags)
            changed = attrs.evolve(draft, tags=tags, found=(*draft.found, *found.problems))
            related = missing.get(draft.record_id, found.related) if draft.record_id else found.related
            result[place] = changed, related
        return result

    # --- what is there already

    def merged(self, before: Record, tags: frozenset[Tag]) -> frozenset[Tag]:
        """Return the tags of a record and a row; where a dimension takes one tag, it is that of the row."""
        dimensions = self._context.schema.configuration.tag_dimensions
        single = {tag.dimension for tag in tags if tag.dimension in dimensions and dimensions[tag.dimension].single}
        return tags | {tag for tag in before.tags if tag.dimension not in single}

    def missing(self, wanted: Mapping[RecordId, Sequence[Related]]) -> dict[RecordId, tuple[Related, ...]]:
        """Return the related records that are not there yet: one with the same text, or values, counts as the same.

        Only those are looked at that the actor may read.
        """
        there: set[tuple[ModuleKey, RecordId, Any]] = set()
        kinds = {(item.module, item.reference, item.identity) for items in wanted.values() for item in items}
        for module, reference, identity in kinds:
            access = self._context.access(module)
            readable = map(access.readable_where, identity)
            among = [access.reach("view"), *readable, OneOf((reference,), tuple(wanted))]
            found = self._context.unit.queries.find(Query(module, all_of(among)))
            there |= {(module, item.values[reference], tuple(map(item.values.get, identity))) for item in found}

        def is_new(record_id: RecordId, item: Related) -> bool:
            return (item.module, record_id, tuple(map(item.values.get, item.identity))) not in there

        return {key: tuple(item for item in items if is_new(key, item)) for key, items in wanted.items()}


def _pairs(cell: object, dimension: str) -> Iterator[tuple[str, str]]:
    """Yield the tags of a cell as pairs of dimension and tag."""
    for item in _SEPARATORS.split(str(cell)) if cell is not None else ():
        first, *rest = _COLON.split(item, maxsplit=1)
        if dimension and item.strip():
            yield dimension, item.strip()
        elif item.strip():
            yield (first.strip(), rest[0].strip()) if rest else ("", first.strip())


def _entries(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield (time, text) for each entry of a cell; a line that begins with a date begins one."""
    time: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        match = _DATED.fullmatch(line)
        if match is not None and match[2].strip():
            if lines:
                yield time, "\n".join(lines)
            time, lines = match[1], [match[2]]
        elif line.strip():
            lines.append(line)
    if lines:
        yield time, "\n".join(lines)

"""Shapes of criteria: what is left of bound criteria when their values are taken out.

Criteria of one shape differ in nothing but values, and so share one statement. What the shape depends on besides, such
as whether a text could stand in a database at all, or whether titles are indexed, is settled here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import attrs

from custinfo.adapters.sqlalchemy._context import CHUNK, Context, Layout
from custinfo.adapters.sqlalchemy._ready import Given, padded
from custinfo.adapters.sqlalchemy._rows import unique_text
from custinfo.adapters.sqlalchemy._texts import comparable, is_storable, successor
from custinfo.adapters.sqlalchemy._titles import TitleSearch, form_of
from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Contains,
    Criterion,
    Everything,
    Has,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Path,
    Present,
    SealedAs,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
    all_of,
    any_of,
)
from custinfo.core.kinds import unchanged
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey
from custinfo.core.stored import instant_to_text

__all__ = [
    "LIVE",
    "Among",
    "ClaimTest",
    "DigestTest",
    "How",
    "Loose",
    "Shape",
    "Shaper",
    "TagTest",
    "TextTest",
    "TitleTest",
    "encoder",
    "is_claimed",
    "layouts",
    "target_of",
]

LIVE: Final = Not(Present(("archived_at",)))
"""What holds for the records whose unique values are claimed."""

How = Literal["each", "set", "lead"]
"""Whether a table beside the records is asked for each record, or which records it has: to compare, or to be led."""


@attrs.frozen
class TextTest:
    """Hold where the text contains another, exactly."""

    path: Path
    text: Given


@attrs.frozen
class DigestTest:
    """Hold where the encrypted value in the document is found by one of some digests."""

    path: Path
    digests: tuple[Given, ...]


@attrs.frozen
class ClaimTest:
    """Hold where the live record has one of some unique values, given as they are claimed."""

    field: FieldKey
    values: tuple[Given, ...]
    how: How


@attrs.frozen
class TagTest:
    """Hold where the record has a tag."""

    dimension: Given
    value: Given | None
    how: How


@attrs.frozen
class TitleTest:
    """Hold where the title in the field contains a form, for which the index of pairs is asked by `tokens`.

    `single` says that the form is a single character.
    """

    field: FieldKey
    form: Given
    tokens: tuple[Given, ...]
    how: How
    single: bool


@attrs.frozen
class ShareTest:
    """Hold where the record is shared with one of some members, departments or the like, at one of some levels.

    `keys` are those of each kind, and `at` the time until which a share must last.
    """

    keys: tuple[tuple[str, tuple[Given, ...]], ...]
    levels: tuple[str, ...]
    at: Given
    how: How


@attrs.frozen
class Reference:
    """Hold where the record that a reference points to is of a shape."""

    key: FieldKey
    module: ModuleKey
    layout: Layout
    part: Shape


@attrs.frozen
class Among:
    """Hold where one of `parts` does; the records of each are found first."""

    parts: tuple[Shape, ...]


@attrs.frozen
class Loose:
    """Hold where a comparison does, which is no bound of an index that is walked: SQLite takes one at each end."""

    part: Compare


Shape = Any
"""A criterion with a `Given` for each value, or one of the tests above; equal for criteria that differ in values."""


def encoder(context: Context, module: ModuleKey, path: Path) -> Callable[[Any], Any]:
    """Return what gives the stored form of the values at a path."""
    *hop, key = path
    owner = target_of(context, module, hop[0]) if hop else module
    if key in SYSTEM_FIELDS:
        return instant_to_text if SYSTEM_FIELDS[key] == "datetime" else unchanged
    return context.module(owner).schema.kind_of(key).encode


def target_of(context: Context, module: ModuleKey, key: FieldKey) -> ModuleKey:
    return str(context.module(module).schema.definition.fields[key].options["module"])


def layouts(context: Context, module: ModuleKey, *paths: Path) -> tuple[Layout, ...]:
    """Return what statements over a module, and the ends of paths, depend on."""
    hops = [target_of(context, module, path[0]) for path in paths if len(path) > 1]
    return tuple(context.module(key).layout for key in (module, *hops))


class Shaper:
    """Take the values out of criteria of one statement, in their stored form.

    `values` are those that the statement is given; the first is the tenant.

    Args:
        context: What the unit of work shares.
        titles: What knows the titles.
        counting: Whether all that match are wanted rather than the first few: tags are then looked up at once.
        lead: The part of the criterion that leads to the records by a table beside them, or by several indexes.
    """

    def __init__(
        self, context: Context, titles: TitleSearch, *, counting: bool = False, lead: Criterion | None = None
    ) -> None:
        self.values: list[Any] = [context.tenant]
        self._context = context
        self._titles = titles
        self._counting = counting
        self._lead = lead

    def give(self, value: Any) -> Given:
        """Add a value in its stored form."""
        self.values.append(value)
        return Given(len(self.values) - 1)

    def give_all(self, values: Sequence[Any]) -> tuple[Given, ...]:
        """Add values in their stored form."""
        start = len(self.values)
        self.values.extend(values)
        return tuple(map(Given, range(start, len(self.values))))

    def shape(self, criterion: Criterion, module: ModuleKey) -> Shape:
        """Return the shape of a bound criterion. Raises: TypeError if not bound."""
        if self._lead is not None and criterion == self._lead and isinstance(criterion, AnyOf):
            self._lead = None
            return Among(tuple(self._each_led(part, module) for part in _gathered(criterion.parts)))
        match criterion:
            case Everything() | Nothing():
                return criterion
            case AllOf(parts):
                live = LIVE in parts
                return all_of([self._live(part, module) if live else self.shape(part, module) for part in parts])
            case AnyOf(parts):
                return any_of([self.shape(part, module) for part in _gathered(parts)])
            case Not(part):
                return Not(self.shape(part, module))
            case Tagged():
                return self._tagged(criterion)
            case SharedWith():
                return self._shared(criterion)
            case Through(key, part):
                return self._through(key, part, module)
            case _ if len(getattr(criterion, "path", "")) > 1:
                leaf: Any = criterion
                return self._through(leaf.path[0], attrs.evolve(leaf, path=leaf.path[1:]), module)
            case _:
                return self._leaf(criterion, module)

    def _each_led(self, part: Criterion, module: ModuleKey) -> Shape:
        self._lead = part
        shape = self.shape(part, module)
        self._lead = None
        return shape

    def _through(self, key: FieldKey, part: Criterion, module: ModuleKey) -> Shape:
        target = target_of(self._context, module, key)
        inner, self._counting = self._counting, True
        shape = self.shape(part, target)
        self._counting = inner
        return Reference(key, target, self._context.module(target).layout, shape)

    def _leaf(self, leaf: Criterion, module: ModuleKey) -> Shape:
        match leaf:
            case Present():
                return leaf
            case Compare(path, name, value):
                return self._compare(path, name, encoder(self._context, module, path)(value))
            case OneOf(path, values):
                return self._one_of(path, values, module)
            case Contains(path, text) if is_storable(text):
                return self._contains(path, text, module) if text else Present(path)
            case Mentions(path, form):
                return self._mentions(leaf, form_of(form), module)
            case StartsWith(path, text) if is_storable(text):
                return self._starts_with(path, text) if text else Present(path)
            case SealedAs(path, digests):
                return self._sealed(path, digests)
            case Has(path, item) if is_storable(item):
                return Has(path, self.give(item))
            case Contains() | StartsWith() | Has():
                return Nothing()
            case _:
                raise TypeError(f"{type(leaf).__name__} must be bound before it is compiled")

    def _compare(self, path: Path, name: Any, constant: Any) -> Shape:
        if isinstance(constant, str) and not is_storable(constant):
            if name in ("eq", "ne"):
                return Present(path) if name == "ne" else Nothing()
            name, constant = comparable(name, constant)
        return Compare(path, name, self.give(constant))

    def _one_of(self, path: Path, values: Sequence[Any], module: ModuleKey) -> Shape:
        encode = encoder(self._context, module, path)
        constants = values if encode is unchanged else [encode(value) for value in values]
        texts = "".join([item for item in constants if isinstance(item, str)])
        storable = constants if is_storable(texts) else [item for item in constants if is_storable(str(item))]
        return any_of([OneOf(path, part) for part in self._chunked(storable)])

    def _chunked(self, values: Sequence[Any]) -> list[tuple[Given, ...]]:
        """Add values in lists of few lengths, so that statements are few."""
        parts = [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]
        return [self.give_all(padded(part)) for part in parts]

    def _sealed(self, path: Path, digests: Sequence[str]) -> Shape:
        tests: list[Shape] = [DigestTest(path, given) for given in self._chunked(_storable(digests))]
        return any_of(tests)

    def _live(self, part: Criterion, module: ModuleKey) -> Shape:
        """Find the encrypted value of a live record by what the record claims, if it is unique."""
        if not isinstance(part, SealedAs) or not is_claimed(self._context, module, part):
            return self.shape(part, module)
        how, texts = self._how(part), [unique_text(digest) for digest in _storable(part.digests)]
        tests: list[Shape] = [ClaimTest(part.path[0], given, how) for given in self._chunked(texts)]
        return any_of(tests)

    def _contains(self, path: Path, text: str, module: ModuleKey) -> Shape:
        """Compare exactly, and let the index of titles find the few that come into question."""
        form = form_of(text)
        exact: Shape = TextTest(path, self.give(text))
        if not form or not self._titles.has(module, path[0]):
            return exact
        how = self._how(Contains(path, text), by_planner=True)
        return exact if how == "each" else all_of([self._title(module, path[0], form, how), exact])

    def _mentions(self, leaf: Mentions, form: str, module: ModuleKey) -> Shape:
        key, titles = leaf.path[0], self._titles
        if not titles.has(module, key):
            return self._one_of(("id",), titles.mentioning(module, key, form), module)
        return self._title(module, key, form, self._how(leaf, by_planner=True))

    def _title(self, module: ModuleKey, field: FieldKey, form: str, how: How) -> Shape:
        tokens = () if how == "each" else self.give_all(self._titles.sought(module, field, form))
        return TitleTest(field, self.give(form), tokens, how, len(form) == 1)

    def _starts_with(self, path: Path, text: str) -> Shape:
        """Return a range, which an index serves and which compares by code point everywhere."""
        end = successor(text)
        start = Compare(path, "ge", self.give(text))
        return start if end is None else AllOf((start, Compare(path, "lt", self.give(end))))

    def _tagged(self, tagged: Tagged) -> Shape:
        if not is_storable(tagged.dimension) or not is_storable(tagged.value or ""):
            return Nothing()
        value = None if tagged.value is None else self.give(tagged.value)
        return TagTest(self.give(tagged.dimension), value, self._how(tagged))

    def _shared(self, shared: SharedWith) -> Shape:
        keys: dict[str, list[str]] = {}
        for kind, key in sorted(shared.principals):
            keys.setdefault(kind, []).append(key)
        given = tuple((kind, self.give_all(padded(found))) for kind, found in keys.items())
        at = self.give(instant_to_text(shared.at))
        return (
            ShareTest(given, tuple(sorted(shared.levels)), at, self._how(shared))
            if given and shared.levels
            else Nothing()
        )

    def _how(self, part: Criterion, *, by_planner: bool = False) -> How:
        """Return how a table beside the records is asked; `by_planner` where PostgreSQL's knows best."""
        if part == self._lead:
            return "lead"
        planned = by_planner and self._context.connection.dialect.name == "postgresql"
        return "set" if self._counting or planned else "each"


def is_claimed(context: Context, module: ModuleKey, part: SealedAs) -> bool:
    """Tell whether live records claim the encrypted values that are asked for."""
    return len(part.path) == 1 and part.path[0] in context.module(module).unique_fields


def _storable(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if is_storable(text)]


def _gathered(parts: Sequence[Criterion]) -> list[Criterion]:
    """Make one list of all that compare the same field for equality."""
    equal: dict[Path, list[Any]] = {}
    others: list[Criterion] = []
    for part in parts:
        match part:
            case Compare(path, "eq", value):
                equal.setdefault(path, []).append(value)
            case OneOf(path, values):
                equal.setdefault(path, []).extend(values)
            case _:
                others.append(part)
    return [*(_one_of(path, [*dict.fromkeys(values)]) for path, values in equal.items()), *others]


def _one_of(path: Path, values: Sequence[Any]) -> Criterion:
    return Compare(path, "eq", values[0]) if len(values) == 1 else OneOf(path, tuple(values))

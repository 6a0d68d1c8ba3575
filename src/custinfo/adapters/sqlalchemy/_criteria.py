"""Compiling bound criteria to SQL, with the meaning that they have in memory.

An expression is true exactly where the criterion holds; where it does not, it may be false or `NULL`, which `WHERE`
treats alike. `Not` therefore compiles to `… IS NOT TRUE`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    exists,
    false,
    literal,
    or_,
    select,
    true,
)

from custinfo.adapters.sqlalchemy._context import Context, chunked
from custinfo.adapters.sqlalchemy._dialects import unindexed
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
    InSegment,
    Leaf,
    Mentions,
    Not,
    Nothing,
    OneOf,
    Path,
    Present,
    SharedWith,
    StartsWith,
    Tagged,
    Through,
)
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey
from custinfo.core.stored import instant_from_text, instant_to_text

__all__ = ["SYSTEM_COLUMNS", "Operand", "Source"]

SYSTEM_COLUMNS: Final = {
    "id": "id",
    "owner": "owner_id",
    "department": "department_id",
    "version": "version",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "created_by": "created_by",
    "archived_at": "archived_at",
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")
}

Condition = ColumnElement[bool]


def _unchanged(value: Any) -> Any:
    return value


@attrs.frozen(eq=False)
class Operand:
    """A field in SQL: its expression, how its stored form compares, and both directions of its values."""

    expression: ColumnElement[Any]
    storage: str
    encode: Callable[[Any], Any] = _unchanged
    decode: Callable[[Any], Any] = _unchanged


class Source:
    """The rows of one module in a statement: `record`, and its document where something needs it."""

    def __init__(
        self,
        context: Context,
        module: ModuleKey,
        titles: TitleSearch,
        *,
        counting: bool = False,
        leading: bool = False,
        record: FromClause | None = None,
    ) -> None:
        """Name the tables anew.

        Args:
            context: What the unit of work shares.
            module: Key of the module.
            titles: What knows the titles.
            leading: Whether the index of a tag or a title is to lead to the records, instead of being asked for each.
            record: Stands in for the narrow rows, with those of their columns that are needed.
            counting: Whether all that match are wanted rather than the first few: tags are then looked up at once.
        """
        self._context = context
        self._prepared = context.module(module)
        self._module = module
        self._counting = counting or leading
        self._leading = leading
        self._titles = titles
        self._needs_document = False
        self.record: FromClause = context.tables.record.alias() if record is None else record
        self.document: Table = context.tables.document.alias()  # type: ignore[assignment]

    def rows(self, *, document: bool = False) -> FromClause:
        """Return what to select from; call it when all conditions are made."""
        if not (document or self._needs_document):
            return self.record
        same = and_(self.document.c.tenant_id == self.record.c.tenant_id, self.document.c.record_id == self.record.c.id)
        return self.record.join(self.document, same)

    def within(self) -> Condition:
        """Return the condition that a row is of the tenant and the module."""
        columns = self.record.c
        return and_(columns.tenant_id == self._context.tenant, columns.module == self._module)

    def operand(self, path: Path) -> Operand:
        """Return a field, or through a reference the field of the record that it points to."""
        *hop, key = path
        if not hop:
            return self._field(key)
        target, points_to = self._follow(hop[0])
        field = target.operand((key,))
        value = select(field.expression).select_from(target.rows()).where(points_to)
        return attrs.evolve(field, expression=value.scalar_subquery())

    def condition(self, criterion: Criterion) -> Condition:
        """Return the condition that is true exactly where a bound criterion holds. Raises: TypeError if not bound."""
        match criterion:
            case Everything() | Nothing():
                return true() if isinstance(criterion, Everything) else false()
            case AllOf(parts):
                return and_(true(), *map(self.condition, parts))
            case AnyOf(parts):
                return or_(false(), *map(self.condition, _gathered(parts)))
            case Not(Present((key,))) if key in SYSTEM_FIELDS or key in self._prepared.readable_slots:
                return self._field(key).expression.is_(None)
            case Not(part):
                return self.condition(part).is_not(true())
            case Through(key, part):
                return self._through(key, part)
            case Tagged() | SharedWith():
                return self._linked(criterion)
            case InSegment():
                raise TypeError("InSegment must be bound before it is compiled")
            case _:
                return self._leaf(criterion)

    def _follow(self, key: FieldKey) -> tuple[Source, Condition]:
        """Return the rows that a reference may point to, and the condition that it points to one of them."""
        module = str(self._prepared.schema.definition.fields[key].options["module"])
        target = Source(self._context, module, self._titles, counting=True)
        return target, and_(target.within(), target.record.c.id == self._field(key).expression)

    def _field(self, key: FieldKey) -> Operand:
        if key in SYSTEM_FIELDS:
            column = self.record.c[SYSTEM_COLUMNS[key]]
            if SYSTEM_FIELDS[key] == "datetime":
                return Operand(column, "text", instant_to_text, instant_from_text)
            return Operand(column, "number" if key == "version" else "text")
        kind = self._prepared.schema.kind_of(key)
        slot = self._prepared.readable_slots.get(key)
        if slot is not None:
            expression: ColumnElement[Any] = self.record.c[slot]
        else:
            self._needs_document = True
            reader = self._context.reader
            read = {"text": reader.text, "number": reader.number, "list": reader.items}[kind.storage]
            expression = read(self.document.c.data, key)
        return Operand(expression, kind.storage, kind.encode, kind.decode)

    def _present(self, key: FieldKey) -> Condition:
        if key in SYSTEM_FIELDS or key in self._prepared.readable_slots:
            return self._field(key).expression.is_not(None)
        self._needs_document = True
        return self._context.reader.present(self.document.c.data, key)

    def _leaf(self, leaf: Leaf) -> Condition:
        key = leaf.path[0]
        match leaf:
            case _ if len(leaf.path) == 2:
                return self._through(key, attrs.evolve(leaf, path=leaf.path[1:]))
            case Present():
                return self._present(key)
            case Compare(_, name, value):
                return self._compare(key, name, value)
            case OneOf(_, values):
                return self._one_of(self._field(key), values)
            case Contains(_, text) if is_storable(text):
                return self._contains(key, text) if text else self._present(key)
            case Mentions(_, form):
                return self._mentions(key, form)
            case StartsWith(_, text) if is_storable(text):
                return _starts_with(self._field(key).expression, text) if text else self._present(key)
            case Contains() | StartsWith():
                return false()
            case Has(_, item):
                self._needs_document = True
                return self._context.reader.has(self.document.c.data, key, item) if is_storable(item) else false()
            case _:
                raise TypeError(f"{type(leaf).__name__} must be bound before it is compiled")

    @property
    def _id(self) -> ColumnElement[str]:
        """The id, as it is looked for among many: SQLite would try each of them in each department of a scope."""
        column = self.record.c.id
        return column if self._leading else unindexed(column, self._context.connection.dialect)

    def _contains(self, key: FieldKey, text: str) -> Condition:
        """Compare exactly, and let the index of titles find the few that come into question."""
        exact = self._context.reader.contains(self._field(key).expression, text)
        form = form_of(text)
        if not form or not self._titles.has(self._module, key):
            return exact
        if self._counting or self._titles.is_narrow(self._module, key, form):
            return and_(self._id.in_(self._titles.found(self._module, key, form)), exact)
        return exact

    def _mentions(self, key: FieldKey, form: str) -> Condition:
        titles, column = self._titles, self._id
        if not titles.has(self._module, key):
            return or_(false(), *(column.in_(part) for part in chunked(self._mentioning(key, form))))
        if self._counting or titles.is_narrow(self._module, key, form):
            return column.in_(titles.found(self._module, key, form))
        return titles.holds(self.record.c.id, self._module, key, form)

    def _mentioning(self, key: FieldKey, form: str) -> list[str]:
        """Return the ids of the records that mention something, from the records: there is no index yet."""
        source = Source(self._context, self._module, self._titles)
        value = source.operand((key,)).expression
        statement = select(source.record.c.id, value).select_from(source.rows()).where(source.within())
        return [row[0] for row in self._context.execute(statement) if form in form_of(row[1])]

    def _compare(self, key: FieldKey, name: str, value: Any) -> Condition:
        operand = self._field(key)
        constant = operand.encode(value)
        if isinstance(constant, str) and not is_storable(constant):
            if name in ("eq", "ne"):
                return self._present(key) if name == "ne" else false()
            name, constant = comparable(name, constant)  # type: ignore[arg-type]
        condition: Condition = _OPERATORS[name](operand.expression, constant)
        return condition

    def _one_of(self, operand: Operand, values: Sequence[Any]) -> Condition:
        constants = [operand.encode(value) for value in values]
        storable = [item for item in constants if not isinstance(item, str) or is_storable(item)]
        return or_(false(), *(operand.expression.in_(part) for part in chunked(storable)))

    def _through(self, key: FieldKey, part: Criterion) -> Condition:
        """Return the condition that a reference points to a record that meets a criterion."""
        target, points_to = self._follow(key)
        condition = target.condition(part)
        return exists(select(literal(1)).select_from(target.rows()).where(points_to, condition))

    def shared(self, shared: SharedWith) -> Select[Any]:
        """Return the ids of the records that are shared with somebody."""
        columns = self._context.tables.share.alias().c
        keys: dict[str, list[str]] = {}
        for kind, key in sorted(shared.principals):
            keys.setdefault(kind, []).append(key)
        with_whom = (and_(columns.kind == kind, columns.key.in_(found)) for kind, found in keys.items())
        return select(columns.record_id).where(
            columns.tenant_id == self._context.tenant,
            or_(false(), *with_whom),
            columns.level.in_(sorted(shared.levels)),
            or_(columns.until.is_(None), columns.until > instant_to_text(shared.at)),
        )

    def tagged(self, tagged: Tagged) -> Select[Any]:
        """Return the ids of the records that have a tag."""
        tag = self._context.tables.tag.alias()
        statement = select(tag.c.record_id).where(
            tag.c.tenant_id == self._context.tenant, tag.c.dimension == tagged.dimension
        )
        return statement if tagged.value is None else statement.where(tag.c.value == tagged.value)

    def _linked(self, link: Tagged | SharedWith) -> Condition:
        """Return the condition that a record has a tag or a share, which stand in tables of their own."""
        if isinstance(link, Tagged) and not (is_storable(link.dimension) and is_storable(link.value or "")):
            return false()
        found = self.tagged(link) if isinstance(link, Tagged) else self.shared(link)
        if self._counting:
            return self._id.in_(found)
        return found.where(found.selected_columns[0] == self.record.c.id).exists()


def _starts_with(expression: ColumnElement[Any], text: str) -> Condition:
    """Return a range, which an index serves and which compares by code point everywhere."""
    end = successor(text)
    return expression >= text if end is None else and_(expression >= text, expression < end)


def _gathered(parts: Sequence[Criterion]) -> list[Criterion]:
    """Make one list of all that compare the same field for equality."""
    equal: dict[Path, list[Any]] = {}
    others: list[Criterion] = []
    for part in parts:
        if isinstance(part, Compare) and part.operator == "eq":
            equal.setdefault(part.path, []).append(part.value)
        else:
            others.append(part)
    lists = [
        OneOf(path, tuple(values)) if len(values) > 1 else Compare(path, "eq", values[0])
        for path, values in equal.items()
    ]
    return [*lists, *others]

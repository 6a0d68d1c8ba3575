"""Compiling shapes of criteria to SQL, with the meaning that criteria have in memory.

An expression is true exactly where the criterion holds; where it does not, it may be false or `NULL`, which `WHERE`
treats alike. `Not` therefore compiles to `… IS NOT TRUE`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import attrs
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    FromClause,
    Select,
    Text,
    and_,
    any_,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._dialects import unindexed
from custinfo.adapters.sqlalchemy._ready import LED, TENANT, Given, given_parameter, listed_parameter
from custinfo.adapters.sqlalchemy._shapes import (
    Among,
    ClaimTest,
    DigestTest,
    ListTest,
    Loose,
    Reference,
    Shape,
    ShareTest,
    TagTest,
    TextTest,
    TitleTest,
)
from custinfo.adapters.sqlalchemy._titles import title_conditions
from custinfo.core.criteria.nodes import (
    AllOf,
    AnyOf,
    Compare,
    Everything,
    Has,
    Not,
    Nothing,
    OneOf,
    Path,
    Present,
)
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey

__all__ = ["SYSTEM_COLUMNS", "Operand", "Source", "is_among"]

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


@attrs.frozen(eq=False)
class Operand:
    """A field in SQL: its expression, and how its stored form compares."""

    expression: ColumnElement[Any]
    storage: str


class Source:
    """The rows of one module in a statement: `record`, and its document where something needs it."""

    def __init__(self, context: Context, module: ModuleKey, *, led: bool = False) -> None:
        """Name the tables anew.

        Args:
            context: What the unit of work shares.
            module: Key of the module.
            led: Whether an index may be named that is to lead to the rows.
        """
        self._context = context
        self._prepared = context.module(module)
        self._module = module
        self._needs_document = False
        tables, alias = context.tables, context.memory.alias
        self.record: FromClause = alias(tables.record, LED) if led else tables.record.alias()
        self.document: Any = alias(tables.document, f"{LED}_document") if led else tables.document.alias()

    def rows(self, *, document: bool = False) -> FromClause:
        """Return what to select from; call it when all conditions are made."""
        if not (document or self._needs_document):
            return self.record
        same = and_(self.document.c.tenant_id == TENANT, self.document.c.record_id == self.record.c.id)
        return self.record.join(self.document, same)

    def within(self) -> Condition:
        """Return the condition that a row is of the tenant and the module."""
        columns = self.record.c
        return and_(columns.tenant_id == TENANT, columns.module == self._module)

    def operand(self, path: Path) -> Operand:
        """Return a field, or through a reference the field of the record that it points to."""
        *hop, key = path
        if not hop:
            return self._field(key)
        module = str(self._prepared.schema.definition.fields[hop[0]].options["module"])
        target, points_to = self._follow(hop[0], module)
        field = target.operand((key,))
        value = select(field.expression).select_from(target.rows()).where(points_to)
        return attrs.evolve(field, expression=value.scalar_subquery())

    def condition(self, shape: Shape) -> Condition:
        """Return the condition that is true exactly where a criterion of the shape holds."""
        match shape:
            case Everything():
                return true()
            case Nothing():
                return false()
            case AllOf(parts):
                return and_(true(), *map(self.condition, parts))
            case AnyOf(parts):
                return or_(false(), *map(self.condition, parts))
            case Not(Present((key,))) if key in SYSTEM_FIELDS or key in self._prepared.readable_slots:
                return self._field(key).expression.is_(None)
            case Not(part):
                return self.condition(part).is_not(true())
            case _:
                return self._test(shape)

    def _test(self, shape: Shape) -> Condition:
        match shape:
            case Reference(key, module, _, part):
                target, points_to = self._follow(key, module)
                condition = target.condition(part)
                return exists(select(literal(1)).select_from(target.rows()).where(points_to, condition))
            case Loose(Compare((key,), name, value)):
                expression = self._field(key).expression
                loose = unindexed(expression, self._context.connection.dialect)
                return _compared(loose, name, given_parameter(value, expression.type))
            case Among(parts):
                return self.record.c.id.in_(union_all(*map(self._found, parts)))
            case TagTest() | ShareTest():
                return self._linked(shape)
            case TitleTest():
                return self._titled(shape)
            case ClaimTest():
                return self._claimed(shape)
            case _:
                return self._leaf(shape)

    def _leaf(self, leaf: Shape) -> Condition:
        key = leaf.path[0]
        match leaf:
            case Present():
                return self._present(key)
            case Compare(_, name, value):
                expression = self._field(key).expression
                return _compared(expression, name, given_parameter(value, expression.type))
            case OneOf(_, values):
                expression = self._field(key).expression
                return expression.in_([given_parameter(value, expression.type) for value in values])
            case ListTest(_, values):
                return is_among(self._field(key).expression, values, self._context.connection.dialect)
            case TextTest(_, text):
                expression = self._field(key).expression
                return self._context.reader.contains(expression, given_parameter(text, expression.type))
            case DigestTest(_, digests, held):
                self._needs_document = True
                expression = self._context.reader.text(self.document.c.data, key, held)
                return expression.in_([given_parameter(digest, expression.type) for digest in digests])
            case Has(_, item):
                self._needs_document = True
                return self._context.reader.has(self.document.c.data, key, given_parameter(item, Text()))
            case _:
                raise TypeError(f"{type(leaf).__name__} has no shape")

    def _follow(self, key: FieldKey, module: ModuleKey) -> tuple[Source, Condition]:
        """Return the rows that a reference may point to, and the condition that it points to one of them."""
        target = Source(self._context, module)
        return target, and_(target.within(), target.record.c.id == self._field(key).expression)

    def _field(self, key: FieldKey) -> Operand:
        if key in SYSTEM_FIELDS:
            return Operand(self.record.c[SYSTEM_COLUMNS[key]], "number" if key == "version" else "text")
        kind = self._prepared.schema.kind_of(key)
        slot = self._prepared.readable_slots.get(key)
        if slot is not None:
            return Operand(self.record.c[slot], kind.storage)
        self._needs_document = True
        reader = self._context.reader
        read = {"number": reader.number, "list": reader.items}.get(kind.storage, reader.text)
        return Operand(read(self.document.c.data, key), kind.storage)

    def _present(self, key: FieldKey) -> Condition:
        if key in SYSTEM_FIELDS or key in self._prepared.readable_slots:
            return self._field(key).expression.is_not(None)
        self._needs_document = True
        return self._context.reader.present(self.document.c.data, key)

    def _id(self, how: str) -> ColumnElement[str]:
        """Return the id as it is sought among many: SQLite would try each of them in each department of a scope."""
        column = self.record.c.id
        return column if how == "lead" else unindexed(column, self._context.connection.dialect)

    def _found(self, part: Shape) -> Select[Any]:
        """Return the ids of all records that are of a shape; titles that lead there are no matter of the records."""
        if isinstance(part, TitleTest):
            return self._titles(part)
        inner = Source(self._context, self._module)
        condition = inner.condition(part)
        return select(inner.record.c.id).select_from(inner.rows()).where(inner.within(), condition)

    def linked(self, test: TagTest | ShareTest) -> Select[Any]:
        """Return the ids of the records that have a tag or a share, which stand in tables of their own."""
        if isinstance(test, ShareTest):
            return self._shared(test)
        columns = self._context.memory.alias(self._context.tables.tag, "tagged").c
        found: Select[Any] = select(columns.record_id).where(
            columns.tenant_id == TENANT, columns.dimension == given_parameter(test.dimension, columns.dimension.type)
        )
        if test.value is None:
            return found
        return found.where(columns.value == given_parameter(test.value, columns.value.type))

    def _shared(self, test: ShareTest) -> Select[Any]:
        columns = self._context.memory.alias(self._context.tables.share, "shared").c
        with_whom = (
            and_(columns.kind == kind, columns.key.in_([given_parameter(key, columns.key.type) for key in keys]))
            for kind, keys in test.keys
        )
        levels = or_(false(), *(columns.level == level for level in test.levels))
        lasting = or_(columns.until.is_(None), columns.until > given_parameter(test.at, columns.until.type))
        return select(columns.record_id).where(columns.tenant_id == TENANT, or_(false(), *with_whom), levels, lasting)

    def _linked(self, test: TagTest | ShareTest) -> Condition:
        found = self.linked(test)
        if test.how == "each":
            return found.where(found.selected_columns[0] == self.record.c.id).exists()
        return self._id(test.how).in_(found)

    def _claimed(self, test: ClaimTest) -> Condition:
        columns = self._context.memory.alias(self._context.tables.unique, "claimed").c
        values = [given_parameter(value, columns.value.type) for value in test.values]
        found = select(columns.record_id).where(
            columns.tenant_id == TENANT,
            columns.module == self._module,
            columns.field == test.field,
            columns.value.in_(values),
        )
        return self._id(test.how).in_(found)

    def _titled(self, test: TitleTest) -> Condition:
        if test.wanted is not None and test.how == "lead" and self._context.connection.dialect.name == "postgresql":
            return self.record.c.id == any_(func.array(self._titles(test).scalar_subquery()))  # found first, whatever
        if test.wanted is not None:
            return self._id(test.how).in_(self._titles(test))
        title = self._context.memory.alias(self._context.tables.title, "titled")
        conditions = self._title_conditions(title, test)
        return exists(select(literal(1)).where(title.c.record_id == self.record.c.id, *conditions))

    def _titles(self, test: TitleTest) -> Select[Any]:
        """Return the ids of the records whose titles the index of pairs leads to."""
        title = self._context.memory.alias(self._context.tables.title, "titled")
        return select(title.c.record_id).where(*self._title_conditions(title, test))

    def _title_conditions(self, title: FromClause, test: TitleTest) -> list[Condition]:
        form = given_parameter(test.form, title.c.form.type)
        return title_conditions(self._context, title, self._module, test.field, form, test.wanted)


def is_among(expression: ColumnElement[Any], values: Given, dialect: Dialect) -> Condition:
    """Return the condition that a value is one of a list, which is a single parameter."""
    if dialect.name != "postgresql":
        return expression.in_(listed_parameter(values, expression.type))
    array = ARRAY(BigInteger() if isinstance(expression.type, BigInteger) else Text())
    return expression == any_(cast(given_parameter(values, array), array))


def _compared(expression: ColumnElement[Any], name: str, value: ColumnElement[Any]) -> Condition:
    condition: Condition = _OPERATORS[name](expression, value)
    return condition

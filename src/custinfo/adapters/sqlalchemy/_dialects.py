"""Looking into JSON documents, as each database does it."""

from __future__ import annotations

from typing import Any, Protocol

import attrs
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Text,
    case,
    cast,
    collate,
    exists,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.mysql import BIGINT
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from custinfo.adapters.sqlalchemy._types import mysql_collation

__all__ = ["JsonReader", "exact_sum", "json_reader", "unindexed", "unsorted"]

Expression = ColumnElement[Any]


class JsonReader(Protocol):
    """Make the expressions that read one field of a document; each is `NULL` where the field is missing."""

    def text(self, document: Expression, *keys: str) -> Expression:
        """Return a text value, which compares by code point; of several keys, each is within the one before."""

    def number(self, document: Expression, key: str) -> Expression:
        """Return a whole number."""

    def items(self, document: Expression, key: str) -> Expression:
        """Return a list as JSON text."""

    def present(self, document: Expression, key: str) -> Expression:
        """Return whether there is a value."""

    def has(self, document: Expression, key: str, item: Expression) -> Expression:
        """Return whether a list includes the item."""

    def contains(self, text: Expression, part: Expression) -> Expression:
        """Return whether a text includes another, by code point."""


def _path(*keys: str) -> str:
    return "$" + "".join(f'."{key}"' for key in keys)


class SqliteReader:
    """Read documents with SQLite's JSON functions."""

    def text(self, document: Expression, *keys: str) -> Expression:
        """Return a text value."""
        return func.json_extract(document, _path(*keys), type_=Text())

    def number(self, document: Expression, key: str) -> Expression:
        """Return a whole number."""
        return func.json_extract(document, _path(key), type_=BigInteger())

    def items(self, document: Expression, key: str) -> Expression:
        """Return a list as JSON text."""
        return self.text(document, key)

    def present(self, document: Expression, key: str) -> Expression:
        """Return whether there is a value."""
        return func.json_type(document, _path(key), type_=Text()).is_not(None)

    def has(self, document: Expression, key: str, item: Expression) -> Expression:
        """Return whether a list includes the item."""
        items = func.json_each(document, _path(key)).table_valued("value")
        return exists(select(literal(1)).select_from(items).where(items.c.value == item))

    def contains(self, text: Expression, part: Expression) -> Expression:
        """Return whether a text includes another."""
        return func.instr(text, part, type_=BigInteger()) > 0


class PostgresReader:
    """Read documents with PostgreSQL's operators on `jsonb`."""

    def text(self, document: Expression, *keys: str) -> Expression:
        """Return a text value."""
        return collate(self._text(document, *keys), "C")

    def number(self, document: Expression, key: str) -> Expression:
        """Return a whole number; anything else than a number counts as missing."""
        numeric = func.jsonb_typeof(document.op("->", return_type=JSONB())(cast(key, Text()))) == "number"
        return case((numeric, cast(self._text(document, key), BigInteger())))

    def items(self, document: Expression, key: str) -> Expression:
        """Return a list as JSON text."""
        return self.text(document, key)

    def present(self, document: Expression, key: str) -> Expression:
        """Return whether there is a value."""
        return func.jsonb_exists(document, cast(key, Text()))

    def has(self, document: Expression, key: str, item: Expression) -> Expression:
        """Return whether a list includes the item."""
        return func.jsonb_exists(document.op("->", return_type=JSONB())(cast(key, Text())), cast(item, Text()))

    def contains(self, text: Expression, part: Expression) -> Expression:
        """Return whether a text includes another."""
        return func.strpos(text, cast(part, Text()), type_=BigInteger()) > 0

    def _text(self, document: Expression, *keys: str) -> Expression:
        *outer, key = keys
        for name in outer:
            document = document.op("->", return_type=JSONB())(cast(name, Text()))
        return document.op("->>", return_type=Text())(cast(key, Text()))


@attrs.frozen
class MysqlReader:
    """Read documents with the JSON functions of MariaDB and MySQL."""

    collation: str
    scalar: bool

    def text(self, document: Expression, *keys: str) -> Expression:
        """Return a text value."""
        return collate(self._text(document, *keys), self.collation)

    def number(self, document: Expression, key: str) -> Expression:
        """Return a whole number."""
        return cast(self._text(document, key), BIGINT())

    def items(self, document: Expression, key: str) -> Expression:
        """Return a list as JSON text."""
        return collate(func.json_extract(document, _path(key), type_=Text()), self.collation)

    def present(self, document: Expression, key: str) -> Expression:
        """Return whether there is a value."""
        return func.json_contains_path(document, "one", _path(key), type_=BigInteger()) == 1

    def has(self, document: Expression, key: str, item: Expression) -> Expression:
        """Return whether a list includes the item."""
        return func.json_contains(document, func.json_quote(item), _path(key), type_=BigInteger()) == 1

    def contains(self, text: Expression, part: Expression) -> Expression:
        """Return whether a text includes another."""
        return func.locate(part, text, type_=BigInteger()) > 0

    def _text(self, document: Expression, *keys: str) -> Expression:
        if self.scalar:
            return func.json_value(document, _path(*keys), type_=Text())
        return func.json_unquote(func.json_extract(document, _path(*keys)), type_=Text())


def json_reader(dialect: Dialect) -> JsonReader:
    """Return the reader for a database. Raises: ValueError for one that custinfo does not know."""
    match dialect.name:
        case "sqlite":
            return SqliteReader()
        case "postgresql":
            return PostgresReader()
        case "mysql" | "mariadb":
            return MysqlReader(mysql_collation(dialect), bool(getattr(dialect, "is_mariadb", False)))
        case name:
            raise ValueError(f"custinfo knows SQLite, PostgreSQL, MariaDB and MySQL, not {name}")


def exact_sum(number: Expression, dialect: Dialect) -> tuple[Expression, ...]:
    """Return the sum of whole numbers, or of their lower 32 bits and of the rest: SQLite's sums end at 64 bits."""
    if dialect.name != "sqlite":
        return (func.sum(number),)
    low, high = number.bitwise_and(0xFFFF_FFFF), number.bitwise_rshift(32)
    return func.sum(low), func.sum(high)


def unindexed(expression: Expression, dialect: Dialect) -> Expression:
    """Return an expression so that SQLite uses no index for it; elsewhere, as it is."""
    if dialect.name != "sqlite":
        return expression
    return UnaryExpression(expression, operator=custom_op("+"), type_=expression.type)


def unsorted(expression: Expression, dialect: Dialect) -> Expression:
    """Return an expression so that SQLite and PostgreSQL take no index that has it in order; elsewhere, as it is."""
    if dialect.name != "postgresql":
        return unindexed(expression, dialect)
    if isinstance(expression.type, BigInteger):
        return expression + literal_column("0")
    return expression.concat(literal_column("''"))

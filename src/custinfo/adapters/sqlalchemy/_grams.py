"""Indexes of pairs of characters, as each database does them best.

Measured with a million names of ten characters: rows of (pair, record) take 30 times the space of SQLite's and
PostgreSQL's inverted indexes, and every insert touches a page for each pair; so only MariaDB and MySQL, which have
nothing better, keep such rows. Every index only narrows down: whoever asks it compares the titles themselves, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol
from zlib import crc32

import attrs
from sqlalchemy import ColumnElement, Dialect, FromClause, Select, Text, and_, bindparam, cast, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, given_parameter
from custinfo.adapters.sqlalchemy.tables import Tables, full_text_of
from custinfo.core.names import grams
from custinfo.core.records import FieldKey, ModuleKey, RecordId

__all__ = ["GramIndex", "Title", "gram_index"]

_BITS: Final = 21
"""Enough for a character; two of them and as much of the scope make a number of 63 bits."""

_MASK: Final = (1 << _BITS) - 1
_COLUMNS: Final = ("tenant_id", "record_id", "field", "module", "form", "doc", "tokens")
_MOST: Final = 16
"""How many pairs of a long question are looked up."""
_FEW: Final = 3
"""How many of them where each takes an index of its own."""
_TOKENS: Final = ARRAY(BigInteger())


@attrs.frozen
class Title:
    """One title in its searchable form; `doc` is the number that the full-text index of SQLite knows it by."""

    module: ModuleKey
    record_id: RecordId
    field: FieldKey
    form: str
    doc: int | None = None


@lru_cache(maxsize=1024)
def _scope(tenant: str, module: ModuleKey, field: FieldKey) -> int:
    """Return a number for a field: two that share one only cost each other time."""
    return (crc32(f"{tenant}\0{module}\0{field}".encode()) & _MASK) << 2 * _BITS


def _token(scope: int, gram: str) -> int:
    return scope | ord(gram[0]) << _BITS | (ord(gram[1]) if len(gram) > 1 else 0)


def _tokens(tenant: str, title: Title) -> list[int]:
    scope = _scope(tenant, title.module, title.field)
    return [_token(scope, gram) for gram in grams(title.form)]


def _sought(tenant: str, module: ModuleKey, field: FieldKey, form: str) -> list[int]:
    """Return the tokens that whatever contains `form` has; of a single character, the first that begin with it."""
    scope = _scope(tenant, module, field)
    pairs = dict.fromkeys(form[place : place + 2] for place in range(len(form) - 1))
    return [_token(scope, gram) for gram in [*pairs][:_MOST] or [form]]


class GramIndex(Protocol):
    """Keep and ask the index of one database."""

    def add(self, context: Context, titles: Sequence[Title]) -> None:
        """Insert titles, and add them to the index."""

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Remove titles that are being deleted."""

    def sought(self, tenant: str, module: ModuleKey, field: FieldKey, form: str) -> Sequence[Any]:
        """Return the values that the statements below are given to find what contains `form`."""

    def having(self, title: FromClause, tokens: Sequence[Given], *, single: bool) -> ColumnElement[bool]:
        """Return the condition that the index has all that is sought for a row of `title`.

        `single` says that a single character is sought.
        """

    def entries(self, tokens: Sequence[Given], *, single: bool) -> Select[Any]:
        """Return a statement with a row for each title that the index has; some may be of other fields."""


def _row(context: Context, title: Title, doc: int | None = None, tokens: list[int] | None = None) -> tuple[Any, ...]:
    return context.tenant, title.record_id, title.field, title.module, title.form, doc, tokens


@attrs.frozen(eq=False)
class FullTextGrams:
    """SQLite: a full-text index that keeps nothing but which numbers have which token."""

    tables: Tables

    def add(self, context: Context, titles: Sequence[Title]) -> None:
        """Insert them, numbered upwards, as the index likes it; SQLite has one writer at a time."""
        last = context.execute(select(func.max(self.tables.title.c.doc))).scalar_one() or 0
        numbered = list(enumerate(titles, last + 1))
        context.insert(self.tables.title, _COLUMNS, [_row(context, title, doc) for doc, title in numbered])
        contents = [(doc, self._text(context, title)) for doc, title in numbered]
        context.insert(full_text_of(self.tables), ("rowid", "grams"), contents)

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Remove them: the index has to be told what it has for them."""
        rows = [("delete", title.doc, self._text(context, title)) for title in titles]
        index = full_text_of(self.tables)
        context.insert(index, (index.name, "rowid", "grams"), rows)

    def sought(self, tenant: str, module: ModuleKey, field: FieldKey, form: str) -> Sequence[Any]:
        """Return the question in the language of the index."""
        tokens = _sought(tenant, module, field, form)
        return (f"{tokens[0] >> _BITS:011x}*" if len(form) == 1 else " AND ".join(map(_word, tokens)),)

    def having(self, title: FromClause, tokens: Sequence[Given], *, single: bool) -> ColumnElement[bool]:
        """Return that its number is among those found."""
        return title.c.doc.in_(self.entries(tokens, single=single))

    def entries(self, tokens: Sequence[Given], *, single: bool) -> Select[Any]:  # noqa: ARG002
        """Return the numbers of the titles."""
        index = full_text_of(self.tables)
        return select(index.c.rowid).where(index.c[index.name].op("MATCH")(given_parameter(tokens[0], Text())))

    def _text(self, context: Context, title: Title) -> str:
        scope = _scope(context.tenant, title.module, title.field)
        return " ".join([_word_of(scope, gram) for gram in grams(title.form)])


@lru_cache(maxsize=1 << 16)
def _word_of(scope: int, gram: str) -> str:
    """Return the word of a pair: the same few make up most titles."""
    return _word(_token(scope, gram))


def _word(token: int) -> str:
    return f"{token >> _BITS:011x}{token & _MASK:06x}"


@attrs.frozen(eq=False)
class ArrayGrams:
    """PostgreSQL: an array of tokens in the row of the title, with a GIN index on it."""

    tables: Tables

    def add(self, context: Context, titles: Sequence[Title]) -> None:
        """Insert them with their tokens, and with those of single characters: the index knows no ranges."""
        rows = []
        for title in titles:
            scope = _scope(context.tenant, title.module, title.field)
            tokens = {*_tokens(context.tenant, title), *(_token(scope, character) for character in title.form)}
            rows.append(_row(context, title, tokens=sorted(tokens)))
        context.insert(self.tables.title, _COLUMNS, rows)

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Do nothing: the database keeps the index."""

    def sought(self, tenant: str, module: ModuleKey, field: FieldKey, form: str) -> Sequence[Any]:
        """Return one array of tokens."""
        return (_sought(tenant, module, field, form),)

    def having(self, title: FromClause, tokens: Sequence[Given], *, single: bool) -> ColumnElement[bool]:  # noqa: ARG002
        """Return that its array contains all tokens."""
        sought = cast(given_parameter(tokens[0], _TOKENS), _TOKENS)
        return title.c.tokens.op("@>", is_comparison=True)(sought)

    def entries(self, tokens: Sequence[Given], *, single: bool) -> Select[Any]:
        """Return the records of the titles."""
        title = self.tables.title
        return select(title.c.record_id).where(title.c.tenant_id == TENANT, self.having(title, tokens, single=single))


@attrs.frozen(eq=False)
class GramRows:
    """MariaDB and MySQL: a row for each token of each title."""

    tables: Tables

    def add(self, context: Context, titles: Sequence[Title]) -> None:
        """Insert the titles, and a row for each token."""
        context.insert(self.tables.title, _COLUMNS, [_row(context, title) for title in titles])
        context.insert(self.tables.gram, ("tenant_id", "token", "record_id"), sorted(self._rows(context, titles)))

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Delete the rows by their keys: there is no other index."""
        columns = self.tables.gram.c
        names: dict[str, Any] = {column.name: bindparam(f"b_{column.name}") for column in columns}
        statement = delete(self.tables.gram).where(and_(*(columns[name] == value for name, value in names.items())))
        given = [dict(zip((f"b_{name}" for name in names), row, strict=True)) for row in self._rows(context, titles)]
        context.execute(statement, given)

    def sought(self, tenant: str, module: ModuleKey, field: FieldKey, form: str) -> Sequence[Any]:
        """Return a few tokens; of a single character, the first and the last that begin with it."""
        tokens = _sought(tenant, module, field, form)
        return (tokens[0], tokens[0] | _MASK) if len(form) == 1 else tokens[:_FEW]

    def having(self, title: FromClause, tokens: Sequence[Given], *, single: bool) -> ColumnElement[bool]:
        """Return that the rows of each token include its record."""
        return and_(*(title.c.record_id.in_(part) for part in self._parts(tokens, single=single)))

    def entries(self, tokens: Sequence[Given], *, single: bool) -> Select[Any]:
        """Return the records that have the first token, and all others."""
        first, *others = self._parts(tokens, single=single)
        return first.where(*(self.tables.gram.c.record_id.in_(part) for part in others))

    def _parts(self, tokens: Sequence[Given], *, single: bool) -> list[Select[Any]]:
        sought = [given_parameter(token, BigInteger()) for token in tokens]
        parts: list[Select[Any]] = []
        for ends in [sought] if single else [[token] for token in sought]:
            columns = self.tables.gram.alias().c if parts else self.tables.gram.c
            same = columns.token.between(ends[0], ends[-1]) if single else columns.token == ends[0]
            parts.append(select(columns.record_id).where(columns.tenant_id == TENANT, same))
        return parts

    def _rows(self, context: Context, titles: Sequence[Title]) -> list[tuple[str, int, RecordId]]:
        tenant = context.tenant
        return [(tenant, token, title.record_id) for title in titles for token in _tokens(tenant, title)]


def gram_index(tables: Tables, dialect: Dialect) -> GramIndex:
    """Return the index of a database."""
    match dialect.name:
        case "sqlite":
            return FullTextGrams(tables)
        case "postgresql":
            return ArrayGrams(tables)
        case _:
            return GramRows(tables)

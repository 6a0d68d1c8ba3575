"""Indexes of pairs of characters, as each database does them best.

Measured with a million names of ten characters: rows of (pair, record) take 30 times the space of SQLite's and
PostgreSQL's inverted indexes, and every insert touches a page for each pair; so only MariaDB and MySQL, which have
nothing better, keep such rows. Where more than a pair is sought, the index only narrows down, and titles are compared.

The department of a record stands in the index beside the pairs: most people search within a few departments, and a
pair of characters that many names have leads to few records there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import attrs
from sqlalchemy import ColumnElement, Dialect, FromClause, Select, Text, and_, bindparam, cast, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from custinfo.adapters.sqlalchemy._context import Context
from custinfo.adapters.sqlalchemy._gram_tokens import (
    beginning,
    department_number,
    department_word,
    last_beginning,
    scope_of,
    sought_tokens,
    token,
    tokens_of,
    word,
    word_of,
)
from custinfo.adapters.sqlalchemy._ready import TENANT, Given, given_parameter, padded
from custinfo.adapters.sqlalchemy._title_rows import Title, Titles
from custinfo.adapters.sqlalchemy.tables import Tables, full_text_of
from custinfo.core.names import grams
from custinfo.core.records import RecordId

__all__ = ["GramIndex", "Wanted", "gram_index"]

_GRAM_COLUMNS: Final = ("tenant_id", "token", "department_id", "record_id")
PAIR: Final = 2
_FEW: Final = 3
"""How many of them where each takes an index of its own."""
_TOKENS: Final = ARRAY(BigInteger())


@attrs.frozen
class Wanted:
    """What an index is asked for: the values of `sought`, and those of `within`, if any.

    `single` says that a single character is sought; `exact`, that titles which have all of it contain the form.
    """

    tokens: tuple[Given, ...]
    departments: tuple[Given, ...] = ()
    single: bool = False
    exact: bool = False

    @classmethod
    def of(cls, form: str, tokens: tuple[Given, ...], departments: tuple[Given, ...]) -> Wanted:
        """Return what is wanted for a form: one of two characters or fewer is a pair itself."""
        return cls(tokens, departments, len(form) == 1, len(form) <= PAIR)


class GramIndex(Protocol):
    """Keep and ask the index of one database; `scope` is the number of a field."""

    def add(self, context: Context, titles: Titles) -> None:
        """Insert titles, and add them to the index."""

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Remove titles that are being deleted."""

    def sought(self, scope: int, form: str) -> Sequence[Any]:
        """Return the values that the statements below are given to find what contains `form`."""

    def within(self, scope: int, departments: Sequence[str]) -> Sequence[Any]:
        """Return the values that the statements below are given to look in departments alone."""

    def having(self, title: FromClause, wanted: Wanted) -> ColumnElement[bool]:
        """Return the condition that the index has all that is sought for a row of `title`."""

    def entries(self, wanted: Wanted) -> Select[Any]:
        """Return a statement with a row for each title that the index has; some may be of other fields."""


def _insert_titles(context: Context, titles: Titles, more: Mapping[str, Sequence[Any]]) -> None:
    """Insert titles, with more columns that one database needs. Raises: ClashError, StorageError."""
    columns: dict[str, Sequence[Any]] = {
        "tenant_id": [context.tenant] * len(titles),
        "record_id": titles.record_ids,
        "field": titles.fields,
        "module": titles.modules,
        "form": titles.forms,
        "department_id": titles.departments,
        "start": titles.starts,
        "brief": titles.briefs,
    }
    context.insert_columns(context.tables.title, {**columns, **more}, written=frozenset({"form"}))


@attrs.frozen(eq=False)
class FullTextGrams:
    """SQLite: a full-text index that keeps nothing but which numbers have which token."""

    tables: Tables

    def add(self, context: Context, titles: Titles) -> None:
        """Insert them, numbered upwards, as the index likes it; SQLite has one writer at a time."""
        last = context.execute(select(func.max(self.tables.title.c.doc))).scalar_one() or 0
        numbers = range(last + 1, last + 1 + len(titles))
        _insert_titles(context, titles, {"doc": numbers})
        contents = self._texts(context, titles)
        context.insert_columns(full_text_of(self.tables), {"rowid": numbers, "grams": contents})

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Remove them: the index has to be told what it has for them."""
        texts = self._texts(context, Titles.of(titles))
        rows = [("delete", title.doc, text) for title, text in zip(titles, texts, strict=True)]
        index = full_text_of(self.tables)
        context.insert(index, (index.name, "rowid", "grams"), rows)

    def sought(self, scope: int, form: str) -> Sequence[Any]:
        """Return the question in the language of the index."""
        tokens = sought_tokens(scope, form)
        return (beginning(tokens[0]) if len(form) == 1 else " AND ".join(map(word, tokens)),)

    def within(self, scope: int, departments: Sequence[str]) -> Sequence[Any]:
        """Return what goes on behind the question."""
        return (" AND (" + " OR ".join(department_word(scope, department) for department in departments) + ")",)

    def having(self, title: FromClause, wanted: Wanted) -> ColumnElement[bool]:
        """Return that its number is among those found."""
        return title.c.doc.in_(self.entries(wanted))

    def entries(self, wanted: Wanted) -> Select[Any]:
        """Return the numbers of the titles."""
        index = full_text_of(self.tables)
        question, *scopes = [given_parameter(given, Text()) for given in (*wanted.tokens, *wanted.departments)]
        whole = question.concat(scopes[0]) if scopes else question
        return select(index.c.rowid).where(index.c[index.name].op("MATCH")(whole))

    def _texts(self, context: Context, titles: Titles) -> list[str]:
        """Return the words of each title and its department."""
        known: dict[int, _Words] = {}
        texts = []
        named = zip(titles.modules, titles.fields, titles.forms, titles.departments, strict=True)
        for module, field, form, department in named:
            scope = scope_of(context.tenant, module, field)
            if scope not in known:
                known[scope] = _Words(scope)
            words = known[scope]
            found = [*map(words.__getitem__, grams(form))]
            if department is not None:
                found.append(department_word(scope, department))
            texts.append(" ".join(found))
        return texts


class _Words(dict[str, str]):
    """The words of the pairs of one field, each made when it is first met."""

    def __init__(self, scope: int) -> None:
        self._scope = scope

    def __missing__(self, gram: str) -> str:
        self[gram] = found = word_of(self._scope, gram)
        return found


@attrs.frozen(eq=False)
class ArrayGrams:
    """PostgreSQL: an array of tokens in the row of the title, with a GIN index on it."""

    tables: Tables

    def add(self, context: Context, titles: Titles) -> None:
        """Insert them with their tokens, and with those of single characters: the index knows no ranges."""
        columns = []
        named = zip(titles.modules, titles.fields, titles.forms, titles.departments, strict=True)
        for module, field, form, department in named:
            scope = scope_of(context.tenant, module, field)
            tokens = {*tokens_of(scope, form), *(token(scope, character) for character in form)}
            if department is not None:
                tokens.add(department_number(scope, department))
            columns.append(sorted(tokens))
        _insert_titles(context, titles, {"tokens": columns})

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Do nothing: the database keeps the index."""

    def sought(self, scope: int, form: str) -> Sequence[Any]:
        """Return one array of tokens."""
        return (sought_tokens(scope, form),)

    def within(self, scope: int, departments: Sequence[str]) -> Sequence[Any]:
        """Return one array of the numbers of departments."""
        return ([department_number(scope, department) for department in departments],)

    def having(self, title: FromClause, wanted: Wanted) -> ColumnElement[bool]:
        """Return that its array contains all tokens, and one of the departments."""
        tests = zip(("@>", "&&"), (*wanted.tokens, *wanted.departments), strict=False)
        arrays = [(name, cast(given_parameter(given, _TOKENS), _TOKENS)) for name, given in tests]
        return and_(*(title.c.tokens.op(name, is_comparison=True)(array) for name, array in arrays))

    def entries(self, wanted: Wanted) -> Select[Any]:
        """Return the records of the titles."""
        title = self.tables.title
        return select(title.c.record_id).where(title.c.tenant_id == TENANT, self.having(title, wanted))


@attrs.frozen(eq=False)
class GramRows:
    """MariaDB and MySQL: a row for each token of each title, with the department in its key."""

    tables: Tables

    def add(self, context: Context, titles: Titles) -> None:
        """Insert the titles, and a row for each token."""
        _insert_titles(context, titles, {})
        context.insert(self.tables.gram, _GRAM_COLUMNS, sorted(self._rows(context, titles)))

    def remove(self, context: Context, titles: Sequence[Title]) -> None:
        """Delete the rows by their keys: there is no other index."""
        columns = self.tables.gram.c
        names: dict[str, Any] = {name: bindparam(f"b_{name}") for name in _GRAM_COLUMNS}
        statement = delete(self.tables.gram).where(and_(*(columns[name] == value for name, value in names.items())))
        given = [
            dict(zip((f"b_{name}" for name in names), row, strict=True))
            for row in self._rows(context, Titles.of(titles))
        ]
        context.execute(statement, given)

    def sought(self, scope: int, form: str) -> Sequence[Any]:
        """Return a few tokens; of a single character, the first and the last that begin with it."""
        tokens = sought_tokens(scope, form)
        return (tokens[0], last_beginning(tokens[0])) if len(form) == 1 else tokens[:_FEW]

    def within(self, scope: int, departments: Sequence[str]) -> Sequence[Any]:  # noqa: ARG002
        """Return the departments, as many as a statement takes that others share."""
        return padded(departments)

    def having(self, title: FromClause, wanted: Wanted) -> ColumnElement[bool]:
        """Return that the rows of each token include its record."""
        return and_(*(title.c.record_id.in_(part) for part in self._parts(wanted)))

    def entries(self, wanted: Wanted) -> Select[Any]:
        """Return the records that have the first token, and all others."""
        first, *others = self._parts(wanted)
        return first.where(*(self.tables.gram.c.record_id.in_(part) for part in others))

    def _parts(self, wanted: Wanted) -> list[Select[Any]]:
        sought = [given_parameter(given, BigInteger()) for given in wanted.tokens]
        parts: list[Select[Any]] = []
        for ends in [sought] if wanted.single else [[each] for each in sought]:
            columns = self.tables.gram.alias().c if parts else self.tables.gram.c
            same = columns.token.between(ends[0], ends[-1]) if wanted.single else columns.token == ends[0]
            part = select(columns.record_id).where(columns.tenant_id == TENANT, same)
            if wanted.departments:
                home = columns.department_id
                part = part.where(home.in_([given_parameter(given, home.type) for given in wanted.departments]))
            parts.append(part)
        return parts

    def _rows(self, context: Context, titles: Titles) -> list[tuple[str, int, str, RecordId]]:
        tenant = context.tenant
        columns = (titles.modules, titles.fields, titles.forms, titles.departments, titles.record_ids)
        return [
            (tenant, number, department or "", record_id)
            for module, field, form, department, record_id in zip(*columns, strict=True)
            for number in tokens_of(scope_of(tenant, module, field), form)
        ]


def gram_index(tables: Tables, dialect: Dialect) -> GramIndex:
    """Return the index of a database."""
    match dialect.name:
        case "sqlite":
            return FullTextGrams(tables)
        case "postgresql":
            return ArrayGrams(tables)
        case _:
            return GramRows(tables)

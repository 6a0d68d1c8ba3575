"""The contract of purging, on each store that has it; memory and documents keep nothing of what is deleted."""

from __future__ import annotations

from collections.abc import Sequence

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._gram_tokens import scope_of, token, word
from custinfo.core.offers import offered
from custinfo.ports import Purging, Units
from custinfo.testing import PurgingContract, sample_schema
from tests.adapters.sqlalchemy.fields import engine_of
from tests.contract.stores import InDocuments, InMemory, OnMariadb, OnPostgresql, OnSqlite


def forms_of(text: str) -> list[str]:
    """Return a text, and each word that the index of titles makes of it."""
    scope = scope_of("one", "thing", "title")
    pairs = (token(scope, text[place : place + 2]) for place in range(len(text) - 1))
    return [text, *(word(pair)[-10:] for pair in pairs)]


class TestSqlite(OnSqlite, PurgingContract):
    """On SQLite, whose pages are looked at, be they in use or free."""

    def traces_of(self, units: Units, text: str) -> Sequence[str]:
        """Return the forms of the text that some page has."""
        assert isinstance(units, SqlAlchemyUnits)
        with engine_of(units).connect() as connection:
            pages = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
        return [form for form in forms_of(text) if form.encode() in pages]


class TestPostgresql(OnPostgresql, PurgingContract):
    """On PostgreSQL."""

    searched = False


class TestMariadb(OnMariadb, PurgingContract):
    """On MariaDB."""

    searched = False


def test_who_has_none() -> None:
    """Stores that keep nothing beside what was erased do without."""
    for place in (InMemory(), InDocuments()):
        units = place.units()
        with units.begin(sample_schema(), "one") as unit:
            assert offered(unit.rewriting, Purging) is None  # type: ignore[attr-defined]
        if isinstance(place, InDocuments):
            place.discard(units)

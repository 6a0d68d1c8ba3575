"""Which URLs open a store, and what is said of the others."""

from __future__ import annotations

import pytest

from custinfo import Configuration, StorageError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite://", "pysqlite"),
        ("postgresql://localhost/crm", "psycopg"),
        ("postgresql+psycopg://localhost/crm", "psycopg"),
        ("postgres://localhost/crm", "psycopg"),
        ("postgres+psycopg://localhost/crm", "psycopg"),
        ("mysql://localhost/crm", "pymysql"),
        ("mariadb://localhost/crm", "pymysql"),
        ("mysql+pymysql://localhost/crm", "pymysql"),
    ],
)
def test_a_url_without_a_driver_gets_that_of_the_extra(url: str, driver: str) -> None:
    """What `pip install 'custinfo[…]'` brings is what is used, and nothing connects yet."""
    engine = open_engine(url)
    assert engine.dialect.driver == driver
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "code", "params"),
    [
        ("", "invalid_database_url", {}),
        ("customers.db", "invalid_database_url", {}),
        ("sqlite://me:secret@folder/customers.db", "invalid_database_url", {}),
        ("postgresql://me:secret@host:port/crm", "invalid_database_url", {}),
        ("postgres+asyncpg://me:secret@host/crm", "asynchronous_driver", {"driver": "asyncpg"}),
        ("oracle://me:secret@host/crm", "unsupported_database", {"database": "oracle"}),
        ("mongodb://me:secret@host/crm", "unsupported_database", {"database": "mongodb"}),
        ("sqlite+aiosqlite:///crm.db", "asynchronous_driver", {"driver": "aiosqlite"}),
        ("postgresql+asyncpg://me:secret@host/crm", "asynchronous_driver", {"driver": "asyncpg"}),
    ],
)
def test_other_urls_say_what_is_wrong(url: str, code: str, params: dict[str, str]) -> None:
    """The problem names the kind of database or the driver, and never the URL, which may hold a password."""
    for open_ in (SqlAlchemyUnits.open, lambda url: Workspace.open(url, Configuration(()))):
        with pytest.raises(StorageError) as caught:
            open_(url)
        (problem,) = caught.value.problems
        assert (problem.code, dict(problem.params)) == (code, params)
        assert "secret" not in repr(caught.value) + str(caught.value)
        assert caught.value.__cause__ is None

"""Drivers of hosts' own: each store's promises hold with them, whether they wait or not."""

from __future__ import annotations

import asyncio
import importlib
import warnings
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from sqlalchemy import URL, Engine, create_engine, make_url

from tests.databases import MARIADB, POSTGRESQL, require_server

__all__ = ["DRIVERS", "OURS", "Driver"]


@attrs.frozen
class Driver:
    """A driver by the name that SQLAlchemy knows it by, and the library that it is.

    It either waits for the server or is for `asyncio`; SQLAlchemy notices that its connection is lost, or does not.
    """

    name: str
    library: str
    waits: bool = True
    notices_loss: bool = True

    @property
    def server(self) -> str:
        """The address of the server that it talks to, with the driver that an extra brings."""
        return POSTGRESQL if self.name.startswith("postgresql") else MARIADB

    @property
    def url(self) -> URL:
        """The same with this driver."""
        return make_url(self.server).set(drivername=self.name)

    def require(self) -> None:
        """Skip the test, by name, where the driver or its server is missing."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of libraries that are not ours
                importlib.import_module(self.library)
        except ImportError:
            pytest.skip(f"{self.library} is not installed")
        require_server(self.server)

    def run(self, work: Callable[[Engine], None], **changes: Any) -> None:
        """Let work have an engine, within `run_sync` where the driver does not wait; `changes` are those of its URL."""
        url = self.url.set(**changes)
        if self.waits:
            engine = create_engine(url, isolation_level="READ COMMITTED")
            try:
                work(engine)
            finally:
                engine.dispose()
        else:
            asyncio.run(_run(url, work))


async def _run(url: URL, work: Callable[[Engine], None]) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

    engine = create_async_engine(url, isolation_level="READ COMMITTED")
    try:
        async with AsyncSession(engine) as session:
            await session.run_sync(lambda _: work(engine.sync_engine))
    finally:
        await engine.dispose()


DRIVERS = (
    Driver("postgresql+psycopg2", "psycopg2"),
    Driver("postgresql+pg8000", "pg8000"),
    Driver("postgresql+psycopg_async", "psycopg", waits=False),
    Driver("postgresql+asyncpg", "asyncpg", waits=False),
    Driver("mysql+mysqldb", "MySQLdb"),
    Driver("mysql+mysqlconnector", "mysql.connector", notices_loss=False),
    Driver("mariadb+mariadbconnector", "mariadb"),
    Driver("mysql+aiomysql", "aiomysql", waits=False),
    Driver("mysql+asyncmy", "asyncmy", waits=False),
)
"""Those that SQLAlchemy knows, beside the ones that the extras bring and that all other tests use."""

OURS = (Driver("postgresql+psycopg", "psycopg"), Driver("mysql+pymysql", "pymysql"))
"""Those that the extras bring."""

"""A host that works with `AsyncSession`: the same unit, within `run_sync`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from custinfo import Applied, InvalidInputError, Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnit, SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.standard import sample_organisation, standard_configuration
from tests.adapters.sqlalchemy.test_host_transactions import let_savepoints_nest
from tests.databases import POSTGRESQL, require_server, throw_away_prefix
from tests.unit.workspace.story import ENTERPRISE

pytest.importorskip("greenlet")
pytest.importorskip("aiosqlite")

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine


class Host:
    """An asynchronous application with a table of its own beside ours."""

    def __init__(self, engine: AsyncEngine, prefix: str) -> None:
        """Have no store of custinfo's own: each unit is the host's."""
        self.engine, self.prefix = engine, prefix
        self.workspace = Workspace(
            standard_configuration(),
            units=SqlAlchemyUnits(lambda: Session(engine.sync_engine), prefix=prefix),
            organisation=sample_organisation(),
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Begin a session, which the caller commits or not."""
        async with AsyncSession(self.engine) as session:
            yield session

    def create(self, host: Session, /, **values: object) -> str:
        """Create a customer in the host's transaction; this runs in `run_sync`."""
        unit = SqlAlchemyUnit(host, prefix=self.prefix)
        with self.workspace.acting_as("lisi", unit=unit) as session:
            outcome = session.customers.create({**ENTERPRISE, **values})
        assert isinstance(outcome, Applied)
        return str(outcome.record.id)

    def count(self, host: Session, /) -> int:
        """Count customers in the host's transaction."""
        with self.workspace.acting_as("lisi", unit=SqlAlchemyUnit(host, prefix=self.prefix)) as session:
            return session.customers.count()

    async def counts(self) -> tuple[int, int]:
        """Return how many customers, and how many rows of the host's, another session sees."""
        async with self.session() as session:
            rows = await session.execute(text(f"SELECT count(*) FROM {self.prefix}host"))
            return await session.run_sync(self.count), int(rows.scalar_one())

    async def note(self, session: AsyncSession) -> None:
        """Write a row of the host's own."""
        await session.execute(text(f"INSERT INTO {self.prefix}host VALUES (1)"))


Story = Callable[[Host], Awaitable[None]]


ASYNCPG = make_url(POSTGRESQL).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", POSTGRESQL, ASYNCPG], ids=["sqlite", "psycopg", "asyncpg"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    """Return what runs a story on a store of its own."""
    if request.param == "sqlite":
        plain, url = f"sqlite:///{tmp_path / 'host.db'}", f"sqlite+aiosqlite:///{tmp_path / 'host.db'}"
    else:
        pytest.importorskip(request.node.callspec.id)
        require_server(POSTGRESQL)
        plain, url = POSTGRESQL, request.param

    def run(story: Story) -> None:
        prefix, engine = throw_away_prefix(), open_engine(plain)
        units = SqlAlchemyUnits(engine, prefix=prefix)
        units.create_tables()
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {prefix}host (id INTEGER)"))

        async def tell() -> None:
            asynchronous = create_async_engine(url)
            if asynchronous.dialect.name == "sqlite":
                let_savepoints_nest(asynchronous.sync_engine)
            try:
                await story(Host(asynchronous, prefix))
            finally:
                await asynchronous.dispose()

        asyncio.run(tell())
        units.drop_tables()
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE {prefix}host"))
        engine.dispose()

    return run


def test_a_host_commits_or_rolls_back(run: Callable[[Story], None]) -> None:
    """What the host does and what custinfo does is kept together, or taken back together."""

    async def story(host: Host) -> None:
        for end in ("rollback", "commit"):
            async with host.session() as session:
                await host.note(session)
                await session.run_sync(host.create)
                assert await session.run_sync(host.count) == 1
                await getattr(session, end)()
            assert await host.counts() == ((1, 1) if end == "commit" else (0, 0))

    run(story)


def test_savepoints_nest(run: Callable[[Story], None]) -> None:
    """A savepoint of the host takes ours back; a refusal takes itself back, and the host goes on."""

    async def story(host: Host) -> None:
        async with host.session() as session:
            await session.run_sync(host.create)
            inner = await session.begin_nested()
            await host.note(session)
            await session.run_sync(lambda sync: host.create(sync, name="上海样品贸易有限公司", uscc=None))
            await inner.rollback()
            with pytest.raises(InvalidInputError):
                await session.run_sync(lambda sync: host.create(sync, name="上海样品贸易有限公司"))
            await host.note(session)
            await session.commit()
        assert await host.counts() == (1, 1)

    run(story)


def test_a_savepoint_that_comes_first(run: Callable[[Story], None]) -> None:
    """A session whose first statement is a savepoint of the host is taken back as a whole."""

    async def story(host: Host) -> None:
        async with host.session() as session:
            async with session.begin_nested():
                await session.run_sync(host.create)
            await session.rollback()
        assert await host.counts() == (0, 0)

    run(story)


def test_many_tasks(run: Callable[[Story], None]) -> None:
    """Tasks work side by side, each in a session of its own, and share the workspace."""

    async def story(host: Host) -> None:
        turns = asyncio.Semaphore(1 if host.engine.dialect.name == "sqlite" else 4)

        async def one(number: int) -> None:
            async with turns, host.session() as session:
                await host.note(session)
                await session.run_sync(lambda sync: host.create(sync, uscc=None, phone=f"1390013{number:04}"))
                await session.commit()

        await asyncio.gather(*(one(number) for number in range(6)))
        assert await host.counts() == (6, 6)

    run(story)

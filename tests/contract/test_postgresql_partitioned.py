"""The contract on PostgreSQL with every table partitioned by tenant; each query must look into one partition alone."""

from __future__ import annotations

from custinfo.adapters.sqlalchemy import SqlAlchemyUnits
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.ports import Units
from tests.databases import POSTGRESQL, ServerContract, require_server, throw_away_prefix
from tests.plans import Statements


class TestPostgresqlPartitioned(ServerContract):
    """Four partitions a table; the plan of every statement of every test is looked at."""

    url = POSTGRESQL
    statements: Statements

    @classmethod
    def setup_class(cls) -> None:
        """Create the tables with their partitions."""
        require_server(cls.url)
        cls.prefix = throw_away_prefix()
        cls.engine = open_engine(cls.url)
        SqlAlchemyUnits(cls.engine, prefix=cls.prefix).create_tables(partitions=4)
        cls.statements = Statements(cls.engine)

    @classmethod
    def teardown_class(cls) -> None:
        """Drop the tables."""
        cls.statements.stop()
        super().teardown_class()

    def discard(self, units: Units) -> None:
        """Look at the plans of what the test sent, and empty the tables."""
        astray = self.statements.astray()
        with self.statements.unnoticed():
            super().discard(units)
        assert astray == {}

"""The contract on PostgreSQL."""

from tests.databases import POSTGRESQL, ServerContract


class TestPostgresql(ServerContract):
    """A server, with JSONB documents."""

    url = POSTGRESQL

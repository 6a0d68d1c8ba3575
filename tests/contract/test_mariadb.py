"""The contract on MariaDB."""

from tests.databases import MARIADB, ServerContract


class TestMariadb(ServerContract):
    """A server, with documents as text."""

    url = MARIADB

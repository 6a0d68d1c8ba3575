"""Records in SQLite, PostgreSQL, MariaDB and MySQL, through SQLAlchemy Core.

`SqlAlchemyUnits` owns its transactions; `SqlAlchemyUnit` works within one of the host's. `make_tables` gives the
tables to a host's `MetaData`, where Alembic finds them.
"""

from custinfo.core.errors import MissingExtraError

try:
    import sqlalchemy as _sqlalchemy  # noqa: F401 - to say what to install
except ModuleNotFoundError as _error:
    raise MissingExtraError.of("sqlalchemy", "SQLAlchemy") from _error

from custinfo.adapters.sqlalchemy.tables import NUMBER_SLOTS, TEXT_SLOTS, Tables, make_tables
from custinfo.adapters.sqlalchemy.units import SqlAlchemyUnit, SqlAlchemyUnits

__all__ = ["NUMBER_SLOTS", "TEXT_SLOTS", "SqlAlchemyUnit", "SqlAlchemyUnits", "Tables", "make_tables"]

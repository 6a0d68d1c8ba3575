"""Migrations of the tables, as a branch for Alembic of its own; needs the extra `migrations`.

Hosts that have Alembic add `custinfo.adapters.sqlalchemy:migrations/versions` to `version_locations`, and call
`configure` and `include_object` in `env.py`. For the others there are `upgrade`, `downgrade` and `stamp`.
"""

from custinfo.core.errors import MissingExtraError

try:
    import alembic as _alembic_library  # noqa: F401 - to say what to install
except ModuleNotFoundError as _error:
    raise MissingExtraError.of("migrations", "Alembic") from _error

from custinfo.adapters.sqlalchemy.migrations._alembic import (
    BRANCH,
    VERSIONS,
    configure,
    downgrade,
    include_object,
    stamp,
    upgrade,
)

__all__ = ["BRANCH", "VERSIONS", "configure", "downgrade", "include_object", "stamp", "upgrade"]

"""The environment of `upgrade`, `downgrade` and `stamp`; a host with Alembic has an environment of its own."""

from alembic import context

from custinfo.adapters.sqlalchemy.migrations._alembic import run_environment

run_environment(context)

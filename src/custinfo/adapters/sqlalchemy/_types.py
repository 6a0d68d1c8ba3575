"""Column types that mean the same in every database."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.dialects.mysql import LONGTEXT, VARCHAR
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from custinfo.core.json_values import json_writer

__all__ = ["CodePointText", "Document", "JsonText", "LongText", "Tokens", "dump_json", "mysql_collation"]

dump_json: Final = json_writer()
"""Return JSON data as compact text."""


def mysql_collation(dialect: Dialect) -> str:
    """Return the collation that compares by code point and counts blanks at the end."""
    return "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"


def _is_mysql(dialect: Dialect) -> bool:
    return dialect.name in ("mysql", "mariadb")


class CodePointText(TypeDecorator[str]):
    """Hold text that compares by code point, so that every database orders it as Python does."""

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        """Make the type; only MySQL and MariaDB hold to `length`, which their indexes need."""
        super().__init__(length)
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type with the collation that the database has for it."""
        if _is_mysql(dialect):
            return dialect.type_descriptor(VARCHAR(self.length, charset="utf8mb4", collation=mysql_collation(dialect)))
        return dialect.type_descriptor(String(collation="C" if dialect.name == "postgresql" else None))


class JsonText(TypeDecorator[Any]):
    """Hold JSON data that SQL never looks into, as text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the longest text type."""
        if _is_mysql(dialect):
            return dialect.type_descriptor(LONGTEXT(charset="utf8mb4", collation=mysql_collation(dialect)))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return JSON text; `None` stays `NULL`."""
        return None if value is None else dump_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the data."""
        return None if value is None else json.loads(value)


class LongText(JsonText):
    """Hold text of any length, such as that of a configuration."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the text itself."""
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the text itself."""
        return value


class Tokens(TypeDecorator[Any]):
    """Hold a set of whole numbers where a database can index it, which is PostgreSQL; nothing elsewhere."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return an array of numbers."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger()))
        return super().load_dialect_impl(dialect)


class Document(JsonText):
    """Hold JSON data that criteria look into: `JSONB` on PostgreSQL, text elsewhere."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type in which the database reads JSON fastest."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(JSONB())
        return super().load_dialect_impl(dialect)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return what the database takes: on PostgreSQL the type itself makes the text."""
        return value if dialect.name == "postgresql" else super().process_bind_param(value, dialect)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Return the data."""
        return value if dialect.name == "postgresql" else super().process_result_value(value, dialect)

"""Making tables: all of one prefix, with the tenant first in every key, and columns that are alike everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from sqlalchemy import BigInteger, Column, MetaData, Table, UniqueConstraint

from custinfo.adapters.sqlalchemy._types import CodePointText

__all__ = ["INSTANT", "NAME", "TableMaker", "key", "number", "numbered", "text"]

NAME: Final = 128
"""Longest key of a member, a department, or whatever else a host names."""

INSTANT: Final = 32

_KEY: Final = 64


@attrs.frozen
class TableMaker:
    """Make tables whose names start with `prefix`; `options` are those of every `Table`."""

    metadata: MetaData
    prefix: str
    options: Mapping[str, Any]

    def table(self, name: str, *parts: Column[Any] | UniqueConstraint, rowid: bool = True) -> Table:
        """Return a table with the tenant before other columns; without `rowid`, SQLite keeps rows in their key."""
        options = {**self.options} if rowid else {"sqlite_with_rowid": False, **self.options}
        return Table(f"{self.prefix}{name}", self.metadata, key("tenant_id"), *parts, **options)


def text(name: str, length: int = _KEY, *, key: bool = False, null: bool = False) -> Column[str]:
    """Return a column of texts up to a length."""
    return Column(name, CodePointText(length), primary_key=key, nullable=null)


def key(name: str, length: int = _KEY) -> Column[str]:
    """Return a column of texts that is part of the key."""
    return text(name, length, key=True)


def number(name: str, *, null: bool = False) -> Column[int]:
    """Return a column of whole numbers."""
    return Column(name, BigInteger, nullable=null)


def numbered(name: str) -> Column[int]:
    """Return a column of whole numbers that is part of the key, and given, not counted by the database."""
    return Column(name, BigInteger, primary_key=True, autoincrement=False)

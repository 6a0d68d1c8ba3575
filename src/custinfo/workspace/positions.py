"""Where a page ends: tokens of positions in an order, which people hand back for what follows."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import attrs

from custinfo.core.criteria.evaluate import read_path
from custinfo.core.errors import InvalidCursorError
from custinfo.core.kinds import Kind
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey, Record
from custinfo.core.text import CONTROL
from custinfo.ports.repositories import Order
from custinfo.workspace.context import Context

__all__ = ["Positions"]


@attrs.frozen
class Positions:
    """Name the positions of a module's records in one order; ties break by id."""

    context: Context
    module: ModuleKey
    order: Sequence[Order]

    def of(self, record: Record) -> tuple[Any, ...]:
        """Return the values by which a record is sorted."""
        values = []
        for item in self.order:
            *hop, key = item.path
            values.append(read_path(self.context.related(record, hop[0]) if hop else record, key))
        return (*values, record.id)

    def token(self, record: Record) -> str:
        """Return the text that `read` takes for the position behind a record."""
        *values, record_id = self.of(record)
        stored = [
            None if value is None else kind.encode(value) for kind, value in zip(self._kinds(), values, strict=True)
        ]
        return base64.urlsafe_b64encode(json.dumps([*self._named(), *stored, record_id]).encode()).decode()

    def read(self, token: str) -> tuple[Any, ...]:
        """Return the position that a text names. Raises: InvalidCursorError for one of another order, or none."""
        try:
            given, named = json.loads(base64.urlsafe_b64decode(token.encode())), self._named()
            if given[: len(named)] != named:
                raise ValueError  # noqa: TRY301 - whatever is wrong with it, it is none
            *stored, record_id = given[len(named) :]
            values = [_sort_value(kind, value) for kind, value in zip(self._kinds(), stored, strict=True)]
            return (*values, _plain_text(record_id))
        except Exception:  # of kinds of the host's too: what they raise may quote the value, and is no cause to show
            failure = InvalidCursorError([Problem("page_unknown")])
        raise failure

    def _named(self) -> list[str]:
        """Return what tells a token of this order from those of others; the order by id alone has nothing to tell."""
        name = ",".join(f"{'-' if item.descending else ''}{'.'.join(item.path)}" for item in self.order)
        return [name] if name else []

    def _kinds(self) -> list[Kind]:
        kinds = []
        for item in self.order:
            target = self.module if len(item.path) == 1 else self.context.related.target(self.module, item.path[0])
            kinds.append(self.context.module(target).kind_of(item.path[-1]))
        return kinds


def _plain_text(value: object) -> str:
    if type(value) is not str or CONTROL.search(value):
        raise TypeError
    return value


def _sort_value(kind: Kind, stored: object) -> Any:
    """Return what a token says about one sort key. Raises: what it likes to, for what no token has."""
    if stored is None:
        return None
    if kind.storage == "number":
        if type(stored) not in (int, bool) or abs(int(stored)) >= 2**63:  # type: ignore[call-overload]
            raise TypeError
        return kind.decode(stored)
    value = kind.decode(_plain_text(stored))
    if kind.encode(value) != stored:
        raise ValueError
    return value

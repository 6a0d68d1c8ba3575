"""Exports that wait for approval: what exactly may be written, and for how long."""

from __future__ import annotations

import hashlib
import json

import attrs

from custinfo.core.records import FieldKey

__all__ = ["ExportScope"]


@attrs.frozen
class ExportScope:
    """Say which export is asked for.

    Args:
        criterion: Which records, as JSON text; see `custinfo.core.criteria.as_json`.
        fields: The columns, in order.
        order_by: Field names, `-` before one for descending.
        hours: For how long after the approval it may be run.
    """

    criterion: str = attrs.field(repr=False)
    fields: tuple[FieldKey, ...]
    order_by: tuple[str, ...] = ()
    hours: int = attrs.field(default=24, eq=False)

    @property
    def digest(self) -> str:
        """What the trail says that somebody saw."""
        text = json.dumps([self.criterion, self.fields, self.order_by], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

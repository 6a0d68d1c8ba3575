"""Kinds of fields: from what people type to typed values and back.

`BUILT_IN_KINDS` has every kind by its key. Hosts add their own by `text_kind` or `number_kind`, or by making a `Kind`.
"""

from __future__ import annotations

from typing import Final

from custinfo.core.frozen import FrozenDict
from custinfo.core.kinds._kind import INVALID, Directory, Kind, KindContext, Parser, Renderer, unchanged
from custinfo.core.kinds.attachments import ATTACHMENT
from custinfo.core.kinds.booleans import BOOLEAN
from custinfo.core.kinds.choices import CHOICE, MULTIPLE_CHOICE
from custinfo.core.kinds.codes import USCC
from custinfo.core.kinds.computed import COMPUTED
from custinfo.core.kinds.dates import DATE
from custinfo.core.kinds.datetimes import DATETIME
from custinfo.core.kinds.emails import EMAIL
from custinfo.core.kinds.money import MONEY
from custinfo.core.kinds.numbers import DECIMAL, INTEGER
from custinfo.core.kinds.own import number_kind, text_kind
from custinfo.core.kinds.phones import PHONE
from custinfo.core.kinds.references import DEPARTMENT, REFERENCE, USER
from custinfo.core.kinds.resident_ids import RESIDENT_ID
from custinfo.core.kinds.texts import LONG_TEXT, TEXT
from custinfo.core.kinds.urls import URL

__all__ = [
    "BUILT_IN_KINDS",
    "COMPUTED",
    "INVALID",
    "Directory",
    "Kind",
    "KindContext",
    "Parser",
    "Renderer",
    "number_kind",
    "text_kind",
    "unchanged",
]

_BUILT_IN: Final = (
    TEXT,
    LONG_TEXT,
    INTEGER,
    DECIMAL,
    MONEY,
    BOOLEAN,
    DATE,
    DATETIME,
    CHOICE,
    MULTIPLE_CHOICE,
    PHONE,
    EMAIL,
    URL,
    USCC,
    RESIDENT_ID,
    REFERENCE,
    USER,
    DEPARTMENT,
    ATTACHMENT,
    COMPUTED,
)
BUILT_IN_KINDS: Final[FrozenDict[str, Kind]] = FrozenDict({kind.key: kind for kind in _BUILT_IN})
"""Every kind that custinfo comes with, by its key."""

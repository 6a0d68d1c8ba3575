"""How a template is recognised when it comes back filled in."""

from __future__ import annotations

import html
import re
from typing import Final

from custinfo.adapters.excel._archive import part_of

__all__ = ["MARK", "marked_sheet"]

MARK: Final = "custinfo_template"
"""The defined name of the header of a template's data sheet; it follows the sheet when that is renamed."""

_WORKBOOK: Final = "xl/workbook.xml"
_LARGEST: Final = 8 * 1024 * 1024
_NAME: Final = re.compile(rf'<(?:\w+:)?definedName\s[^<>]*\bname="{MARK}"[^<>]*>([^<]{{1,500}})!')


def marked_sheet(content: bytes) -> str | None:
    """Return the name of the data sheet in a template; `None` for any other file, which `read_tables` has read."""
    match = _NAME.search(part_of(content, _WORKBOOK, _LARGEST))
    if match is None:
        return None
    name = html.unescape(match[1]).removeprefix("=")
    return name[1:-1].replace("''", "'") if name.startswith("'") else name

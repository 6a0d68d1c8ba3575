"""Other records, people and departments."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, read_text
from custinfo.core.kinds.texts import as_is
from custinfo.core.messages import Translated
from custinfo.core.problems import Problem

__all__ = ["DEPARTMENT", "REFERENCE", "USER"]

_LIMIT: Final = 200
_ID: Final = re.compile(
    r"(?:urn:uuid:)?(?P<open>\{)?(?P<a>[0-9a-f]{8})-?(?P<b>[0-9a-f]{4})-?(?P<c>[0-9a-f]{4})-?(?P<d>[0-9a-f]{4})"
    r"-?(?P<e>[0-9a-f]{12})(?(open)\})",
    re.IGNORECASE,
)
_CANONICAL: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch

Finder = Callable[[str], str | tuple[str, ...] | None]


def _hexadecimal(raw: object) -> str | None:
    """Return the digits of a UUID of whatever library; an odd object may raise anything."""
    try:
        digits = getattr(raw, "hex", None)
    except Exception:
        return None
    return digits if isinstance(digits, str) else None


def _reference_parser(field: FieldDefinition, context: KindContext) -> Parser:
    module = str(field.options.get("module", ""))
    named = Translated.named(context.modules.get(module, {}), module)
    report = Report.of(field, "unknown_reference", module=named)

    def parse(raw: object, problems: list[Problem]) -> Any:
        if type(raw) is str and _CANONICAL(raw):
            return raw
        text = read_text(_hexadecimal(raw) or raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        match = _ID.fullmatch(text)
        return "-".join(match.group(*"abcde")).lower() if match else report.refuse(problems)

    return parse


def _finding_parser(report: Report, find: Finder, ambiguous: str) -> Parser:
    def parse(raw: object, problems: list[Problem]) -> Any:
        text = read_text(raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        found = find(text)
        if isinstance(found, str):
            return found
        return report.refuse(problems, ambiguous if found else "")

    return parse


def _labelling_renderer(label: Callable[[str], str], find: Finder) -> Renderer:
    """Make a renderer that shows labels, and keys where a label would not lead back to the key."""

    def render(value: Any) -> str:
        text = label(value)
        return text if find(text) == value else str(value)

    return render


def _user_parser(field: FieldDefinition, context: KindContext) -> Parser:
    return _finding_parser(Report.of(field, "unknown_member"), context.directory.find_member, "ambiguous_member")


def _user_renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    return _labelling_renderer(context.directory.member_label, context.directory.find_member)


def _department_parser(field: FieldDefinition, context: KindContext) -> Parser:
    return _finding_parser(
        Report.of(field, "unknown_department"), context.directory.find_department, "ambiguous_department"
    )


def _department_renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    return _labelling_renderer(context.directory.department_label, context.directory.find_department)


REFERENCE: Final = Kind("reference", _reference_parser, as_is, cell_format="@", ordered=False)
"""`str`: the id of a record of the module in the option `module`. Whether it exists is checked on writing."""

USER: Final = Kind("user", _user_parser, _user_renderer, cell_format="@", ordered=False)
"""`str`: the key of a member, found by key, name, `name(department)` or employee number."""

DEPARTMENT: Final = Kind("department", _department_parser, _department_renderer, cell_format="@", ordered=False)
"""`str`: the key of a department, found by key, name or path."""

"""Values that the library works out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, plain_text
from custinfo.core.problems import Problem

__all__ = ["computed_kind"]


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "read_only_field")

    def parse(raw: object, problems: list[Problem]) -> Any:
        if raw is None or (isinstance(raw, str) and not plain_text(raw)):
            return None
        return report.refuse(problems)

    return parse


def computed_kind(kinds: Mapping[str, Kind]) -> Kind:
    """Return the kind of computed fields, which take no value and are shown as those of another kind.

    Args:
        kinds: Where the option `value_kind` is looked up; without one, values are shown as text.
    """

    def renderer(field: FieldDefinition, context: KindContext) -> Renderer:
        shown_as = kinds.get(str(field.options.get("value_kind", "text")))
        return shown_as.renderer(field, context) if shown_as else str

    return Kind("computed", _parser, renderer)

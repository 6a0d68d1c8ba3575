"""Values that the library works out."""

from __future__ import annotations

from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser, Renderer
from custinfo.core.kinds._raw import Report, plain_text
from custinfo.core.problems import Problem

__all__ = ["COMPUTED"]


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "read_only_field")

    def parse(raw: object, problems: list[Problem]) -> Any:
        if raw is None or (isinstance(raw, str) and not plain_text(raw)):
            return None
        return report.refuse(problems)

    return parse


def _renderer(field: FieldDefinition, context: KindContext) -> Renderer:  # noqa: ARG001
    return str


COMPUTED: Final = Kind("computed", _parser, _renderer)
"""What a formula comes to (`FieldDefinition.formula`). Takes no value.

Option: `value_kind`, the kind of the values, `text` when not given: they are stored, compared and shown as such.
"""

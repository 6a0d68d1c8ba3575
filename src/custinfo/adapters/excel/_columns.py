"""Which columns an export has, and how each turns records into cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final

import attrs

from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import TEXT, number_format, width_of
from custinfo.adapters.excel._writer import Cell, Column, TextCell
from custinfo.core.errors import InvalidInputError, PermissionDeniedError
from custinfo.core.fields import FieldDefinition
from custinfo.core.frozen import label_in
from custinfo.core.kinds import BUILT_IN_KINDS, Renderer
from custinfo.core.problems import Problem
from custinfo.core.records import SYSTEM_FIELDS, FieldKey, ModuleKey, Record
from custinfo.core.tags import TagDimension
from custinfo.core.text import folded
from custinfo.workspace.context import Context

__all__ = ["ALWAYS", "Cells", "ExportColumn", "chosen_columns", "column_cells"]

Cells = Callable[[Sequence[Any]], list[str]]
"""Make the cells of many values, blank for `None`."""


_SYSTEM_READERS: Final[Mapping[str, Callable[[Record], Any]]] = {
    **{
        key: attrgetter(key)
        for key in ("id", "owner", "department", "version", "created_at", "updated_at", "created_by", "archived_at")
    },
    "tags": lambda record: record.tags or None,
}
ALWAYS: Final = frozenset({"id", "version"})
"""What everybody sees who sees the record."""

_PLAIN: Final = frozenset({"text", "long_text", "phone", "email", "url", "uscc", "resident_id", "reference"})
_FEW_VALUES: Final = frozenset({"choice", "multiple_choice", "boolean", "user", "department"})
_OFTEN_ALIKE: Final = frozenset({"date", "datetime"})
"""Kinds of which many records have the same value: what is imported together is of one instant."""
_MOST_KNOWN: Final = 10_000
_EXACT_DIGITS: Final = 15
_FIRST_DAY: Final = date(1900, 3, 1)
_DAY_ZERO: Final = date(1899, 12, 30).toordinal()
_SECONDS_A_DAY: Final = 86_400


@attrs.frozen
class ExportColumn:
    """One column: its key, how to read it where it is no field, its heading and format, and its text."""

    key: FieldKey
    read: Callable[[Record], Any] | None
    column: Column
    render: Renderer
    kind: str
    encrypted: bool = False


def chosen_columns(
    context: Context, module: ModuleKey, fields: Sequence[str] | None, language: str
) -> tuple[ExportColumn, ...]:
    """Return the columns in order.

    Args:
        context: The session's.
        module: Key of the module.
        fields: Names of fields, `id`, `owner`, `created_at`, `tags` and so on; those of which the actor may see
            something when not given.
        language: Of headings and labels.

    Raises: InvalidInputError for unknown names; PermissionDeniedError for a field that the actor sees nowhere.
    """
    visible = context.access(module).visible_fields() | ALWAYS
    definition = context.module(module).definition
    if fields is None:
        keys: list[FieldKey] = [field.key for field in definition.active_fields() if field.key in visible]
        extra = ("owner", "created_at", *(("tags",) if definition.taggable else ()))
        keys += [key for key in extra if key in visible and key not in definition.fields]
    else:
        keys = [_resolved(context, module, name) for name in dict.fromkeys(fields)]
    hidden = [Problem("field_not_readable", key) for key in keys if key not in visible]
    if hidden or not keys:
        raise PermissionDeniedError(hidden or context.denied("view", module).problems)
    return tuple(_column(context, module, key, language) for key in dict.fromkeys(keys))


def _resolved(context: Context, module: ModuleKey, name: str) -> FieldKey:
    key = context.module(module).resolve(name)
    if key is None:
        key = next((item for item in _SYSTEM_READERS if folded(name) in (item, folded(phrase("zh", item)))), None)
    if key is None:
        raise InvalidInputError([Problem("unknown_field", name[:100])])
    return key


def _column(context: Context, module: ModuleKey, key: FieldKey, language: str) -> ExportColumn:
    schema = context.module(module)
    kind_context = attrs.evolve(schema.context, language=language)
    field = schema.definition.fields.get(key)
    if field is not None:
        kind = schema.kinds[key]
        heading = field.label_in(language)
        described = Column(heading, width_of(field.kind, heading), number_format(field, kind))
        return ExportColumn(key, None, described, kind.renderer(field, kind_context), field.kind, field.encrypted)
    read = _SYSTEM_READERS[key]
    if key == "tags":
        heading = phrase(language, "tags")
        render = _tags_renderer(context.schema.configuration.tag_dimensions, language)
        return ExportColumn(key, read, Column(heading, 30), render, key)
    heading = key if key == "id" else _system_label(schema.label(key, language), key, language)
    kind = BUILT_IN_KINDS[SYSTEM_FIELDS[key]]
    described = Column(heading, width_of("reference" if key == "id" else kind.key, heading), kind.cell_format)
    return ExportColumn(key, read, described, kind.renderer(FieldDefinition(key, kind.key), kind_context), kind.key)


def _system_label(label: str, key: FieldKey, language: str) -> str:
    return label if label != key else phrase(language, key) or key


def _tags_renderer(dimensions: Mapping[str, TagDimension], language: str) -> Renderer:
    """Make the renderer of tags as `行业:制造业; 需求:培训`, in the order of the dimensions."""
    order = {key: number for number, key in enumerate(dimensions)}

    def label(key: str) -> str:
        dimension = dimensions.get(key)
        return label_in(dimension.label, language, key) if dimension else key

    def render(tags: Any) -> str:
        ordered = sorted(tags, key=lambda tag: (order.get(tag.dimension, len(order)), tag.dimension, tag.value))
        return "; ".join(f"{label(tag.dimension)}:{tag.value}" for tag in ordered)

    return render


def column_cells(column: ExportColumn, text: TextCell, number: Cell, zone: tzinfo) -> Cells:
    """Return what makes the cells of many values of a column; blank for `None`.

    Numbers and dates are typed where a spreadsheet keeps them exactly, and are text otherwise; all else is text.
    """
    render = column.render
    if column.column.number_format in (TEXT, "General"):
        if column.kind in _PLAIN:
            return text.all
        return _remembered(lambda value: text(render(value))) if column.kind in _FEW_VALUES else _each(text, render)

    def cell(value: Any) -> str:
        if column.read is not None and isinstance(value, datetime):
            value = value.replace(microsecond=0)  # of the times that custinfo takes down, people read the seconds
        digits = _digits(value, render, zone)
        return text(render(value)) if digits is None else number(digits)

    return _remembered(cell) if column.kind in _OFTEN_ALIKE else _each(cell)


def _each(make: Callable[[Any], str], render: Renderer | None = None) -> Cells:
    if render is not None:
        return lambda values: ["" if value is None else make(render(value)) for value in values]
    return lambda values: ["" if value is None else make(value) for value in values]


def _remembered(make: Callable[[Any], str]) -> Cells:
    """Return what makes cells of values that come again and again."""
    known: dict[Any, str] = {None: ""}

    def cells(values: Sequence[Any]) -> list[str]:
        new = set(values).difference(known)
        if new:
            if len(known) > _MOST_KNOWN:
                known.clear()
                known[None] = ""
                new = set(values)
            known.update({value: make(value) for value in new if value is not None})
        return [known[value] for value in values]

    return cells


def _digits(value: Any, render: Renderer, zone: tzinfo) -> str | None:
    """Return the number that a spreadsheet stores for a value; `None` where it has none that is exact."""
    if type(value) is Decimal:  # most numbers are: amounts
        return _exact(format(value, "f"))
    match value:
        case bool():
            return None
        case int():
            return _exact(format(value, "d"))
        case Decimal():
            return _exact(format(value, "f"))
        case datetime():
            return _moment_number(value, render, zone)
        case date() if value >= _FIRST_DAY:
            return str(value.toordinal() - _DAY_ZERO)
        case _:
            return None


def _exact(digits: str) -> str | None:
    return digits if len(digits) <= _EXACT_DIGITS or sum(map(str.isdigit, digits)) <= _EXACT_DIGITS else None


def _moment_number(value: datetime, render: Renderer, zone: tzinfo) -> str | None:
    """Return the serial number of a time on the clock of `zone`, where reading it again gives the same time."""
    local = value.astimezone(zone).replace(tzinfo=None, fold=0)
    if local.date() < _FIRST_DAY or local.microsecond or render(value) != str(local):
        return None
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return repr(local.toordinal() - _DAY_ZERO + seconds / _SECONDS_A_DAY)

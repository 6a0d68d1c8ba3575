"""Templates: workbooks to fill in, made from the definitions of the fields (XLS-1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from custinfo.adapters.excel._guidance import Guide
from custinfo.adapters.excel._lists import write_lists
from custinfo.adapters.excel._manifest import Manifest
from custinfo.adapters.excel._mark import MARK
from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel._styles import (
    BAD_FILL,
    HEADER_FILL,
    REQUIRED_FILL,
    number_format,
    row_height,
    safe_text,
    sheet_name,
    width_of,
)
from custinfo.adapters.excel._validation import validation_of
from custinfo.adapters.excel._xlsxwriter import AUTHOR, new_workbook, print_wide
from custinfo.core.cells import column_letters
from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds import BUILT_IN_KINDS
from custinfo.core.policy.access import Access
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.context import Context
from custinfo.workspace.mistakes import context_of
from custinfo.workspace.session import Session

__all__ = ["write_template"]

_FORMAT: Final = 2
_LISTS: Final = "_lists"
_FILLED_BY_NOBODY: Final = ("computed", "attachment")
_MOST_ROWS: Final = 1_048_575
_EXAMPLE_COLOUR: Final = "#7F7F7F"
_INSTRUCTIONS: Final = (("field", 20), ("required", 24), ("kind", 24), ("allowed", 60), ("help", 50), ("example", 26))
_NOTES: Final = ("note_required", "note_blank", "note_header", "note_text")


def write_template(
    session: Session, module: ModuleKey, target: Target, *, language: str | None = None, rows: int = 2000
) -> None:
    """Write an .xlsx workbook with a column for each field that the actor may set, ready to be filled in.

    The first sheet has the headings in its first row, `*` before those that are required, with comments, drop-down
    lists, checks of dates, numbers and lengths, and marks for repeated values. The second one explains the fields, the
    third shows a row filled in. Lists stand on a hidden sheet, however long they are; that of a hierarchical dictionary
    depends on its cell: with an entry in it, it offers what is below, or beside. Nothing of a record is in the file.
    An import tells what changed since a template was made. Who may create records
    gets the fields that they may set on creation; who may only import, those that they may edit.

    Args:
        session: Whose rights count.
        module: Key of the module.
        target: A path (.xlsx), or a file open for writing bytes; nothing half-written stays after an error.
        language: Of labels and explanations; that of the configuration when not given.
        rows: For how many rows lists and checks are set up, from 1.

    Raises: PermissionDeniedError where the actor may neither create nor import; MissingExtraError; OSError where the
        target cannot be written; ValueError for a path that says another format (.csv), or `rows` out of range.
    """
    if not 1 <= rows <= _MOST_ROWS:
        raise ValueError(f"rows must be from 1 to {_MOST_ROWS}")
    context = context_of(session)
    schema = context.module(module)
    access = context.access(module)
    if not (access.may("create") or access.may("import")):
        raise context.denied("create", module)
    tongue = language or context.schema.configuration.language
    fields = template_fields(context, module, tongue)
    guide = Guide(schema, tongue, schema.render("owner", context.actor))
    with new_workbook(target, session.now()) as workbook:
        _Template(workbook, schema, fields, guide, rows, context.schema.configuration.version).write()


def template_fields(context: Context, module: ModuleKey, language: str) -> tuple[FieldDefinition, ...]:
    """Return the fields that the actor may set on a new record, in order, and the owner as the last.

    Those who may create none get the fields that they may set on an existing one.

    Raises: PermissionDeniedError where there is none.
    """
    schema = context.module(module)
    writable = _writable(context.access(module))
    derived = context.compiled.derivation(module).fields
    fields = [
        field
        for field in schema.definition.active_fields()
        if field.key in writable and field.kind not in _FILLED_BY_NOBODY and field.key not in derived
    ]
    if "owner" in writable and schema.definition.owner_label and "owner" not in schema.definition.fields:
        fields.append(FieldDefinition("owner", "user", {language: schema.label("owner", language)}))
    if not fields:
        raise context.denied("edit", module)
    return tuple(fields)


def _writable(access: Access) -> frozenset[FieldKey]:
    if not access.may("create"):
        return access.writable_fields()
    return frozenset(key for bound in access.grants for key in bound.verdict.creatable)


@attrs.define
class _Template:
    """Write the sheets of one template."""

    workbook: Any
    schema: ModuleSchema
    fields: Sequence[FieldDefinition]
    guide: Guide
    rows: int
    version: int
    formats: dict[str, Any] = attrs.field(factory=dict)

    def write(self) -> None:
        language = self.guide.language
        name = sheet_name(self.schema.definition.label_in(language))
        other = sheet_name(phrase(language, "instructions"), [name])
        sheet = self.workbook.add_worksheet(name)
        instructions = self.workbook.add_worksheet(other)
        lists = self.workbook.add_worksheet(sheet_name(_LISTS, [name, other]))
        example = self.workbook.add_worksheet(sheet_name(phrase(language, "example_sheet"), [name, other, _LISTS]))
        first = [f"{column_letters(number)}2" for number, _ in enumerate(self.fields, start=1)]
        entries = write_lists(lists, self.schema, list(zip(self.fields, first, strict=True)), language, self._format)
        for number, field in enumerate(self.fields):
            self._write_column(sheet, number, field, entries.get(field.key))
        sheet.set_row(0, 30)
        sheet.freeze_panes(1, 0)
        for page in (sheet, instructions, example):
            print_wide(page)
        last = column_letters(len(self.fields))
        sheet.ignore_errors({"number_stored_as_text": f"A1:{last}{self.rows + 1}"})
        self._write_instructions(instructions)
        self._write_example(example)
        quoted = name.replace("'", "''")
        self.workbook.define_name(MARK, f"='{quoted}'!$A$1:${last}$1")
        manifest = Manifest.of(self.schema, self.fields, language, self.version)
        self.workbook.set_custom_property(MARK, f"{manifest.template_id} {self.version} {_FORMAT}")
        for key, text in manifest.properties().items():
            self.workbook.set_custom_property(key, text)

    def _format(self, **properties: Any) -> Any:
        key = repr(sorted(properties.items()))
        if key not in self.formats:
            self.formats[key] = self.workbook.add_format(properties)
        return self.formats[key]

    # --- the data sheet

    def _write_column(self, sheet: Any, number: int, field: FieldDefinition, entries: str | None) -> None:
        label = safe_text(field.label_in(self.guide.language))
        kind = self.schema.kinds.get(field.key) or BUILT_IN_KINDS[field.kind]
        heading = f"*{label}" if field.required else label
        cells = self._format(num_format=number_format(field, kind), text_wrap=field.kind == "long_text")
        sheet.set_column(number, number, width_of(field.kind, heading), cells)
        sheet.write_string(0, number, heading, self._heading(required=field.required))
        sheet.write_comment(0, number, self._comment(field), {"author": AUTHOR, "x_scale": 1.6, "y_scale": 1.2})
        options = validation_of(field, self.guide, entries)
        if options is not None:
            sheet.data_validation(1, number, self.rows, number, options)
        if field.unique:
            self._mark_repeated(sheet, number)

    def _heading(self, *, required: bool = False) -> Any:
        fill = REQUIRED_FILL if required else HEADER_FILL
        return self._format(bold=True, bg_color=fill, border=1, text_wrap=True, valign="vcenter", num_format="@")

    def _comment(self, field: FieldDefinition) -> str:
        _, required, kind, allowed, text, example = self.guide.row(field)
        language = self.guide.language
        told = {"required": required, "kind": kind, "allowed": allowed, "help": text, "example": example}
        return safe_text("\n".join(f"{phrase(language, key)}: {value}" for key, value in told.items() if value))

    def _mark_repeated(self, sheet: Any, number: int) -> None:
        """Colour what stands in the column more than once.

        A formula, since the built-in rule takes long digits for numbers and sees only fifteen of them.
        """
        column, last = column_letters(number + 1), self.rows + 1
        among = f"${column}$2:${column}${last}"
        formula = f'=AND(${column}2<>"",SUMPRODUCT(--({among}=${column}2))>1)'
        colour = self._format(bg_color=BAD_FILL)
        sheet.conditional_format(
            1, number, self.rows, number, {"type": "formula", "criteria": formula, "format": colour}
        )

    # --- the other sheets

    def _write_example(self, sheet: Any) -> None:
        """Write a row as it may be filled in, on a sheet of its own: nobody has to delete it."""
        text = self._format(num_format="@", text_wrap=True, valign="top", border=1, font_color=_EXAMPLE_COLOUR)
        for number, field in enumerate(self.fields):
            label = safe_text(field.label_in(self.guide.language))
            heading = f"*{label}" if field.required else label
            sheet.set_column(number, number, width_of(field.kind, heading))
            sheet.write_string(0, number, heading, self._heading(required=field.required))
            sheet.write_string(1, number, safe_text(self.guide.example(field)), text)
        sheet.set_row(0, 30)
        sheet.set_row(1, 24)
        sheet.freeze_panes(1, 0)

    def _write_instructions(self, sheet: Any) -> None:
        language = self.guide.language
        wrapped = self._format(text_wrap=True, valign="top", num_format="@", border=1)
        for number, (key, width) in enumerate(_INSTRUCTIONS):
            sheet.set_column(number, number, width)
            sheet.write_string(0, number, phrase(language, key), self._heading())
        for row, field in enumerate(self.fields, start=1):
            texts = [safe_text(text) for text in self.guide.row(field)]
            sheet.set_row(row, row_height(zip(texts, (width for _, width in _INSTRUCTIONS), strict=True)))
            for number, text in enumerate(texts):
                sheet.write_string(row, number, text, wrapped)
        for row, key in enumerate(_NOTES, start=len(self.fields) + 2):
            sheet.write_string(row, 0, phrase(language, key))
        sheet.freeze_panes(1, 1)

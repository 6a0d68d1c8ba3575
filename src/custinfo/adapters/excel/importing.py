"""Imports: a workbook becomes a plan, and the plan is applied; what was refused comes back as a workbook (XLS-2…5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import attrs

from custinfo.adapters.excel._as_meant import Meanings
from custinfo.adapters.excel._asides import Asides
from custinfo.adapters.excel._mark import marked_sheet
from custinfo.adapters.excel._own_sheet import LARGEST
from custinfo.adapters.excel._phrases import every_phrase
from custinfo.adapters.excel._recognised import template_of
from custinfo.adapters.excel._sniff import content_of, kind_of
from custinfo.adapters.excel.plans import ExcelPlan, ExcelReport, SourceFile
from custinfo.adapters.excel.reading import (
    DEFAULT_LIMITS,
    Limits,
    Source,
    Table,
    clean_label,
    read_tables,
    sheets_not_read,
)
from custinfo.core.errors import InvalidInputError, UnreadableFileError
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.core.suggesting import Headings, bare
from custinfo.workspace.attached_columns import AttachedColumns
from custinfo.workspace.context import Context
from custinfo.workspace.import_columns import column_letters, lettered
from custinfo.workspace.importing import (
    Duplicates,
    ImportMode,
    ImportPlan,
    RelatedSheet,
    SourceTable,
)
from custinfo.workspace.mistakes import context_of, no_text
from custinfo.workspace.planning import make_plan
from custinfo.workspace.related_sheets import TAGS
from custinfo.workspace.session import Session

__all__ = ["ExcelPlan", "ExcelReport", "plan_import"]

_PASSED_OVER: Final = frozenset(text for key in ("reason", "source_row") for text in every_phrase(key))
"""Headings that the error workbook and the export write, and that are no fields."""

_IDENTIFYING: Final = frozenset({"phone", "email", "uscc", "resident_id"})
"""Kinds of fields whose values no line of totals has."""

_EXAMPLES: Final = frozenset(every_phrase("example_sheet"))
"""Names of the sheet on which a template shows a row filled in."""


def plan_import(  # noqa: PLR0913 - options by name, as a call reads them
    session: Session,
    module: ModuleKey,
    source: Source,
    *,
    mapping: Mapping[str, str] | None = None,
    sheet: str | None = None,
    duplicates: Duplicates = "report",
    mode: ImportMode = "upsert",
    match: Iterable[str | Iterable[str]] | None = None,
    related: Mapping[str, ModuleKey] | None = None,
    key: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> ExcelPlan:
    """Return what importing a workbook or text table would do; writes nothing and takes no ids.

    Of a workbook the sheet is read whose headings name fields; of a template, its data sheet, whatever its name. A
    blank cell leaves the value of an existing record as it is. Text that is a mask, as an export writes it, is never
    taken for a value. The columns 错误原因 (Reason) and 原行号 (Source row) are passed over.

    A column 标签 (Tags) holds tags, `行业:制造业; 需求:培训`, which are added. A column headed like a module whose
    records refer to these, such as 跟进记录 (Follow-up), holds texts, each of which becomes such a record; a line that
    begins with a date begins another one. Texts in rows beside cells that are merged downwards are lines of one. They
    may also stand on further sheets (`related`), a row each: a row belongs to that of the main sheet whose key it has,
    and is planned, applied, undone and refused with it. One that is there already, with the same values, is left as it
    is; one that has the id of a stored record, and other values, is refused.

    Args:
        session: Whose rights count.
        module: Key of the module.
        source: A path, the bytes, or a file opened for reading bytes.
        mapping: Heading, or letter of a column → field name, for headings that say it otherwise; an empty name leaves
            a column out. A heading that is not in the file gives a warning. `ExcelPlan.mapping` is one to keep for the
            next file of the same kind.
        sheet: The worksheet to read.
        duplicates: `report` leaves out rows that are likely about the same as an earlier row or an existing record,
            by name, phone and the like (`PlannedRow.resemblance` says how likely, and why); `exact` those alone that
            agree in all fields of a duplicate key of the module; `create` takes them over as new records.
        mode: Whether rows create records, update them, or both; the others are skipped.
        match: By which fields, alone or several together, a row finds the record that it is about; those of the
            module's definition when not given. A row that has the record's id needs none.
        related: Name of a further sheet → key of the module of its rows, which refers to this one; `tags` for a sheet
            with tags in a column as above.
        key: The heading of the column, on all of these sheets, by which rows are linked. If not given, what stands in
            the field that refers to this module is the title of the main sheet's record, or its id where that sheet
            has ids.
        limits: How much the file may hold.

    Raises: PermissionDeniedError where the actor may not import; UnreadableFileError for a file that cannot be read,
        or in which several sheets could be meant; InvalidInputError for headings that clash, may mean several fields,
        or none of which fits; MissingExtraError; OSError where the path cannot be opened; TypeError for a workspace in
        place of a session; ValueError for another `mode`.
    """
    context = context_of(session)
    no_text("match", match)
    schema = context.module(module)
    if not context.access(module).may("import"):
        raise context.denied("import", module)
    given = {clean_label(heading): name for heading, name in (mapping or {}).items()}
    content = content_of(source, limits)
    made = template_of(content, context, module)
    names = {**(made.former if made else {}), **given}

    def meaning(label: str) -> FieldKey | None:
        return schema.resolve(names[label]) if label in names else schema.resolve(label) or schema.resolve(bare(label))

    def known(label: str) -> bool:
        return bool(names[label]) if label in names else meaning(label) is not None

    tables = read_tables(content, limits=limits, sheet=sheet, known=known)
    tables = tuple(table for table in tables if table.sheet not in (related or {})) or tables
    table = (
        tables[0]
        if len(tables) == 1
        else _chosen(tables, content, known, _Titled(meaning, schema.definition.title_field))
    )
    table = _numbered(schema, table, names)
    free = _free_places(schema, table, names)
    attached = AttachedColumns(context, module, table.header, sorted(free)).places
    table = table.with_blocks(free) if attached else table
    passed_over = {label: "" for label in table.header if label in _PASSED_OVER and not schema.resolve(label)}
    keys = None if match is None else [(key,) if isinstance(key, str) else tuple(key) for key in match]
    further = [(name, other) for name, other in (related or {}).items() if name != table.sheet]
    linked = None if key is None else clean_label(key)
    options = (sheet, duplicates, mode, keys, *([further, linked] if further else []))
    digest = _digest(content, module, given, *options)
    asides = Asides(table, free - attached, _unsummed_places(schema, table, names), table.overlong_rows())
    meanings = Meanings(schema, context.schema.configuration, names, table.of_1904)
    others = [_related(context, content, limits, *item, target=module, key=linked) for item in further]
    make = partial(
        make_plan,
        context,
        module,
        digest=digest,
        mapping={**passed_over, **names},
        match=keys,
        related=[sheet for sheet, _ in others],
        key=linked,
    )
    try:
        plan = asides.told(make(meanings.read(asides.data), duplicates=duplicates, mode=mode))
    except InvalidInputError as error:
        advice = sheets_not_read(table.hidden_sheets) if error.code == "no_header" else []
        raise (InvalidInputError([*error.problems, *advice]) if advice else error) from None
    again = content if kind_of(content) == "ooxml" and len(content) <= LARGEST else None
    plan = _with_problems(_with_missing(plan, given), made.outdated(table) if made else ())
    told = (*_hidden_rows(table), *_hidden_columns(table, plan), *_pictures(table), *_nothing(plan))
    plan = _with_problems(plan, [*told, *meanings.problems(table)])
    plan = _with_problems(plan, (problem for _, told_of in others for problem in told_of()))

    def plan_again(rows: SourceTable) -> ImportPlan:
        return make(meanings.read(rows))

    return ExcelPlan(session, plan, SourceFile(again, limits, table, asides.data, plan_again))


def _free_places(schema: ModuleSchema, table: Table, names: Mapping[str, str]) -> frozenset[int]:
    """Return the places of the columns that mean no field."""
    named, headings = lettered(table, names), Headings(schema)
    return frozenset(
        place
        for place, label in enumerate(table.header)
        if not (named[place] if place in named else headings.meanings(label) or schema.resolve(label))
    )


def _places_of(
    schema: ModuleSchema, table: Table, names: Mapping[str, str], wanted: Callable[[FieldKey], bool]
) -> frozenset[int]:
    """Return the places of the columns that may mean a field as it is wanted."""
    named, headings, fields = lettered(table, names), Headings(schema), schema.definition.fields
    found = set()
    for place, label in enumerate(table.header):
        meanings = (schema.resolve(named[place]),) if named.get(place) else headings.meanings(label)
        if any(key is not None and key in fields and wanted(key) for key in meanings):
            found.add(place)
    return frozenset(found)


def _unsummed_places(schema: ModuleSchema, table: Table, names: Mapping[str, str]) -> frozenset[int]:
    """Return the places of the columns whose digits are no amounts: a line with one is about somebody."""
    return _places_of(schema, table, names, lambda key: schema.definition.fields[key].kind in _IDENTIFYING)


def _numbered(schema: ModuleSchema, table: Table, names: Mapping[str, str]) -> Table:
    """Return the table in which the columns of amounts have their numbers, as cells hold them and nobody sees them."""
    return table.with_numbers(_places_of(schema, table, names, lambda key: schema.kinds[key].storage == "number"))


def _related(
    context: Context,
    content: bytes,
    limits: Limits,
    sheet: str,
    module: ModuleKey,
    *,
    target: ModuleKey,
    key: str | None,
) -> tuple[RelatedSheet, Callable[[], list[Problem]]]:
    """Return a further sheet, and what tells, once it is read, what people should know of it.

    Raises: UnreadableFileError where the file has no table of that name.
    """
    schema = context.module(target if module == TAGS else module)

    def known(label: str) -> bool:
        return label == key or schema.resolve(label) is not None

    table = read_tables(content, limits=limits, sheet=sheet, known=known)[0]
    passed_over = {label: "" for label in table.header if label in _PASSED_OVER and not schema.resolve(label)}
    table = _numbered(schema, table, passed_over)
    asides = Asides(table)
    meanings = Meanings(schema, context.schema.configuration, passed_over, table.of_1904)
    sheet_as_meant = RelatedSheet(module, meanings.read(asides.data), passed_over)
    return sheet_as_meant, lambda: [*meanings.problems(table), *asides.problems]


def _with_problems(plan: ImportPlan, problems: Iterable[Problem]) -> ImportPlan:
    """Return the plan with further problems of whole columns."""
    return attrs.evolve(plan, columns=attrs.evolve(plan.columns, problems=(*plan.columns.problems, *problems)))


def _hidden_rows(table: Table) -> list[Problem]:
    """Say that rows are read that nobody sees: who filtered a sheet may expect that the others stay out."""
    place = Place(table.sheet)
    hidden = table.hidden_rows
    return [Problem("hidden_rows", place=place, params={"count": hidden}, severity="warning")] if hidden else []


def _hidden_columns(table: Table, plan: ImportPlan) -> list[Problem]:
    """Say which columns are read that nobody sees: what stands there may be old, or not meant for this."""
    read = [place for place in table.hidden_columns if plan.columns.keys[place] is not None]
    letters = tuple(column_letters(table.columns[place]) for place in read)
    place = Place(table.sheet, table.header_row)
    return [Problem("hidden_columns", place=place, params={"columns": letters}, severity="warning")] if read else []


def _pictures(table: Table) -> list[Problem]:
    """Say which columns have pictures in their cells: they are no values, and stay behind."""
    return [
        Problem(
            "pictures_in_cells",
            place=Place(table.sheet, table.header_row, column),
            params={"column": column_letters(column), "count": count},
            severity="warning",
        )
        for column, count in table.pictures.items()
    ]


def _nothing(plan: ImportPlan) -> list[Problem]:
    """Say that a table has headings only, as a template that nobody filled in."""
    return [] if len(plan.rows) else [Problem("no_data", place=Place(plan.table.sheet), severity="warning")]


def _with_missing(plan: ImportPlan, mapping: Mapping[str, str]) -> ImportPlan:
    """Return the plan with a warning for each heading that the mapping names and the file lacks."""
    place = Place(plan.table.sheet, plan.table.header_row)
    there = {*plan.table.header, *map(column_letters, plan.table.columns)}
    missing = [name for name in mapping if name not in there]
    return _with_problems(plan, (Problem("missing_column", name, place, severity="warning") for name in missing))


def _digest(content: bytes, module: ModuleKey, mapping: Mapping[str, str], *others: object) -> str:
    told = json.dumps([module, sorted(mapping.items()), *others], ensure_ascii=True)
    return hashlib.sha256(hashlib.sha256(content).digest() + told.encode()).hexdigest()


@attrs.frozen
class _Titled:
    """Tell whether a table names its records: a sheet of the values to choose from has headings of fields, and none."""

    meaning: Callable[[str], FieldKey | None]
    title: FieldKey | None

    def among(self, tables: Sequence[Table]) -> Sequence[Table]:
        """Return those tables that name their records, or all if none does."""
        return [table for table in tables if self.title in map(self.meaning, table.header)] or tables


def _chosen(tables: Sequence[Table], content: bytes, known: Callable[[str], bool], titled: _Titled) -> Table:
    """Return the one table that can be meant. Raises: UnreadableFileError (several_sheets) where several can."""
    mark = marked_sheet(content)
    for table in tables:
        if table.sheet == mark:
            return table
    tables = [table for table in tables if table.sheet not in _EXAMPLES] or tables
    matches = {table.sheet: sum(map(known, table.header)) for table in tables}
    most = max(matches.values())
    likely = [table for table in tables if matches[table.sheet] and 2 * matches[table.sheet] >= most]
    meant = titled.among(likely)
    filled = [table for table in meant if next(table.rows(), None) is not None]
    if len(filled) == 1 or len(meant) == 1:
        return (filled if len(filled) == 1 else meant)[0]
    names = tuple(table.sheet for table in meant or tables)
    raise UnreadableFileError([Problem("several_sheets", params={"sheets": names})])

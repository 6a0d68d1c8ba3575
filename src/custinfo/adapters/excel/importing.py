"""Imports: a workbook becomes a plan, and the plan is applied; what was refused comes back as a workbook (XLS-2…5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import attrs

from custinfo.adapters.excel._as_meant import Meanings
from custinfo.adapters.excel._asides import Asides
from custinfo.adapters.excel._meant_columns import MeantColumns, passed_over
from custinfo.adapters.excel._meant_sheets import meant_table
from custinfo.adapters.excel._own_sheet import LARGEST
from custinfo.adapters.excel._recognised import template_of
from custinfo.adapters.excel._sniff import content_of, kind_of
from custinfo.adapters.excel._told_of_files import missing_columns, told_of
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
from custinfo.core.errors import InvalidInputError
from custinfo.core.problems import Problem
from custinfo.core.records import ModuleKey
from custinfo.workspace.attached_columns import AttachedColumns
from custinfo.workspace.context import Context
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
    if not context.access(module).may("import"):
        raise context.denied("import", module)
    given = {clean_label(heading): name for heading, name in (mapping or {}).items()}
    content = content_of(source, limits)
    made = template_of(content, context, module)
    meant = MeantColumns(context.module(module), {**(made.former if made else {}), **given})
    table = meant_table(content, limits, sheet, related or {}, meant)
    meant = meant.of_headings(table, given)
    table = meant.numbered(table)
    main = _main_sheet(context, module, table, meant)
    keys = None if match is None else [(key,) if isinstance(key, str) else tuple(key) for key in match]
    further = [(name, other) for name, other in (related or {}).items() if name != table.sheet]
    linked = None if key is None else clean_label(key)
    options = (sheet, duplicates, mode, keys, *([further, linked] if further else []))
    others = [_further_sheet(context, content, limits, *item, target=module, key=linked) for item in further]
    make = partial(
        make_plan,
        context,
        module,
        digest=_digest(content, module, given, *options),
        mapping=main.mapping,
        match=keys,
        related=[other.related() for other in others],
        key=linked,
    )
    plan = _planned(main, partial(make, duplicates=duplicates, mode=mode))
    told = [*missing_columns(plan, given), *(made.outdated(main.table) if made else ()), *told_of(main.table, plan)]
    told += [*main.meanings.problems(main.table), *(problem for other in others for problem in other.problems())]
    plan = attrs.evolve(plan, columns=attrs.evolve(plan.columns, problems=(*plan.columns.problems, *told)))
    again = content if kind_of(content) == "ooxml" and len(content) <= LARGEST else None

    def plan_again(rows: SourceTable) -> ImportPlan:
        return make(main.meanings.read(rows))

    return ExcelPlan(session, plan, SourceFile(again, limits, main.table, main.asides.data, plan_again))


@attrs.frozen
class _Sheet:
    """A sheet as it is read: the table, which of its rows are no data, and what its cells mean.

    `mapping` is what its headings mean beside what they say.
    """

    module: ModuleKey
    table: Table
    asides: Asides
    meanings: Meanings
    mapping: Mapping[str, str]

    def rows(self) -> SourceTable:
        """Return its data as it is meant."""
        return self.meanings.read(self.asides.data)

    def related(self) -> RelatedSheet:
        """Return it as one whose rows belong to those of the main sheet."""
        return RelatedSheet(self.module, self.rows(), self.mapping)

    def problems(self) -> list[Problem]:
        """Return what people should know of it, once it is read."""
        return [*self.meanings.problems(self.table), *self.asides.problems]


def _main_sheet(context: Context, module: ModuleKey, table: Table, meant: MeantColumns) -> _Sheet:
    free = meant.free(table)
    attached = AttachedColumns(context, module, table.header, sorted(free)).places
    table = table.with_blocks(free) if attached else table
    asides = Asides(table, free - attached, meant.unsummed(table), table.overlong_rows())
    mapping = {**passed_over(meant.schema, table), **meant.names}
    meanings = Meanings(meant.schema, context.schema.configuration, meant.names, table.of_1904)
    return _Sheet(module, table, asides, meanings, mapping)


def _further_sheet(
    context: Context,
    content: bytes,
    limits: Limits,
    sheet: str,
    module: ModuleKey,
    *,
    target: ModuleKey,
    key: str | None,
) -> _Sheet:
    """Return a further sheet. Raises: UnreadableFileError where the file has no table of that name."""
    schema = context.module(target if module == TAGS else module)

    def known(label: str) -> bool:
        return label == key or schema.resolve(label) is not None

    table = read_tables(content, limits=limits, sheet=sheet, known=known)[0]
    mapping = passed_over(schema, table)
    table = MeantColumns(schema, mapping).numbered(table)
    meanings = Meanings(schema, context.schema.configuration, mapping, table.of_1904)
    return _Sheet(module, table, Asides(table), meanings, mapping)


def _planned(main: _Sheet, make: Callable[[SourceTable], ImportPlan]) -> ImportPlan:
    """Return the plan of the main sheet. Raises: as `make`; where no heading fits, it says which sheets are hidden."""
    try:
        return main.asides.told(make(main.rows()))
    except InvalidInputError as error:
        advice = sheets_not_read(main.table.hidden_sheets) if error.code == "no_header" else []
        raise (InvalidInputError([*error.problems, *advice]) if advice else error) from None


def _digest(content: bytes, module: ModuleKey, mapping: Mapping[str, str], *others: object) -> str:
    told = json.dumps([module, sorted(mapping.items()), *others], ensure_ascii=True)
    return hashlib.sha256(hashlib.sha256(content).digest() + told.encode()).hexdigest()

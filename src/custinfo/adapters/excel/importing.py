"""Imports: a workbook becomes a plan, and the plan is applied; what was refused comes back as a workbook (XLS-2…5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import attrs

from custinfo.adapters.excel._mark import marked_sheet
from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._phrases import every_phrase
from custinfo.adapters.excel._sniff import content_of
from custinfo.adapters.excel.errors_workbook import write_error_workbook
from custinfo.adapters.excel.reading import DEFAULT_LIMITS, Limits, Source, Table, clean_label, read_tables
from custinfo.core.errors import UnreadableFileError
from custinfo.core.problems import Place, Problem
from custinfo.core.records import FieldKey, Masked, ModuleKey
from custinfo.core.schema import ModuleSchema
from custinfo.workspace.importing import (
    BATCH,
    Counts,
    Difference,
    Duplicates,
    ImportPlan,
    ImportReport,
    PlannedRow,
    PlannedRows,
    Progress,
)
from custinfo.workspace.planning import make_plan
from custinfo.workspace.session import Session

__all__ = ["ExcelPlan", "ExcelReport", "plan_import"]

_PASSED_OVER: Final = frozenset(text for key in ("reason", "source_row", "tags") for text in every_phrase(key))
"""Headings that the error workbook and the export write, and that are no fields."""

_MASK: Final = "***"
_BLOCK: Final = 256


@attrs.frozen
class _Refused:
    """The rows of a file that were not taken over, and how to write them."""

    session: Session = attrs.field(repr=False)
    table: Table = attrs.field(repr=False)
    module: ModuleKey
    rows: tuple[PlannedRow, ...] = attrs.field(repr=False)

    def write(self, target: Target, language: str | None) -> None:
        context = self.session.context
        tongue = language or context.schema.configuration.language
        write_error_workbook(target, self.table, self.rows, context.module(self.module), tongue, self.session.now())


def _left(rows: PlannedRows) -> tuple[PlannedRow, ...]:
    return rows.with_outcome("rejected", "duplicate", "conflict")


@attrs.frozen
class ExcelReport:
    """What an import did.

    `batch_id` is what to undo it by; `counts` say how many rows came to what; `rows` are all rows as they came out, of
    which `rejected` and `duplicates` were not taken over; `requests` are the ids of the approval requests that it made;
    `differences` are the rows that came to something else than planned.
    """

    batch_id: str
    module: ModuleKey
    counts: Counts
    rows: PlannedRows = attrs.field(repr=False)
    requests: tuple[str, ...] = attrs.field(repr=False)
    differences: tuple[Difference, ...]
    _refused: _Refused = attrs.field(repr=False, alias="refused")

    @property
    def rejected(self) -> tuple[PlannedRow, ...]:
        """The rows that were not taken over because something is wrong with them."""
        return self.rows.with_outcome("rejected")

    @property
    def duplicates(self) -> tuple[PlannedRow, ...]:
        """The rows that were not taken over because they repeat an earlier row, or seem to repeat a record."""
        return self.rows.with_outcome("duplicate")

    def write_errors(self, target: Target, *, language: str | None = None) -> None:
        """Write the rows that were not taken over, as `ExcelPlan.write_errors` does."""
        self._refused.write(target, language)


@attrs.frozen(repr=False)
class ExcelPlan:
    """What importing a workbook would do. Making it wrote nothing; `apply` does what it says.

    Valid within the session that made it.
    """

    _session: Session = attrs.field(repr=False, alias="session")
    _plan: ImportPlan = attrs.field(repr=False, alias="plan")
    _table: Table = attrs.field(repr=False, alias="table")

    def __repr__(self) -> str:
        return f"ExcelPlan({self.module!r}, sheet={self.sheet!r}, counts={self.counts})"

    @property
    def module(self) -> ModuleKey:
        """The module into which it imports."""
        return self._plan.module

    @property
    def sheet(self) -> str:
        """The worksheet that it reads; empty for a text file."""
        return self._table.sheet

    @property
    def columns(self) -> dict[str, FieldKey | None]:
        """Heading → the field that it means, `None` where the column is left out."""
        return dict(zip(self._table.header, self._plan.columns.keys, strict=True))

    @property
    def counts(self) -> Counts:
        """How many rows come to what."""
        return self._plan.counts

    @property
    def rows(self) -> PlannedRows:
        """Each data row in order: its row number, what it comes to, and everything found in it."""
        return self._plan.rows

    @property
    def rejected(self) -> tuple[PlannedRow, ...]:
        """The rows that will not be taken over because something is wrong with them."""
        return self._plan.rejected

    @property
    def duplicates(self) -> tuple[PlannedRow, ...]:
        """The rows that will not be taken over because they repeat an earlier row, or seem to repeat a record."""
        return self._plan.duplicates

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything found, with its place: what concerns whole columns, then row by row."""
        return (*self._plan.problems, *(problem for row in self.rows for problem in row.problems))

    def apply(self, progress: Callable[[Progress], object] | None = None, *, batch_size: int = BATCH) -> ExcelReport:
        """Carry the plan out, batch by batch, each in a transaction of its own where the session owns it.

        Interrupted work goes on where it stopped when the same file is planned and applied again. A row that
        clashes with what happened since the plan was made is rejected; the others go on.

        Args:
            progress: Called after each batch.
            batch_size: Rows that are saved together, from 1.

        Raises: StorageError; the batches before it stay saved.
        """
        report: ImportReport = self._plan.apply(progress, batch_size=batch_size)
        return ExcelReport(
            report.batch_id,
            report.module,
            report.counts,
            report.rows,
            report.requests,
            report.differences,
            _Refused(self._session, self._table, report.module, _left(report.rows)),
        )

    def write_errors(self, target: Target, *, language: str | None = None) -> None:
        """Write the rows that are not taken over into a workbook that can be corrected and imported again.

        It has the user's own headings and values, after a column with the reasons and one with the row numbers in the
        file, which an import passes over; the cells that the reasons are about are coloured. Without such rows it has
        the headings only.

        Args:
            target: A path, or a file open for writing bytes; nothing half-written stays after an error.
            language: Of the reasons; that of the configuration when not given.

        Raises: MissingExtraError; OSError where the target cannot be written.
        """
        _Refused(self._session, self._table, self.module, _left(self.rows)).write(target, language)


def plan_import(
    session: Session,
    module: ModuleKey,
    source: Source,
    *,
    mapping: Mapping[str, str] | None = None,
    sheet: str | None = None,
    duplicates: Duplicates = "report",
    limits: Limits = DEFAULT_LIMITS,
) -> ExcelPlan:
    """Return what importing a workbook or text table would do; writes nothing and takes no ids.

    Of a workbook the sheet is read whose headings name fields; of a template, its data sheet, whatever its name. A
    blank cell leaves the value of an existing record as it is. Text that is a mask, as an export writes it, is never
    taken for a value. The columns 错误原因 (Reason), 原行号 (Source row) and 标签
    (Tags) are passed over.

    Args:
        session: Whose rights count.
        module: Key of the module.
        source: A path, the bytes, or a file opened for reading bytes.
        mapping: Heading → field name, for headings that say it otherwise; an empty name leaves a column out. A
            heading that is not in the file gives a warning.
        sheet: The worksheet to read.
        duplicates: Whether rows that look like an existing record of another key are only reported, or created.
        limits: How much the file may hold.

    Raises: PermissionDeniedError where the actor may not import; UnreadableFileError for a file that cannot be read,
        or in which several sheets could be meant; InvalidInputError for headings that clash or none that fits;
        MissingExtraError; OSError where the path cannot be opened.
    """
    context = session.context
    schema = context.module(module)
    if not context.access(module).may("import"):
        raise context.denied("import", module)
    names = {clean_label(heading): name for heading, name in (mapping or {}).items()}

    def known(label: str) -> bool:
        return bool(names[label]) if label in names else schema.resolve(label) is not None

    content = content_of(source, limits)
    tables = read_tables(content, limits=limits, sheet=sheet, known=known)
    table = tables[0] if len(tables) == 1 else _chosen(tables, content, known)
    passed_over = {label: "" for label in table.header if label in _PASSED_OVER and not schema.resolve(label)}
    digest = _digest(content, module, names, sheet, duplicates)
    guarded = _Guarded.of(table, schema, names)
    plan = make_plan(context, module, guarded, digest=digest, mapping={**passed_over, **names}, duplicates=duplicates)
    return ExcelPlan(session, _with_missing(plan, names), table)


def _with_missing(plan: ImportPlan, mapping: Mapping[str, str]) -> ImportPlan:
    """Return the plan with a warning for each heading that the mapping names and the file lacks."""
    place = Place(plan.table.sheet, plan.table.header_row)
    missing = [name for name in mapping if name not in plan.table.header]
    problems = tuple(Problem("missing_column", name, place, severity="warning") for name in missing)
    return attrs.evolve(plan, columns=attrs.evolve(plan.columns, problems=(*plan.columns.problems, *problems)))


def _digest(
    content: bytes, module: ModuleKey, mapping: Mapping[str, str], sheet: str | None, duplicates: Duplicates
) -> str:
    told = json.dumps([module, sorted(mapping.items()), sheet, duplicates], ensure_ascii=True)
    return hashlib.sha256(hashlib.sha256(content).digest() + told.encode()).hexdigest()


def _chosen(tables: Sequence[Table], content: bytes, known: Callable[[str], bool]) -> Table:
    """Return the one table that can be meant. Raises: UnreadableFileError (several_sheets) where several can."""
    mark = marked_sheet(content)
    for table in tables:
        if table.sheet == mark:
            return table
    matches = {table.sheet: sum(map(known, table.header)) for table in tables}
    most = max(matches.values())
    meant = [table for table in tables if matches[table.sheet] and 2 * matches[table.sheet] >= most]
    filled = [table for table in meant if next(table.rows(), None) is not None]
    if len(filled) == 1 or len(meant) == 1:
        return (filled if len(filled) == 1 else meant)[0]
    names = tuple(table.sheet for table in meant or tables)
    raise UnreadableFileError([Problem("several_sheets", params={"sheets": names})])


@attrs.frozen
class _Guarded:
    """A table in which text that is a mask can no longer be taken for a value."""

    table: Table
    places: tuple[int, ...]

    @classmethod
    def of(cls, table: Table, schema: ModuleSchema, mapping: Mapping[str, str]) -> _Guarded:
        """Guard the columns of fields of which some people see a part only."""
        places = []
        for place, heading in enumerate(table.header):
            key = schema.resolve(mapping.get(heading, heading))
            field = schema.definition.fields.get(key) if key else None
            if field is not None and (field.mask or field.sensitivity != "normal"):
                places.append(place)
        return cls(table, tuple(places))

    @property
    def sheet(self) -> str:
        return self.table.sheet

    @property
    def header(self) -> tuple[str, ...]:
        return self.table.header

    @property
    def header_row(self) -> int:
        return self.table.header_row

    @property
    def columns(self) -> tuple[int, ...]:
        return self.table.columns

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        rows = self.table.rows()
        while block := list(islice(rows, _BLOCK)):
            if any(_MASK in self.texts(block, place) for place in self.places):
                yield from ((number, tuple(map(_guarded, values, self.watched))) for number, values in block)
            else:
                yield from block

    @property
    def watched(self) -> list[bool]:
        return [place in self.places for place in range(len(self.header))]

    def texts(self, block: Sequence[tuple[int, tuple[object, ...]]], place: int) -> str:
        """Return all texts of a column together: one search is faster than many."""
        return "\n".join([text for _, values in block if type(text := values[place]) is str])


def _guarded(value: object, watched: bool) -> object:
    return Masked(value) if watched and isinstance(value, str) and _MASK in value else value

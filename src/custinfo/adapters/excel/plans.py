"""Plans and reports of imports, as they concern the file: what its columns mean, and the rows that were left out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

import attrs

from custinfo.adapters.excel._hidden import hidden_columns, hidden_row
from custinfo.adapters.excel._limits import Limits
from custinfo.adapters.excel._openpyxl import is_bearable
from custinfo.adapters.excel._output import Target
from custinfo.adapters.excel._own_sheet import write_own_sheet
from custinfo.adapters.excel._plan_workbook import write_plan
from custinfo.adapters.excel.errors_workbook import ErrorSheet, write_error_workbook
from custinfo.adapters.excel.reading import Table
from custinfo.adapters.excel.sampling import SampleReport, sample
from custinfo.core.cells import column_letters
from custinfo.core.history.changes import FieldChange
from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey
from custinfo.core.suggesting import Suggestion
from custinfo.workspace.context import Context
from custinfo.workspace.importing import (
    BATCH,
    Counts,
    Difference,
    ImportPlan,
    ImportReport,
    PlannedRow,
    PlannedRows,
    Progress,
    RefusedSheet,
    SourceTable,
)
from custinfo.workspace.mistakes import one_of
from custinfo.workspace.session import Session

__all__ = ["ErrorForm", "ExcelPlan", "ExcelReport", "SourceFile"]


ErrorForm = Literal["rows", "sheet", "marked"]


@attrs.frozen
class SourceFile:
    """Hold the file that was read: its content if that can be written again, its table, and how it was planned.

    `data` is the table without the rows that are no data; `limits` are those within which it was read.
    """

    content: bytes | None = attrs.field(repr=False)
    limits: Limits = attrs.field(repr=False)
    table: Table
    data: SourceTable
    plan_again: Callable[[SourceTable], ImportPlan] = attrs.field(repr=False)


@attrs.frozen
class _Refused:
    """The rows of a file that were not taken over, and how to write them."""

    session: Session = attrs.field(repr=False)
    source: SourceFile = attrs.field(repr=False)
    module: ModuleKey
    keys: tuple[FieldKey | None, ...]
    rows: tuple[PlannedRow, ...] = attrs.field(repr=False)
    related: Callable[[Collection[int]], list[RefusedSheet]] = attrs.field(repr=False)

    def write(self, target: Target, language: str | None, form: ErrorForm) -> None:
        one_of("form", form, ErrorForm)
        context = self.session.context
        tongue = language or context.schema.configuration.language
        content, table, schema = self.source.content, self.source.table, context.module(self.module)
        hidden = hidden_columns(schema, self.keys, context.schema.masks)
        rows = [hidden_row(row, hidden) for row in self.rows]
        more = self._further(context)
        own = content is not None and (form == "marked" or (form == "sheet" and not more and not table.has_blocks))
        own = own and not any(item.masked for item in more) and is_bearable(content or b"", self.source.limits)
        if not own or not write_own_sheet(
            target, content or b"", table, rows, schema, tongue, hidden, marked=form == "marked"
        ):
            write_error_workbook(target, [ErrorSheet(table, rows, schema), *more], tongue, self.session.now())

    def _further(self, context: Context) -> list[ErrorSheet]:
        """Return the rows of further sheets that are not taken over, values of encrypted fields masked."""
        found = []
        for item in self.related([row.row for row in self.rows]):
            schema = context.module(item.module)
            hidden = hidden_columns(schema, item.keys, context.schema.masks)
            rows = [hidden_row(row, hidden) for row in item.rows]
            found.append(ErrorSheet(item.table, rows, schema, masked=bool(hidden)))
        return found


def _sampled(session: Session, source: SourceFile, number: int, seed: int, taken: Collection[int] = ()) -> SampleReport:
    return sample(session.context, source.data, source.plan_again, number, seed, taken)


def _left(rows: PlannedRows) -> tuple[PlannedRow, ...]:
    return rows.with_outcome("rejected", "duplicate", "conflict")


@attrs.frozen
class ExcelReport:
    """What an import did to the records of `module`.

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

    def sample_check(self, number: int, *, seed: int = 0) -> SampleReport:
        """Compare some rows of the file with the records as they are stored now, as `ExcelPlan.sample_check` does.

        A row that was taken over, and finds no record now, is missing; one that is likely about a record with other
        keys is different (XLS-7). `number` and `seed` are as there.
        """
        refused = self._refused
        taken = {row.row for row in self.rows if row.outcome in ("create", "update", "unchanged")}
        return _sampled(refused.session, refused.source, number, seed, taken)

    def write_errors(self, target: Target, *, language: str | None = None, form: ErrorForm = "rows") -> None:
        """Write the rows that were not taken over, as `ExcelPlan.write_errors` does, from the same arguments.

        Raises: as that.
        """
        self._refused.write(target, language, form)


@attrs.frozen(repr=False)
class ExcelPlan:
    """What importing a workbook would do. Making it wrote nothing; `apply` does what it says.

    Valid within the session that made it: `plan_import` makes it, and its constructor is not called otherwise.
    """

    _session: Session = attrs.field(repr=False, alias="session")
    _plan: ImportPlan = attrs.field(repr=False, alias="plan")
    _source: SourceFile = attrs.field(repr=False, alias="source")

    def __repr__(self) -> str:
        return f"ExcelPlan({self.module!r}, sheet={self.sheet!r}, counts={self.counts})"

    @property
    def module(self) -> ModuleKey:
        """The module into which it imports."""
        return self._plan.module

    @property
    def sheet(self) -> str:
        """The worksheet that it reads; empty for a text file."""
        return self._source.table.sheet

    @property
    def columns(self) -> dict[str, FieldKey | None]:
        """Heading → the field that it means, `None` where the column is left out or holds what is `attached`."""
        return dict(zip(self._source.table.header, self._plan.columns.keys, strict=True))

    @property
    def attached(self) -> dict[str, str]:
        """Heading → what its cells bring along: `tags`, or the module whose records they become (跟进记录)."""
        return {self._source.table.header[place]: name for place, name in self._plan.columns.attached.items()}

    @property
    def mapping(self) -> dict[str, str]:
        """The `mapping` for the next file of this kind: heading → field name, empty for columns that are left out.

        Of headings that several columns have, it has the letters of the columns.
        """
        table, columns = self._source.table, self._plan.columns
        return {
            heading if table.header.count(heading) == 1 else column_letters(table.columns[place]): key or ""
            for place, (heading, key) in enumerate(zip(table.header, columns.keys, strict=True))
            if heading and place not in columns.attached
        }

    @property
    def suggestions(self) -> tuple[Suggestion, ...]:
        """The fields that headings may mean which are left out, the likeliest first for each."""
        return self._plan.columns.suggestions

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
    def column_problems(self) -> tuple[Problem, ...]:
        """What was found about whole columns, and about the file as a template."""
        return self._plan.problems

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything found, with its place: what concerns whole columns, then row by row."""
        return (*self._plan.problems, *(problem for row in self.rows for problem in row.problems))

    def changes(self, row: PlannedRow) -> tuple[FieldChange, ...]:
        """Return what a row changes in its record, of the fields that the actor may read there."""
        return self._plan.changes(row)

    def write(self, target: Target, *, language: str | None = None) -> None:
        """Write the plan as a workbook: what each row comes to, what it changes, and what was found.

        Args:
            target: A path (.xlsx), or a file open for writing bytes.
            language: Of headings and messages; that of the configuration when not given.

        Raises: MissingExtraError; OSError where the target cannot be written; ValueError for a path that says another
            format (.csv).
        """
        context = self._session.context
        tongue = language or context.schema.configuration.language
        write_plan(target, self._plan, context.module(self.module), tongue, self._session.now())

    def sample_check(self, number: int, *, seed: int = 0) -> SampleReport:
        """Compare some rows of the file with the records as they are stored now (XLS-7); nothing is written.

        For a check after a migration: plan the old file again, or ask the report of the import.

        Args:
            number: How many rows, chosen at random; all if there are no more.
            seed: Chooses them; the same one chooses the same rows.
        """
        return _sampled(self._session, self._source, number, seed)

    def apply(
        self,
        progress: Callable[[Progress], object] | None = None,
        *,
        batch_size: int = BATCH,
        whole: bool = False,
    ) -> ExcelReport:
        """Carry the plan out, batch by batch, each in a transaction of its own where the session owns it.

        Interrupted work goes on where it stopped when the same file is planned and applied again. A row that
        clashes with what happened since the plan was made is rejected; the others go on.

        Args:
            progress: Called after each batch.
            batch_size: Rows that are saved together, from 1.
            whole: Save everything in one transaction, or nothing, if a row is rejected, a duplicate or in conflict.

        Raises: InvalidInputError for a plan that leaves rows out, and ConflictError for a clash, if `whole`;
            ConflictError (`imported_meanwhile`) if the member imports the same file elsewhere; StorageError. The
            batches before it stay saved, unless `whole`.
        """
        report: ImportReport = self._plan.apply(progress, batch_size=batch_size, whole=whole)
        return ExcelReport(
            report.batch_id,
            report.module,
            report.counts,
            report.rows,
            report.requests,
            report.differences,
            self._refused(_left(report.rows)),
        )

    def write_errors(self, target: Target, *, language: str | None = None, form: ErrorForm = "rows") -> None:
        """Write the rows that are not taken over into a workbook that can be corrected and imported again.

        It has the user's own headings and values, after a column with the reasons and one with the row numbers in the
        file, which an import passes over; the cells that the reasons are about are coloured. Without such rows it has
        the headings only. Values of encrypted fields are masked, since a file protects nothing: whoever corrects a row
        writes them in again.

        Args:
            target: A path (.xlsx), or a file open for writing bytes; nothing half-written stays after an error.
            language: Of the reasons; that of the configuration when not given.
            form: `rows` is as told above. `sheet` is the user's own sheet, with its styles and what stands above the
                headings, but only these rows; `marked` is the user's own workbook with all that is in it, these rows
                marked. Both have the reasons in a column at the right end. They are for workbooks of a few megabytes
                (.xlsx); others are written as `rows`, and so is one that openpyxl does not understand, and `sheet`
                where rows come along from further sheets, or texts from beside merged cells.

        Raises: MissingExtraError; OSError where the target cannot be written; ValueError for a path that says another
            format (.csv), or another `form`.
        """
        self._refused(_left(self.rows)).write(target, language, form)

    def _refused(self, rows: tuple[PlannedRow, ...]) -> _Refused:
        plan = self._plan
        return _Refused(self._session, self._source, plan.module, plan.columns.keys, rows, plan.refused_related)

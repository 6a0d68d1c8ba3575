"""Export: what an actor may see, as a workbook (XLS-6).

Text is typed as text, with the text format, so that what begins with =, +, - or @ is no formula, neither when the
file is opened nor when somebody edits the cell. Characters that a spreadsheet cannot hold are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, Literal

import attrs

from custinfo.adapters.excel._columns import ALWAYS, Cells, ExportColumn, chosen_columns, column_cells
from custinfo.adapters.excel._output import Target, check_target, written
from custinfo.adapters.excel._styles import TEXT
from custinfo.adapters.excel._writer import TableWriter, TextCell, number_cell
from custinfo.core.criteria.nodes import Criterion, Everything
from custinfo.core.kinds.masks import mask
from custinfo.core.policy.access import Verdict
from custinfo.core.records import UNREADABLE, FieldKey, Masked, ModuleKey, Record
from custinfo.workspace.access_logging import ExportLog
from custinfo.workspace.context import Context
from custinfo.workspace.gated_exports import GatedExport
from custinfo.workspace.mistakes import context_of, no_text, one_of
from custinfo.workspace.named_references import NamedReferences
from custinfo.workspace.reading import ReadPath
from custinfo.workspace.sealing import sealed_keys
from custinfo.workspace.session import Session
from custinfo.workspace.views import AwaitingApproval

__all__ = ["ExportReport", "ReferenceForm", "export"]

ReferenceForm = Literal["id", "title"]
"""How an export writes references to other records."""

_UNREADABLE: Final = mask("full", "?")
_NEEDED: Final = frozenset({"view", "export"})
_ROWS_AT_ONCE: Final = 500
_value_of: Final = dict[FieldKey, Any].get


@attrs.frozen
class ExportReport:
    """How many records were exported: `rows`, without the heading."""

    rows: int


def export(  # noqa: PLR0913 - options by name, as a call reads them
    session: Session,
    module: ModuleKey,
    target: Target,
    *,
    criteria: Criterion | None = None,
    fields: Sequence[str] | None = None,
    order_by: Sequence[str] = (),
    language: str | None = None,
    references: ReferenceForm = "id",
    reason: str | None = None,
) -> ExportReport | AwaitingApproval:
    """Write the records that the actor may view and export into an .xlsx workbook, one row each.

    Hidden values are blank and masked ones masked, record by record. Numbers and dates are typed; a number of more
    than 15 digits, a date before March 1900 and a time with fractions of a second are text, which loses nothing.
    Times are on the clock of the configuration's zone. Archived records are left out.

    Where a flow on `export` is triggered, nothing is written: the export waits. Once it is approved, the same call,
    with the same criteria, columns and order, writes it within the time of the flow (`Flow.export_hours`), as often as
    wanted and as the actor's rights are by then; the access log names the request.

    Args:
        session: Whose rights count.
        module: Key of the module.
        target: A path (.xlsx), or a file open for writing bytes; nothing half-written stays after an error.
        criteria: Which records; all in reach when not given.
        fields: Names of the columns in order; every field of which the actor sees something, the owner, the time
            of creation and the tags when not given. `id` gives the record's id.
        order_by: Field names, `-` before one for descending.
        language: Of headings and labels; that of the configuration when not given.
        references: `title` writes the titles of the records that fields refer to, by which an import finds them
            again. An id stays where a title would name several records, or none that the actor may export and whose
            title they may read; and where the title is sensitive, encrypted, or guarded by a flow on exports.
        reason: Why, for those who approve it.

    Returns: How many records were written; none is a workbook with a header only. `AwaitingApproval` where it waits.
    Raises: PermissionDeniedError where the actor may not export, or asks for a field that they may not see;
        InvalidInputError for unknown names; OSError where the target cannot be written; ValueError for a path that says
        another format (.csv); StorageError where the export is to be logged and can't be.
    """
    context = context_of(session)
    no_text("fields", fields)
    one_of("references", references, ReferenceForm)
    check_target(target)
    tongue = language or context.schema.configuration.language
    name = context.module(module).definition.label_in(tongue)
    if not context.access(module).may("export"):
        raise context.denied("export", module)
    columns = chosen_columns(context, module, fields, tongue)
    wanted = Everything() if criteria is None else criteria
    keys = tuple(column.key for column in columns)
    admitted = GatedExport(context, module, wanted, keys, tuple(order_by)).admitted(reason)
    if isinstance(admitted, AwaitingApproval):
        return admitted
    approval = None if admitted is None else admitted.id
    records = ReadPath(context).stream(module, wanted, order_by, action="export")
    log = ExportLog(context.readings, context.module(module).definition, wanted, approval)
    with log.reading(), written(target) as file:
        with TableWriter(file, name, [column.column for column in columns]) as writer:
            named = NamedReferences(context, module) if references == "title" else None
            for cells in _Rows(context, module, columns, writer, log, named).of(records):
                writer.write(cells)
        log.finish()
    return ExportReport(log.count)


@attrs.frozen
class _Shown:
    """A column that may be seen: its key, how to read it where it is no field, and what makes its cells.

    `partly` says that not everything may be shown of each value.
    """

    key: FieldKey
    read: Callable[[Record], Any] | None
    cells: Cells
    partly: bool


@attrs.frozen
class _Plan:
    """How to write the records of one verdict; `shown` are the fields that are shown unmasked."""

    verdict: Verdict
    columns: tuple[_Shown, ...]
    shown: frozenset[FieldKey]


class _Rows:
    """Turn records into cells as the verdict on each says, a column at a time for records of the same verdict."""

    def __init__(
        self,
        context: Context,
        module: ModuleKey,
        columns: Sequence[ExportColumn],
        writer: TableWriter,
        log: ExportLog,
        named: NamedReferences | None,
    ) -> None:
        self._context = context
        self._access = context.access(module)
        self._reading = ReadPath(context)
        self._columns = columns
        self._log = log
        self._named = named
        style = writer.style(TEXT)
        self._texts = [TextCell(number, style) for number, _ in enumerate(columns, start=1)]
        numbers = [
            number_cell(number, writer.style(column.column.number_format))
            for number, column in enumerate(columns, start=1)
        ]
        self._makers = [
            column_cells(column, text, number, context.schema.zone)
            for column, text, number in zip(columns, self._texts, numbers, strict=True)
        ]

    def of(self, records: Iterator[Record]) -> Iterator[tuple[str, ...]]:
        """Yield the cells of each record that may be viewed and exported."""
        verdict_on, related, add = self._access.verdict, self._context.related, self._log.add
        plans: dict[int, tuple[Verdict, _Plan | None]] = {}
        current: _Plan | None = None
        alike: list[Record] = []
        for record in records:
            verdict = verdict_on(record, related)
            key = id(verdict)
            if key not in plans:
                plans[key] = verdict, self._plan(verdict) if verdict.actions >= _NEEDED else None
            plan = plans[key][1]
            if plan is None:
                continue
            add(record, plan.shown)
            if plan is not current or len(alike) == _ROWS_AT_ONCE:
                yield from self._cells(current, alike)
                current, alike = plan, []
            alike.append(record)
        yield from self._cells(current, alike)

    def _cells(self, plan: _Plan | None, records: Sequence[Record]) -> Iterator[tuple[str, ...]]:
        """Return the cells of records, row by row, without those of columns that are blank in all of them."""
        if plan is None:
            return iter(())
        sealed = [column.key for column in plan.columns if column.partly]
        if sealed:
            self._context.sealer.unwrap_ahead((record, sealed_keys(record, sealed)) for record in records)
        values = [record.values for record in records]
        filled = set[FieldKey]().union(*values)
        columns = []
        for column in plan.columns:
            if column.read is not None:
                columns.append(column.cells(list(map(column.read, records))))
            elif column.key in filled:
                found = list(map(_value_of, values, repeat(column.key)))
                shown = self._shown(column, plan.verdict, records, found)
                columns.append(column.cells(shown if self._named is None else self._named.of(column.key, shown)))
        return zip(*columns, strict=True) if columns else repeat((), len(records))

    def _shown(
        self, column: _Shown, verdict: Verdict, records: Sequence[Record], found: Sequence[Any]
    ) -> Sequence[Any]:
        """Return the values of a field as they may be shown."""
        if not column.partly:
            return found
        key = column.key
        reveal = self._reading.reveal
        return [reveal(record, key, value, verdict) for record, value in zip(records, found, strict=True)]

    def _plan(self, verdict: Verdict) -> _Plan:
        found = []
        for column, cells, text in zip(self._columns, self._makers, self._texts, strict=True):
            key = column.key
            if key not in ALWAYS and verdict.field(key) == "hidden":
                continue
            partly = column.encrypted or key in verdict.masked
            found.append(_Shown(key, column.read, _partial(cells, text) if partly else cells, partly))
        shown = frozenset(column.key for column in found) - set(ALWAYS)
        return _Plan(verdict, tuple(found), shown - verdict.masked.keys())


def _partial(make: Cells, text: TextCell) -> Cells:
    """Return the maker of cells of values that may be masked, or that nobody can decrypt."""

    def cell(value: Any) -> str:
        if isinstance(value, Masked):
            return text(value.text)
        return text(_UNREADABLE) if value is UNREADABLE else make([value])[0]

    return lambda values: [cell(value) for value in values]

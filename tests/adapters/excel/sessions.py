"""Workspaces and workbooks for the tests of templates, imports and exports."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import openpyxl

from custinfo import Configuration, Session, Workspace
from custinfo.adapters.excel import ExcelPlan, ExcelReport, plan_import, write_template
from custinfo.standard import sample_organisation, standard_configuration

COMPANY: Mapping[str, object] = {
    "客户名称": "北京示例科技有限公司",
    "客户类型": "企业客户",
    "联系人": "张三",
    "联系方式": "13812345678",
    "统一社会信用代码": "91350100M000100Y43",
}
NOW = datetime(2024, 3, 15, 2, 30, tzinfo=UTC)


class CountedIds:
    """Give ids, and know how many it gave."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self) -> str:
        self.given += 1
        return f"01900000-0000-7000-8000-{self.given:012x}"


def local(*parts: int) -> datetime:
    """Return a time as cells hold it, without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def open_workspace(configuration: Configuration | None = None, **settings: Any) -> Workspace:
    """Return a workspace in memory with the sample organisation and a clock that stands still."""
    return Workspace.open(
        "memory://",
        configuration or standard_configuration(),
        **{"organisation": sample_organisation(), "clock": lambda: NOW, **settings},
    )


@contextmanager
def acting_as(actor: str, configuration: Configuration | None = None) -> Iterator[Session]:
    """Give a session in a workspace of its own."""
    with open_workspace(configuration).acting_as(actor) as session:
        yield session


def loaded(content: bytes | io.BytesIO) -> Any:
    """Return a workbook as openpyxl reads it."""
    return openpyxl.load_workbook(io.BytesIO(content) if isinstance(content, bytes) else content)


def template(session: Session, module: str = "customer", **options: Any) -> Any:
    """Return a template as openpyxl reads it."""
    file = io.BytesIO()
    write_template(session, module, file, **options)
    return loaded(file)


def headings(sheet: Any) -> list[str]:
    """Return the headings in row 1."""
    return [cell.value for cell in sheet[1]]


def saved(workbook: Any) -> bytes:
    """Return a workbook of openpyxl as bytes."""
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def filled(session: Session, *rows: Mapping[str, object], module: str = "customer") -> bytes:
    """Return a template that openpyxl filled in."""
    workbook = template(session, module)
    sheet = workbook.worksheets[0]
    columns = {heading.strip("*"): number for number, heading in enumerate(headings(sheet), start=1)}
    for number, row in enumerate(rows, start=2):
        for label, value in row.items():
            sheet.cell(number, columns[label], value)
    return saved(workbook)


def rows_of(sheet: Any) -> list[dict[str, Any]]:
    """Return each row below the header as heading → value."""
    keys = headings(sheet)
    return [dict(zip(keys, values, strict=True)) for values in sheet.iter_rows(min_row=2, values_only=True)]


def table(header: Sequence[str], *rows: Sequence[object], sheet: str = "Sheet") -> bytes:
    """Return a plain workbook."""
    workbook = openpyxl.Workbook()
    page = workbook.active
    assert page is not None
    page.title = sheet
    for row in (header, *rows):
        page.append(row)
    return saved(workbook)


def planned(session: Session, content: bytes, **options: Any) -> ExcelPlan:
    """Return the plan of importing customers."""
    return plan_import(session, "customer", content, **options)


def errors_of(result: ExcelPlan | ExcelReport, **options: Any) -> Any:
    """Return the error workbook as openpyxl reads it."""
    file = io.BytesIO()
    result.write_errors(file, **options)
    return loaded(file)

"""Import of a workbook, plan and apply, against the fastest reader and raw inserts of the same rows."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import python_calamine

from benchmarks.data import HEADER, customer_rows, write_workbook
from benchmarks.harness import Result, best_of
from custinfo import Workspace
from custinfo.adapters.excel import plan_import
from custinfo.standard import sample_organisation, standard_configuration


def run(quick: bool) -> Iterator[Result]:
    """Measure at 20 000 rows, or 5 000."""
    count = 5_000 if quick else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "客户.xlsx")
        rows = customer_rows(count)
        write_workbook(path, rows)
        numbers = iter(range(1000))

        def ours() -> None:
            url = f"sqlite:///{folder}/ours{next(numbers)}.db"
            with Workspace.open(url, standard_configuration(), organisation=sample_organisation()) as workspace:
                with workspace.acting_as("sunjiu") as session:
                    plan = plan_import(session, "customer", path)
                    report = plan.apply()
                if report.counts.creates != count - count // 50:
                    raise RuntimeError(f"unexpected counts: {report.counts}")

        def read() -> list[list[object]]:
            book = python_calamine.load_workbook(str(path))
            return list(book.get_sheet_by_index(0).iter_rows())  # type: ignore[arg-type]

        def floor() -> None:
            table = ", ".join(f"c{number}" for number in range(len(HEADER)))
            marks = ", ".join("?" * len(HEADER))
            database = sqlite3.connect(f"{folder}/floor{next(numbers)}.db")
            database.execute(f"CREATE TABLE customer ({table})")
            database.executemany(f"INSERT INTO customer VALUES ({marks})", read()[1:])
            database.commit()
            database.close()

        own, base = best_of(ours, floor, repeat=1 if quick else 3)
        yield Result("importing", f"plan and apply {count} rows", own, "reader and raw executemany", base, 3.0)

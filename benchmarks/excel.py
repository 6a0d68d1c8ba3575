"""Reading, planning, applying, exporting, templates and error workbooks, against floors and peers; processor time."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import excel_peers
from benchmarks.data import customer_rows, write_workbook
from benchmarks.harness import Result
from custinfo import Workspace
from custinfo.adapters.excel import plan_import, read_tables, write_template
from custinfo.standard import sample_organisation, standard_configuration

_FLOOR = "reader, plain loop, executemany"
_LOADED = (
    "import tablib, openpyxl, pydantic, sqlalchemy.orm, phonenumbers, email_validator, django.db.models\n"
    "from stdnum.cn import uscc"
)
_PATIENCE = 10_000
"""So many rows are imported by the others with screened rules too; at 100 000 each of them takes minutes."""


def best_of(*works: Callable[[], object], repeat: int) -> list[float]:
    """Return the least processor time of each piece of work: other work on the machine then counts for little."""
    best = [float("inf")] * len(works)
    for _ in range(repeat):
        for number, work in enumerate(works):
            gc.collect()
            start = time.process_time()
            work()
            best[number] = min(best[number], time.process_time() - start)
    return best


def _open(folder: str, name: str) -> Workspace:
    url = f"sqlite:///{folder}/{name}.db"
    return Workspace.open(url, standard_configuration(), organisation=sample_organisation())


def imported(path: Path, folder: str, name: str, count: int) -> None:
    """Open an empty store, plan and apply an import, close the store."""
    with _open(folder, name) as workspace:
        applied(workspace, path, count)


def applied(workspace: Workspace, path: Path, count: int) -> None:
    """Plan and apply an import, with permission, duplicates and history."""
    with workspace.acting_as("sunjiu") as session:
        report = plan_import(session, "customer", path).apply()
    if report.counts.creates != count - count // 50:
        raise RuntimeError(f"unexpected counts: {report.counts}")


def run(quick: bool) -> Iterator[Result]:
    """Measure at 10 000 and at 100 000 rows of 12 columns, or at 2 000."""
    sizes = (2_000,) if quick else (10_000, 100_000)
    with tempfile.TemporaryDirectory() as folder:
        for count in sizes:
            path = Path(folder, f"{count}.xlsx")
            write_workbook(path, customer_rows(count))
            yield from _against_floors(path, folder, count, 1 if count > 10_000 else 3)
            yield from _written(path, folder, count)
            yield from _again(path, folder, count)
            yield _memory(path, folder, count)
            yield from _against_peers(path, folder, count)


def _against_floors(path: Path, folder: str, count: int, repeat: int) -> Iterator[Result]:
    numbers = iter(range(1000))

    def file(kind: str) -> str:
        return f"{kind}{count}-{next(numbers)}"

    def read() -> None:
        for table in read_tables(path):
            for _ in table.rows():
                pass

    own, base = best_of(read, lambda: excel_peers.read(path), repeat=repeat)
    yield Result("excel", f"read {count} rows", own, "calamine", base, 2.0)
    with ExitStack() as stack:
        ready = iter([stack.enter_context(_open(folder, file("ready"))) for _ in range(repeat)])
        own, whole, floor, raw, indexed = best_of(
            lambda: applied(next(ready), path, count),
            lambda: imported(path, folder, file("own"), count),
            lambda: excel_peers.plain_floor(path, Path(folder, file("floor"))),
            lambda: excel_peers.raw_floor(path, Path(folder, file("raw"))),
            lambda: excel_peers.indexed_floor(path, Path(folder, file("indexed"))),
            repeat=repeat,
        )
    yield Result("excel", f"plan and apply {count} rows", own, _FLOOR, floor, 3.0)
    yield Result("excel", f"… with the store opened and closed for {count}", whole, _FLOOR, floor, 3.0)
    yield Result("excel", f"plan and apply {count} rows", own, "reader, raw executemany", raw, 3.0)
    yield Result("excel", f"plan and apply {count} rows", own, f"{_FLOOR}, same indexes", indexed, 3.0)


def _written(path: Path, folder: str, count: int) -> Iterator[Result]:
    with _open(folder, f"written{count}") as workspace, workspace.acting_as("sunjiu") as session:
        plan = plan_import(session, "customer", path)
        [seconds] = best_of(lambda: plan_import(session, "customer", path), repeat=1)
        [base] = best_of(lambda: excel_peers.read(path), repeat=1)
        yield Result("excel", f"plan {count} rows", seconds, "calamine", base, 5.0)
        own, base = best_of(lambda: plan.write_errors(io.BytesIO()), lambda: _marked(path), repeat=1)
        case = f"error workbook of {count // 50} in {count} rows"
        yield Result("excel", case, own, "openpyxl, load and save", base, 5.0, faster=True)
        plan.apply()
        [own] = best_of(lambda: write_template(session, "customer", io.BytesIO()), repeat=3)
        yield Result("excel", "template", own, "0.3 s", 0.3, 1.0)
    own = _child(
        "import io; from benchmarks.excel import _open; from custinfo.adapters.excel import export\n"
        f"with _open({folder!r}, 'written{count}') as workspace, workspace.acting_as('zhoushi') as session:\n"
        "    BEGIN\n"
        "    export(session, 'customer', io.BytesIO())"
    )[0]
    loaded = f"import openpyxl; from pathlib import Path; from benchmarks.excel import *\npath = Path({str(path)!r})\n"
    both = _child(f"{loaded}BEGIN\nwrite_only(excel_peers.read(path))")[0]
    alone = _child(f"{loaded}rows = excel_peers.read(path)\nBEGIN\nwrite_only(rows)")[0]
    yield Result("excel", f"export {count} rows", own, "calamine, openpyxl write-only", both, 5.0, faster=True)
    yield Result("excel", f"export {count} rows", own, "openpyxl write-only, rows at hand", alone, 5.0, faster=True)


def _marked(path: Path) -> None:
    import openpyxl
    from openpyxl.styles import PatternFill

    book = openpyxl.load_workbook(path)
    fill = PatternFill("solid", fgColor="FFFFC7CE")
    for row in book.active.iter_rows(min_row=51, min_col=5, max_col=5):
        row[0].fill = fill
    book.save(io.BytesIO())


def write_only(rows: Iterable[Sequence[object]]) -> None:
    """Write rows with openpyxl."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(io.BytesIO())


def _again(path: Path, folder: str, count: int) -> Iterator[Result]:
    """Yield what it takes to import what is there: as it is, and half of it changed beside as many new rows."""
    half = Path(folder, f"half{count}.xlsx")
    rows = customer_rows(count + count // 2)
    changed = [(*row[:9], int(str(row[9])) + 1000, *row[10:]) for row in rows[:count:2]]
    write_workbook(half, [*changed, *rows[count:]])
    with _open(folder, f"again{count}") as workspace, workspace.acting_as("sunjiu") as session:

        def work(file: Path) -> None:
            plan_import(session, "customer", file).apply()

        [new] = best_of(lambda: work(path), repeat=1)
        [same] = best_of(lambda: work(path), repeat=1)
        yield Result("excel", f"the same {count} rows again", same, "the first time", new, 2.0)
        [mixed] = best_of(lambda: work(half), repeat=1)
        yield Result("excel", f"{count} rows, half of them updates", mixed, "all of them new", new, 3.0)


def _child(code: str) -> tuple[float, float]:
    """Run code in a process of its own; return the seconds that it says it took, and the most memory it held in MiB."""
    told = "print(_seconds); print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    begin, end = (
        "import time, gc; gc.collect(); _begin = time.process_time()",
        "_seconds = time.process_time() - _begin",
    )
    command = [sys.executable, "-c", "\n".join((code.replace("BEGIN", begin), end, told))]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(output[-2]), int(output[-1]) / 1024


def _memory(path: Path, folder: str, count: int) -> Result:
    code = (
        "from pathlib import Path; from benchmarks.excel import imported\nBEGIN\n"
        f"imported(Path({str(path)!r}), {folder!r}, 'memory{count}', {count})"
    )
    return Result("excel", f"peak memory, {count} rows", _child(code)[1], "limit", 300, 1.0, unit="MiB")


def _against_peers(path: Path, folder: str, count: int) -> Iterator[Result]:
    """Yield what others take, each in a process of its own that has loaded its libraries, as a server has."""
    few = Path(folder, "few.xlsx")
    write_workbook(few, customer_rows(50))

    def peer(call: str) -> float:
        code = f"from pathlib import Path; from benchmarks import excel_peers\n{_LOADED}\nBEGIN\nexcel_peers.{call}"
        return _child(code.replace("PATH", f"Path({str(path)!r})"))[0]

    own = _child(
        "from pathlib import Path; from benchmarks.excel import imported\n"
        f"imported(Path({str(few)!r}), {folder!r}, 'few{count}', 50)\nBEGIN\n"
        f"imported(Path({str(path)!r}), {folder!r}, 'peer{count}', {count})"
    )[0]
    case = f"open, plan and apply {count} rows"
    peers = [
        ("django-import-export", f"django_import_export(PATH, Path({folder!r}, 'd1{count}'), bulk=False", 20.0),
        ("django-import-export, bulk", f"django_import_export(PATH, Path({folder!r}, 'd2{count}'), bulk=True", 8.0),
        ("tablib, pydantic, SQLAlchemy ORM", f"by_hand(PATH, Path({folder!r}, 'h{count}')", 2.0),
    ]
    for name, call, target in peers:
        yield Result("excel", case, own, name, peer(f"{call})"), target, faster=True)
        if count <= _PATIENCE:
            screened = peer(call.replace(str(count), f"s{count}") + ", screened=True)")
            yield Result("excel", case, own, f"{name}, screened", screened, target, faster=True)

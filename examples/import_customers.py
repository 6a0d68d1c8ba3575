"""Import a workbook from the command line, with a progress bar, and write what was left out beside it.

Run `python examples/import_customers.py examples/data/customers.xlsx --url sqlite:///customers.db`. The bar needs
`pip install rich`; without it, progress is told in lines.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from custinfo import CustinfoError, Progress, Workspace
from custinfo.adapters.excel import plan_import
from custinfo.standard import sample_organisation, standard_configuration


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], object]]:
    """Give what is called after each batch: it moves a bar, or prints a line where rich is not installed."""
    try:
        import rich.progress as bars  # noqa: PLC0415 - optional
    except ImportError:
        print("For a progress bar: pip install rich", file=sys.stderr)
        yield lambda progress: print("Applied", progress)
        return
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    with bars.Progress(*columns, bars.TimeRemainingColumn()) as bar:
        task = bar.add_task("Importing", total=None)
        yield lambda progress: bar.update(task, completed=progress.done, total=progress.total)


def run(file: Path, url: str, actor: str, batch_size: int) -> int:
    """Plan, apply and report; return how many rows were left out."""
    with (
        Workspace.open(url, standard_configuration(), organisation=sample_organisation()) as workspace,
        workspace.acting_as(actor) as session,
    ):
        plan = plan_import(session, "customer", file)
        print(f"Planned: {plan.counts}")
        with progress_shown() as progress:
            report = plan.apply(progress, batch_size=batch_size)
        left = len(report.rejected) + len(report.duplicates)
        print(
            f"Import {report.batch_id}: {report.counts.creates} created, {report.counts.updates} updated, {left} left"
        )
        if left:
            errors = file.with_name(f"{file.stem}-错误.xlsx")
            report.write_errors(errors, form="marked")
            print(f"Correct {errors.name}, and import it: rows that are in the store already change nothing")
        return left


def main() -> int:
    """Read the command line; the exit code is 1 if rows were left out, and 3 if the file cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default="sqlite:///customers.db", help="of the store")
    parser.add_argument("--as", dest="actor", default="sunjiu", help="whose rights count")
    parser.add_argument("--batch-size", type=int, default=1000, help="rows that are saved together")
    given = parser.parse_args()
    try:
        return 1 if run(given.file, given.url, given.actor, given.batch_size) else 0
    except (CustinfoError, OSError) as error:
        print(error, file=sys.stderr)
        return 3


if __name__ == "__main__":
    raise SystemExit(main())

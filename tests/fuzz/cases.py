"""Run some cases in this process: `python -m tests.fuzz.cases first last seed`."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
from functools import cache
from itertools import islice
from pathlib import Path

from custinfo import InvalidInputError, Session, Workspace
from custinfo.adapters.excel import plan_import
from custinfo.adapters.excel.reading import Limits, read_tables
from custinfo.core.errors import UnreadableFileError
from custinfo.standard import sample_organisation, standard_configuration
from tests.fuzz.mutations import mutated

ROOT = Path(__file__).parents[2]
WORKBOOKS = Path(os.environ.get("CUSTINFO_SHARED") or ROOT.parent / "shared") / "data" / "workbooks"
ADDRESS_SPACE = 1024 * 1024 * 1024
SECONDS = 20
LARGEST = 300_000
LIMITS = Limits(max_bytes=4 << 20, max_expanded_bytes=64 << 20, max_cells=2_000_000, max_rows=50_000, max_seconds=10)


@cache
def sources() -> tuple[Path, ...]:
    """Return the real files, small ones only: what they are, not their size, is what matters here."""
    found = sorted(path for path in WORKBOOKS.iterdir() if path.stat().st_size <= LARGEST)
    return tuple(path for path in found if path.suffix in (".xlsx", ".xlsm", ".xls", ".csv"))


def case(number: int, seed: int) -> bytes:
    """Return the file of a case."""
    rng = random.Random(f"{seed}:{number}")
    return mutated(rng, rng.choice(sources()).read_bytes())


def run(content: bytes, session: Session) -> None:
    """Read a file, and plan an import of it; our own errors are the only ones that may happen."""
    try:
        for table in read_tables(content, limits=LIMITS):
            for _ in islice(table.rows(), 2000):
                pass
    except UnreadableFileError:
        return
    try:
        plan_import(session, "customer", content, limits=LIMITS, mapping={"A": "name", "B": "phone"})
    except (UnreadableFileError, InvalidInputError):
        return


def main() -> None:
    """Run the cases that the command line names; a number is printed before each."""
    first, last, seed = map(int, sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    workspace = Workspace.open("memory://", standard_configuration(), organisation=sample_organisation())
    with workspace, workspace.acting_as("sunjiu") as session:
        for number in range(first, last):
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            # Of processor time: a busy machine is no hang. Its default ends the process, even inside a library.
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            run(case(number, seed), session)
            signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()

"""Read files in a process of its own, bounded in memory and time, and print a line of JSON before and after each."""

import json
import resource
import signal
import sys
import time
from itertools import islice
from pathlib import Path

from custinfo.adapters.excel.reading import Table, read_tables
from custinfo.core.errors import UnreadableFileError

ADDRESS_SPACE = 600 * 1024 * 1024
SECONDS = 10
SHOWN = 30


def described(table: Table) -> dict[str, object]:
    """Return a table as JSON can hold it: the first rows as `repr`, the number of all, and the last."""
    rows = table.rows()
    shown = list(islice(rows, SHOWN))
    count, last = len(shown), shown[-1] if shown else None
    for last in rows:  # noqa: B007 -- wanted after the loop
        count += 1
    return {
        "sheet": table.sheet,
        "header": table.header,
        "header_row": table.header_row,
        "columns": table.columns,
        "notes": table.notes,
        "count": count,
        "rows": {number: list(map(repr, values)) for number, values in [*shown, *([last] if last else [])]},
    }


def outcome(path: str) -> dict[str, object]:
    """Return what came of reading one file."""
    begin = time.perf_counter()
    try:
        result: dict[str, object] = {"tables": [described(table) for table in read_tables(path)]}
    except UnreadableFileError as error:
        result = {"code": error.code}
    return {"path": path, "seconds": time.perf_counter() - begin, "peak_mebibytes": peak_mebibytes(), **result}


def peak_mebibytes() -> int:
    """Return the most memory that this process ever held; what its parent held does not count."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Read each file that the command line names."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for path in sys.argv[1:]:
        signal.alarm(SECONDS)  # its default ends the process, even inside a library
        sys.stdout.write(json.dumps({"begin": path}) + "\n")
        sys.stdout.flush()
        sys.stdout.write(json.dumps(outcome(path)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

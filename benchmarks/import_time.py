"""How long `import custinfo` takes, against the libraries that it can't do without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import Result, best_of


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def run(quick: bool) -> Iterator[Result]:
    """Measure in fresh processes, the start of Python itself taken off."""
    own, used, floor, start = best_of(
        lambda: _python("import custinfo"),
        lambda: _python("from custinfo import F, Workspace"),
        lambda: _python("import attrs, cattrs"),
        lambda: _python("pass"),
        repeat=5 if quick else 15,
    )
    yield Result("import_time", "import custinfo", own - start, "import attrs, cattrs", floor - start, 2.0)
    yield Result(
        "import_time", "from custinfo import F, Workspace", used - start, "import attrs, cattrs", floor - start, 2.0
    )

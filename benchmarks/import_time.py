"""How long `import custinfo` takes, against the libraries that it can't do without."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.harness import Result, best_of


def run(quick: bool) -> Iterator[Result]:
    """Measure in fresh processes, the start of Python itself taken off and all bytecode compiled beforehand."""
    with tempfile.TemporaryDirectory() as folder:
        # An installed package has its bytecode; a checkout may not, where Python is told not to write any.
        surroundings = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        surroundings.pop("PYTHONDONTWRITEBYTECODE", None)

        def python(code: str) -> None:
            subprocess.run([sys.executable, "-c", code], check=True, env=surroundings)

        python("from custinfo import F, Workspace; import cattrs")
        own, used, floor, start = best_of(
            lambda: python("import custinfo"),
            lambda: python("from custinfo import F, Workspace"),
            lambda: python("import attrs, cattrs"),
            lambda: python("pass"),
            repeat=5 if quick else 15,
        )
    peer = "import attrs, cattrs"
    yield Result("import_time", "import custinfo", own - start, peer, floor - start, 2.0)
    yield Result("import_time", "from custinfo import F, Workspace", used - start, peer, floor - start, 2.0)

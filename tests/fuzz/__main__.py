"""`python -m tests.fuzz --cases 20000 [--seed 1]`: read and plan damaged files; only our own errors may come out.

Cases run in processes of their own with bounded memory and time, so that one that hangs or kills its process is found
and named. A case is told by its number alone: `--only 123` runs it again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.fuzz.cases import sources

PER_PROCESS = 250


def run(first: int, last: int, seed: int) -> tuple[int, str]:
    """Run cases in one process; return how many were begun, and what went wrong."""
    command = [sys.executable, "-m", "tests.fuzz.cases", str(first), str(last), str(seed)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    begun = [int(line) for line in child.stdout.split() if line.isdigit()]
    if child.returncode == 0:
        return last - first, ""
    return (begun[-1] - first + 1 if begun else 0), f"exit {child.returncode}\n{child.stderr[-3000:]}"


def main() -> int:
    """Run the cases; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of the one case to run")
    arguments = parser.parse_args()
    first, end = (0, arguments.cases) if arguments.only is None else (arguments.only, arguments.only + 1)
    print(f"{end - first} cases from {len(sources())} files, seed {arguments.seed}", flush=True)
    failures = 0
    while first < end:
        done, problem = run(first, min(first + PER_PROCESS, end), arguments.seed)
        if problem:
            failures += 1
            print(f"case {first + done - 1}: {problem}", flush=True)
            if not done:
                return 2
        first += done
        if first % 2000 < PER_PROCESS:
            print(f"{first} done, {failures} failed", flush=True)
    print(f"{failures} failures", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())

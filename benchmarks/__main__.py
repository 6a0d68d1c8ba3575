"""`python -m benchmarks [topic …] [--quick] [--json]`."""

from __future__ import annotations

import argparse
import importlib

from benchmarks.harness import report

TOPICS = ("import_time", "validate", "policy", "approval", "history", "importing", "excel", "duplicates", "storage")


def main() -> int:
    """Run topics and print their ratios; the exit code is 0 whether or not targets are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("topics", nargs="*", metavar="topic", help=", ".join(TOPICS))
    parser.add_argument("--quick", action="store_true", help="less data: all topics within a minute")
    parser.add_argument("--customers", type=int, help="storage: how many; 100 000 if not given, 20 000 with --quick")
    parser.add_argument("--databases", help="storage: which, with commas: sqlite,postgresql,mariadb; all if not given")
    parser.add_argument("--keep", metavar="FOLDER", help="storage: keep the stores, and use those that are there")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    unknown = set(arguments.topics) - set(TOPICS)
    if unknown:
        parser.error(f"no such topic: {', '.join(sorted(unknown))}")
    missed = 0
    for topic in arguments.topics or TOPICS:
        module = importlib.import_module(f"benchmarks.{topic}")
        storage = {"customers": arguments.customers, "databases": arguments.databases, "keep": arguments.keep}
        given = storage if topic == "storage" else {}
        results = module.run(arguments.quick, **given)
        missed += sum(not result.holds for result in report(results, as_json=arguments.json))
    if not arguments.json:
        print(f"{missed} targets missed" if missed else "all targets met")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

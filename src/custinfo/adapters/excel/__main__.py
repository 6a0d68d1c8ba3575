"""`python -m custinfo.adapters.excel`: templates, and a look at files before any code is written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, get_args

from custinfo.adapters.excel._output import check_target
from custinfo.adapters.excel._phrases import phrase
from custinfo.adapters.excel.importing import ExcelPlan, plan_import
from custinfo.adapters.excel.template import write_template
from custinfo.core.configuration import Configuration
from custinfo.core.errors import CustinfoError, UnreadableFileError
from custinfo.core.problems import Problem
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planned_rows import RowOutcome, count_name
from custinfo.workspace.session import Session
from custinfo.workspace.workspace import Workspace

__all__ = ["main"]

_EXIT_CODES: Final = """
exit codes:
  0  all is well
  1  some rows would not be taken over, or no column was understood
  2  the command line is wrong
  3  the file cannot be read

Without --configuration the standard configuration and its sample organisation are used, and --as is one of the
people in it: sunjiu, who may import, if not given.
"""
_SHOWN: Final = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code."""
    given = _parser().parse_args(arguments)
    try:
        configuration = _configuration(given.configuration)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        _say(f"--configuration: {error}", error=True)
        return 2
    try:
        workspace = Workspace.open(given.url, configuration, organisation=sample_organisation())
        with workspace, workspace.acting_as(given.actor) as session:
            return int(given.run(session, given))
    except UnreadableFileError as error:
        _say(error.message(given.language), error=True)
        return 3
    except CustinfoError as error:
        _say(error.message(given.language), error=True)
        return 1
    except OSError as error:
        _say(str(error), error=True)
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m custinfo.adapters.excel",
        description=__doc__,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    template = _command(commands, "template", _template, "write a workbook to fill in")
    template.add_argument("target", type=_workbook_path, help="the .xlsx file to write")
    check = _command(commands, "check", _check, "say how the columns of a file are understood")
    plan = _command(commands, "plan", _plan, "say what an import of a file would do; nothing is saved")
    for command in (check, plan):
        command.add_argument("file", type=Path, help="a workbook or text table")
        command.add_argument("--sheet", help="the worksheet to read, where there are several")
        command.add_argument(
            "--map", action="append", default=[], metavar="HEADING=FIELD", help="what a heading means; may be repeated"
        )
    plan.add_argument(
        "--related", action="append", default=[], metavar="SHEET=MODULE", help="a further sheet; may be repeated"
    )
    plan.add_argument(
        "--key", metavar="HEADING", help="of the column that links further sheets; the title if not given"
    )
    plan.add_argument("--errors", type=_workbook_path, metavar="TARGET", help="write the rows that are not taken over")
    plan.add_argument("--workbook", type=_workbook_path, metavar="TARGET", help="write the plan, row by row")
    return parser


def _workbook_path(text: str) -> Path:
    try:
        check_target(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return Path(text)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, run: object, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text.capitalize() + ".")
    parser.add_argument("--module", default="customer", help="key of the module (customer)")
    parser.add_argument("--language", default="zh", help="of labels and messages (zh)")
    parser.add_argument("--as", dest="actor", default="sunjiu", metavar="MEMBER", help="whose rights count (sunjiu)")
    parser.add_argument("--url", default="memory://", help="of the store to compare with (memory://, which is empty)")
    parser.add_argument(
        "--configuration", metavar="MODULE:NAME", help="a Configuration, or a function that returns one"
    )
    parser.set_defaults(run=run)
    return parser


def _configuration(name: str | None) -> Configuration:
    if name is None:
        return standard_configuration()
    module, _, attribute = name.partition(":")
    found = getattr(import_module(module), attribute)
    configuration = found() if callable(found) else found
    if not isinstance(configuration, Configuration):
        raise TypeError(f"{name} is no Configuration")
    return configuration


def _template(session: Session, given: argparse.Namespace) -> int:
    write_template(session, given.module, given.target, language=given.language)
    _say(str(given.target))
    return 0


def _planned(session: Session, given: argparse.Namespace) -> ExcelPlan:
    mapping, related = (_pairs(items) for items in (given.map, getattr(given, "related", ())))
    key = getattr(given, "key", None)
    return plan_import(session, given.module, given.file, sheet=given.sheet, mapping=mapping, related=related, key=key)


def _pairs(items: Sequence[str]) -> dict[str, str]:
    return dict(item.partition("=")[::2] for item in items)


def _check(session: Session, given: argparse.Namespace) -> int:
    plan = _planned(session, given)
    schema = session.context.module(given.module)
    alike: dict[str, list[str]] = {}
    for item in plan.suggestions:
        alike.setdefault(item.heading, []).append(f"{item.field} ({item.score:.2f})")
    _say(_rows_found(plan, given))
    for heading, key in plan.columns.items():
        meaning = f"{key} {schema.label(key, given.language)}" if key else plan.attached.get(heading, "—")
        fields = phrase(given.language, "list").join(alike.get(heading, ()))
        hint = f"   {phrase(given.language, 'column_alike', fields=fields)}" if fields else ""
        _say(f"  {heading or phrase(given.language, 'column_blank')}  →  {meaning}{hint}")
    _tell([problem for problem in plan.column_problems if problem.code != "unmapped_column"], given)
    return 0 if any(plan.columns.values()) else 1


def _plan(session: Session, given: argparse.Namespace) -> int:
    plan = _planned(session, given)
    counts = plan.counts
    outcomes = [
        f"{phrase(given.language, f'outcome_{outcome}')} {number}"
        for outcome in get_args(RowOutcome)
        if (number := getattr(counts, count_name(outcome)))
    ]
    _say(phrase(given.language, "and").join((_rows_found(plan, given), *outcomes)))
    left = [problem for problem in plan.problems if problem.severity == "error"]
    skipped = [problem for problem in plan.problems if problem.code == "no_data_row"]
    _tell([*(problem for problem in plan.column_problems if problem.severity != "error"), *skipped], given)
    _tell(left, given)
    if given.errors is not None:
        plan.write_errors(given.errors, language=given.language)
        _say(str(given.errors))
    if given.workbook is not None:
        plan.write(given.workbook, language=given.language)
        _say(str(given.workbook))
    return 1 if left or counts.rejected or counts.duplicates or counts.conflicts else 0


def _rows_found(plan: ExcelPlan, given: argparse.Namespace) -> str:
    return phrase(given.language, "rows_found", name=plan.sheet or given.file.name, count=plan.counts.total)


def _tell(problems: Sequence[Problem], given: argparse.Namespace) -> None:
    for problem in problems[:_SHOWN]:
        row = f"{problem.place.row}: " if problem.place is not None and problem.place.row else ""
        _say(f"  {row}{problem.message(given.language)}")
    if len(problems) > _SHOWN:
        _say(f"  {phrase(given.language, 'and_more', count=len(problems) - _SHOWN)}")


def _say(text: str, *, error: bool = False) -> None:
    """Print a text, with marks for what the terminal cannot show."""
    stream = sys.stderr if error else sys.stdout
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), file=stream)


if __name__ == "__main__":
    raise SystemExit(main())

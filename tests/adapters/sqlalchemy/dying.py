"""A process that works in bulk until it is killed: run as `python -m`; it tells each step that is committed, and waits.

The work is made of the same numbers each time, so that it can be done once more, undisturbed, to compare with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from custinfo import Workspace
from custinfo.adapters.sqlalchemy import SqlAlchemyUnits, _filling, _titling
from custinfo.adapters.sqlalchemy import units as units_module
from custinfo.adapters.sqlalchemy._engines import open_engine
from custinfo.core.configuration import Configuration
from custinfo.core.fields import FieldDefinition
from custinfo.ports import Units
from custinfo.standard import sample_organisation, standard_configuration
from custinfo.workspace.planning import make_plan

__all__ = ["BASE", "BATCH", "Sheet", "import_sheet", "open_workspace", "sheet_of"]

BASE: Final = 60
"""So many customers are there from the beginning, each of which every sheet changes."""

BATCH: Final = 20
"""Rows that an import commits together."""


def configuration() -> Configuration:
    """Return the standard configuration with a unique number and announced customers, of whom any field is indexed."""
    standard = standard_configuration().with_fields("customer", FieldDefinition("card", "text", "卡号", unique=True))
    return standard.with_modules(attrs.evolve(standard.modules["customer"], announced=True))


def open_workspace(units: Units) -> Workspace:
    """Open a workspace on a store."""
    return Workspace(configuration(), units=units, organisation=sample_organisation())


@attrs.frozen
class Sheet:
    """A table as a reader would give it; headings are in row 1."""

    content: tuple[tuple[object, ...], ...]
    header: tuple[str, ...] = ("客户名称", "客户类型", "联系人", "联系方式", "卡号", "企业地址", "负责人")
    sheet: str = "客户"
    header_row: int = 1
    columns: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)

    def rows(self) -> Iterator[tuple[int, tuple[object, ...]]]:
        """Yield the rows, numbered."""
        yield from enumerate(self.content, start=2)


def sheet_of(number: int) -> Sheet:
    """Return the table that adds as many customers as there were at first, and changes each of those; 0 makes those.

    A customer who is changed takes a number that another one gives up in the same batch, or has had for itself.
    """
    base = [_row("老客户", place, number) for place in range(BASE)]
    if number == 0:
        return Sheet(tuple(base))
    new = [_row(f"新客户{number}-", place, number) for place in range(BASE)]
    return Sheet(tuple(row for pair in zip(base, new, strict=True) for row in pair))


def _row(name: str, place: int, number: int) -> tuple[object, ...]:
    old = name.startswith("老")
    phone = f"139{0 if old else number:03}{place:05}"
    card = f"{place}-{number % 3}" if old else None
    return (f"{name}{place:03}", "企业客户", "张三", phone, card, f"北京市{number}号{place}", "lisi")


def import_sheet(workspace: Workspace, number: int, told: Callable[[object], object] | None = None) -> None:
    """Import a sheet, or go on with it."""
    with workspace.acting_as("sunjiu") as session:
        plan = make_plan(session.context, "customer", sheet_of(number), digest=f"{number}", duplicates="create")
        assert plan.rejected == (), plan.rejected[0].problems
        plan.apply(told, batch_size=BATCH)


def main(given: Mapping[str, Any]) -> None:
    """Do one's work, and tell each step."""
    units_module.SMALL_FILL = 0  # type: ignore[attr-defined] # nothing is done beforehand
    _filling._BATCH = _filling._SQLITE_BATCH = _titling._BATCH = BATCH  # type: ignore[misc]
    workspace = open_workspace(SqlAlchemyUnits(open_engine(given["url"]), prefix=given["prefix"]))

    def tell(*_: object) -> None:
        sys.stdout.write("done\n")
        sys.stdout.flush()
        sys.stdin.readline()  # or it might be done before anybody comes to kill it

    tell()
    if given["work"] == "import":
        import_sheet(workspace, given["sheet"], tell)
    else:
        workspace.build_indexes(tell)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

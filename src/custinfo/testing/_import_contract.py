"""What `ImportRepository` promises."""

# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

from datetime import timedelta

import attrs

from custinfo.core.frozen import FrozenDict
from custinfo.core.importing import ImportBatch
from custinfo.core.offers import offered
from custinfo.ports import ImportTurns
from custinfo.testing._harness import Harness
from custinfo.testing._samples import NOW
from custinfo.testing._telling import same

__all__ = ["ImportContract"]


class ImportContract(Harness):
    """Imports come back equal, and running ones are found by their content."""

    def test_imports_come_back(self) -> None:
        """An import is inserted, replaced and read."""
        batch = ImportBatch("b1", "thing", "digest", "ann", NOW, counts=FrozenDict({"creates": 2}))
        later = attrs.evolve(batch, state="done", position=7)
        with self.begin() as unit:
            assert unit.imports.get("b1") is None
            unit.imports.save(batch)
            same(unit.imports.get("b1"), batch)
            unit.imports.save(later)
            same(unit.imports.get("b1"), later)
        with self.begin("two") as unit:
            assert unit.imports.get("b1") is None

    def test_imports_of_the_same_content(self) -> None:
        """A store that lets importers take turns tells of all imports of one content by one member, oldest first."""
        first = ImportBatch("b2", "thing", "digest", "ann", NOW, "undone")
        later = ImportBatch("b1", "thing", "digest", "ann", NOW + timedelta(seconds=1), position=3)
        others = [
            ImportBatch("b3", "thing", "other", "ann", NOW),
            ImportBatch("b4", "thing", "digest", "bob", NOW),
            ImportBatch("b5", "thing_note", "digest", "ann", NOW),
        ]
        with self.begin() as unit:
            turns = offered(unit.imports, ImportTurns)
            if turns is None:
                return
            same(list(turns.of_content("thing", "digest", "ann", hold=True)), [])
            for batch in (later, first, *others):
                unit.imports.save(batch)
            for hold in (False, True):
                same(list(turns.of_content("thing", "digest", "ann", hold=hold)), [first, later])

    def test_unfinished_finds_running_imports(self) -> None:
        """Only a running import of the same module, content and member is found; the latest of several."""
        batch = ImportBatch("b1", "thing", "digest", "ann", NOW)
        with self.begin() as unit:
            earlier = ImportBatch("b2", "thing", "digest", "ann", NOW - timedelta(hours=1))
            unit.imports.save(earlier)
            unit.imports.save(batch)
            same(unit.imports.unfinished("thing", "digest", "ann"), batch)
            assert unit.imports.unfinished("thing", "other", "ann") is None
            assert unit.imports.unfinished("thing", "digest", "bob") is None
            assert unit.imports.unfinished("thing_note", "digest", "ann") is None
            unit.imports.save(attrs.evolve(batch, state="done"))
            same(unit.imports.unfinished("thing", "digest", "ann"), earlier)
            unit.imports.save(attrs.evolve(earlier, state="undone"))
            assert unit.imports.unfinished("thing", "digest", "ann") is None
        with self.begin("two") as unit:
            assert unit.imports.unfinished("thing", "digest", "ann") is None

"""Looking up unique values before they are saved, for many records at once.

The store's constraint decides; this check finds all clashes beforehand, so that they are reported together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from custinfo.core.problems import Problem
from custinfo.core.records import FieldKey, ModuleKey, Record, RecordId, Sealed
from custinfo.core.stored import unique_keys
from custinfo.workspace.context import Context

__all__ = ["UniqueCheck"]

Candidate = tuple[Record | None, Record, list[Problem]]


class UniqueCheck:
    """Find values that another live record has, or that two records of one batch would share."""

    def __init__(self, context: Context, *, everything: bool = False) -> None:
        self._context = context
        self._everything = everything

    def run(self, batch: Iterable[Candidate]) -> None:
        """Append `not_unique` to the problems of each record whose unique value is taken.

        Args:
            batch: For each record: before (`None` for a new one), after (with plain values), its problems.
        """
        wanted: dict[tuple[ModuleKey, FieldKey], dict[str, list[Candidate]]] = {}
        for candidate in batch:
            for key, texts in self._values(candidate[0], candidate[1]):
                for text in texts:
                    wanted.setdefault((candidate[1].module, key), {}).setdefault(text, []).append(candidate)
        for (module, key), by_value in wanted.items():
            holders = self._context.unit.records.holders(module, key, by_value.keys())
            told = self._told(module, key, holders)
            for value, candidates in by_value.items():
                self._report(key, told.get(value), candidates)

    def _told(self, module: ModuleKey, key: FieldKey, holders: Mapping[str, RecordId]) -> dict[str, RecordId]:
        """Return the holders of whom the actor may be told: elsewhere only the store refuses, when all else is well."""
        records = self._context.unit.records.get(module, set(holders.values())) if holders else {}
        return {
            value: holder
            for value, holder in holders.items()
            if holder in records and (self._everything or key in self._context.verdict(records[holder]).readable)
        }

    def _report(self, key: FieldKey, holder: RecordId | None, candidates: list[Candidate]) -> None:
        claimed = False
        for _, after, problems in candidates:
            sound = not any(problem.severity == "error" for problem in problems)
            taken = Problem("not_unique", key)  # maybe told already, of the same value under another key
            if (claimed or (holder is not None and holder != after.id)) and taken not in problems:
                problems.append(taken)
            claimed = claimed or sound

    def _values(self, before: Record | None, after: Record) -> Iterable[tuple[FieldKey, tuple[str, ...]]]:
        restored = before is not None and before.archived_at is not None
        if after.archived_at is not None:
            return
        module = self._context.module(after.module)
        for field in module.unique_fields:
            value = after.values.get(field.key)
            if value is None or (before is not None and not restored and before.values.get(field.key) == value):
                continue
            if field.encrypted and type(value) is not Sealed:
                yield field.key, self._context.sealer.blind_indexes(field, after.module, value)
            else:
                yield field.key, unique_keys(module, field.key, value)

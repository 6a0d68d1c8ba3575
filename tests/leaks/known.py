"""The answers that tell something after all: the list of `docs/explanation/what-refusals-tell.md`, in code.

Each entry is the anchor of its row there, and tells of two differing answers to one call whether it is that row, and
nothing else, that makes the difference. The test excepts these and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs


@attrs.frozen
class Difference:
    """Two answers to one call that differ."""

    verb: str
    drawn: Any
    answers: tuple[str, str]

    def codes(self, *codes: str) -> bool:
        """Tell whether one of the answers is a refusal with one of these codes."""
        return any(f"code='{code}'" in text or f"('{code}'," in text for text in self.answers for code in codes)


WRITES: Final = tuple(
    f"Records.{name}"
    for name in ("create", "update", "revert", "restore", "tag", "transfer", "archive", "claim", "release", "merge")
)
IMPORT: Final = "custinfo.adapters.excel.plan_import"

KNOWN: Final[dict[str, Callable[[Difference], bool]]] = {
    "configuring": lambda found: found.verb.startswith("LiveConfiguration."),
    "erasing": lambda found: found.verb in ("Records.erase_person", "Records.erasures"),
}

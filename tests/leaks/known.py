"""The answers that tell something after all: the list of `docs/explanation/what-refusals-tell.md`, in code.

Each entry is named as its paragraph there, and tells of two differing answers to one call whether it is that row, and
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


KNOWN: Final[dict[str, Callable[[Difference], bool]]] = {
    "configuring": lambda found: found.verb.startswith("LiveConfiguration."),
    "erasing": lambda found: found.verb in ("Records.erase_person", "Records.erasures"),
}

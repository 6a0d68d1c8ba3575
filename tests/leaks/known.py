"""The answers that tell something after all: the list of `docs/explanation/what-refusals-tell.md`, in code.

Each entry is named as its paragraph there, and tells of two differing answers to one call whether it is that row, and
nothing else, that makes the difference. The test excepts these and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import attrs


@attrs.frozen
class Difference:
    """Two answers to one call that differ."""

    verb: str
    drawn: Any
    answers: tuple[str, str]


_TOLD: Final = re.compile(r"\b(?:changes|requests)=\d+|\bproof='[^']*'")
"""The counts of a certificate, and its proof, which is made with fresh randomness and so never twice the same."""


def _in_counts(found: Difference) -> bool:
    """Tell whether two certificates differ in the counts of what was erased, and in nothing else but the proof.

    Or whether there is something to erase, which a rule that erases tells like a certificate.
    """
    if found.verb == "Retention.preview" and found.drawn[0] == "wiped":
        return True
    return found.verb in ("Records.erase_person", "Records.erasures") and len(set(_bare(found))) == 1


def _bare(found: Difference) -> list[str]:
    return [_TOLD.sub("…", told) for told in found.answers]


KNOWN: Final[dict[str, Callable[[Difference], bool]]] = {
    "configuring": lambda found: found.verb.startswith("LiveConfiguration."),
    "erasing": _in_counts,
}

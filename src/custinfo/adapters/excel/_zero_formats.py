"""Number formats by which a number has zeros in front: 123 as `000123`, 8015551 as `080-155-51`.

Codes of people and places are kept so: postal codes, area codes, numbers of employees. What people see is the code, and
the number in the cell is not. A format counts where one of its sections is made of places for digits and of plain
characters, with two zeros or more. Amounts, percentages, fractions and dates have other marks in them.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Final

import attrs

__all__ = ["ZeroFormat", "zero_format"]

TOKEN: Final = re.compile(r'"([^"]*)"|\\(.)|[_*](.)|\[([^\]]*)\]|([0#])|([-+() ]|[^\x00-\x7f])|(;)|(.)', re.DOTALL)
NOTHING_SEEN: Final = re.compile(r"\$-[0-9A-Fa-f]{1,8}|[A-Za-z]{3,7}(?<!DBNum)|Color\s?\d{1,2}|\w?色", re.IGNORECASE)
"""What stands in brackets and shows nothing: a language, a colour."""
CONDITION: Final = re.compile(r"(<=|>=|<>|<|>|=)(\d{1,15})")
COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
FEWEST: Final = 2
LONGEST: Final = 255
EXACT: Final = 10**15
"""From here on a number has lost digits: it stays one, for its field to say so."""


@attrs.frozen
class _Section:
    """A part of a format: its places for digits and its characters, none where it is of another kind.

    `pads` says whether it puts zeros in front; `zeros` are how many places it has where it has nothing else.
    """

    tokens: tuple[tuple[str, bool], ...]
    condition: tuple[str, int] | None
    pads: bool
    zeros: int

    def holds(self, number: int) -> bool:
        return self.condition is not None and COMPARE[self.condition[0]](number, self.condition[1])

    def shown(self, number: int) -> str | None:
        if not self.pads:
            return None
        if self.zeros:
            return str(number).zfill(self.zeros)
        left, seen, places = list(str(number)), list[str](), sum(place for _, place in self.tokens)
        for sign, place in reversed(self.tokens):
            if not place:
                seen.append(sign)
                continue
            places -= 1
            if not places:
                seen.extend(reversed(left) if left else (["0"] if sign == "0" else []))
            elif left:
                seen.append(left.pop())
            elif sign == "0":
                seen.append("0")
        return "".join(reversed(seen)).strip()


@attrs.frozen
class ZeroFormat:
    """Show whole numbers as a format with zeros in front does.

    >>> postal, number = zero_format("000000"), zero_format('"E"0000')
    >>> postal.shown(123), postal.shown(200000), number.shown(12), number.shown(-1), number.shown(10**15)
    ('000123', '200000', 'E0012', None, None)
    """

    _sections: tuple[_Section, ...] = attrs.field(alias="sections")

    def shown(self, number: float) -> str | None:
        """Return what people see of a whole number; None where it stays a number."""
        if not (isinstance(number, int) and 0 <= number < EXACT):
            return None
        section = self._section(number)
        return section.shown(number) if section else None

    def _section(self, number: int) -> _Section | None:
        first, *others = self._sections
        if first.condition is None:
            return others[1] if not number and len(others) > 1 else first
        if first.holds(number) or not others:
            return first if first.holds(number) else None
        if others[0].condition is None:
            return others[0] if len(others) == 1 else None
        return others[0] if others[0].holds(number) else (others[1] if len(others) > 1 else None)


def zero_format(code: str) -> ZeroFormat | None:
    r"""Return a format by its code, or None for one without zeros in front.

    >>> [zero_format(code) is None for code in ("0", "0.00", "#,##0", "00.0", "yyyy-mm-dd", "00%", "@", "00E+00")]
    [True, True, True, True, True, True, True, True]
    >>> zero_format("[<=99999]00000;00000-0000").shown(123456789), zero_format(r"000\-0000").shown(1234567)
    ('12345-6789', '123-4567')
    """
    if len(code) > LONGEST or code.count("0") < FEWEST:
        return None
    sections = tuple(map(_section, _split(code)))
    return ZeroFormat(sections) if any(section.pads for section in sections) else None


def _split(code: str) -> list[list[re.Match[str]]]:
    sections: list[list[re.Match[str]]] = [[]]
    for match in TOKEN.finditer(code):
        if match[7]:
            sections.append([])
        else:
            sections[-1].append(match)
    return sections


def _section(matches: Sequence[re.Match[str]]) -> _Section:
    tokens: list[tuple[str, bool]] = []
    condition, plain = None, True
    for match in matches:
        quoted, escaped, _, bracket, place, character, _, other = match.groups()
        if place or (text := quoted or escaped or character):
            tokens.append((place, True) if place else (text, False))
        elif bracket is not None and (found := CONDITION.fullmatch(bracket)):
            condition = found[1], int(found[2])
        elif other or (bracket is not None and not NOTHING_SEEN.fullmatch(bracket)):
            plain = False
    zeros = sum(place and sign == "0" for sign, place in tokens) if plain else 0
    alone = zeros if zeros == len(tokens) else 0
    return _Section(tuple(tokens) if plain else (), condition, pads=zeros >= FEWEST, zeros=alone)

"""Formulas of computed fields: a small language, as people know it from spreadsheets (FLD-2).

A formula makes one value out of the values of one record. It has static types, so that a formula which cannot work is
refused when a configuration is made, and not when a customer is saved. It depends on nothing but those values: neither
on the present time, nor on chance, nor on other records, since its result is stored.

=============================  =======================================================================================
Written                        Means
=============================  =======================================================================================
``合同金额``, ``paid_amount``  A field by label, alias or key; ``[合同 金额]`` where the name has blanks, signs or
                               parentheses, or begins with a digit
``12.5``, ``50万``, ``10%``    A number; 万 and 亿 multiply, per cent divides
``"成交"``                     A text; ``""`` within it is one quotation mark, ``""`` alone a blank. Beside a choice,
                               and where one is the result, it names an entry by code, label or alias
``TRUE``, ``FALSE``            Yes and no
``-a``, ``a + b``, ``a - b``   Numbers; a date plus or minus days; the days between two dates
``a * b``, ``a / b``           Numbers; a division by zero is blank
``a & b``                      Texts joined; numbers as digits, dates as 2024-01-31, choices as codes, blanks as
                               nothing
``= <> < <= > >=``             Comparisons of two values of one type; of texts by code point, where letter case
                               matters. Choices and booleans know ``=`` and ``<>`` only. ``a = ""`` and ``a <> ""``
                               ask whether `a` is blank or not
=============================  =======================================================================================

``%`` binds closest, then signs, ``* /``, ``+ -``, ``&``, and comparisons; parentheses as usual. A formula may begin
with ``=``. The full-width signs of Chinese input methods count as the narrow ones, also ``≤ ≥ ≠ × ÷``, curly quotation
marks, and ``;`` for a comma. Functions may be written in any letter case:

========================================  ============================================================================
Function                                  Value
========================================  ============================================================================
``IF(condition, a, b)``                   `a` where the condition holds, else `b`; blank without `b`
``AND(p, …)``, ``OR(p, …)``, ``NOT(p)``   As usual
``ISBLANK(a)``                            Whether `a`, of any type, is blank
``COALESCE(a, …)``                        The first that is not blank
``MIN(a, …)``, ``MAX(a, …)``              The least or greatest of numbers or dates
``SUM(a, …)``, ``AVERAGE(a, …)``          Of the numbers that are not blank
``ROUND(a, places)``                      Rounded half away from zero; `places` is a constant from -12 to 6, and 0 if
                                          not given
``ROUNDUP(a, places)``, ``ROUNDDOWN(…)``  Rounded away from zero, or towards it
``INT(a)``, ``ABS(a)``                    The next lower whole number; the number without its sign
``LEN(t)``                                How many characters
``LEFT(t, n)``, ``RIGHT(t, n)``           The first or last characters, one if `n` is not given
``MID(t, start, n)``                      Characters from `start`, counted from 1
``UPPER(t)``, ``LOWER(t)``, ``TRIM(t)``   Letter case; without outer blanks, inner ones single
``DATE(year, month, day)``                A date; blank if there is no such day
``YEAR(d)``, ``MONTH(d)``, ``DAY(d)``     Parts of a date
``DAYS(end, start)``                      Days between, the end first as in spreadsheets: `end - start`
``MONTHS(start, end)``, ``YEARS(…)``      Whole months or years between; negative if the end is earlier
``EDATE(d, months)``                      So many months later, at most the last day of that month
========================================  ============================================================================

A function that spreadsheets have too takes the same arguments here, and means the same.

Blanks: an operation with a blank is blank. Exceptions are ``&``, which joins nothing; ``COALESCE``, ``MIN``, ``MAX``,
``SUM`` and ``AVERAGE``, which skip blanks and are blank where all are; and what yields yes or no: a comparison with a
blank is false, ``<>`` too, and a blank condition counts as false. Yes and no are two-valued, as in criteria. An empty
text is a blank.

Numbers are decimals of 64 digits. What a division has rounded is put right to 20 places before it is compared, rounded
or found to be zero, so that a third thrice is one. The result is rounded half away from zero to the places that its
field has: none for an integer, two for money unless its option `decimal_places` says otherwise, at most six. A number
that the field cannot hold, and a text that is too long for it, become blank.

A time counts as its day in the configured time zone wherever a date is needed. Where whole days, months or characters
are counted, decimals are dropped.
"""

from __future__ import annotations

from custinfo.core.formulas._compiling import CompiledFormula, compile_formula
from custinfo.core.formulas._nodes import FORMULA_LONGEST, FORMULA_NESTED_DEEPEST, Node
from custinfo.core.formulas._ordering import evaluation_order
from custinfo.core.formulas._parser import names_in, parse
from custinfo.core.formulas._types import Choices, FieldInfo, FormulaType, ResultType, result_type, type_of_kind

__all__ = [
    "FORMULA_LONGEST",
    "FORMULA_NESTED_DEEPEST",
    "Choices",
    "CompiledFormula",
    "FieldInfo",
    "FormulaType",
    "Node",
    "ResultType",
    "compile_formula",
    "evaluation_order",
    "names_in",
    "parse",
    "result_type",
    "type_of_kind",
]

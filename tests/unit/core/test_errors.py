"""The exceptions: one tree, picklable, without personal values."""

from __future__ import annotations

import pickle

import pytest

from custinfo.core import errors
from custinfo.core.errors import (
    ConfigurationError,
    ConflictError,
    CustinfoError,
    DuplicateValueError,
    FieldReservedError,
    IllegalTransitionError,
    InvalidCriterionError,
    InvalidCursorError,
    InvalidInputError,
    MissingExtraError,
    NotFoundError,
    NotYourDecisionError,
    PermissionDeniedError,
    SessionEndedError,
    StaleVersionError,
    StorageError,
    UnreadableFileError,
)
from custinfo.core.problems import Place, Problem

PARENTS: dict[type[CustinfoError], type[Exception]] = {
    CustinfoError: Exception,
    InvalidInputError: CustinfoError,
    ConfigurationError: InvalidInputError,
    InvalidCriterionError: InvalidInputError,
    InvalidCursorError: InvalidInputError,
    PermissionDeniedError: CustinfoError,
    NotFoundError: CustinfoError,
    ConflictError: CustinfoError,
    StaleVersionError: ConflictError,
    DuplicateValueError: ConflictError,
    FieldReservedError: ConflictError,
    IllegalTransitionError: CustinfoError,
    NotYourDecisionError: IllegalTransitionError,
    SessionEndedError: CustinfoError,
    UnreadableFileError: CustinfoError,
    StorageError: CustinfoError,
    MissingExtraError: CustinfoError,
}
PROBLEMS = (Problem("too_long", "name", params={"limit": 3}), Problem("required", "phone"))


def test_the_tree() -> None:
    """Each error has the parent that the documentation draws, and all of them are exported."""
    assert {kind: kind.__bases__[0] for kind in PARENTS} == PARENTS
    assert {kind.__name__ for kind in PARENTS} == set(errors.__all__)
    assert issubclass(MissingExtraError, ImportError)


@pytest.mark.parametrize("kind", PARENTS)
def test_errors_pickle(kind: type[CustinfoError]) -> None:
    """An error comes out of a pickle with its type and its problems."""
    error = pickle.loads(pickle.dumps(kind(PROBLEMS)))
    assert type(error) is kind
    assert error.problems == PROBLEMS
    assert str(error) == str(kind(PROBLEMS))


@pytest.mark.parametrize("kind", PARENTS)
def test_errors_speak_both_languages(kind: type[CustinfoError]) -> None:
    """A message has one line a problem; the plain text is English with the codes."""
    error = kind(iter(PROBLEMS))
    assert error.code == "too_long"
    assert error.message() == "name：最多 3 个字符\nphone：必填"
    assert error.message("en") == "name: at most 3 characters are allowed\nphone: a value is required"
    assert str(error) == "name: at most 3 characters are allowed [too_long]; phone: a value is required [required]"


def test_the_text_says_where_in_a_workbook() -> None:
    """What an import refuses is told with its cell or row, and without the name of the sheet, which is a value."""
    problems = (
        Problem("required", "name", Place("张三", 3, 28)),
        Problem("unknown_field", "x", Place("张三", 1)),
        Problem("missing_column", "phone", Place("张三", column=2)),
        Problem("no_header", place=Place("张三")),
    )
    assert str(InvalidInputError(problems)) == (
        "AB3: name: a value is required [required]; row 1: x: there is no field of this name [unknown_field]; "
        "column B: phone: there is no heading of this name in the file [missing_column]; "
        "no row of headings was found that names fields: say which column is which field (mapping=…) [no_header]"
    )
    assert InvalidInputError(problems[:2]).message() == "AB3：name：必填\n第 1 行：x：没有这个字段"


def test_the_text_of_many_problems_is_short() -> None:
    """The first ten are told, and how many more there are; `message` and `problems` have all of them."""
    error = InvalidInputError(Problem("required", "name", Place("客户", row)) for row in range(2, 5002))
    assert str(error).startswith("row 2: name: a value is required [required]; row 3: ")
    assert str(error).endswith("; row 11: name: a value is required [required]; and 4990 more")
    assert len(error.message("en").splitlines()) == len(error.problems) == 5000


def test_an_error_without_problems() -> None:
    """Even an error that was given no problem can be shown."""
    error = CustinfoError([])
    assert error.code == "error"
    assert error.message() == ""
    assert str(error) == ""


def test_the_request_that_holds_a_field() -> None:
    """A reserved field says which request holds it."""
    error = FieldReservedError([Problem("field_reserved", "status", params={"request_id": "r-1"})])
    assert error.request_id == "r-1"


@pytest.mark.parametrize(("code", "retryable"), [("storage_retryable", True), ("storage_failed", False)])
def test_whether_to_try_again(code: str, retryable: bool) -> None:
    """A storage error says whether the same work may succeed later."""
    assert StorageError([Problem(code)]).retryable is retryable


def test_a_missing_extra_names_what_to_install() -> None:
    """The text is the command that helps."""
    error = MissingExtraError.of("excel", "openpyxl")
    assert error.message("en") == "openpyxl is not installed: pip install 'custinfo[excel]'"
    assert error.message("zh") == "未安装 openpyxl：pip install 'custinfo[excel]'"
    with pytest.raises(ImportError):
        raise error

"""Where workbooks go: under a name that says what they are, all of them or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from custinfo import Applied, Session, policy_matrix
from custinfo.adapters.excel import export, plan_import, write_policy_matrix, write_subject_access, write_template
from custinfo.core.subject_access import SubjectAccess
from custinfo.standard import sample_organisation, standard_configuration
from tests.adapters.excel.sessions import COMPANY, acting_as, table

BAD = table(list(COMPANY), ["甲公司"])


def _matrix(session: Session, target: Any) -> object:
    write_policy_matrix(policy_matrix(standard_configuration(), organisation=sample_organisation()), target)
    return session


def _held(session: Session, target: Any) -> object:
    created = session.customers.create(dict(COMPANY))
    assert isinstance(created, Applied)
    answer = session.customers.subject_access(created.record.id)
    assert isinstance(answer, SubjectAccess)
    write_subject_access(session, answer, target)
    return session


WRITERS: dict[str, tuple[str, Callable[[Session, Any], object]]] = {
    "template": ("lisi", lambda session, target: write_template(session, "customer", target)),
    "export": ("lisi", lambda session, target: export(session, "customer", target)),
    "plan": ("sunjiu", lambda session, target: plan_import(session, "customer", BAD).write(target)),
    "errors": ("sunjiu", lambda session, target: plan_import(session, "customer", BAD).write_errors(target)),
    "own sheet": (
        "sunjiu",
        lambda session, target: plan_import(session, "customer", BAD).write_errors(target, form="sheet"),
    ),
    "sample": ("sunjiu", lambda session, target: plan_import(session, "customer", BAD).sample_check(9).write(target)),
    "matrix": ("sunjiu", _matrix),
    "held": ("lisi", _held),
}


@pytest.mark.parametrize("name", ["x.csv", "X.XLS", "x.xlsm", "客户.ods", "x.pdf"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_name_that_says_another_format_is_refused(writer: str, name: str, tmp_path: Path) -> None:
    """Who writes 客户.csv would get a file that nothing opens as one; nothing is written, the name isn't told."""
    actor, write = WRITERS[writer]
    told = r"may not end in \.[a-z]+; \.xlsx is meant"
    with acting_as(actor) as session, pytest.raises(ValueError, match=told) as caught:
        write(session, tmp_path / name)
    assert "客户" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x.xlsx", "X.XLSX", "x", "x.part", "2024.03", ".hidden"])
@pytest.mark.parametrize("writer", WRITERS)
def test_other_names_are_written(writer: str, name: str, tmp_path: Path) -> None:
    """Programs write to names without an ending, or with one of their own, and give the file its name at the end."""
    actor, write = WRITERS[writer]
    with acting_as(actor) as session:
        write(session, str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(b"PK")


@pytest.mark.parametrize("writer", WRITERS)
def test_neither_a_path_nor_a_file(writer: str) -> None:
    """It is misuse, said before anything is done."""
    actor, write = WRITERS[writer]
    with acting_as(actor) as session, pytest.raises(TypeError, match="target must be a path or a file"):
        write(session, 7)


def test_an_error_says_the_name_that_was_given(tmp_path: Path) -> None:
    """Not that of the file that is written beside it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for target in (folder, tmp_path / "none" / "x.xlsx"):
        with acting_as("lisi") as session, pytest.raises(OSError, match=r"^\[Errno \d+\] [\w ]+: '[^']+'$") as caught:
            write_template(session, "customer", target)
        assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == [folder]

"""The package as a whole: what importing it costs, what it shows, and that its errors travel."""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import custinfo
import custinfo.core.errors
import custinfo.ports
import custinfo.standard
import custinfo.testing
from custinfo import CustinfoError, MissingExtraError, Place, Problem, StorageError

ROOT = Path(__file__).parents[1]

UNWANTED = {
    "sqlalchemy",
    "alembic",
    "openpyxl",
    "python_calamine",
    "xlsxwriter",
    "cryptography",
    "phonenumbers",
    "email_validator",
    "stdnum",
    "rapidfuzz",
}

ERRORS = sorted(
    (value for value in vars(custinfo.core.errors).values() if inspect.isclass(value) and issubclass(value, Exception)),
    key=lambda error: error.__name__,
)


def modules_after(statement: str) -> set[str]:
    """Return the names of the modules that are loaded in a new process after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "statement",
    ["import custinfo", "from custinfo import *", "from custinfo.standard import *", "from custinfo.ports import *"],
)
def test_importing_loads_no_adapter_and_no_heavy_library(statement: str) -> None:
    """Importing the package loads neither an adapter, nor an optional library, nor the ones for numbers and mail."""
    loaded = modules_after(statement)
    assert "custinfo" in loaded
    assert loaded.isdisjoint(UNWANTED)
    assert not [name for name in loaded if name.startswith("custinfo.adapters")]


@pytest.mark.parametrize(
    "module",
    [custinfo, custinfo.ports, custinfo.standard, custinfo.testing],
    ids=lambda m: m.__name__,
)
def test_all_is_what_is_visible(module: ModuleType) -> None:
    """`__all__` names everything that a reader finds in a public module, and only that."""
    visible = {name for name in dir(module) if not name.startswith("_")}
    visible = {name for name in visible if not inspect.ismodule(getattr(module, name))}
    assert visible == set(module.__all__)
    assert len(module.__all__) == len(set(module.__all__))


def test_stores_are_tried_without_pytest() -> None:
    """A random history is played, and samples are made, where neither pytest nor hypothesis is installed."""
    script = "import sys; sys.modules.update(pytest=None, hypothesis=None); from custinfo.testing import {}"
    for names in ("run_conformance, find_disagreement, make_record", "RepositoryContract, UpkeepContract"):
        subprocess.run([sys.executable, "-c", script.format(names)], check=True)


def test_an_unknown_name_is_missing() -> None:
    """Names are found on first use; one that does not exist raises the usual error."""
    with pytest.raises(AttributeError, match="no attribute 'Werkspace'"):
        getattr(custinfo, "Werkspace")  # noqa: B009 - what a type checker would refuse


def test_public_objects_are_documented() -> None:
    """Every public class and function has a docstring."""
    bare = [
        name
        for name in custinfo.__all__
        if inspect.isclass(value := getattr(custinfo, name)) or inspect.isfunction(value)
        if not inspect.getdoc(value)
    ]
    assert bare == []


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_errors_pickle(error: type[CustinfoError]) -> None:
    """An error goes to another process and back with its problems."""
    problem = Problem("too_long", "name", Place("客户", 3, 1), {"limit": 200})
    copy = pickle.loads(pickle.dumps(error([problem])))
    assert type(copy) is error
    assert copy.problems == (problem,)
    assert str(copy) == str(error([problem]))


def test_every_public_error_is_exported() -> None:
    """The root package names every error, so that a caller needs one import."""
    assert {error.__name__ for error in ERRORS} <= set(custinfo.__all__)


def test_errors_have_one_root() -> None:
    """One `except` catches everything that the library raises about data."""
    assert all(issubclass(error, CustinfoError) for error in ERRORS)
    assert issubclass(MissingExtraError, ImportError)
    assert StorageError([Problem("storage_retryable")]).retryable


def test_version_is_that_of_the_distribution() -> None:
    """What is installed is what `pyproject.toml` says, and the change log has a section for it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert importlib.metadata.version("custinfo") == declared
    assert f"## {declared}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_typing_marker_is_installed() -> None:
    """Type checkers find the annotations."""
    assert (Path(custinfo.__file__).parent / "py.typed").is_file()

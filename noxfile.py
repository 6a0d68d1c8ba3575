"""The checks, each in an environment of its own: `nox`, or `nox -s tests-3.12`."""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"  # the interpreters that are there are used, the others are skipped
nox.options.sessions = ["tests", "core_only", "lowest", "examples", "types", "lint", "docs"]

PROJECT = nox.project.load_toml("pyproject.toml")
MAIN = "3.11"
CORE_TESTS = ["tests/unit/core", "tests/property/test_kinds.py", "src/custinfo/core", "src/custinfo/standard"]
"""What needs none of the extras."""

DATABASES = {
    "POSTGRESQL": ("postgresql", "postgres@127.0.0.1:5432/test"),
    "MARIADB": ("mysql", "root@127.0.0.1:3306/test"),
}


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return list(nox.project.dependency_groups(PROJECT, name))


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run everything against the package as it is built."""
    session.install(".[all,test]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=MAIN)
def core_only(session: nox.Session) -> None:
    """Run what needs no extra, without any."""
    session.install(".", *PROJECT["project"]["optional-dependencies"]["test"])
    for library in ("sqlalchemy", "alembic", "openpyxl", "cryptography"):
        session.run("python", "-c", f"import importlib.util as u; assert u.find_spec({library!r}) is None")
    session.run("pytest", "-n", "auto", *(session.posargs or CORE_TESTS))
    session.run("python", "-W", "error", "examples/custom_fields.py")


@nox.session(python=MAIN, venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run everything with the lowest versions that `pyproject.toml` allows."""
    session.install("--resolution", "lowest-direct", ".[all,test]")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=MAIN)
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches the tests reach."""
    session.install("-e", ".[all,test]")
    session.run("pytest", "-n", "auto", "--cov", "--cov-report=term-missing", *session.posargs)


@nox.session(python=MAIN)
def examples(session: nox.Session) -> None:
    """Run the example scripts, with warnings as errors."""
    session.install(".[all]")
    folder = session.create_tmp()
    session.run("python", "-W", "error", "examples/quickstart.py", folder)
    session.run("python", "-W", "error", "examples/custom_fields.py")
    session.run("python", "-W", "error", "examples/own_repository.py")


@nox.session(python=MAIN)
def types(session: nox.Session) -> None:
    """Check the annotations."""
    session.install("-e", ".[all,test]", *group("lint"), *group("docs"), *group("bench"), "nox")
    session.run("mypy")
    session.run("basedpyright")
    session.run("basedpyright", "--verifytypes", "custinfo", "--ignoreexternal")


@nox.session(python=MAIN)
def lint(session: nox.Session) -> None:
    """Check style, imports between the layers, and docstrings."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("interrogate", "-q", "src")


@nox.session(python=MAIN)
def docs(session: nox.Session) -> None:
    """Build the pages, and run the examples in them."""
    session.install("-e", ".[all,test]", *group("docs"))
    session.run("sphinx-build", "-W", "-q", "-E", "-b", "html", "docs", "docs/_build/html")
    session.run("pytest", "-q", "README.md", "docs", "src", "tests/test_docs.py")


@nox.session(python=MAIN)
def drivers(session: nox.Session) -> None:
    """Run what hosts' own drivers have to do, those that have to be compiled among them, and the contract with some."""
    session.install("-e", ".[all,test]", "mysqlclient", "mariadb", "asyncmy")
    session.run("pytest", "-q", "tests/adapters/sqlalchemy/test_drivers.py", "tests/adapters/sqlalchemy/test_async.py")
    for name, server in (("psycopg2", "POSTGRESQL"), ("pg8000", "POSTGRESQL"), ("mysqldb", "MARIADB")):
        backend, address = DATABASES[server]
        contract = f"tests/contract/test_{server.lower()}.py"
        session.run("pytest", "-q", contract, env={f"CUSTINFO_{server}": f"{backend}+{name}://{address}"})


@nox.session(python=MAIN)
def fuzz(session: nox.Session) -> None:
    """Read and plan 20 000 damaged files; takes some minutes."""
    session.install("-e", ".[all,test]")
    session.run("python", "-m", "tests.fuzz", *(session.posargs or ["--cases", "20000"]))


@nox.session(python=MAIN)
def bench(session: nox.Session) -> None:
    """Measure against the floors."""
    session.install(".[all,test]", *group("bench"))
    session.run("python", "-m", "benchmarks", *session.posargs)

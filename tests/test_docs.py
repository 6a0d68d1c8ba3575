"""The documentation: its examples are collected, and its reference names everything public."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import runpy
import subprocess
import sys
from collections import Counter
from doctest import DocTestParser
from functools import cache
from pathlib import Path

import pytest

import custinfo
from custinfo.core.outbox import RECORD_EVENTS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*/*.md"))
EXECUTED = [page for page in PAGES if "```python" in page.read_text("utf-8")]

REFERENCE = {
    "custinfo": "custinfo.md",
    "custinfo.adapters.crypto": "adapters-crypto.md",
    "custinfo.adapters.documents": "adapters-documents.md",
    "custinfo.adapters.excel": "adapters-excel.md",
    "custinfo.adapters.duplicates": "adapters-duplicates.md",
    "custinfo.adapters.memory": "adapters-memory.md",
    "custinfo.adapters.sqlalchemy": "adapters-sqlalchemy.md",
    "custinfo.adapters.sqlalchemy.migrations": "adapters-sqlalchemy.md",
    "custinfo.core.approval.flows": "policy.md",
    "custinfo.core.documents": "adapters-documents.md",
    "custinfo.core.kinds": "kinds.md",
    "custinfo.core.policy.grants": "policy.md",
    "custinfo.core.rules": "policy.md",
    "custinfo.core.store_errors": "adapters-documents.md",
    "custinfo.ports": "ports.md",
    "custinfo.ports.documents": "adapters-documents.md",
    "custinfo.ports.scanning": "adapters-documents.md",
    "custinfo.standard": "standard.md",
    "custinfo.testing": "testing.md",
}


@cache
def collected() -> Counter[str]:
    """Return file → number of examples that pytest collects, as it would for a whole run."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = subprocess.run(
        [*command, "README.md", "docs", "src"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Counter({name: int(number) for name, number in re.findall(r"^(\S+): (\d+)$", done.stdout, re.MULTILINE)})


def test_readme_is_executed() -> None:
    """The taste in README.md is a test."""
    assert collected()["README.md"] >= 1


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_of_a_page_is_executed(page: Path) -> None:
    """Each Python block of a page is at least one test."""
    blocks = page.read_text("utf-8").count("```python")
    assert collected()[page.relative_to(ROOT).as_posix()] >= blocks > 0


def test_tutorial_and_how_tos_have_examples() -> None:
    """There is a tutorial and at least three how-tos, and none is without an example."""
    pages = [page for page in PAGES if page.parent.name in ("tutorial", "how-to")]
    assert len(pages) >= 4
    assert set(pages) <= set(EXECUTED)


def test_every_docstring_with_an_example_is_executed() -> None:
    """No module of the package has an example that is not a test, at whatever depth it lies."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"^\s*>>> ", path.read_text("utf-8"), re.MULTILINE)
    }
    assert len(expected) >= 20
    assert expected == {name for name in collected() if name.startswith("src/")}


def test_examples_in_python_blocks_only() -> None:
    """A page has no other fence in which an example would escape the tests."""
    for page in [ROOT / "README.md", *PAGES]:
        fences = set(re.findall(r"^```(\S+)$", page.read_text("utf-8"), re.MULTILINE))
        assert fences <= {"python", "sh", "text", "{eval-rst}", "{toctree}"}, page


def written_in_examples() -> str:
    """Return the text of everything that the tests execute for readers: blocks of pages, docstrings, and scripts."""
    pages = [page.read_text("utf-8") for page in (ROOT / "README.md", *PAGES)]
    blocks = [block for page in pages for block in re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    scripts = [path.read_text("utf-8") for path in (ROOT / "examples").glob("*.py")]
    docstrings = [
        example.source + example.want
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        for example in DocTestParser().get_examples(ast.get_docstring(node) or "")
    ]
    return "\n".join([*blocks, *scripts, *docstrings])


WITHOUT_EXAMPLE = {
    "custinfo.DuplicateValueError": "raised by a race of two transactions only, which no page can play",
}
"""Public names that no example has, each with the reason."""


def in_examples(module: str) -> bool:
    """Tell whether hosts write code against a module, so that each of its names is to be seen in use."""
    return module.startswith(("custinfo.adapters.", "custinfo.ports", "custinfo.standard", "custinfo.testing"))


@pytest.mark.parametrize("page", sorted(DOCS.glob("how-to/*.md")), ids=lambda page: page.stem)
def test_names_come_from_where_hosts_find_them(page: Path) -> None:
    """A how-to takes from `custinfo` what is there, so that readers see one way and not two."""
    taken = re.findall(r"^from custinfo\.core\S* import (\([^)]*\)|.*)$", page.read_text("utf-8"), re.MULTILINE)
    assert not {name for names in taken for name in re.findall(r"\w+", names)} & set(custinfo.__all__)


def test_every_event_is_in_the_table() -> None:
    """Whoever listens finds on the page every type of event that there is about records."""
    page = (DOCS / "how-to" / "deliver-events.md").read_text("utf-8")
    (cell,) = re.findall(r"^\| (`record\.created`[^|]*)", page, re.MULTILINE)
    assert {name.removeprefix("record") for name in RECORD_EVENTS.values()} == {
        name.removeprefix("record") for name in re.findall(r"`([^`]+)`", cell)
    }


def test_every_public_name_is_in_an_example() -> None:
    """Whoever looks a public name up finds an executed example of it."""
    words = set(re.findall(r"\w+", written_in_examples()))
    modules = ["custinfo", *filter(in_examples, REFERENCE)]
    missing = {
        f"{module}.{name}"
        for module in modules
        for name in importlib.import_module(module).__all__
        if name not in words
    }
    assert missing == set(WITHOUT_EXAMPLE)


def described_by_autodoc(value: object) -> bool:
    """Return whether a docstring of the value itself goes into the page."""
    return inspect.isclass(value) or inspect.isfunction(value)


@pytest.mark.parametrize(("module", "page"), REFERENCE.items())
def test_reference_names_everything_public(module: str, page: str) -> None:
    """Each public name is on its reference page: in the sources, by name or through the whole module."""
    text = (DOCS / "reference" / page).read_text("utf-8")
    loaded = importlib.import_module(module)
    names = list(loaded.__all__)
    if f".. automodule:: {module}\n" in text:
        # Constants and aliases have no docstring of their own: autodoc leaves them out, and the page names them.
        names = [name for name in names if not described_by_autodoc(getattr(loaded, name))]
    missing = [name for name in names if not re.search(rf":: {re.escape(module)}\.{name}$", text, re.MULTILINE)]
    assert missing == []


def test_reference_names_exist() -> None:
    """Each name on a reference page can be imported."""
    for page in (DOCS / "reference").glob("*.md"):
        for kind, name in re.findall(r"^\.\. (auto\w+|py:data):: (\S+)$", page.read_text("utf-8"), re.MULTILINE):
            if kind == "automodule":
                importlib.import_module(name)
            else:
                home, _, attribute = name.rpartition(".")
                assert hasattr(importlib.import_module(home), attribute), name


def test_every_page_is_in_a_table_of_contents() -> None:
    """Each page can be reached."""
    listed = {
        (index.parent / entry).with_suffix(".md").resolve()
        for index in DOCS.rglob("index.md")
        for block in re.findall(r"```{toctree}\n(.*?)```", index.read_text("utf-8"), re.DOTALL)
        for entry in re.findall(r"^([\w/-]+)$", block, re.MULTILINE)
    }
    assert {page.resolve() for page in PAGES} == listed


def test_the_front_pages_list_every_how_to_by_the_same_subjects() -> None:
    """Who reads README.md finds what who reads the pages finds, in the same places."""
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = {
        subject.lower(): re.findall(r"\(docs/how-to/([\w-]+)\.md\)", entries)
        for subject, entries in re.findall(r"^  - \*\*(.*?)\*\*:(.*?)(?=^  - |^- )", readme, re.MULTILINE | re.DOTALL)
    }
    index = (DOCS / "index.md").read_text("utf-8")
    shown = {
        subject: re.findall(r"^how-to/([\w-]+)$", entries, re.MULTILINE)
        for subject, entries in re.findall(r'^:caption: "How to: (.*?)"$(.*?)^```', index, re.MULTILINE | re.DOTALL)
    }
    assert listed == shown
    assert sum(map(len, shown.values())) == len(list((DOCS / "how-to").glob("*.md")))


def test_readme_commands_come_first() -> None:
    """The first two shell blocks are one command each: the first runs the quickstart, the second the tests."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert all(len(block.strip().splitlines()) == 1 for block in blocks[:2])
    assert blocks[0].strip().endswith("examples/quickstart.py")
    assert "pytest" in blocks[1]


def test_links_between_pages_lead_somewhere() -> None:
    """Each relative link of a page and of README.md leads to a file."""
    for page in [ROOT / "README.md", DOCS / "index.md", *PAGES]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_page_of_the_approval_machine_is_up_to_date() -> None:
    """The page says what the table says that decides: `python docs/approval_machine.py` writes it."""
    machine = runpy.run_path(str(DOCS / "approval_machine.py"))
    assert machine["PAGE"].read_text("utf-8") == machine["page"]()

"""Sphinx configuration."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "custinfo"
author = "The custinfo developers"
project_copyright = "The custinfo developers"
version = release = version_of("custinfo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"custinfo {version}"

# Docstrings write `names` between single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True
myst_heading_anchors = 3

INLINE_SECTION = re.compile(r"(Returns|Raises|Yields): (\S.*)")


def spread_sections(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Make a paragraph of each section that a docstring writes on one line, such as `Raises: NotFoundError`."""
    spread: list[str] = []
    within = False
    for line in lines:
        section = INLINE_SECTION.fullmatch(line)
        if section is not None:
            spread += ["", f"**{section[1]}:** {section[2]}"]
            within = True
        elif within and line.startswith("    "):
            spread.append(line.strip())
        else:
            if within and line:
                spread.append("")
            spread.append(line)
            within = False
    lines[:] = spread


def setup(app: Sphinx) -> None:
    """Treat docstrings before napoleon does."""
    app.connect("autodoc-process-docstring", spread_sections, priority=400)

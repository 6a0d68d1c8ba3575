"""Sphinx configuration."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version as version_of
from typing import Any

import attrs
from sphinx.application import Sphinx

project = "custinfo"
author = "The custinfo developers"
project_copyright = "The custinfo developers"
version = release = version_of("custinfo")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"custinfo {version}"
html_static_path = ["_static"]
html_css_files = ["wide.css"]

# Docstrings write `names` between single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"Criterion": "custinfo.Criterion"}  # its twenty classes say less than its name
autodoc_preserve_defaults = True  # as the source writes them: some default is a whole catalogue of messages
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
myst_heading_anchors = 3

COLON = "\ue000"
LONGEST_DEFAULT = 60
ATTRS_DEFAULT = re.compile(r"attr_dict\['(\w+)'\]\.default|\bNOTHING\b")
ALIAS = re.compile(r"TypeAliasForwardRef\('([\w.]+)'\)")
INLINE_SECTION = re.compile(r"(Returns|Raises|Yields): (\S.*)")


def spread_sections(_app: Sphinx, what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Make a paragraph of each section that a docstring writes on one line, such as `Raises: NotFoundError`."""
    spread: list[str] = []
    within = False
    for line in lines:
        section = INLINE_SECTION.fullmatch(line)
        if section is not None:
            spread += ["", f"**{section[1]}:** {section[2]}"]
            within = True
        elif within and line:
            spread.append(line.strip())
        else:
            spread.append(line)
            within = False
    if what in ("attribute", "property"):
        spread[:1] = [line.replace(":", COLON) for line in spread[:1]]
    lines[:] = spread


def restore_colons(_app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Write again the colons that were hidden from napoleon, which takes what is before one for an attribute's type."""
    lines[:] = [line.replace(COLON, ":") for line in lines]


def write_defaults(
    _app: Sphinx, _what: str, _name: str, value: object, _options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Write the defaults of an attrs class as values, since its source is made by attrs; long ones as an ellipsis.

    A Protocol is not called: it has no signature. Aliases are written by name.
    """
    if getattr(value, "_is_protocol", False):
        return "", None
    signature, returns = (text and ALIAS.sub(r"\1", text) for text in (signature, returns))
    if signature is None or not isinstance(value, type) or not attrs.has(value):
        return signature, returns
    fields = attrs.fields_dict(value)

    def written(match: re.Match[str]) -> str:
        default = fields[match[1]].default if match[1] else ...
        text = default.__name__ if inspect.isfunction(default) else "..." if default is ... else repr(default)
        return text if len(text) <= LONGEST_DEFAULT else "..."

    return ATTRS_DEFAULT.sub(written, signature), returns


def leave_out_object(_app: Sphinx, _domain: str, _kind: str, content: Any) -> None:
    """Don't say of a class that it has no base but `object`."""
    if len(content) and content[0].astext() == "Bases: object":
        content.remove(content[0])


def setup(app: Sphinx) -> None:
    """Treat docstrings before napoleon does, and what autodoc made of them after it."""
    app.connect("autodoc-process-docstring", spread_sections, priority=400)
    app.connect("autodoc-process-docstring", restore_colons, priority=600)
    app.connect("autodoc-process-signature", write_defaults)
    app.connect("object-description-transform", leave_out_object)

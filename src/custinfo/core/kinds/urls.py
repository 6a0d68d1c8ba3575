"""Web addresses."""

from __future__ import annotations

import re
from typing import Any, Final

from custinfo.core.fields import FieldDefinition
from custinfo.core.kinds._kind import Kind, KindContext, Parser
from custinfo.core.kinds._raw import Report, read_text
from custinfo.core.kinds.texts import as_is
from custinfo.core.problems import Problem

__all__ = ["URL"]

_LIMIT: Final = 2048
_URL: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,31})://)?"
    r"(?P<host>[^\s/?#@:\\\[\]<>\"]{1,253})(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?#][^\s<>\"\\]*)?"
)
_LABEL: Final = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")
_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: "."}


def _is_host(host: str) -> bool:
    """Whether `host` is a public name with at least two labels, or an IPv4 address."""
    labels = host.split(".")
    if labels[-1].isdecimal():
        return host.isascii() and _IPV4.fullmatch(host) is not None
    return len(labels) > 1 and "_" not in labels[-1] and all(_LABEL.fullmatch(label) for label in labels)


def _canonical(text: str, schemes: tuple[str, ...]) -> str | None:
    match = _URL.fullmatch(text)
    if match is None or not text.isprintable():
        return None
    scheme, host = (match["scheme"] or schemes[0]).lower(), match["host"].translate(_WIDE).lower()
    if scheme not in schemes or not _is_host(host) or int(match["port"] or 0) > 65535:
        return None
    port = f":{match['port']}" if match["port"] else ""
    return f"{scheme}://{host}{port}{match['rest'] or ''}"


def _parser(field: FieldDefinition, context: KindContext) -> Parser:  # noqa: ARG001
    report = Report.of(field, "invalid_url")
    option = field.options.get("schemes")
    schemes = option if isinstance(option, tuple) and option else ("https", "http")

    def parse(raw: object, problems: list[Problem]) -> Any:
        if not isinstance(raw, str | None):
            return report.refuse_type(raw, problems)
        text = read_text(raw, report, _LIMIT, problems)
        if not isinstance(text, str):
            return text
        value = _canonical(text, schemes)
        return report.compare(raw, value, problems) if value else report.refuse(problems)

    return parse


URL: Final = Kind("url", _parser, as_is, cell_format="@", ordered=False)
"""`str`: an absolute web address, its scheme and host in lower case; `www.example.com` becomes `https://…`.

A name and password in it are refused. Options: `schemes`, `("https", "http")` if not given; the first is added.
"""

"""Pictures as SVG, drawn here: no program, no font file, no measuring by a browser."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from custinfo.core.diagrams.picture import Box, Look, Picture

__all__ = ["text_width", "to_svg"]

_SIZE: Final = 14
_LINE: Final = 22
_PAD: Final = 14
_GAP: Final = 44
_LEAST: Final = 160
_FONT: Final = "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif"
_COLOURS: Final[dict[Look, tuple[str, str]]] = {
    "plain": ("#ffffff", "#8a94a3"),
    "done": ("#e6f4ea", "#34a853"),
    "open": ("#fff4d6", "#e09b00"),
    "stopped": ("#fde7e7", "#d93025"),
    "end": ("#eef1f6", "#5f6b7a"),
}
_NARROW: Final = frozenset("iIl.,:;'|!()[] ftjr·")
_BROAD: Final = frozenset("mwMW%@")


def text_width(text: str, size: float = _SIZE) -> float:
    """Return about how wide a text is in units of the picture: an ideograph is as wide as it is high.

    >>> text_width("部门经理", 10)
    40.0
    >>> text_width("ab", 10) < text_width("审批", 10)
    True
    """
    return sum(map(_width, text)) * size


def _width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in ("W", "F"):
        return 1.0
    if character in _BROAD:
        return 0.9
    return 0.34 if character in _NARROW else 0.6


def to_svg(picture: Picture) -> str:
    """Return a picture as an SVG document, boxes below each other with arrows between them.

    >>> from custinfo.core.diagrams.picture import Box
    >>> to_svg(Picture("流程", (Box("提交"), Box("生效")))).startswith("<svg xmlns=")
    True
    """
    heights = [_height(box) for box in picture.boxes]
    inner = max([_LEAST, *(_box_width(box) for box in picture.boxes)])
    width = max(inner + 2 * _PAD, text_width(picture.title, 16) + 2 * _PAD)
    top: float = _PAD + 24 + _PAD
    parts: list[str] = []
    for number, (box, height) in enumerate(zip(picture.boxes, heights, strict=True)):
        if number:
            parts += _arrow(width / 2, top - _GAP, top, box.arrow)
        parts += _drawn(box, (width - inner) / 2, top, inner, height)
        top += height + _GAP
    height_of_all = top - _GAP + _PAD
    return "\n".join([*_head(width, height_of_all, picture.title), *parts, "</svg>"])


def _head(width: float, height: float, title: str) -> Iterator[str]:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}" font-size="{_SIZE}">'
    yield f"<title>{_escaped(title)}</title>"
    yield f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
    yield _text(width / 2, _PAD + 16, title, size=16, bold=True)


def _height(box: Box) -> float:
    return _LINE * (1 + len(box.lines)) + 2 * _PAD - 8


def _box_width(box: Box) -> float:
    widths = [text_width(box.title, _SIZE * 1.08), *(text_width(line, _SIZE - 1) for line in box.lines)]
    return max(widths) + 2 * _PAD


def _drawn(box: Box, left: float, top: float, width: float, height: float) -> Iterator[str]:
    fill, stroke = _COLOURS[box.look]
    radius = height / 2 if box.look == "end" and not box.lines else 8
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:.1f}"'
    yield f'<rect {place} fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>'
    middle, line = left + width / 2, top + _PAD + 12
    yield _text(middle, line, box.title, bold=True)
    for number, text in enumerate(box.lines, 1):
        yield _text(middle, line + number * _LINE, text, size=_SIZE - 1, colour="#3c4654")


def _arrow(x: float, start: float, end: float, label: str) -> Iterator[str]:
    yield f'<path d="M{x:.1f} {start:.1f}V{end - 8:.1f}" stroke="#5f6b7a" stroke-width="1.5" fill="none"/>'
    yield f'<path d="M{x - 5:.1f} {end - 9:.1f}L{x:.1f} {end:.1f}L{x + 5:.1f} {end - 9:.1f}Z" fill="#5f6b7a"/>'
    if label:
        yield _text(x + 10, (start + end) / 2 + 4, label, size=12, anchor="start")


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: float = _SIZE,
    bold: bool = False,
    colour: str = "#1f2937",
    anchor: str = "middle",
) -> str:
    weight = ' font-weight="600"' if bold else ""
    look = f'text-anchor="{anchor}" font-size="{size}" fill="{colour}"{weight}'
    return f'<text x="{x:.1f}" y="{y:.1f}" {look}>{_escaped(text)}</text>'


def _escaped(text: str) -> str:
    """Return a text for XML, without characters that XML can't hold."""
    safe = "".join(
        item for item in text if item >= " " and not "\ud800" <= item <= "\udfff" and item not in "\ufffe\uffff"
    )
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")

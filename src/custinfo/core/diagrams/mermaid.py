"""Pictures as Mermaid text."""

from __future__ import annotations

from typing import Final

from custinfo.core.diagrams.picture import Picture

__all__ = ["to_mermaid"]

_ENTITIES: Final = {
    "&": "#amp;",
    '"': "#quot;",
    "<": "#lt;",
    ">": "#gt;",
    "#": "#35;",
    "|": "#124;",
    "`": "#96;",
    "\n": " ",
}

_CLASSES: Final = (
    "classDef done fill:#e6f4ea,stroke:#34a853",
    "classDef open fill:#fff4d6,stroke:#e09b00",
    "classDef stopped fill:#fde7e7,stroke:#d93025",
    "classDef finish fill:#eef1f6,stroke:#5f6b7a",
)


def to_mermaid(picture: Picture) -> str:
    """Return a picture as a Mermaid flow chart; texts are quoted, so that none is taken for syntax.

    >>> from custinfo.core.diagrams.picture import Box
    >>> print(to_mermaid(Picture("f", (Box("A", ("one",)), Box("B", look="end")))))
    flowchart TD
        n0["A<br/>one"]
        n1(["B"])
        n0 --> n1
        class n1 finish
        classDef done fill:#e6f4ea,stroke:#34a853
        classDef open fill:#fff4d6,stroke:#e09b00
        classDef stopped fill:#fde7e7,stroke:#d93025
        classDef finish fill:#eef1f6,stroke:#5f6b7a
    """
    lines = ["flowchart TD"]
    for number, box in enumerate(picture.boxes):
        text = "<br/>".join(map(_quoted, (box.title, *box.lines)))
        lines.append(f'n{number}(["{text}"])' if box.look == "end" else f'n{number}["{text}"]')
    for number, box in enumerate(picture.boxes[1:], 1):
        label = f"|{_quoted(box.arrow)}|" if box.arrow else ""
        lines.append(f"n{number - 1} -->{label} n{number}")
    for number, box in enumerate(picture.boxes):
        if box.look != "plain":
            lines.append(f"class n{number} {'finish' if box.look == 'end' else box.look}")
    return "\n    ".join([*lines, *_CLASSES])


def _quoted(text: str) -> str:
    """Return a text with what Mermaid or HTML would read otherwise as entities."""
    return "".join(_ENTITIES.get(item, item) for item in text)

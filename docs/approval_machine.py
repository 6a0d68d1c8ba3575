"""Write `reference/approval-machine.md` from the table that decides.

Run `python docs/approval_machine.py` after the table has changed; a test fails while the page is out of date.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from custinfo.core.diagrams import command_table, state_diagram

PAGE: Final = Path(__file__).parent / "reference" / "approval-machine.md"

_PAGE: Final = """# The approval machine

What a request accepts in each state, and where that leads. This page is written from the table that decides,
`custinfo.core.approval.rules`, by `python docs/approval_machine.py`. The diagram is Mermaid.

```text
{diagram}
```

Every command takes the version of the request that its giver read; on another one it is refused, with `stale_request`.
A command that the same person has given already, and that still stands, changes nothing. What a state does not accept
is refused with `request_closed`.

{table}
"""


def page() -> str:
    """Return the whole page."""
    return _PAGE.format(diagram=state_diagram(), table=command_table())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

"""Pictures of flows, of requests on their way, and of the machine itself: as Mermaid text and as SVG (APR-7)."""

from custinfo.core.diagrams.machine import command_table, state_diagram
from custinfo.core.diagrams.mermaid import to_mermaid
from custinfo.core.diagrams.picture import Box, Picture, flow_picture, request_picture
from custinfo.core.diagrams.svg import text_width, to_svg

__all__ = [
    "Box",
    "Picture",
    "command_table",
    "flow_picture",
    "request_picture",
    "state_diagram",
    "text_width",
    "to_mermaid",
    "to_svg",
]

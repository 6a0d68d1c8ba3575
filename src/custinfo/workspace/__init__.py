"""The application: a workspace, its sessions, the one write path and the one read path."""

from custinfo.workspace.session import Session
from custinfo.workspace.workspace import Workspace

__all__ = ["Session", "Workspace"]

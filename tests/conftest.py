"""Shared by all tests: hypothesis without deadlines, and the same examples on every run of CI."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("custinfo", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("custinfo")

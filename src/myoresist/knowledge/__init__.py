"""What medicine knows, as data: one topic a folder, with its rules, its worked examples and its sources.

The Python beside the data only finds and validates it; nothing medical is decided here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml


def folder() -> Path:
    """Return the folder of the knowledge that ships with the package."""
    return Path(__file__).parent


@cache
def version() -> str:
    """Return the version of the packaged knowledge, such as ``2026.11``."""
    about = yaml.safe_load((folder() / "knowledge.yaml").read_text(encoding="utf-8"))
    return str(about["version"])

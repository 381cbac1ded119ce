"""Packages of Node.js that tests compare with; a user need not have them, CI does."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import cql_peer
import pytest


def packages(source: Path, target: Path) -> Path:
    """Return the folder with the locked packages, or skip where Node.js or a registry is missing.

    Args:
        source: where package and lock stand.
        target: where they are installed.
    """
    why = None if shutil.which("npm") else "Node.js with npm is not there"
    if why is None:
        try:
            return cql_peer.install(source, target)
        except subprocess.CalledProcessError:
            why = "npm could not install the packages"
    if os.environ.get("CI"):
        pytest.fail(f"CI needs Node.js: {why}")
    pytest.skip(why)

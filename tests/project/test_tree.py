"""The project's files name no machine, and its version stands the same wherever it is said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import myoresist

ROOT = Path(__file__).parents[2]

# Put together here, so that this file does not hold what it looks for.
PLACES = ["root", "tmp", "work", "home"]
HOSTS = ["pypi", "pythonhosted", "npmjs", "debian", "anaconda"]
MACHINE_PATH = re.compile(rf"(file://|(?<![\w.:/\\$}}-]))/({'|'.join(PLACES)})/")
REGISTRY = re.compile(rf"\b({'|'.join(HOSTS)})\.(org|com)\b", re.IGNORECASE)


def tree() -> list[Path]:
    """Return every file that belongs to the project: tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git work tree")
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_machine() -> None:
    found = []
    for path in tree():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if MACHINE_PATH.search(line) or REGISTRY.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("text", ["see /{}/x", "('/{}/x')", "=/{}/x", "file:///{}/x"])
@pytest.mark.parametrize("place", PLACES)
def test_finds_a_machine_path(text: str, place: str) -> None:
    assert MACHINE_PATH.search(text.format(place))


@pytest.mark.parametrize("host", HOSTS)
def test_finds_a_registry(host: str) -> None:
    assert REGISTRY.search(f"get it from files.{host}.org")


@pytest.mark.parametrize(
    "text", ["https://example.com/{}/topics", "docs/{}/x", "a/{}", "$dir/{}/x"]
)
def test_lets_an_address_pass(text: str) -> None:
    assert not MACHINE_PATH.search(text.format("home"))


def test_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == myoresist.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert myoresist.__version__ in changes

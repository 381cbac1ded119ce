"""The lock files install the same bytes everywhere and name no place to get them from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]


def entries(name: str) -> list[str]:
    """Return the entries of a lock file: a requirement and its hashes on one line each."""
    text = (ROOT / name).read_text(encoding="utf-8")
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    return [line for line in re.sub(r"\\\n", "", text).splitlines() if line.strip()]


def pinned(name: str) -> dict[str, str]:
    """Return the version of each requirement of a lock file, by name."""
    requirements = [Requirement(entry.split(" --hash", 1)[0]) for entry in entries(name)]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in requirements
    }


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    found = entries(name)
    assert found
    for entry in found:
        wanted = r"[a-z0-9-]+(\[[a-z,]+\])?==\S+( ; [^@]+?)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+"
        assert re.fullmatch(wanted, entry), entry[:120]


@pytest.mark.parametrize("name", LOCKS)
def test_no_place_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|@ |(^|\s)[./~]+/|trusted-host", text)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock"])
def test_development_uses_the_same_versions(name: str) -> None:
    assert pinned(name).items() <= pinned("requirements-dev.lock").items()


def test_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-build.lock": groups["build"],
        "requirements-dev.lock": groups["dev"],
    }
    for name, wanted in asked.items():
        versions = pinned(name)
        for requirement in map(Requirement, wanted):
            version = versions.get(canonicalize_name(requirement.name))
            assert version, f"{requirement} is missing in {name}: make lock"
            assert version in requirement.specifier, (
                f"{requirement}: {version} is locked: make lock"
            )


def test_backend_is_locked_as_it_is_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]

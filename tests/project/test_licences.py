"""What is installed with myoresist may be used by everyone who may use myoresist."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import myoresist

ROOT = Path(__file__).parents[2]
LOCKS = sorted(ROOT.glob("*.lock"))

REFUSED = re.compile(
    r"\b(A|L)?GPL|GNU|Affero|\bMPL|Mozilla|\bEPL|\bCDDL|\bSSPL|\bBUSL|Business Source|"
    r"Non-?Commercial|\bNC\b|Proprietary|academic (use )?only",
    re.IGNORECASE,
)

WEAK_COPYLEFT = {
    "axe-playwright-python": "holds axe-core, whose MPL-2.0 binds changes to it; it only runs the tests",
    "certifi": "MPL-2.0 binds changes to its list of certificates; only what runs the tests needs it",
    "hypothesis": "MPL-2.0 binds changes to its own files; it only runs the tests",
    "pathspec": "MPL-2.0 binds changes to its own files; it only builds and checks the package",
}


def locked(lock: Path) -> dict[str, Requirement]:
    """Return the requirements of a lock file that apply to this Python and system, by name."""
    lines = re.findall(r"^[A-Za-z0-9][^\\\n]*", lock.read_text(encoding="utf-8"), re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return {one.name: one for one in requirements if one.marker is None or one.marker.evaluate()}


def installed(name: str) -> Distribution:
    """Return what is installed under a name; the test is skipped where make test was not used."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed here; make test installs it")


def licence(found: Distribution) -> str:
    """Return what a distribution says of its licence, on one line: the expression, else everything else."""
    about = found.metadata
    if about.get("License-Expression"):
        return about["License-Expression"]
    parts = [one for one in about.get_all("Classifier", []) if one.startswith("License ::")]
    # Some put the whole text of the licence into the field; its first line is its name.
    parts += (about.get("License") or "").strip().splitlines()[:1]
    if not parts:
        # Others state it in the file alone, whose first line is its name, too.
        files = (found.read_text(f"licenses/{name}") for name in about.get_all("License-File", []))
        parts += [text.strip().splitlines()[0] for text in files if text]
    return "; ".join(parts)


NAMES = sorted({name for lock in LOCKS for name in locked(lock)})


@pytest.mark.parametrize("name", NAMES)
def test_licence_lets_everyone_use_it(name: str) -> None:
    stated = licence(installed(name))
    assert stated, f"{name} states no licence"
    if REFUSED.search(stated):
        assert name in WEAK_COPYLEFT, f"{name} is under {stated}"
        assert not re.search(r"GPL|GNU|Affero", stated), f"{name} is under {stated}"


def test_runtime_needs_no_copyleft() -> None:
    assert not WEAK_COPYLEFT.keys() & locked(ROOT / "requirements.lock").keys()


def test_everything_needed_at_run_time_was_looked_at() -> None:
    for name in locked(ROOT / "requirements.lock"):
        assert distribution(name), name


@pytest.mark.parametrize(
    "stated",
    [
        "AGPL-3.0-or-later",
        "GPL-2.0-only",
        "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
        "LGPLv3",
        "CC-BY-NC-4.0",
        "Free for Non-commercial use",
        "BUSL-1.1",
    ],
)
def test_refuses(stated: str) -> None:
    assert REFUSED.search(stated)


@pytest.mark.parametrize("stated", ["MIT", "BSD-3-Clause", "Apache-2.0 AND MIT", "PSF-2.0", "ISC"])
def test_accepts(stated: str) -> None:
    assert not REFUSED.search(stated)


def test_package_names_its_version_and_its_licences() -> None:
    about = installed("myoresist").metadata
    assert about["Version"] == myoresist.__version__
    assert about["License-Expression"] == "Apache-2.0 AND CC-BY-4.0"
    assert set(about.get_all("License-File")) == {"LICENSE", "LICENSE-KNOWLEDGE"}
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    knowledge = (ROOT / "LICENSE-KNOWLEDGE").read_text(encoding="utf-8")
    assert "Creative Commons Attribution 4.0 International Public License" in knowledge

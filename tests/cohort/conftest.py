"""What several tests of registries share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from cdms import Server, postgres
from typer.testing import CliRunner

from myoresist.cli import app


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Return a Postgres server."""
    with postgres() as one:
        yield one


@pytest.fixture(scope="session")
def written(freezes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the answers of the registry as tables of a CDM, of either version."""
    folder = tmp_path_factory.mktemp("omop")
    persons = folder / "persons.csv"
    ids = pl.read_parquet(freezes / "answers" / "consult" / "*.parquet")["patient_id"].sort()
    pl.DataFrame({"patient_id": ids, "person_id": range(1, len(ids) + 1)}).write_csv(persons)
    words = ["registry", "export", str(freezes / "answers"), "--format", "omop"]
    words += ["--persons", str(persons), "--date", "2026-01-01", "--out"]
    for version in ("5.3", "5.4"):
        done = CliRunner().invoke(app, [*words, str(folder / version), "--cdm", version])
        assert done.exit_code == 0, done.output
    return folder

"""Made-up patients: a registry drawn from the knowledge, for tests, teaching and measuring speed.

Diseases are drawn by their priors, findings by their frequencies, independently but for what implies or
excludes what. Nothing can be learnt from them about real patients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl

from myoresist import knowledge as packaged
from myoresist.cohort.folder import MAPPING
from myoresist.cohort.keeping import whole
from myoresist.cohort.schema import SYNTHETIC
from myoresist.cohort.synthetic.activity import Activity
from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.people import People
from myoresist.cohort.synthetic.population import Population
from myoresist.cohort.synthetic.records import CARRIED, Records
from myoresist.cohort.synthetic.samples import Samples
from myoresist.cohort.synthetic.streams import Streams
from myoresist.cohort.synthetic.treatments import Treatments
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT
from myoresist.version import __version__

PART = 50_000
"""Patients that are drawn together."""
Form = Literal["parquet", "csv"]


@dataclass(frozen=True)
class Simulator:
    """Draws patients with one knowledge and one set of assumptions."""

    knowledge: Knowledge
    seed: int = 0
    visits: int | None = None

    @cached_property
    def assumed(self) -> Assumptions:
        """Return the assumptions beside the knowledge."""
        return Assumptions.load(self.knowledge.folder)

    @cached_property
    def _records(self) -> Records:
        population = Population(self.knowledge, self.assumed)
        people = People(self.knowledge, self.assumed, population, self.visits)
        return Records(self.knowledge, self.assumed, people)

    def part(self, number: int, first: int, patients: int) -> dict[str, pl.DataFrame]:
        """Return some patients as the tables of docs/cohort.md, with the columns that a registry keeps.

        Args:
            number: number of the part, which with the seed decides every patient in it.
            first: number of its first patient, from 1.
            patients: how many.
        """
        draw, records = Streams(self.seed, number, patients), self._records
        drawn = records.people.draw(draw)
        numbers = pl.int_range(first, first + patients, eager=True).cast(pl.String)
        ids = SYNTHETIC + numbers.str.zfill(7)
        visits, level = Activity(self.knowledge, self.assumed).visits(draw, drawn)
        samples = Samples(self.knowledge, self.assumed, records.tested)
        tables = {
            "patients": records.possible(records.patients(draw, drawn), visits),
            "findings": records.findings(drawn),
            "labs": samples.labs(draw, drawn, visits, level),
            "antibodies": samples.antibodies(draw, drawn),
            "treatments": Treatments(self.knowledge, self.assumed).courses(draw, drawn),
            "visits": visits.drop("at"),
        }
        named = {}
        for name, table in tables.items():
            whose = ids if name == "patients" else ids.gather(table["patient"])
            named[name] = table.drop("patient", strict=False).insert_column(
                0, whose.rename(PATIENT)
            )
        return named


def parts(
    patients: int,
    seed: int = 0,
    knowledge: Knowledge | None = None,
    visits: int | None = None,
    size: int = PART,
) -> Iterator[dict[str, pl.DataFrame]]:
    """Draw patients part by part, so that any number needs the memory of one part.

    Args:
        patients: how many.
        seed: with the number of the part, it decides every patient; fewer patients are the first of more.
        knowledge: from which to draw; the packaged knowledge when left out.
        visits: visits of each patient; drawn, when left out.
        size: patients of a part.

    Yields:
        The tables of docs/cohort.md; that of patients also has ``CARRIED``, which a mapping file keeps.
    """
    simulator = Simulator(knowledge or Knowledge.load(), seed, visits)
    for number, first in enumerate(range(0, patients, size)):
        yield simulator.part(number, first + 1, min(size, patients - first))


def simulate(
    patients: int, seed: int = 0, knowledge: Knowledge | None = None
) -> dict[str, pl.DataFrame]:
    """Draw patients that fit into memory, as the tables of docs/cohort.md, which need no mapping file."""
    drawn = list(parts(patients, seed, knowledge))
    tables = {name: pl.concat([one[name] for one in drawn]) for name in drawn[0]}
    return {**tables, "patients": tables["patients"].drop(CARRIED)}


def prepare(folder: Path) -> None:
    """Make a folder to write to, if it is not there.

    Raises:
        FileExistsError: if there is anything in it.
        OSError: if it cannot be made.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder}: is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)


def write(
    folder: Path,
    patients: int,
    seed: int = 0,
    form: Form = "parquet",
    visits: int | None = None,
    told: Callable[[int], object] | None = None,
    size: int = PART,
) -> None:
    """Write a registry of made-up patients: a folder of parts for each table, and what it is.

    Args:
        folder: where to; it is made, and it is empty if it is there.
        patients: how many.
        seed: see ``parts``.
        form: of the files.
        visits: of each patient; drawn when left out.
        told: is called with the number of patients after each part.
        size: patients of a part.

    Raises:
        FileExistsError: if there is anything in the folder.
        OSError: if it cannot be written.
    """
    prepare(folder)
    with whole(folder) as half:
        half.mkdir()
        _write(half, patients, seed, form, visits, told, size)


def _write(
    folder: Path,
    patients: int,
    seed: int,
    form: Form,
    visits: int | None,
    told: Callable[[int], object] | None,
    size: int,
) -> None:
    (folder / "README.txt").write_text(_about(patients, seed, form, visits), encoding="utf-8")
    (folder / MAPPING).write_text(f"keep: [{', '.join(CARRIED)}]\n", encoding="utf-8")
    for number, tables in enumerate(parts(patients, seed, visits=visits, size=size)):
        for name, table in tables.items():
            (folder / name).mkdir(exist_ok=True)
            file = folder / name / f"{name}-{number:05}.{form}"
            if form == "csv":
                _plain(table).write_csv(file)
            else:
                table.write_parquet(file)
        if told:
            told(tables["patients"].height)


def _plain(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table whose whole numbers have no decimals, as people write them."""
    return table.with_columns(pl.col(pl.Float64).cast(pl.String).str.strip_suffix(".0"))


def _about(patients: int, seed: int, form: Form, visits: int | None) -> str:
    often = "" if visits is None else f" --visits {visits}"
    command = f"myoresist simulate {patients} --out FOLDER --seed {seed} --format {form}{often}"
    return (
        "SYNTHETIC DATA. No patient of this folder exists.\n\n"
        f"{patients} patients were drawn from the knowledge of myoresist ({packaged.version()}) by\n"
        f"myoresist {__version__} with seed {seed}:\n\n    {command}\n\n"
        "Diseases follow the priors and findings the frequencies of the differential diagnosis, which are\n"
        "partly estimates, independently of each other except where one implies or excludes another.\n"
        "Centres, ages, visits, treatments and what is missing rest on assumptions\n"
        "(knowledge/simulation.yaml). The data serve to test and to teach; nothing about real patients, nor\n"
        "how good a diagnosis is, follows from them. final_diagnosis is the disease that was drawn,\n"
        "weakness_duration_months the time with weakness until the first visit.\n"
        f"{MAPPING} keeps {' and '.join(CARRIED)} in every table of answers.\n"
    )

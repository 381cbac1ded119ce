"""Draw synthetic registries from the knowledge, for tests, demonstrations and benchmarks.

Diseases are drawn by their priors and findings by their frequencies; how a registry looks around them
(what is recorded, courses, visits) is assumed, in ``simulation/simulation.yaml``. Patients are drawn in
parts, each from a random stream of its own, so that a small registry is the beginning of a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from myoresist import __version__
from myoresist import knowledge as packaged
from myoresist.assessment import Knowledge
from myoresist.case.record import conform
from myoresist.cohort.source import SourceError
from myoresist.knowledge.schema import Entry, Sourced, load
from myoresist.resistance.measures import DATE, PATIENT

PART = 10_000
"""Patients drawn together."""
TABLES = ("patients", "findings", "labs", "antibodies", "treatments", "visits")
PROBABILITIES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
"""Of the quantiles that are known of a measured finding; nothing is drawn beyond the outer ones."""
MULTIPLE = "_x_uln"
MONTH, WEEK = 30.4, 7
Form = Literal["parquet", "csv"]
Array = NDArray[np.float64]


class Span(Entry):
    """Values between two ends."""

    start: float = Field(alias="from")
    end: float = Field(alias="to")


class Dates(Entry):
    """Days between two ends."""

    start: date = Field(alias="from")
    end: date = Field(alias="to")


class Beta(Entry):
    """A share that differs between patients."""

    alpha: float
    beta: float


class Normal(Span):
    """A measure that differs between patients, within limits."""

    mean: float
    sd: float


class Record(Entry):
    """What is recorded of a patient."""

    looked_at: Beta
    found_in_group: float
    long_groups: tuple[str, ...]
    skipped_groups: tuple[str, ...]
    treatments_complete: float
    weight_known: float
    weight_kg: Normal


class Labels(Entry):
    """What patients are called."""

    known: float
    final_diagnosis_known: float
    dermatomyositis: tuple[str, ...]
    otherwise_dermatomyositis: float


class Lab(Entry):
    """A measured finding that is reported as a laboratory value."""

    finding: str
    test: str
    unit: str
    upper_limit: float | None = None


class Antibodies(Entry):
    """How antibodies are tested, and how strong a positive result is, as shares."""

    methods: Mapping[str, float]
    strengths: Mapping[str, float]


class CourseOf(Entry):
    """A drug as it is given."""

    drug: str
    doses: tuple[float, ...]
    unit: str
    frequency: str
    weeks: Span
    weight: float = 0


class Further(Entry):
    """How many further drugs a patient is given."""

    mean: float
    most: int


class Courses(Entry):
    """What is given, and what is known of it."""

    first: CourseOf
    taper: CourseOf
    further: Further
    drugs: tuple[CourseOf, ...]
    gap_weeks: Span
    dose_known: float
    to_the_month: float
    start_unknown: float
    ongoing: float
    response: Mapping[str, float]
    reason_stopped: Mapping[str, float]


class Measured(Entry):
    """A measure at rest and at the worst disease activity."""

    column: str
    at_rest: float
    at_worst: float
    digits: int
    logarithmic: bool = False
    limit: str | None = None
    upper_limit: float | None = None


class Change(Entry):
    """Change of disease activity a year."""

    improves: float
    otherwise: float
    sd: float


class Visits(Entry):
    """When patients are seen and what is measured."""

    number: Span
    months_between: Span
    measured: float
    improves: float
    change_a_year: Change
    activity: Beta
    noise: float
    measures: tuple[Measured, ...]


class Assumptions(Sourced):
    """Everything that is assumed."""

    first_visit: Dates
    record: Record
    label: Labels
    labs: tuple[Lab, ...]
    antibodies: Antibodies
    courses: Courses
    visits: Visits


def simulate(
    patients: int, seed: int = 0, knowledge: Knowledge | None = None
) -> dict[str, pl.DataFrame]:
    """Draw a synthetic registry that fits into memory.

    Args:
        patients: how many.
        seed: the same seed gives the same registry, and a smaller one is its beginning.
        knowledge: what medicine knows; the packaged knowledge when left out.

    Returns:
        The tables of docs/cohort.md; ``patient_id`` begins with ``synthetic-``.
    """
    parts = list(Simulator.of(knowledge or Knowledge.load()).parts(patients, seed))
    return {name: pl.concat([part[name] for part in parts]) for name in TABLES}


def write(folder: Path, patients: int, seed: int, form: Form, told: Callable[[int], None]) -> None:
    """Write a synthetic registry of any size, part by part.

    Args:
        folder: a new or empty folder; each table becomes a file of its name, or a folder of parts.
        patients: how many.
        seed: see ``simulate``.
        form: parquet or csv.
        told: called with the patients that were written.

    Raises:
        SourceError: if the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SourceError(f"{folder}: is not empty; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.txt").write_text(
        f"Synthetic patients, drawn at random. Nobody here exists.\n"
        f"myoresist {__version__}, knowledge {packaged.version()}: "
        f"myoresist simulate {patients} --seed {seed} --format {form}\n",
        encoding="utf-8",
    )
    several = patients > PART
    for number, part in enumerate(Simulator.of(Knowledge.load()).parts(patients, seed)):
        for name, frame in part.items():
            file = folder / (f"{name}/part-{number:05}.{form}" if several else f"{name}.{form}")
            file.parent.mkdir(exist_ok=True)
            if form == "csv":
                frame.write_csv(file)
            else:
                frame.write_parquet(file)
        told(part["patients"].height)


@dataclass(frozen=True)
class Simulator:
    """Draws patients."""

    knowledge: Knowledge
    assumed: Assumptions

    @classmethod
    def of(cls, knowledge: Knowledge) -> Simulator:
        """Read what is assumed."""
        path = packaged.folder() / "simulation" / "simulation.yaml"
        return cls(knowledge, load(path, Assumptions))

    def parts(self, patients: int, seed: int) -> Iterator[dict[str, pl.DataFrame]]:
        """Draw patients, part by part; each part is one frame a table."""
        for number in range(-(-patients // PART)):
            draw = np.random.default_rng([seed, number])
            part = _Part(self, draw, number * PART).tables()
            yield part if number * PART + PART <= patients else _first(part, patients % PART)

    @cached_property
    def drawn(self) -> tuple[str, ...]:
        """Return the findings that are drawn: those with frequencies that nothing else decides."""
        base, catalogue = self.knowledge, self.knowledge.terms.catalogue
        known = dict.fromkeys(base.differential.base.frequencies["finding"])
        fixed = {*base.inference.derivations, *base.differential.base.method.label_findings}
        drawn = (
            name
            for name in known
            if name not in fixed
            and catalogue[name].kind == "bool"
            and catalogue[name].group not in self.assumed.record.skipped_groups
        )
        return (*drawn, "sex_female")

    @cached_property
    def share(self) -> Array:
        """Return the frequency of each drawn finding in each disease, (D, M)."""
        base = self.knowledge.differential.base
        table = {
            (d, f): p
            for d, f, p in base.frequencies.select("disease", "finding", "percent").iter_rows()
        }
        return np.array(
            [
                [table.get((d, f), table.get(("background", f), 0.0)) / 100 for f in self.drawn]
                for d in base.diseases
            ]
        )

    @cached_property
    def quantiles(self) -> Mapping[str, Array]:
        """Return the quantiles of each measured finding in each disease, (D, 5)."""
        base = self.knowledge.differential.base
        rows = {(row[0], row[1]): row[2:7] for row in base.numbers.iter_rows()}
        return {
            name: np.array(
                [rows.get((d, name), rows["background", name]) for d in base.diseases], float
            )
            for name in base.numbers["finding"].unique(maintain_order=True)
        }

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Return for each drawn finding the one whose chance it shares: the broadest that it implies."""
        place = {name: row for row, name in enumerate(self.drawn)}
        parents = self.knowledge.inference.parents
        broad = self.share.mean(axis=0)

        def root(name: str) -> int:
            above = [place[x] for x in parents.get(name, ()) if x in place]
            return max([*above, place[name]], key=lambda row: broad[row])

        return np.array([root(name) for name in self.drawn])


def _first(part: dict[str, pl.DataFrame], count: int) -> dict[str, pl.DataFrame]:
    """Return the first patients of a part."""
    ids = part["patients"][PATIENT].head(count)
    return {
        name: frame.filter(pl.col(PATIENT).is_in(ids.implode())) for name, frame in part.items()
    }


@dataclass(frozen=True)
class _Part:
    """Draws one part; every draw is for all its patients at once."""

    base: Simulator
    draw: np.random.Generator
    start: int

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables of the part."""
        knowledge, assumed = self.base.knowledge, self.base.assumed
        diseases = knowledge.differential.base.diseases
        prior = np.array([one.prior for one in diseases.values()])
        disease = self.draw.choice(len(prior), PART, p=prior / prior.sum())
        ids = pl.Series(
            PATIENT, [f"synthetic-{n:08}" for n in range(self.start + 1, self.start + PART + 1)]
        )
        numbers = self._numbers(disease)
        present = self._present(disease)
        known = self._known()
        days = assumed.first_visit
        first = self.draw.integers(days.start.toordinal(), days.end.toordinal(), PART)
        flags = self._flags(ids, present, known)
        numbers_known = self.draw.random((PART, len(numbers))) < assumed.record.found_in_group
        values = pl.DataFrame(
            {
                name: pl.Series(np.where(numbers_known[:, row], column, np.nan)).fill_nan(None)
                for row, (name, column) in enumerate(numbers.items())
            }
        )
        names = np.array(list(diseases))[disease]
        catalogue = knowledge.terms.catalogue
        antibodies = [
            x for x in self.base.drawn if catalogue[x].group == "antibody" and x.startswith("anti_")
        ]
        long = [
            x
            for x in flags.columns
            if x not in antibodies
            and x != PATIENT
            and catalogue[x].group in assumed.record.long_groups
        ]
        weight = np.clip(
            self.draw.normal(assumed.record.weight_kg.mean, assumed.record.weight_kg.sd, PART),
            assumed.record.weight_kg.start,
            assumed.record.weight_kg.end,
        ).round(0)
        visits, last = self._visits(ids, first)
        return {
            "patients": self._patients(flags.drop(*antibodies, *long), values, names, weight, last),
            "findings": flags.select(PATIENT, *long)
            .unpivot(index=PATIENT, variable_name="finding", value_name="value")
            .drop_nulls()
            .with_columns(value=pl.when("value").then(pl.lit("yes")).otherwise(pl.lit("no")))
            .sort(PATIENT, "finding"),
            "labs": self._labs(ids, values, first),
            "antibodies": self._antibodies(flags.select(PATIENT, *antibodies), first),
            "treatments": self._treatments(ids, first, weight),
            "visits": visits,
        }

    def _patients(
        self, flags: pl.DataFrame, values: pl.DataFrame, names: NDArray[np.str_], weight: Array,
        last: NDArray[np.int64],
    ) -> pl.DataFrame:  # fmt: skip
        label, record = self.base.assumed.label, self.base.assumed.record
        called = np.where(
            np.isin(names, label.dermatomyositis)
            | (self.draw.random(PART) < label.otherwise_dermatomyositis),
            "dermatomyositis",
            "polymyositis",
        )
        onset, months = values["age_at_onset"].floor(), values["weakness_duration_months"]
        lab = {one.finding for one in self.base.assumed.labs}
        return flags.with_columns(
            pl.Series(DATE, _days(last)),
            pl.Series("label", _some(self.draw, called, label.known)),
            pl.Series("final_diagnosis", _some(self.draw, names, label.final_diagnosis_known)),
            pl.Series("weight_kg", _some(self.draw, weight, record.weight_known)),
            pl.Series("treatments_complete", self.draw.random(PART) < record.treatments_complete),
            onset.alias("age_at_onset"),
            (onset + (months / 12).floor()).clip(upper_bound=110).alias("age"),
            *(
                values[x].alias(x)
                for x in values.columns
                if x not in lab and x != "age_at_onset"
            ),
            sex=pl.when("sex_female").then(pl.lit("female")).when(~pl.col("sex_female")).then(pl.lit("male")),
        ).drop("sex_female")  # fmt: skip

    def _numbers(self, disease: NDArray[np.int64]) -> dict[str, Array]:
        """Draw measured findings between their outer quantiles."""
        linear = self.base.knowledge.differential.base.method.linear_numbers
        found = {}
        for name, table in self.base.quantiles.items():
            chance = self._between(PROBABILITIES[0], PROBABILITIES[-1])
            step = np.clip(np.searchsorted(PROBABILITIES, chance) - 1, 0, len(PROBABILITIES) - 2)
            part = (chance - PROBABILITIES[step]) / (PROBABILITIES[step + 1] - PROBABILITIES[step])
            low, high = table[disease, step], table[disease, step + 1]
            if name in linear or (table <= 0).any():
                value = low + (high - low) * part
            else:
                value = low * (high / low) ** part
            found[name] = value.round(1)
        return found

    def _present(self, disease: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Draw which findings are present; what implies another shares its chance, so that both fit."""
        base, inference = self.base, self.base.knowledge.inference
        chance = self.draw.random((PART, len(base.drawn)))[:, base.order]
        present: NDArray[np.bool_] = chance < base.share[disease]
        place = {name: row for row, name in enumerate(base.drawn)}
        for name, row in place.items():
            for parent in inference.parents.get(name, ()):
                if parent in place:
                    present[:, place[parent]] |= present[:, row]
        for name, row in place.items():
            for partner in inference.partners.get(name, ()):
                other = place.get(partner, -1)
                if other > row:
                    both = present[:, row] & present[:, other]
                    for lost in (
                        other,
                        *(place[x] for x in inference.children.get(partner, ()) if x in place),
                    ):
                        present[both, lost] = False
        return present

    def _known(self) -> NDArray[np.bool_]:
        """Draw what is recorded: groups that were looked at, and findings of these."""
        record = self.base.assumed.record
        catalogue = self.base.knowledge.terms.catalogue
        groups = [catalogue[name].group for name in self.base.drawn]
        names = sorted(set(groups))
        care = self.draw.beta(record.looked_at.alpha, record.looked_at.beta, PART)
        looked = self.draw.random((PART, len(names))) < care[:, None]
        own = looked[:, [names.index(x) for x in groups]]
        return own & (self.draw.random(own.shape) < record.found_in_group)

    def _flags(
        self, ids: pl.Series, present: NDArray[np.bool_], known: NDArray[np.bool_]
    ) -> pl.DataFrame:
        """Return what is recorded, without the few patients whose findings contradict each other."""
        names = self.base.drawn
        drawn = pl.DataFrame(present, schema=names)
        seen = pl.DataFrame(known, schema=names)
        flags = pl.DataFrame({PATIENT: ids}).with_columns(
            drawn[name].zip_with(seen[name], pl.Series([None], dtype=pl.Boolean)) for name in names
        )
        knowledge = self.base.knowledge
        _, sound = knowledge.inference.consistent(conform(flags, knowledge.terms.catalogue))
        return flags.with_columns(pl.when(sound).then(name).alias(name) for name in names)

    def _labs(self, ids: pl.Series, values: pl.DataFrame, first: NDArray[np.int64]) -> pl.DataFrame:
        parts = []
        for one in self.base.assumed.labs:
            factor = one.upper_limit if one.upper_limit and one.finding.endswith(MULTIPLE) else 1.0
            parts.append(
                pl.DataFrame({PATIENT: ids}).with_columns(
                    test=pl.lit(one.test),
                    value=(values[one.finding] * factor).round(1),
                    unit=pl.lit(one.unit),
                    upper_limit=pl.lit(one.upper_limit, pl.Float64),
                    date=pl.Series(_days(first)).cast(pl.String),
                )
            )
        return pl.concat(parts).drop_nulls("value").sort(PATIENT, "test")

    def _antibodies(self, flags: pl.DataFrame, first: NDArray[np.int64]) -> pl.DataFrame:
        assumed, catalogue = self.base.assumed.antibodies, self.base.knowledge.terms.catalogue
        names = {
            x: catalogue[x].synonyms[0] if catalogue[x].synonyms else x
            for x in flags.columns
            if x != PATIENT
        }
        rows = (
            flags.with_columns(date=pl.Series(_days(first)).cast(pl.String))
            .unpivot(index=[PATIENT, DATE], variable_name="antibody", value_name="found")
            .drop_nulls("found")
            .sort(PATIENT, "antibody")
        )
        methods, strengths = (
            self._chosen(x, rows.height) for x in (assumed.methods, assumed.strengths)
        )
        return rows.with_columns(
            pl.col("antibody").replace_strict(names),
            method=pl.Series(methods),
            result=pl.when("found").then(pl.Series(strengths)).otherwise(pl.lit("negative")),
        ).select(PATIENT, "antibody", "method", "result", DATE)

    def _treatments(self, ids: pl.Series, first: NDArray[np.int64], weight: Array) -> pl.DataFrame:
        """Draw a high and a low dose of glucocorticoid, and further drugs one after the other."""
        assumed = self.base.assumed.courses
        weeks = self._long(assumed.first.weeks)
        start = first.astype(float)
        stop = start + weeks * WEEK
        parts = [self._course(ids, assumed.first, start, stop)]
        tapered = stop + self._long(assumed.taper.weeks) * WEEK
        parts.append(self._course(ids, assumed.taper, stop, tapered, last=True))
        count = np.minimum(self.draw.poisson(assumed.further.mean, PART), assumed.further.most)
        chance = np.array([one.weight for one in assumed.drugs])
        # The largest of weights disturbed by Gumbel noise are a draw without replacement.
        noise = self.draw.gumbel(size=(PART, len(chance))) + np.log(chance)
        ranked = (-noise).argsort(axis=1)
        for place in range(assumed.further.most):
            gap = self._between(assumed.gap_weeks.start, assumed.gap_weeks.end)
            start = np.maximum(stop + gap * WEEK, first + 1.0)
            stop = start.copy()
            for row, one in enumerate(assumed.drugs):
                own = (ranked[:, place] == row) & (place < count)
                stop = np.where(own, start + self._long(one.weeks) * WEEK, stop)
                parts.append(self._course(ids, one, start, stop, own, last=place + 1 == count))
        return pl.concat(parts).sort(PATIENT, "_start").drop("_start")

    def _course(
        self, ids: pl.Series, one: CourseOf, start: Array, stop: Array,
        own: NDArray[np.bool_] | None = None, last: NDArray[np.bool_] | bool = False,
    ) -> pl.DataFrame:  # fmt: skip
        """Return a course of each patient who has it."""
        assumed = self.base.assumed.courses
        ongoing = np.asarray(last) & (self.draw.random(PART) < assumed.ongoing)
        coarse = self.draw.random(PART) < assumed.to_the_month
        known = self.draw.random(PART) >= assumed.start_unknown
        dose = _some(self.draw, self.draw.choice(one.doses, PART), assumed.dose_known)
        frame = pl.DataFrame(
            {
                PATIENT: ids,
                "drug": [one.drug] * PART,
                "dose": dose,
                "from": _days(start.astype(int)),
                "to": _days(stop.astype(int)),
                "ongoing": np.broadcast_to(ongoing, PART),
                "coarse": coarse,
                "known": known,
                "response": self._chosen(assumed.response, PART),
                "reason_stopped": self._chosen(assumed.reason_stopped, PART),
                "own": np.ones(PART, bool) if own is None else own,
            }
        )
        written = {
            name: pl.when("coarse")
            .then(pl.col(day).dt.strftime("%Y-%m"))
            .otherwise(pl.col(day).cast(pl.String))
            for name, day in (("start", "from"), ("stop", "to"))
        }
        return frame.filter("own").select(
            PATIENT,
            "drug",
            "dose",
            pl.when(pl.col("dose").is_not_null()).then(pl.lit(one.unit)).alias("unit"),
            pl.when(pl.col("dose").is_not_null()).then(pl.lit(one.frequency)).alias("frequency"),
            pl.when("known").then(written["start"]).alias("start"),
            pl.when(~pl.col("ongoing")).then(written["stop"]).alias("stop"),
            "ongoing",
            "response",
            pl.when(~pl.col("ongoing")).then("reason_stopped").alias("reason_stopped"),
            pl.col("from").alias("_start"),
        )

    def _visits(
        self, ids: pl.Series, first: NDArray[np.int64]
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Draw visits, and the day of the last one of each patient."""
        assumed = self.base.assumed.visits
        low, high = int(assumed.number.start), int(assumed.number.end)
        count = self.draw.integers(low, high + 1, PART)
        months = self.draw.uniform(
            assumed.months_between.start, assumed.months_between.end, (PART, high)
        )
        months[:, 0] = 0
        passed = months.cumsum(axis=1)
        improves = self.draw.random(PART) < assumed.improves
        change = self.draw.normal(
            np.where(improves, assumed.change_a_year.improves, assumed.change_a_year.otherwise),
            assumed.change_a_year.sd,
        )
        begin = self.draw.beta(assumed.activity.alpha, assumed.activity.beta, PART)
        activity = np.clip(begin[:, None] + change[:, None] * passed / 12, 0, 1)
        days = (first[:, None] + passed * MONTH).astype(int)
        seen = np.arange(high)[None, :] < count[:, None]
        rows, _ = np.nonzero(seen)
        columns: dict[str, object] = {PATIENT: ids.gather(rows), DATE: _days(days[seen])}
        for one in assumed.measures:
            level = np.clip(activity[seen] + self.draw.normal(0, assumed.noise, len(rows)), 0, 1)
            if one.logarithmic:
                value = one.at_rest * (one.at_worst / one.at_rest) ** level
            else:
                value = one.at_rest + (one.at_worst - one.at_rest) * level
            measured = _some(self.draw, value.round(one.digits), assumed.measured)
            columns[one.column] = measured
            if one.limit:
                columns[one.limit] = pl.Series([one.upper_limit]).new_from_index(0, len(rows))
        return pl.DataFrame(columns), days[np.arange(PART), count - 1]

    def _between(self, low: float, high: float) -> Array:
        return self.draw.uniform(low, high, PART)

    def _long(self, weeks: Span) -> Array:
        """Draw how long something lasts; short is as likely as long on a logarithmic scale."""
        return np.exp(self._between(np.log(weeks.start), np.log(weeks.end)))

    def _chosen(self, shares: Mapping[str, float], count: int) -> NDArray[np.str_]:
        chance = np.array(list(shares.values()))
        return self.draw.choice(list(shares), count, p=chance / chance.sum())


def _some(draw: np.random.Generator, values: NDArray[np.generic], share: float) -> pl.Series:
    """Return values of which only a share is known."""
    known = draw.random(len(values)) < share
    return (
        pl.DataFrame({"value": values, "known": known})
        .select(pl.when("known").then("value"))
        .to_series()
    )


def _days(ordinals: NDArray[np.int64]) -> pl.Series:
    """Return dates from their ordinals."""
    return pl.Series(ordinals - date(1970, 1, 1).toordinal(), dtype=pl.Int32).cast(pl.Date)

"""Regimens as they stand in the knowledge: which dose of which drug for how long makes a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import Field, model_validator

from myoresist.case.courses import BODIES, MEASURES, routes_of
from myoresist.case.doses import DoseUnit
from myoresist.case.terms import Terms
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Check, Entry, Sourced, load, load_list

Kind = Literal["immunosuppressant", "glucocorticoid", "other", "window", "dose"]
ORAL, DOSE = "glucocorticoid_oral", "glucocorticoid_dose"


class Equivalent(Sourced):
    """How many milligrams of a glucocorticoid act like 5 mg of prednisone, and how it is taken.

    ``mg`` is ``None`` where the name does not say which glucocorticoid it is.
    """

    drug: str
    mg: float | None = Field(None, gt=0)
    route: str | None = None
    note: str | None = None


class Conventions(Sourced):
    """How a list of courses is read where no paper says it."""

    gap_days: int
    gap_text: str
    peak_share: float
    peak_text: str
    unknown_interval_days: int
    unknown_interval_text: str
    shortest_taper_days: int
    shortest_taper_text: str


class Dose(Entry):
    """The least dose of a drug; without one, the drug alone does not say which dose is enough."""

    drugs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    at_least: float | None = Field(None, ge=0)
    above: float | None = Field(None, gt=0)
    unit: str
    as_prednisone: bool = False
    part: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _named(self) -> Dose:
        if bool(self.drugs) == bool(self.classes):
            raise ValueError("a dose names either drugs or classes")
        if self.at_least is not None and self.above is not None:
            raise ValueError("a dose is either at_least or above")
        return self


class Level(Entry):
    """The range in which the level of a drug should lie."""

    low: float
    high: float
    unit: str
    check: Check


class Remark(Sourced):
    """What to keep in mind when the trial of a patient is judged."""

    when: str
    text: str


class Regimen(Sourced):
    """One regimen: it is reached when the dose was taken for long enough without interruption."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    kind: Kind
    doses: tuple[Dose, ...] = Field(min_length=1)
    counts: Literal["time", "amount"] = "time"
    each_drug: bool = False
    gap_days: int | None = None
    weeks: float | None = None
    more_than_weeks: float | None = None
    judge_at_weeks: float | None = None
    completes: bool = True
    level: Level | None = None
    weakened_by: str | None = None
    remarks: tuple[Remark, ...] = ()
    usual: str | None = None
    text: str | None = None
    basis: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Regimen:
        if (self.weeks is None) == (self.more_than_weeks is None):
            raise ValueError("a regimen has either weeks or more_than_weeks")
        if len({dose.above is not None for dose in self.doses}) > 1:
            raise ValueError("the doses of a regimen are all at_least or all above")
        if not (self.cites and self.check):
            raise ValueError("a regimen cites its source and says how it was checked")
        return self

    @property
    def days(self) -> int:
        """Return the fewest days at the dose that are enough."""
        if self.more_than_weeks is not None:
            return int(self.more_than_weeks * 7) + 1
        return max(1, round((self.weeks or 0) * 7))

    @property
    def least_weeks(self) -> float:
        """Return the weeks that the regimen asks for."""
        return self.weeks if self.weeks is not None else self.more_than_weeks or 0

    @property
    def strict(self) -> bool:
        """Tell whether the dose has to be above the limit."""
        return self.doses[0].above is not None

    def in_words(self) -> str:
        """Return in plain words what counts as a trial."""
        doses = []
        for one in self.doses:
            what = " or ".join(one.drugs or one.classes).replace("_", " ")
            if one.above is not None:
                dose = f"above {one.above:g} {one.unit}"
            elif one.at_least is not None:
                dose = f"at least {one.at_least:g} {one.unit}" if one.at_least else "any dose"
            else:
                dose = "a dose that no source sets"
            routes = f" ({' or '.join(one.routes)})" if one.routes else ""
            as_prednisone = " as prednisone" if one.as_prednisone else ""
            doses.append(f"{dose}{as_prednisone} of {what}{routes}")
        dose = ("; with " if self.parts > 1 else "; or ").join(doses)
        weeks = f"more than {self.more_than_weeks:g}" if self.more_than_weeks else f"{self.weeks:g}"
        if not self.completes:
            return f"{dose}; never a trial by itself."
        if self.counts == "amount":
            return f"{dose} in one course, and {weeks} weeks from its first dose on."
        return f"{dose}, for {weeks} weeks without interruption."

    @property
    def parts(self) -> int:
        """Return how many drugs have to be taken together."""
        return 1 + max(dose.part for dose in self.doses)


@dataclass(frozen=True)
class Regimens:
    """All regimens of a knowledge folder, with what is needed to compare doses with them.

    Attributes:
        regimens: in the order of the file.
        equivalents: glucocorticoids by drug.
        conventions: how courses are read.
        options: one row a drug that a regimen takes, with its least dose; see ``_option``.
        drugs: one row a drug: ``drug``, ``drug_code``, and its ``usual_route``.
        routes: how a drug may be taken.
    """

    regimens: tuple[Regimen, ...]
    equivalents: Mapping[str, Equivalent]
    conventions: Conventions
    options: pl.DataFrame
    drugs: pl.DataFrame
    routes: pl.Enum

    @classmethod
    def load(cls, folder: Path, terms: Terms) -> Regimens:
        """Read ``adequacy/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = folder / "adequacy"
        file = where / "regimens.yaml"
        regimens = load_list(file, Regimen)
        equivalents = {x.drug: x for x in load_list(where / "glucocorticoids.yaml", Equivalent)}
        problems = [
            Problem(str(file), None, one.id, message)
            for one in regimens
            for message in _wrong(one, terms)
        ]
        problems += [
            Problem(str(where / "glucocorticoids.yaml"), None, drug, "is not in drugs.csv")
            for drug in equivalents
            if drug not in terms.drugs
        ]
        routes = routes_of(terms)
        problems += [
            Problem(str(where / "glucocorticoids.yaml"), None, one.drug, "is not taken by a route")
            for one in equivalents.values()
            if one.route and one.route not in routes.categories
        ]
        if problems:
            raise DocumentError(problems)
        rows = [
            _option(number, one, dose, drug, terms, equivalents)
            for number, one in enumerate(regimens)
            for dose in one.doses
            for drug in _drugs(dose, terms)
        ]
        usual = {x.drug: x.route for x in equivalents.values() if x.route}
        drugs = pl.DataFrame(
            [(drug, code, usual.get(drug)) for code, drug in enumerate(terms.drugs)],
            schema={"drug": pl.String, "drug_code": pl.Int64, "usual_route": pl.String},
            orient="row",
        )
        options = pl.DataFrame(rows, infer_schema_length=None).cast({"least": pl.Float64})
        return cls(
            regimens,
            equivalents,
            load(where / "conventions.yaml", Conventions),
            options,
            drugs,
            routes,
        )

    def __getitem__(self, id_: str) -> Regimen:
        """Return the regimen with this id."""
        return self.regimens[self.numbers[id_]]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the place of every regimen by its id."""
        return {one.id: number for number, one in enumerate(self.regimens)}

    @cached_property
    def with_choice(self) -> list[int]:
        """Return the places of the regimens in which one drug has several limits."""
        several = self.options.filter(pl.struct("regimen", "part", "drug").is_duplicated())
        return several["regimen"].unique().to_list()

    @cached_property
    def trials(self) -> tuple[Regimen, ...]:
        """Return the regimens that judge a trial of a drug."""
        return tuple(one for one in self.regimens if one.kind not in ("window", "dose"))

    @cached_property
    def windows(self) -> tuple[Regimen, ...]:
        """Return the regimens that serve a published definition."""
        return tuple(one for one in self.regimens if one.kind == "window")

    @cached_property
    def table(self) -> pl.DataFrame:
        """Return one row a regimen: ``regimen``, its gap, days, parts and whether it is strict."""
        gap = self.conventions.gap_days
        return pl.DataFrame(
            [
                {
                    "regimen": number,
                    "regimen_id": one.id,
                    "kind": one.kind,
                    "gap": gap if one.gap_days is None else one.gap_days,
                    "needed": one.days,
                    "parts": one.parts,
                    "strict": one.strict,
                    "by_amount": one.counts == "amount",
                    "each_drug": one.each_drug,
                    "completes": one.completes,
                    "level_low": one.level.low if one.level else None,
                }
                for number, one in enumerate(self.regimens)
            ],
            schema_overrides={
                "regimen": pl.Int64,
                "kind": pl.Enum(get_args(Kind)),
                "level_low": pl.Float64,
            },
        )

    @cached_property
    def columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """Return the columns of ``table`` that are always known, to look a regimen up by its number."""
        names = ("gap", "needed", "parts", "strict", "by_amount", "completes")
        return {name: self.table[name].to_numpy() for name in names}

    @cached_property
    def combined(self) -> tuple[int, ...]:
        """Return the numbers of the regimens of which several parts have to be taken together."""
        return tuple(number for number, one in enumerate(self.regimens) if one.parts > 1)

    @cached_property
    def option_columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """Return what is needed of ``options`` to compare a dose, to look an option up by its row.

        A number that is not known is none, a word that is not known is -1. ``acts`` are the days for which a
        single dose counts, ``asked`` tells whether the dose matters, ``choice`` whether the drug has another
        limit in the same regimen.
        """
        least, regimen = pl.col("least"), pl.col("regimen")
        any_dose = (least == 0).fill_null(False)
        limits = self.table.select("regimen", "by_amount", "each_drug")
        table = self.options.join(limits, on="regimen", maintain_order="left").select(
            "regimen",
            "part",
            "by_amount",
            "each_drug",
            least=pl.when(least > 0).then(least).fill_null(np.nan),
            least_days=pl.col("least_days").cast(pl.Float64).fill_null(np.nan),
            acts=pl.col("least_days").fill_null(1),
            least_measure=pl.col("least_measure").cast(MEASURES).to_physical().cast(pl.Int64),
            least_body=pl.col("least_body").cast(BODIES).to_physical().cast(pl.Int64).fill_null(-1),
            strength=pl.col("strength").fill_null(np.nan),
            any_dose=any_dose,
            asked=~any_dose & least.is_not_null(),
            no_ingredient=~any_dose & (least.is_null() | pl.col("strength").is_null()),
            has_routes=pl.col("routes").is_not_null(),
            choice=regimen.is_in(self.with_choice),
        )
        return {column.name: column.to_numpy() for column in table}

    @cached_property
    def limits(self) -> tuple[tuple[npt.NDArray[np.int64], ...], ...]:
        """Return for each regimen which option takes a drug by a route, -1 for none.

        A drug has the place ``drug_code * (number of routes + 1) + route + 1``; without ``route`` if that is
        not known. A drug that is not known comes after all others. Where a drug has several options in a
        regimen, each is in a table of its own.
        """
        codes = {drug: code for code, drug in enumerate(self.drugs["drug"])}
        routes: list[str | None] = [None, *self.routes.categories]
        shape = (len(codes) + 1, len(routes))
        found: list[list[npt.NDArray[np.int64]]] = [[] for _ in self.regimens]
        for number, option in enumerate(self.options.to_dicts()):
            fits = [x is None or x in (option["routes"] or (x,)) for x in routes]
            row = codes[option["drug"]]
            tables = found[option["regimen"]]
            free = next((one for one in tables if (one[row] < 0).all()), None)
            if free is None:
                free = np.full(shape, -1)
                tables.append(free)
            free[row, fits] = number
        return tuple(tuple(one.ravel() for one in tables) for tables in found)


def _drugs(dose: Dose, terms: Terms) -> Iterator[str]:
    yield from dose.drugs
    yield from (x.id for x in terms.drugs.values() if x.drug_class in dose.classes)


def _wrong(one: Regimen, terms: Terms) -> Iterator[str]:
    classes = {drug.drug_class for drug in terms.drugs.values()}
    for dose in one.doses:
        yield from (f"{x} is not in drugs.csv" for x in dose.drugs if x not in terms.drugs)
        yield from (f"{x} is no class of drugs.csv" for x in dose.classes if x not in classes)
        yield from (f"{x} is not a route" for x in dose.routes if x not in terms.doses.routes)
        unit = terms.doses.unit(dose.unit)
        if unit is None:
            yield f"{dose.unit} is not a unit of dose"
        elif (unit.days is None) != (one.counts == "amount"):
            yield f"{dose.unit}: a regimen that counts time, and only such a one, has a unit per time"


def _option(
    number: int,
    one: Regimen,
    dose: Dose,
    drug: str,
    terms: Terms,
    equivalents: Mapping[str, Equivalent],
) -> dict[str, Any]:
    """Return the least dose of one drug in the units in which doses are kept.

    ``least`` is the amount (mg, U or count) in ``least_days`` days, by ``least_body``; NULL if the drug
    alone does not say, 0 for any dose. ``strength`` turns the drug's mg into those of the limit; NULL if
    the drug does not say which glucocorticoid it is.
    """
    unit = terms.doses.unit(dose.unit)
    assert isinstance(unit, DoseUnit)
    least = dose.at_least if dose.above is None else dose.above
    strength: float | None = 1.0
    if dose.as_prednisone:
        known, prednisone = equivalents.get(drug), equivalents["prednisone"].mg
        strength = prednisone / known.mg if known and known.mg and prednisone else None
    return {
        "regimen": number,
        "part": dose.part,
        "drug": drug,
        "routes": list(dose.routes) or None,
        "least": None if least is None else least * unit.factor,
        "least_measure": unit.measure,
        "least_body": unit.body,
        "least_days": unit.days,
        "strength": strength,
    }

"""Regimens as they stand in the knowledge: which dose of which drug for how long makes a trial."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from myoresist.knowledge.schema import Check, Entry, Sourced

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
    close_share: float = Field(gt=0, lt=1)
    close_text: str
    heaviest_kg: float = Field(gt=0)
    heaviest_text: str
    worked_text: str
    after_days: int
    after_text: str
    persist_days: int
    persist_text: str
    words_of: tuple[str, ...]
    words_text: str
    stable_days: int
    stable_text: str
    stable_classes: tuple[str, ...]


class Dose(Entry):
    """The least dose of a drug; without one, the drug alone does not say which dose is enough.

    ``up_to_kg`` is the weight up to which the dose is enough.
    """

    drugs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    at_least: float | None = Field(None, ge=0)
    above: float | None = Field(None, gt=0)
    unit: str
    as_prednisone: bool = False
    up_to_kg: float | None = Field(None, gt=0)
    part: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _named(self) -> Dose:
        if bool(self.drugs) == bool(self.classes):
            raise ValueError("a dose names either drugs or classes")
        if self.at_least is not None and self.above is not None:
            raise ValueError("a dose is either at_least or above")
        if self.up_to_kg is not None and "kg" in self.unit:
            raise ValueError("up_to_kg is for a dose that is not by weight")
        return self

    @property
    def of(self) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
        """Return what the dose is of: drugs or classes, routes, and whether it is as prednisone."""
        return self.drugs or self.classes, self.routes, self.as_prednisone

    def in_words(self, alone: bool) -> str:
        """Return the dose in plain words, without the drug where that was said before."""
        if self.above is not None:
            dose = f"above {self.above:g} {self.unit}"
        elif self.at_least is not None:
            dose = f"at least {self.at_least:g} {self.unit}" if self.at_least else "any dose"
        else:
            dose = "a dose that no source sets"
        weight = f" up to {self.up_to_kg:g} kg of weight" if self.up_to_kg else ""
        if not alone:
            return dose + weight
        what = " or ".join(self.drugs or self.classes).replace("_", " ")
        routes = f" ({' or '.join(self.routes)})" if self.routes else ""
        return f"{dose}{' as prednisone' if self.as_prednisone else ''} of {what}{routes}{weight}"


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
    judged_to: Literal["dose", "course"] = "dose"
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
        parts = []
        for number in range(self.parts):
            doses = [one for one in self.doses if one.part == number]
            said = [
                one.in_words(place == 0 or one.of != doses[place - 1].of)
                for place, one in enumerate(doses)
            ]
            parts.append("; or ".join(said))
        dose = "; with ".join(parts)
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

    @property
    def drugs(self) -> frozenset[str]:
        """Return the drugs that it names."""
        return frozenset(drug for dose in self.doses for drug in dose.drugs)

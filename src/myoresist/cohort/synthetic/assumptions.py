"""What drawing made-up patients needs beside the knowledge; ``knowledge/simulation.yaml`` explains it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from myoresist.knowledge.schema import Check, Entry, Sourced, load

FILE = "simulation.yaml"


def _whole(shares: Mapping[str, float]) -> Mapping[str, float]:
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise ValueError("these shares add up to 1")
    return shares


Share = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[Mapping[str, Share], AfterValidator(_whole)]


class Between(Entry):
    """Two bounds between which a number is drawn evenly."""

    least: float
    most: float


class Centre(Entry):
    """A centre: its share of the patients, how it keeps records, and what its laboratory writes."""

    id: str
    share: Share
    written: Share
    thin: Share
    limit: int
    method: str
    other_units: tuple[str, ...] = ()


class Sites(Sourced):
    """The centres of the registry."""

    centres: tuple[Centre, ...]


class Ancestry(Sourced):
    """Shares of ancestries; what is left of them is ``other``."""

    by_disease: Mapping[str, Mapping[str, Share]]
    others: Mapping[str, Share]
    of_children: Mapping[str, Share]


class Children(Sourced):
    """Disease that began in childhood: how often, when, and what is never or differently found."""

    share: Mapping[str, Share]
    younger: Mapping[float, float]
    never: tuple[str, ...]
    found: Mapping[str, Share]


class Oldest(Entry):
    """The greatest ages at the first symptom and at the last visit."""

    onset: float
    now: float


class Weights(Entry):
    """Body weights of adults by sex, how far their logarithm spreads, and the part that is had by age."""

    middle: Mapping[str, float]
    spread: float = Field(gt=0)
    least: float = Field(gt=0)
    most: float = Field(gt=0)
    by_age: Mapping[float, Share]


class FollowUp(Sourced):
    """When patients enter, when the registry closes, and how many a year are lost or die before."""

    first: date
    last: date
    closed: date
    lost_a_year: Share
    die_a_year: Mapping[float, Share]


class Visits(Entry):
    """How far visits lie apart, by years since the first, and how many of them are not entered."""

    months: Mapping[float, float]
    spread_by_patient: float = Field(ge=0)
    spread_by_visit: float = Field(ge=0)
    not_entered: Share
    most: int


class Records(Entry):
    """What is done and written down, and under which name the disease goes."""

    done: Mapping[int, Share]
    done_when_thin: Mapping[int, Share]
    written: Share
    written_by_group: Mapping[str, Share]
    times_when_thin: Share
    long_form: int
    own_label: Share
    no_label: Share
    subtype: str
    subtype_finding: str
    subtype_written: Share
    list_complete: Share


class Antibodies(Entry):
    """How results of antibodies look."""

    strengths: Shares
    weak_when_absent: Share
    confirmed: Share
    confirmed_by: str


class Labs(Entry):
    """How laboratories write values, and the test that is measured at most visits."""

    upper_limits: Mapping[str, tuple[float, ...]]
    decimals: Mapping[str, int]
    decimals_otherwise: int
    followed: str
    followed_missing: Share


class Scale(Entry):
    """How much of its range a measure uses at full activity, its steps, and how often it is missing."""

    reach: Share
    step: float = Field(gt=0)
    missing: Share


class Course(Entry):
    """How the activity of the disease goes, and what the measures show of it."""

    improves: Mapping[str, Share]
    improves_otherwise: Share
    begins: Between
    gain: Between
    half_in_days: Between
    drift_a_year: Between
    wavering: float = Field(ge=0)
    memory: Share
    calmest: Share
    measures: Mapping[str, Scale]
    missing_more_a_year: Share
    measure_spread: float = Field(ge=0)


class Step(Entry):
    """A step of a taper: the share of the first dose, and for how many weeks it is taken."""

    share: Share
    weeks: Between


class Rounding(Entry):
    """What doses are rounded to, at and above a dose, and below it."""

    above: float = Field(gt=0)
    below: float = Field(gt=0)
    start: float = Field(gt=0, alias="from")


class Glucocorticoid(Sourced):
    """The first treatment: a dose, and steps of its taper."""

    given: Share
    regimen: str
    drugs: Shares
    doses: tuple[float, ...]
    rounded_to: Rounding
    at_most: float = Field(gt=0)
    begins_days: Between
    taper: tuple[Step, ...]
    goes_on: Share


class Chosen(Entry):
    """How often a regimen is chosen, how long it is taken on average, and the steps of its doses."""

    chosen: float = Field(gt=0)
    months: float = Field(gt=0)
    step: float = Field(gt=0)


class ByOutcome(Entry):
    """A number for those who improve, and one for those who do not."""

    improves: float
    does_not: float


class SharesByOutcome(Entry):
    """Shares of words in those who improve, and in those who do not."""

    improves: Shares
    does_not: Shares


class Drugs(Sourced):
    """The other treatments, one after the other."""

    regimens: Mapping[str, Chosen]
    courses: Mapping[int, Share]
    doses: tuple[float, ...]
    full_dose_from_kg: float = Field(gt=0)
    longer: ByOutcome
    begins_days: Between
    pause_days: Between
    shortest_days: int
    vague_month: Share
    vague_year: Share
    undated: Share
    no_response_stated: Share
    responses: SharesByOutcome
    reasons: SharesByOutcome


class Assumptions(Entry):
    """The assumptions of ``knowledge/simulation.yaml``."""

    check: Check
    sites: Sites
    ancestry: Ancestry
    children: Children
    youngest: Mapping[str, float]
    oldest: Oldest
    weight_kg: Weights
    follow_up: FollowUp
    visits: Visits
    records: Records
    antibodies: Antibodies
    labs: Labs
    course: Course
    glucocorticoid: Glucocorticoid
    drugs: Drugs

    @classmethod
    def load(cls, folder: Path) -> Assumptions:
        """Read the assumptions of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        return load(folder / FILE, cls)

"""What drawing made-up patients needs beside the knowledge: assumptions, none a medical fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from myoresist.knowledge.schema import Check, Entry, load

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


class Weights(Entry):
    """Body weights: the middle one, how far their logarithm spreads, and the outermost."""

    middle: float = Field(gt=0)
    spread: float = Field(gt=0)
    least: float = Field(gt=0)
    most: float = Field(gt=0)


class Glucocorticoid(Entry):
    """The first treatment: a dose, and steps of its taper as shares of dose and time."""

    regimen: str
    drugs: Shares
    doses: tuple[float, ...]
    rounded_to: float = Field(gt=0)
    at_most: float = Field(gt=0)
    taper: Mapping[float, Share]
    goes_on: Share


class Scale(Entry):
    """How much of its range a measure uses at full activity, its steps, and how often it is missing."""

    reach: Share
    step: float = Field(gt=0)
    missing: Share


class Responses(Entry):
    """The responses stated for courses of patients who improve, and of those who do not."""

    improves: Shares
    does_not: Shares


class Assumptions(Entry):
    """The assumptions of ``knowledge/simulation.yaml``, explained in the file."""

    check: Check
    thin_share: Share
    done: Mapping[int, Share]
    done_when_thin: Mapping[int, Share]
    written: Share
    written_when_thin: Share
    long_form: int
    own_label: Share
    no_label: Share
    assessed_from: date
    assessed_to: date
    youngest: float
    weight_kg: Weights
    methods: Shares
    strengths: Shares
    weak_when_absent: Share
    confirmed: Share
    upper_limits: Mapping[str, tuple[float, ...]]
    other_unit: Share
    followed: str
    glucocorticoid: Glucocorticoid
    regimens: Mapping[str, float]
    courses: Mapping[int, Share]
    doses: tuple[float, ...]
    times: Between
    pause_days: int
    goes_on: Share
    shortest_days: int
    vague_month: Share
    vague_year: Share
    undated: Share
    list_complete: Share
    no_response_stated: Share
    responses: Responses
    reasons: Shares
    visits: Between
    span_days: Between
    improves: Share
    begins: Between
    gain: Between
    drift: Between
    wavering: float = Field(ge=0)
    memory: Share
    calmest: Share
    measures: Mapping[str, Scale]
    measure_spread: float = Field(ge=0)

    @classmethod
    def load(cls, folder: Path) -> Assumptions:
        """Read the assumptions of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        return load(folder / FILE, cls)

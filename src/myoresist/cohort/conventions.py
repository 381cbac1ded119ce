"""What the tables about a registry ask for: windows of response, the least count that may leave."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from myoresist.knowledge import folder
from myoresist.knowledge.schema import Entry, Sourced, load

DAYS_A_WEEK = 7


class Window(Entry):
    """A time after a drug was begun at which its response is judged."""

    week: int = Field(gt=0)
    days: int = Field(gt=0)

    @property
    def first(self) -> int:
        """Return the first day of the window, counted from the beginning of the drug."""
        return self.week * DAYS_A_WEEK - self.days

    @property
    def last(self) -> int:
        """Return the last day of the window."""
        return self.week * DAYS_A_WEEK + self.days


class Conventions(Sourced):
    """Choices that no paper makes; see ``registry/conventions.yaml``."""

    windows: tuple[Window, ...]
    baseline_before_days: int
    baseline_after_days: int
    start_within_days: int
    spared_mg_day: float
    least_cell: int = Field(gt=0)
    far_out: float

    @classmethod
    def packaged(cls) -> Conventions:
        """Return those that ship with the package."""
        return _load(folder())


@cache
def _load(where: Path) -> Conventions:
    return load(where / "registry" / "conventions.yaml", Conventions)

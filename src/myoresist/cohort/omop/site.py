"""What concepts of a site's own say: the part ``omop`` of a mapping file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import model_validator

from myoresist.case.cells import Column
from myoresist.document import did_you_mean
from myoresist.knowledge.schema import Entry


class Own(Entry):
    """A concept of a site, by its id or by what stands in the column of source values."""

    concept: int | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Own:
        if (self.concept is None) == (self.source is None):
            raise ValueError("give either concept, an id, or source, a source value")
        return self


class OwnMeasure(Own):
    """A measure of a visit, by a column of the table of visits, which names its unit."""

    measure: str


class OwnFinding(Own):
    """A finding, such as of an EMG or a biopsy.

    Attributes:
        yes, no: values, by concept id or as they are written; without any a record alone says yes.
    """

    finding: str
    yes: tuple[int | str, ...] = ()
    no: tuple[int | str, ...] = ()


class Site(Entry):
    """What concepts of a site's own say."""

    measures: tuple[OwnMeasure, ...] = ()
    findings: tuple[OwnFinding, ...] = ()

    def strange(
        self, visits: Mapping[str, Column], patients: Mapping[str, Column]
    ) -> Iterator[tuple[str, str]]:
        """Yield what is no word of ours, with its place."""
        for place, one in enumerate(self.measures):
            if visits.get(one.measure, Column("text")).kind != "number":
                hint = did_you_mean(one.measure, visits)
                yield f"omop.measures[{place}].measure", f"{one.measure} is no measure{hint}"
        for place, other in enumerate(self.findings):
            if patients.get(other.finding, Column("text")).kind != "yes_no":
                hint = did_you_mean(other.finding, patients)
                yield f"omop.findings[{place}].finding", f"{other.finding} is no finding{hint}"

    @property
    def all(self) -> tuple[OwnMeasure | OwnFinding, ...]:
        """Return every entry; its place in them is its number in the database."""
        return (*self.measures, *self.findings)

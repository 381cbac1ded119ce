"""Which concepts mean what in the words of a case (``knowledge/omop/concepts.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from myoresist.case.terms import Terms
from myoresist.knowledge.schema import Check, Entry, Sourced, load

FILE = "omop/concepts.yaml"
LABEL, ALLERGY = "label", "allergy"


class Concept(Sourced):
    """A concept by vocabulary and code; its name is for the reader."""

    vocabulary: str
    code: str
    name: str


class Meant(Entry):
    """What records of these concepts, or of descendants of them, say."""

    concepts: tuple[Concept, ...]


class Label(Meant):
    """A diagnosis that the patient carries."""

    label: str


class Finding(Meant):
    """A finding that is present when a record begins in a window of days around the first label.

    With ``now`` it is present when a record lasts to the day of the assessment.
    """

    finding: str
    table: Literal["condition_occurrence", "drug_exposure"]
    from_days: int | None = None
    to_days: int | None = None
    now: bool = False


class Drug(Meant):
    """A drug, by its ingredient."""

    drug: str


class Antibody(Meant):
    """A test for an antibody."""

    antibody: str
    method: str | None = None


class Result(Meant):
    """A word for a result."""

    result: str


class Doses(Entry):
    """When the dose of a dispensing is certain.

    Attributes:
        drugs: those that are taken every day by mouth.
        form: what the names of products that are counted by the piece hold, as a regular expression.
        pack: what the names of packs hold, in which the pieces may differ.
        unit: in which the strength of a piece stands, by its UCUM code.
        least_a_day, most_a_day: pieces a day between which the quantity can be one of pieces.
        overlap_days: by how much a refill may come early.
    """

    drugs: tuple[str, ...]
    form: str
    pack: str
    unit: str
    least_a_day: float
    most_a_day: float
    overlap_days: int


class Concepts(Entry):
    """The concepts of ``knowledge/omop/concepts.yaml``, explained in the file."""

    check: Check
    labels: tuple[Label, ...]
    findings: tuple[Finding, ...]
    doubted: tuple[str, ...]
    allergies: tuple[Concept, ...]
    drugs: tuple[Drug, ...]
    antibodies: tuple[Antibody, ...]
    results: tuple[Result, ...]
    weight: Concept
    sex: Mapping[str, int]
    units: Mapping[str, str]
    weight_unit: str
    local_forms: tuple[str, ...]
    persistence_days: int
    doses: Doses
    operators: Mapping[str, int]
    equal: int

    @classmethod
    def load(cls, folder: Path) -> Concepts:
        """Read the concepts of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        return load(folder / FILE, cls)

    def wanted(self, terms: Terms) -> Iterator[Wanted]:
        """Yield every concept that a database is searched for; laboratory tests bring their own."""
        kinds: tuple[tuple[str, tuple[Meant, ...]], ...] = (
            (LABEL, self.labels), ("finding", self.findings), ("drug", self.drugs),
            ("antibody", self.antibodies), ("result", self.results),
        )  # fmt: skip
        for kind, entries in kinds:
            for place, entry in enumerate(entries):
                given = entry.model_dump()
                for concept in entry.concepts:
                    yield Wanted(
                        given.get("table", kind), place, given[kind], concept,
                        given.get("method"), given.get("from_days"), given.get("to_days"),
                        given.get("now", False),
                    )  # fmt: skip
        for place, test in enumerate(terms.labs.values()):
            if test.loinc:
                named = Concept(vocabulary="LOINC", code=test.loinc, name=test.label)
                yield Wanted("lab", place, test.id, named)
        yield from (
            Wanted(ALLERGY, place, ALLERGY, one) for place, one in enumerate(self.allergies)
        )
        yield Wanted("weight", 0, "weight_kg", self.weight)


@dataclass(frozen=True)
class Wanted:
    """A concept to look up, and what it says: ``kind``, ``place`` in its list, ``word``, ``method``, days."""

    kind: str
    place: int
    word: str
    concept: Concept
    method: str | None = None
    from_days: int | None = None
    to_days: int | None = None
    now: bool = False

    def row(self) -> tuple[object, ...]:
        """Return it as a row of the table ``wanted``."""
        one = self.concept
        window = (self.from_days, self.to_days, self.now)
        return (self.kind, self.place, self.word, self.method, *window, one.vocabulary, one.code)

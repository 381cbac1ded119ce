"""The words that a case file may use besides findings: laboratory tests, results, sections and drugs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from myoresist.case.catalogue import Catalogue, Finding, Names, read_rows
from myoresist.case.cells import Calendar
from myoresist.case.confusions import Confusions
from myoresist.case.doses import LOCAL, DoseWords
from myoresist.case.drug_names import Drug, DrugNames, plain_name
from myoresist.case.measures import Measures
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import Entry, Sourced, load, load_list

LABEL = "diagnosis_label"
SEE_LIST = "see 'myoresist template' for the list"
WEEKS_A_YEAR = 52
SHORT = 5
"""Letters of a short word, most of which stand in many others."""
ALIKE, ALIKE_IF_SHORT = 0.6, 0.75
"""How alike the name of a finding must be to be suggested (0 to 1)."""
THOUSAND = 1000
FIGURES = 9
"""Decimals beyond which a product of two of them is rounding."""
DECIMALS = 10
"""How many of the usual units make one in which values are written with decimals, as in µkat/L."""


class LabFinding(Entry):
    """Which row of a test fills which findings.

    ``multiple`` is the finding of the value as a multiple of its limit; ``raised`` is true where any row is
    above its limit, even if another one cannot be read; ``normal`` where the latest one is surely not.
    """

    take: Literal["highest_multiple", "latest"]
    value: str
    upper_limit: str | None = None
    multiple: str | None = None
    raised: str | None = None
    normal: str | None = None
    lower_limit: str | None = None
    dated: bool = False

    @property
    def told(self) -> tuple[str | None, ...]:
        """Return the findings that say how the value lies to its limit."""
        return self.multiple, self.raised, self.normal


class Fall(Entry):
    """A finding that is present where the latest value lies a share below the highest before it."""

    finding: str
    share: float = Field(gt=0, lt=1)

    def reached(self, before: float, now: float) -> bool:
        """Tell whether a value has fallen so far."""
        return now <= round(before * (1 - self.share), FIGURES)


class LabTest(Sourced):
    """A laboratory test: its names, units and the findings that it fills.

    ``units`` maps each accepted spelling to a unit of the unit library; the first is the one kept.
    ``level_of`` names the drug whose level the test measures. ``whole`` says that values in the unit that is
    kept have no three decimals.
    """

    id: str
    label: str
    synonyms: tuple[str, ...] = ()
    loinc: str | None = None
    units: Mapping[str, str] = Field(min_length=1)
    minimum: float
    maximum: float
    findings: tuple[LabFinding, ...]
    fall: Fall | None = None
    level_of: str | None = None
    whole: bool = False

    @property
    def unit(self) -> str:
        """Return the unit in which values are kept."""
        return next(iter(self.units))

    def divides_thousands(self, kept: float, by: float) -> bool:
        """Tell whether the point of a number with three decimals may divide thousands.

        Args:
            kept: the number, in the unit in which values are kept.
            by: how many of these one is in which it was written.
        """
        return self.whole and by < DECIMALS and kept * THOUSAND <= self.maximum


class ResultWord(Entry):
    """What a result in words says about the antibody; without a finding it says nothing sure."""

    finding: bool | None = None
    text: str | None = None


class AntibodyResults(Sourced):
    """How results of autoantibody tests are read."""

    words: Mapping[str, ResultWord]
    value: str


class Section(Entry):
    """Which findings a section of the case file takes."""

    groups: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()

    def takes(self, finding: Finding) -> bool:
        """Tell whether a finding belongs into this section."""
        return finding.group in self.groups or finding.id in self.findings


class Tissue(Section):
    """Which findings a biopsy of this tissue takes, and which one says that there was a biopsy."""

    done: str | None = None


class Range(Entry):
    """Limits beyond which a value must be a mistake."""

    minimum: float
    maximum: float


class AdultWeight(Entry):
    """From which age on a weight lies above a minimum."""

    age: float
    minimum: float

    def wrong(self, weight: float, age: float) -> str | None:
        """Say why somebody of this age (years) cannot have this weight (kg)."""
        if age >= self.age and weight < self.minimum:
            return f"{weight:g} kg is impossible at the age of {age:g}"
        return None


class Sections(Confusions):
    """Where the entries of a case lead."""

    sections: Mapping[str, Section]
    labels: Mapping[str, str] = {}
    sex: Mapping[str, bool]
    sex_finding: str
    tempo: Mapping[str, str]
    tissue: Mapping[str, Tissue]
    visits: Mapping[str, str]
    current_drug_class: Mapping[str, str]
    local_routes: tuple[str, ...]
    weight_kg: Range
    adult_weight_kg: AdultWeight
    follow: tuple[str, ...] = ()
    earliest_year: int
    most_years: int

    def named(self) -> Iterator[str]:
        """Walk through every finding that is named."""
        for section in (*self.sections.values(), *self.tissue.values()):
            yield from section.findings
        yield self.sex_finding
        yield from self.follow
        yield from (tissue.done for tissue in self.tissue.values() if tissue.done)
        for one in self.confused:
            yield from one.never
        for leads in (self.tempo, self.visits, self.current_drug_class):
            yield from leads.values()


@dataclass(frozen=True)
class Terms:
    """Everything that a case file may name."""

    catalogue: Catalogue
    labs: Mapping[str, LabTest]
    results: AntibodyResults
    sections: Sections
    drugs: Mapping[str, Drug]
    measures: Measures
    doses: DoseWords

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Terms:
        """Read the terms of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = {
            "labs": folder / "labs" / "labs.yaml",
            "sections": folder / "findings" / "sections.yaml",
        }
        labs = load_list(where["labs"], LabTest)
        sections = load(where["sections"], Sections)
        where["drugs"] = folder / "drugs" / "drugs.csv"
        drugs = {drug.id: drug for _, drug in read_rows(where["drugs"], Drug)}
        named = {
            "sections": set(sections.named()),
            "drugs": {x for drug in drugs.values() for x in drug.tells},
            "labs": {
                name
                for lab in labs
                for use in lab.findings
                for name in (
                    use.value,
                    use.lower_limit,
                    use.upper_limit,
                    use.multiple,
                    use.raised,
                    use.normal,
                )
                if name
            }
            | {lab.fall.finding for lab in labs if lab.fall},
        }
        problems = [
            Problem(str(where[file]), None, finding, "is not in findings.csv")
            for file, findings in named.items()
            for finding in sorted(findings)
            if finding not in catalogue
        ]
        if problems:
            raise DocumentError(problems)
        return cls(
            catalogue,
            {lab.id: lab for lab in labs},
            load(folder / "antibodies" / "results.yaml", AntibodyResults),
            sections,
            drugs,
            Measures.load(folder),
            load(folder / "drugs" / "doses.yaml", DoseWords),
        )

    @cached_property
    def calendar(self) -> Calendar:
        """Return which days can stand in a record."""
        return Calendar(date(self.sections.earliest_year, 1, 1), date.today())

    @cached_property
    def large(self) -> frozenset[str]:
        """Return the findings whose values have no three decimals, so that a point may divide thousands."""
        whole = [use for test in self.labs.values() if test.whole for use in test.findings]
        return frozenset(x for use in whole for x in (use.value, use.upper_limit) if x)

    @property
    def most_weeks(self) -> float:
        """Return how many weeks a course can last."""
        return self.sections.most_years * WEEKS_A_YEAR

    def limits_of(self, test: str) -> Range:
        """Return where the upper limit of normal of a test lies, in the unit in which it is kept."""
        return self._range(test, "upper_limit")

    def multiples_of(self, test: str) -> Range:
        """Return how many times its limit a test can be."""
        return self._range(test, "multiple")

    def _range(self, test: str, field: str) -> Range:
        uses = self.labs[test].findings if test in self.labs else ()
        named = (getattr(use, field) for use in uses)
        finding = next((self.catalogue[name] for name in named if name), None)
        if finding is None:
            return Range(minimum=0, maximum=math.inf)
        return Range(minimum=finding.minimum or 0, maximum=finding.maximum or math.inf)

    @cached_property
    def _lab_names(self) -> Names:
        return Names.of((x.id, (x.id, x.label, *x.synonyms)) for x in self.labs.values())

    @cached_property
    def drug_names(self) -> DrugNames:
        """Return how drugs are named."""
        return DrugNames(self.drugs, self.doses, self.sections.local_routes)

    @cached_property
    def _antibody_names(self) -> Names:
        found = (x for x in self.catalogue if x.group == "antibody" and x.kind == "bool")
        return Names.of(((x.id, (x.id, x.label, *x.synonyms)) for x in found), _plain)

    @cached_property
    def _labels(self) -> Names:
        known = self.catalogue[LABEL].choices if LABEL in self.catalogue else ()
        own = ((label, (label,)) for label in known)
        others = ((label, (word,)) for word, label in self.sections.labels.items())
        return Names.of((*own, *others), plain_name)

    def label(self, word: str) -> str | None:
        """Return the label of the catalogue that a word for a diagnosis stands for."""
        return self._labels.find(word)

    def lab(self, name: str) -> LabTest | None:
        """Return the laboratory test of this name."""
        known = self._lab_names.find(name)
        return self.labs[known] if known else None

    def nearest_lab(self, name: str, cutoff: float = 0.6) -> str | None:
        """Return the id of the test most like ``name``, if any is as alike as ``cutoff`` (0 to 1)."""
        return self._lab_names.nearest(name, cutoff)

    def drug(self, name: str) -> Drug | None:
        """Return the drug of this name."""
        known = self.drug_names.find(name)
        return known.drug if known else None

    def route_in(self, name: str) -> str | None:
        """Return the route that the name of a drug holds, as in ``IV methylprednisolone``."""
        known = self.drug_names.find(name)
        return known.route if known else None

    def is_local(self, route: str) -> bool:
        """Tell whether by this route a drug is only applied locally."""
        return self.doses.route(route, self.sections.local_routes) == LOCAL

    def told_by(self, drug: Drug, now: bool) -> tuple[str, ...]:
        """Return the findings that are true of whoever had a drug, or takes it now."""
        of_class = self.sections.current_drug_class.get(drug.drug_class)
        own = (of_class,) if now and of_class else ()
        return (*own, *drug.ever, *(drug.now if now else ()))

    def nearest_drug(self, name: str) -> str | None:
        """Return the name of the drug most like ``name``."""
        near = self.drug_names.nearest(name)
        return near.label if near else None

    def antibody(self, name: str) -> Finding | None:
        """Return the finding for an antibody, however it is spelt: Jo-1, anti-Jo-1 or anti_jo1."""
        known = self._antibody_names.find(name)
        return self.catalogue[known] if known else None

    def nearest_antibody(self, name: str, cutoff: float = 0.6) -> str | None:
        """Return the id of the antibody most like ``name``, if any is as alike as ``cutoff`` (0 to 1)."""
        return self._antibody_names.nearest(name, cutoff)

    def meant_antibody(self, name: str) -> str:
        """Say which antibody an unknown name may stand for, or where to look."""
        said = self.sections.said(name)
        near = self.sections.allowed(name, self._antibody_names.nearest_few(name))
        return said or (f"did you mean {near}?" if near else SEE_LIST)

    def meant_finding(self, name: str) -> str:
        """Say which finding an unknown name may stand for, or where to look."""
        said = self.sections.said(name)
        alike = ALIKE_IF_SHORT if len(name) <= SHORT else ALIKE
        near = self.sections.allowed(name, self.catalogue.nearest_few(name, alike))
        return said or (f"did you mean {near}?" if near else SEE_LIST)


def _plain(name: str) -> str:
    """Return the name of an antibody without what people write in different ways."""
    text = (
        name.lower().split("(")[0].replace("γ", "gamma").replace("α", "alpha").replace("β", "beta")
    )
    kept = "".join(letter for letter in text if letter.isalnum())
    return kept.removeprefix("anti").removesuffix("antibody").removesuffix("antibodies")

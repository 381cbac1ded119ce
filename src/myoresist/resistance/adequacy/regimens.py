"""All regimens of a knowledge folder, and what is needed to compare doses of N records with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from myoresist.arrays.rows import Rows
from myoresist.arrays.runs import Flags, Floats, Ints
from myoresist.arrays.words import NO_WORD
from myoresist.case.course_columns import routes_of
from myoresist.case.terms import Terms
from myoresist.document import DocumentError, Problem
from myoresist.knowledge.schema import load, load_list
from myoresist.resistance.adequacy.limits import Limits
from myoresist.resistance.adequacy.schema import Conventions, Equivalent, Regimen


@dataclass(frozen=True)
class RegimenColumns(Rows):
    """What is needed of every regimen, to look it up by its number.

    Attributes:
        gap: longest pause, in days, that does not end a course.
        needed: fewest days at the dose that are enough.
        parts: how many drugs have to be taken together.
        strict: whether the dose has to be above the limit.
        by_amount: whether amounts count and not time.
        each_drug: whether each drug counts for itself.
        completes: whether it can be a trial by itself.
        tried: whether it judges a trial of one drug, and serves no published definition.
        to_end: whether it is judged to the end of its course, and not of the time at the dose.
        judged: days from its beginning on which it is judged at the earliest.
        level_low: least drug level; NaN for none.
    """

    gap: Floats
    needed: Floats
    parts: Ints
    strict: Flags
    by_amount: Flags
    each_drug: Flags
    completes: Flags
    tried: Flags
    to_end: Flags
    judged: Floats
    level_low: Floats


@dataclass(frozen=True)
class Regimens:
    """All regimens of a knowledge folder.

    Attributes:
        regimens: in the order of the file.
        equivalents: glucocorticoids by drug.
        conventions: how courses are read.
        limits: least doses of drugs, by regimen.
        speaks: of each drug whether the words on its courses tell of activity; a drug that is not known comes
            last.
        suppresses: of each drug whether it counts among those of which a dose is to be stable.
        unnamed: of each drug whether it stands for one of which nobody knows the name.
    """

    regimens: tuple[Regimen, ...]
    equivalents: Mapping[str, Equivalent]
    conventions: Conventions
    limits: Limits
    speaks: Flags
    suppresses: Flags
    unnamed: Flags

    @classmethod
    def load(cls, folder: Path, terms: Terms) -> Regimens:
        """Read ``adequacy/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = folder / "adequacy"
        regimens = load_list(where / "regimens.yaml", Regimen)
        file = where / "glucocorticoids.yaml"
        equivalents = {x.drug: x for x in load_list(file, Equivalent)}
        routes = routes_of(terms)
        problems = [
            Problem(str(where / "regimens.yaml"), None, one.id, message)
            for one in regimens
            for message in _wrong(one, terms)
        ]
        for one in equivalents.values():
            if one.drug not in terms.drugs:
                problems.append(Problem(str(file), None, one.drug, "is not in drugs.csv"))
            if one.route and one.route not in routes:
                problems.append(Problem(str(file), None, one.drug, "is not taken by a route"))
        if problems:
            raise DocumentError(problems)
        limits = Limits.of(regimens, equivalents, terms, routes)
        conventions = load(where / "conventions.yaml", Conventions)
        speaks, suppresses = (
            np.array([*(one.drug_class in classes for one in terms.drugs.values()), False])
            for classes in (conventions.words_of, conventions.stable_classes)
        )
        unnamed = np.array([*(one.unnamed for one in terms.drugs.values()), True])
        return cls(regimens, equivalents, conventions, limits, speaks, suppresses, unnamed)

    def __getitem__(self, id_: str) -> Regimen:
        """Return the regimen with this id."""
        return self.regimens[self.numbers[id_]]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the place of every regimen by its id."""
        return {one.id: number for number, one in enumerate(self.regimens)}

    @cached_property
    def trials(self) -> tuple[Regimen, ...]:
        """Return the regimens that judge a trial of a drug."""
        return tuple(one for one in self.regimens if one.kind not in ("window", "dose"))

    @cached_property
    def tried(self) -> Flags:
        """Return of each drug whether a trial is about it; of the last, which is not known, it may be."""
        trials = {one.id for one in self.trials}
        limits = self.limits
        tried = {x.drug for x in limits.limits if self.regimens[x.regimen].id in trials}
        return np.array([*(drug in tried for drug in limits.drugs), True])

    @cached_property
    def windows(self) -> tuple[Regimen, ...]:
        """Return the regimens that serve a published definition."""
        return tuple(one for one in self.regimens if one.kind == "window")

    @cached_property
    def columns(self) -> RegimenColumns:
        """Return what is needed of every regimen as columns."""
        gaps = [one.gap_days for one in self.regimens]
        usual = self.conventions.gap_days
        lows = [one.level.low if one.level else np.nan for one in self.regimens]
        return RegimenColumns(
            gap=np.array([usual if gap is None else gap for gap in gaps], np.float64),
            needed=np.array([one.days for one in self.regimens], np.float64),
            parts=np.array([one.parts for one in self.regimens]),
            strict=np.array([one.strict for one in self.regimens]),
            by_amount=np.array([one.counts == "amount" for one in self.regimens]),
            each_drug=np.array([one.each_drug for one in self.regimens]),
            completes=np.array([one.completes for one in self.regimens]),
            tried=np.array([one in self.trials and one.parts == 1 for one in self.regimens]),
            to_end=np.array([one.judged_to == "course" for one in self.regimens]),
            judged=np.array([7 * (one.judge_at_weeks or 0) for one in self.regimens], np.float64),
            level_low=np.array(lows, np.float64),
        )

    @cached_property
    def usual_route(self) -> Ints:
        """Return the usual route of each drug; the last is that of a drug that is not known: none."""
        routes = self.limits.routes
        usual = {x.drug: routes.index(x.route) for x in self.equivalents.values() if x.route}
        return np.array([*(usual.get(drug, NO_WORD) for drug in self.limits.drugs), NO_WORD])


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

"""The response of one patient as plain data: what changed, what follows, why, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from myoresist.case.model import Case
from myoresist.resistance.response.definitions import CONFIRMED, Definition
from myoresist.resistance.response.evaluate import BASELINE_DATE, DAYS, Responses
from myoresist.resistance.response.improvement import CATEGORY, CATEGORY_MAX, CATEGORY_MIN
from myoresist.resistance.response.series import Series
from myoresist.resistance.response.visits import DATE, compared_column, value_column
from myoresist.result import Result
from myoresist.rules.reasons import explain

State = Literal["met", "not_met", "undetermined"]
Population = Literal["adult", "juvenile"]


class NoteResult(Result):
    """A published figure or a limit of the criteria, with its sources."""

    text: str
    cites: tuple[str, ...] = ()
    check: str | None = None


class MeasureResult(Result):
    """One measure at a visit, and the range that its form has."""

    id: str
    title: str
    value: float
    unit: str
    minimum: float
    maximum: float


class ChangeResult(Result):
    """What one of the six measures says between two visits.

    ``percent`` is of the whole range of the measure, ``relative`` of the baseline; better is positive. While
    ``points`` is unknown, the measure could add up to ``points_max``.
    """

    domain: str
    title: str
    measure: str | None
    measure_title: str | None
    unit: str | None
    baseline: float | None
    final: float | None
    gain: float | None
    percent: float | None
    relative: float | None
    points: float | None
    points_max: float
    missing: tuple[str, ...] = ()


class ImprovementResult(Result):
    """The total improvement score; ``score`` counts unknown as zero, so it is also the lowest possible."""

    title: str
    core_set: str
    population: Population | None
    score: float
    score_max: float
    category: str
    category_min: str
    category_max: str
    changes: tuple[ChangeResult, ...]
    missing: tuple[str, ...]
    notes: tuple[NoteResult, ...]
    cites: tuple[str, ...]
    check: str | None


class DefinitionResult(Result):
    """A definition of improvement, worsening or inactivity; ``because`` settles it or leaves it open."""

    id: str
    title: str
    kind: Literal["improvement", "worsening", "inactive"]
    state: State
    confirmed: State | None = None
    because: tuple[str, ...]
    missing: tuple[str, ...] = ()
    text: str
    limits: str | None = None
    cites: tuple[str, ...]
    check: str | None


class ComparisonResult(Result):
    """A visit compared with an earlier one."""

    baseline_date: str
    date: str
    days: int
    improvements: tuple[ImprovementResult, ...]
    definitions: tuple[DefinitionResult, ...]


class VisitResult(Result):
    """One visit: activity and damage apart; strength and function can show either."""

    date: str
    activity: tuple[MeasureResult, ...]
    damage: tuple[MeasureResult, ...]
    activity_or_damage: tuple[MeasureResult, ...]
    definitions: tuple[DefinitionResult, ...]


class ResponseResult(Result):
    """The response of one patient.

    Attributes:
        population: whose cut-offs count; ``None`` where neither age is known.
        baseline_date: the visit with which ``comparisons`` compares every later one.
        baseline_basis: why it is that visit.
        comparisons: every later visit against the baseline; the last one is the response now.
        consecutive: every visit against the one before.
        visits: what was measured at each visit, and whether the disease was inactive.
        remarks: what could not be used, and what would help.
    """

    patient_id: str
    population: Population | None
    baseline_date: str | None = None
    baseline_basis: str | None = None
    comparisons: tuple[ComparisonResult, ...] = ()
    consecutive: tuple[ComparisonResult, ...] = ()
    visits: tuple[VisitResult, ...] = ()
    flare: str
    flare_cites: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites."""
        found = list(self.flare_cites)
        for visit in self.visits:
            found += [key for definition in visit.definitions for key in definition.cites]
        for comparison in self.comparisons:
            found += [key for definition in comparison.definitions for key in definition.cites]
            for improvement in comparison.improvements:
                found += improvement.cites
                found += [key for note in improvement.notes for key in note.cites]
        return found


def response(
    case: Case, responses: Responses, found: Series, population: str | None
) -> ResponseResult:
    """Return the response of one patient.

    Args:
        case: the case.
        responses: the criteria.
        found: its visits.
        population: adult or juvenile, as ``Improvement.populations`` says.
    """
    conventions = responses.conventions
    first = None if found.baseline is None else str(found.visits[found.baseline].date)
    return ResponseResult(
        patient_id=case.patient.id,
        population=population,
        baseline_date=first,
        baseline_basis=found.basis,
        **(_One(responses, found, population).sections() if found.visits else {}),
        flare=conventions.flare,
        flare_cites=conventions.flare_cites,
        remarks=found.remarks,
    )


class _One:
    """Builds the results of one patient from the rows of the tables."""

    def __init__(self, responses: Responses, found: Series, population: str | None) -> None:
        self.responses = responses
        self.population = population
        self.table = responses.visits(found.table, population)
        self.baselines = found.asked_for(self.table)
        self.dates = {visit.date.earliest: str(visit.date) for visit in found.visits}
        self.titles = {column: m.title for m in responses.measures for column in m.columns} | {
            compared_column(m): m.title for m in responses.measures
        }

    def sections(self) -> dict[str, Any]:
        """Return comparisons, consecutive pairs and visits."""
        sets: list[str] = [
            one.core_set
            for one in self.responses.improvement.criteria.core_sets
            if one.population == (self.population or "adult")
        ]
        against = {
            one: self.responses.against_baseline(self.table, self.baselines, one).to_dicts()
            for one in sets
        }
        pairs = {one: self.responses.consecutive(self.table, one).to_dicts() for one in sets}
        rows = self.responses.states(self.table).to_dicts()
        return {
            "comparisons": self._comparisons(against),
            "consecutive": self._comparisons(pairs),
            "visits": tuple(self._visit(row) for row in rows),
        }

    def _comparisons(
        self, tables: Mapping[str, list[dict[str, Any]]]
    ) -> tuple[ComparisonResult, ...]:
        results = []
        for rows in zip(*tables.values(), strict=True):
            together = dict(zip(tables, rows, strict=True))
            results.append(
                ComparisonResult(
                    baseline_date=self.dates[rows[0][BASELINE_DATE]],
                    date=self.dates[rows[0][DATE]],
                    days=rows[0][DAYS],
                    improvements=tuple(
                        self._improvement(name, row) for name, row in together.items()
                    ),
                    definitions=tuple(
                        self._definition(one, together[str(one.core_set)])
                        for one in self.responses.definitions.on("pair")
                        if one.core_set in together and one.suits(self.population)
                    ),
                )
            )
        return tuple(results)

    def _improvement(self, core_set: str, row: Mapping[str, Any]) -> ImprovementResult:
        criteria = self.responses.improvement.criteria
        changes = tuple(self._change(one.id, one.title, row) for one in criteria.domains)
        return ImprovementResult(
            title=criteria.title,
            core_set=core_set,
            population=self.population,
            score=row["score"],
            score_max=row["score_max"],
            category=row[CATEGORY],
            category_min=row[CATEGORY_MIN],
            category_max=row[CATEGORY_MAX],
            changes=changes,
            missing=tuple(missing for change in changes for missing in change.missing),
            notes=tuple(
                NoteResult(text=one.text, cites=one.cites, check=one.check)
                for one in (*criteria.performance, *criteria.limits)
                if one.population in (None, self.population)
            ),
            cites=criteria.cites,
            check=criteria.check,
        )

    def _change(self, domain: str, title: str, row: Mapping[str, Any]) -> ChangeResult:
        name = row[f"{domain}.measure"]
        measure = self.responses.measures[name] if name else None
        values = {
            key: row[f"{domain}.{key}"]
            for key in (
                "baseline", "final", "gain", "percent", "relative", "points", "points_max"
            )
        }  # fmt: skip
        missing = []
        if values["points"] is None:
            said = measure.title if measure else title
            missing = [f"{said} {when}" for key, when in (("baseline", "at baseline"),
                       ("final", "at follow-up")) if values[key] is None]  # fmt: skip
            missing = missing or [f"the range of {said}"]
        unit = None if measure is None else "x ULN" if measure.enzyme else measure.unit
        return ChangeResult(
            domain=domain,
            title=title,
            measure=name,
            measure_title=measure.title if measure else None,
            unit=unit,
            missing=tuple(missing),
            **values,
        )

    def _definition(self, one: Definition, row: Mapping[str, Any]) -> DefinitionResult:
        definitions = self.responses.definitions
        program = definitions.pairs if one.on == "pair" else definitions.visits
        verdict = explain(one.id, program, row)
        value = row[one.id]
        because = self._said(verdict.because)
        if one.on == "run" and verdict.value is not False and value is not True:
            because = (*because, f"for how long: visits over {one.months} months without a gap")
        confirmed = state(row[one.id + CONFIRMED]) if one.id + CONFIRMED in row else None
        return DefinitionResult(
            id=one.id,
            title=one.title,
            kind=one.kind,
            state=state(value),
            confirmed=confirmed,
            because=because,
            missing=because if value is None else (),
            text=one.text,
            limits=one.limits,
            cites=one.cites,
            check=one.check,
        )

    def _said(self, columns: Iterable[str]) -> tuple[str, ...]:
        """Return the titles of what a rule rests on."""
        domains = {one.id: one.title for one in self.responses.improvement.criteria.domains}
        words = {
            domains.get(column.split(".")[0]) or self.titles.get(column) or "Treatment"
            for column in columns
        }
        return tuple(sorted(words))

    def _visit(self, row: Mapping[str, Any]) -> VisitResult:
        concepts: dict[str, list[MeasureResult]] = {
            "activity": [], "damage": [], "activity_and_damage": []
        }  # fmt: skip
        for measure in self.responses.measures:
            value = row.get(value_column(measure))
            if value is not None:
                concepts[measure.concept].append(
                    MeasureResult(
                        id=measure.id,
                        title=measure.title,
                        value=value,
                        unit=measure.unit,
                        minimum=measure.minimum,
                        maximum=measure.maximum,
                    )
                )
        return VisitResult(
            date=self.dates[row[DATE]],
            activity=tuple(concepts["activity"]),
            damage=tuple(concepts["damage"]),
            activity_or_damage=tuple(concepts["activity_and_damage"]),
            definitions=tuple(
                self._definition(one, row)
                for one in self.responses.definitions.on("visit", "run")
                if one.suits(self.population)
            ),
        )


def state(value: bool | None) -> State:
    """Return a truth value as a word."""
    return "undetermined" if value is None else "met" if value else "not_met"

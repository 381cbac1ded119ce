"""Whether there was a response, in words: the score with its parts, the definitions, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.report.line import Line
from myoresist.resistance.response.explain import (
    ChangeResult,
    ComparisonResult,
    DefinitionResult,
    ImprovementResult,
    VisitResult,
)

SIGN = {"met": "✓", "not_met": "✗", "undetermined": "?"}
STYLE = {"met": "green", "not_met": "dim", "undetermined": "yellow"}


@dataclass(frozen=True)
class Response:
    """The response of one assessment, in words."""

    data: Assessment

    def lines(self) -> Iterator[Line]:
        """Say what changed since the baseline, and what follows by the published definitions."""
        result = self.data.resistance.response
        if not result.comparisons:
            reason = "only one visit has" if result.visits else "no visit has"
            yield Line(f"Cannot be judged: {reason} core set measures.", "yellow")
        else:
            last = result.comparisons[-1]
            yield Line(
                f"{last.date} against {last.baseline_date}, {result.baseline_basis}.", "bold"
            )
            for one in last.improvements:
                yield from self._improvement(one)
            yield from self._definitions(last)
            yield Line(result.flare, "dim", cites=result.flare_cites)
        if result.visits:
            yield from self._visit(result.visits[-1])
        for remark in result.remarks:
            yield Line(remark, indent=2, sign="·")

    def _improvement(self, one: ImprovementResult) -> Iterator[Line]:
        more = f" (up to {one.score_max:g})" if one.score_max > one.score else ""
        category = words(one.category)
        if one.category_min != one.category_max:
            category += f"; between {words(one.category_min)} and {words(one.category_max)}"
        yield Line(f"{one.title}: {one.score:g}{more}, {category}", indent=2, cites=one.cites)
        for change in one.changes:
            yield Line(_change(change), "" if change.points else "dim", 5, "·")
        for note in one.notes:
            yield Line(note.text, "dim", 5, cites=note.cites)

    def _definitions(self, last: ComparisonResult) -> Iterator[Line]:
        for one in last.definitions:
            yield self._definition(one)

    def _visit(self, visit: VisitResult) -> Iterator[Line]:
        for one in visit.definitions:
            yield self._definition(one, f" on {visit.date}")
        damage = "; ".join(f"{x.title} {x.value:g}" for x in visit.damage)
        if damage:
            yield Line(f"Damage, not activity: {damage}", indent=2)

    def _definition(self, one: DefinitionResult, when: str = "") -> Line:
        text = f"{one.title}{when}: {one.state.replace('_', ' ')}"
        if one.confirmed and one.state == "met":
            text += f", confirmed at a second visit: {one.confirmed.replace('_', ' ')}"
        if one.missing:
            text += f"; unknown: {', '.join(one.missing)}"
        return Line(text, STYLE[one.state], 2, SIGN[one.state], one.cites, one.text)


def _change(one: ChangeResult) -> str:
    title = one.measure_title or one.title
    if one.points is None:
        return f"{title}: not known ({', '.join(one.missing)}); could add up to {one.points_max:g}"
    unit = f" {one.unit}" if one.unit else ""
    return f"{title}: {one.baseline:g} to {one.final:g}{unit}, {one.points:g} points"


def words(category: str) -> str:
    """Return a category as a reader would say it."""
    return category.replace("_", " ")

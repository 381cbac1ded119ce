"""Whether there was a response, in words: the score with its parts, the definitions, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.report.criteria import VERDICT
from myoresist.report.document import Line
from myoresist.report.wording import spaced
from myoresist.resistance.response.explain import (
    ChangeResult,
    DefinitionResult,
    ImprovementResult,
    VisitResult,
)


@dataclass(frozen=True)
class Response:
    """The response of one assessment, in words."""

    data: Assessment

    def lines(self) -> Iterator[Line]:
        """Say what changed since the baseline, and what follows by the published definitions."""
        result = self.data.resistance.response
        if not result.comparisons:
            reason = "only one visit has" if result.visits else "no visit has"
            yield Line(f"Cannot be judged: {reason} core set measures.", "open")
        else:
            last = result.comparisons[-1]
            text = f"{last.date} against {last.baseline_date}, {result.baseline_basis}."
            yield Line(text, strong=True)
            for one in last.improvements:
                yield from _improvement(one)
            for definition in last.definitions:
                yield _definition(definition)
            yield Line(result.flare, "quiet", cites=result.flare_cites)
        if result.visits:
            yield from _visit(result.visits[-1])
        for remark in result.remarks:
            yield Line(remark, sign="·")


def _improvement(one: ImprovementResult) -> Iterator[Line]:
    more = f" (up to {one.score_max:g})" if one.score_max > one.score else ""
    category = spaced(one.category)
    if one.category_min != one.category_max:
        category += f"; between {spaced(one.category_min)} and {spaced(one.category_max)}"
    yield Line(f"{one.title}: {one.score:g}{more}, {category}", cites=one.cites)
    for change in one.changes:
        yield Line(_change(change), "" if change.points else "quiet", detail=True, sign="·")
    for note in one.notes:
        yield Line(note.text, "quiet", detail=True, cites=note.cites)


def _visit(visit: VisitResult) -> Iterator[Line]:
    for one in visit.definitions:
        yield _definition(one, f" on {visit.date}")
    damage = "; ".join(f"{x.title} {x.value:g}" for x in visit.damage)
    if damage:
        yield Line(f"Damage, not activity: {damage}")


def _definition(one: DefinitionResult, when: str = "") -> Line:
    text = f"{one.title}{when}: {spaced(one.state)}"
    if one.confirmed and one.state == "met":
        text += f", confirmed at a second visit: {spaced(one.confirmed)}"
    if one.missing:
        text += f"; unknown: {', '.join(one.missing)}"
    sign, _, tone = VERDICT[one.state]
    return Line(text, tone, sign=sign, cites=one.cites, rule=one.text)


def _change(one: ChangeResult) -> str:
    title = one.measure_title or one.title
    if one.points is None:
        return f"{title}: not known ({', '.join(one.missing)}); could add up to {one.points_max:g}"
    unit = f" {one.unit}" if one.unit else ""
    return f"{title}: {one.baseline:g} to {one.final:g}{unit}, {one.points:g} points"

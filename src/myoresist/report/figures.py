"""The pictures of the report, each with its table and what it shows in words; drawn when they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from myoresist.assessment import Assessment
from myoresist.diagnosis.differential.results import DiseaseResult, InvestigationResult
from myoresist.report.charts import forest, ranking, score, timeline, waterfall
from myoresist.report.diagnosis import STEPS, Diagnosis, times
from myoresist.report.document import UNKNOWN, Cell, Figure, Table
from myoresist.report.evidence import counts, heading, treatment_of
from myoresist.report.wording import measured, number, percent, tells
from myoresist.resistance.response.explain import ImprovementResult
from myoresist.treatment.evidence import Evidence


def differential(data: Assessment) -> Figure:
    """Show the most probable diseases."""
    result = data.differential
    label = result.label.diseases if result.label else ()
    rows = tuple(
        (
            Cell(one.name),
            Cell(percent(one.probability), share=one.probability),
            Cell(f"{percent(one.low)} to {percent(one.high)}"),
            Cell("confirmed" if one.confirmed else "not confirmed"),
        )
        for one in result.leading
    )
    caption = "The most probable diseases, with 95 % credible intervals"
    header = ("Disease", "Probability", "95 % interval", "State")
    return Figure(
        "differential",
        caption,
        lambda: ranking.differential(result.leading, label),
        "; ".join(f"{one.name} {percent(one.probability)}" for one in result.leading),
        Table(caption, header, rows),
    )


def evidence(data: Assessment, disease: DiseaseResult) -> Figure:
    """Show what speaks for a disease and against it."""
    named = Diagnosis(data).named
    caption = f"{disease.name}: what speaks for it and against it"
    rows = tuple(
        _row(
            named(x),
            "for" if x.ratio > 1 else "against",
            times(x.ratio),
            f"{x.weight:.2g}",
            "" if x.percent is None else percent(x.percent / 100),
            "" if x.other_percent is None else percent(x.other_percent / 100),
        )
        for x in (*disease.supporting, *disease.opposing)
    )
    header = (
        "Finding", "Speaks", "Likelihood ratio", "Share that counts", "In the disease", "In others",
    )  # fmt: skip
    return Figure(
        f"evidence-{disease.id}",
        caption,
        lambda: waterfall.waterfall(disease, named, times),
        "; ".join(f"{row[0].text} {row[1].text} {row[2].text}" for row in rows) or "no evidence",
        Table(caption, header, rows),
        in_words=True,
    )


def improvement(one: ImprovementResult, when: str) -> Figure:
    """Show an improvement score with what each measure adds.

    Args:
        one: the score.
        when: which visits it compares.
    """
    rows = tuple(
        _row(
            x.measure_title or x.title,
            UNKNOWN if x.baseline is None else number(x.baseline),
            UNKNOWN if x.final is None else number(x.final),
            x.unit or "",
            f"unknown, up to {x.points_max:g}" if x.points is None else f"{x.points:g}",
        )
        for x in one.changes
    )
    caption = f"{one.title}, {when}"
    said = "; ".join(f"{row[0].text} {row[4].text}" for row in rows)
    return Figure(
        "improvement",
        caption,
        lambda: score.improvement(one, when),
        f"Score {one.score:g} of 100; {said}",
        Table(caption, ("Measure", "Baseline", "Now", "Unit", "Points"), rows),
        in_words=True,
    )


def courses(data: Assessment) -> Table:
    """List courses, values and events as they are recorded."""
    line = data.timeline
    rows = [
        _row(
            one.drug,
            one.dose or "dose not recorded",
            one.start.written if one.start else "start not recorded",
            one.stop.written
            if one.stop
            else "goes on"
            if one.goes_on
            else f"{one.weeks:g} weeks"
            if one.weeks
            else "end not recorded",
            "; ".join(x for x in (one.response, one.reason_stopped) if x),
        )
        for one in line.courses
    ]
    rows += [
        _row(
            one.label,
            f"{number(one.value)} {one.unit}"
            + (f", {one.times_limit:.3g} × upper limit" if one.times_limit else ""),
            one.date.written if one.date else "date not recorded",
            "",
            "",
        )
        for one in line.samples
    ]
    for visit in data.resistance.response.visits:
        for measure in (*visit.activity, *visit.activity_or_damage):
            value = measured(measure.value, measure.unit)
            rows.append(_row(measure.title, value, visit.date, "", ""))
    rows += [
        _row(f"Event {place}: {one.text}", "", one.date.written, "", "")
        for place, one in enumerate(line.events, 1)
    ]
    header = ("What", "Dose or value", "From", "To", "Response, reason for stopping")
    return Table("Courses, values and events as recorded", header, tuple(rows))


def course(data: Assessment, table: Table) -> Figure:
    """Show the course in time, with the table of all that is recorded of it."""
    caption = (
        "The course in time. Lighter: a date known only to the month or year. An arrow: goes on. "
        "What has no date is in the table only."
    )
    events = data.timeline.events
    if events:
        numbered = "; ".join(f"{n} {x.text} ({x.date.written})" for n, x in enumerate(events, 1))
        caption += f" Events: {numbered}."
    return Figure("timeline", caption, lambda: timeline.timeline(data), caption, table, wide=True)


def next_tests(tests: Sequence[InvestigationResult]) -> Figure:
    """Show what each investigation is expected to tell."""
    caption = "What each investigation is expected to tell about the disease"
    rows = tuple(
        _row(x.name, STEPS[x.invasiveness], tells(x.gain), tells(x.gain_label)) for x in tests
    )
    header = ("Investigation", "Step", "Tells about the disease", "Tells about the label")
    return Figure(
        "next-tests",
        caption,
        lambda: ranking.next_tests(tests, STEPS),
        "; ".join(f"{x.name}: {tells(x.gain)}" for x in tests),
        Table(caption, header, rows),
        in_words=True,
    )


def studies(found: Evidence) -> Figure:
    """Show what studies found on a treatment."""
    name = treatment_of(found)
    rows = tuple(
        _row(
            study.trial.name,
            heading(group),
            f"week {study.trial.weeks:g}" if study.trial.weeks is not None else "",
            counts(study),
        )
        for group in forest.panels(found)
        for study in group.studies
        if study.response
    )
    id = f"forest-{found.treatment}"
    header = ("Study", "Outcome and patients", "When", "Patients with the outcome")
    return Figure(
        id,
        f"{name}: what studies found",
        lambda: forest.forest(found, id),
        "; ".join(f"{row[0].text} {row[3].text}" for row in rows),
        Table(f"Studies on {name}", header, rows),
        wide=True,
    )


def _row(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)

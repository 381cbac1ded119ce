"""The consult: an assessment as a reader meets it, built once and shown in every written form.

Page one is the answer, in lines that each lead to their reasons; then come the questions, the record as it
was understood, and the sources, numbered as they are first cited. A form only lays this out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from myoresist.assessment import Assessment, FindingResult, SetResult
from myoresist.diagnosis.differential.explain import DiseaseResult
from myoresist.report.charts.forest import forest, panels
from myoresist.report.charts.ranking import differential as differential_chart
from myoresist.report.charts.ranking import next_tests as next_tests_chart
from myoresist.report.charts.score import improvement
from myoresist.report.charts.timeline import drawable
from myoresist.report.charts.timeline import timeline as timeline_chart
from myoresist.report.charts.waterfall import waterfall
from myoresist.report.criteria import items, set_lines
from myoresist.report.diagnosis import LITTLE, STEPS, Diagnosis, said, times
from myoresist.report.evidence import counts, heading, named
from myoresist.report.line import DETAIL, Line
from myoresist.report.resistance import Resistance
from myoresist.report.response import Response
from myoresist.report.serology import Serology
from myoresist.report.short import summary
from myoresist.report.summary import (
    MOST_QUESTIONS,
    SIGNS,
    asked,
    carried,
    in_short,
    measured,
    measured_value,
    nothing_decides,
    number,
    percent,
    questions,
    reservation,
    results,
    score,
    words,
)
from myoresist.report.treatment import Treatment
from myoresist.resistance.response.explain import ImprovementResult
from myoresist.treatment.evidence import Evidence

WATERFALLS = 3
TONES = {"red": "against", "yellow": "open", "green": "for", "dim": "quiet", "cyan": "quiet"}


@dataclass(frozen=True)
class Statement:
    """One thing that the report says, with what can be opened behind it.

    Attributes:
        text: what it says.
        tone: ``for``, ``against``, ``open``, ``quiet`` or nothing.
        strong: whether it stands out.
        sign: what stands before it.
        cites: numbers of the sources.
        rule: the rule in plain words.
        data: what of the patient triggered it, a line each.
        details: what belongs to it.
    """

    text: str
    tone: str = ""
    strong: bool = False
    sign: str = ""
    cites: tuple[int, ...] = ()
    rule: str = ""
    data: tuple[str, ...] = ()
    details: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell of a table, with a tone as that of a statement."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Table:
    """A table; the first cell of a row names the row."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture, with what it shows in words and the table behind it."""

    id: str
    caption: str
    svg: str
    alternative: str
    table: Table
    wide: bool = False


@dataclass(frozen=True)
class Part:
    """A part of a section: statements, pictures and tables under a heading."""

    id: str
    title: str
    statements: tuple[Statement, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One question, or another chapter of the report."""

    id: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Answer:
    """One line of page one: what is asked, what is answered, and where the reasons stand."""

    question: str
    text: str
    target: str
    tone: str = ""


@dataclass(frozen=True)
class Source:
    """A cited work."""

    number: int
    text: str
    link: str | None


@dataclass(frozen=True)
class Consult:
    """The whole report.

    Attributes:
        title: who it is about.
        about: what the record is, and which versions made the report.
        problems: where the record contradicts itself or could not be used.
    """

    title: str
    source: str | None
    about: str
    notice: str
    summary: tuple[Answer, ...]
    problems: tuple[Part, ...]
    sections: tuple[Section, ...]
    sources: tuple[Source, ...] = field(default=())


def consult(assessment: Assessment) -> Consult:
    """Return an assessment as it is shown in every written form."""
    return _Builder(assessment).consult()


def rules(consult: Consult) -> Iterator[Statement]:
    """Walk through the statements with a rule behind them, for a form in which nothing can be opened."""
    for section in consult.sections:
        for part in section.parts:
            yield from (one for one in part.statements if one.rule)


class _Builder:
    """Builds one report; sources are numbered in the order in which they are first cited."""

    def __init__(self, data: Assessment) -> None:
        self.data = data
        self.facts = {fact.id: fact for fact in data.record}
        self.numbers: dict[str, int] = {}

    def consult(self) -> Consult:
        data = self.data
        label = f", called {said(data.label)}" if data.label else ""
        count = {
            how: sum(fact.how == how for fact in data.record) for how in ("recorded", "follows")
        }
        sections = tuple(self._sections())
        places = {part.id for section in sections for part in section.parts}
        return Consult(
            title=f"Second opinion: {data.patient_id}{label}",
            source=data.source,
            about=f"myoresist {data.software_version}, knowledge {data.knowledge_version}. "
            f"Findings: {count['recorded']} recorded, {count['follows']} that follow from them.",
            notice=data.notice,
            summary=tuple(
                Answer(question, line.text, target, _tone(line.style))
                for question, line, target in summary(data)
                if target in places or target == "problems"
            ),
            problems=tuple(self._problems()),
            sections=sections,
            sources=tuple(
                Source(place, data.references[key].text, data.references[key].link)
                for key, place in self.numbers.items()
            ),
        )

    def _sections(self) -> Iterator[Section]:
        treatment = Treatment(self.data, everything=True)
        urgent = self._part("urgent", "Look for these first", treatment.urgent())
        yield Section("first", "What must not wait", (urgent,))
        yield Section("diagnosis", "1. Is the diagnosis right?", tuple(self._diagnosis()))
        yield Section("serology", "2. What do the antibodies say?", tuple(self._serology()))
        yield Section("resistance", "3. Why no response?", tuple(self._resistance()))
        yield Section("treatment", "4. What can be done next?", tuple(self._treatment(treatment)))
        yield Section("next", "What to ask or order next", tuple(self._next()))
        yield Section("record", "The record as understood", tuple(self._record()))

    # Question 1

    def _diagnosis(self) -> Iterator[Part]:
        words_ = Diagnosis(self.data)
        result = self.data.differential
        figures = (self._ranking(),) if result.counted and result.leading else ()
        yield self._part(
            "label", "Is it what it is called?", [*words_.label(), *words_.beside()], figures
        )
        if result.counted and result.leading:
            yield self._part(
                "evidence",
                "Evidence, disease by disease",
                _nested(words_.reasons()),
                tuple(
                    self._evidence(one)
                    for one in result.leading[:WATERFALLS]
                    if one.supporting or one.opposing
                ),
            )
        yield self._criteria()
        computed = [one for one in self.data.criteria if one.status == "implemented"]
        order = sorted(computed, key=lambda one: list(SIGNS).index(one.state))
        lines = [line for one in order for line in set_lines(self.data, one)]
        outline = [one for one in self.data.criteria if one.status == "outline"]
        lines += [
            Line(
                f"{x.short}: {x.status_note or 'in outline only.'}", "dim", sign="–", cites=x.cites
            )
            for x in outline
        ]
        yield self._part("criteria-reasons", "Criteria, set by set", lines)
        if self.data.disagreements:
            clashes = (
                Line(clash.text, sign="·", cites=clash.cites) for clash in self.data.disagreements
            )
            title = "Where published sets disagree about this patient"
            yield self._part("disagreements", title, clashes)

    def _ranking(self) -> Figure:
        result = self.data.differential
        label = result.label.diseases if result.label else ()
        rows = tuple(
            _row(
                one.name,
                percent(one.probability),
                f"{percent(one.low)} to {percent(one.high)}",
                "confirmed" if one.confirmed else "not confirmed",
            )
            for one in result.leading
        )
        caption = "The most probable diseases, with 95 % credible intervals"
        header = ("Disease", "Probability", "95 % interval", "State")
        return Figure(
            "differential",
            caption,
            differential_chart(result.leading, label),
            "; ".join(f"{one.name} {percent(one.probability)}" for one in result.leading),
            Table(caption, header, rows),
        )

    def _evidence(self, one: DiseaseResult) -> Figure:
        named = Diagnosis(self.data).named
        evidence = [*one.supporting, *one.opposing]
        caption = f"{one.name}: what speaks for it and against it"
        rows = tuple(
            _row(
                named(x),
                "for" if x.ratio > 1 else "against",
                times(x.ratio),
                f"{x.weight:.2g}",
                "" if x.percent is None else percent(x.percent / 100),
                "" if x.other_percent is None else percent(x.other_percent / 100),
            )
            for x in evidence
        )
        header = (
            "Finding", "Speaks", "Likelihood ratio", "Share that counts", "In the disease", "In others",
        )  # fmt: skip
        return Figure(
            f"evidence-{one.id}",
            caption,
            waterfall(one, named, times),
            "; ".join(f"{row[0].text} {row[1].text} {row[2].text}" for row in rows)
            or "no evidence",
            Table(caption, header, rows),
        )

    def _criteria(self) -> Part:
        lines = [Line(carried(self.data))]
        for one in self.data.criteria:
            if one.excluded:
                reasons = "; ".join(self._data(one.exclusion_because))
                text = f"{one.short} does not apply while this stands: {reasons}"
                lines.append(Line(text, "bold red", sign="!"))
        lines.append(
            Line("A criteria set that is met classifies; it does not make a diagnosis.", "dim")
        )
        rows = tuple(self._verdict(one) for one in self.data.criteria)
        header = (
            "Set",
            "Verdict",
            "Items met",
            "Not met",
            "Unknown",
            "Class reached, still possible, reservations",
        )
        caption = "Published criteria: ✓ met, ✗ not met, ? undetermined"
        table = Table(caption, header, rows)
        return self._part("criteria", "Published criteria", lines, tables=(table,))

    def _verdict(self, one: SetResult) -> tuple[Cell, ...]:
        reached = "" if one.outcome in (None, "not_met", "undetermined") else in_short(one)
        points = f"score {score(one)}" if one.score else ""
        counted = [Cell(str(count)) for count in items(one)] if one.items else [Cell("")] * 3
        state = {"met": "for", "undetermined": "open"}.get(one.state or "", "quiet")
        still = "; ".join(words(one, name).split(":")[0] for name in one.open_classes)
        found = (reached, points, f"still possible: {still}" if still else "", reservation(one))
        return (
            Cell(one.short),
            Cell(SIGNS[one.state], state),
            *counted,
            Cell("; ".join(part for part in found if part)),
        )

    # Question 2

    def _serology(self) -> Iterator[Part]:
        told = Serology(self.data)
        yield self._part("antibodies", "Antibodies and what they mean", told.lines())
        yield self._part("cancer", "Search for cancer", told.cancer())

    # Question 3

    def _resistance(self) -> Iterator[Part]:
        told = Resistance(self.data)
        response = self.data.resistance.response
        scores = tuple(
            self._score(one, f"{last.date} against {last.baseline_date}")
            for last in response.comparisons[-1:]
            for one in last.improvements
        )
        yield self._part("response", "Was there a response?", Response(self.data).lines(), scores)
        courses = self._courses()
        pictured = drawable(self.data)
        figures = (self._timeline(courses),) if pictured and courses.rows else ()
        if courses.rows:
            tables = () if pictured else (courses,)
            yield self._part("course", "The course in time", (), figures, tables)
        title = "Was the treatment adequate, and is it refractory?"
        yield self._part("treatment-so-far", title, told.treatment())
        yield self._part("explanations", "What else explains it?", told.explanations())
        yield self._part("workup", "The work-up, step by step", told.workup())

    def _score(self, one: ImprovementResult, when: str) -> Figure:
        rows = tuple(
            _row(
                x.measure_title or x.title,
                _number(x.baseline),
                _number(x.final),
                x.unit or "",
                f"unknown, up to {x.points_max:g}" if x.points is None else f"{x.points:g}",
            )
            for x in one.changes
        )
        caption = f"{one.title}, {when}"
        table = Table(caption, ("Measure", "Baseline", "Now", "Unit", "Points"), rows)
        said_ = f"Score {one.score:g} of 100; " + "; ".join(
            f"{r[0].text} {r[4].text}" for r in rows
        )
        return Figure("improvement", caption, improvement(one, when), said_, table)

    def _courses(self) -> Table:
        line = self.data.timeline
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
        for visit in self.data.resistance.response.visits:
            for measure in (*visit.activity, *visit.activity_or_damage):
                value = measured_value(measure.value, measure.unit)
                rows.append(_row(measure.title, value, visit.date, "", ""))
        rows += [
            _row(f"Event {place}: {one.text}", "", one.date.written, "", "")
            for place, one in enumerate(line.events, 1)
        ]
        header = ("What", "Dose or value", "From", "To", "Response, reason for stopping")
        return Table("Courses, values and events as recorded", header, tuple(rows))

    def _timeline(self, table: Table) -> Figure:
        caption = (
            "The course in time. Lighter: a date known only to the month or year. An arrow: goes on. "
            "What has no date is in the table only."
        )
        events = self.data.timeline.events
        if events:
            numbered = "; ".join(
                f"{n} {x.text} ({x.date.written})" for n, x in enumerate(events, 1)
            )
            caption += f" Events: {numbered}."
        return Figure("timeline", caption, timeline_chart(self.data), caption, table, wide=True)

    # Question 4

    def _treatment(self, told: Treatment) -> Iterator[Part]:
        yield self._part("before", "Before the next drug", told.first())
        yield self._part("options", "Options", told.options())
        if self.data.treatment.studies:
            yield self._part(
                "studies",
                "What studies found on the leading options",
                told.studies(),
                tuple(_forest(one) for one in self.data.treatment.studies),
            )
        yield self._part("checks", "Safety checks that are not recorded", _nested(told.checks()))
        yield self._part("care", "Whatever the drug", told.care())

    # What to ask or order next

    def _next(self) -> Iterator[Part]:
        told = Diagnosis(self.data)
        tests = [test for test in self.data.differential.next_tests if test.gain >= LITTLE]
        figures: tuple[Figure, ...] = ()
        if tests:
            caption = "What each investigation is expected to tell about the disease"
            rows = tuple(
                _row(x.name, STEPS[x.invasiveness], f"{x.gain:.2f}", f"{x.gain_label:.2f}")
                for x in tests
            )
            header = ("Investigation", "Step", "Bits about the disease", "Bits about the label")
            said_ = "; ".join(f"{x.name} {x.gain:.2f} bits" for x in tests)
            chart = next_tests_chart(tests, STEPS)
            table = Table(caption, header, rows)
            figures = (Figure("next-tests", caption, chart, said_, table),)
        yield self._part("order", "Which investigation would tell most", told.next_tests(), figures)
        lines = list(told.questions())
        if lines:
            yield self._part("ask", "Ask and look for", lines)
        yield self._part("decide", "What would decide most criteria", self._deciding())

    def _deciding(self) -> Iterator[Line]:
        unknown = questions(self.data)
        if not unknown:
            yield Line(nothing_decides(self.data))
        for place, question in enumerate(unknown[:MOST_QUESTIONS], 1):
            yield Line(asked(self.data, question.finding), "bold", sign=f"{place}.")
            for one, answers in question.changes:
                yield Line(f"{one.short}: {results(one, answers)}", indent=4)
        if len(unknown) > MOST_QUESTIONS:
            more = ", ".join(question.label for question in unknown[MOST_QUESTIONS:])
            yield Line(f"Also: {more}.", "dim")

    # The record

    def _problems(self) -> Iterator[Part]:
        if self.data.contradictions:
            lines = [Line("What is named here counts as unknown until you settle it.")]
            lines += [Line(x.text, "bold red", 2, "!") for x in self.data.contradictions]
            yield self._part("contradictions", "The record contradicts itself", lines)
        if self.data.remarks:
            remarks = (Line(remark, indent=2, sign="·") for remark in self.data.remarks)
            yield self._part("unused", "Could not be used as written", remarks)

    def _record(self) -> Iterator[Part]:
        groups: dict[str, list[FindingResult]] = {}
        for fact in self.data.record:
            groups.setdefault(fact.group, []).append(fact)
        rows = tuple(
            (
                Cell(fact.label),
                Cell(_value(fact), "open" if fact.how == "contradicted" else ""),
                Cell(group.replace("_", " ")),
                Cell(
                    "follows from " + "; ".join(self.data.labels.get(x, x) for x in fact.because)
                    if fact.how == "follows"
                    else "; ".join(fact.where)
                ),
            )
            for group, facts in groups.items()
            for fact in facts
        )
        header = ("Finding", "Value", "Group", "Where it stands")
        table = Table("Everything that is known; what is not here is unknown", header, rows)
        yield Part("findings", "Findings", tables=(table,), folded=True)

    # Statements

    def _part(
        self,
        id: str,
        title: str,
        lines: Iterable[Line],
        figures: tuple[Figure, ...] = (),
        tables: tuple[Table, ...] = (),
    ) -> Part:
        return Part(id, title, self._statements(list(lines)), figures, tables)

    def _statements(self, lines: Sequence[Line]) -> tuple[Statement, ...]:
        """Return lines as statements; what is set in by a good deal belongs to the line before."""
        found: list[Statement] = []
        place = 0
        while place < len(lines):
            head, end = lines[place], place + 1
            while end < len(lines) and lines[end].indent >= head.indent + DETAIL:
                end += 1
            found.append(self._statement(head, lines[place + 1 : end]))
            place = end
        return tuple(found)

    def _statement(self, line: Line, details: Sequence[Line]) -> Statement:
        cites = [
            self.numbers.setdefault(key, len(self.numbers) + 1)
            for key in line.cites
            if key in self.data.references
        ]
        return Statement(
            text=line.text,
            tone=_tone(line.style),
            strong="bold" in line.style,
            sign=line.sign,
            cites=tuple(cites),
            rule=line.rule,
            data=(*line.record, *self._data(line.because)),
            details=self._statements(details),
        )

    def _data(self, findings: Iterable[str]) -> Iterator[str]:
        """Say what is known of some findings, and where it stands in the record."""
        data = self.data
        labels = {**data.labels, **data.treatment.labels, **data.resistance.labels}
        values = {**data.treatment.values, **data.resistance.values}
        results = {one.id: one.tests for one in data.serology.antibodies}
        for finding in findings:
            label = labels.get(finding, finding.replace("_", " "))
            fact = self.facts.get(finding)
            if fact:
                where = f" ({'; '.join(fact.where)})" if fact.where else ""
                yield f"{label}: {_value(fact)}{where}"
                continue
            yield f"{label}: {_known(values.get(finding))}"
            for test in results.get(finding, ()):
                yield f"{label}: {test.strength} by {test.method.replace('_', ' ')}"


def _forest(found: Evidence) -> Figure:
    caption = f"{named(found)}: what studies found"
    rows = tuple(
        _row(
            study.trial.name,
            heading(group),
            f"week {study.trial.weeks:g}" if study.trial.weeks is not None else "",
            counts(study),
        )
        for group in panels(found)
        for study in group.studies
        if study.response
    )
    return Figure(
        f"forest-{found.treatment}",
        caption,
        forest(found, f"forest-{found.treatment}"),
        "; ".join(f"{row[0].text} {row[3].text}" for row in rows),
        Table(
            f"Studies on {named(found)}",
            ("Study", "Outcome and patients", "When", "Patients with the outcome"),
            rows,
        ),
        wide=True,
    )


def _nested(lines: Iterable[Line]) -> Iterator[Line]:
    """Set whatever is set in so far in that it belongs to the line before."""
    for line in lines:
        yield replace(line, indent=line.indent + DETAIL) if line.indent else line


def _tone(style: str) -> str:
    return next((tone for word, tone in TONES.items() if word in style), "")


def _row(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text) for text in texts)


def _number(value: float | None) -> str:
    return "unknown" if value is None else number(value)


def _value(fact: FindingResult) -> str:
    if fact.how == "contradicted" or fact.value is None:
        return "contradicted, counts as unknown"
    return _known(fact.value) if isinstance(fact.value, bool) else measured(fact)


def _known(value: bool | float | str | None) -> str:
    match value:
        case None:
            return "unknown"
        case bool():
            return "present" if value else "absent"
        case str():
            return value
    return number(value)

"""An assessment becomes a report: built once, laid out by every form.

Page one is what a specialist would write back; its appendix are the four questions, what to ask or order
next, and the record as it was understood. Sources are numbered as they are first cited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from myoresist.assessment import Assessment, PageOne
from myoresist.report import criteria, figures
from myoresist.report.charts.timeline import drawable
from myoresist.report.diagnosis import Diagnosis
from myoresist.report.document import (
    Block,
    Cell,
    CitedWork,
    Datum,
    Figure,
    Line,
    Page,
    Paragraph,
    Part,
    Report,
    Section,
    Table,
)
from myoresist.report.page import FirstPage
from myoresist.report.questions import question_lines
from myoresist.report.resistance import Resistance
from myoresist.report.response import Response
from myoresist.report.serology import Serology
from myoresist.report.treatment import Treatment
from myoresist.report.wording import (
    LITTLE,
    found,
    known,
    named,
    places,
    remark,
    spaced,
    without_fields,
)

WATERFALLS = 3


Depth = Literal["page", "full", "all"]


def build_report(assessment: Assessment, depth: Depth = "all") -> Report:
    """Return an assessment as a report.

    Args:
        assessment: what the report is about.
        depth: ``page`` is page one alone; ``full`` adds the appendix; ``all`` also goes into all that is
            settled: criteria that are not met item by item, every study, monitoring and interactions of each
            drug, the record as understood.
    """
    if depth == "page":
        return build_page(assessment)
    return _Appendix(assessment, depth == "all").report()


def build_page(page: PageOne) -> Report:
    """Return page one alone as a report."""
    return _Builder(page).report()


class _Builder:
    """Builds page one; sources are numbered in the order in which they are first cited."""

    def __init__(self, data: PageOne) -> None:
        self._told = data
        self.facts = {fact.id: fact for fact in data.record}
        self.numbers: dict[str, int] = {}

    def report(self) -> Report:
        data = self._told
        label = f", called {spaced(data.label)}" if data.label else ""
        count = {
            how: sum(fact.how == how for fact in data.record) for how in ("recorded", "follows")
        }
        page = self._page()
        problems, sections = tuple(self.problems()), tuple(self.sections())
        return Report(
            title=f"Second opinion: {data.patient_id}{label}",
            source=data.source,
            about=f"myoresist {data.software_version}, knowledge {data.knowledge_version}; "
            f"{count['recorded']} findings recorded, {count['follows']} follow from them.",
            notice=data.notice,
            page=page,
            problems=problems,
            sections=sections,
            sources=tuple(
                CitedWork(
                    place,
                    data.references[key].text,
                    data.references[key].short,
                    data.references[key].link,
                )
                for key, place in self.numbers.items()
            ),
        )

    def problems(self) -> Iterator[Part]:
        """Yield what was wrong with the record."""
        yield from ()

    def sections(self) -> Iterator[Section]:
        """Yield what stands behind page one."""
        yield from ()

    def _page(self) -> Page:
        own = FirstPage(self._told)
        blocks = (
            Block(one.id, one.title, tuple(self._paragraphs(one.lines)), one.tone, one.numbered)
            for one in own.blocks()
        )
        return Page(
            state=self._told.consult.state_text,
            tone=own.tone,
            bottom_line=self._paragraph(own.bottom_line()),
            blocks=tuple(blocks),
            doubt=own.doubt(),
        )

    def _part(
        self,
        id: str,
        title: str,
        lines: Iterable[Line],
        pictures: tuple[Figure, ...] = (),
        tables: tuple[Table, ...] = (),
        traced: bool = False,
    ) -> Part:
        return Part(id, title, tuple(self._paragraphs(lines)), pictures, tables, traced)

    def _paragraphs(self, lines: Iterable[Line]) -> Iterator[Paragraph]:
        """Yield each line with the details that follow it."""
        head: Line | None = None
        details: list[Line] = []
        for line in lines:
            if line.detail and head:
                details.append(line)
                continue
            if head:
                yield self._paragraph(head, details)
            head, details = line, []
        if head:
            yield self._paragraph(head, details)

    def _paragraph(self, line: Line, details: Iterable[Line] = ()) -> Paragraph:
        cites = tuple(
            self.numbers.setdefault(key, len(self.numbers) + 1)
            for key in line.cites
            if key in self._told.references
        )
        return Paragraph(
            text=line.text,
            tone=line.tone,
            strong=line.strong,
            sign=line.sign,
            cites=cites,
            rule=line.rule,
            data=(*line.record, *self._behind(line.because)),
            details=tuple(self._paragraph(one) for one in details),
        )

    def _behind(self, findings: Iterable[str]) -> Iterator[Datum]:
        """Say what is known of some findings, and where it stands in the record."""
        data = self._told
        for finding in findings:
            label = named(data, finding)
            fact = self.facts.get(finding)
            if fact:
                yield Datum(label, found(fact), places(fact.where))
                continue
            values = (data.resistance.values, data.treatment.values)
            value = next((one[finding] for one in values if finding in one), None)
            yield Datum(label, known(value))
            for antibody in data.serology.antibodies:
                for test in antibody.tests if antibody.id == finding else ():
                    yield Datum(label, f"{test.strength} by {spaced(test.method)}")


class _Appendix(_Builder):
    """Builds page one with its appendix."""

    def __init__(self, data: Assessment, everything: bool) -> None:
        super().__init__(data)
        self.data, self.everything = data, everything

    def sections(self) -> Iterator[Section]:
        """Yield the four questions, what to ask or order next, and the record."""
        treatment = Treatment(self.data, self.everything)
        urgent = self._part("urgent", "Look for these first", treatment.urgent())
        yield _section("first", "What must not wait", [urgent])
        yield _section("diagnosis", "1. Is the diagnosis right?", self._diagnosis())
        yield _section("serology", "2. What do the antibodies say?", self._serology())
        yield _section("resistance", "3. Why no response?", self._resistance())
        yield _section("treatment", "4. What can be done next?", self._treatment(treatment))
        yield _section("next", "What to ask or order next", self._next())
        if self.everything:
            yield _section("record", "The record as understood", [self._record()])

    def _diagnosis(self) -> Iterator[Part]:
        diagnosis = Diagnosis(self.data)
        result = self.data.differential
        leading = result.leading if result.counted else ()
        pictures = (figures.differential(self.data),) if leading else ()
        lines = [*diagnosis.label(), *diagnosis.beside()]
        yield self._part("label", "Is it what it is called?", lines, pictures)
        if leading:
            yield self._part(
                "evidence",
                "Evidence, disease by disease",
                diagnosis.reasons(),
                tuple(
                    figures.evidence(self.data, one)
                    for one in leading[:WATERFALLS]
                    if one.supporting or one.opposing
                ),
            )
        yield self._part(
            "criteria",
            "Published criteria",
            criteria.verdict_lines(self.data),
            tables=(criteria.verdicts(self.data),),
        )
        yield from self._set_by_set()
        clashes = (
            Line(clash.text, sign="·", cites=clash.cites) for clash in self.data.disagreements
        )
        title = "Where published sets disagree about this patient"
        yield self._part("disagreements", title, clashes)

    def _set_by_set(self) -> Iterator[Part]:
        sets = {
            state: [x for x in self.data.criteria if x.state == state] for state in criteria.VERDICT
        }
        in_full = [
            *sets["met"],
            *sets["undetermined"],
            *(sets["not_met"] if self.everything else ()),
        ]
        lines = (*criteria.set_lines(self.data, in_full), *criteria.outlines(self.data))
        yield self._part("criteria-reasons", "Criteria, set by set", lines, traced=True)
        if not self.everything:
            title = "Criteria that are not met, and what settles it; --all shows every item"
            not_met = criteria.in_a_line(sets["not_met"])
            yield self._part("criteria-not-met", title, not_met, traced=True)

    def _serology(self) -> Iterator[Part]:
        serology = Serology(self.data)
        yield self._part("antibodies", "Antibodies and what they mean", serology.lines())
        yield self._part("cancer", "Search for cancer", serology.cancer())

    def _resistance(self) -> Iterator[Part]:
        resistance = Resistance(self.data)
        scores = tuple(
            figures.improvement(one, f"{last.date} against {last.baseline_date}")
            for last in self.data.resistance.response.comparisons[-1:]
            for one in last.improvements
        )
        yield self._part("response", "Was there a response?", Response(self.data).lines(), scores)
        courses = figures.courses(self.data)
        pictured = drawable(self.data)
        pictures = (figures.course(self.data, courses),) if pictured and courses.rows else ()
        tables = (courses,) if courses.rows and not pictured else ()
        yield self._part("course", "The course in time", (), pictures, tables)
        title = "Was the treatment adequate, and is it refractory?"
        yield self._part("treatment-so-far", title, resistance.treatment())
        yield self._part("explanations", "What else explains it?", resistance.explanations())
        yield self._part("workup", "The work-up, step by step", resistance.workup())

    def _treatment(self, treatment: Treatment) -> Iterator[Part]:
        yield self._part("before", "Before the next drug", treatment.first())
        yield self._part("options", "Options", treatment.options())
        if self.everything and self.data.treatment.studies:
            title = "What studies found on the leading options"
            pictures = tuple(figures.studies(one) for one in self.data.treatment.studies)
            yield self._part("studies", title, treatment.studies(), pictures)
        yield self._part("checks", "Safety checks that are not recorded", treatment.checks())
        yield self._part("care", "Whatever the drug", treatment.care())

    def _next(self) -> Iterator[Part]:
        diagnosis = Diagnosis(self.data)
        tests = [test for test in self.data.differential.next_tests if test.gain >= LITTLE]
        pictures = (figures.next_tests(tests),) if tests else ()
        title = "Which investigation would tell most"
        yield self._part("order", title, diagnosis.next_tests(), pictures)
        yield self._part("ask", "Ask and look for", diagnosis.questions())
        lines = question_lines(self.data, self.everything)
        yield self._part("decide", "What would decide most criteria", lines)

    def problems(self) -> Iterator[Part]:
        """Yield what was wrong with the record."""
        if self.data.contradictions:
            lines = [Line("What is named here counts as unknown until you settle it.")]
            told = (without_fields(one.text) for one in self.data.contradictions)
            lines += [Line(one, "against", strong=True, sign="!") for one in told]
            yield self._part("contradictions", "The record contradicts itself", lines)
        if self.data.remarks:
            lines = [Line(remark(one), sign="·") for one in self.data.remarks]
            yield self._part("unused", "Could not be used as written", lines)

    def _record(self) -> Part:
        rows = [
            (
                Cell(fact.label),
                Cell(found(fact), "open" if fact.how == "contradicted" else ""),
                Cell(spaced(fact.group)),
                Cell(
                    "follows from " + "; ".join(named(self.data, x) for x in fact.because)
                    if fact.how == "follows"
                    else places(fact.where)
                ),
            )
            for group in dict.fromkeys(fact.group for fact in self.data.record)
            for fact in self.data.record
            if fact.group == group
        ]
        header = ("Finding", "Value", "Group", "Where it stands")
        caption = "Everything that is known; what is not here is unknown"
        table = Table(caption, header, tuple(rows))
        return Part("findings", "Findings", tables=(table,), folded=True)


def _section(id: str, title: str, parts: Iterable[Part]) -> Section:
    """Return a section of the parts that say anything."""
    told = (part for part in parts if part.paragraphs or part.figures or part.tables)
    return Section(id, title, tuple(told))

"""The report in a terminal: the answer first, then the reasons, then the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from rich.console import Console
from rich.table import Table
from rich.text import Text

from myoresist.assessment import AnswerResult, Assessment, ItemResult, SetResult
from myoresist.report.diagnosis import Diagnosis
from myoresist.report.line import Line
from myoresist.report.plain import plain
from myoresist.report.resistance import Resistance
from myoresist.report.response import Response
from myoresist.report.serology import Serology
from myoresist.report.short import summary
from myoresist.report.summary import (
    MOST_QUESTIONS,
    SIGNS,
    asked,
    carried,
    confidence,
    exclusion,
    in_short,
    measured,
    nothing_decides,
    questions,
    recalled,
    reservation,
    results,
    score,
    unit,
    words,
)
from myoresist.report.treatment import Treatment

STYLES = {"met": "bold green", "not_met": "dim", "undetermined": "yellow", None: "dim"}
ITEM_SIGNS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
MOST_REASONS = 5


def render(assessment: Assessment, console: Console, everything: bool = False) -> None:
    """Print the report.

    Args:
        assessment: what to show.
        console: where to; its width is used, and colour only where it has any.
        everything: whether sets that are not met are shown in detail, too.
    """
    _Report(assessment, console).print(everything)


class _Report:
    """One report; sources are numbered in the order in which they are first cited."""

    def __init__(self, assessment: Assessment, console: Console) -> None:
        self.data = assessment
        self.console = console
        self.facts = {fact.id: fact for fact in assessment.record}
        self.numbers: dict[str, int] = {}

    def print(self, everything: bool) -> None:
        computed = [one for one in self.data.criteria if one.status == "implemented"]
        self._header()
        self._answer()
        self._record_problems()
        treatment = Treatment(self.data, everything)
        self._section("What must not wait", treatment.urgent())
        diagnosis = Diagnosis(self.data)
        self._section("Is it what it is called? Differential diagnosis", diagnosis.in_short())
        questions = tuple(diagnosis.questions())
        if questions:
            self._section("Ask and look for", questions)
        self._section("Which investigation would tell most", diagnosis.next_tests())
        serology = Serology(self.data)
        self._section("What do the antibodies say?", serology.lines())
        self._section("Search for cancer", serology.cancer())
        self._section("Was there a response?", Response(self.data).lines())
        resistance = Resistance(self.data)
        self._section("Was the treatment adequate, and is it refractory?", resistance.treatment())
        self._section("What else explains it?", resistance.explanations())
        self._section("The work-up, step by step", resistance.workup())
        self._section("What next?", treatment.first())
        self._section("Options", treatment.options())
        self._section("Safety checks that are not recorded", treatment.checks())
        self._section("Whatever the drug", treatment.care())
        self._in_short(computed)
        self._questions()
        self._table()
        self._section("Reasons, disease by disease", diagnosis.reasons())
        self._heading("Reasons, set by set")
        for state in ("met", "undetermined", "not_met"):
            for one in computed:
                if one.state == state and (everything or state != "not_met"):
                    self._details(one)
        if not everything:
            self._not_met([one for one in computed if one.state == "not_met"])
        self._not_computed()
        self._disagreements()
        self._sources()
        self._line()
        self._line(self.data.notice, "dim")

    def _line(
        self, text: str = "", style: str = "", indent: int = 0, sign: str = "", whole: bool = False
    ) -> None:
        """Print one paragraph; nothing in it is markup.

        Args:
            text: what to say.
            style: how it looks.
            indent: spaces before every line.
            sign: what stands before the first line; the others begin below its text.
            whole: whether a word that is longer than the line stays in one piece, as an address has to.
        """
        self._paragraph(Text(plain(text), style), indent, Text(plain(sign), style), whole)

    def _paragraph(self, text: Text, indent: int, sign: Text, whole: bool = False) -> None:
        first = Text.assemble(" " * indent, sign, " " if sign else "")
        width = max(self.console.width - len(first), 20)
        if whole:
            found = wrap(text.plain, width, break_long_words=False, break_on_hyphens=False)
            lines = [Text(line, text.style) for line in found]
        else:
            lines = list(text.wrap(self.console, width))
        for number, line in enumerate(lines or [Text()]):
            line.rstrip()
            before = Text(" " * len(first)) if number else first
            self._print(Text.assemble(before, line) if line else Text())

    def _print(self, line: Text) -> None:
        self.console.print(line, overflow="ignore", no_wrap=True, crop=False)

    def _heading(self, text: str) -> None:
        self._line()
        self._line(text, "bold underline")

    def _section(self, title: str, lines: Iterable[Line]) -> None:
        self._heading(title)
        for line in lines:
            cited = f" {self._cite(line.cites)}" if line.cites else ""
            self._line(line.text + cited, line.style, line.indent, line.sign)

    def _header(self) -> None:
        label = f", called {self.data.label.replace('_', ' ')}" if self.data.label else ""
        self._line(f"Second opinion: {self.data.patient_id}{label}", "bold")
        if self.data.source:
            self._line(self.data.source, "dim")
        versions = (
            f"myoresist {self.data.software_version}, knowledge {self.data.knowledge_version}"
        )
        known = [fact for fact in self.data.record if fact.how == "recorded"]
        follows = [fact for fact in self.data.record if fact.how == "follows"]
        self._line(
            f"{versions}. Findings: {len(known)} recorded, {len(follows)} that follow from them.",
            "dim",
        )

    def _answer(self) -> None:
        self._heading("The answer")
        for question, line, _ in summary(self.data):
            self._line(f"{question} {line.text}", line.style, 2, "·")

    def _record_problems(self) -> None:
        if self.data.contradictions:
            self._heading("The record contradicts itself")
            self._line("What is named here counts as unknown until you settle it.")
            for clash in self.data.contradictions:
                self._line(clash.text, "bold red", 2, "!")
        if self.data.remarks:
            self._heading("Could not be used as written")
            for remark in self.data.remarks:
                self._line(remark, indent=2, sign="·")

    def _in_short(self, computed: Sequence[SetResult]) -> None:
        self._heading("In short: published criteria")
        self._line(carried(self.data))
        for one in computed:
            if one.excluded:
                reasons = self._reasons(one.exclusion_because, True)
                said = f"{one.short} does not apply while this stands: {reasons}"
                self._line(said, "bold red", sign="!")
        for state in ("met", "undetermined", "not_met"):
            sets = [one for one in computed if one.state == state]
            if not sets:
                continue
            self._line(f"{SIGNS[state]} ({len(sets)})", STYLES[state])
            names = []
            for one in sets:
                met = state == "met"
                extra = reservation(one) if met else exclusion(one)
                name = f"{one.short}: {in_short(one)}" if met else one.short
                names.append(name + (f" [{extra}]" if extra else ""))
            for paragraph in names if state == "met" else ["; ".join(names)]:
                self._line(paragraph, indent=4)
        self._line("A criteria set that is met classifies; it does not make a diagnosis.", "dim")

    def _questions(self) -> None:
        unknown = questions(self.data)
        self._heading("What would decide most")
        if not unknown:
            self._line(nothing_decides(self.data))
            return
        for number, question in enumerate(unknown[:MOST_QUESTIONS], 1):
            self._line(asked(self.data, question.finding), "bold", sign=f"{number}.")
            for one, answers in question.changes:
                self._line(f"{one.short}: {results(one, answers)}", indent=4)
        if len(unknown) > MOST_QUESTIONS:
            more = ", ".join(
                question.label for question in unknown[MOST_QUESTIONS : MOST_QUESTIONS + 8]
            )
            rest = len(unknown) - MOST_QUESTIONS - 8
            self._line(f"Also: {more}" + (f", and {rest} more." if rest > 0 else "."), "dim")

    def _table(self) -> None:
        self._heading("All criteria sets")
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
        table.add_column("Set", ratio=3)
        table.add_column("Verdict", no_wrap=True)
        table.add_column("Class reached", ratio=4)
        table.add_column("Still possible", ratio=4)
        for one in self.data.criteria:
            reached = "" if one.outcome in (None, "undetermined", "not_met") else in_short(one)
            if one.score and one.state == "undetermined":
                reached += " (unknown items counted as absent)"
            points = f"score {score(one)}" if one.score else ""
            extra = [part for part in (points, reservation(one)) if part]
            detail = "\n".join([reached, *extra]).strip()
            still = "; ".join(words(one, name).split(":")[0] for name in one.open_classes)
            style = STYLES[one.state]
            table.add_row(
                Text(one.short),
                Text(SIGNS[one.state], style=style),
                Text(detail),
                Text(still, style="dim"),
            )
        for row in self.console.render_lines(table, pad=False):
            line = Text.assemble(*((part.text, part.style or "") for part in row))
            line.rstrip()
            self._print(line)

    def _details(self, one: SetResult) -> None:
        self._line()
        outcome = "" if one.outcome in ("not_met", "undetermined") else f": {one.outcome_text}"
        cites = self._cite(one.cites)
        self._line(f"{one.title} {cites}", "bold")
        self._line(f"{SIGNS[one.state]}{outcome}", STYLES[one.state], 2)
        if one.score:
            self._line(f"Score {score(one)}. {one.score.variant_text}", indent=2)
            if one.score.borderline and one.score.outcome_by_probability:
                by_probability = words(one, one.score.outcome_by_probability).split(":")[0]
                self._line(f"By its probability the same patient is: {by_probability}", "yellow", 2)
        if one.subgroup:
            self._line(f"Subgroup: {one.subgroup_text}", indent=2)
        if one.because and one.state != "undetermined":
            self._line(f"Settled by {self._reasons(one.because, True)}", indent=2)
        self._doubts(one)
        self._exclusions(one)
        for item in one.items:
            self._item(item)
        self._open(one)
        for note in one.notes:
            self._line(f"Note: {note.text} {self._cite(note.cites)}", indent=2)
        if one.state == "undetermined" or one.score:
            self._line(f"Missing data: {one.missing}", "dim", 2)
        for limit in one.limits:
            self._line(f"Limit: {limit.text} {self._cite(limit.cites)}", "dim", 2)

    def _doubts(self, one: SetResult) -> None:
        """Say what the authors of the entry say against it, and what of it was written from memory."""
        if one.status_note:
            self._line(one.status_note, "yellow", 2)
        if one.status_note and "confidence" in one.status_note:
            return
        known = confidence(one)
        if one.check.startswith("recall") or one.confidence:
            text = f"The rule is written from memory, with {known} confidence."
            self._line(text, "yellow" if known != "high" else "dim", 2)
        elif known:
            self._line(f"Parts are written from memory, with {known} confidence.", "yellow", 2)

    def _item(self, item: ItemResult) -> None:
        sign, style = ITEM_SIGNS[item.value]
        points = f" ({item.points:g} points)" if item.points is not None else ""
        known = recalled(item.check)
        memory = f" [from memory, {known} confidence]" if known in ("low", "medium") else ""
        text = Text.assemble(plain(f"{item.text}{points}"), (memory, "yellow"))
        reasons = self._reasons(item.because, item.value)
        beside = Text.assemble(text, (f"  ← {plain(reasons)}", "dim"))
        if reasons and 6 + beside.cell_len <= self.console.width:
            self._paragraph(beside, 4, Text(sign, style))
            return
        self._paragraph(text, 4, Text(sign, style))
        if reasons:
            self._line(reasons, "dim", 6, "←")

    def _not_met(self, sets: Sequence[SetResult]) -> None:
        """Say in a line each which sets are not met, and the findings that settle it."""
        if not sets:
            return
        self._line()
        self._line("Not met, and what settles it; --all shows every item", "bold")
        for one in sets:
            reasons = self._reasons(one.because, False)
            text = f"{one.short} {self._cite(one.cites)}" + (f": {reasons}" if reasons else "")
            self._line(text, indent=2, sign="✗")

    def _not_computed(self) -> None:
        """Name the sets that are listed in outline only, and why."""
        sets = [one for one in self.data.criteria if one.status == "outline"]
        if not sets:
            return
        self._line()
        self._line("Not computed", "bold")
        for one in sets:
            text = f"{one.short} {self._cite(one.cites)}: {one.status_note or 'in outline only.'}"
            self._line(text, indent=2, sign="–")

    def _exclusions(self, one: SetResult) -> None:
        if one.exclusion_text is None:
            return
        text = {
            True: "✗ An exclusion applies",
            False: "✓ Exclusions assessed, none applies",
            None: "? Exclusions not fully assessed",
        }[one.excluded]
        reasons = self._reasons(one.exclusion_because, one.excluded) if one.excluded else ""
        style = {True: "bold red", False: "green", None: "yellow"}[one.excluded]
        because = f" Settled by {reasons}" if reasons else ""
        self._line(f"{text}: {one.exclusion_text}{because}", style, 2)

    def _open(self, one: SetResult) -> None:
        if one.state != "undetermined" and not one.open_classes:
            return
        deciding: dict[str, list[AnswerResult]] = {}
        for answer in one.answers:
            deciding.setdefault(answer.finding, []).append(answer)
        alike: dict[str, list[str]] = {}
        for finding, answers in deciding.items():
            measure = unit(self.data.units.get(finding))
            label = self.data.labels[finding] + (f" ({measure})" if measure else "")
            alike.setdefault(results(one, answers), []).append(label)
        for result, labels in alike.items():
            self._line(f"{'; '.join(labels)}: {result}", "cyan", 2, "→")
        if one.state == "undetermined" and not deciding:
            open_ = "; ".join(self.data.labels[finding] for finding in one.open_findings)
            alone = "No single finding decides. " if not self.data.contradictions else ""
            self._line(f"{alone}Unknown: {open_}", "cyan", 2, "→")

    def _reasons(self, findings: Iterable[str], value: bool | None) -> str:
        parts = []
        for finding in findings:
            label = self.data.labels.get(finding, finding)
            fact = self.facts.get(finding)
            if fact is None or fact.value is None:
                parts.append(f"{label}: unknown")
            elif isinstance(fact.value, bool):
                parts.append(f"{label}: {'present' if fact.value else 'absent'}")
            else:
                parts.append(f"{label}: {measured(fact)}")
        if value is None and len(parts) > 3:
            return f"{len(parts)} findings unknown"
        if len(parts) > MOST_REASONS + 1:
            parts[MOST_REASONS:] = [f"and {len(parts) - MOST_REASONS} more"]
        return "; ".join(parts)

    def _disagreements(self) -> None:
        if not self.data.disagreements:
            return
        self._heading("Where published sets disagree about this patient")
        for clash in self.data.disagreements:
            self._line(f"{clash.text} {self._cite(clash.cites)}", indent=2, sign="·")

    def _cite(self, keys: Iterable[str]) -> str:
        numbers = []
        for key in keys:
            if key in self.data.references:
                numbers.append(self.numbers.setdefault(key, len(self.numbers) + 1))
        return f"[{', '.join(map(str, numbers))}]" if numbers else ""

    def _sources(self) -> None:
        self._heading("Sources")
        for key, number in self.numbers.items():
            work = self.data.references[key]
            link = f" {work.link}" if work.link else ""
            self._line(work.text + link, indent=2, sign=f"{number}.", whole=True)

"""The report in a terminal: the answer first, then the reasons, then the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from myoresist.assessment import AnswerResult, Assessment, SetResult
from myoresist.report.summary import SIGNS, in_short, questions, ranges, reservation, score, words

STYLES = {"met": "bold green", "not_met": "dim", "undetermined": "yellow", None: "dim"}
ITEM_SIGNS = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}
MOST_QUESTIONS = 6


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
        self.numbers: dict[str, int] = {}

    def print(self, everything: bool) -> None:
        computed = [one for one in self.data.criteria if one.status == "implemented"]
        self._header()
        self._record_problems()
        self._in_short(computed)
        self._questions()
        self._table()
        self._heading("Reasons, set by set")
        for state in ("met", "undetermined", "not_met"):
            for one in computed:
                if one.state == state and (everything or state != "not_met"):
                    self._details(one)
        if not everything and any(one.state == "not_met" for one in computed):
            self._line("Sets that are not met are left out here; --all shows them.", "dim")
        self._disagreements()
        self._sources()
        self._line()
        self._line(self.data.notice, "dim")

    def _line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        shown = Text(_plain(text), style=style)
        self.console.print(Padding(shown, (0, 0, 0, indent), expand=False) if text else "")

    def _heading(self, text: str) -> None:
        self._line()
        self._line(text, "bold underline")

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
            f"{versions}. {len(known)} findings recorded, {len(follows)} more follow from them.",
            "dim",
        )

    def _record_problems(self) -> None:
        if self.data.contradictions:
            self._heading("The record contradicts itself")
            self._line("What is named here counts as unknown until you settle it.")
            for clash in self.data.contradictions:
                self._line(f"! {clash.text}", "bold red", 2)
        if self.data.remarks:
            self._heading("Could not be used as written")
            for remark in self.data.remarks:
                self._line(f"· {remark}", indent=2)

    def _in_short(self, computed: Sequence[SetResult]) -> None:
        self._heading("In short: published criteria")
        for one in computed:
            if one.excluded:
                reasons = self._reasons(one.exclusion_because, True)
                self._line(f"! {one.short} does not apply while this stands: {reasons}", "bold red")
        for state in ("met", "undetermined", "not_met"):
            sets = [one for one in computed if one.state == state]
            if not sets:
                continue
            self._line(f"{SIGNS[state]} ({len(sets)})", STYLES[state])
            if state == "met":
                for one in sets:
                    extra = reservation(one)
                    said = f"{one.short}: {in_short(one)}" + (f" [{extra}]" if extra else "")
                    self._line(said, indent=4)
            else:
                names = (one.short for one in sets)
                self._line("; ".join(names), indent=4)
        self._line("A criteria set that is met classifies; it does not make a diagnosis.", "dim")

    def _questions(self) -> None:
        asked = questions(self.data)
        self._heading("What would decide most")
        if not asked:
            self._line("No single unknown finding would change a verdict.")
            return
        for number, question in enumerate(asked[:MOST_QUESTIONS], 1):
            self._line(f"{number}. {self.data.questions[question.finding]}", "bold")
            for one, answers in question.changes:
                self._line(f"{one.short}: {self._answers(one, answers)}", indent=4)
        if len(asked) > MOST_QUESTIONS:
            more = ", ".join(
                question.label for question in asked[MOST_QUESTIONS : MOST_QUESTIONS + 8]
            )
            rest = len(asked) - MOST_QUESTIONS - 8
            self._line(f"Also: {more}" + (f", and {rest} more." if rest > 0 else "."), "dim")

    def _answers(self, one: SetResult, answers: Iterable[AnswerResult]) -> str:
        """Return what each answer would make of a set; answers with the same result stand together."""
        results: dict[str, list[str]] = {}
        for answer in answers:
            result = words(one, answer.outcome).split(":")[0]
            if answer.subgroup and answer.subgroup != "undetermined":
                result += f", {words(one, answer.subgroup)}"
            results.setdefault(result, []).append(answer.value)
        return "; ".join(f"if {ranges(values)}, {result}" for result, values in results.items())

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
            extra = [part for part in (score(one), reservation(one)) if part]
            detail = "\n".join([reached, *extra]).strip()
            still = "; ".join(words(one, name).split(":")[0] for name in one.open_classes)
            style = STYLES[one.state]
            table.add_row(
                Text(_plain(one.short)),
                Text(SIGNS[one.state], style=style),
                Text(detail),
                Text(still, style="dim"),
            )
        self.console.print(table)

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
        if one.confidence or one.status_note:
            known = one.status_note or f"The rule is known with {one.confidence} confidence."
            self._line(known, "yellow", 2)
        self._exclusions(one)
        for item in one.items:
            sign, style = ITEM_SIGNS[item.value]
            points = f" ({item.points:g} points)" if item.points is not None else ""
            reasons = self._reasons(item.because, item.value)
            text = Text.assemble((f"{sign} ", style), _plain(f"{item.text}{points}"))
            if reasons:
                text.append(f"  {_plain(reasons)}", style="dim")
            self.console.print(Padding(text, (0, 0, 0, 4), expand=False))
        self._open(one)
        for note in one.notes:
            self._line(f"Note: {note.text} {self._cite(note.cites)}", indent=2)
        for limit in one.limits:
            self._line(f"Limit: {limit.text} {self._cite(limit.cites)}", "dim", 2)

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
        self._line(f"{text}: {one.exclusion_text} {reasons}", style, 2)

    def _open(self, one: SetResult) -> None:
        if one.state != "undetermined" and not one.open_classes:
            return
        deciding: dict[str, list[AnswerResult]] = {}
        for answer in one.answers:
            deciding.setdefault(answer.finding, []).append(answer)
        alike: dict[str, list[str]] = {}
        for finding, answers in deciding.items():
            alike.setdefault(self._answers(one, answers), []).append(self.data.labels[finding])
        for result, labels in alike.items():
            self._line(f"→ {'; '.join(labels)}: {result}", "cyan", 2)
        if one.state == "undetermined" and not deciding:
            open_ = "; ".join(self.data.labels[finding] for finding in one.open_findings)
            self._line(f"→ No single finding decides. Unknown: {open_}", "cyan", 2)

    def _reasons(self, findings: Iterable[str], value: bool | None) -> str:
        facts = {fact.id: fact for fact in self.data.record}
        parts = []
        for finding in findings:
            label = self.data.labels.get(finding, finding)
            fact = facts.get(finding)
            if fact is None or fact.value is None:
                parts.append(f"{label}: unknown")
            elif isinstance(fact.value, bool):
                parts.append(f"{label}: {'present' if fact.value else 'absent'}")
            else:
                shown = f"{fact.value:g}" if isinstance(fact.value, float) else str(fact.value)
                parts.append(f"{label}: {shown} {fact.unit or ''}".strip())
        if value is None and len(parts) > 3:
            return f"{len(parts)} findings unknown"
        return "; ".join(parts)

    def _disagreements(self) -> None:
        if not self.data.disagreements:
            return
        self._heading("Where published sets disagree about this patient")
        for clash in self.data.disagreements:
            self._line(f"· {clash.text} {self._cite(clash.cites)}", indent=2)

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
            self._line(f"{number}. {work.text}{link}", indent=2)


def _plain(text: str) -> str:
    """Return text without control characters, so that a case cannot write to the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)

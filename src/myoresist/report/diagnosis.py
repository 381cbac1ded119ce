"""The differential diagnosis in words: is the label right, what else is it, which test would tell most."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.diagnosis.differential.results import (
    DiseaseResult,
    EvidenceResult,
    InvestigationResult,
    LabelResult,
    ResultResult,
)
from myoresist.report.document import Line, Tone
from myoresist.report.wording import LITTLE, measured, percent, spaced, tells

STEPS = {1: "bedside or blood", 2: "imaging or electrophysiology", 3: "biopsy or genetic panel"}
FLAGS = 4
PROVES = 0.1
"""From how likely a proof on it is said of an investigation."""


@dataclass(frozen=True)
class Diagnosis:
    """The differential diagnosis of one assessment, in words."""

    data: Assessment

    def label(self) -> Iterator[Line]:
        """Say whether the label is right, and what speaks against it."""
        result = self.data.differential
        if not result.counted:
            yield Line(
                "Nothing is recorded that tells diseases apart, so there is no differential diagnosis.",
                "open",
            )
            return
        if result.label:
            yield from self._label(result.label)
        elif self.data.label:
            yield Line(
                f"The label {spaced(self.data.label)} stands for no disease of the differential, so it is "
                "not weighed.",
                "open",
            )

    def beside(self) -> Iterator[Line]:
        """Say which families are probable, what may add to the leading disease, and how far to trust it."""
        result = self.data.differential
        if not result.counted:
            return
        families = [f"{one.name} {percent(one.probability)}" for one in result.families[:4]]
        yield Line(f"By family: {'; '.join(families)}.")
        for pair in result.pairs:
            yield Line(
                f"Also, not instead: {pair.text}. {pair.why}", "open", sign="+", cites=pair.cites
            )
        for beside in result.beside:
            yield Line(
                f"{beside.name} may add to it, whichever leads ({percent(beside.probability)}).",
                "open",
                sign="+",
            )
        yield Line(self._caution(), "quiet", cites=result.cites)

    def next_tests(self) -> Iterator[Line]:
        """Say which investigations would tell most, and what their results would do."""
        tests = self.data.differential.next_tests
        if not tests:
            yield Line("No further investigation would change the diagnosis.")
        for number, test in enumerate(tests, 1):
            yield Line(
                f"{ordered(self.data, test)}{'' if test.again else f' ({STEPS[test.invasiveness]})'}",
                strong=True,
                sign=f"{number}.",
                cites=test.cites,
            )
            yield Line(self.gain(test), detail=True)
            if test.gain >= LITTLE:
                for text in self.results(test.results):
                    yield Line(text, "quiet", detail=True, sign="→")
            if test.note:
                yield Line(test.note, "quiet", detail=True)

    def questions(self) -> Iterator[Line]:
        """Say what history and examination leave open and would tell most."""
        for question in self.data.differential.questions:
            if question.gain >= LITTLE:
                yield Line(self.data.questions[question.finding], strong=True, sign="·")
                for text in self.results(question.results):
                    yield Line(text, "quiet", detail=True, sign="→")

    def reasons(self) -> Iterator[Line]:
        """Give the findings for and against each leading disease, with their sources."""
        for one in self.data.differential.leading:
            yield Line(f"{one.name}: {self._probable(one)}", strong=True, cites=one.cites)
            sides: tuple[tuple[str, Tone, Iterable[EvidenceResult]], ...] = (
                ("+", "for", one.supporting),
                ("−", "against", one.opposing),
            )
            for sign, tone, evidence in sides:
                for found in evidence:
                    yield Line(self._evidence(found), tone, False, True, sign, _cited(found))
                if not evidence:
                    text = f"nothing recorded speaks {tone} it"
                    yield Line(text, "quiet", detail=True, sign=sign)
            missing = "; ".join(self.named(found) for found in one.typical_missing)
            if missing:
                yield Line(f"usual in it and absent here: {missing}", detail=True, sign="·")
            unexplained = "; ".join(self.named(found) for found in one.unexplained)
            if unexplained:
                yield Line(f"present and not explained by it: {unexplained}", detail=True, sign="·")
            yield Line(f"To confirm: {one.confirmed_by}.", "quiet", detail=True)
            yield Line(f"Why it does not respond: {one.why_it_resists}.", "quiet", detail=True)
            yield Line(f"If it is this: {one.implication}.", "quiet", detail=True)

    def _label(self, label: LabelResult) -> Iterator[Line]:
        result = self.data.differential
        believed = (
            f"{percent(label.probability)} (95 % interval {percent(label.low)} to "
            f"{percent(label.high)})"
        )
        text = (
            f"Carries the label {spaced(label.label)}, which has a probability of {believed}, "
            f"{percent(label.without)} if the label itself counted for nothing."
        )
        if label.outranked_by:
            text += f" {result.leading[0].name} is more probable."
        yield Line(text, "against" if label.outranked_by else "for", strong=True)
        for flag, disease in zip(label.flags[:FLAGS], label.pointing, strict=False):
            yield Line(
                self._flag(flag, disease),
                "against",
                sign="!",
                cites=_cited(flag),
                because=(flag.finding,),
            )
        if label.outranked_by and not label.flags:
            yield Line("No single finding speaks against the label; the sum does.")

    def _flag(self, flag: EvidenceResult, disease: str) -> str:
        often = ""
        if flag.percent is not None and flag.other_percent is not None:
            share, other = flag.percent, flag.other_percent
            often = (
                f"; found in {percent(share / 100)} against {percent(other / 100)} under the label"
            )
        return (
            f"{self.named(flag)}, {times(flag.ratio)} as likely if it is something else, most of all "
            f"{self.data.differential_names[disease]}{often}{_guessed(flag)}"
        )

    def _probable(self, one: DiseaseResult) -> str:
        if one.confirmed:
            return f"{percent(one.probability)}, confirmed by the test that confirms it"
        return (
            f"{percent(one.probability)} ({percent(one.low)} to {percent(one.high)}), not confirmed"
        )

    def _caution(self) -> str:
        result = self.data.differential
        return (
            f"Probabilities among: {result.population} {percent(result.estimated)} of the evidence on the "
            f"leading disease rests on estimates rather than on publications; the intervals are wide "
            f"because of it"
        )

    def gain(self, test: InvestigationResult) -> str:
        """Return what an investigation would tell."""
        said = ["Needed now, whatever the disease."] if test.needed else []
        if test.proof >= PROVES:
            said.append("Could prove what is likely.")
        if test.gain >= LITTLE:
            text = f"Expected to tell {tells(test.gain)} about the disease"
            if self.data.differential.label:
                text += f", {tells(test.gain_label)} about whether the label is right"
            said.append(text + ".")
        return " ".join(said) or "Would hardly change the diagnosis."

    def results(self, results: Iterable[ResultResult]) -> Iterator[str]:
        """Say what each finding would do if it is there; what its absence does is seldom much."""
        names = self.data.differential_names
        for result in results:
            if result.value:
                leading = f"{names[result.leading]} leads with {percent(result.probability)}"
                chance = f"expected in {percent(result.likely)}"
                yield f"{self.data.labels[result.finding]}, if present ({chance}): {leading}"

    def named(self, found: EvidenceResult) -> str:
        """Return a finding with its value."""
        label = self.data.labels[found.finding]
        if isinstance(found.value, bool):
            return f"{label}: {'present' if found.value else 'absent'}"
        return f"{label}: {measured(found.value, self.data.units.get(found.finding))}"

    def _evidence(self, found: EvidenceResult) -> str:
        often = ""
        if found.percent is not None and found.other_percent is not None:
            often = (
                f" ({percent(found.percent / 100)} against {percent(found.other_percent / 100)})"
            )
        return f"{self.named(found)}, {times(found.ratio)} as likely{often}{_guessed(found)}"


def ordered(data: Assessment, test: InvestigationResult) -> str:
    """Return an investigation with the analytes that matter most."""
    analytes = ", ".join(data.labels[one] for one in test.analytes)
    return f"{test.name}{f': above all {analytes}' if analytes else ''}"


def _cited(found: EvidenceResult) -> tuple[str, ...]:
    return (found.source,) if found.source else ()


def _guessed(found: EvidenceResult) -> str:
    return "" if found.source else " (estimate)"


def times(ratio: float) -> str:
    """Return a likelihood ratio as a reader would say it."""
    return f"{ratio:.0f} times" if ratio >= 9.5 else f"{ratio:.2g} times"

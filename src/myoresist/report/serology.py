"""What the autoantibodies say, in words: how sure they are, what they mean, cancer risk, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.report.document import Line, Tone
from myoresist.report.wording import names, percent, spaced
from myoresist.serology.answer import AntibodyResult, CancerResult, TypicalResult

MOST_OPEN = 8


@dataclass(frozen=True)
class Serology:
    """Question 2 of one assessment, in words."""

    data: Assessment

    def lines(self) -> Iterator[Line]:
        """Say which antibodies count, how sure they are, and what follows."""
        result = self.data.serology
        reported = [one for one in result.antibodies if one.reported]
        negative = [one.id for one in result.antibodies if not one.reported]
        if not result.antibodies:
            yield Line("No autoantibody was tested.", "open")
        for one in reported:
            yield from self._antibody(one)
        if negative:
            yield Line(f"Negative: {names(self.data, negative)}", "quiet")
        if result.not_tested:
            yield Line(f"Not tested: {names(self.data, result.not_tested)}", "quiet")
        for said in result.says:
            yield Line(
                f"{said.text} (evidence: {said.evidence})",
                sign="·",
                cites=said.cites,
                rule=self.data.rules.get(f"serology.{said.id}", ""),
                because=said.because,
            )

    def cancer(self) -> Iterator[Line]:
        """Say which search for cancer the guideline asks for, and what could raise the risk."""
        cancer = self.data.serology.cancer
        tone: Tone = "against" if cancer.category == "high" else ""
        cites = dict.fromkeys(key for factor in cancer.factors for key in factor.cites)
        yield Line(cancer.title, tone, strong=True, cites=tuple(cites))
        if cancer.applies is False:
            yield Line(f"The guideline does not apply: {names(self.data, cancer.scope)}")
            return
        if cancer.applies is None and cancer.scope_unknown:
            unknown = names(self.data, cancer.scope_unknown)
            yield Line(f"Whether the guideline applies is open: {unknown}", "open")
        for factor in cancer.factors:
            if factor.value:
                text = f"{factor.text} ({factor.tier})"
                yield Line(text, sign="+", because=factor.because)
        yield from self._search(cancer)
        for extra in cancer.extras:
            yield Line(extra.text, sign="·", cites=extra.cites, because=extra.because)

    def _search(self, cancer: CancerResult) -> Iterator[Line]:
        for panel in cancer.at_diagnosis:
            yield Line(f"{panel.text}: {'; '.join(panel.items)}", cites=panel.cites)
        if cancer.follow_up:
            yield Line(f"Follow-up: {cancer.follow_up}")
        if cancer.unknown:
            unknown = names(self.data, cancer.unknown[:MOST_OPEN])
            text = f"Could be {cancer.highest}, not {cancer.lowest}; unknown: {unknown}"
            yield Line(text, "open", sign="?")
            if cancer.if_highest:
                yield Line(cancer.if_highest, "open")

    def _antibody(self, one: AntibodyResult) -> Iterator[Line]:
        name = self.data.labels[one.id]
        sure = ""
        if one.probability is not None:
            target = f" that it means {one.target}" if one.target else " that it is there"
            sure = f": probability{target} {percent(one.probability)}"
            if one.prior:
                sure += f", {percent(one.prior.value)} before the test"
        level = f". {one.level_text}" if one.level_text else ""
        yield Line(f"{name}{sure}{level}", strong=True)
        for test in one.tests:
            ratio = f"{test.likelihood_ratio:.3g}"
            text = f"{test.strength}, {spaced(test.method)}: likelihood ratio {ratio}"
            yield Line(text, detail=True, sign="·", cites=test.cites)
        yield Line(f"Subset: {one.subset}", detail=True, cites=one.cites)
        remarks: tuple[tuple[str, tuple[TypicalResult, ...], Tone, bool], ...] = (
            ("Expected, but not recorded", one.not_recorded, "open", False),
            ("Not done", one.not_done, "open", True),
            ("Typical, but absent", one.typical_but_absent, "against", False),
            ("Does not fit", one.present_but_unusual, "against", False),
        )
        for text, found, tone, strong in remarks:
            if found:
                # Each stands under its antibody, so that its name need not be said again.
                told = "; ".join(x.text.removeprefix(f"{name}: ") for x in found)
                yield Line(f"{text}: {told}", tone, strong, detail=True)

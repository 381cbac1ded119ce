"""What the autoantibodies say, in words: how sure they are, what they mean, cancer risk, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.report.line import Line
from myoresist.report.summary import percent
from myoresist.serology.explain import AntibodyResult, CancerResult

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
            yield Line("No autoantibody was tested.", "yellow")
        for one in reported:
            yield from self._antibody(one)
        if negative:
            yield Line(f"Negative: {self._names(negative)}", "dim")
        if result.not_tested:
            yield Line(f"Not tested: {self._names(result.not_tested)}", "dim")
        for said in result.says:
            strong = f"evidence: {said.evidence}"
            yield Line(
                f"{said.text} ({strong})",
                indent=2,
                sign="·",
                cites=said.cites,
                rule=self.data.rules.get(f"serology.{said.id}", ""),
                because=said.because,
            )

    def cancer(self) -> Iterator[Line]:
        """Say which search for cancer the guideline asks for, and what could raise the risk."""
        cancer = self.data.serology.cancer
        style = "bold red" if cancer.category == "high" else "bold"
        cites = dict.fromkeys(key for factor in cancer.factors for key in factor.cites)
        yield Line(cancer.title, style, cites=tuple(cites))
        if cancer.applies is False:
            yield Line(f"The guideline does not apply: {self._names(cancer.scope)}", indent=2)
            return
        if cancer.applies is None and cancer.scope_unknown:
            yield Line(
                f"Whether the guideline applies is open: {self._names(cancer.scope_unknown)}",
                "yellow",
                2,
            )
        for factor in cancer.factors:
            if factor.value:
                yield Line(
                    f"{factor.text} ({factor.tier})", indent=2, sign="+", because=factor.because
                )
        yield from self._search(cancer)
        for extra in cancer.extras:
            yield Line(extra.text, indent=2, sign="·", cites=extra.cites, because=extra.because)

    def _search(self, cancer: CancerResult) -> Iterator[Line]:
        for panel in cancer.at_diagnosis:
            yield Line(f"{panel.text}: {'; '.join(panel.items)}", indent=2, cites=panel.cites)
        if cancer.follow_up:
            yield Line(f"Follow-up: {cancer.follow_up}", indent=2)
        if cancer.unknown:
            yield Line(
                f"Could be {cancer.highest}, not {cancer.lowest}; unknown: "
                f"{self._names(cancer.unknown[:MOST_OPEN])}",
                "yellow",
                2,
                "?",
            )
            if cancer.if_highest:
                yield Line(cancer.if_highest, "yellow", 4)

    def _antibody(self, one: AntibodyResult) -> Iterator[Line]:
        name = self.data.labels[one.id]
        sure = ""
        if one.probability is not None:
            target = f" that it means {one.target}" if one.target else " that it is there"
            sure = f": probability{target} {percent(one.probability)}"
            if one.prior:
                sure += f", {percent(one.prior.value)} before the test"
        level = f". {one.level_text}" if one.level_text else ""
        yield Line(f"{name}{sure}{level}", "bold")
        for test in one.tests:
            ratio = f"{test.likelihood_ratio:.3g}"
            method = test.method.replace("_", " ")
            yield Line(
                f"{test.strength}, {method}: likelihood ratio {ratio}",
                indent=4,
                sign="·",
                cites=test.cites,
            )
        yield Line(f"Subset: {one.subset}", indent=4, cites=one.cites)
        for text, found, style in (
            ("Expected, but not recorded", one.not_recorded, "yellow"),
            ("Not done", one.not_done, "bold yellow"),
            ("Typical, but absent", one.typical_but_absent, "red"),
            ("Does not fit", one.present_but_unusual, "red"),
        ):
            if found:
                # Each stands under its antibody, so that its name need not be said again.
                said = "; ".join(x.text.removeprefix(f"{name}: ") for x in found)
                yield Line(f"{text}: {said}", style, 4)

    def _names(self, ids: tuple[str, ...] | list[str]) -> str:
        return "; ".join(self.data.labels.get(one, one.replace("_", " ")) for one in ids)

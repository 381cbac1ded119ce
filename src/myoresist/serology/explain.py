"""What the antibodies say of one patient, in words and with sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from myoresist.knowledge.schema import Sourced
from myoresist.rules.reasons import Verdict, explain
from myoresist.serology.answer import (
    AntibodyResult,
    CancerResult,
    FactorResult,
    OpenResult,
    PanelResult,
    PriorResult,
    SaidResult,
    SerologyResult,
    TestResult,
    TypicalResult,
)
from myoresist.serology.compile import APPLIES, EXPECTED, SETTING, UNUSUAL, WORKUP
from myoresist.serology.evaluate import (
    CATEGORY,
    HIGHEST,
    LOWEST,
    MOST_LIKELY,
    NOT_APPLICABLE,
    Serology,
    SerologyTables,
    leaf_findings,
)
from myoresist.serology.probability import column
from myoresist.serology.schema import Antibody, Factor, Statement


def answer(
    serology: Serology, tables: SerologyTables, patient_id: str, index: int = 0
) -> SerologyResult:
    """Put what the antibodies say of one patient into words.

    Args:
        serology: the knowledge.
        tables: what ``serology.evaluate`` returned.
        patient_id: who the patient is.
        index: the row of the patient.
    """
    row = {**tables.patients.row(index), **tables.known.row(index)}
    own = serology.results(tables).filter(pl.col("row") == index)
    return _Patient(serology, patient_id, row, tuple(own.to_dicts())).result()


@dataclass(frozen=True)
class _Patient:
    """One patient's row of findings and results, and what they mean in words."""

    serology: Serology
    patient_id: str
    row: Mapping[str, Any]
    results: tuple[Mapping[str, Any], ...]

    def result(self) -> SerologyResult:
        antibodies = self.serology.knowledge.antibodies.values()
        tested = [one for one in antibodies if self._of(one.id, "reported") is not None]
        says, open_ = self._statements()
        return SerologyResult(
            patient_id=self.patient_id,
            setting=self.row[SETTING],
            most_likely=self.row[MOST_LIKELY],
            antibodies=tuple(self._antibody(one) for one in tested),
            not_tested=tuple(one.id for one in antibodies if one not in tested),
            says=says,
            open=open_,
            cancer=self._cancer(),
        )

    def _of(self, *parts: str) -> Any:
        return self.row.get(column(*parts))

    @cached_property
    def _seen(self) -> dict[str, Verdict]:
        return {}

    def _verdict(self, name: str) -> Verdict:
        return explain(name, self.serology.program, self.row, self._seen)

    def _findings(self, verdict: Verdict) -> tuple[str, ...]:
        return leaf_findings(verdict.because, self.row, self.serology.msa)

    def _unknown(self, name: str) -> tuple[str, ...]:
        """Return the findings that leave a rule open."""
        verdict = self._verdict(name)
        if verdict.value is not None:
            return ()
        return leaf_findings(
            (x for x in verdict.because if self.row.get(x) is None), self.row, self.serology.msa
        )

    def _label(self, finding: str) -> str:
        return self.serology.catalogue[finding].label

    def _antibody(self, one: Antibody) -> AntibodyResult:
        levels = {x.id: x.text for x in self.serology.knowledge.confidence.levels}
        level = self._of(one.id, "level")
        return AntibodyResult(
            id=one.id,
            kind=one.kind,
            group=one.group,
            reported=self._of(one.id, "reported"),
            target=one.target,
            tests=tuple(self._tests(one)),
            prior=self._prior(one),
            likelihood_ratio=self._of(one.id, "likelihood_ratio"),
            probability=self._of(one.id, "probability"),
            level=level,
            level_text=levels.get(level),
            subset=one.subset,
            cites=one.cites,
            check=one.check,
            **(self._profile(one) if self._of(one.id, "reported") else {}),
        )

    def _tests(self, one: Antibody) -> Iterator[TestResult]:
        methods = {x.id: x for x in self.serology.knowledge.confidence.methods}
        for result in self.results:
            if result["antibody"] == one.id:
                method = methods[result["method"]]
                ratios = method.ratios(one.id)
                yield TestResult(
                    method=method.label,
                    strength=result["strength"],
                    place=result["place"],
                    likelihood_ratio=result["likelihood_ratio"],
                    note=ratios.note,
                    **_sources(ratios),
                )

    def _prior(self, one: Antibody) -> PriorResult | None:
        if not one.priors:
            return None
        verdict = self._verdict(column(one.id, "frequency"))
        setting = next(
            x for x in self.serology.knowledge.confidence.settings if x.id == self.row[SETTING]
        )
        used = next(x for x in one.priors if x.value == verdict.value)
        reasons = self._findings(verdict) + (
            () if one.target else self._findings(self._verdict(SETTING))
        )
        return PriorResult(
            value=self._of(one.id, "prior"),
            frequency=used.value,
            setting=setting.text,
            because=tuple(sorted({x for x in reasons if self.row.get(x) is not None})),
            note=used.note,
            cites=tuple(dict.fromkeys((*used.cites, *(() if one.target else setting.cites)))),
            check=used.check,
        )

    def _profile(self, one: Antibody) -> dict[str, tuple[TypicalResult, ...]]:
        parts: dict[str, list[TypicalResult]] = {
            "fits": [],
            "not_recorded": [],
            "typical_but_absent": [],
        }
        for x in one.expected:
            text = self._label(x.finding) + (f" ({x.note})" if x.note else "")
            entry = TypicalResult(id=x.finding, text=text, percent=x.percent, **_sources(x))
            if self.row.get(x.finding):
                parts["fits"].append(entry)
            elif self._of(one.id, EXPECTED, x.finding, "missing"):
                parts["not_recorded"].append(entry)
            elif self._of(one.id, EXPECTED, x.finding, "absent"):
                parts["typical_but_absent"].append(entry)
        unusual = [
            TypicalResult(id=x.finding, text=f"{self._label(x.finding)}: {x.text}", **_sources(x))
            for x in one.unusual
            if self._of(one.id, UNUSUAL, x.finding)
        ]
        not_done = [
            TypicalResult(
                id=x.id, text=f"{self._label(one.id)}: no {x.text} recorded", **_sources(x)
            )
            for x in one.workup
            if self._of(one.id, WORKUP, x.id)
        ]
        parts |= {"present_but_unusual": unusual, "not_done": not_done}
        return {name: tuple(entries) for name, entries in parts.items()}

    def _statements(self) -> tuple[tuple[SaidResult, ...], tuple[OpenResult, ...]]:
        says, open_ = [], []
        for name, one, antibody in self.serology.statements():
            if self.row[name]:
                says.append(self._said(name, one, antibody))
            elif self.row[name] is None:
                unknown = self._unknown(name)
                # Of interest is what rests on a reported antibody and waits for something else.
                about = leaf_findings(self.serology.program.rules[name].reads, self.row, ())
                if any(x not in unknown and self._reported(x) for x in about):
                    text = self._text(one, antibody)
                    open_.append(
                        OpenResult(
                            id=_name(one, antibody), topic=one.topic, text=text, unknown=unknown
                        )
                    )
        return tuple(says), tuple(open_)

    def _reported(self, finding: str) -> bool:
        """Tell whether a finding is an antibody, or a group of them, of which one was reported."""
        if finding in self.serology.knowledge.antibodies:
            return bool(self._of(finding, "reported"))
        return (
            self.serology.catalogue[finding].group == "antibody" and self.row.get(finding) is True
        )

    def _said(self, name: str, one: Statement, antibody: Antibody | None) -> SaidResult:
        because = self._findings(self._verdict(name))
        return SaidResult(
            id=_name(one, antibody),
            topic=one.topic,
            text=self._text(one, antibody),
            evidence=one.strength,
            because=because,
            level=self._least_sure(because),
            suggests=tuple(x for x in one.suggests if self.row.get(x) is None),
            **_sources(one),
        )

    def _least_sure(self, because: Iterable[str]) -> str | None:
        """Return the lowest level of the reported antibodies among some findings."""
        order = [x.id for x in self.serology.knowledge.confidence.levels]
        found = {self._of(x, "level") for x in because if self._of(x, "reported")} - {None}
        return max(found, key=order.index, default=None)

    def _text(self, one: Statement, antibody: Antibody | None) -> str:
        if antibody is None:
            return one.text
        pattern = antibody.hep2.text if antibody.hep2 else ""
        return one.text.replace("{antibody}", self._label(antibody.id)).replace(
            "{pattern}", pattern
        )

    def _cancer(self) -> CancerResult:
        guideline = self.serology.knowledge.cancer
        lowest, highest = self.row[LOWEST], self.row[HIGHEST]
        categories = {one.id: one for one in guideline.categories}
        panels = {one.id: one for one in guideline.panels}
        outside = self.row[CATEGORY] == NOT_APPLICABLE
        ids = [one.id for one in guideline.categories]
        between = ids[ids.index(highest) : ids.index(lowest)]
        unknown = {x for id_ in between for x in self._unknown(column("cancer", "reached", id_))}
        low, high = categories[lowest], categories[highest]
        title = low.title if lowest == highest else f"at least {low.title}, up to {high.title}"
        if outside:
            title = "outside the guideline"
        return CancerResult(
            guideline=guideline.title,
            category=self.row[CATEGORY],
            title=title,
            lowest=lowest,
            highest=highest,
            applies=self.row[APPLIES],
            scope=tuple(
                one.otherwise
                for one in guideline.applies
                if self._of("cancer", "scope", one.id) is False
            ),
            scope_unknown=self._unknown(APPLIES),
            factors=tuple(map(self._factor, guideline.factors)),
            unknown=tuple(sorted(unknown)),
            at_diagnosis=()
            if outside
            else tuple(
                PanelResult(id=x, text=panels[x].text, items=panels[x].items, **_sources(panels[x]))
                for x in low.at_diagnosis
            ),
            follow_up=None if outside else low.follow_up,
            if_highest=None
            if outside or lowest == highest
            else f"{high.title}: {', '.join(panels[x].text.lower() for x in high.at_diagnosis)}; "
            f"follow-up: {high.follow_up}",
            extras=tuple(self._extras()),
            notes=tuple(one.text for one in guideline.notes),
            cites=tuple(
                dict.fromkeys(
                    (*guideline.cites, *low.cites, *(x for n in guideline.notes for x in n.cites))
                )
            ),
            check=guideline.check,
        )

    def _factor(self, one: Factor) -> FactorResult:
        """Return whether a risk factor is there."""
        return FactorResult(
            id=one.id,
            tier=one.tier,
            text=one.text,
            value=self._of("cancer", "factor", one.id),
            because=self._findings(self._verdict(column("cancer", "factor", one.id))),
            **_sources(one),
        )

    def _extras(self) -> Iterator[SaidResult]:
        """Yield what the guideline adds for this patient."""
        for one in self.serology.knowledge.cancer.extras:
            verdict = self._verdict(column("cancer", "extra", one.id))
            if verdict.value:
                yield SaidResult(
                    id=one.id,
                    topic="cancer",
                    text=one.text,
                    evidence=one.strength,
                    because=self._findings(verdict),
                    **_sources(one),
                )


def _sources(entry: Sourced) -> dict[str, Any]:
    return {"cites": entry.cites, "check": entry.check}


def _name(one: Statement, antibody: Antibody | None) -> str:
    return f"{one.id}.{antibody.id}" if antibody else one.id

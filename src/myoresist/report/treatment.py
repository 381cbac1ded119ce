"""What can be done next, in words: what must not wait, what comes before a drug, options, checks, care."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from myoresist.assessment import Assessment
from myoresist.report.document import Line, Tone
from myoresist.report.evidence import counts, doubts, treatment_of, whom
from myoresist.report.wording import names, percent, spaced
from myoresist.treatment.explain import LEADING
from myoresist.treatment.results import (
    AgainstResult,
    OptionResult,
    PlaceResult,
    SubsetResult,
    UrgentResult,
)

_GROUP: dict[str, tuple[str, Tone]] = {
    "do_first": ("▲", "for"),
    "reasonable": ("●", "for"),
    "support": ("+", "for"),
    "given": ("=", "open"),
    "repeat": ("↻", "for"),
    "wait": ("…", "open"),
    "only_if": ("○", "open"),
    "avoid": ("✗", "against"),
}
_LEVEL: dict[str, tuple[str, Tone]] = {
    "contraindicated": ("Contraindicated", "against"),
    "avoid": ("Only without an alternative", "against"),
    "caution": ("Caution", "open"),
}
GIVEN = {
    "helped": "worked before",
    "running": "given now",
    "failed": "no effect in an adequate trial",
    "inadequate": "given, but in too low a dose or for too short a time",
    "intolerance": "stopped for side effects",
    "adequate": "had its adequate trial",
    "too_early": "its time is not up",
}
_MOST_EVIDENCE = 2


@dataclass
class Treatment:
    """Question 4 of one assessment, in words."""

    data: Assessment
    everything: bool = False
    shown: set[str] = field(default_factory=set)

    def urgent(self) -> Iterator[Line]:
        """Say what must not wait, and what of it is not excluded."""
        found = self.data.treatment.urgent
        yield from self._given()
        for one in found:
            if one.status != "not_excluded":
                yield from self._urgent(one)
        rest = [one for one in found if one.status == "not_excluded"]
        if rest:
            told = "; ".join(f"{one.name} ({names(self.data, one.unknown)})" for one in rest)
            yield Line(f"Not excluded, since not recorded: {told}", "open", sign="?")
        if not found and not self.data.treatment.given:
            yield Line("Nothing that is recorded cannot wait.", "quiet")

    def first(self) -> Iterator[Line]:
        """Say what comes before the next drug."""
        advice = self.data.treatment
        for one in advice.first:
            rule = self.data.rules.get(f"first.{one.id}", "")
            yield Line(one.text, "against", True, False, "!", one.cites, rule, one.because)
        for disease in advice.uncovered:
            share = percent(disease.probability)
            text = f"{disease.name} ({share}): no drug options are listed for it. {disease.implication}"
            yield Line(text, strong=True, cites=disease.cites)
        explained = {one.id: one.name for one in self.data.resistance.why.explanations}
        if advice.explanations:
            said = "; ".join(explained[one] for one in advice.explanations)
            text = f"Supported explanations come before the next drug: {said}."
            yield Line(text, strong=True)

    def options(self) -> Iterator[Line]:
        """Give the options of every subset that the patient may well belong to, group by group."""
        advice = self.data.treatment
        for subset in advice.subsets:
            yield from self._subset(subset)
        if not advice.subsets:
            text = "No inflammatory myopathy is likely enough to list drugs for it."
            yield Line(text, "open", strong=True)
        for open_ in advice.open_subsets:
            unknown = names(self.data, open_.unknown)
            text = f"{open_.name}: its options are listed once this is known: {unknown}"
            yield Line(text, "open", sign="?")
        if advice.subsets:
            for group in advice.groups:
                sign, _ = _GROUP[group.id]
                yield Line(f"{group.name}: {group.text}", "quiet", sign=sign)
        if advice.subsets and not self.everything:
            yield Line("Tests before the start, monitoring and interactions: --all", "quiet")

    def studies(self) -> Iterator[Line]:
        """Say what any reader of the pictures of studies has to know."""
        found = self.data.treatment.studies
        for text in dict.fromkeys(
            x for one in found for group in one.groups for x in group.warnings
        ):
            yield Line(text, "open", sign="!")
        for one in found:
            cites = tuple(
                dict.fromkeys(x.trial.source for group in one.groups for x in group.studies)
            )
            yield Line(f"{treatment_of(one)}: the studies", "quiet", sign="·", cites=cites)

    def checks(self) -> Iterator[Line]:
        """Give the safety checks that are not recorded, with the options that ask for them."""
        advice = self.data.treatment
        for one in advice.missing:
            asking = ", ".join(advice.options[name].name for name in one.options)
            yield Line(one.text, "open", strong=True, sign="?", cites=one.cites)
            yield Line(f"before {asking}", "quiet", detail=True)
        if not advice.missing and advice.subsets:
            yield Line("Every safety check of the options above is recorded.", "for")

    def care(self) -> Iterator[Line]:
        """Give what belongs to treatment whatever the drug."""
        for one in self.data.treatment.care:
            sign = "·" if one.applies else "?"
            unknown = f" Not recorded: {names(self.data, one.unknown)}." if one.unknown else ""
            yield Line(f"{one.text}{unknown}", sign=sign, cites=one.cites)

    def _urgent(self, one: UrgentResult) -> Iterator[Line]:
        possible = one.status == "possible"
        head = f"{one.name}{' is possible' if possible else ''}. {one.text}"
        tone: Tone = "open" if possible else "against"
        rule = self.data.rules.get(f"urgent.{one.id}", "")
        yield Line(head, tone, True, False, "!", one.cites, rule, one.because)
        yield from self._at_once(one)
        if one.because:
            yield Line(f"because of: {names(self.data, one.because)}", detail=True)
        if one.unknown:
            yield Line(f"not recorded: {names(self.data, one.unknown)}", "open", detail=True)

    def _at_once(self, one: UrgentResult) -> Iterator[Line]:
        """Say which options to begin at once, which not in this patient, and what can stand for these."""
        if one.start:
            yield Line(f"begin: {'; '.join(one.start.values())}", strong=True, detail=True)
        for out in one.not_here:
            yield Line(f"not here: {out.name}", "against", strong=True, detail=True)
            yield from self._against(out.against)
        if one.instead:
            yield Line(f"instead: {'; '.join(one.instead.values())}", strong=True, detail=True)

    def _given(self) -> Iterator[Line]:
        """Say what is given now although something recorded speaks against it."""
        for one in self.data.treatment.given:
            stop = one.against[0].level == "contraindicated"
            word = "Given now and contraindicated" if stop else "Given now"
            yield Line(f"{word}: {one.name}", "against" if stop else "open", True, sign="!")
            yield from self._against(one.against)

    def _subset(self, subset: SubsetResult) -> Iterator[Line]:
        text = f"{subset.name} ({percent(subset.probability)})"
        said = " ".join(part for part in (subset.text, subset.first_text) if part)
        cites = subset.cites if said else ()
        yield Line(f"{text}. {said}" if said else text, strong=True, cites=cites)
        if subset.order:
            text = f"In this order: {subset.order.text}"
            yield Line(text, "quiet", detail=True, cites=subset.order.cites)
        for place in subset.options:
            option = self.data.treatment.options[place.option]
            yield from self._place(place, option)

    def _place(self, place: PlaceResult, option: OptionResult) -> Iterator[Line]:
        sign, tone = _GROUP[place.group]
        sure = f"{spaced(place.certainty)} certainty" if place.certainty else ""
        given = ", ".join(GIVEN[one] for one in option.given)
        number = len(option.check_first)
        checks = f"{number} safety check{'s' if number > 1 else ''} not recorded" if number else ""
        brackets = "; ".join(part for part in (sure, given, checks) if part)
        head = f"{option.name}{f' ({brackets})' if brackets else ''}: {'; '.join(place.because)}"
        group = next(one for one in self.data.treatment.groups if one.id == place.group)
        first = place.group == "do_first"
        yield Line(head, tone, first, sign=sign, rule=f"{group.name}: {group.text}")
        yield from self._beside(place)
        yield from self._result(place)
        in_full = place.group in LEADING
        most = len(place.evidence) if self.everything else _MOST_EVIDENCE if in_full else 1
        for one in place.evidence[:most]:
            text = f"{one.text} ({one.design}, {spaced(one.certainty)} certainty: {one.why})"
            if one.direct:
                yield Line(text, detail=True, sign="·", cites=one.cites)
            else:
                yield Line(f"Indirect: {text}", "quiet", detail=True, sign="·", cites=one.cites)
        if in_full and len(place.evidence) > most:
            yield Line(f"{len(place.evidence) - most} more; --all shows them", "quiet", detail=True)
        for rule in place.guidelines:
            yield Line(rule.text, detail=True, sign="·", cites=rule.cites)
        yield from self._against(option.against)
        if not in_full:
            return
        if option.id in self.shown:
            yield Line("Checks and doses: see above.", "quiet", detail=True)
            return
        self.shown.add(option.id)
        yield from self._before(option)
        yield from self._how(option)

    def _beside(self, place: PlaceResult) -> Iterator[Line]:
        """Say which options are on a par with one, and where it stands in another group."""
        advice = self.data.treatment
        if place.on_a_par and place.group in LEADING:
            par = "; ".join(advice.options[one].name for one in place.on_a_par)
            yield Line(f"on a par, listed by name: {par}", "quiet", detail=True)
        groups = {one.id: one.name for one in advice.groups}
        for subset in advice.subsets:
            if subset.id in place.elsewhere:
                group = groups[place.elsewhere[subset.id]].lower()
                yield Line(f"under {subset.name}: {group}", "quiet", detail=True)

    def _result(self, place: PlaceResult) -> Iterator[Line]:
        """Give the figures of the most telling study of an option in a subset."""
        study = place.result
        if study is None:
            return
        row = study.trial
        against = f" ({row.comparator or 'earlier or other patients'})" if study.control else ""
        when = f", week {row.weeks:g}" if row.weeks is not None else ""
        said = [f"{counts(study)}{against}.", place.result_warning, doubts(study)]
        yield Line(
            f"{row.name} in {whom(study)}{when}, {row.outcome.rstrip('.')}: "
            f"{' '.join(part for part in said if part)}",
            detail=True,
            sign="·",
            cites=(row.source,),
        )

    def _against(self, found: Iterable[AgainstResult]) -> Iterator[Line]:
        for one in found:
            word, tone = _LEVEL[one.level]
            yield Line(
                f"{word} ({names(self.data, one.because)}): {one.text}",
                tone,
                strong=one.level == "contraindicated",
                detail=True,
                sign="!",
                cites=one.cites,
                because=one.because,
            )

    def _before(self, option: OptionResult) -> Iterator[Line]:
        """Say what is not recorded and could forbid it; this is never shortened."""
        checks = {one.id: one.text for one in self.data.treatment.missing}
        covered = {
            name
            for one in self.data.treatment.missing
            if one.id in option.check_first
            for name in one.unknown
        }
        first = [checks[one] for one in option.check_first]
        others = dict.fromkeys(
            name for one in option.open for name in one.because if name not in covered
        )
        if first:
            yield Line(
                f"Check first, not recorded: {'; '.join(first)}", "open", detail=True, sign="?"
            )
        if others:
            yield Line(
                f"Also not recorded: {names(self.data, others)}", "open", detail=True, sign="?"
            )

    def _how(self, option: OptionResult) -> Iterator[Line]:
        for dose in option.regimens:
            yield Line(f"Used: {dose.text}", detail=True, cites=dose.cites)
        low, high = option.judge_after_weeks
        judge = f"Judge after {low} to {high} weeks"
        yield Line(
            f"{judge}. {option.judge_text}" if option.judge_text else f"{judge}.", detail=True
        )
        if not self.everything:
            return
        for word, parts in (
            ("Before", option.checks),
            ("Monitor", option.monitoring),
            ("Interactions", option.interactions),
        ):
            if parts:
                yield Line(f"{word}: {'; '.join(parts)}", "quiet", detail=True)
        for event in option.events:
            yield Line(f"{event.date}: {event.text}", "quiet", detail=True, cites=event.cites)
        if option.events_checked:
            yield Line(f"Looked for news on {option.events_checked}.", "quiet", detail=True)
        for note in (option.status, option.note):
            if note:
                yield Line(note, "quiet", detail=True)
        yield Line("Safety statements:", "quiet", detail=True, cites=option.cites)

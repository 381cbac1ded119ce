"""The evidence on a treatment, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from myoresist.arrays.intervals import Interval, Response
from myoresist.treatment.evidence import Evidence, Study, StudyGroup, Summary


def lines(found: Evidence) -> Iterator[str]:
    """Say what studies found on a treatment, group by group, with sources and what is not sure."""
    numbers = {key: number for number, key in enumerate(found.references, 1)}
    yield f"Evidence: {treatment_of(found)}"
    yield f"Intervals are {found.level:.0%} intervals. What may be put together is said at the end."
    if found.other_subsets:
        yield f"{_count(found.other_subsets, 'further result')} on other patients; leave out --subset."
    if found.remark:
        yield found.remark
    for warning in dict.fromkeys(one for group in found.groups for one in group.warnings):
        yield f"! {warning}"
    if not found.groups:
        yield "No result is recorded here. That is no evidence against the treatment."
    for group in found.groups:
        yield ""
        yield from _group(group, numbers)
    if found.as_comparator:
        yield ""
        yield f"Other treatments compared with {found.text}"
        for study in found.as_comparator:
            yield from _study(study, numbers)
    yield ""
    yield "What may be put together"
    yield from (f"  {rule}" for rule in found.rules)
    yield ""
    yield "Methods"
    yield from (f"  {method}" for method in found.methods)
    yield ""
    yield "Sources"
    for key, number in numbers.items():
        work = found.references[key]
        yield f"  {number}. {work.text}" + (f" {work.link}" if work.link else "")


def treatment_of(found: Evidence) -> str:
    """Return the treatment and the subset that evidence is about."""
    return found.text + (f" in {found.subset_text}" if found.subset_text else "")


def heading(group: StudyGroup) -> str:
    """Return the outcome and what the studies of a group share."""
    against = "" if group.control == "no control group" else f", against {group.control}"
    design = f"{group.design[0].lower()}{group.design[1:]}{against}"
    return f"{group.outcome}: {design}; {group.population}, {group.refractory}, {group.window}"


def summarised(summary: Summary) -> str:
    """Return a summary with its interval."""
    estimate = Interval(value=summary.estimate, low=summary.ci_low, high=summary.ci_high)
    return share(estimate) if summary.measure == "proportion" else ratio(estimate)


def predicted(summary: Summary) -> str | None:
    """Return a prediction interval, if there is one."""
    if summary.prediction_low is None or summary.prediction_high is None:
        return None
    ends = (summary.prediction_low, summary.prediction_high)
    low, high = (f"{x:.0%}" if summary.measure == "proportion" else f"{x:.2f}" for x in ends)
    return f"{low} to {high}"


def heterogeneity(summary: Summary) -> str:
    """Return how much the studies differ beyond chance."""
    return f"I² {summary.i2:.0%}, Q {summary.q:.2f} (P {_p(summary.q_p)}), tau² {summary.tau2:.3f}"


def counts(study: Study) -> str:
    """Return how many patients improved, with intervals, against how many controls."""
    if study.response is None:
        return f"no count against {_counted(study.control)}" if study.control else ""
    if study.control is None:
        return _counted(study.response)
    text = f"{_counted(study.response)} against {_counted(study.control)}"
    if study.risk_ratio:
        text += f"; risk ratio {ratio(study.risk_ratio)}"
    if study.risk_difference:
        ends = study.risk_difference
        low, high = (f"{100 * x:+.0f}" for x in (ends.low, ends.high))
        text += f"; difference {100 * ends.value:+.0f} points ({low} to {high})"
    return text


def whom(study: Study) -> str:
    """Return the patients of a study, by their usual abbreviations."""
    return ", ".join(study.trial.subsets).replace("_", " ")


def doubts(study: Study) -> str:
    """Return why the figures of a study are less sure than they look, if they are."""
    apart = f"Not put together with others: {study.not_pooled}." if study.not_pooled else ""
    return " ".join(part for part in (_doubt(study), _derived(study), apart) if part)


def share(found: Interval) -> str:
    """Return a proportion with its interval, in percent."""
    return f"{found.value:.0%} ({found.low:.0%} to {found.high:.0%})"


def ratio(found: Interval) -> str:
    """Return a risk ratio with its interval."""
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _group(group: StudyGroup, numbers: Mapping[str, int]) -> Iterator[str]:
    yield heading(group)
    if group.better == "fewer":
        yield "  Fewer such patients are better."
    for study in group.studies:
        yield from _study(study, numbers)
    if group.summary:
        yield from _summary(group.summary)
    elif len(group.studies) > 1 or not group.studies[0].not_pooled:
        # Otherwise the only study has just said why.
        yield f"  No summary: {group.why_no_summary}."


def _summary(summary: Summary) -> Iterator[str]:
    what = "of patients" if summary.measure == "proportion" else "risk ratio"
    yield (
        f"  Summary of {_count(summary.studies, 'study', 'studies')}, "
        f"{_count(summary.patients, 'patient')}: {summarised(summary)} {what}; {heterogeneity(summary)}"
    )
    further = predicted(summary)
    if further:
        yield f"  A further such study would lie within {further}."


def _study(study: Study, numbers: Mapping[str, int]) -> Iterator[str]:
    row = study.trial
    found = [part for part in (counts(study), _reported(study)) if part]
    said = "; ".join(found) or "no figure"
    weeks = f", week {row.weeks:g}" if row.weeks is not None else ""
    yield f"  {row.name} [{numbers[row.source]}]{weeks}: {said}"
    against = f" against {row.comparator}" if row.comparator else ""
    yield f"      {row.intervention}{against} ({whom(study)}). {_sentence(row.outcome)}."
    said = doubts(study)
    if said:
        yield f"      {said}"


def _counted(response: Response) -> str:
    return f"{response.events}/{response.patients}, {share(response)}"


def _reported(study: Study) -> str:
    """Return the effect as the source gives it, number by number."""
    row = study.trial
    text = ""
    if row.effect is not None:
        text = f"{row.effect_measure or 'effect'} {row.effect:g}"
        if row.ci_low is not None and row.ci_high is not None:
            text += f" ({row.ci_low:g} to {row.ci_high:g})"
        text = f"reported: {text}"
    elif row.effect_measure:
        text = f"reported: {row.effect_measure}"
    if row.p_value:
        word = "P " if row.p_value[0] in "<>0123456789" else ""
        text += f"{', ' if text else 'reported: '}{word}{row.p_value}"
    return text


def _doubt(study: Study) -> str:
    row = study.trial
    if row.check.startswith("recall"):
        return (
            f"Not compared with the publication, in whole or in part ({row.confidence} confidence)."
        )
    if row.confidence != "high":
        return f"Known with {row.confidence} confidence."
    return ""


def _derived(study: Study) -> str:
    derived = study.trial.counts == "derived"
    return "The counts were worked out from percentages." if derived else ""


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].removesuffix(".")


def _count(number: int, one: str, more: str | None = None) -> str:
    return f"{number} {one if number == 1 else more or one + 's'}"


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.2f}"

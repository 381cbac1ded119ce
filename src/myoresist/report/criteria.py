"""Criteria sets in words: verdicts side by side, and set by set why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from myoresist.assessment import Assessment
from myoresist.diagnosis.criteria.explain import AnswerResult, ItemResult, SetResult
from myoresist.report.document import Cell, Datum, Line, Table, Tone
from myoresist.report.wording import found, named, percent, spaced, unit

VERDICT: dict[str | None, tuple[str, str, Tone]] = {
    "met": ("✓", "met", "for"),
    "undetermined": ("?", "undetermined", "open"),
    "not_met": ("✗", "not met", "quiet"),
    None: ("–", "not computed", "quiet"),
}
"""The sign, the word and the tone of each state, in the order in which sets are told."""

_ITEM: dict[bool | None, tuple[str, Tone]] = {
    True: ("✓", "for"),
    False: ("✗", "quiet"),
    None: ("?", "open"),
}
_EXCLUSION: dict[bool | None, tuple[str, Tone, str]] = {
    True: ("An exclusion applies", "against", "✗"),
    False: ("Exclusions assessed, none applies", "for", "✓"),
    None: ("Exclusions not fully assessed", "open", "?"),
}
_EDGE = re.compile(r"-?\d[\d.e+]*")
_RECALLED = re.compile(r"\brecall\b.*?\bconfidence: (high|medium|low)\b")


def carried(data: Assessment) -> str:
    """Return the label that the patient carries beside the classes that are met; it judges neither."""
    met = [one for one in data.criteria if one.state == "met"]
    reached = (
        class_reached(one) + (" [an exclusion applies]" if one.excluded else "") for one in met
    )
    classes = "; ".join(dict.fromkeys(reached)) or "none"
    label = spaced(data.label) if data.label else "not given"
    return f"Label carried: {label}. Classes met: {classes}."


def verdict_lines(data: Assessment) -> Iterator[Line]:
    """Say what the verdicts amount to, and where an exclusion stands against one."""
    yield Line(carried(data))
    facts = {fact.id: fact for fact in data.record}
    for one in data.criteria:
        if one.excluded:
            known = (facts[finding] for finding in one.exclusion_because if finding in facts)
            reasons = "; ".join(str(Datum(x.label, found(x), "; ".join(x.where))) for x in known)
            text = f"{one.short} does not apply while this stands: {reasons}"
            yield Line(text, "against", strong=True, sign="!")
    yield Line("A criteria set that is met classifies; it does not make a diagnosis.", "quiet")


def verdicts(data: Assessment) -> Table:
    """Return the verdicts side by side."""
    header = (
        "Set", "Verdict", "Items met", "Not met", "Unknown",
        "Class reached, still possible, reservations",
    )  # fmt: skip
    caption = "Published criteria: ✓ met, ✗ not met, ? undetermined"
    return Table(caption, header, tuple(_verdict(one) for one in data.criteria))


def _verdict(one: SetResult) -> tuple[Cell, ...]:
    values = [item.value for item in one.items]
    counted = [str(values.count(value)) if values else "" for value in (True, False, None)]
    reached = "" if one.outcome in (None, "not_met", "undetermined") else class_reached(one)
    if reached and one.score and one.state == "undetermined":
        reached += " (unknown items counted as absent)"
    points = f"score {score(one)}" if one.score else ""
    still = "; ".join(class_text(one, name).split(":")[0] for name in one.open_classes)
    parts = (reached, points, f"still possible: {still}" if still else "", reservation(one))
    sign, word, tone = VERDICT[one.state]
    return (
        Cell(one.short),
        Cell(f"{sign} {word}", tone),
        *map(Cell, counted),
        Cell("; ".join(part for part in parts if part)),
    )


def set_lines(data: Assessment, sets: Iterable[SetResult]) -> Iterator[Line]:
    """Yield each set with its verdict; what settles it and every item are its details."""
    for one in sets:
        yield from _set(data, one)


def in_a_line(sets: Iterable[SetResult]) -> Iterator[Line]:
    """Yield each set in one line, with the findings that settle it."""
    for one in sets:
        sign, _, tone = VERDICT[one.state]
        yield Line(one.short, tone, sign=sign, cites=one.cites, because=one.because)


def outlines(data: Assessment) -> Iterator[Line]:
    """Name the sets that are listed in outline only, and why."""
    for one in data.criteria:
        if one.status == "outline":
            text = f"{one.short}: {one.status_note or 'in outline only.'}"
            yield Line(text, "quiet", sign="–", cites=one.cites)


def _set(data: Assessment, one: SetResult) -> Iterator[Line]:
    sign, word, tone = VERDICT[one.state]
    reached = "" if one.outcome in ("not_met", "undetermined") else f": {one.outcome_text}"
    # What settles an undetermined set is not known; what could is told below.
    because = () if one.state == "undetermined" else one.because
    text = f"{one.title}: {word}{reached}"
    yield Line(text, tone, strong=True, sign=sign, cites=one.cites, because=because)
    if one.score:
        yield Line(f"Score {score(one)}. {one.score.variant_text}", detail=True)
        yield from _readings(one)
        if one.score.borderline and one.score.outcome_by_probability:
            other = class_text(one, one.score.outcome_by_probability).split(":")[0]
            text = f"By its probability the same patient is: {other}"
            yield Line(text, "open", detail=True)
    if one.subgroup:
        yield Line(f"Subgroup: {one.subgroup_text}", detail=True)
    yield from _doubts(one)
    if one.exclusion_text is not None:
        text, tone, sign = _EXCLUSION[one.excluded]
        text = f"{text}: {one.exclusion_text}"
        yield Line(text, tone, bool(one.excluded), True, sign, because=one.exclusion_because)
    yield from map(_item, one.items)
    yield from _open(data, one)
    for note in one.notes:
        yield Line(f"Note: {note.text}", detail=True, cites=note.cites)
    if one.state == "undetermined" or one.score:
        yield Line(f"Missing data: {one.missing}", "quiet", detail=True)
    for limit in one.limits:
        yield Line(f"Limit: {limit.text}", "quiet", detail=True, cites=limit.cites)


def _readings(one: SetResult) -> Iterator[Line]:
    """Yield what each reading of a paper that leaves something open makes of a score on which they differ."""
    ways = one.score.readings if one.score else ()
    if len({way.points for way in ways}) > 1:
        for way in ways:
            up_to = f" (up to {way.points_max:g})" if way.points_max > way.points else ""
            reached = class_text(one, way.outcome).split(":")[0]
            yield Line(f"{way.text}: {way.points:g}{up_to}, {reached}", detail=True)


def _doubts(one: SetResult) -> Iterator[Line]:
    """Yield what the authors of the entry say against it, and what of it was not looked up."""
    if one.status_note:
        yield Line(one.status_note, "open", detail=True)
    if level := confidence(one):
        what = "The rule has" if _as_a_whole(one) else "Parts of the rule have"
        text = f"{what} not been compared with the paper ({level} confidence)."
        yield Line(text, "quiet" if level == "high" else "open", detail=True)


def _item(item: ItemResult) -> Line:
    sign, tone = _ITEM[item.value]
    points = (
        "" if item.points is None else f" ({item.points:g} point{'' if item.points == 1 else 's'})"
    )
    level = recalled(item.check)
    unsure = level in ("low", "medium")
    doubt = f" [not compared with the paper, {level} confidence]" if unsure else ""
    text = f"{item.text}{points}{doubt}"
    return Line(text, tone, False, True, sign, item.cites, because=item.because)


def _open(data: Assessment, one: SetResult) -> Iterator[Line]:
    """Yield what each answer would make of the set, or what is unknown where none decides alone."""
    deciding: dict[str, list[AnswerResult]] = {}
    for answer in one.answers:
        deciding.setdefault(answer.finding, []).append(answer)
    alike: dict[str, list[str]] = {}
    for finding, answers in deciding.items():
        measure = unit(data.units.get(finding))
        label = named(data, finding) + (f" ({measure})" if measure else "")
        alike.setdefault(results(one, answers), []).append(label)
    for result, labels in alike.items():
        yield Line(f"{'; '.join(labels)}: {result}", "quiet", detail=True, sign="→")
    if one.state == "undetermined" and not deciding:
        alone = "" if data.contradictions else "No single finding decides. "
        open_ = "; ".join(named(data, finding) for finding in one.open_findings)
        yield Line(f"{alone}Unknown: {open_}", "quiet", detail=True, sign="→")


def class_text(one: SetResult, outcome: str) -> str:
    """Return a class, or the lack of one, as a reader would say it."""
    if outcome in ("not_met", "undetermined"):
        return spaced(outcome)
    return one.classes.get(outcome, outcome)


def class_reached(one: SetResult) -> str:
    """Return the class reached in a few words, up to the first colon, with its subgroup if it has one."""
    reached = class_text(one, one.outcome or "").split(":")[0].strip()
    return f"{reached}, {_subgroup(one, one.subgroup)}" if one.subgroup else reached


def _subgroup(one: SetResult, name: str) -> str:
    return "subgroup undetermined" if name == "undetermined" else class_text(one, name)


def score(one: SetResult) -> str:
    """Return the score of a weighted set with its range and probability, or nothing."""
    if one.score is None:
        return ""
    points = f"{one.score.points:g}"
    if one.score.points_max > one.score.points:
        points += f" (up to {one.score.points_max:g})"
    if one.score.probability is None or one.score.probability_max is None:
        return points
    low, high = percent(one.score.probability), percent(one.score.probability_max)
    return f"{points}; probability {low}" + (f" to {high}" if high != low else "")


def recalled(check: str | None) -> str | None:
    """Return how sure a fact is that was not looked up, or ``None`` if it was."""
    level = _RECALLED.search(check or "")
    return level[1] if level else None


def confidence(one: SetResult) -> str | None:
    """Return how sure a rule is that was not looked up: its class reached, else the set and its items."""
    if one.confidence:
        return one.confidence
    levels = {recalled(check) for check in (one.check, *(item.check for item in one.items))}
    return next((level for level in ("low", "medium", "high") if level in levels), None)


def _as_a_whole(one: SetResult) -> bool:
    """Return whether the whole rule was not looked up, not only parts of it."""
    return bool(one.confidence) or one.check.startswith("recall")


def reservation(one: SetResult) -> str:
    """Return what stands against a verdict: an exclusion, an unassessed one, or weak confidence."""
    parts = []
    if one.excluded:
        parts.append("an exclusion applies")
    elif one.exclusion_text and one.excluded is None:
        parts.append("exclusions not assessed")
    if one.score and one.score.borderline:
        parts.append("borderline: score and probability cut-offs disagree")
    level = confidence(one)
    if level in ("low", "medium"):
        what = "rule" if _as_a_whole(one) else "rule in part"
        parts.append(f"{what} not compared with the paper, {level} confidence")
    return "; ".join(parts)


def results(one: SetResult, answers: Iterable[AnswerResult]) -> str:
    """Return what each answer would make of a set; answers with the same result stand together."""
    alike: dict[str, list[str]] = {}
    for answer in answers:
        result = class_text(one, answer.outcome).split(":")[0]
        if answer.subgroup:
            result += f", {_subgroup(one, answer.subgroup)}"
        if answer.state == "undetermined" != answer.outcome:
            result += ", still open"
        elif answer.state == "not_met" != answer.outcome:
            # A class that does not meet the set, or one of several such classes.
            result = "not met" + (f" ({result})" if answer.outcome != "undetermined" else "")
        alike.setdefault(result, []).append(answer.value)
    return "; ".join(f"if {ranges(values)}, {result}" for result, values in alike.items())


def ranges(values: Sequence[str]) -> str:
    """Return answers in words, with neighbouring stretches of a number joined into one."""
    runs: list[list[str]] = []
    for value in values:
        if runs and _EDGE.findall(runs[-1][-1])[-1:] == _EDGE.findall(value)[:1] != []:
            runs[-1].append(value)
        else:
            runs.append([value])
    return " or ".join(_run(run) for run in runs)


def _run(run: Sequence[str]) -> str:
    if len(run) == 1:
        return run[0].removeprefix("exactly ")
    first, last = run[0], run[-1]
    low, high = _EDGE.findall(first)[0], _EDGE.findall(last)[-1]
    start = f"{low} or more" if first.startswith("exactly") else f"above {low}"
    end = f"{high} or less" if last.startswith("exactly") else f"below {high}"
    if first.startswith("below"):
        return end
    return start if last.startswith("above") else f"{start} and {end}"

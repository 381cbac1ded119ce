"""A criteria set in words: what it says of the patient, and item by item why."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.assessment import AnswerResult, Assessment, SetResult
from myoresist.report.line import Line
from myoresist.report.summary import SIGNS, confidence, recalled, results, score, unit, words

ITEM = {True: ("✓", "green"), False: ("✗", "dim"), None: ("?", "yellow")}
STYLE = {"met": "green", "not_met": "dim", "undetermined": "yellow", None: "dim"}
EXCLUSION = {
    True: ("An exclusion applies", "bold red", "✗"),
    False: ("Exclusions assessed, none applies", "green", "✓"),
    None: ("Exclusions not fully assessed", "yellow", "?"),
}


def items(one: SetResult) -> tuple[int, int, int]:
    """Return how many items are met, not met and unknown."""
    values = [item.value for item in one.items]
    return values.count(True), values.count(False), values.count(None)


def set_lines(data: Assessment, one: SetResult) -> Iterator[Line]:
    """Yield a set with its verdict; what settles it and every item are its details."""
    reached = "" if one.outcome in ("not_met", "undetermined") else f": {one.outcome_text}"
    yield Line(
        f"{one.title}: {SIGNS[one.state][2:]}{reached}",
        STYLE[one.state],
        0,
        SIGNS[one.state][0],
        one.cites,
    )
    if one.score:
        yield Line(f"Score {score(one)}. {one.score.variant_text}", indent=4)
        if one.score.borderline and one.score.outcome_by_probability:
            other = words(one, one.score.outcome_by_probability).split(":")[0]
            yield Line(f"By its probability the same patient is: {other}", "yellow", 4)
    if one.subgroup:
        yield Line(f"Subgroup: {one.subgroup_text}", indent=4)
    if one.status_note:
        yield Line(one.status_note, "yellow", 4)
    known = confidence(one)
    if known and not (one.status_note and "confidence" in one.status_note):
        whole = one.confidence or one.check.startswith("recall")
        what = "The rule is" if whole else "Parts are"
        yield Line(f"{what} written from memory, with {known} confidence.", "yellow", 4)
    if one.exclusion_text is not None:
        text, style, sign = EXCLUSION[one.excluded]
        because = one.exclusion_because
        yield Line(f"{text}: {one.exclusion_text}", style, 4, sign, because=because)
    for item in one.items:
        sign, style = ITEM[item.value]
        points = f" ({item.points:g} points)" if item.points is not None else ""
        level = recalled(item.check)
        memory = f" [from memory, {level} confidence]" if level in ("low", "medium") else ""
        text = f"{item.text}{points}{memory}"
        yield Line(text, style, 4, sign, item.cites, because=item.because)
    yield from _open(data, one)
    for note in one.notes:
        yield Line(f"Note: {note.text}", indent=4, cites=note.cites)
    if one.state == "undetermined" or one.score:
        yield Line(f"Missing data: {one.missing}", "dim", 4)
    for limit in one.limits:
        yield Line(f"Limit: {limit.text}", "dim", 4, cites=limit.cites)


def _open(data: Assessment, one: SetResult) -> Iterator[Line]:
    """Yield what each answer would make of the set."""
    deciding: dict[str, list[AnswerResult]] = {}
    for answer in one.answers:
        deciding.setdefault(answer.finding, []).append(answer)
    alike: dict[str, list[str]] = {}
    for finding, answers in deciding.items():
        measure = unit(data.units.get(finding))
        label = data.labels[finding] + (f" ({measure})" if measure else "")
        alike.setdefault(results(one, answers), []).append(label)
    for result, labels in alike.items():
        yield Line(f"{'; '.join(labels)}: {result}", "cyan", 4, "→")

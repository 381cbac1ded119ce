"""Page one: the answer in at most twelve lines, each with the part of the report that gives its reasons."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.assessment import Assessment
from myoresist.report.criteria import class_reached
from myoresist.report.diagnosis import LITTLE, ordered
from myoresist.report.document import Answer, Tone
from myoresist.report.questions import questions
from myoresist.report.wording import percent, spaced

MOST = 3


def answers(data: Assessment) -> Iterator[Answer]:
    """Yield the lines of page one."""
    if data.contradictions:
        number = len(data.contradictions)
        places = "one place" if number == 1 else f"{number} places"
        text = f"It contradicts itself in {places}; what this touches counts as unknown."
        yield Answer("Is the record sound?", text, "problems", "against")
    yield from _urgent(data)
    yield from _diagnosis(data)
    yield from _criteria(data)
    yield from _serology(data)
    yield from _resistance(data)
    yield from _next(data)


def _diagnosis(data: Assessment) -> Iterator[Answer]:
    result = data.differential
    if not result.counted or not result.leading:
        text = "Nothing is recorded that tells diseases apart."
        yield Answer("Is the label right?", text, "label", "open")
        return
    first, label = result.leading[0], result.label
    if label:
        share = f"{percent(label.probability)} (95 % interval {percent(label.low)} to {percent(label.high)})"
        called = spaced(label.label).capitalize()
        if label.outranked_by:
            text = f"Doubtful. {called}: probability {share}."
            yield Answer("Is the label right?", text, "label", "against")
        else:
            text = f"{called} leads: probability {share}."
            yield Answer("Is the label right?", text, "label", "for")
    state = "confirmed" if first.confirmed else "not confirmed"
    share = f"{percent(first.probability)} ({percent(first.low)} to {percent(first.high)})"
    text = f"{first.name}, {share}, {state}."
    others = [f"{one.name} {percent(one.probability)}" for one in result.leading[1:MOST]]
    if others:
        text += f" Next: {'; '.join(others)}."
    yield Answer("What is most probable?", text, "label")


def _criteria(data: Assessment) -> Iterator[Answer]:
    met = [one for one in data.criteria if one.state == "met"]
    count = sum(one.state == "undetermined" for one in data.criteria)
    classes = list(dict.fromkeys(f"{class_reached(one)} ({one.short})" for one in met))
    text = "; ".join(classes[:MOST]) or "none"
    if len(classes) > MOST:
        text += f"; and {len(classes) - MOST} more"
    text = f"Met: {text}. Undetermined: {count}."
    yield Answer("Which criteria are met?", text, "criteria")


def _serology(data: Assessment) -> Iterator[Answer]:
    result = data.serology
    reported = [one for one in result.antibodies if one.reported]
    texts = []
    for one in reported[:MOST]:
        sure = "" if one.probability is None else f" ({percent(one.probability)} sure)"
        texts.append(data.labels[one.id] + sure)
    tone: Tone = ""
    if texts:
        text = "; ".join(texts) + "."
    elif result.antibodies:
        text = f"No antibody found; {len(result.antibodies)} were tested."
    else:
        text, tone = "No autoantibody result is recorded.", "open"
    if result.cancer.category == "high":
        tone = "against"
    text += f" Cancer: {result.cancer.title}."
    yield Answer("What do the antibodies say?", text, "antibodies", tone)


def _resistance(data: Assessment) -> Iterator[Answer]:
    result = data.resistance
    last = result.response.comparisons[-1:]
    if last and last[0].improvements:
        one = last[0].improvements[0]
        more = f" to {one.score_max:g}" if one.score_max > one.score else ""
        text = f"Total improvement score {one.score:g}{more} of 100: {spaced(one.category)}."
        if one.category_min != one.category_max:
            text = f"Total improvement score {one.score:g}{more} of 100: still open."
        yield Answer("Was there a response?", text, "response")
    else:
        text = "Cannot be judged: no two visits with core set measures."
        yield Answer("Was there a response?", text, "response", "open")
    trials = [one for one in result.treatment.trials if one.weeks_needed]
    adequate = [one.label for one in trials if one.verdict == "adequate"]
    open_ = [one.label for one in trials if one.verdict == "undetermined"]
    short = [one.label for one in trials if one.verdict == "inadequate"]
    texts = [
        f"{word}: {_listed(names)}"
        for word, names in (
            ("adequate trial", adequate), ("inadequate", short), ("cannot be judged", open_)
        )
        if names
    ]  # fmt: skip
    text = "; ".join(texts) or "no course of treatment is recorded"
    yield Answer("Was the treatment adequate?", f"{text.capitalize()}.", "treatment-so-far")
    supported = [one.name for one in result.why.explanations if one.status == "supported"]
    possible = [one.name for one in result.why.explanations if one.status == "possible"]
    names = _listed(supported) or "nothing is supported by what is recorded"
    text = f"Supported: {names}." if supported else f"{names.capitalize()}."
    if possible:
        text += f" Possible: {_listed(possible)}."
    yield Answer("Why no response?", text, "explanations")


def _urgent(data: Assessment) -> Iterator[Answer]:
    found = data.treatment.urgent
    there = [
        f"{one.name} is given and contraindicated"
        for one in data.treatment.given
        if one.against[0].level == "contraindicated"
    ]
    there += [one.name for one in found if one.status == "present"]
    there += [f"{one.name} (possible)" for one in found if one.status == "possible"]
    unseen = [one.name for one in found if one.status == "not_excluded"]
    texts = [f"{_listed(there)}."] if there else []
    if unseen:
        texts.append(f"Not excluded, since not recorded: {_listed(unseen)}.")
    text = " ".join(texts) or "Nothing that is recorded."
    tone: Tone = "against" if there else "open" if unseen else ""
    yield Answer("What must not wait?", text, "urgent", tone)


def _next(data: Assessment) -> Iterator[Answer]:
    yield from _options(data)
    best = next(iter(data.differential.next_tests), None)
    if best:
        yield Answer("What to order next?", f"{ordered(data, best)}.", "order")
    unknown = questions(data)
    asked = [data.labels[one.finding] for one in data.differential.questions if one.gain >= LITTLE]
    names = list(dict.fromkeys([*asked[:MOST], *(one.label for one in unknown)]))[:MOST]
    if names:
        yield Answer("What is missing most?", f"{'; '.join(names)}.", "decide")


def _options(data: Assessment) -> Iterator[Answer]:
    """Say what comes before a drug, and which options the likeliest subset has."""
    advice = data.treatment
    texts = [f"{one.text.split('. ')[0].removesuffix('.')}." for one in advice.first[:1]]
    for subset in advice.subsets[:1]:
        best = [
            advice.options[place.option].name
            for place in subset.options
            if place.group in ("do_first", "reasonable")
        ]
        if best:
            texts.append(f"{subset.name}: {_listed(best)}.")
    if not advice.subsets:
        texts.append("No inflammatory myopathy is likely enough to list drugs for it.")
    target = "before" if advice.first else "options"
    yield Answer("What can be done next?", " ".join(texts) or "No option is listed.", target)


def _listed(names: list[str]) -> str:
    if len(names) > MOST:
        return f"{'; '.join(names[:MOST])}; and {len(names) - MOST} more"
    return "; ".join(names)

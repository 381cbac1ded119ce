"""Page one: the answer in at most twelve lines, each with the part of the report that gives its reasons."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.assessment import Assessment
from myoresist.report.diagnosis import LITTLE, said
from myoresist.report.line import Line
from myoresist.report.response import words
from myoresist.report.summary import in_short, percent, questions

MOST = 3
Short = tuple[str, Line, str]
"""The question, the answer, and the id of the part with the reasons."""


def summary(data: Assessment) -> Iterator[Short]:
    """Yield the lines of page one."""
    if data.contradictions:
        number = len(data.contradictions)
        places = "one place" if number == 1 else f"{number} places"
        text = f"It contradicts itself in {places}; what this touches counts as unknown."
        yield "Is the record sound?", Line(text, "red"), "problems"
    yield from _urgent(data)
    yield from _diagnosis(data)
    yield from _criteria(data)
    yield from _serology(data)
    yield from _resistance(data)
    yield from _next(data)


def _diagnosis(data: Assessment) -> Iterator[Short]:
    result = data.differential
    if not result.counted or not result.leading:
        text = "Nothing is recorded that tells diseases apart."
        yield "Is the label right?", Line(text, "yellow"), "label"
        return
    first, label = result.leading[0], result.label
    if label:
        share = f"{percent(label.probability)} (95 % interval {percent(label.low)} to {percent(label.high)})"
        if label.outranked_by:
            text, style = f"Doubtful. {said(label.label).capitalize()}: probability {share}.", "red"
        else:
            text, style = f"{said(label.label).capitalize()} leads: probability {share}.", "green"
        yield "Is the label right?", Line(text, style), "label"
    state = "confirmed" if first.confirmed else "not confirmed"
    share = f"{percent(first.probability)} ({percent(first.low)} to {percent(first.high)})"
    text = f"{first.name}, {share}, {state}."
    others = [f"{one.name} {percent(one.probability)}" for one in result.leading[1:MOST]]
    if others:
        text += f" Next: {'; '.join(others)}."
    yield "What is most probable?", Line(text), "label"


def _criteria(data: Assessment) -> Iterator[Short]:
    met = [one for one in data.criteria if one.state == "met"]
    count = sum(one.state == "undetermined" for one in data.criteria)
    classes = list(dict.fromkeys(f"{in_short(one)} ({one.short})" for one in met))
    text = "; ".join(classes[:MOST]) or "none"
    if len(classes) > MOST:
        text += f"; and {len(classes) - MOST} more"
    text = f"Met: {text}. Undetermined: {count}."
    yield "Which criteria are met?", Line(text), "criteria"


def _serology(data: Assessment) -> Iterator[Short]:
    result = data.serology
    reported = [one for one in result.antibodies if one.reported]
    texts = []
    for one in reported[:MOST]:
        sure = "" if one.probability is None else f" ({percent(one.probability)} sure)"
        texts.append(data.labels[one.id] + sure)
    if texts:
        text, style = "; ".join(texts) + ".", ""
    elif result.antibodies:
        text, style = f"No antibody found; {len(result.antibodies)} were tested.", ""
    else:
        text, style = "No autoantibody result is recorded.", "yellow"
    cancer = result.cancer
    text += f" Cancer: {cancer.title}."
    style = "red" if cancer.category == "high" else style
    yield "What do the antibodies say?", Line(text, style), "antibodies"


def _resistance(data: Assessment) -> Iterator[Short]:
    result = data.resistance
    last = result.response.comparisons[-1:]
    if last and last[0].improvements:
        one = last[0].improvements[0]
        more = f" to {one.score_max:g}" if one.score_max > one.score else ""
        text = f"Total improvement score {one.score:g}{more} of 100: {words(one.category)}."
        if one.category_min != one.category_max:
            text = f"Total improvement score {one.score:g}{more} of 100: still open."
        yield "Was there a response?", Line(text), "response"
    else:
        text = "Cannot be judged: no two visits with core set measures."
        yield "Was there a response?", Line(text, "yellow"), "response"
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
    yield "Was the treatment adequate?", Line(f"{text.capitalize()}."), "treatment-so-far"
    supported = [one.name for one in result.why.explanations if one.status == "supported"]
    possible = [one.name for one in result.why.explanations if one.status == "possible"]
    names = _listed(supported) or "nothing is supported by what is recorded"
    text = f"Supported: {names}." if supported else f"{names.capitalize()}."
    if possible:
        text += f" Possible: {_listed(possible)}."
    yield "Why no response?", Line(text), "explanations"


def _urgent(data: Assessment) -> Iterator[Short]:
    found = data.treatment.urgent
    there = [one.name for one in found if one.status == "present"]
    there += [f"{one.name} (possible)" for one in found if one.status == "possible"]
    unseen = [one.name for one in found if one.status == "not_excluded"]
    texts = [f"{_listed(there)}."] if there else []
    if unseen:
        texts.append(f"Not excluded, since not recorded: {_listed(unseen)}.")
    text = " ".join(texts) or "Nothing that is recorded."
    style = "red" if there else "yellow" if unseen else ""
    yield "What must not wait?", Line(text, style), "urgent"


def _next(data: Assessment) -> Iterator[Short]:
    yield from _options(data)
    tests = [one for one in data.differential.next_tests if one.gain >= LITTLE]
    best = max(tests, key=lambda one: one.gain, default=None)
    if best:
        text = f"{best.name}: would tell most ({best.gain:.1f} bits)."
        yield "What to order next?", Line(text), "order"
    unknown = questions(data)
    asked = [data.labels[one.finding] for one in data.differential.questions if one.gain >= LITTLE]
    names = list(dict.fromkeys([*asked[:MOST], *(one.label for one in unknown)]))[:MOST]
    if names:
        yield "What is missing most?", Line(f"{'; '.join(names)}."), "decide"


def _options(data: Assessment) -> Iterator[Short]:
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
    yield "What can be done next?", Line(" ".join(texts) or "No option is listed."), target


def _listed(names: list[str]) -> str:
    if len(names) > MOST:
        return f"{'; '.join(names[:MOST])}; and {len(names) - MOST} more"
    return "; ".join(names)

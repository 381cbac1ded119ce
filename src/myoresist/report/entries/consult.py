"""The rules of page one in plain words: the states in their order, and every line that may stand on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from myoresist.knowledge.schema import Sourced
from myoresist.library import Knowledge
from myoresist.report.page import TITLES

NAME = "consult"
SECTIONS = {**TITLES, "ask": "Not mentioned"}
PARTS = {
    "object": "the treatment",
    "lead": "the disease that leads",
    "begin": "Start",
    "reason": "what contraindicates it",
}


def entry(knowledge: Knowledge) -> dict[str, Any]:
    """Return states and lines as data, with their rules in words."""
    words, data = knowledge.words, knowledge.consult.data
    return {
        "entry": "consult",
        "states": [
            {**one.model_dump(mode="json"), "rule_in_words": words.state(one.id)}
            for one in data.states
        ],
        "lines": [
            {
                "section": section,
                **one.model_dump(mode="json"),
                "rule_in_words": words.line(f"{section}.{one.id}"),
            }
            for section, one in data.lines()
        ],
    }


def describe(knowledge: Knowledge) -> Iterator[str]:
    """Yield the lines that describe page one, and the works behind it."""
    words, data = knowledge.words, knowledge.consult.data
    cited: dict[str, None] = {}

    def said(one: Sourced, text: str, rule: str) -> Iterator[str]:
        cited.update(dict.fromkeys(one.cites))
        cites = f" [{', '.join(one.cites)}]" if one.cites else ""
        yield f"    {text}{cites}" + (f" ({one.check})" if one.check else "")
        yield f"        rule: {rule}"

    yield "Page one: in what state the patient is, and what to do"
    yield "States, of which the first whose rule is true is that of the patient:"
    for state in data.states:
        yield from said(state, state.text, words.state(state.id))
    for section, lines in groupby(data.lines(), key=lambda pair: pair[0]):
        yield f"{SECTIONS[section]}, the first that fit:"
        for _, one in lines:
            yield from said(one, _plain(one.text), words.line(f"{section}.{one.id}"))
    yield "Sources:"
    for key in cited:
        work = knowledge.references[key]
        yield f"    {key}: {work.text}" + (f" {work.link}" if work.link else "")


def _plain(text: str) -> str:
    """Return what a line says of everybody, without the dose and the cautions of one drug."""
    return re.sub(r"\{(\w+)\}", lambda found: PARTS.get(found[1], ""), text).strip()

"""A treatment in plain words: its evidence, what can speak against it as rules, and every source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from myoresist.library import Knowledge
from myoresist.rules.phrases import in_words
from myoresist.treatment.columns import against_column
from myoresist.treatment.schema import Option


def entry(knowledge: Knowledge, one: Option) -> dict[str, Any]:
    """Return a treatment as data, with its rules in words."""
    return {
        "entry": "treatment",
        **one.model_dump(mode="json", by_alias=True),
        "rules_in_words": dict(_rules(knowledge, one)),
    }


def describe(knowledge: Knowledge, one: Option) -> Iterator[str]:
    """Yield the lines that describe a treatment."""
    subsets = knowledge.options.data.subsets

    def names(ids: Iterable[str]) -> str:
        return ", ".join(subsets[name].name for name in ids)

    cited: list[str] = []

    def cite(keys: Iterable[str]) -> str:
        cited.extend(keys)
        return f"[{', '.join(keys)}]"

    yield one.name
    yield f"{one.id}: {one.drug_class}" + (", investigational" if one.investigational else "")
    for dose in one.regimens:
        yield f"Used: {dose.text} {cite(dose.cites)} ({dose.check})"
    low, high = one.judge_after_weeks
    yield f"Judge after {low} to {high} weeks. {one.judge_text or ''}".rstrip()
    for line in one.evidence:
        certainty = line.certainty.replace("_", " ")
        yield f"In {names(line.subsets)}: {line.text} {cite(line.cites)}"
        yield f"    {line.design}, {line.direction.replace('_', ' ')}, {certainty} certainty: {line.why}"
        yield f"    checked: {line.check}"
    for rule in one.guidelines:
        yield f"In {names(rule.subsets)}: {rule.text} {cite(rule.cites)} ({rule.check})"
    against = knowledge.options.against[one.id]
    for number, (_, words) in enumerate(_rules(knowledge, one)):
        said = against[number]
        yield f"{said.level.replace('_', ' ')}: {said.text} {cite(said.cites)}".rstrip(" []")
        yield f"    if {words}"
    for word, parts in (
        ("Before the start", one.checks),
        ("Monitoring", one.monitoring),
        ("Adverse effects", one.adverse_effects),
        ("Interactions", one.interactions),
    ):
        yield f"{word}: {'; '.join(parts)}"
    for event in sorted(one.events, key=lambda x: x.date):
        what = event.what.replace("_", " ")
        yield f"{event.date}, {what}: {event.text} {cite(event.cites)} ({event.check})"
    for text in (one.status, one.note):
        if text:
            yield text
    yield f"Safety statements {cite(one.safety_cites)}: {one.safety_check}"
    for key in dict.fromkeys(cited):
        work = knowledge.references[key]
        yield f"    {key}: {work.text}" + (f" {work.link}" if work.link else "")


def _rules(knowledge: Knowledge, one: Option) -> Iterator[tuple[str, str]]:
    """Yield each rule of what can speak against a treatment, as written and in words."""
    base = knowledge.options

    def phrase(name: str) -> str:
        if name in base.labels:
            return base.labels[name]
        return knowledge.catalogue[name].label

    for place, said in enumerate(base.against[one.id]):
        rule = base.program.rules[against_column(one, place)]
        yield said.when, in_words(rule.node, phrase)

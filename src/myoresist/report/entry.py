"""Any entry of the knowledge in plain words: a criteria set, a finding or a published work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from myoresist.assessment import Knowledge
from myoresist.case.catalogue import Finding
from myoresist.diagnosis.criteria import CriteriaSet
from myoresist.diagnosis.verdicts import CLASS, EXCLUDED, LEAF, NOTE, VARIANT, column
from myoresist.knowledge.schema import Coverage, Sourced
from myoresist.rules.words import in_words


class UnknownEntry(KeyError):
    """An id that names nothing; the message names the nearest one."""


def listing(knowledge: Knowledge, coverage: Iterable[Coverage]) -> Iterator[str]:
    """Yield one line for every topic that the knowledge covers, and the counts."""
    for one in coverage:
        since = f"since {one.since}" if one.since else ""
        head = "  ".join(part for part in (one.id, one.kind, one.status, since) if part)
        yield head
        yield f"    verified against: {one.verified_against}"
        if one.note:
            yield f"    {one.note}"
    yield ""
    yield (
        f"{len(knowledge.catalogue.findings)} findings, {len(knowledge.criteria.implemented)} criteria sets "
        f"computed, {len(knowledge.references)} works"
    )


def describe(knowledge: Knowledge, name: str) -> Iterator[str]:
    """Yield the lines that describe one entry.

    Raises:
        UnknownEntry: when nothing has this id; the message names the nearest one.
    """
    if name in knowledge.criteria.sets:
        return _Words(knowledge).criteria_set(knowledge.criteria.sets[name])
    finding = knowledge.catalogue.find(name)
    if finding:
        return _Words(knowledge).finding(finding)
    if name in knowledge.references:
        return _Words(knowledge).work(name)
    everything = [*knowledge.criteria.sets, *knowledge.catalogue.findings, *knowledge.references]
    near = get_close_matches(name, everything, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; see 'myoresist knowledge list'"
    raise UnknownEntry(f"nothing is called {name}{hint}")


class _Words:
    """Says rules with the labels of findings and the texts of items."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge

    def phrase(self, name: str) -> str:
        owner, _, item = name.partition(".")
        if item:
            return f"[{item}]"
        return self.knowledge.catalogue[owner].label

    def rule(self, *parts: str) -> str:
        return in_words(self.knowledge.criteria.program.rules[column(*parts)].tree, self.phrase)

    def source(self, entry: Sourced) -> str:
        cites = f"[{', '.join(entry.cites)}]" if entry.cites else ""
        return " ".join(part for part in (cites, f"({entry.check})" if entry.check else "") if part)

    def criteria_set(self, one: CriteriaSet) -> Iterator[str]:
        yield one.title
        yield f"{one.id}: {one.kind}, {one.status}" + (f", since {one.since}" if one.since else "")
        yield f"For: {one.population}"
        if one.status_note:
            yield f"Status: {one.status_note}"
        yield f"Checked: {one.check}"
        if one.exclusions:
            yield f"Exclusions: {one.exclusions.text}"
            if one.status == "implemented":
                yield f"    rule: {self.rule(one.id, EXCLUDED)}"
        yield from self._items(one)
        yield from self._outcomes(one)
        for note in one.notes:
            when = (
                f" (shown if {self.rule(one.id, NOTE, note.id)})"
                if note.when and (one.status == "implemented")
                else ""
            )
            yield f"Note: {note.text}{when} {self.source(note)}"
        yield f"Missing data: {one.missing}"
        for limit in one.limits:
            yield f"Limit: {limit.text} {self.source(limit)}"
        for row in one.performance:
            figures = f"sensitivity {row.sensitivity}%, specificity {row.specificity}%"
            yield f"Performance, {row.set}: {figures} {self.source(row)}"
        clashes = [x for x in self.knowledge.criteria.disagreements if one.id in x.sets]
        for clash in clashes:
            yield f"Disagrees with other sets: {clash.text} {self.source(clash)}"
        yield "Sources:"
        entries = (one, *one.items, *one.outcomes, *one.notes, *one.limits, *one.performance)
        for key in dict.fromkeys(key for entry in entries for key in entry.cites):
            yield from (f"    {line}" for line in self._work(key))

    def _items(self, one: CriteriaSet) -> Iterator[str]:
        if one.items:
            yield "Items:"
        for item in one.items:
            points = ", ".join(f"{value} {variant}" for variant, value in item.points.items())
            yield f"    [{item.id}] {item.text}" + (f" (points: {points})" if points else "")
            if one.status == "implemented":
                yield f"        rule: {self.rule(one.id, item.id)} {self.source(item)}".rstrip()

    def _outcomes(self, one: CriteriaSet) -> Iterator[str]:
        if one.outcomes:
            yield "Classes, strongest first:"
        for way in one.outcomes:
            known = f" (known with {way.confidence} confidence)" if way.confidence else ""
            yield f"    {way.name}: {way.text}{known}"
            yield f"        rule: {self.rule(one.id, CLASS, way.name)} {self.source(way)}".rstrip()
        for variant in one.score.variants if one.score else ():
            when = f" Used if {self.rule(one.id, VARIANT, variant.id)}." if variant.when else ""
            yield f"Score, {variant.id}: {variant.text}{when} {self.source(variant)}".rstrip()
            if variant.logistic_intercept is not None:
                constant = f"{-variant.logistic_intercept:g}"
                yield f"    probability = 1 / (1 + exp({constant} − score))"
            for reached in variant.classes:
                probability = (
                    f", probability from {reached.probability_at_least:g}"
                    if reached.probability_at_least
                    else ""
                )
                yield f"    {reached.name}: score from {reached.at_least}{probability}. {reached.text}"
        if one.subgroups:
            yield f"Subgroups: {one.subgroups.text} {self.source(one.subgroups)}"
            for leaf in one.subgroups.leaves:
                yield f"    {leaf.id}: {leaf.text}; {self.rule(one.id, LEAF, leaf.id)}"

    def finding(self, one: Finding) -> Iterator[str]:
        catalogue, inference = self.knowledge.catalogue, self.knowledge.inference
        yield one.label
        unit = (
            f" in {one.unit}, plausible {one.minimum:g} to {one.maximum:g}"
            if one.kind == "number"
            else ""
        )
        yield f"{one.id}: {one.kind}{unit}, group {one.group}"
        yield f"Question: {one.question}"
        if one.synonyms:
            yield f"Also: {', '.join(one.synonyms)}"
        if one.choices:
            yield f"Choices: {', '.join(one.choices)}"
        if one.hpo:
            yield f"HPO: {one.hpo} {one.hpo_name}"
        if one.loinc:
            yield f"LOINC: {one.loinc}"
        if one.id in inference.derivations:
            entry = inference.derivations[one.id]
            yield f"Follows by rule: {entry.text} {self.source(entry)}"
            yield f"    rule: {in_words(inference.program.rules[one.id].tree, self.phrase)}"
        for links, verb in (
            (catalogue.implications, "Implies"),
            (catalogue.exclusions, "Excludes"),
        ):
            for link in links:
                if link.finding == one.id:
                    yield f"{verb}: {link.other} ({link.why})"
                elif link.other == one.id:
                    yield f"{verb if verb == 'Excludes' else 'Implied by'}: {link.finding} ({link.why})"
        for criteria_set in self.knowledge.criteria.implemented:
            own = [
                x
                for x in self.knowledge.criteria.program.rules
                if x.startswith(criteria_set.id + ".")
            ]
            leaves = self.knowledge.criteria.program.leaves(own)
            if one.id in leaves | inference.program.leaves(leaves):
                yield f"Read by: {criteria_set.id}"

    def work(self, key: str) -> Iterator[str]:
        yield from self._work(key)
        for one in self.knowledge.criteria.sets.values():
            entries = (one, *one.items, *one.outcomes, *one.notes, *one.limits, *one.performance)
            if any(key in entry.cites for entry in entries):
                yield f"Cited by: {one.id}"

    def _work(self, key: str) -> Iterator[str]:
        work = self.knowledge.references[key]
        yield f"{key}: {work.text}" + (f" {work.link}" if work.link else "")

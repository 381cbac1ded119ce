"""Any entry of the knowledge in plain words: a criteria set, a disease, a treatment, a finding or a work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Literal

from myoresist.case.catalogue import Finding, Link
from myoresist.diagnosis.criteria.compile import CLASS, EXCLUDED, LEAF, NOTE, VARIANT, column
from myoresist.diagnosis.criteria.schema import CriteriaSet, Disagreement
from myoresist.knowledge.schema import Coverage, Sourced
from myoresist.library import Knowledge
from myoresist.report.entries import consult, disease, treatment
from myoresist.rules.phrases import in_words
from myoresist.treatment.evidence import UnknownName, packaged
from myoresist.treatment.schema import Option


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
        f"computed, {len(knowledge.differential.diseases)} diseases, "
        f"{len(knowledge.options.data.options)} treatments, {len(knowledge.references)} works"
    )


def describe(knowledge: Knowledge, name: str) -> Iterator[str]:
    """Yield the lines that describe one entry.

    Raises:
        UnknownEntry: when nothing has this id; the message names the nearest one.
    """
    if name == consult.NAME:
        return consult.describe(knowledge)
    if name in knowledge.criteria.sets:
        return _Words(knowledge).criteria_set(knowledge.criteria.sets[name])
    diseases = knowledge.differential.base.diseases
    if name in diseases:
        return disease.describe(knowledge, diseases[name])
    drug = _treatment(knowledge, name)
    if drug:
        return treatment.describe(knowledge, drug)
    finding = _finding(knowledge, name)
    if finding:
        return _Words(knowledge).finding(finding)
    if name in knowledge.references:
        return _Words(knowledge).work(name)
    meant = _meant(knowledge, name)
    if meant is not None:
        return describe(knowledge, meant)
    raise _unknown(knowledge, name)


def entry(knowledge: Knowledge, name: str) -> dict[str, Any]:
    """Return one entry as data: as it stands in the knowledge, its rules in words, and its links.

    Raises:
        UnknownEntry: when nothing has this id; the message names the nearest one.
    """
    if name == consult.NAME:
        return consult.entry(knowledge)
    words = _Words(knowledge)
    if name in knowledge.criteria.sets:
        one = knowledge.criteria.sets[name]
        works = [knowledge.references[key] for key in words.cited(one)]
        return {
            "entry": "criteria set",
            **one.model_dump(mode="json", by_alias=True),
            "rules_in_words": words.rules(one),
            "references": [{**work.model_dump(), "link": work.link} for work in works],
        }
    if name in knowledge.differential.base.diseases:
        return disease.entry(knowledge, knowledge.differential.base.diseases[name])
    drug = _treatment(knowledge, name)
    if drug:
        return treatment.entry(knowledge, drug)
    finding = _finding(knowledge, name)
    if finding:
        derivation = knowledge.inference.derivations.get(finding.id)
        return {
            "entry": "finding",
            **finding.model_dump(mode="json"),
            "implies": [x.model_dump() for x in words.links("implications", finding, "finding")],
            "implied_by": [x.model_dump() for x in words.links("implications", finding, "other")],
            "excludes": [
                x.model_dump()
                for side in ("finding", "other")
                for x in words.links("exclusions", finding, side)
            ],
            "derived": derivation.model_dump(mode="json") if derivation else None,
            "rule_in_words": words.derivation(finding.id) if derivation else None,
            "read_by": list(words.readers(finding)),
        }
    if name in knowledge.references:
        work = knowledge.references[name]
        cited_by = list(words.citing(name))
        return {"entry": "work", **work.model_dump(), "link": work.link, "cited_by": cited_by}
    meant = _meant(knowledge, name)
    if meant is not None:
        return entry(knowledge, meant)
    raise _unknown(knowledge, name)


def _meant(knowledge: Knowledge, name: str) -> str | None:
    """Return the entry that a word of a case stands for: a drug, an antibody or a label.

    Raises:
        UnknownEntry: for a label of several diseases; the message names them.
    """
    try:
        treatment_ = packaged().treatment(name)
    except UnknownName:
        treatment_ = None
    if treatment_ in knowledge.options.data.options:
        return treatment_
    antibody = knowledge.terms.antibody(name)
    if antibody is not None:
        return antibody.id
    label = knowledge.terms.label(name)
    diseases = knowledge.differential.base.families.labels.get(label, ()) if label else ()
    if len(diseases) > 1:
        raise UnknownEntry(f"{name} is the label of several diseases: {', '.join(diseases)}")
    return diseases[0] if diseases else None


def _finding(knowledge: Knowledge, name: str) -> Finding | None:
    """Return the finding of this name; the word for one disease means that, not its findings."""
    found = knowledge.catalogue.find(name)
    if found is None or found.id == name:
        return found
    label = knowledge.terms.label(name)
    diseases = knowledge.differential.base.families.labels.get(label, ()) if label else ()
    return None if len(diseases) == 1 else found


def _treatment(knowledge: Knowledge, name: str) -> Option | None:
    return knowledge.options.data.options.get(name)


def _unknown(knowledge: Knowledge, name: str) -> UnknownEntry:
    everything = [
        consult.NAME,
        *knowledge.criteria.sets,
        *knowledge.differential.base.diseases,
        *knowledge.options.data.options,
        *knowledge.catalogue.findings,
        *knowledge.references,
    ]
    near = get_close_matches(name, everything, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; see 'myoresist knowledge list'"
    return UnknownEntry(f"nothing is called {name}{hint}")


def _parts(one: CriteriaSet) -> Iterator[Sourced]:
    """Yield everything in a set that cites works of its own."""
    yield one
    if one.exclusions:
        yield one.exclusions
    yield from (*one.items, *one.outcomes, *(one.score.variants if one.score else ()))
    if one.subgroups:
        yield one.subgroups
    yield from (*one.notes, *one.limits, *one.performance)


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
        return in_words(self.knowledge.criteria.program.rules[column(*parts)].node, self.phrase)

    def rules(self, one: CriteriaSet) -> dict[str, str]:
        """Return every rule of a set in words, by what it decides."""
        own = self.knowledge.criteria.program.rules
        prefix = f"{one.id}."
        return {
            name.removeprefix(prefix): in_words(own[name].node, self.phrase)
            for name in own
            if name.startswith(prefix)
        }

    def derivation(self, finding: str) -> str:
        return in_words(self.knowledge.inference.program.rules[finding].node, self.phrase)

    def clashes(self, one: CriteriaSet) -> list[Disagreement]:
        return [x for x in self.knowledge.criteria.disagreements if one.id in x.sets]

    def cited(self, one: CriteriaSet) -> list[str]:
        """Return every work that a set, a part of it or a disagreement about it rests on."""
        parts = (*_parts(one), *self.clashes(one))
        return list(dict.fromkeys(key for part in parts for key in part.cites))

    def citing(self, key: str) -> Iterator[str]:
        """Yield the ids of the sets and of the derived findings that cite a work."""
        for one in self.knowledge.criteria.sets.values():
            if key in self.cited(one):
                yield one.id
        for rule in self.knowledge.inference.derivations.values():
            if key in rule.cites:
                yield rule.id
        base = self.knowledge.differential.base
        for ill in base.diseases.values():
            used = (base.frequencies, base.numbers)
            figures = any(not t.filter(disease=ill.id, source=key).is_empty() for t in used)
            if figures or key in ill.cites:
                yield ill.id

    def readers(self, finding: Finding) -> Iterator[str]:
        """Yield the ids of the sets whose rules read a finding, directly or through others."""
        program, inference = self.knowledge.criteria.program, self.knowledge.inference
        for one in self.knowledge.criteria.implemented:
            leaves = program.leaves([x for x in program.rules if x.startswith(f"{one.id}.")])
            if finding.id in leaves | inference.program.leaves(leaves):
                yield one.id

    def links(
        self, kind: Literal["implications", "exclusions"], finding: Finding, side: str
    ) -> list[Link]:
        links = getattr(self.knowledge.catalogue, kind)
        return [link for link in links if getattr(link, side) == finding.id]

    def source(self, part: Sourced) -> str:
        cites = f"[{', '.join(part.cites)}]" if part.cites else ""
        return " ".join(one for one in (cites, f"({part.check})" if part.check else "") if one)

    def criteria_set(self, one: CriteriaSet) -> Iterator[str]:
        yield one.title
        yield f"{one.id}: {one.kind}, {one.status}" + (f", since {one.since}" if one.since else "")
        yield f"For: {one.population}"
        if one.status_note:
            yield f"Status: {one.status_note}"
        yield f"Checked: {one.check}"
        if one.exclusions:
            yield f"Exclusions: {one.exclusions.text} {self.source(one.exclusions)}".rstrip()
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
        for clash in self.clashes(one):
            yield f"Disagrees with other sets: {clash.text} {self.source(clash)}"
        yield "Sources:"
        for key in self.cited(one):
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
        if one.score and one.score.readings:
            yield f"Read in more than one way: {one.score.readings}"
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
                if reached.when:
                    yield f"        and {self.rule(one.id, CLASS, reached.name)}"
        if one.subgroups:
            yield f"Subgroups: {one.subgroups.text} {self.source(one.subgroups)}"
            for leaf in one.subgroups.leaves:
                yield f"    {leaf.id}: {leaf.text}; {self.rule(one.id, LEAF, leaf.id)}"

    def finding(self, one: Finding) -> Iterator[str]:
        inference = self.knowledge.inference
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
            rule = inference.derivations[one.id]
            yield f"Follows by rule: {rule.text} {self.source(rule)}"
            yield f"    rule: {self.derivation(one.id)}"
        for link in self.links("implications", one, "finding"):
            yield f"Implies: {link.other} ({link.why})"
        for link in self.links("implications", one, "other"):
            yield f"Implied by: {link.finding} ({link.why})"
        for link in self.links("exclusions", one, "finding"):
            yield f"Excludes: {link.other} ({link.why})"
        for link in self.links("exclusions", one, "other"):
            yield f"Excludes: {link.finding} ({link.why})"
        for name in self.readers(one):
            yield f"Read by: {name}"

    def work(self, key: str) -> Iterator[str]:
        yield from self._work(key)
        for name in self.citing(key):
            yield f"Cited by: {name}"

    def _work(self, key: str) -> Iterator[str]:
        work = self.knowledge.references[key]
        yield f"{key}: {work.text}" + (f" {work.link}" if work.link else "")

"""Everything an answer rests on: read from a knowledge folder, checked and compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from myoresist import knowledge as packaged
from myoresist.case.catalogue import Catalogue
from myoresist.case.reading import packaged_terms
from myoresist.case.terms import Terms
from myoresist.consult.evaluate import Consult
from myoresist.consult.texts import Names
from myoresist.consult.words import Words
from myoresist.diagnosis.criteria.evaluate import Criteria
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.document import DocumentError, Problem
from myoresist.findings.evaluate import Inference, finding_names
from myoresist.knowledge.schema import Reference, load_references
from myoresist.knowledge.whole import uncovered, unknown_works
from myoresist.resistance.evaluate import Resistance
from myoresist.rules.program import Program
from myoresist.serology.evaluate import Serology
from myoresist.treatment.ceilings import Ceilings
from myoresist.treatment.evaluate import Options


@dataclass(frozen=True)
class Knowledge:
    """Everything an assessment rests on, read from one knowledge folder and compiled."""

    folder: Path
    catalogue: Catalogue
    inference: Inference
    criteria: Criteria
    differential: Differential
    references: Mapping[str, Reference]

    @classmethod
    def load(cls, folder: Path | None = None, check: bool | None = None) -> Knowledge:
        """Read a knowledge folder, once; without one, the packaged knowledge.

        Findings, criteria and diseases are read at once, what the later questions rest on when it is first
        asked for. ``check`` reads all of it at once; see the method of that name.

        Args:
            folder: a whole knowledge folder.
            check: whether to check everything; when left out, a folder of one's own is checked.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        knowledge = _load(folder or packaged.folder())
        if check or (check is None and knowledge.folder != packaged.folder()):
            knowledge.check()
        return knowledge

    def check(self) -> None:
        """Read and compile every topic, and compare what the files say of each other.

        The criteria sets and ``coverage.yaml`` name the same sets, and every work that is cited is in the
        bibliography. Worked examples are not run, and what serves registries only is not read.

        Raises:
            DocumentError: naming file, line and field of everything that cannot be used.
        """
        problems: dict[Problem, None] = {}
        for topic in ("version", "terms", "serology", "resistance", "options", "consult"):
            try:
                getattr(self, topic)
            except DocumentError as error:
                problems |= dict.fromkeys(error.problems)
        sets = {one.id: (one.status, one.since) for one in self.criteria.sets.values()}
        try:
            problems |= dict.fromkeys(uncovered(self.folder, sets))
            problems |= dict.fromkeys(unknown_works(self.folder, self.references))
        except DocumentError as error:
            problems |= dict.fromkeys(error.problems)
        if problems:
            raise DocumentError(problems)

    @cached_property
    def version(self) -> str:
        """Return the version of the knowledge."""
        return packaged.version(self.folder)

    @cached_property
    def asked(self) -> frozenset[str]:
        """Return the findings that a physician could add and that a criteria set reads."""
        read = self.criteria.program.inputs
        through = self.inference.program.leaves(read)
        derived = self.inference.derivations.keys()
        numbers = {x for x in read & derived if self.catalogue[x].kind == "number"}
        return frozenset(through - derived) | numbers

    @cached_property
    def thresholds(self) -> dict[str, tuple[float, ...]]:
        """Return for each numeric finding the numbers with which a rule compares it."""
        return Program({**self.criteria.program.rules, **self.inference.program.rules}).thresholds

    @cached_property
    def serology(self) -> Serology:
        """Return what antibodies mean."""
        return Serology.load(self.folder, self.catalogue)

    @cached_property
    def resistance(self) -> Resistance:
        """Return by what response, treatment and explanations are judged."""
        return Resistance.load(self.folder, self.terms)

    @cached_property
    def options(self) -> Options:
        """Return the treatments."""
        told = self.resistance
        diseases = self.differential.diseases
        regimens = [one.id for one in told.treatments.regimens.trials]
        names, labels = told.names | self.ceilings.names, told.labels | self.ceilings.labels
        return Options.load(self.folder, names, labels, diseases, regimens)

    @cached_property
    def consult(self) -> Consult:
        """Return the rules of page one."""
        base, told = self.differential.base, self.resistance
        labels = {
            x: base.families.labels.get(x, ()) for x in self.catalogue["diagnosis_label"].choices
        }
        diseases = {one.id: one.family for one in base.diseases.values()}
        return Consult.load(
            self.folder,
            self.options,
            self.terms,
            diseases,
            labels,
            told.names | self.ceilings.names,
        )

    @cached_property
    def names(self) -> Names:
        """Return what things are called on page one."""
        base = self.differential.base
        labels = {one.id: one.label for one in self.catalogue} | self.ceilings.labels
        labels |= {one.id: one.name for one in base.investigations}
        labels |= {one.id: one.name for one in self.resistance.explanations.entries.values()}
        diseases = {one.id: one.name for one in base.diseases.values()}
        return Names.of(self.consult, labels, diseases)

    @cached_property
    def words(self) -> Words:
        """Return what says the rules of page one."""
        labels = {**self.options.labels, **self.names.labels}
        return Words(self.consult, labels, self.differential.base.families.families)

    @cached_property
    def ceilings(self) -> Ceilings:
        """Return the doses that no regimen reaches."""
        return Ceilings.load(self.folder, self.terms)

    @cached_property
    def terms(self) -> Terms:
        """Return the words that a case may use."""
        if self.folder == packaged.folder():
            return packaged_terms()
        return Terms.load(self.folder, self.catalogue)


@cache
def _load(folder: Path) -> Knowledge:
    own = folder == packaged.folder()
    catalogue = packaged_terms().catalogue if own else Catalogue.load(folder)
    inference = Inference.load(folder, catalogue)
    return Knowledge(
        folder=folder,
        catalogue=catalogue,
        inference=inference,
        criteria=Criteria.load(folder, finding_names(catalogue)),
        differential=Differential.load(folder, inference),
        references=load_references(folder / "references.json"),
    )

"""The rules of page one, parsed and compiled: every condition by the column that it fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from myoresist.case.terms import Terms
from myoresist.consult import course
from myoresist.consult.given import COURSES, NOT_ENOUGH, Given, columns_of
from myoresist.consult.leading import MYOSITIS, NEED, PROVEN_OF, Diseases
from myoresist.consult.schema import Column, ConsultData, Line, Section
from myoresist.document import DocumentError
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook
from myoresist.treatment.columns import LEVELS
from myoresist.treatment.evaluate import Options

FACTS, STATE, SAID, DISPUTED, LISTED = "n_facts", "state_", "said_", "disputed_", "listed_"
OTHERWISE = "otherwise_"
"""Whether a treatment would be among the first of the list but for an allergy."""
CANCER = "cancer_risk_"
LEAD, BARRED = "lead", "barred"
"""The families of the diseases that lead, and of treatments that are contraindicated."""
EACH, DOSE, CARE, ANY, WAITING = "each.", "dose.", "care.", "any_", "waiting_"
BESIDE, HOLD = "with.", "hold."
TRIAL = {"adequate": "adequate", "early": "below_min_duration", "low": "below_min_dose"}
"""What a trial tells of a treatment, and the column of it."""
PLACEHOLDER = "{treatment}"
KNOWN = "COALESCE({}, FALSE)"
"""A column of the consult holds where its rule is true, and nowhere else."""


@dataclass(frozen=True)
class Rules:
    """The rules of page one, compiled.

    Attributes:
        proofs: ``proof.proven_<disease>`` and ``need.<n>``.
        before: the columns of ``columns.yaml``, and its families as ``each.<family>.<treatment>``.
        states: ``state_<id>``, each by its own rule.
        lines: ``<section>.<line>``, ``dose.<n>``, ``care.<n>``, ``hold.<n>`` and ``with.<n>``.
        families: the treatments of each family.
    """

    data: ConsultData
    given: Given
    diseases: Diseases
    options: Options
    proofs: Program
    before: Program
    states: Program
    lines: Program
    families: Mapping[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def load(
        cls,
        folder: Path,
        options: Options,
        terms: Terms,
        families: Mapping[str, str],
        labels: Mapping[str, Sequence[str]],
        names: Mapping[str, Name],
    ) -> Self:
        """Read and compile ``consult/`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            options: the treatments.
            terms: the words of a case.
            families: the family of each disease of the differential, in its order.
            labels: the diseases that each label stands for.
            names: every column that a condition on treatments may read.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        data = ConsultData.load(folder)
        treatments = options.studies.trials.synthesis.treatments
        drugs = {name: one.drugs for name, one in treatments.items()}
        given = Given.of(
            options.data.options, drugs, terms, data.page.pulse_from_mg, data.page.lines
        )
        diseases = Diseases(data.leader, families, labels)
        return cls(
            data, given, diseases, options,
            **_Compiler(folder / "consult", data, given, diseases, names).compiled(),
        )  # fmt: skip


class _Compiler:
    """Parses every condition and gathers what is wrong."""

    def __init__(
        self,
        where: Path,
        data: ConsultData,
        given: Given,
        diseases: Diseases,
        names: Mapping[str, Name],
    ) -> None:
        self.where, self.data, self.given = where, data, given
        bools = (
            *columns_of(tuple(given.treatments)), *diseases.columns(),
            *(p + x for x in data.page.dangers for p in (SAID, DISPUTED)),
            *(f"{p}_{x}" for x in given.treatments for p in (*TRIAL, *LEVELS)),
            *(p + x for x in given.treatments for p in (LISTED, WAITING, OTHERWISE)),
            *(STATE + x.id for x in data.states),
            *(CANCER + x for x in ("high", "intermediate", "standard", "undetermined", "not_applicable")),
        )  # fmt: skip
        numbers = (MYOSITIS, FACTS, COURSES, NOT_ENOUGH, *course.columns_of(data.page.against_best))
        self.names = {
            **names,
            **{x: Name(x, "bool") for x in bools},
            **{x: Name(x, "number") for x in numbers},
        }
        self.families: dict[str, list[str]] = {}

    def compiled(self) -> dict[str, Any]:
        """Return every program, and the families.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        proofs, before = Rulebook(self.names), Rulebook(self.names)
        for proof in self.data.leader.proofs:
            column = f"proof.{PROVEN_OF}{proof.disease}"
            proofs.add(column, proof.when, self.where / "diseases.yaml", proof.disease)
        for number, need in enumerate(self.data.leader.needs):
            proofs.add(f"{NEED}{number}", need.when, self.where / "diseases.yaml", need.disease)
        for one in self.data.columns:
            self._column(before, one)
        states, lines = Rulebook(self.names), Rulebook(self.names)
        for state in self.data.states:
            states.add(STATE + state.id, state.when, self.where / "states.yaml", state.id)
        for section, line in self.data.lines():
            self._line(lines, section, line)
        self._words(lines)
        books = {"proofs": proofs, "before": before, "states": states, "lines": lines}
        if problems := [problem for book in books.values() for problem in book.problems]:
            raise DocumentError(problems)
        programs = {name: book.program() for name, book in books.items()}
        return {**programs, "families": {x: tuple(y) for x, y in self.families.items()}}

    def _column(self, book: Rulebook, one: Column) -> None:
        """Compile a column, or one a treatment and whether any of them holds."""
        file = self.where / "columns.yaml"
        text = one.when
        name = one.id
        if PLACEHOLDER in one.id:
            family = one.id.removesuffix("_" + PLACEHOLDER)
            members = [x for x in self.given.treatments if x not in one.but]
            for member in members:
                column = f"{EACH}{family}.{member}"
                rule = KNOWN.format(one.when.replace(PLACEHOLDER, member))
                book.add(column, rule, file, one.id)
                self.names[f"{family}_{member}"] = Name(column, "bool")
            self.families[family] = members
            name, text = ANY + family, " OR ".join(f"{family}_{x}" for x in members)
        book.add(name, KNOWN.format(text), file, one.id)
        self.names[name] = Name(name, "bool")

    def _words(self, book: Rulebook) -> None:
        """Compile for whom doses and cautions are."""
        file = self.where / "drugs.yaml"
        for number, dose in enumerate(self.data.doses):
            book.add(f"{DOSE}{number}", dose.when or "TRUE", file, dose.treatment)
        for number, beside in enumerate(self.data.page.beside):
            book.add(f"{BESIDE}{number}", beside.when, self.where / "page.yaml", beside.text)
        for number, hold in enumerate(self.data.holds):
            book.add(f"{HOLD}{number}", hold.when, file, hold.text)
        for number, one in enumerate(self.data.cautions):
            book.add(f"{CARE}{number}", one.when, file, one.text)

    def _line(self, book: Rulebook, section: Section, line: Line) -> None:
        file = self.where / f"{section}.yaml"
        known = {one.id for one in self.data.states}
        for state in line.states:
            if state not in known:
                book.wrong(file, line.id, f"{state} is no state")
        if line.each not in (None, LEAD, *self.families):
            book.wrong(file, line.id, f"{line.each} is no family")
        parts = [f"({' OR '.join(STATE + x for x in line.states)})"] if line.states else []
        parts += [f"({line.when})"] if line.when else []
        book.add(f"{section}.{line.id}", " AND ".join(parts) or "TRUE", file, line.id)

"""What courses and visits tell of findings: that a drug failed is known before any criteria are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import model_validator

from myoresist.arrays.table import Table
from myoresist.case.catalogue import Catalogue
from myoresist.knowledge.schema import Sourced, load_list
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.reasons import explain
from myoresist.rules.rulebook import Rulebook

_TOLD = "told."


class FindingRule(Sourced):
    """How one finding of the catalogue follows from what courses and visits tell."""

    id: str
    text: str
    when: str | None = None
    value: str | None = None

    @model_validator(mode="after")
    def _one(self) -> FindingRule:
        if (self.when is None) == (self.value is None):
            raise ValueError("give either 'when' or 'value'")
        return self


@dataclass(frozen=True)
class FindingRules:
    """The rules, compiled; each fills the finding of its id.

    Attributes:
        entries: the rules by finding.
        program: the rules, under ``told.<finding>``.
        measured: findings that the visits tell by themselves, under their own name.
    """

    entries: Mapping[str, FindingRule]
    program: Program
    measured: tuple[str, ...]

    @classmethod
    def load(
        cls, folder: Path, names: Mapping[str, Name], catalogue: Catalogue, visits: Iterable[str]
    ) -> FindingRules:
        """Read ``adequacy/findings.yaml`` of a knowledge folder.

        Args:
            folder: the knowledge folder.
            names: every column that a rule may read: findings, and what treatments and visits tell.
            catalogue: the findings.
            visits: the columns that visits tell.

        Raises:
            DocumentError: naming file and entry of a rule that cannot be used.
        """
        path = folder / "adequacy" / "findings.yaml"
        measured = tuple(name for name in visits if name in catalogue.findings)
        entries = {one.id: one for one in load_list(path, FindingRule)}
        book = Rulebook(names)
        for one in entries.values():
            if one.id not in catalogue.findings:
                book.wrong(path, one.id, "is not in the catalogue")
            elif one.id in measured:
                book.wrong(path, one.id, "is told by the visits")
            else:
                kind = catalogue[one.id].kind
                book.add(_TOLD + one.id, one.when or one.value or "", path, one.id, kind=kind)
        return cls(entries, book.program(), measured)

    def evaluate(self, row: Table) -> Table:
        """Return what courses and visits tell of findings, one column each.

        Args:
            row: findings, and what treatments and visits tell.
        """
        told = self.program.run(row).renamed({_TOLD + name: name for name in self.entries})
        return told.with_columns(row.select(self.measured))

    def because(self, finding: str, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the columns from which a finding of one patient follows.

        Args:
            finding: a finding that courses or visits tell.
            row: the findings and columns of the patient.
        """
        if finding not in self.entries:
            return ()
        decided = explain(_TOLD + finding, self.program, row).because
        return tuple(sorted(name for name in decided if row.get(name) is not None))

"""What is known of antibodies becomes rules: frequencies, profiles, statements, the cancer guideline."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from myoresist.case.catalogue import Catalogue
from myoresist.findings.evaluate import finding_names
from myoresist.rules.condition import Name
from myoresist.rules.nodes import Kind
from myoresist.rules.rulebook import Rulebook
from myoresist.serology.probability import FLAGS, checked, column
from myoresist.serology.schema import Antibody, SerologyKnowledge, Statement

REPORTED, TESTED = column("reported_msa"), column("tested_msa")
SETTING, APPLIES = column("setting"), column("cancer", "applies")
EXPECTED, UNUSUAL, WORKUP, SAYS = "expected", "unusual", "workup", "says"


class RulesOfSerology:
    """Turns the knowledge about antibodies into rules."""

    def __init__(self, knowledge: SerologyKnowledge, catalogue: Catalogue, where: Path) -> None:
        self.knowledge = knowledge
        self.catalogue = catalogue
        self.where = where
        self.names = finding_names(catalogue)
        self.book = Rulebook(self.names)

    def _problem(self, file: str, field: str, message: str) -> None:
        self.book.wrong(self.where / file, field, message)

    def _rule(self, name: str, text: str, file: str, field: str, kind: Kind = "bool") -> None:
        self.book.add(name, text, self.where / file, field, kind=kind)

    def _finding(self, finding: str, file: str, field: str) -> bool:
        known = finding in self.catalogue
        if not known:
            near = self.catalogue.nearest(finding)
            self._problem(file, field, f"unknown finding {finding}; did you mean {near}?")
        return known

    def before(self) -> None:
        """Compile what is needed to weigh results."""
        file = "confidence/methods.yaml"
        settings = self.knowledge.confidence.settings
        branches = [(one.when, f"'{one.id}'") for one in settings]
        self._rule(SETTING, _case(branches), file, "settings", "category")
        how = self.knowledge.confidence.from_findings
        for finding in (how.by_blot, how.weak, how.strong, how.confirmed):
            self._finding(finding, file, "from_findings")
        for antibody, wrong in checked(self.knowledge).items():
            self._problem(file, antibody, wrong)
        file = "antibodies/antibodies.yaml"
        for one in self.knowledge.antibodies.values():
            if not self._finding(one.id, file, one.id):
                continue
            if one.priors:
                # Written out, since a condition knows no exponents, and in full, to be found again.
                branches = [(x.when, f"{Decimal(repr(x.value)):f}") for x in one.priors]
                name = column(one.id, "frequency")
                self._rule(name, _case(branches), file, f"{one.id}.priors", "number")
            if one.hep2:
                name = column(one.id, "pattern_fits")
                self._rule(name, one.hep2.pattern, file, f"{one.id}.hep2")

    def after(self) -> None:
        """Compile what reads results, too."""
        self.names |= {
            "reported_msa": Name(REPORTED, "number"),
            "tested_msa": Name(TESTED, "number"),
        }
        for one in self.knowledge.antibodies.values():
            self.names |= {f"{one.id}_{x}": Name(column(one.id, x), "bool") for x in FLAGS}
            if one.hep2 and not one.hep2.missed:
                differs = column(one.id, "pattern_differs")
                text = f"NOT ({one.hep2.pattern})"
                self._rule(differs, text, "antibodies/antibodies.yaml", f"{one.id}.hep2")
                self.names[f"{one.id}_pattern_differs"] = Name(differs, "bool")
        for one in self.knowledge.antibodies.values():
            self._profile(one)
        for statement in self.knowledge.statements:
            self._statement(statement)
        self._cancer()

    def _profile(self, one: Antibody) -> None:
        file, reported = "antibodies/antibodies.yaml", f"{one.id}_reported"
        for expected in one.expected:
            x, field = expected.finding, f"{one.id}.expected.{expected.finding}"
            if self._finding(x, file, field):
                name = column(one.id, EXPECTED, x)
                self._rule(f"{name}.missing", f"{reported} AND {x} IS NULL", file, field)
                if (expected.percent or 0) >= self.knowledge.confidence.typical.percent:
                    self._rule(f"{name}.absent", f"{reported} AND NOT {x}", file, field)
        for unusual in one.unusual:
            x, field = unusual.finding, f"{one.id}.unusual.{unusual.finding}"
            if self._finding(x, file, field):
                self._rule(column(one.id, UNUSUAL, x), f"{reported} AND {x}", file, field)
        for task in one.workup:
            text = f"{reported} AND NOT COALESCE(({task.done}), FALSE)"
            self._rule(column(one.id, WORKUP, task.id), text, file, f"{one.id}.workup.{task.id}")

    def _statement(self, one: Statement) -> None:
        file = "statements"
        for finding in one.suggests:
            self._finding(finding, file, f"{one.id}.suggests")
        if not one.each:
            self._rule(column(SAYS, one.id), one.when, file, one.id)
            return
        if unknown := set(one.each) - self.knowledge.antibodies.keys() - {"msa", "maa", "modifier"}:
            self._problem(file, f"{one.id}.each", f"unknown antibody {min(unknown)}")
        for antibody in self.knowledge.chosen(one.each):
            text = one.when.replace("{x}", antibody.id)
            self._rule(column(SAYS, one.id, antibody.id), text, file, one.id)

    def _cancer(self) -> None:
        guideline, file = self.knowledge.cancer, f"cancer/{self.knowledge.cancer.id}.yaml"

        def named(part: str, id_: str, text: str) -> None:
            name = column("cancer", part, id_)
            self._rule(name, text, file, f"{part}.{id_}")
            self.names[f"{part}_{id_}"] = Name(name, "bool")

        for subtype in guideline.subtypes:
            name = column("cancer", subtype.id)
            self._rule(name, subtype.when, file, subtype.id)
            self.names[subtype.id] = Name(name, "bool")
        for scope in guideline.applies:
            named("scope", scope.id, scope.when)
        self._rule(
            APPLIES, " AND ".join(f"scope_{one.id}" for one in guideline.applies), file, "applies"
        )
        for factor in guideline.factors:
            named("factor", factor.id, factor.when)
        for category in guideline.categories[:-1]:
            ways = []
            for way in category.reached_by:
                names = [f"factor_{x.id}" for x in guideline.factors if x.tier == way.tier]
                ways.append(f"n_of({way.at_least}, {', '.join(names)})")
            named("reached", category.id, " OR ".join(ways))
            self.names[f"category_{category.id}"] = self.names[f"reached_{category.id}"]
        for extra in guideline.extras:
            named("extra", extra.id, extra.when)


def _case(branches: Sequence[tuple[str | None, str]]) -> str:
    """Return SQL for the first branch whose condition is true; the last one has none."""
    cases = " ".join(f"WHEN {when} THEN {value}" for when, value in branches if when)
    last = branches[-1][1]
    return f"CASE {cases} ELSE {last} END" if cases else last

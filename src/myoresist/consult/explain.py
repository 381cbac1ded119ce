"""Page one of one patient in words: the chosen lines with names, doses and cautions, and no more than fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from myoresist.arrays.table import Value
from myoresist.consult.compile import BESIDE, CARE, DISPUTED, DOSE, EACH, LEAD, LISTED, SAID, STATE
from myoresist.consult.evaluate import Chosen, Consult, Consults
from myoresist.consult.given import FAILED, OF_TREATMENT, ORAL, PARTLY, PULSE, WORKED
from myoresist.consult.leading import LABEL, LEADS, PROVEN_OF
from myoresist.consult.results import Action, Change, ConsultResult, Question, Reason, Said
from myoresist.consult.schema import Certainty, Section, Verb
from myoresist.knowledge.schema import Sourced
from myoresist.rules.program import Program
from myoresist.rules.reasons import Verdict
from myoresist.rules.reasons import explain as reasons_of
from myoresist.treatment.columns import against_column

MOST_CITED = 2
_BARE = (
    SAID,
    DISPUTED,
    LEADS,
    PROVEN_OF,
    LISTED,
    *OF_TREATMENT,
    "adequate_",
    "early_",
    "low_",
    EACH,
)
_SILENT = (STATE, LABEL, "disease_", "family_", "n_", "dose.", "care.", "myositis_probability")


def _plain(name: str) -> str:
    """Return the name of a disease as it stands inside a sentence, without what is in brackets."""
    bare = name.partition(" (")[0]
    return bare if bare[1:2].isupper() else bare[:1].lower() + bare[1:]


def consult_of(found: Consults, row: int, names: Names) -> ConsultResult:
    """Return the page of one patient.

    Args:
        found: what ``Consult.evaluate`` returned.
        row: the patient.
        names: what things are called.
    """
    return _Patient(found, row, names).result()


@dataclass(frozen=True)
class Names:
    """What findings, diseases, treatments and other objects are called on the page."""

    labels: Mapping[str, str]
    diseases: Mapping[str, str]
    answered: Program

    @classmethod
    def of(cls, consult: Consult, labels: Mapping[str, str], diseases: Mapping[str, str]) -> Names:
        """Return the names, the short ones of the consult first."""
        data = consult.data
        short = {x: data.leader.names.get(x) or _plain(name) for x, name in diseases.items()}
        drugs = {x: data.drug_names.get(x, name) for x, name in consult.given.treatments.items()}
        objects = {one.id: one.text for one in data.objects}
        return cls({**labels, **drugs, **short, **objects}, short, consult.options.program)

    def __getitem__(self, name: str) -> str:
        """Return what something is called."""
        return self.labels.get(name) or name.replace("_", " ")


@dataclass(frozen=True)
class _Patient:
    found: Consults
    row: int
    names: Names

    def result(self) -> ConsultResult:
        consult, row = self.found.consult, self.row
        state = consult.data.states[int(self.found.state[row])]
        diseases = self.found.diseases_of(row)
        bottom = self._bottom(diseases, state.bottom)
        lines = {
            section: [(one, self._text(one)) for one in chosen]
            for section, chosen in self.found.chosen(row).items()
        }
        words = self._trimmed(bottom, lines, state.page)
        lines["ask"] = self._foot(lines["ask"], consult.data.page.foot[state.page])
        said = {s: [self._said(one, text) for one, text in held] for s, held in lines.items()}
        return ConsultResult(
            state=state.id,
            state_text=state.text,
            bottom_line=bottom,
            certainty=cast(Certainty, self.found.certainty_of(row)),
            diseases=diseases,
            words=words,
            **cast(Any, said),
        )

    def _trimmed(
        self, bottom: str, lines: dict[Section, list[tuple[Chosen, str]]], page: str
    ) -> int:
        """Take away the least of the page until it fits, and return its words."""
        rules = self.found.consult.data.page
        begins, most = rules.foot[page], rules.words[page]

        def count() -> int:
            texts = [bottom, *(text for held in lines.values() for _, text in held)]
            foot = len(begins.split()) if lines["ask"] else 0
            return foot + sum(len(text.split()) for text in texts)

        words = count()
        for section in rules.trim:
            if words <= most:
                break
            if lines[section]:
                lines[section].pop()
                words = count()
        return words

    def _foot(self, asked: list[tuple[Chosen, str]], begins: str) -> list[tuple[Chosen, str]]:
        """Return the questions as one sentence."""
        last = len(asked) - 1
        return [
            (one, f"{begins + ' ' if place == 0 else ''}{text}{'.' if place == last else ';'}")
            for place, (one, text) in enumerate(asked)
        ]

    def _bottom(self, diseases: tuple[str, ...], state: str) -> str:
        certainty = self.found.certainty_of(self.row)
        page = self.found.consult.data.page
        label = self.found.leading.labels[self.row]
        called = label.replace("_", " ") if label else ""
        name = " and ".join(self._first(self.names.diseases[x], n) for n, x in enumerate(diseases))
        before = page.certainty[cast(Certainty, certainty)].format(name=name, label=called)
        if self.values.get("disease_renamed") and certainty == "proven":
            before += f", not {called}"
        held = [
            one.text
            for number, one in enumerate(page.beside)
            if self.found.holds(f"{BESIDE}{number}", self.row)
        ]
        if held:
            before += f" with {' and '.join(held[:2])}"
        worked = self._named(WORKED)
        text = state.format(
            tried=self._named(FAILED, PARTLY) or "treatment",
            to=f" to {worked}" if worked else "",
            label=called or "myositis",
        )
        return f"{before[:1].upper()}{before[1:]}; {text}."

    def _first(self, name: str, place: int) -> str:
        return name if place == 0 else name[:1].lower() + name[1:]

    def _named(self, *told: str) -> str:
        """Name the drugs of which one of some things is told, at most three."""
        names = [
            self.names[x]
            for x in sorted(self.found.consult.given.drugs, key=lambda x: x not in (ORAL, PULSE))
            if any(self.values.get(prefix + x) for prefix in told)
        ]
        if not names:
            return ""
        if len(names) > 3:
            return f"{len(names)} drugs"
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    @cached_property
    def values(self) -> Mapping[str, Value | None]:
        """Return every column of the patient."""
        return self.found.table.row(self.row)

    def _text(self, one: Chosen) -> str:
        numbers = {x: f"{v:g}" for x, v in self.values.items() if isinstance(v, float) and v == v}
        text = (one.line.further if one.place else None) or one.line.text
        instead = self.names[one.instead_of] if one.instead_of else ""
        known = {
            "begin": f"Switch {instead} to" if instead else "Start",
            "object": self.names[one.object],
            "lead": " and ".join(self.names.diseases[x] for x in self.found.diseases_of(self.row)),
            "instead": f" instead of {instead}" if instead else "",
            "dose": self._dose(one.object) if "{dose}" in text else "",
            "care": self._care(one.object) if "{care}" in text else "",
            "reason": self._reason(one) if "{reason}" in text else "",
        }
        said = re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], numbers.get(m[1], "?")), text)
        said = " ".join(said.split())
        if one.section == "ask":
            return said
        return f"{said[:1].upper()}{said[1:]}."

    def _dose(self, treatment: str) -> str:
        doses = self.found.consult.data.doses
        for number, one in enumerate(doses):
            if one.treatment == treatment and self.found.holds(f"{DOSE}{number}", self.row):
                return f", {one.text}"
        return ""

    def _care(self, treatment: str) -> str:
        held = [
            one.text
            for number, one in enumerate(self.found.consult.data.cautions)
            if treatment in one.treatments and self.found.holds(f"{CARE}{number}", self.row)
        ]
        return f" ({'; '.join(held[:2])})" if held else ""

    def _reason(self, one: Chosen) -> str:
        """Name what is recorded and speaks against a treatment."""
        found = [self.names[x] for x in self._against(one.object)]
        return " and ".join(x[:1].lower() + x[1:] if x[1:2].islower() else x for x in found[:2])

    def _against(self, option: str) -> list[str]:
        consult = self.found.consult
        seen: dict[str, Verdict] = {}
        found: list[str] = []
        row = self.values
        for level in ("contraindicated", "avoid"):
            for place, one in enumerate(consult.options.against.get(option, ())):
                if one.level != level:
                    continue
                verdict = reasons_of(
                    against_column(consult.options.data.options[option], place),
                    consult.options.program, row, seen,
                )  # fmt: skip
                if verdict.value is True:
                    found += [x for x in sorted(verdict.because) if x not in found]
        return found

    def _said(self, one: Chosen, text: str) -> Said:
        because = tuple(dict.fromkeys(self._because(one)))
        held: dict[str, Any] = {
            "rule": one.rule, "text": text, "because": because, "cites": self._cites(one),
        }  # fmt: skip
        match one.section:
            case "today" | "do":
                return Action(
                    verb=cast(Verb, one.verb), object=one.object, instead_of=one.instead_of, **held
                )
            case "why":
                return Reason(explanation=one.object, **held)
            case "changes":
                return Change(finding=one.object, **held)
        return Question(finding=one.object, **held)

    def _because(self, one: Chosen) -> Iterator[str]:
        consult = self.found.consult
        program = Program({**consult.before.rules, **consult.lines.rules})
        rules = [one.rule]
        if one.line.each and one.line.each != LEAD:
            rules.append(f"{EACH}{one.line.each}.{one.object}")
            if one.line.each == "barred":
                yield from self._against(one.object)
        seen: dict[str, Verdict] = {}
        for rule in rules:
            for name in sorted(reasons_of(rule, program, self.values, seen).because):
                # What is told counts where it is so: that other things are not so is no reason.
                if self.values.get(name) in (None, False) or name.startswith(_SILENT):
                    continue
                for prefix in _BARE:
                    if name.startswith(prefix):
                        name = name.removeprefix(prefix)
                        break
                yield name

    def _cites(self, one: Chosen) -> tuple[str, ...]:
        """Return the works of a line; where it has none, those of its dose and of its treatment."""
        parts: list[Sourced] = [one.line]
        for number, dose in enumerate(self.found.consult.data.doses):
            if dose.treatment == one.object and self.found.holds(f"{DOSE}{number}", self.row):
                parts.append(dose)
        option = self.found.consult.options.data.options.get(one.object)
        keys = [key for part in parts for key in part.cites]
        if not keys and option:
            keys = [*(k for x in option.guidelines for k in x.cites), *option.safety_cites]
        return tuple(dict.fromkeys(keys))[:MOST_CITED]

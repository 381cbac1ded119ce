"""The words of page one: names, doses and cautions in the chosen lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from myoresist.arrays.table import RowView, Value
from myoresist.consult.choose import NEXT, Chosen
from myoresist.consult.compile import BESIDE, CARE, DOSE, EACH
from myoresist.consult.evaluate import Consult, Consults
from myoresist.consult.given import FAILED, GIVEN, ORAL, PARTLY, PULSE, WORKED
from myoresist.consult.leading import RENAMED
from myoresist.consult.schema import Dose, Section
from myoresist.rules.reasons import Verdict
from myoresist.rules.reasons import explain as reasons_of
from myoresist.treatment.columns import ALLERGY, against_column
from myoresist.treatment.schema import Against

ALLERGIC = "allergic"
"""The family of treatments that an allergy alone keeps from the page."""
MOST_NAMED = 3
"""Drugs that the bottom line names before it counts them."""
WEEKS = 52 / 12
"""Weeks of a month."""
_PART = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Names:
    """What findings, diseases, treatments and other objects are called on the page."""

    labels: Mapping[str, str]
    diseases: Mapping[str, str]

    @classmethod
    def of(cls, consult: Consult, labels: Mapping[str, str], diseases: Mapping[str, str]) -> Names:
        """Return the names, the short ones of the consult first."""
        data = consult.data
        short = {x: data.leader.names.get(x) or _plain(name) for x, name in diseases.items()}
        drugs = {x: data.drug_names.get(x, name) for x, name in consult.given.treatments.items()}
        objects = {one.id: one.text for one in data.objects}
        return cls({**labels, **drugs, **short, **objects}, short)

    def __getitem__(self, name: str) -> str:
        """Return what something is called."""
        return self.labels.get(name) or name.replace("_", " ")


@dataclass(frozen=True)
class Page:
    """The words of the page of one patient.

    Attributes:
        found: what ``Consult.evaluate`` returned.
        row: the patient.
        names: what things are called.
    """

    found: Consults
    row: int
    names: Names

    @cached_property
    def values(self) -> Mapping[str, Value | None]:
        """Return every column of the patient."""
        return RowView(self.found.table, self.row)

    @property
    def bottom(self) -> str:
        """Return the bottom line: what it is, how sure, what stands beside it, and the state."""
        return f"{self.disease}; {self.course}."

    @property
    def disease(self) -> str:
        """Return what the bottom line says of the disease."""
        page, certainty = self.found.consult.data.page, self.found.certainty_of(self.row)
        name = " and ".join(self.names.diseases[x] for x in self.found.diseases_of(self.row))
        said = page.certainty[certainty].format(name=name)
        beside = [x.text for n, x in enumerate(page.beside) if self._holds(f"{BESIDE}{n}")]
        if beside:
            said += f" with {_and(beside[:2])}"
        if certainty == "proven" and self._holds(RENAMED):
            said += f", not {self._called}"
        return f"{said[:1].upper()}{said[1:]}"

    @property
    def course(self) -> str:
        """Return what the bottom line says of the state."""
        worked = self.named(WORKED)
        return self.found.state_of(self.row).bottom.format(
            tried=self.named(FAILED, PARTLY) or self.named(GIVEN) or "treatment",
            to=f" to {worked}" if worked else "",
            label=self._called,
        )

    @property
    def _called(self) -> str:
        """Return what the disease was called."""
        label = self.found.leading.labels[self.row]
        return self.names[label] if label else "myositis"

    def written(self, section: Section, lines: Sequence[Chosen]) -> list[str]:
        """Return the texts of the lines of a section as they stand on the page."""
        texts = [self.text(one) for one in lines]
        if section == "ask" and texts:
            foot = self.found.consult.data.page.foot[self.found.state_of(self.row).page]
            *most, last = (f"{foot} {texts[0]}", *texts[1:])
            texts = [*(f"{x};" for x in most), f"{last}."]
        return texts

    def told_of_pair(self, one: Chosen) -> bool:
        """Tell whether only the other of a pair contraindicates a treatment; the pair has a line."""
        pairs = self.found.consult.data.page.never_together
        against = set(self.against(one.object))
        return any(one.object in x and against <= {f"trial_{y}_running" for y in x} for x in pairs)

    def doses(self, treatment: str) -> list[Dose]:
        """Return how a treatment is given in this patient."""
        doses = enumerate(self.found.consult.data.doses)
        return [x for n, x in doses if x.treatment == treatment and self._holds(f"{DOSE}{n}")]

    def against(self, option: str) -> list[str]:
        """Return what is recorded and contraindicates a treatment."""
        found = (name for _, verdict in self._barred(option) for name in sorted(verdict.because))
        return list(dict.fromkeys(found))

    def against_cites(self, option: str) -> list[str]:
        """Return the works by which what is recorded contraindicates a treatment."""
        return list(dict.fromkeys(key for one, _ in self._barred(option) for key in one.cites))

    def _barred(self, option: str) -> Iterator[tuple[Against, Verdict]]:
        """Yield the contraindications of a treatment that hold, with what they rest on."""
        consult = self.found.consult
        seen: dict[str, Verdict] = {}
        for place, one in enumerate(consult.options.against.get(option, ())):
            if one.level == "contraindicated":
                rule = against_column(consult.options.data.options[option], place)
                verdict = reasons_of(rule, consult.options.program, self.values, seen)
                if verdict.value is True:
                    yield one, verdict

    def text(self, one: Chosen) -> str:
        """Return the text of a line."""
        text = _PART.sub(lambda found: self._part(one, found[1]), _template(one))
        text = " ".join(text.split())
        if one.section == "ask":
            return text
        return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('?') else '.'}"

    def _part(self, one: Chosen, part: str) -> str:
        """Return what stands for a name in braces."""
        match part:
            case "object":
                return self.names[one.object]
            case "lead":
                return _and([self.names.diseases[x] for x in self.found.diseases_of(self.row)])
            case "begin":
                return f"Switch {self.names[one.instead_of]} to" if one.instead_of else "Start"
            case "dose":
                return "".join(f", {x.text}" for x in self.doses(one.object)[:1])
            case "care":
                return self._care(one)
            case "allergic":
                return self._allergic()
            case "judge":
                return self._judge(one.object)
            case "reason":
                silent = self.found.consult.data.page.not_facts
                told = [x for x in self.against(one.object) if x not in silent]
                return _and([_inside(self.names[x]) for x in told[:2]])
        raise KeyError(f"{one.rule}: nothing stands for {{{part}}}")

    def _care(self, one: Chosen) -> str:
        cautions = enumerate(self.found.consult.data.cautions)
        held = [
            x.text for n, x in cautions if one.object in x.treatments and self._holds(f"{CARE}{n}")
        ][:2]
        if one.line.each == NEXT and one.place == 0:
            # Whoever looks for the treatment that comes first sees why it does not stand there.
            held += filter(None, [self._allergic()])
        return f" ({'; '.join(held)})" if held else ""

    def allergies(self) -> list[str]:
        """Return the allergies that are recorded."""
        return [
            x for x in self.found.table.truths if x.startswith(ALLERGY) and self.values[x] is True
        ]

    def _allergic(self) -> str:
        """Return which treatments are not proposed for an allergy or intolerance alone."""
        family = self.found.consult.families[ALLERGIC]
        held = [self.names[x] for x in family if self._holds(f"{EACH}{ALLERGIC}.{x}")]
        return f"{_and(held)}: allergy or intolerance recorded" if held else ""

    def _judge(self, treatment: str) -> str:
        """Return by when a treatment is judged, in months."""
        option = self.found.consult.options.data.options.get(treatment)
        return f"; judge by month {round(option.judge_after_weeks[1] / WEEKS)}" if option else ""

    def named(self, *told: str) -> str:
        """Name the drugs of which one of some things is told."""
        flags = self.found.told(told)[:, self.row]
        drugs = [x for x, held in zip(self.found.consult.given.drugs, flags, strict=True) if held]
        if len(drugs) > MOST_NAMED:
            return f"{len(drugs)} drugs"
        return _and(self.names[x] for x in sorted(drugs, key=lambda x: x not in (ORAL, PULSE)))

    def _holds(self, column: str) -> bool:
        return self.found.holds(column, self.row)


def parts_of(one: Chosen) -> set[str]:
    """Return the names in braces for which something stands in the text of a line."""
    return set(_PART.findall(_template(one)))


def _template(one: Chosen) -> str:
    return (one.line.further if one.place else None) or one.line.text


def _and(names: Iterable[str]) -> str:
    """Return names as a list in a sentence."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def _inside(name: str) -> str:
    """Return a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _plain(name: str) -> str:
    """Return the name of a disease as it stands inside a sentence, without what is in brackets."""
    return _inside(name.partition(" (")[0])

"""The rules of page one in plain words, for whoever asks why a line stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from myoresist.consult.compile import (
    ANY,
    CANCER,
    DISPUTED,
    EACH,
    FACTS,
    LEAD,
    LISTED,
    PLACEHOLDER,
    SAID,
    STATE,
    WAITING,
    Rules,
)  # fmt: skip
from myoresist.consult.given import (
    ANY_RESPONSE,
    COURSES,
    ENDED,
    FAILED,
    GIVEN,
    HARMED,
    LAST_GOOD,
    NOT_ENOUGH,
    NOW,
    PARTLY,
    WORKED,
)  # fmt: skip
from myoresist.consult.leading import (
    CERTAINTIES,
    FAMILY,
    LABEL,
    LEADS,
    MYOSITIS,
    OTHER,
    PROVEN_OF,
    RENAMED,
)
from myoresist.rules.nodes import AtLeast, Constant
from myoresist.rules.phrases import in_words

_SAYS = {
    DISPUTED: "statements differ on {}",
    SAID: "{}, even if disputed",
    LEADS: "{} leads",
    PROVEN_OF: "{} is proven",
    LABEL: "called {}",
    CANCER: "the risk of cancer is {}",
    GIVEN: "{} was given",
    NOW: "{} goes on",
    ENDED: "{} ended",
    WORKED: "{} helped",
    PARTLY: "{} helped in part",
    FAILED: "{} did not help",
    HARMED: "{} was stopped for a side effect",
    LISTED: "{} is on the list of this patient",
    WAITING: "the time of {} is not up",
    "adequate_": "the trial of {} was adequate",
    "early_": "the trial of {} was too short",
    "low_": "the dose of {} was too low",
    "contraindicated_": "something recorded contraindicates {}",
    "avoid_": "something recorded speaks against {}",
    "caution_": "something recorded asks for care with {}",
    "explanation_": "it is explained by {}",
}
"""What a column tells of a finding, a disease or a treatment, by how its name begins."""
_NUMBERS = {
    NOT_ENOUGH: "number of treatments that did not do",
    COURSES: "number of treatments that were given",
    FACTS: "number of findings that tell of the disease",
    MYOSITIS: "probability of all myositis together",
}
_ALONE = {
    ANY_RESPONSE: "how a treatment went is recorded",
    LAST_GOOD: "the last treatment went well",
    OTHER: "another disease leads than the label means",
    RENAMED: "another myositis leads than the label means",
    **{f"disease_{x}": f"the diagnosis is {x.replace('_', ' ')}" for x in CERTAINTIES},
}


@dataclass(frozen=True)
class Words:
    """Says rules of the consult.

    Attributes:
        labels: what findings, diseases, treatments and the columns of the other questions are called.
        families: what families of diseases are called.
    """

    rules: Rules
    labels: Mapping[str, str]
    families: Mapping[str, str]

    def state(self, state: str) -> str:
        """Return the rule of a state."""
        node = self.rules.states.rules[STATE + state].node
        if isinstance(node, Constant):
            return "No other state fits."
        return _sentence(in_words(node, self.phrase))

    def line(self, rule: str) -> str:
        """Return the rule of a line: in which states, under which condition, and for which treatments."""
        section, _, name = rule.partition(".")
        own = next(
            one for held, one in self.rules.data.lines() if (held, one.id) == (section, name)
        )
        texts = {one.id: one.text for one in self.rules.data.states}
        parts = []
        if own.states and len(own.states) < len(texts):
            parts.append(f"In the state {_listed([f'“{texts[x]}”' for x in own.states])}")
        if own.when:
            parts.append(self._condition(rule, bool(own.states)))
        if own.each == LEAD:
            parts.append("for the disease that leads")
        elif own.each:
            parts.append(f"for each treatment that {self._column(own.each, family=True)}")
        return _sentence("; ".join(parts) or "For everybody")

    def _condition(self, rule: str, with_states: bool) -> str:
        """Return the condition of a line without that on its states, which stands first."""
        node = self.rules.lines.rules[rule].node
        if not (with_states and isinstance(node, AtLeast) and node.is_and):
            return in_words(node, self.phrase)
        rest = node.parts[1:]
        said = [in_words(one, self.phrase) for one in rest]
        if len(rest) == 1:
            return said[0]
        joined = (isinstance(x, AtLeast) and x.is_or and len(x.parts) > 1 for x in rest)
        return " and ".join(f"({x})" if j else x for x, j in zip(said, joined, strict=True))

    def phrase(self, name: str) -> str:
        """Return what a column is called; what is a clause stands in quotation marks."""
        if name in self.labels:
            return self.labels[name]
        if name in _NUMBERS:
            return _NUMBERS[name]
        return f"“{self._clause(name)}”"

    def _clause(self, name: str) -> str:
        if name in _ALONE:
            return _ALONE[name]
        if name.startswith(EACH):
            family, _, treatment = name.removeprefix(EACH).partition(".")
            return f"{self._called(treatment)} {self._column(family, family=True)}"
        if name.startswith(ANY) and name.removeprefix(ANY) in self.rules.families:
            return f"any treatment {self._column(name.removeprefix(ANY), family=True)}"
        if name.startswith(STATE):
            return next(x.text for x in self.rules.data.states if STATE + x.id == name)
        if name.removeprefix(FAMILY) in self.families and name.startswith(FAMILY):
            return f"the leading disease belongs to: {self.families[name.removeprefix(FAMILY)]}"
        if text := self._column(name):
            return text
        for prefix, text in _SAYS.items():
            if name.startswith(prefix):
                return text.format(self._called(name.removeprefix(prefix)))
        return name.replace("_", " ")

    def _called(self, name: str) -> str:
        return self.labels.get(name) or name.replace("_", " ")

    def _column(self, name: str, family: bool = False) -> str:
        """Return what ``columns.yaml`` says of a column, or of each of a family; nothing if it has none."""
        wanted = f"{name}_{PLACEHOLDER}" if family else name
        text = next((x.text for x in self.rules.data.columns if x.id == wanted), "")
        return text[:1].lower() + text[1:]


def _listed(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."

"""Page one in lines, each with its rule in words, what of the patient triggered it, and its sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from myoresist.assessment import DISEASE, PageOne
from myoresist.consult.results import Action, Said
from myoresist.report.document import Datum, Line, Tone
from myoresist.report.treatment import GIVEN
from myoresist.report.wording import places, spaced
from myoresist.resistance.explanations.evaluate import PREFIX

TONES: dict[str, Tone] = {"responding": "for", "too_little_known": "quiet", "deceased": "quiet"}
"""What a state means; any other asks for something to be done."""
TITLES = {
    "today": "Today", "why": "Why", "confirm": "First", "do": "Do", "changes": "Would change this",
}  # fmt: skip
NOT_GIVEN = "not given before, as far as is recorded"
MOST_NAMED = 3


@dataclass(frozen=True)
class Told:
    """A block of page one as it is told."""

    id: str
    title: str
    lines: tuple[Line, ...]
    tone: Tone = ""
    numbered: bool = False


class FirstPage:
    """Tells page one of an assessment."""

    def __init__(self, data: PageOne) -> None:
        self.data = data
        self.consult = data.consult
        self.facts = {one.id: one for one in data.record}
        self.explanations = {PREFIX + one.id: one for one in data.resistance.why.explanations}

    @property
    def tone(self) -> Tone:
        """Return what the state means."""
        return TONES.get(self.consult.state, "open")

    def bottom_line(self) -> Line:
        """Return what it is, in one sentence."""
        return Line(
            self.consult.bottom_line,
            rule=self._rule(self.consult.state),
            record=tuple(self._diseases(self.consult.diseases)),
        )

    def blocks(self) -> Iterator[Told]:
        """Yield the blocks that say anything."""
        one = self.consult
        for name, said in (
            ("today", one.today),
            ("why", one.why),
            ("do", one.do),
            ("changes", one.changes),
        ):
            if name == "do" and self.data.named:
                yield self._named()
            if said:
                lines = tuple(map(self._line, said))
                tone: Tone = "against" if name == "today" else ""
                yield Told(name, TITLES[name], lines, tone, name == "do" and len(said) > 1)
        if one.ask:
            yield self._ask()

    def _named(self) -> Told:
        """Return what to confirm before anything is done: drugs of which the record tells only the name."""
        shown = ", ".join(self.data.named[:MOST_NAMED])
        more = len(self.data.named) - MOST_NAMED
        told = f"{shown} and {more} more" if more > 0 else shown
        line = Line(f"Confirm what is taken: {told} (named without a code, not counted).")
        return Told("confirm", TITLES["confirm"], (line,), "against")

    def doubt(self) -> str:
        """Say what in the record does not agree or could not be used."""
        texts = []
        names = [self.data.labels[one.finding] for one in self.data.contradictions]
        if names:
            shown = list(dict.fromkeys(names))
            more = f"; and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
            told = "; ".join(shown[:MOST_NAMED]) + more
            texts.append(f"The record contradicts itself, so these count as unknown: {told}.")
        if number := len(self.data.remarks) - self.data.left_open:
            texts.append(f"Not used as written: {number} {'entry' if number == 1 else 'entries'}.")
        return " ".join(texts)

    def _ask(self) -> Told:
        """Return the questions: one line of what nobody mentioned, which opens to what to ask."""
        begins, _, text = " ".join(one.text for one in self.consult.ask).partition(": ")
        questions = (
            Line(
                self.data.questions.get(one.finding, one.text.strip(";.")),
                detail=True,
                sign="?",
                cites=one.cites,
                rule=self._rule(one.rule),
                because=self._findings(one),
            )
            for one in self.consult.ask
        )
        line = Line(text[:1].upper() + text[1:], "quiet")
        return Told("ask-first", begins, (line, *questions), "quiet")

    def _line(self, said: Said) -> Line:
        return Line(
            said.text,
            cites=said.cites,
            rule=self._rule(said.rule),
            because=self._findings(said),
            record=tuple(self._others(said)),
        )

    def _rule(self, rule: str) -> str:
        return self.data.rules[f"consult.{rule}"]

    def _findings(self, said: Said) -> tuple[str, ...]:
        """Return the findings that triggered a line and of which more is known than that they are there."""
        return tuple(x for x in said.because if self._known(x))

    def _known(self, name: str) -> bool:
        fact = self.facts.get(name)
        if fact:
            return fact.how != "contradicted"
        values = (self.data.resistance.values, self.data.treatment.values)
        return any(one.get(name) is not None for one in values)

    def _others(self, said: Said) -> Iterator[Datum]:
        """Say what of diseases and treatments triggered a line."""
        yield from self._diseases(x for x in said.because if x in self.consult.diseases)
        if "cancer_risk_high" in said.because:
            yield Datum("Risk of cancer", "high")
        own = (said.object, said.instead_of) if isinstance(said, Action) else ()
        if self.consult.state in said.because:
            yield Datum("State", self.consult.state_text)
        for name in said.because:
            fact = self.facts.get(name)
            if fact and fact.how == "contradicted":
                yield Datum(fact.label, "one statement says so, another not", places(fact.where))
            elif name in self.explanations:
                yield Datum(self.explanations[name].name, spaced(self.explanations[name].status))
            elif name in self.data.labels and not self._known(name):
                yield Datum(self.data.labels[name], "recorded")
            option = self.data.treatment.options.get(name)
            if not option:
                continue
            given = ", ".join(GIVEN[x] for x in option.given)
            if given or name in own:
                yield Datum(option.name, given or NOT_GIVEN)
            elif isinstance(said, Action) and said.verb in ("start", "switch"):
                yield Datum(option.name, "did not suffice, or was not borne")

    def _diseases(self, diseases: Iterable[str]) -> Iterator[Datum]:
        """Say how sure the diseases are on which the page acts; what stands beside the first is proven."""
        for name in diseases:
            first = name == self.consult.diseases[0]
            sure = self.consult.certainty if first else "proven"
            yield Datum(self.data.labels[DISEASE + name], spaced(sure))

"""What page one is made of: states, lines and words; all of it data of ``knowledge/consult/``.

Every condition may read what the four answers read and tell, and the columns of ``columns.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from myoresist.knowledge.schema import Entry, Sourced, load, load_list

Section = Literal["today", "why", "do", "changes", "ask"]
SECTIONS: tuple[Section, ...] = get_args(Section)
Certainty = Literal["proven", "very_likely", "likely", "open"]
Verb = Literal[
    "stop", "taper", "reduce", "continue", "switch", "start", "optimise", "repeat", "avoid",
    "test", "examine", "ask", "exclude", "treat", "relabel", "refer", "wait",
]  # fmt: skip


class State(Sourced):
    """A state of the patient; the first of the file whose rule is true is the state.

    Attributes:
        text: what it is called.
        bottom: what the bottom line says of it after the disease; ``{tried}`` are the treatments that did
            not do, ``{to}`` those that did, ``{label}`` is what it was called.
        page: how much stands on the page.
    """

    id: str
    text: str
    when: str
    bottom: str
    page: Literal["whole", "little", "silent"] = "whole"


class Line(Sourced):
    """A line that may stand on the page, in the order of its file.

    Attributes:
        when: for whom; for everybody in ``states`` if there is none.
        states: the states in which it may stand, all if empty.
        each: a family of treatments or diseases for each of which the line is said.
        most: how often a line with ``each`` is said at most.
        text: what it says; ``{object}`` and ``{lead}`` are names, ``{begin}`` is start or what it replaces,
            ``{dose}`` and ``{care}`` are what belongs to the drug, ``{reason}`` what contraindicates it,
            ``{judge}`` by when it is judged, ``{allergic}`` what an allergy alone keeps from the page.
        further: what it says from the second of ``each`` on.
    """

    id: str
    when: str | None = None
    states: tuple[str, ...] = ()
    each: str | None = None
    most: int = Field(3, ge=1)
    text: str
    further: str | None = None


class ActionLine(Line):
    """An action. ``object`` is an id of the knowledge or of ``objects``; with ``each`` it is each of them."""

    verb: Verb
    object: str | None = None


class ReasonLine(Line):
    """A reason why it did not respond."""

    explanation: str


class FindingLine(Line):
    """What would change the page, or what to ask."""

    finding: str


class Column(Entry):
    """A column that conditions of the consult may read, by the rule that fills it.

    A name with ``{treatment}`` is a family: one column a treatment, without those of ``but``;
    ``any_<family>`` says whether any of them holds.
    """

    id: str
    text: str
    when: str
    but: tuple[str, ...] = ()


class Proof(Sourced):
    """What proves a disease beside its own rule."""

    disease: str
    when: str


class Caution(Sourced):
    """What belongs to a treatment in some patients, in a few words."""

    treatments: tuple[str, ...]
    when: str
    text: str


class Hold(Sourced):
    """Treatments that are not proposed while something is so."""

    treatments: tuple[str, ...]
    when: str
    text: str


class Dose(Sourced):
    """How a treatment is given, in a few words; ``when`` says for whom, where it is not for all."""

    treatment: str
    when: str | None = None
    text: str


class Beside(Entry):
    """What the bottom line adds to the disease."""

    when: str
    text: str


class Thing(Entry):
    """An object that stands nowhere else in the knowledge."""

    id: str
    text: str


class Need(Sourced):
    """Without what a disease is not looked at while it is not proven."""

    disease: str
    when: str


class Leader(Entry):
    """By what a disease leads the page.

    Attributes:
        likely_at, very_likely_at: least probability (0 to 1).
        labelled_at: least probability of what the label stands for, where nothing else is more probable.
        needs: what has to hold for a disease to be looked at.
        kin: families of diseases that are renamed, not replaced, where a label of the same kin is wrong.
        beside: diseases that stand beside the leading one where they are proven.
        unspecific: labels that name no disease, so that a more exact name is no renaming.
    """

    likely_at: float = Field(gt=0, lt=1)
    labelled_at: float = Field(gt=0, lt=1)
    very_likely_at: float = Field(gt=0, lt=1)
    needs: tuple[Need, ...]
    kin: tuple[str, ...]
    beside: tuple[str, ...]
    unspecific: tuple[str, ...]
    proofs: tuple[Proof, ...]
    names: Mapping[str, str]


class Page(Entry):
    """How much stands on the page, and which treatments take the place of which.

    Attributes:
        words: the most words of a page, by ``State.page``.
        most: the most lines of each section, by ``State.page``.
        trim: sections whose last line goes, in this order, while there are too many words.
        foot: how the line of questions begins, by ``State.page``.
        beside: what the bottom line adds to the disease, at most two.
        dangers: findings that count as present while one statement says so.
        pulse_from_mg: the least single dose of an intravenous glucocorticoid that is a pulse.
        lines: classes of drugs that are lines of treatment.
        replaces: treatments of which one takes the place of another; two of them are never proposed together.
        never_together: treatments of which a new one takes the place of the other, however that did.
        late: treatments that come after the others of a list.
        against_best: measures of a visit that are compared with the best visit before, and whether
            ``more`` or ``less`` is better.
        certainty: how sure a disease is, in words.
        not_facts: findings that tell nothing of the disease.
    """

    words: Mapping[str, int]
    most: Mapping[str, Mapping[Section, int]]
    trim: tuple[Section, ...]
    foot: Mapping[str, str]
    beside: tuple[Beside, ...] = Field(alias="with")
    dangers: tuple[str, ...]
    pulse_from_mg: float
    lines: tuple[str, ...]
    replaces: tuple[tuple[str, ...], ...]
    never_together: tuple[tuple[str, str], ...]
    late: tuple[str, ...]
    against_best: Mapping[str, Literal["more", "less"]]
    certainty: Mapping[Certainty, str]
    not_facts: tuple[str, ...]


class _Drugs(Entry):
    doses: tuple[Dose, ...]
    cautions: tuple[Caution, ...]
    holds: tuple[Hold, ...]
    names: Mapping[str, str]


@dataclass(frozen=True)
class ConsultData:
    """``knowledge/consult/`` as it stands in the files."""

    page: Page
    leader: Leader
    columns: tuple[Column, ...]
    states: tuple[State, ...]
    today: tuple[ActionLine, ...]
    why: tuple[ReasonLine, ...]
    do: tuple[ActionLine, ...]
    changes: tuple[FindingLine, ...]
    ask: tuple[FindingLine, ...]
    doses: tuple[Dose, ...]
    cautions: tuple[Caution, ...]
    holds: tuple[Hold, ...]
    drug_names: Mapping[str, str]
    objects: tuple[Thing, ...]

    @classmethod
    def load(cls, folder: Path) -> ConsultData:
        """Read ``consult/`` of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        where = folder / "consult"
        drugs = load(where / "drugs.yaml", _Drugs)
        return cls(
            page=load(where / "page.yaml", Page),
            leader=load(where / "diseases.yaml", Leader),
            columns=load_list(where / "columns.yaml", Column),
            states=load_list(where / "states.yaml", State),
            today=load_list(where / "today.yaml", ActionLine),
            why=load_list(where / "why.yaml", ReasonLine),
            do=load_list(where / "do.yaml", ActionLine),
            changes=load_list(where / "changes.yaml", FindingLine),
            ask=load_list(where / "ask.yaml", FindingLine),
            doses=drugs.doses,
            cautions=drugs.cautions,
            holds=drugs.holds,
            drug_names=drugs.names,
            objects=load_list(where / "objects.yaml", Thing),
        )

    def lines(self) -> Iterator[tuple[Section, Line]]:
        """Walk through every line with its section, in the order of the page."""
        yield from (("today", one) for one in self.today)
        yield from (("why", one) for one in self.why)
        yield from (("do", one) for one in self.do)
        yield from (("changes", one) for one in self.changes)
        yield from (("ask", one) for one in self.ask)

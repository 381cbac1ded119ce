"""What an assessment holds of the antibodies of one patient, as data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from myoresist.result import Result
from myoresist.serology.schema import Evidence, Topic


class SourcedResult(Result):
    """Something with its sources and how it was checked."""

    cites: tuple[str, ...] = ()
    check: str | None = None


class TestResult(SourcedResult):
    """One result of one antibody, and what it says for the antibody being there."""

    __test__ = False

    method: str
    strength: str
    place: str | None
    likelihood_ratio: float
    note: str | None = None


class PriorResult(SourcedResult):
    """How likely the antibody was before its results: its frequency, scaled by the setting."""

    value: float
    frequency: float
    setting: str
    because: tuple[str, ...]
    note: str | None = None


class TypicalResult(SourcedResult):
    """A finding or investigation that the antibody asks for, or a finding that does not fit it."""

    id: str
    text: str
    percent: float | None = None


class AntibodyResult(SourcedResult):
    """One antibody that was tested: how sure it is and, if it was reported, what it means.

    ``target`` is given where the probability is that of a disease. ``probability`` is NULL for antibodies
    whose frequency is not known.
    """

    id: str
    kind: Literal["msa", "maa", "modifier"]
    group: str
    reported: bool
    target: str | None
    tests: tuple[TestResult, ...]
    prior: PriorResult | None
    likelihood_ratio: float | None
    probability: float | None
    level: str | None
    level_text: str | None
    subset: str
    fits: tuple[TypicalResult, ...] = ()
    not_recorded: tuple[TypicalResult, ...] = ()
    typical_but_absent: tuple[TypicalResult, ...] = ()
    present_but_unusual: tuple[TypicalResult, ...] = ()
    not_done: tuple[TypicalResult, ...] = ()


class SaidResult(SourcedResult):
    """A statement that holds, the findings that decided and what to look for.

    ``level`` is that of the least sure antibody on which it rests.
    """

    id: str
    topic: Topic
    text: str
    evidence: Evidence
    because: tuple[str, ...]
    level: str | None = None
    suggests: tuple[str, ...] = ()


class OpenResult(Result):
    """A statement on a reported antibody that would hold if unknown findings were as it asks."""

    id: str
    topic: Topic
    text: str
    unknown: tuple[str, ...]


class FactorResult(SourcedResult):
    """One risk factor for cancer: present, absent or unknown, and the findings behind it."""

    id: str
    tier: str
    text: str
    value: bool | None
    because: tuple[str, ...]


class PanelResult(SourcedResult):
    """A panel of investigations."""

    id: str
    text: str
    items: tuple[str, ...]


class CancerResult(SourcedResult):
    """The category of cancer risk and the search that the guideline asks for.

    ``lowest`` counts unknown inputs as absent, ``highest`` as present; where they differ the category is
    ``undetermined``, ``unknown`` names what would settle it, ``at_diagnosis`` and ``follow_up`` are
    those of ``lowest``, and ``if_highest`` says what the highest would ask for. ``scope_unknown`` names what
    leaves open whether the guideline applies.
    """

    guideline: str
    category: str
    title: str
    lowest: str
    highest: str
    applies: bool | None
    scope: tuple[str, ...]
    scope_unknown: tuple[str, ...]
    factors: tuple[FactorResult, ...]
    unknown: tuple[str, ...]
    at_diagnosis: tuple[PanelResult, ...]
    follow_up: str | None
    if_highest: str | None
    extras: tuple[SaidResult, ...]
    notes: tuple[str, ...]


class SerologyResult(Result):
    """What the antibodies say of one patient."""

    patient_id: str
    setting: str
    most_likely: str | None
    antibodies: tuple[AntibodyResult, ...]
    not_tested: tuple[str, ...]
    says: tuple[SaidResult, ...]
    open: tuple[OpenResult, ...]
    cancer: CancerResult

    def sources(self) -> Iterator[str]:
        """Walk through the keys of all works that are cited."""
        yield from _cited(self)

    def __str__(self) -> str:
        """Return one line; see ``__repr__``."""
        return repr(self)

    def __repr__(self) -> str:
        """Return one line: who, the most likely antibody and the category of cancer risk."""
        return (
            f"<Serology of {self.patient_id}: {self.most_likely or 'no specific antibody'}, "
            f"cancer risk {self.cancer.category}>"
        )


def _cited(value: object) -> Iterator[str]:
    if isinstance(value, SourcedResult):
        yield from value.cites
    if isinstance(value, Result):
        for name in type(value).model_fields:
            yield from _cited(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _cited(one)

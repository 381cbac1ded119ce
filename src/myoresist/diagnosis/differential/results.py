"""What the differential diagnosis of one patient says, as plain data."""

from __future__ import annotations

from myoresist.result import Result

Finding = bool | float


class EvidenceResult(Result):
    """What one finding says for or against a disease.

    Attributes:
        ratio: likelihood ratio against what it is compared with; above 1 speaks for the disease.
        percent: how often it is found in the disease, in percent; none for a measured finding.
        other_percent: how often in what it is compared with.
        weight: the share of its weight that counts, as it travels together with others.
        source: key of the publication; none for an estimate.
    """

    finding: str
    value: Finding
    ratio: float
    percent: float | None = None
    other_percent: float | None = None
    weight: float = 1.0
    source: str | None = None
    check: str | None = None


class RankedDiseaseResult(Result):
    """One disease with its probability (0 to 1), and the reasons.

    Attributes:
        confirmed: whether the test that confirms it is there; none where not all of it is known.
        supporting: findings that speak for it, compared with unselected suspected neuromuscular disease.
        opposing: findings that speak against it.
        typical_missing: findings that are usual in it and absent here.
        unexplained: findings that are present and unusual in it.
    """

    id: str
    name: str
    family: str
    probability: float
    confirmed: bool | None
    confirmed_by: str
    supporting: tuple[EvidenceResult, ...]
    opposing: tuple[EvidenceResult, ...]
    typical_missing: tuple[EvidenceResult, ...]
    unexplained: tuple[EvidenceResult, ...]
    why_it_resists: str
    implication: str
    cites: tuple[str, ...]
    check: str | None


class DiseaseResult(RankedDiseaseResult):
    """The same with the 95 % credible interval of the probability."""

    low: float
    high: float


class ProbabilityResult(Result):
    """A disease or a family with its probability (0 to 1)."""

    id: str
    name: str
    probability: float


class PairResult(Result):
    """Diseases that stand beside whatever leads: also, not instead."""

    id: str
    text: str
    diseases: tuple[str, ...]
    why: str
    cites: tuple[str, ...]
    check: str | None


class RankedLabelResult(Result):
    """The diagnosis that the patient carries, against everything else.

    Attributes:
        diseases: what the label stands for in the differential.
        without: its probability if nothing were known of the label itself.
        outranked_by: the leading disease, if the label does not stand for it.
        flags: findings that speak against the label, those with most weight first; the ratio says how many
            times as often they are found in the other diseases, weighed by their probability.
        pointing: for each flag the disease that it points to most.
    """

    label: str
    diseases: tuple[str, ...]
    probability: float
    without: float
    outranked_by: str | None
    flags: tuple[EvidenceResult, ...]
    pointing: tuple[str, ...]


class LabelResult(RankedLabelResult):
    """The same with the 95 % credible interval of its probability."""

    low: float
    high: float


class ResultResult(Result):
    """What a single result would do to the ranking."""

    finding: str
    value: bool
    likely: float
    leading: str
    probability: float
    label_probability: float | None


class InvestigationResult(Result):
    """An investigation with what it is expected to tell (bits) and what its results would do.

    Attributes:
        invasiveness: 1 bedside or blood, 2 imaging or electrophysiology, 3 biopsy or genetic panel.
        again: whether it was done before, so that only more is asked of it.
        proof: how likely it is to prove a disease that is believed, more where that can be treated.
        needed: whether the patient needs it now, whatever the disease.
        analytes: what of it matters most, for the diseases that are believed.
    """

    id: str
    name: str
    invasiveness: int
    again: bool
    gain: float
    gain_label: float
    proof: float
    needed: bool
    analytes: tuple[str, ...]
    unknown: tuple[str, ...]
    results: tuple[ResultResult, ...]
    note: str | None
    cites: tuple[str, ...]
    check: str | None


class QuestionResult(Result):
    """A question, or a sign to look for: what it is expected to tell (bits), and its answers."""

    finding: str
    gain: float
    results: tuple[ResultResult, ...]


class RankingResult(Result):
    """How probable each disease is in one patient, and why.

    Attributes:
        counted: how many findings count; without any, the priors are all there is.
        estimated: the share of the evidence on the leading disease that rests on estimates, 0 to 1.
        leading: the most probable diseases, with reasons.
        diseases: all diseases by probability.
        families: probability summed by family.
        beside: diseases that may add to the leading one rather than replace it.
        pairs: diseases that medicine knows to go together, where what is recorded asks for both.
    """

    setting: str
    population: str
    counted: int
    estimated: float
    leading: tuple[RankedDiseaseResult, ...]
    diseases: tuple[ProbabilityResult, ...]
    families: tuple[ProbabilityResult, ...]
    label: RankedLabelResult | None
    beside: tuple[ProbabilityResult, ...]
    pairs: tuple[PairResult, ...]
    cites: tuple[str, ...]

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites, in the order of reading."""
        found = [*self.cites, *(key for pair in self.pairs for key in pair.cites)]
        parts = [self.label.flags] if self.label else []
        for one in self.leading:
            found += one.cites
            parts += [one.supporting, one.opposing, one.typical_missing, one.unexplained]
        return found + [e.source for part in parts for e in part if e.source]


class DifferentialResult(RankingResult):
    """The differential diagnosis of one patient: the ranking, how sure it is, and what would tell most.

    Attributes:
        next_tests: what would tell most, for each step of invasiveness.
        questions: what history and examination leave open and would tell most.
    """

    leading: tuple[DiseaseResult, ...]
    label: LabelResult | None
    next_tests: tuple[InvestigationResult, ...]
    questions: tuple[QuestionResult, ...]

    def sources(self) -> list[str]:
        """Return the keys of all works that it cites, in the order of reading."""
        return super().sources() + [key for test in self.next_tests for key in test.cites]

"""How good the differential diagnosis is, on published cases whose diagnosis is known.

A folder holds one JSON file a case: ``id``, ``final_diagnosis``, ``findings`` (``present`` and ``absent``),
``numbers``, and where they apply ``also_accept`` (diagnoses that count as right), ``withheld`` (findings that
give the diagnosis away), ``initial_label``, ``thin`` (states too little) and ``label_confidence``. Every case
is asked twice: without what gives it away, and with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from myoresist.arrays.table import Numbers, Table
from myoresist.case.catalogue import Catalogue, read_rows
from myoresist.case.record import conform
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.explain import rank
from myoresist.diagnosis.differential.investigations import gains
from myoresist.diagnosis.differential.likelihood import AGE, ONSET, ONSET_HIGH, ONSET_LOW
from myoresist.document import DocumentError, Problem, read_document
from myoresist.knowledge.schema import Entry, validated
from myoresist.library import Knowledge

ADULT = 18
BINS = 10
RESAMPLES = 2_000
SEED = 20101
RAISED, MULTIPLE = "ck_raised", "ck_x_uln"

Value = bool | float
Flags = NDArray[np.bool_]


class _Findings(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


class PublishedCase(BaseModel):
    """One published case; keys that are not listed here are of no use for an evaluation."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    final_diagnosis: str
    also_accept: tuple[str, ...] = ()
    initial_label: str | None = None
    findings: _Findings
    numbers: Mapping[str, float] = {}
    numbers_derived: Mapping[str, float | Mapping[str, float]] = {}
    numbers_range: Mapping[str, tuple[float | None, float | None]] = {}
    withheld: tuple[str, ...] = ()
    thin: bool = False
    label_confidence: Literal["stated", "weak"] | None = None

    @property
    def typical(self) -> bool:
        """Tell whether it is of an adult, states enough and has a firm diagnosis."""
        age = self.numbers.get(AGE, self.numbers.get(ONSET, ADULT))
        return age >= ADULT and not self.thin and self.label_confidence != "weak"

    def coded(self) -> dict[str, Value]:
        """Return the findings as the file has them; a range is turned into what it means."""
        found: dict[str, Value] = {
            **dict.fromkeys(self.findings.present, True),
            **dict.fromkeys(self.findings.absent, False),
            **self.numbers,
            **{k: v for k, v in self.numbers_derived.items() if isinstance(v, float | int)},
        }
        low, high = self.numbers_range.get(ONSET, (None, None))
        found |= {name: v for name, v in ((ONSET_LOW, low), (ONSET_HIGH, high)) if v is not None}
        low, high = self.numbers_range.get(MULTIPLE, (None, None))
        if low is not None and low >= 1:
            found[RAISED] = True
        elif high is not None and high <= 1:
            found[RAISED] = False
        return found


class Recoding(Entry):
    """A finding that the source of a case states and the case file lacks, or has wrong."""

    case: str
    finding: str
    value: bool | float = Field(union_mode="left_to_right")
    gives_away: bool
    stated: str
    seen: str


@dataclass(frozen=True)
class Coded:
    """A published case with what is known without and with the findings that give it away."""

    case: PublishedCase
    hidden: Mapping[str, Value]
    revealed: Mapping[str, Value]

    @property
    def given_away(self) -> set[str]:
        """Return the findings that are revealed only the second time."""
        return {name for name in self.revealed if name not in self.hidden}


def read_cases(folder: Path, catalogue: Catalogue, recoding: Path | None = None) -> list[Coded]:
    """Read a folder of published cases.

    Args:
        folder: one JSON file a case.
        catalogue: the findings; what a case says beside them is left out.
        recoding: a CSV file with further findings, ``Recoding`` row by row.

    Raises:
        DocumentError: naming file, line and field of whatever is wrong.
    """
    added: dict[str, list[Recoding]] = {}
    if recoding:
        for line, row in read_rows(recoding, Recoding):
            if row.finding not in catalogue:
                raise DocumentError(
                    [Problem(str(recoding), line, row.finding, "is not a finding of the catalogue")]
                )
            added.setdefault(row.case, []).append(row)
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise DocumentError(
            [Problem(str(folder), None, "", "holds no case; give a folder of JSON")]
        )
    return [_coded(path, catalogue, added) for path in paths]


def _coded(path: Path, catalogue: Catalogue, added: Mapping[str, Sequence[Recoding]]) -> Coded:
    document = read_document(path)
    case = validated(PublishedCase, document.data, document)
    own = {name: value for name, value in case.coded().items() if name in catalogue}
    more = added.get(case.id, ())
    revealed = own | {one.finding: one.value for one in more}
    away = {*case.withheld, *(one.finding for one in more if one.gives_away)}
    hidden = {name: value for name, value in revealed.items() if name not in away}
    return Coded(case, hidden, revealed)


def table(records: Iterable[Mapping[str, Value]], catalogue: Catalogue) -> pl.DataFrame:
    """Return findings as a table, one row a record."""
    rows = list(records)
    known = {name for row in rows for name in row}
    # One column at least, so that a record of nothing is a row, too.
    names = sorted(known) or [next(iter(catalogue)).id]
    given = pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, strict=False)
    return conform(given, catalogue)


@dataclass(frozen=True)
class Measure:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Round:
    """All cases asked once: the probabilities and what is right.

    Attributes:
        probability: probability of each disease, (cases, D).
        right: which diseases count as right, (cases, D).
    """

    probability: Numbers
    right: Flags

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """Return the rank of the best right diagnosis; ties count against it."""
        best = np.where(self.right, self.probability, -1).max(axis=1, keepdims=True)
        better = (self.probability >= best) & ~self.right
        found: NDArray[np.int64] = better.sum(axis=1) + 1
        return found

    def measures(self) -> dict[str, Measure]:
        """Return how well the cases are ranked and how well the probabilities are calibrated."""
        first = self.probability.max(axis=1)
        hit = (self.rank == 1).astype(float)
        brier = ((self.probability - self._target) ** 2).sum(axis=1)
        by_case = {
            "top-1": hit,
            "top-3": (self.rank <= 3).astype(float),
            "top-5": (self.rank <= 5).astype(float),
            "mean reciprocal rank": 1 / self.rank,
            "Brier score": brier,
        }
        found = {name: _mean(values) for name, values in by_case.items()}
        found["calibration error"] = _bootstrap(
            len(hit), lambda rows: calibration_error(first[rows], hit[rows])
        )
        found["of a perfect forecaster"] = _perfect(first)
        return found

    @cached_property
    def _target(self) -> Numbers:
        """Return where the right diagnosis is; of several, the one that is believed most."""
        held = np.where(self.right, self.probability, -1)
        target = np.zeros_like(self.probability)
        target[np.arange(len(held)), held.argmax(axis=1)] = 1
        return target

    def reliability(self) -> list[tuple[float, float, int]]:
        """Return for each stretch of the leading probability: its mean, the share that was right, cases."""
        first, hit = self.probability.max(axis=1), self.rank == 1
        place = _bins(first)
        return [
            (
                float(first[place == b].mean()),
                float(hit[place == b].mean()),
                int((place == b).sum()),
            )
            for b in range(BINS)
            if (place == b).any()
        ]


@dataclass(frozen=True)
class Evaluation:
    """How the differential did on a folder of cases.

    Attributes:
        cases: how many were scored.
        left_out: how many were not: children, thin cases, weak diagnoses, diseases that are not listed.
        rounds: without and with the findings that give the diagnosis away.
        next_test: share of cases with such a finding for which a test that answers it is proposed.
        resolved: share of these cases in which the right diagnosis leads once it is revealed.
        challenged: share of wrong labels that the true disease outranks, without and with such findings.
        confusion: true family, leading family and how often, without and with such findings.
        misses: for each round the cases whose diagnosis does not lead: id, diagnosis, rank, leading disease.
        flags: the red flags against each wrong label, by case.
    """

    cases: int
    left_out: int
    rounds: tuple[Round, Round]
    next_test: Measure | None
    resolved: Measure | None
    challenged: tuple[Measure | None, Measure | None]
    confusion: tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]
    misses: tuple[list[tuple[str, str, int, str]], list[tuple[str, str, int, str]]]
    flags: Mapping[str, tuple[str, ...]]


def evaluate(
    cases: Sequence[Coded],
    knowledge: Knowledge,
    everything: bool = False,
    advance: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Score the differential on published cases.

    Args:
        cases: as ``read_cases`` returns them.
        knowledge: what is judged.
        everything: whether children, thin cases and weak diagnoses count, too.
        advance: called after each case, for a progress bar.

    Raises:
        DocumentError: when no case can be scored.
    """
    differential = knowledge.differential
    place = {name: index for index, name in enumerate(differential.diseases)}
    used = [
        one
        for one in cases
        if (everything or one.case.typical)
        and any(x in place for x in (one.case.final_diagnosis, *one.case.also_accept))
    ]
    if not used:
        raise DocumentError([Problem("cases", None, "final_diagnosis", "no case can be scored")])
    right = np.zeros((len(used), len(place)), dtype=np.bool_)
    for row, one in enumerate(used):
        accepted = (one.case.final_diagnosis, *one.case.also_accept)
        right[row, [place[x] for x in accepted if x in place]] = True
    known = [
        _known(knowledge, records)
        for records in ([one.hidden for one in used], [one.revealed for one in used])
    ]
    rounds = (
        Round(differential.posterior(known[0]), right),
        Round(differential.posterior(known[1]), right),
    )
    asked = _next_tests(used, differential, known[0], rounds, advance)
    return Evaluation(
        cases=len(used),
        left_out=len(cases) - len(used),
        rounds=rounds,
        next_test=_share([found for found, _ in asked]),
        resolved=_share([leads for _, leads in asked]),
        challenged=(
            _challenged(used, differential, rounds[0]),
            _challenged(used, differential, rounds[1]),
        ),
        confusion=(_confusion(differential, rounds[0]), _confusion(differential, rounds[1])),
        misses=(_misses(used, differential, rounds[0]), _misses(used, differential, rounds[1])),
        flags=_flags(used, differential, known[1]),
    )


def _known(knowledge: Knowledge, records: Sequence[Mapping[str, Value]]) -> Table:
    """Return what is known of each case, with what its antibody tests are worth."""
    recorded = Table.of_frame(table(records, knowledge.catalogue).drop("patient_id"))
    found = knowledge.inference.known(recorded).findings
    return knowledge.serology.with_tests(found, knowledge.serology.evaluate(found))


def _next_tests(
    used: Sequence[Coded],
    differential: Differential,
    known: Table,
    rounds: tuple[Round, Round],
    advance: Callable[[], object],
) -> list[tuple[float, float]]:
    shown = differential.base.method.next_test.shown
    found = []
    for row, one in enumerate(used):
        if one.given_away:
            observed = differential.likelihoods.observe(known.take(slice(row, row + 1)))
            probability = rounds[0].probability[row]
            labelled = differential.labelled(one.case.initial_label)
            first = gains(differential, observed, probability, labelled)[:shown]
            answered = any(one.given_away & set(gain.unknown) for gain in first)
            found.append((float(answered), float(rounds[1].rank[row] == 1)))
        advance()
    return found


def _wrong_labels(used: Sequence[Coded], differential: Differential) -> list[tuple[int, Flags]]:
    """Return the cases whose first label was wrong, each with the diseases that it stands for."""
    found = []
    for row, one in enumerate(used):
        labelled = differential.labelled(one.case.initial_label)
        accepted = {one.case.final_diagnosis, *one.case.also_accept}
        wrong = not accepted & {
            x for x, y in zip(differential.diseases, labelled, strict=True) if y
        }
        if labelled.any() and wrong:
            found.append((row, labelled))
    return found


def _challenged(used: Sequence[Coded], differential: Differential, asked: Round) -> Measure | None:
    values = [
        float(
            asked.probability[row][asked.right[row]].max() > asked.probability[row][labelled].max()
        )
        for row, labelled in _wrong_labels(used, differential)
    ]
    return _share(values)


def _flags(
    used: Sequence[Coded], differential: Differential, known: Table
) -> dict[str, tuple[str, ...]]:
    """Return the red flags against each wrong label."""
    found = {}
    for row, _ in _wrong_labels(used, differential):
        one = known.take(slice(row, row + 1))
        said = rank(differential, one, used[row].case.initial_label).label
        found[used[row].case.id] = tuple(flag.finding for flag in said.flags) if said else ()
    return found


def _confusion(differential: Differential, asked: Round) -> list[tuple[str, str, int]]:
    family = [one.family for one in differential.base.diseases.values()]
    counts: dict[tuple[str, str], int] = {}
    for row, chosen in enumerate(asked.probability.argmax(axis=1)):
        believed = np.where(asked.right[row], asked.probability[row], -1).argmax()
        pair = (family[believed], family[chosen])
        counts[pair] = counts.get(pair, 0) + 1
    return [(true, chosen, n) for (true, chosen), n in sorted(counts.items())]


def _misses(
    used: Sequence[Coded], differential: Differential, asked: Round
) -> list[tuple[str, str, int, str]]:
    return [
        (
            used[row].case.id,
            used[row].case.final_diagnosis,
            int(asked.rank[row]),
            differential.diseases[int(asked.probability[row].argmax())],
        )
        for row in range(len(used))
        if asked.rank[row] > 1
    ]


def calibration_error(probability: Numbers, hit: Numbers) -> float:
    """Return the expected calibration error of the leading probability, in ten stretches."""
    place = _bins(probability)
    gaps = [
        (place == b).mean() * abs(probability[place == b].mean() - hit[place == b].mean())
        for b in range(BINS)
        if (place == b).any()
    ]
    return float(sum(gaps))


def _perfect(probability: Numbers) -> Measure:
    """Return the calibration error that chance alone gives probabilities that are right, on so many cases."""
    generator = np.random.default_rng(SEED)
    drawn = [
        calibration_error(
            probability, (generator.random(len(probability)) < probability).astype(np.float64)
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Measure(float(np.mean(drawn)), float(low), float(high))


def _bins(probability: Numbers) -> NDArray[np.int64]:
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)


def _share(values: Sequence[float]) -> Measure | None:
    """Return the mean of values with its interval, or nothing of nothing."""
    return _mean(np.array(values)) if values else None


def _mean(values: Numbers) -> Measure:
    return _bootstrap(len(values), lambda rows: float(values[rows].mean()))


def _bootstrap(cases: int, statistic: Callable[[NDArray[np.int64]], float]) -> Measure:
    generator = np.random.default_rng(SEED)
    drawn = [statistic(generator.integers(cases, size=cases)) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Measure(statistic(np.arange(cases)), float(low), float(high))

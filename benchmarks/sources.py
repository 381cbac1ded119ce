"""How much of the differential diagnosis rests on publications: rows, and what they weigh on patients.

    python benchmarks/sources.py [folder of refractory cases]

A row of ``frequencies.csv`` or ``numbers.csv`` is sourced, a definition (a gene in its disease), or an
estimate. The weight is the sum over the published cases, asked without and with what gives them away, of
the logarithm of each likelihood ratio as it is counted, without its sign, for the right disease and for the
leading wrong one. Patterns, needs and labels are counted apart, what they stand for is left out.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from myoresist.arrays.table import Table
from myoresist.diagnosis.differential.adjustments import KINDS
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.evaluation.published import read_cases
from myoresist.evaluation.refractory import read_pairs
from myoresist.evaluation.subjects import Subject, published, refractory
from myoresist.library import Knowledge

WHERE = Path(__file__).parent / "cases"
SOURCED, DEFINITION, ESTIMATE, BESIDE = (
    "sourced",
    "definition",
    "estimate",
    "pattern, need or label",
)


def kind(source: str | None, check: str | None) -> str:
    """Return what a row rests on."""
    if source is not None:
        return SOURCED
    return DEFINITION if (check or "").startswith("convention") else ESTIMATE


def rows(differential: Differential) -> Counter[str]:
    """Return how many rows of each kind there are."""
    base = differential.base
    return Counter(
        kind(source, check)
        for table in (base.frequencies, base.numbers)
        for source, check in table.select("source", "check").iter_rows()
    )


def weights(differential: Differential, known: Table, disease: int) -> Iterator[tuple[str, float]]:
    """Yield for one patient what each thing that counts weighs for a disease, with what it rests on."""
    likelihoods = differential.likelihoods
    evidence = differential.evidence(known)
    adjustments, name = likelihoods.adjustments, differential.diseases[disease]
    gains = len(adjustments.gains)
    size = len(likelihoods.findings)
    silent = {
        KINDS.index(one.kind) * size + one.row
        for one, plane in zip(adjustments.silences, evidence.adjusted[gains:], strict=True)
        if plane & 1 and disease in one.diseases
    }
    counted = (*evidence.present, *evidence.absent, *evidence.missing)
    for row, plane in enumerate(counted):
        if plane & 1 and row not in silent:
            finding = likelihoods.findings[row % size]
            rests = kind(*differential.source(finding, name, measured=False))
            yield rests, abs(float(likelihoods.weighed[row, disease]))
    for finding, places, table in zip(
        likelihoods.numbers, evidence.places, likelihoods._number_tables, strict=True
    ):
        if places[0] >= 0:
            rests = kind(*differential.source(finding, name, measured=True))
            yield rests, abs(float(table[places[0], disease]))
    for plane, adds in zip(evidence.adjusted[:gains], adjustments.adds[:gains], strict=True):
        if plane & 1:
            yield BESIDE, abs(float(adds[disease]))


def weighed(differential: Differential, subjects: Sequence[Subject]) -> Counter[str]:
    """Return the weight of each kind, over patients asked twice."""
    found: Counter[str] = Counter()
    for one in subjects:
        right = np.isin(differential.diseases, one.accepted)
        if not right.any():
            continue
        for known in one.known:
            probability = differential.posterior(known)[0]
            for group in (right, ~right):
                disease = int(np.where(group, probability, -1).argmax())
                for rests, weight in weights(differential, known, disease):
                    found[rests] += weight  # type: ignore[assignment]
    return found


def main() -> None:
    """Print rows and weights by what they rest on."""
    knowledge = Knowledge.load()
    differential = knowledge.differential
    cases = read_cases(WHERE / "published", knowledge.catalogue, WHERE / "published.csv")
    subjects = published(cases, knowledge, everything=False)
    for folder in sys.argv[1:]:
        subjects += refractory(read_pairs(Path(folder)), knowledge)
    count = rows(differential)
    weight = weighed(differential, subjects)
    in_rows = sum(weight[one] for one in (SOURCED, DEFINITION, ESTIMATE))
    print(
        f"{len(subjects)} patients, each asked twice; frequencies that cite: {differential.base.published}"
    )
    for one in (SOURCED, DEFINITION, ESTIMATE):
        part = weight[one] / in_rows
        print(f"{one:12} {count[one]:6} rows {weight[one]:8.0f} {part:6.1%} of the weight of rows")
    print(f"{BESIDE}: {weight[BESIDE]:.0f}, beside {in_rows:.0f} of all rows")


if __name__ == "__main__":
    main()

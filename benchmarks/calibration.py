"""How sure to say it: the temperature of what is stated, by cross-validation over families of diseases.

    python benchmarks/calibration.py [folder of refractory cases]

The order of diseases is not touched. Each family is left out once; the temperature that states the others
best (least logarithmic loss of the right disease, both rounds) is judged on it. Then, for the temperature in
use: how far off the stated probability of the leading disease is, beyond what chance alone does to a perfect
forecaster on so many patients, with the 95 % bootstrap interval of that difference.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from myoresist.arrays.table import Numbers
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.evaluation.measures import RESAMPLES, SEED, Round, calibration_error
from myoresist.evaluation.published import read_cases
from myoresist.evaluation.refractory import read_pairs
from myoresist.evaluation.subjects import Subject, published, refractory
from myoresist.library import Knowledge

WHERE = Path(__file__).parent / "cases"
TEMPERATURES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2)
LEAST = 1e-4
"""The least probability that is counted, so that one patient cannot decide."""


def stated_with(differential: Differential, temperature: float) -> Differential:
    """Return the same differential that states its probabilities with another temperature."""
    method = differential.base.method.model_copy(update={"stated_temperature": temperature})
    return replace(differential, base=replace(differential.base, method=method))


def rounds(differential: Differential, subjects: Sequence[Subject]) -> tuple[Round, Round]:
    """Return all patients at first and in the end."""
    right = np.array([[x in one.accepted for x in differential.diseases] for one in subjects])
    first, last = (
        Round(np.concatenate([differential.posterior(one.known[when]) for one in subjects]), right)
        for when in (0, 1)
    )
    return first, last


def loss(asked: Round) -> Numbers:
    """Return for each patient the logarithmic loss of the right disease."""
    best = np.where(asked.right, asked.probability, 0).max(axis=1)
    found: Numbers = -np.log(np.maximum(best, LEAST))
    return found


def families(differential: Differential, subjects: Sequence[Subject]) -> list[str]:
    """Return the family of the right disease of each patient."""
    diseases = differential.base.diseases
    return [next(diseases[x].family for x in one.accepted if x in diseases) for one in subjects]


def beyond_chance(asked: Round) -> tuple[float, float, float]:
    """Return the calibration error beyond that of a perfect forecaster, and its 95 % bootstrap interval."""
    generator = np.random.default_rng(SEED)
    first, hit = asked.probability.max(axis=1), (asked.rank == 1).astype(float)

    def chance(probability: Numbers) -> float:
        drawn = (generator.random((200, len(probability))) < probability).astype(float)
        return float(np.mean([calibration_error(probability, one) for one in drawn]))

    value = calibration_error(first, hit) - chance(first)
    rows = generator.integers(len(hit), size=(RESAMPLES // 4, len(hit)))
    found = [calibration_error(first[row], hit[row]) - chance(first[row]) for row in rows]
    low, high = np.quantile(found, (0.025, 0.975))
    return value, float(low), float(high)


def subjects(knowledge: Knowledge, folders: Sequence[str]) -> dict[str, list[Subject]]:
    """Return the published patients, and those of folders of refractory ones, whose disease is known here."""
    cases = read_cases(WHERE / "published", knowledge.catalogue, WHERE / "published.csv")
    sets = {"published": published(cases, knowledge, everything=False)}
    for folder in folders:
        sets[folder] = refractory(read_pairs(Path(folder)), knowledge)
    diseases = set(knowledge.differential.diseases)
    return {
        name: [one for one in some if diseases & set(one.accepted)] for name, some in sets.items()
    }


def main() -> None:
    """Print what was tried, what cross-validation chooses, and how far off the temperature in use is."""
    knowledge = Knowledge.load()
    differential = knowledge.differential
    sets = subjects(knowledge, sys.argv[1:])
    everyone = [one for some in sets.values() for one in some]
    losses = np.array(
        [
            sum(loss(one) for one in rounds(stated_with(differential, temperature), everyone)) / 2
            for temperature in TEMPERATURES
        ]
    )
    family = np.array(families(differential, everyone))
    chosen: Counter[float] = Counter()
    held = np.empty(len(everyone))
    for name in np.unique(family):
        out = family == name
        best = int(losses[:, ~out].mean(axis=1).argmin())
        chosen[TEMPERATURES[best]] += 1
        held[out] = losses[best, out]
    print(
        f"{len(everyone)} patients in {len(np.unique(family))} families, asked twice; logarithmic loss"
    )
    for temperature, one in zip(TEMPERATURES, losses, strict=True):
        times = (
            f"chosen with {chosen[temperature]} families left out" if chosen[temperature] else ""
        )
        print(f"  temperature {temperature:3}  {one.mean():.3f}  {times}")
    print(f"  cross-validated  {held.mean():.3f}")
    print(
        f"In use: {differential.base.method.stated_temperature}. Error beyond a perfect forecaster's:"
    )
    for name, some in sets.items():
        for when, asked in zip(("without", "with"), rounds(differential, some), strict=True):
            value, low, high = beyond_chance(asked)
            print(f"  {Path(name).name}, {when}: {value:+.3f} ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()

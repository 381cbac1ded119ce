"""How good the differential is without the rules that may have been written with its patients in view.

    python benchmarks/left_out.py [folder of refractory cases]

Needs, contrasts and patterns were written from what is taught, yet where one was missing was seen on cases.
So each family of diseases is left out once: its patients are asked again without any rule that speaks of a
disease of that family. What is left is what the rules of all others, and single frequencies, know of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from calibration import families, rounds, subjects

from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.likelihood import Likelihoods
from myoresist.evaluation.subjects import Subject
from myoresist.library import Knowledge


def without(knowledge: Knowledge, family: str | None) -> Differential:
    """Return the differential without rules that speak of a family; of all families where none is given."""
    base = knowledge.differential.base
    own = {x.id for x in base.diseases.values() if family is None or x.family == family}
    left = replace(
        base,
        patterns=tuple(x for x in base.patterns if not own & x.percent.keys()),
        needs=tuple(x for x in base.needs if not own & set(x.diseases)),
        contrasts=tuple(x for x in base.contrasts if not own & {x.rather, *x.than}),
    )
    return Differential(left, Likelihoods.of(left, knowledge.inference))


def said(ranks: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    """Say how often the right disease leads, and is among the first three, at first and in the end."""
    leads, three = (ranks == 1).mean(axis=0), (ranks <= 3).mean(axis=0)
    return f"leading {leads[0]:.0%} / {leads[1]:.0%}, first three {three[0]:.0%} / {three[1]:.0%}"


def ranked(differential: Differential, some: Sequence[Subject]) -> list[tuple[float, float]]:
    """Return the rank of the right disease of each patient, at first and in the end."""
    first, last = rounds(differential, some)
    return list(zip(first.rank.tolist(), last.rank.tolist(), strict=True))


def main() -> None:
    """Print the figures in use, with each family left out, and without any such rule."""
    knowledge = Knowledge.load()
    differential = knowledge.differential
    parts = {name: without(knowledge, name) for name in differential.base.families.families}
    none = without(knowledge, None)
    for name, some in subjects(knowledge, sys.argv[1:]).items():
        family = families(differential, some)
        held = [ranked(parts[x], [one])[0] for x, one in zip(family, some, strict=True)]
        print(f"{Path(name).name}, {len(some)} patients in {len(set(family))} families")
        print(f"  in use               {said(np.array(ranked(differential, some)))}")
        print(f"  own family left out  {said(np.array(held))}")
        print(f"  no such rule         {said(np.array(ranked(none, some)))}")


if __name__ == "__main__":
    main()

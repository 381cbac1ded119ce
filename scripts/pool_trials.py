"""Compute the random-effects summaries of ``knowledge/trials/trials.csv`` into ``pooled.csv`` beside it.

Which studies may be put together is decided by ``myoresist.treatment.evidence`` and the rules in
``synthesis.yaml``; the statistics are those of statsmodels.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects, effectsize_2proportions

from myoresist import knowledge
from myoresist.treatment.evidence import Measure, Summary, groups
from myoresist.treatment.trials import Synthesis, Trial, Trials

Numbers = NDArray[np.float64]
DIGITS = 12
# Of the equation that Paule and Mandel solve; the default of the library is too coarse to compare.
PRECISIONS = tuple(10.0**-power for power in range(13, 4, -1))


def effects(rows: Sequence[Trial], measure: Measure) -> tuple[Numbers, Numbers]:
    """Return effect and variance of each study: arcsine of the root of a proportion, or log risk ratio."""
    events, patients = _counts([(row.events_arm, row.n_arm) for row in rows])
    if measure == "proportion":
        return np.arcsin(np.sqrt(events / patients)), 1 / (4 * patients)
    control = _counts([(row.events_control, row.n_control) for row in rows])
    effect, variance = effectsize_2proportions(events, patients, *control, statistic="risk-ratio")
    return effect, variance


def _counts(arms: Sequence[tuple[int | None, int | None]]) -> tuple[Numbers, Numbers]:
    events, patients = zip(*arms, strict=True)
    return np.array(events, dtype=float), np.array(patients, dtype=float)


def back(value: float, measure: Measure) -> float:
    """Return a proportion or a risk ratio from the scale on which studies are put together."""
    if measure == "risk_ratio":
        return float(np.exp(value))
    return float(np.sin(np.clip(value, 0, np.pi / 2)) ** 2)


def combined(effect: Numbers, variance: Numbers) -> Any:
    """Return the random-effects result of statsmodels with the variance of Paule and Mandel.

    Its iteration takes a remainder below zero, even one of rounding, for no variance between studies. Where
    there is one, since Q is above its degrees of freedom, the next coarser precision is tried.
    """
    for precision in PRECISIONS:
        with np.errstate(divide="ignore", invalid="ignore"):
            # Its own I² divides by Q, which is zero when all studies agree.
            found = combine_effects(effect, variance, method_re="pm", atol=precision, maxiter=1000)
        if found.tau2 > 0 or found.q <= len(effect) - 1:
            return found
    raise ValueError("no variance between studies was found")


def summarise(rows: Sequence[Trial], measure: Measure, rules: Synthesis) -> dict[str, float | None]:
    """Return the summary of compatible studies, as the columns of ``pooled.csv`` from ``estimate`` on."""
    effect, variance = effects(rows, measure)
    found = combined(effect, variance)
    k = len(rows)
    mean, tau2 = float(found.mean_effect_re), float(found.tau2)
    # The modification: never narrower than without the adjustment.
    error = max(float(found.sd_eff_w_re), float(found.sd_eff_w_re_hksj))
    half = stats.t.isf((1 - rules.level) / 2, k - 1) * error
    low = high = None
    if k >= rules.minimum.prediction:
        spread = stats.t.isf((1 - rules.level) / 2, k - 2) * np.hypot(np.sqrt(tau2), error)
        low, high = back(mean - spread, measure), back(mean + spread, measure)
    q = float(found.q)
    return {
        "estimate": back(mean, measure),
        "ci_low": back(mean - half, measure),
        "ci_high": back(mean + half, measure),
        "prediction_low": low,
        "prediction_high": high,
        "tau2": tau2,
        "i2": max(0.0, (q - (k - 1)) / q) if q > 0 else 0.0,
        "q": q,
        "q_p": float(stats.chi2.sf(q, k - 1)),
    }


def summaries(trials: Trials) -> Iterator[Summary]:
    """Summarise every group of enough compatible studies, for each treatment: all subsets, then each."""
    rules = trials.synthesis
    for treatment in rules.treatments:
        for subset in (None, *rules.subsets):
            rows = [
                row
                for row in trials.rows
                if treatment in row.treatment and (subset is None or subset in row.subsets)
            ]
            for group in groups(rows, rules):
                if len(group.counted) < rules.minimum.studies:
                    continue
                stratum = rules.strata[rules.designs[group.counted[0].design].stratum]
                measure: Measure = "risk_ratio" if stratum.controlled else "proportion"
                patients = sum(
                    (row.n_arm or 0) + (row.n_control or 0 if stratum.controlled else 0)
                    for row in group.counted
                )
                data = {
                    "treatment": treatment,
                    "subset": subset,
                    "stratum": group.id,
                    "measure": measure,
                    "trials": "|".join(sorted(row.trial_id for row in group.counted)),
                    "studies": len(group.counted),
                    "patients": patients,
                }
                yield Summary.model_validate(data | summarise(group.counted, measure, rules))


def as_csv(found: Sequence[Summary]) -> str:
    """Return summaries as a table; figures have twelve significant digits."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Summary.model_fields)
    for one in found:
        writer.writerow(_cell(value) for value in one.model_dump().values())
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, tuple):
        return "|".join(value)
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else value


def main() -> None:
    """Write ``pooled.csv``."""
    folder: Path = knowledge.folder()
    text = as_csv(list(summaries(Trials.load(folder))))
    (folder / "trials" / "pooled.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

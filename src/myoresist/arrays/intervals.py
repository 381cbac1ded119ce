"""Intervals of one study: a proportion, a risk ratio and a risk difference, without a statistics library."""

from __future__ import annotations

from math import exp, hypot, log, sqrt
from statistics import NormalDist

from myoresist.knowledge.schema import Entry


class Interval(Entry):
    """An estimate with its interval."""

    value: float
    low: float
    high: float


class Response(Interval):
    """Patients with the outcome, of how many, and the proportion with its Wilson interval."""

    events: int
    patients: int


def wilson(events: int, patients: int, level: float) -> Response:
    """Return a proportion with its Wilson score interval (wilson1927).

    Args:
        events: patients with the outcome, 0 to ``patients``.
        patients: all patients, at least 1.
        level: of the interval, such as 0.95.
    """
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    share = events / patients
    middle = (share + z2 / (2 * patients)) / (1 + z2 / patients)
    half = sqrt(z2 * (share * (1 - share) / patients + z2 / (4 * patients**2)))
    half /= 1 + z2 / patients
    return Response(
        value=share,
        # Exactly 0 and 1 at the ends, where rounding would leave a trace.
        low=0.0 if events == 0 else middle - half,
        high=1.0 if events == patients else middle + half,
        events=events,
        patients=patients,
    )


def risk_ratio(arm: Response, control: Response, level: float) -> Interval | None:
    """Return the risk ratio with the interval of its logarithm (katz1978).

    None without events in an arm, and where every patient has one: the interval would have no width.
    """
    if arm.events == 0 or control.events == 0 or arm.value == control.value == 1:
        return None
    ratio = log(arm.value / control.value)
    error = sqrt(1 / arm.events - 1 / arm.patients + 1 / control.events - 1 / control.patients)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    return Interval(value=exp(ratio), low=exp(ratio - half), high=exp(ratio + half))


def risk_difference(arm: Response, control: Response) -> Interval:
    """Return the risk difference with the hybrid score interval of both Wilson intervals (newcombe1998)."""
    value = arm.value - control.value
    return Interval(
        value=value,
        low=value - hypot(arm.value - arm.low, control.high - control.value),
        high=value + hypot(arm.high - arm.value, control.value - control.low),
    )

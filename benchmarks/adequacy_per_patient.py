"""Trials judged for one patient at a time, day by day: slow, obvious, and without the engine's code."""

from __future__ import annotations

from datetime import date
from typing import Any

GAP = 14
WEEKS = {"prednisone": 4, "azathioprine": 16, "methotrexate": 12}


def least(drug: str, weight: float | None) -> float | None:
    """Return the least dose that counts, in mg a week."""
    if drug == "methotrexate":
        return 15.0
    per_kg = {"prednisone": 0.5, "azathioprine": 2.0}[drug]
    return None if weight is None else per_kg * weight * 7


def verdict(courses: list[dict[str, Any]], drug: str) -> str:
    """Judge one drug from courses whose days are all known; a dose or weight may be unknown."""
    once = [one for place, one in enumerate(courses) if one not in courses[:place]]
    own = sorted(
        (one for one in once if one["drug"] == drug),
        key=lambda one: (one["start"], one["stop"]),
    )
    if not own:
        return "not_tried"
    spans = []
    for place, one in enumerate(own):
        start, stop = (date.fromisoformat(one[x]).toordinal() for x in ("start", "stop"))
        step = 7 if drug == "methotrexate" else 1
        end = stop + step
        if place + 1 < len(own):
            # The last dose acts until the next would be due, or until another record takes its place.
            following = date.fromisoformat(own[place + 1]["start"]).toordinal()
            end = following if stop <= following <= stop + 1 else min(end, max(following, stop + 1))
        limit = least(drug, one["weight_kg"])
        dose = one["dose"]
        weekly = dose and dose * (1 if drug == "methotrexate" else 7)
        known = dose is not None and limit is not None
        spans.append((start, end, weekly / limit if known and weekly and limit else None))
    sure = days_at(spans, lambda share: share or 0.0)
    possible = days_at(spans, lambda share: float("inf") if share is None else share)
    needed = WEEKS[drug] * 7
    if sure >= needed:
        return "adequate"
    return "inadequate" if possible < needed else "undetermined"


def days_at(spans: list[tuple[int, int, float | None]], read: Any) -> int:
    """Return the days of the longest time at the least dose with no pause longer than allowed."""
    total: dict[int, float] = {}
    for start, end, share in spans:
        for day in range(start, end):
            total[day] = total.get(day, 0.0) + read(share)
    best = count = 0
    last: int | None = None
    for day in sorted(day for day, share in total.items() if share >= 1 - 1e-8):
        count = count + 1 if last is not None and day - last - 1 <= GAP else 1
        last, best = day, max(best, count)
    return best

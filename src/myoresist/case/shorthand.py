"""Short forms of a case file, written out before it is read: bounds, weeks, schemes and assumed limits.

What is written out stands where the short form stood; further steps of a scheme are added at the end of the
list, so that the places of all other entries stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, TypeGuard

from myoresist.case.dates import PartialDate
from myoresist.case.terms import Terms
from myoresist.document import Path_, figure

Data = Mapping[str, Any]
Entry = Mapping[str, Any]

_FIGURE = r"([0-9]+(?:\.[0-9]+)?)"
_BOUND = re.compile(rf"(<|<=|≤|>|>=|≥) ?{_FIGURE}")
_RANGE = re.compile(rf"{_FIGURE} ?(?:-|–|to) ?{_FIGURE}")
_UNIT = r"([a-zµ]+(?:/[a-z0-9²]+)*)"
_EACH = re.compile(
    rf"{_FIGURE} ?{_UNIT}(?: (?:a|per) day| daily)? ?(?:×|x|for) ?([0-9]{{1,5}}) days?"
)
_DOSES = re.compile(
    rf"([0-9]{{1,5}}) ?(?:×|x) ?{_FIGURE} ?{_UNIT}"
    r"(?:,? ([0-9]{1,5}) (days?|weeks?|months?) apart|,? ([a-z]+))?"
)
_TAPER = re.compile(
    rf"from {_FIGURE}(?: ?{_UNIT})? to {_FIGURE} ?{_UNIT}(?: daily| a day)? "
    r"(?:over|in|within) ([0-9]{1,5}) (days?|weeks?|months?)"
)
_LIFETIME = 36_525
"""Days beyond which a scheme is a mistake of writing."""
_LAST_YEAR = date.max.year - _LIFETIME // 365
_WEEKS = {"labs": ("week",), "visits": ("week",), "treatments": ("from_week", "to_week")}
_DAYS = {"day": 1, "week": 7, "month": 28}
SCHEME = (
    "write such as 1 g × 3 days, 2 × 1000 mg, 2 weeks apart, or from 60 to 10 mg over 6 months; "
    "parts follow each other with 'then'"
)
_OF_ALL = ("drug", "route", "response", "response_by_organ", "together_with", "notes")
_OF_FIRST = ("scheme", "after", "before", "from_week")


def written_out(data: Data, terms: Terms) -> Data:
    """Return a case without short forms; what is none of them stays as it is."""
    found = dict(data)
    zero = _zero(data.get("weeks_from"))
    for section in ("labs", "visits"):
        found |= _each(data, section, lambda one: _dated(one, "week", "date", zero))
    limits = data.get("assumed_limits")
    found |= _each(found, "labs", lambda one: _limited(bounded(one), limits, terms))
    found |= _each(found, "autoantibodies", settled)
    treatments = found.get("treatments")
    if isinstance(treatments, list):
        found["treatments"] = _treatments(treatments, zero)
    return found


def _each(data: Data, section: str, change: Any) -> Data:
    entries = data.get(section)
    if not isinstance(entries, list):
        return {}
    return {section: [change(one) if isinstance(one, Mapping) else one for one in entries]}


def _zero(start: Any) -> date | None:
    """Return the day from which weeks are counted, if it is known."""
    if not isinstance(start, Mapping):
        return None
    try:
        return PartialDate.parse(start.get("date")).exact
    except ValueError:
        return None


def _dated(entry: Entry, week: str, when: str, zero: date | None) -> Entry:
    """Return an entry whose week is a date; a date that is given goes first."""
    number = entry.get(week)
    if zero is None or entry.get(when) is not None or not _is_number(number):
        return entry
    try:
        return {**entry, when: str(day_of_week(zero, number))}
    except OverflowError:
        # So many weeks are a mistake, which is said elsewhere.
        return entry


def day_of_week(zero: date, week: float) -> date:
    """Return the day that is some weeks after another."""
    return zero + timedelta(days=round(week * 7))


def impossible_weeks(data: Data, most: float) -> Iterator[tuple[Path_, str]]:
    """Yield the places of weeks that nobody can have counted, and what to write.

    Args:
        data: a case.
        most: the most weeks that there can be.
    """
    for section, keys in _WEEKS.items():
        entries = data.get(section)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            for key in keys if isinstance(entry, Mapping) else ():
                week = entry.get(key)
                if _is_number(week) and abs(week) > most:
                    said = f"{figure(week)} is impossible; it lies between {-most:g} and {most:g}"
                    yield (section, index, key), said


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def bounded(lab: Entry) -> Entry:
    """Return a value such as <20, >22000 or 400-500 as its bounds."""
    value = lab.get("value")
    if not isinstance(value, str):
        return lab
    text = value.strip().replace(",", "")
    if match := _BOUND.fullmatch(text):
        exactly = "above" if match[1] == ">" else "at_least"
        side = "at_most" if match[1][0] in "<≤" else exactly
        return {**lab, "value": "unknown", side: float(match[2])}
    if match := _RANGE.fullmatch(text):
        return {**lab, "value": "unknown", "at_least": float(match[1]), "at_most": float(match[2])}
    return lab


def settled(test: Entry) -> Entry:
    """Return an antibody of which a bound says on which side of its cut-off it lies, with that result."""
    value, cut_off = test.get("value"), test.get("cut_off")
    match = _BOUND.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not _is_number(cut_off) or test.get("result") is not None:
        return test
    below, bound = match[1][0] in "<≤", float(match[2])
    strictly = match[1] == "<"
    if below and (bound < cut_off or (strictly and bound == cut_off)):
        result = "negative"
    elif not below and bound >= cut_off:
        result = "positive"
    else:
        return test
    said = "; ".join(x for x in (value, test.get("notes")) if x)
    return {**test, "value": None, "result": result, "notes": said}


def _limited(lab: Entry, limits: Any, terms: Terms) -> Entry:
    """Return a value with the limit that is assumed for its test, where none is given."""
    name, unit = lab.get("test"), lab.get("unit")
    test = terms.lab(name) if isinstance(name, str) else None
    if test is None or lab.get("upper_limit") is not None or not isinstance(limits, Mapping):
        return lab
    assumed = {one.id: limit for x, limit in limits.items() if (one := terms.lab(str(x)))}
    if test.id not in assumed or unit != test.unit:
        return lab
    return {**lab, "upper_limit": assumed[test.id], "limit_assumed": True}


def _treatments(entries: list[Any], zero: date | None) -> list[Any]:
    """Return courses with dates for weeks, and with a course for each step of a scheme."""
    found, further = [], []
    for entry in entries:
        if not isinstance(entry, Mapping):
            found.append(entry)
            continue
        one = _dated(_dated(entry, "from_week", "start", zero), "to_week", "stop", zero)
        begin, end = one.get("from_week"), one.get("to_week")
        open_ = one.get("start") is None and one.get("stop") is None and one.get("weeks") is None
        if open_ and _is_number(begin) and _is_number(end) and end > begin:
            one = {**one, "weeks": end - begin}
        steps = list(steps_of(one))
        found.append(steps[0] if steps else one)
        further += steps[1:]
    return found + further


def steps_of(entry: Entry) -> Iterator[Entry]:
    """Yield the courses that a scheme stands for; none for one that cannot be read."""
    scheme = entry.get("scheme")
    parts = parsed(scheme) if isinstance(scheme, str) else None
    if not parts or entry.get("dose") is not None:
        return
    kept = {key: entry[key] for key in _OF_ALL if key in entry}
    day = _zero({"date": entry.get("start")})
    # So late a start is a mistake, which is said elsewhere, and no calendar holds what follows it.
    day = None if day is not None and day.year > _LAST_YEAR else day
    rest = {
        key: entry[key] for key in ("ongoing", "reason_stopped", "side_effects") if key in entry
    }
    for place, part in enumerate(parts):
        days = part.pop("days")
        step = {**kept, **part}
        if day is not None:
            last = day + timedelta(days=days - part.get("every", 1))
            step |= {"start": str(day), "stop": str(last)}
            day += timedelta(days=days)
        else:
            step["weeks"] = round(days / 7, 2)
            if place == 0 and entry.get("start") is not None:
                step["start"] = entry["start"]
        step.pop("every", None)
        ends = place == len(parts) - 1
        if place == 0:
            step |= {key: entry[key] for key in _OF_FIRST if key in entry}
        if ends:
            goes_on = rest.get("ongoing")
            step |= rest
            if goes_on:
                step.pop("stop", None)
        yield step


def parsed(scheme: str) -> list[dict[str, Any]] | None:
    """Return the steps of a scheme: dose, unit, frequency and days; ``None`` if it cannot be read.

    Between the ends of a taper nobody knows the dose, so it is left out there.
    """
    found: list[dict[str, Any]] = []
    for part in re.split(r",? then ", " ".join(scheme.lower().split())):
        steps = _taper(part) or _infusions(part)
        if not steps or sum(step["days"] for step in steps) > _LIFETIME:
            return None
        found += steps
    return found


def _taper(part: str) -> list[dict[str, Any]]:
    match = _TAPER.fullmatch(part)
    if not match:
        return []
    first, _, last, unit, number, period = match.groups()
    days = int(number) * _DAYS[period.rstrip("s")]
    daily = {"unit": unit, "frequency": "daily"}
    if days < 3:
        return []
    return [
        {"dose": float(first), **daily, "days": 1},
        {**daily, "days": days - 2},
        {"dose": float(last), **daily, "days": 1},
    ]


def _infusions(part: str) -> list[dict[str, Any]]:
    if match := _EACH.fullmatch(part):
        number = int(match[3])
        step = {"dose": float(match[1]), "unit": match[2], "frequency": "daily", "days": number}
        return [step] if number else []
    match = _DOSES.fullmatch(part)
    if not match:
        return []
    number, word = int(match[1]), match[6]
    if match[4]:
        every = int(match[4]) * _DAYS[match[5].rstrip("s")]
        often = f"every {match[4]} {match[5]}"
    elif word in ("daily", "weekly", "monthly"):
        every, often = {"daily": 1, "weekly": 7, "monthly": 28}[word], word
    else:
        return []
    if not number or not every:
        return []
    dose = {"dose": float(match[2]), "unit": match[3], "frequency": often}
    return [{**dose, "days": number * every, "every": every}]

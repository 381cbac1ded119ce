"""A course of treatment, and one course for what a letter says of it in several places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from myoresist.case.dates import PartialDate


@dataclass
class Course:
    """A drug at one dose, as far as the letter tells."""

    drug: str
    start_at: int
    end_at: int
    dose: float | None = None
    unit: str | None = None
    frequency: str | None = None
    route: str | None = None
    start: PartialDate | None = None
    stop: PartialDate | None = None
    ongoing: bool = False
    ended: bool = False
    halted: bool = False
    weeks: float | None = None
    response: str | None = None
    reason: str | None = None
    why: str | None = None
    name: str = ""
    mixed: bool = False
    places: list[tuple[int, int]] = field(default_factory=list)


def merged(courses: Sequence[Course]) -> list[Course]:
    """Put together what a letter says in two places about one dose of one drug."""
    found: list[Course] = []
    for course in courses:
        same = next((c for c in found if _alike(c, course)), None)
        if same is None:
            found.append(replace(course, places=[*course.places, (course.start_at, course.end_at)]))
            continue
        for name in ("frequency", "route", "start", "stop", "weeks", "response", "reason"):
            if getattr(same, name) is None:
                setattr(same, name, getattr(course, name))
        same.ongoing = (same.ongoing or course.ongoing) and not same.stop and not same.reason
        same.ended = same.ended or course.ended
        # What is said last counts: "azathioprine since 2022 … azathioprine paused".
        same.halted = course.halted or (same.halted and not course.ongoing)
        same.ongoing = same.ongoing and not same.halted
        same.mixed = same.mixed or course.mixed
        same.places.append((course.start_at, course.end_at))
    return _without_bare(found)


def _alike(one: Course, other: Course) -> bool:
    if one.drug != other.drug or one.why != other.why:
        return False
    if one.dose is None or other.dose is None:
        return one.dose is None and other.dose is None and (one.route == other.route)
    untold = one.frequency is None or other.frequency is None
    return _per_day(one) == _per_day(other) or (
        untold and (one.dose, one.unit) == (other.dose, other.unit)
    )


def _per_day(course: Course) -> tuple[float, str]:
    """Return a dose and its unit in one spelling: 20 mg daily is 20 mg/day."""
    unit = course.unit or ""
    for time, often in (("/day", "daily"), ("/week", "weekly"), ("/month", "monthly")):
        if unit.endswith(time):
            return course.dose or 0.0, f"{unit.removesuffix(time)} {often}"
    return course.dose or 0.0, f"{unit} {course.frequency or 'daily'}"


def _without_bare(courses: Sequence[Course]) -> list[Course]:
    """Give what is said of a drug without a dose to its only dose, and drop it where there are several."""
    found: list[Course] = []
    for course in courses:
        dosed = [
            c for c in courses if c.drug == course.drug and c.dose is not None and c.why is None
        ]
        if (
            course.dose is None
            and course.why is None
            and dosed
            and course.route not in ("topical", "inhaled")
        ):
            target = dosed[0] if len(dosed) == 1 else None
            if target is not None:
                for name in ("start", "stop", "response", "reason", "route", "weeks"):
                    if getattr(target, name) is None:
                        setattr(target, name, getattr(course, name))
                target.ongoing = (
                    (target.ongoing or course.ongoing) and not target.stop and not target.reason
                )
                target.ended = target.ended or course.ended
                target.halted = target.halted or course.halted
                target.ongoing = target.ongoing and not target.halted
                target.places += course.places
            elif course.response or course.reason:
                last = dosed[-1]
                last.response = last.response or course.response
                last.reason = last.reason or course.reason
                last.ongoing = last.ongoing and not last.reason
            continue
        found.append(course)
    return found

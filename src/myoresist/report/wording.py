"""Numbers, values and names as a reader would say them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from myoresist.assessment import Assessment, PageOne
from myoresist.findings.explain import FindingResult
from myoresist.report.document import UNKNOWN

_LINE = re.compile(r"\(line (\d+)\)")
_PLACE = re.compile(r"[\w.\[\]]+ \((line \d+)\)")
_ENTRY = re.compile(r"^(\w+)\[(\d+)\](?:\.([\w.]+))?: ")
_FIELD = re.compile(r"; give ([\w.]+)$")
_ENTRIES = {
    "autoantibodies": "antibody", "biopsies": "biopsy", "emg": "EMG", "labs": "laboratory value",
    "medicines": "medicine", "treatments": "treatment", "visits": "visit",
}  # fmt: skip
_UNITS = {"xULN": "× ULN", "count": "", "score": "", "points": ""}


def spaced(name: str) -> str:
    """Return an id, a state or a category without what only a machine needs."""
    return name.replace("_", " ")


def names(assessment: Assessment, ids: Iterable[str]) -> str:
    """Return findings, and whatever else a rule reads, by name."""
    return "; ".join(named(assessment, one) for one in ids)


def named(assessment: PageOne, name: str) -> str:
    """Return the name of a finding, or of whatever else a rule reads."""
    resistance, treatment = assessment.resistance.labels, assessment.treatment.labels
    for labels in (resistance, treatment, assessment.labels):
        if name in labels:
            return labels[name]
    return spaced(name)


def percent(share: float) -> str:
    """Return a probability with two significant digits, and never as certain."""
    if share < 0.01:
        return "<1%"
    if share > 0.99:
        return ">99%"
    return f"{share * 100:.1f}%" if share < 0.0995 else f"{share * 100:.0f}%"


LITTLE, SOME, MUCH = 0.05, 0.3, 1.0
"""From how many bits an investigation tells little, something and much."""


def tells(gain: float) -> str:
    """Return in words how much an investigation is expected to tell."""
    for least, said in ((MUCH, "much"), (SOME, "something"), (LITTLE, "little")):
        if gain >= least:
            return said
    return "hardly anything"


def unit(name: str | None) -> str:
    """Return a unit of the catalogue as a reader would write it."""
    return _UNITS.get(name or "", name or "")


def number(value: float) -> str:
    """Return a measured number with three significant digits, or all before the point."""
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}" if abs(value) >= 100 else f"{value:.3g}"


def measured(value: object, named: str | None) -> str:
    """Return a value with its unit."""
    shown = number(value) if isinstance(value, float) else str(value)
    measure = unit(named)
    return f"{shown} {measure.removesuffix('s') if shown == '1' else measure}".strip()


def known(value: bool | float | str | None) -> str:
    """Return what is known of something without a unit."""
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "present" if value else "absent"
        case str():
            return value
    return number(value)


def found(fact: FindingResult) -> str:
    """Return what is known of a finding, with its unit."""
    if fact.how == "contradicted" or fact.value is None:
        return "contradicted, counts as unknown"
    return known(fact.value) if isinstance(fact.value, bool) else measured(fact.value, fact.unit)


def places(where: Iterable[str]) -> str:
    """Return the lines of the case file in which something stands; its fields are no words for a reader."""
    lines = dict.fromkeys(line for one in where for line in _LINE.findall(one))
    return f"line {', '.join(lines)}" if lines else ""


def without_fields(text: str) -> str:
    """Return a text that names lines of the record without the fields that stand there."""
    return _PLACE.sub(r"\1", text)


def asked_for(text: str) -> str:
    """Return a text that asks for a field with what is asked for in words."""
    return _FIELD.sub(lambda x: f"; give the {spaced(x[1].rpartition('.')[2])}", text)


def remark(text: str) -> str:
    """Return a remark on the record without its fields: which entry of which kind, and what is missing."""
    text = asked_for(text)
    entry = _ENTRY.match(text)
    if not entry:
        return text
    section, place, field = entry.groups()
    kind = _ENTRIES.get(section, spaced(section).removesuffix("s"))
    of = f", {spaced(field)}" if field else ""
    return f"{kind[:1].upper()}{kind[1:]} {int(place) + 1}{of}: {text[entry.end() :]}"

"""Headers that name the visit beside the measure, such as ``ck_v1`` or ``month3_haq``."""

from __future__ import annotations

import re
from typing import NamedTuple

from myoresist.cohort.draft.spelling import snake

_TAG = (
    r"(?:v|visit|visite|t|tp|w|wk|week|woche|sem|semaine|semana|m|mo|mon|month|monat|mois|mes|y|yr|year|jahr|annee|ano|d|day|tag|jour|dia|besuch|visita|fu|follow_?up)_?\d{1,3}"
    r"|baseline|bl|base|screening|scr"
)
_BEHIND = re.compile(rf"(.+)_({_TAG}|\d{{1,2}})")
_BEFORE = re.compile(rf"({_TAG})_(.+)")
_BRACKETS = re.compile(r"\s*[(\[{][^()\[\]{}]*[)\]}]\s*$")


class Tagged(NamedTuple):
    """What a header names, and at which visit; ``name`` keeps a unit in brackets."""

    name: str
    visit: str


def tagged(header: str) -> Tagged | None:
    """Return the parts of a header that names a visit."""
    bracket = _BRACKETS.search(header)
    core = snake(header[: bracket.start()] if bracket else header)
    unit = bracket[0] if bracket else ""
    behind = _BEHIND.fullmatch(core)
    if behind:
        return Tagged(behind[1] + unit, behind[2])
    before = _BEFORE.fullmatch(core)
    return Tagged(before[2] + unit, before[1]) if before else None

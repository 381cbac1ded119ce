"""Writes the statements that count as a case file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from myoresist.letters.statements import Statement

_ORDER = (
    "patient", "date", "label", "onset", "findings", "exposures", "comorbidities", "labs",
    "autoantibodies", "biopsies", "imaging", "emg", "treatments", "visits",
)  # fmt: skip


def case_data(statements: Iterable[Statement], source: str) -> dict[str, Any]:
    """Return statements as the data of a case file.

    Args:
        statements: those that count; what has no entry writes nothing.
        source: what the patient is called.
    """
    data: dict[str, Any] = {"patient": {"id": source}}
    studies: dict[str, dict[str, Any]] = {}
    visits: dict[str, dict[str, Any]] = {}
    for one in statements:
        if one.entry is None:
            continue
        place, _, scene = one.where.split(".")[0].partition("[")
        if one.kind in ("patient", "onset"):
            group, key = one.about.split(".")
            data.setdefault(group, {}).setdefault(key, one.entry)
        elif one.kind in ("date", "label"):
            data.setdefault(one.about, one.entry)
        elif one.kind == "finding" and scene:
            studies.setdefault(one.where.split(".")[0], {}).update(one.entry)
        elif one.kind == "finding":
            data.setdefault(place, {}).update(one.entry)
        elif one.kind == "measure":
            visits.setdefault(one.entry["date"], {}).update(one.entry)
        else:
            data.setdefault(place, []).append(one.entry)
    for section, found in studies.items():
        name, _, scene = section.rstrip("]").partition("[")
        data.setdefault(name, []).append(_study(name, scene, found))
    if visits:
        data["visits"] = list(visits.values())
    return {key: data[key] for key in _ORDER if key in data}


def case_text(data: Mapping[str, Any], source: str) -> str:
    """Return the data of a case file as YAML, with a line that says where it is from."""
    name = "".join(sign if sign.isprintable() else " " for sign in source)
    head = f"# Read from {name} by myoresist read. Nothing of it was confirmed by a physician.\n"
    return head + yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=100)


def _study(name: str, scene: str, found: Mapping[str, Any]) -> dict[str, Any]:
    if name == "biopsies":
        return {"tissue": scene, "findings": dict(found)}
    if name == "imaging":
        return {"modality": scene, "findings": dict(found)}
    return {"findings": dict(found)}

"""How well letters are read: what stands compared with what a careful reader would confirm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from myoresist.case.reading import packaged_terms
from myoresist.letters import read

OWN = Path(__file__).parent / "own"
TERMS = packaged_terms()
POSITIVE = ("positive", "moderate", "strong")


@dataclass
class Score:
    """Right, wrong and missed statements by kind, and the errors that would do harm."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    dangerous: list[str] = field(default_factory=list)

    def precision(self, kind: str) -> float:
        """Return the share of what was entered that is right."""
        return self.right[kind] / ((self.right[kind] + self.wrong[kind]) or 1)

    def recall(self, kind: str) -> float:
        """Return the share of what is said that was entered."""
        return self.right[kind] / ((self.right[kind] + self.missed[kind]) or 1)


def answers(case: Mapping[str, Any]) -> dict[str, bool]:
    """Return the yes and no answers of a case file."""
    found: dict[str, bool] = {}
    for section in ("findings", "exposures", "comorbidities"):
        found |= case.get(section) or {}
    for section in ("biopsies", "imaging", "emg"):
        for one in case.get(section) or ():
            found |= one.get("findings") or {}
    if tempo := (case.get("onset") or {}).get("tempo"):
        found[f"onset_{tempo}"] = True
    return {name: value for name, value in found.items() if isinstance(value, bool)}


def closed(given: Mapping[str, bool]) -> dict[str, bool]:
    """Return answers with what follows from them by the catalogue's implications and exclusions."""
    found, before = dict(given), -1
    while len(found) != before:
        before = len(found)
        for link in TERMS.catalogue.implications:
            if found.get(link.finding):
                found.setdefault(link.other, True)
            if found.get(link.other) is False:
                found.setdefault(link.finding, False)
        for link in TERMS.catalogue.exclusions:
            for one, other in ((link.finding, link.other), (link.other, link.finding)):
                if found.get(one):
                    found.setdefault(other, False)
    return found


def score(folder: Path = OWN) -> Score:
    """Read every letter of a folder and compare it with its case and the notes beside it."""
    total = Score()
    for path in sorted(folder.glob("*.txt")):
        read_case = read(path.read_text(encoding="utf-8"), source=path.stem).case()
        gold = yaml.safe_load(path.with_suffix(".case.yaml").read_text(encoding="utf-8"))
        notes = yaml.safe_load(path.with_suffix(".gold.yaml").read_text(encoding="utf-8"))
        _findings(total, path.stem, answers(read_case), answers(gold), notes)
        _entries(total, "labs", _labs(read_case), _labs(gold), _assumed(notes))
        _entries(total, "antibodies", _antibodies(read_case), _antibodies(gold), Counter())
        drugs = (_drugs(read_case), _drugs(gold))
        total.dangerous += [
            f"{path.stem}: {one[0]} was not given"
            for one in drugs[0]
            if one[0] in notes["drugs_not_given"] and one[0] not in {x[0] for x in drugs[1]}
        ]
        _entries(total, "drugs", *(Counter({x[:1] for x in one}) for one in drugs), Counter())
        _entries(total, "doses", *(Counter(set(one)) for one in drugs), Counter())
    return total


def _findings(
    total: Score, name: str, got: Mapping[str, bool], gold: Mapping[str, bool], notes: Any
) -> None:
    follows, expected = closed(got), closed(gold)
    free = {*notes["free"], *notes["resolved"], *notes["contradictory"], *notes["also_right"]}
    for finding, value in gold.items():
        kind = "yes" if value else "no"
        (total.right if follows.get(finding) is value else total.missed)[kind] += 1
    for finding, value in got.items():
        if expected.get(finding) is not value and finding not in free:
            total.wrong["yes" if value else "no"] += 1
    never = {*notes["uncertain"], *notes["not_this_patient"], *notes["hypothetical"]}
    for finding, value in got.items():
        if finding in free or expected.get(finding) is value:
            continue
        if (value and (finding in never or expected.get(finding) is False)) or (
            not value and expected.get(finding)
        ):
            total.dangerous.append(f"{name}: {finding} read as {'yes' if value else 'no'}")


def _entries(
    total: Score, kind: str, got: Counter[Any], gold: Counter[Any], may: Counter[Any]
) -> None:
    total.right[kind] += (got & gold).total()
    total.wrong[kind] += (got - gold).total()
    total.missed[kind] += (gold - got - may).total()


def _labs(case: Mapping[str, Any]) -> Counter[Any]:
    known = {
        word.lower(): test.id
        for test in TERMS.labs.values()
        for word in (test.id, test.label, *test.synonyms)
    }
    tests = ((known.get(str(one["test"]).lower()), one["value"]) for one in case.get("labs") or ())
    return Counter((test, float(value)) for test, value in tests if test in SCORED)


SCORED = (
    "ck", "aldolase", "ldh", "ast", "alt", "ggt", "crp", "esr", "ferritin", "egfr", "tacrolimus_level",
    "ciclosporin_level",
)  # fmt: skip
"""Tests that the cases of the letters hold; of others the letters are not annotated."""


def _assumed(notes: Any) -> Counter[Any]:
    return _labs(
        {
            "labs": [
                dict(zip(("test", "value"), one.rsplit(" ", 1), strict=True))
                for one in notes["assumed_unit"]
            ]
        }
    )


def _antibodies(case: Mapping[str, Any]) -> Counter[Any]:
    found = set()
    for one in case.get("autoantibodies") or ():
        letters = "".join(sign for sign in one["antibody"].lower() if sign.isalnum())
        result = "positive" if one.get("result") in POSITIVE else one.get("result")
        found.add((letters.removeprefix("anti").removesuffix("antibody"), result))
    return Counter(found)


def _drugs(case: Mapping[str, Any]) -> list[tuple[str, float]]:
    found = []
    for one in case.get("treatments") or ():
        drug = TERMS.drug(one["drug"])
        name = "prednisolone" if drug is None or drug.id == "prednisone" else drug.id
        factor = 1000 if one.get("unit", "mg").startswith("g") else 1
        found.append((name, float(one.get("dose") or 0) * factor))
    return found

"""What an assessment and the tables of a registry say of one patient, in one form to compare.

Each table becomes a mapping of what is said to what it is worth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from myoresist import Assessment, Knowledge

Said = dict[Any, Any]
STATES = {True: "met", False: "not_met", None: "undetermined"}
DIGITS = 6
DEFINITIONS = Knowledge.load().resistance.responses.definitions.by_id


def of_assessment(one: Assessment) -> dict[str, Said]:
    """Return what an assessment says, table by table."""
    resistance, treatment = one.resistance, one.resistance.treatment
    label = one.differential.label
    return {
        "findings": {fact.id: fact.value for fact in one.record if fact.value is not None},
        "criteria": dict(_criteria(one)),
        "reasons": {
            f"{result.id}.{item.id}": item.value
            for result in one.criteria
            for item in result.items
            if item.value is not None
        },
        "differential": {
            **{x.id: x.probability for x in one.differential.diseases},
            "label_probability": label.probability if label else None,
            "label_outranked": label.outranked_by is not None if label else None,
        },
        "serology": {
            **{f"{x.id}.reported": x.reported for x in one.serology.antibodies if x.reported},
            **{f"{x.id}.level": x.level for x in one.serology.antibodies if x.level},
            **{f"says.{x.id}": True for x in one.serology.says},
            "cancer": one.serology.cancer.category,
        },
        "antibody_results": Counter(
            (x.id, test.strength, round(test.likelihood_ratio, DIGITS))
            for x in one.serology.antibodies
            for test in x.tests
        ),
        "responses": dict(_responses(one)),
        "trials": {
            trial.id: (
                trial.verdict,
                trial.weeks_at_dose.low,
                trial.weeks_at_dose.high,
                trial.level_below_target,
            )
            for trial in (*treatment.trials, *treatment.windows)
            if trial.verdict in ("adequate", "inadequate", "undetermined")
        },
        "resistance": {
            **treatment.columns,
            **{f"refractory.{x.id}": x.state for x in treatment.definitions if x.state},
            **{f"explanation_{x.id}.status": x.status for x in resistance.why.explanations},
        },
        "options": {
            (subset.id, place.option): place.group
            for subset in one.treatment.subsets
            for place in subset.options
        },
        "consult": dict(_consult(one)),
    }


def _consult(one: Assessment) -> Iterator[tuple[str, Any]]:
    page = one.consult
    yield "state", page.state
    yield "certainty", page.certainty
    yield "diseases", "; ".join(page.diseases)
    for section in ("today", "do"):
        lines = getattr(page, section)
        yield (
            section,
            "; ".join(
                f"{x.verb} {x.object}" + (f" instead of {x.instead_of}" if x.instead_of else "")
                for x in lines
            ),
        )
    yield "why", "; ".join(x.explanation for x in page.why)
    yield "changes", "; ".join(x.finding for x in page.changes)
    yield "ask", "; ".join(x.finding for x in page.ask)


def _criteria(one: Assessment) -> Iterator[tuple[str, Any]]:
    for result in one.criteria:
        if result.status != "implemented":
            continue
        yield f"{result.id}.state", result.state
        yield f"{result.id}.outcome", result.outcome
        if result.subgroup is not None:
            yield f"{result.id}.subgroup", result.subgroup
        if result.score:
            yield f"{result.id}.score", result.score.points
            yield f"{result.id}.score_max", result.score.points_max


def _responses(one: Assessment) -> Iterator[tuple[tuple[str, str], Any]]:
    for pair in one.resistance.response.comparisons:
        improvement = pair.improvements[0]
        said: dict[str, Any] = {
            "baseline_date": pair.baseline_date,
            "days": pair.days,
            "population": improvement.population,
            "score_min": improvement.score,
            "score_max": improvement.score_max,
            "category": improvement.category,
            "category_min": improvement.category_min,
            "category_max": improvement.category_max,
        }
        for change in improvement.changes:
            for part in ("measure", "baseline", "final", "gain", "percent", "relative", "points"):
                said[f"{change.domain}.{part}"] = getattr(change, part)
        for definition in pair.definitions:
            # A registry is compared by the first core set alone.
            if DEFINITIONS[definition.id].core_set != improvement.core_set:
                continue
            said[definition.id] = definition.state
            if definition.confirmed:
                said[f"{definition.id}.confirmed"] = definition.confirmed
        yield from (((pair.date, name), value) for name, value in said.items())


def of_tables(answered: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, Said]]:
    """Return what the tables of a registry say, patient by patient and table by table."""
    rows = {
        name: {
            str(key[0]): part.to_dicts()
            for key, part in table.group_by("patient_id", maintain_order=True)
        }
        for name, table in answered.items()
    }
    return {patient: _of_patient(patient, rows) for patient in rows["findings"]}


def _of_patient(
    patient: str, rows: Mapping[str, Mapping[str, list[dict[str, Any]]]]
) -> dict[str, Said]:
    single = {
        name: rows[name][patient][0]
        for name in ("findings", "criteria", "differential", "serology", "resistance", "consult")
    }
    found: dict[str, Said] = {
        "findings": {x: y for x, y in single["findings"].items() if y is not None},
        "criteria": {x: y for x, y in single["criteria"].items() if y is not None},
        "differential": {
            x.removeprefix("differential."): y for x, y in single["differential"].items()
        },
        "serology": {
            **{
                x.removeprefix("serology."): y
                for x, y in single["serology"].items()
                if y and x.endswith((".reported", ".level"))
            },
            **{
                x.removeprefix("serology."): True
                for x, y in single["serology"].items()
                if x.startswith("serology.says.") and y is True
            },
            "cancer": single["serology"]["serology.cancer.category"],
        },
        "resistance": {
            x: STATES[y] if x.startswith("refractory.") else y
            for x, y in single["resistance"].items()
        },
        "consult": single["consult"],
        "reasons": {x["item"]: x["value"] for x in rows["reasons"].get(patient, ())},
        "antibody_results": Counter(
            (x["antibody"], x["strength"], round(x["likelihood_ratio"], DIGITS))
            for x in rows["antibody_results"].get(patient, ())
        ),
        "trials": {
            x["trial"]: (
                x["state"],
                round(x["days_sure"] / 7, 1),
                None if x["days_possible"] is None else round(x["days_possible"] / 7, 1),
                x["level_below_target"],
            )
            for x in rows["trials"].get(patient, ())
        },
        "options": {
            (x["subset"], x["option"]): x["group"] for x in rows["options"].get(patient, ())
        },
        "responses": {
            (str(x["date"]), name): _state(value)
            for x in rows["responses"].get(patient, ())
            for name, value in x.items()
        },
    }
    return found


def _state(value: Any) -> Any:
    """Return a definition of response as a case says it; of one not made for a population it says nothing."""
    return STATES[value] if isinstance(value, bool) else value


def differences(
    case: Mapping[str, Said], table: Mapping[str, Said]
) -> list[tuple[str, Any, Any, Any]]:
    """Return everything that a case says and the tables do not, or the other way round.

    Returns:
        Table, what it is about, and its worth in the case and in the registry.
    """
    found = []
    for name, said in case.items():
        other = table[name]
        # Of these tables the case shows everything; of the others the registry has further columns.
        everything = name in ("findings", "reasons", "options", "antibody_results", "serology")
        keys = [*said, *(x for x in other if everything and x not in said)]
        for key in keys:
            if key in ("patient_id", "label", "final_diagnosis"):
                continue
            mine, theirs = said.get(key), other.get(key)
            # Nothing is what the registry has for an undetermined definition of response.
            if theirs is None and mine == "undetermined":
                continue
            if not _same(mine, theirs):
                found.append((name, key, mine, theirs))
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        # A long column may be added up in another order than a short one.
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=2e-6)
    return bool(one == other or str(one) == str(other))

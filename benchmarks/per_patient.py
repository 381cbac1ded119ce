"""Two criteria sets as one would write them by hand for one patient at a time, from the papers.

This shares no code and no data with myoresist; it is the peer of the benchmark and a witness of its answers.
A patient is a mapping from finding to True, False, a number or None, which is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Patient = Mapping[str, Any]
Answer = dict[str, Any]

BOHAN_PETER_FINDINGS = (
    "dm_rash",
    "symmetric_proximal_weakness",
    "inflammatory_or_necrotic_biopsy",
    "muscle_enzymes_raised",
    "emg_irritable_myopathy",
)


def any_of(*values: bool | None) -> bool | None:
    """Tell whether any value is true; unknown when that cannot be told."""
    if any(values):
        return True
    return None if None in values else False


def all_of(*values: bool | None) -> bool | None:
    """Tell whether all values are true; unknown when that cannot be told."""
    if False in values:
        return False
    return None if None in values else True


def negated(value: bool | None) -> bool | None:
    """Return the opposite; that of unknown is unknown."""
    return None if value is None else not value


def above(value: float | None, limit: float) -> bool | None:
    """Tell whether a number is larger than a limit."""
    return None if value is None else value > limit


def bohan_peter_1975(patient: Patient) -> Answer:
    """Bohan and Peter 1975: the strongest class that is certain, and whether the set is met."""
    rash, *others = [patient[finding] for finding in BOHAN_PETER_FINDINGS]
    certain = others.count(True)
    possible = certain + others.count(None)

    def at_least(number: int) -> bool | None:
        if certain >= number:
            return True
        return None if possible >= number else False

    no_rash = negated(rash)
    classes = {
        "definite_dm": all_of(rash, at_least(3)),
        "definite_pm": all_of(no_rash, at_least(4)),
        "probable_dm": all_of(rash, at_least(2)),
        "probable_pm": all_of(no_rash, at_least(3)),
        "possible_dm": all_of(rash, at_least(1)),
        "possible_pm": all_of(no_rash, at_least(2)),
    }
    for name, reached in classes.items():
        if reached:
            return {"outcome": name, "state": "met"}
    left = "undetermined" if None in classes.values() else "not_met"
    return {"outcome": left, "state": left}


# Tenths of a point without and with biopsy; a biopsy feature counts only with one.
EULAR_ACR_WEIGHTS = {
    "proximal_upper_weakness": (7, 7),
    "proximal_lower_weakness": (8, 5),
    "neck_flexor_weaker_than_extensor": (19, 16),
    "leg_proximal_weaker_than_distal": (9, 12),
    "heliotrope_rash": (31, 32),
    "gottron_papules": (21, 27),
    "gottron_sign": (33, 37),
    "dysphagia": (7, 6),
    "anti_jo1": (39, 38),
    "biopsy_endomysial_surrounding": (0, 17),
    "biopsy_perimysial_perivascular": (0, 12),
    "biopsy_perifascicular_atrophy": (0, 19),
    "biopsy_rimmed_vacuoles": (0, 31),
}
ENZYME_WEIGHT = (13, 14)
AGE_18_WEIGHT, AGE_40_WEIGHT = (13, 15), (21, 22)
CONSTANT = (5.33, 6.49)
CUT_OFFS = (
    {"definite_iim": 75, "probable_iim": 55, "possible_iim": 53},
    {"definite_iim": 87, "probable_iim": 67, "possible_iim": 65},
)
EULAR_ACR_FINDINGS = (
    *EULAR_ACR_WEIGHTS,
    "age_at_onset",
    "biopsy_done",
    "ck_raised",
    "ldh_x_uln",
    "ast_x_uln",
    "alt_x_uln",
    "finger_flexor_weakness",
    "treatment_response_not_improved",
)


def eular_acr_2017(patient: Patient) -> Answer:
    """EULAR/ACR 2017: lowest and highest score, the classes they reach, probability and subgroup."""
    column = 1 if patient["biopsy_done"] else 0
    score = highest = 0
    for finding, weights in EULAR_ACR_WEIGHTS.items():
        value = patient[finding]
        if value:
            score += weights[column]
        if value is not False:
            highest += weights[column]

    multiples = (patient["ldh_x_uln"], patient["ast_x_uln"], patient["alt_x_uln"])
    enzymes = any_of(patient["ck_raised"], *(above(multiple, 1) for multiple in multiples))
    if enzymes:
        score += ENZYME_WEIGHT[column]
    if enzymes is not False:
        highest += ENZYME_WEIGHT[column]

    age = patient["age_at_onset"]
    if age is None:
        highest += AGE_40_WEIGHT[column]
    elif age >= 18:
        weight = AGE_40_WEIGHT[column] if age >= 40 else AGE_18_WEIGHT[column]
        score += weight
        highest += weight

    def reached(points: int) -> str:
        for name, cut_off in CUT_OFFS[column].items():
            if points >= cut_off:
                return name
        return "not_iim"

    outcome, outcome_max = reached(score), reached(highest)
    cases = ("definite_iim", "probable_iim")
    state = "met" if outcome in cases else "undetermined" if outcome_max in cases else "not_met"
    return {
        "variant": "biopsy" if column else "no_biopsy",
        "score": score / 10,
        "score_max": highest / 10,
        "probability": 1 / (1 + math.exp(CONSTANT[column] - score / 10)),
        "outcome": outcome,
        "outcome_max": outcome_max,
        "state": state,
        "subgroup": eular_acr_subgroup(patient) if outcome in cases else None,
    }


def eular_acr_subgroup(patient: Patient) -> str:
    """Return the end of the EULAR/ACR tree; an unknown branch leaves it undetermined."""
    age = patient["age_at_onset"]
    adult = None if age is None else age >= 18
    rash = any_of(patient["heliotrope_rash"], patient["gottron_papules"], patient["gottron_sign"])
    weak = any_of(
        patient["proximal_upper_weakness"],
        patient["proximal_lower_weakness"],
        patient["neck_flexor_weaker_than_extensor"],
        patient["leg_proximal_weaker_than_distal"],
    )
    untreatable = all_of(
        patient["finger_flexor_weakness"], patient["treatment_response_not_improved"]
    )
    inclusion_body = any_of(untreatable, patient["biopsy_rimmed_vacuoles"])
    if adult is None or rash is None:
        return "undetermined"
    if not adult:
        return "jdm" if rash else "juvenile_myositis_other_than_jdm"
    if rash:
        return "undetermined" if weak is None else "dm" if weak else "adm"
    return "undetermined" if inclusion_body is None else "ibm" if inclusion_body else "pm"


SETS = {"bohan_peter_1975": bohan_peter_1975, "eular_acr_2017": eular_acr_2017}
FINDINGS = tuple(dict.fromkeys((*BOHAN_PETER_FINDINGS, *EULAR_ACR_FINDINGS)))

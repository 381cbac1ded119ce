"""The columns that rules on treatments fill and read."""

from __future__ import annotations

from collections.abc import Mapping

from myoresist.rules.condition import Name
from myoresist.treatment.schema import Level, Option, SafetyCheck

LEVELS: dict[Level, str] = {
    "contraindicated": "contraindicated",
    "avoid": "to_avoid",
    "caution": "careful",
}
"""Column that says whether anything of a level speaks against an option."""
TRIED = ("helped", "inadequate", "failed", "intolerance", "running", "adequate", "too_early")
STATE = (*LEVELS.values(), "check_first", *TRIED)
"""What is told of an option and a patient, whatever the subset."""
PAIR = (
    "comes_first", "not_helpful", "refuted_elsewhere", "preferred", "recommended", "optional",
    "last_resort", "guideline_against", "investigational", "supportive", "repeated", "direct", "indirect",
    "negative",
)  # fmt: skip
BENEFIT = "benefit"
EFFECT = "effect"
PROBABILITY = "probability."
ALLERGY = "allergy_"
"""What findings of drugs begin with that must not be given again."""
APPLIES, AGAINST, MISSING, EARLY, DOSE = "applies.", "against.", "missing.", "early.", "dose."
SUBSET, URGENT, FIRST, CARE, HINT = "subset.", "urgent.", "first.", "care.", ".hint"


def against_column(option: Option, place: int) -> str:
    """Return the column that says whether what stands at a place of ``Options.against`` is there."""
    return f"{AGAINST}{option.id}.{place}"


def applies_column(option: Option) -> str:
    """Return the column that says whether an option is one for the patient; none is for everybody."""
    return APPLIES + option.id


def missing_column(check: SafetyCheck) -> str:
    """Return the column that says whether a safety check is not recorded."""
    return MISSING + check.id


def tried_columns(option: Option) -> dict[str, str]:
    """Return the columns of an earlier trial of an option; none where no regimen judges one."""
    if option.trial is None:
        return {}
    trial = f"trial_{option.trial}"
    return {
        "helped": f"{trial}_helped",
        "failed": f"{trial}_failed",
        "intolerance": f"{trial}_not_tolerated",
        "running": f"{trial}_running",
        "adequate": f"{trial}_adequate",
        "too_early": EARLY + option.id,
    }


def too_little_columns(option: Option) -> tuple[str, ...]:
    """Return the columns that say that an option was given, and too little of it; see ``tried_columns``."""
    tests = ("below_min_dose", "below_min_duration", "level_below_target") if option.trial else ()
    return tuple(f"trial_{option.trial}_{test}" for test in tests)


def running_column(option: Option) -> str:
    """Return the column that says whether an option is given now."""
    return f"trial_{option.trial}_running"


def early_rule(option: Option, names: Mapping[str, Name]) -> str | None:
    """Return the rule that says that an option was given at its dose and its time is not up."""
    trial = f"trial_{option.trial}_"
    if trial + "below_min_duration" not in names:
        return None
    level = f"{trial}level_below_target"
    rules = [
        f"{trial}below_min_duration",
        f"NOT {trial}below_min_dose",
        f"NOT COALESCE({trial}stopped_intolerance, FALSE)",
        *([] if option.lasts else [f"{trial}running"]),
        *([f"NOT COALESCE({level}, FALSE)"] if level in names else []),
    ]
    return " AND ".join(rules)


def dose_column(option: Option, place: int) -> str:
    """Return the column that says whether a regimen of an option is for the patient."""
    return f"{DOSE}{option.id}.{place}"

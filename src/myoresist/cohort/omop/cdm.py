"""The tables and columns of the model that are read; they are the same in 5.3 and 5.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NEEDED = ("person", "condition_occurrence", "concept", "concept_ancestor")
"""Tables by which a database is known as a CDM."""
TABLES = ("patients", "findings", "labs", "antibodies", "treatments")
"""Tables of ours that come out; visits besides, where a site says which concepts are measures."""
NUMBER = "number"
"""Stands for the type of a column of numbers, which some keep as text; it is read as text in one form."""
_ID, _DAY, _TEXT = "BIGINT", "DATE", "VARCHAR"
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "person": {
        "person_id": _ID, "gender_concept_id": _ID, "year_of_birth": "INTEGER",
        "month_of_birth": "INTEGER", "day_of_birth": "INTEGER",
    },
    "condition_occurrence": {
        "person_id": _ID, "condition_concept_id": _ID, "condition_start_date": _DAY,
        "condition_source_value": _TEXT, "condition_source_concept_id": _ID,
        "condition_status_concept_id": _ID, "condition_status_source_value": _TEXT,
    },
    "concept": {
        "concept_id": _ID, "concept_name": _TEXT, "vocabulary_id": _TEXT, "concept_code": _TEXT,
    },
    "concept_ancestor": {"ancestor_concept_id": _ID, "descendant_concept_id": _ID},
    "observation_period": {"person_id": _ID, "observation_period_end_date": _DAY},
    "drug_exposure": {
        "person_id": _ID, "drug_concept_id": _ID, "drug_exposure_start_date": _DAY,
        "drug_exposure_end_date": _DAY, "quantity": "DOUBLE", "days_supply": "INTEGER",
    },
    "drug_strength": {
        "drug_concept_id": _ID, "amount_value": "DOUBLE", "amount_unit_concept_id": _ID,
        "invalid_reason": _TEXT,
    },
    "measurement": {
        "person_id": _ID, "measurement_concept_id": _ID, "measurement_date": _DAY,
        "operator_concept_id": _ID, "value_as_number": NUMBER, "value_as_concept_id": _ID,
        "unit_concept_id": _ID, "range_high": NUMBER, "unit_source_value": _TEXT,
        "value_source_value": _TEXT, "measurement_source_value": _TEXT,
        "measurement_source_concept_id": _ID,
    },
    "observation": {
        "person_id": _ID, "observation_concept_id": _ID, "observation_date": _DAY,
        "value_as_number": NUMBER, "value_as_string": _TEXT, "value_as_concept_id": _ID,
        "observation_source_value": _TEXT, "observation_source_concept_id": _ID,
    },
    "procedure_occurrence": {
        "person_id": _ID, "procedure_concept_id": _ID, "procedure_date": _DAY,
        "procedure_source_value": _TEXT, "procedure_source_concept_id": _ID,
    },
    "death": {"person_id": _ID, "death_date": _DAY},
    "cdm_source": {"cdm_version": _TEXT},
}  # fmt: skip


def is_cdm(tables: Iterable[str]) -> bool:
    """Return whether a database with these tables is an OMOP CDM."""
    return set(NEEDED) <= {name.lower() for name in tables}

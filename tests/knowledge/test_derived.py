"""Findings that follow from others: each number in their rules from both sides."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from myoresist import Knowledge

KNOWLEDGE = Knowledge.load()


def known(**row: Any) -> dict[str, Any]:
    schema = {"patient_id": pl.String, **KNOWLEDGE.catalogue.table_schema()}
    table = pl.DataFrame([{"patient_id": "P", **row}], schema=schema)
    return KNOWLEDGE.inference.known(table).findings.row(0, named=True)


@pytest.mark.parametrize(
    ("given", "finding", "value"),
    [
        ({"age_at_onset": 17.9}, "juvenile_onset", True),
        ({"age_at_onset": 18.0}, "juvenile_onset", False),
        ({}, "juvenile_onset", None),
        ({"ck_u_l": 1200.0, "ck_uln_u_l": 200.0}, "ck_x_uln", 6.0),
        ({"ck_u_l": 1200.0}, "ck_x_uln", None),
        ({"ck_u_l": 1200.0, "ck_uln_u_l": 0.0}, "ck_x_uln", None),
        ({"ck_u_l": 200.0, "ck_uln_u_l": 200.0}, "ck_raised", False),
        ({"ck_u_l": 201.0, "ck_uln_u_l": 200.0}, "ck_raised", True),
        ({"ck_raised": True}, "muscle_enzymes_raised", True),
        ({"ck_raised": False}, "muscle_enzymes_raised", None),
        ({"aldolase_x_uln": 1.1}, "muscle_enzymes_raised", True),
        ({"anti_pl12": True}, "any_myositis_specific_antibody", True),
        ({"any_antisynthetase": False}, "anti_jo1", False),
        ({"biopsy_rimmed_vacuoles": True}, "biopsy_done", True),
        ({"biopsy_rimmed_vacuoles": False}, "biopsy_done", None),
        ({"biopsy_done": False}, "biopsy_rimmed_vacuoles", None),
        ({"proximal_weakness": True}, "symmetric_proximal_weakness", None),
        (
            {"proximal_weakness": True, "symmetric_weakness": True},
            "symmetric_proximal_weakness",
            True,
        ),
        ({"statin_current": True}, "statin_exposure", None),
    ],
)
def test_what_follows(given: dict[str, Any], finding: str, value: Any) -> None:
    assert known(**given)[finding] == value

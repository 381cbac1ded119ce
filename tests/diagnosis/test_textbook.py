"""Textbook patients: the disease leads once its test is known, and is among the first before."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from myoresist.assessment import Knowledge
from myoresist.evaluation import table
from myoresist.knowledge import folder

BASE = Knowledge.load()
PATIENTS: list[dict[str, Any]] = yaml.safe_load(
    (folder() / "diseases" / "tests.yaml").read_text(encoding="utf-8")
)
# Reviewed: the picture itself does not settle these, and the rank says how far it gets.
SECOND = {"deconditioning", "brachiocervical_inflammatory_myopathy"}
FIRST_AMONG = 3
LATE = {"deconditioning": 5, "hyperthyroid_myopathy": 5}


def rank(patient: dict[str, Any], left_out: list[str]) -> int:
    """Return the place of the right disease, 1 for the first."""
    given = {k: v for k, v in patient["given"]["findings"].items() if k not in left_out}
    record = {k: v if isinstance(v, bool) else float(v) for k, v in given.items()}
    known = BASE.inference.known(table([record], BASE.catalogue))
    assert not known.conflicted[0], patient["name"]
    probability = BASE.differential.posterior(known.findings)[0]
    own = probability[BASE.differential.diseases.index(patient["disease"])]
    return int((probability > own).sum()) + 1


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient["name"])
def test_the_disease_leads_once_its_test_is_known(patient: dict[str, Any]) -> None:
    assert rank(patient, []) <= (2 if patient["disease"] in SECOND else 1)


@pytest.mark.parametrize("patient", PATIENTS, ids=lambda patient: patient["name"])
def test_it_is_among_the_first_before(patient: dict[str, Any]) -> None:
    assert rank(patient, patient["without"]) <= LATE.get(patient["disease"], FIRST_AMONG)


def test_every_cited_work_is_known_and_every_patient_is_another_disease() -> None:
    cited = {key for patient in PATIENTS for key in patient["cites"]}
    assert cited <= BASE.references.keys()
    assert len({patient["disease"] for patient in PATIENTS}) == len(PATIENTS)

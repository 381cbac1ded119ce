"""A case as a phenopacket: valid by its own schema, and read back it says nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from phenopackets.schema.v2.phenopackets_pb2 import Phenopacket
from typer.testing import CliRunner

from myoresist.case.model import Case
from myoresist.case.reading import check_case_text
from myoresist.case.record import record
from myoresist.cli import EXAMPLES, app
from myoresist.exchange.door import foreign
from myoresist.exchange.phenopacket import read_phenopacket
from myoresist.exchange.phenopacket_out import phenopacket

MADE = "2026-11-30T12:00:00Z"
NAMES = ("anti_srp_refractory", "anti_hmgcr_statin", "dysferlinopathy_called_polymyositis")
OWN = """
patient: {id: A-1, sex: male, age: 61}
label: polymyositis
onset: {age: 58}
findings: {dysphagia: yes, arthralgia: no, ild: unknown}
labs:
- {test: CK, value: 900, unit: U/L, upper_limit: 170, date: 2026-04-01}
- {test: CK, value: 300, unit: U/L, date: 2025}
autoantibodies: [{antibody: anti-Jo-1, result: negative}, {antibody: anti-Mi-2, result: weak}]
treatments: [{drug: methotrexate, dose: 15, unit: mg, frequency: weekly}]
"""


def case(text: str) -> Case:
    found, problems = check_case_text(text, "case")
    assert found is not None, problems
    return found


@pytest.fixture(params=[*NAMES, "own"])
def known(request: pytest.FixtureRequest) -> Case:
    name = request.param
    return case(OWN if name == "own" else (EXAMPLES / f"{name}.yaml").read_text("utf-8"))


def test_it_is_valid_and_names_its_resources(known: Case) -> None:
    packet = phenopacket(known, MADE)
    assert ParseDict(packet, Phenopacket()).meta_data.phenopacket_schema_version == "2.0"
    told = {one["namespacePrefix"] for one in packet["metaData"]["resources"]}
    used = {x.partition(":")[0] for x in terms(packet)} - {"UCUM"}
    assert used == told


def terms(value: Any) -> list[str]:
    """Return the terms of a packet."""
    if isinstance(value, dict):
        own = [value["id"]] if {"id", "label"} == set(value) else []
        return own + [x for one in value.values() for x in terms(one)]
    return [x for one in value for x in terms(one)] if isinstance(value, list) else []


def test_read_back_nothing_is_said_otherwise(known: Case) -> None:
    back = read_phenopacket(json.dumps(phenopacket(known, MADE))).case
    own, found = record(known).values, record(back).values
    differs = {x: (own.get(x), value) for x, value in found.items() if x in own and own[x] != value}
    # Without their dates the order of values is not known, and nothing is current.
    assert not {x for x in differs if not x.startswith("ck_")}
    assert back.patient.id == known.patient.id and back.patient.sex == known.patient.sex


def test_what_is_said_and_what_stays_behind() -> None:
    packet = phenopacket(case(OWN), MADE)
    features = {x["type"]["id"]: x.get("excluded", False) for x in packet["phenotypicFeatures"]}
    assert features == {"ICD10:R13": False, "HP:0002829": True}
    back = read_phenopacket(json.dumps(packet)).case
    assert back.findings == {"dysphagia": True, "arthralgia": False}
    assert back.label == "polymyositis" and back.onset.age == 58
    assert [(x.value, x.upper_limit, str(x.date or "")) for x in back.labs] == [
        (900, 170, "2026-04-01"), (300, None, ""),
    ]  # fmt: skip
    assert [(x.antibody, x.result) for x in back.autoantibodies] == [("anti_jo1", "negative")]
    assert [x.drug for x in back.treatments] == ["methotrexate"]


def test_beside_a_bound_no_other_value_of_its_test_is_written() -> None:
    bound = OWN.replace("value: 300, unit: U/L", 'value: ">900", unit: U/L')
    packet = phenopacket(case(bound), MADE)
    assert not read_phenopacket(json.dumps(packet)).case.labs


def test_it_is_known_as_a_phenopacket_without_any_feature() -> None:
    only = "patient: {id: A-1}\nlabel: polymyositis\n"
    received = foreign(json.dumps(phenopacket(case(only), MADE)).encode(), "packet.json")
    assert received and received.case.label == "polymyositis"


def test_an_antibody_result_that_cannot_be_read_stays_open() -> None:
    packet = phenopacket(case(OWN), MADE)
    packet["measurements"][-1]["value"] = {"ontologyClass": {"id": "X:1", "label": "leo"}}
    found = read_phenopacket(json.dumps(packet))
    assert found.case.autoantibodies[0].result == "unknown"
    assert any("stays open" in x for x in found.notes)


def test_the_command_writes_it(tmp_path: Any) -> None:
    path = tmp_path / "packet.json"
    source = str(EXAMPLES / "anti_srp_refractory.yaml")
    result = CliRunner().invoke(app, ["assess", source, "--phenopacket", str(path)])
    assert result.exit_code == 0, result.output
    assert "phenotypicFeatures" in json.loads(path.read_text("utf-8"))

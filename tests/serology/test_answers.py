"""What is said of one patient, with its reasons and sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from frames import known as settled

import myoresist
from myoresist import Knowledge, knowledge, read_case
from myoresist.arrays.table import Table
from myoresist.case.model import Case
from myoresist.case.record import findings_table, record
from myoresist.serology.answer import SerologyResult
from myoresist.serology.evaluate import Serology
from myoresist.serology.explain import answer
from myoresist.serology.results import Results

BASE = Knowledge.load()
SEROLOGY = Serology.load(knowledge.folder(), BASE.catalogue)
EXAMPLES = sorted((Path(myoresist.__file__).parent / "examples").glob("*.yaml"))


def said_of(one: Case) -> SerologyResult:
    known = settled(BASE.inference, findings_table([record(one)], BASE.catalogue))
    given = Results.of_case(one, BASE.terms, SEROLOGY.words)
    found = SEROLOGY.evaluate(Table.of_frame(known.drop("patient_id")), given)
    return answer(SEROLOGY, found, one.patient.id)


def said(*tests: dict[str, Any], **findings: Any) -> SerologyResult:
    case = {"patient": {"id": "P"}, "findings": findings, "autoantibodies": list(tests)}
    return said_of(Case.model_validate(case))


MDA5 = {"antibody": "anti-MDA5", "method": "line blot", "result": "strong"}


def test_what_is_expected_but_not_recorded_is_said_in_words() -> None:
    one = next(x for x in said(MDA5).antibodies if x.id == "anti_mda5")
    assert "Anti-MDA5 (CADM-140): no chest CT recorded" in [x.text for x in one.not_done]


def test_a_prior_names_its_findings_and_its_sources() -> None:
    one = said(MDA5, gottron_papules=True).antibodies[0]
    assert one.prior is not None
    assert one.prior.because == ("dm_rash",)
    assert one.prior.cites == ("nombel2021",)
    assert one.prior.value == one.prior.frequency


def test_a_statement_names_the_findings_that_decided() -> None:
    result = said(MDA5, ferritin_ug_l=1600)
    one = next(x for x in result.says if x.id == "mda5_ferritin")
    assert one.because == ("anti_mda5", "ferritin_ug_l")
    assert (one.evidence, one.cites, one.check) == ("strong", ("mda5pred2021",), "seen")


def test_a_count_of_antibodies_names_the_antibodies() -> None:
    srp = {"antibody": "anti-SRP", "method": "line blot", "result": "strong"}
    one = next(x for x in said(MDA5, srp).says if x.id == "two_msa")
    assert one.because == ("anti_mda5", "anti_srp")


def test_a_statement_says_how_sure_its_antibody_is() -> None:
    ro52 = {"antibody": "anti-Ro52", "method": "line blot", "result": "strong"}
    result = said({"antibody": "anti-MDA5", "method": "line blot", "result": "positive"}, ro52)
    levels = {one.id: one.level for one in result.antibodies}
    assert levels == {"anti_mda5": "possible", "anti_ro52": "likely"}
    assert next(x for x in result.says if x.id == "mda5_ro52").level == "possible"


def test_what_is_known_is_not_suggested_again() -> None:
    one = next(x for x in said(MDA5, hrct_done=True).says if x.id == "mda5_lung")
    assert one.suggests == ("pft_done", "ferritin_ug_l")


def test_undetermined_risk_says_what_the_highest_category_would_ask_for() -> None:
    cancer = said(iim_subtype_dm=True, age_at_onset=30).cancer
    assert (cancer.category, cancer.title) == (
        "undetermined",
        "at least intermediate risk (moderate in the guideline), up to high risk",
    )
    assert cancer.if_highest is not None
    assert "every year for 3 years" in cancer.if_highest
    assert "anti_tif1g" in cancer.unknown


def test_outside_its_scope_the_guideline_asks_for_nothing() -> None:
    cancer = said(iim_subtype_dm=True, age_at_onset=12).cancer
    assert cancer.category == "not_applicable"
    assert cancer.at_diagnosis == ()
    assert cancer.scope == (
        "A search for cancer is not routine in disease that began before 18 years.",
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_published_cases_are_answered_with_sources_that_exist(path: Path) -> None:
    result = said_of(read_case(path))
    assert set(result.sources()) <= BASE.references.keys()
    assert SerologyResult.model_validate_json(result.model_dump_json()) == result
    for one in result.says:
        assert one.cites
        assert one.check
        assert one.because


def test_a_published_case_of_anti_srp_is_recognised() -> None:
    result = said_of(read_case(next(x for x in EXAMPLES if x.stem == "anti_srp_refractory")))
    assert result.most_likely == "anti_srp"
    assert "srp_resistant" in {one.id for one in result.says}


def test_a_result_says_who_and_what_on_one_line() -> None:
    assert str(said(MDA5)) == "<Serology of P: anti_mda5, cancer risk undetermined>"

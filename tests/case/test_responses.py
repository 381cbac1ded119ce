"""What a course did, in words: each word is read, kept, and told of findings."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoresist.case.course_columns import REASONS, RESPONSES
from myoresist.case.model import Case, Treatment
from myoresist.case.reading import check_case_text
from myoresist.case.record import record
from myoresist.case.responses import ORGANS, Reason, Response, overall
from myoresist.case.template import write_case

WORDS = [word for word in get_args(Response) if word != "unknown"]


def course(**said: Any) -> Treatment:
    return Treatment.model_validate({"drug": "prednisone", **said})


def test_every_word_has_a_place_in_the_columns() -> None:
    assert sorted(RESPONSES) == sorted(WORDS)
    assert sorted(REASONS) == sorted(word for word in get_args(Reason) if word != "unknown")


@pytest.mark.parametrize(
    ("organs", "whole"),
    [
        ({}, None),
        ({"muscle": "good"}, "good"),
        ({"muscle": "good", "CK": "none"}, "good"),
        ({"muscle": "none", "CK": "good"}, "none"),
        ({"muscle": "none", "skin": "worse"}, "none"),
        ({"muscle": "complete", "lung": "good"}, "good"),
        ({"muscle": "good", "swallowing": "none"}, "partial"),
        ({"muscle": "good", "skin": "good, then lost"}, "good, then lost"),
        ({"muscle": "partial", "skin": "good, then lost"}, "partial"),
        ({"muscle": "none", "skin": "good, then lost"}, "good, then lost"),
        ({"muscle": "unknown", "skin": "good"}, None),
        ({"skin": "none", "lung": "none"}, None),
    ],
)
def test_muscle_stands_for_the_whole_where_organs_agree(
    organs: dict[str, str], whole: str | None
) -> None:
    assert overall(course(response_by_organ=organs)) == whole


@given(
    whole=st.sampled_from(WORDS),
    organs=st.dictionaries(st.sampled_from(ORGANS), st.sampled_from(WORDS)),
)
def test_what_is_said_of_the_whole_goes_first_and_survives_a_round_trip(
    whole: str, organs: dict[str, str]
) -> None:
    one = course(response=whole, response_by_organ=organs, together_with=["IVIG"])
    assert overall(one) == whole
    case = Case.model_validate({"patient": {"id": "P"}, "treatments": [one.model_dump()]})
    read, problems = check_case_text(write_case(case), "c")
    assert not problems
    assert read is not None
    assert read.treatments == case.treatments


def told(*organs: dict[str, str]) -> set[str]:
    courses = [{"drug": "IVIG", "response_by_organ": one} for one in organs]
    case = Case.model_validate({"patient": {"id": "P"}, "treatments": courses})
    return {name for name in record(case).values if name.startswith("course_")}


def test_organs_tell_of_findings_until_a_later_word_may_have_changed_them() -> None:
    assert told({"muscle": "good", "swallowing": "none"}) == {"course_organ_discordant"}
    assert told({"muscle": "good", "swallowing": "none"}, {"swallowing": "good"}) == set()
    assert told({"muscle": "none", "CK": "partial"}) == {"course_ck_fell_strength_did_not"}
    assert told({"muscle": "good", "CK": "none"}) == {"course_strength_improved_ck_did_not"}
    assert told({"muscle": "partial", "skin": "none"}) == set()


def test_a_comma_may_be_left_out_and_a_drug_must_be_known() -> None:
    assert course(response="good then lost").response == "good, then lost"
    text = "patient: {id: P}\ntreatments: [{drug: IVIG, together_with: [rituximabb]}]"
    _, problems = check_case_text(text, "c")
    assert [one.message for one in problems] == ["unknown drug rituximabb; did you mean Rituximab?"]

"""Drugs are known by substance and brand, with what stands around their names, and without a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import record
from myoresist.case.timeline import timeline

TERMS = packaged_terms()
NAMES = TERMS.drug_names


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Cellcept", ("mycophenolate", None, None)),
        ("Imuran", ("azathioprine", None, None)),
        ("cyclosporine A", ("ciclosporin", None, None)),
        ("Cyclosporin-A", ("ciclosporin", None, None)),
        ("IV methylpred", ("methylprednisolone", "iv", None)),
        ("steroid pulses", ("glucocorticoid_iv_pulse", None, None)),
        ("pulse IV methylprednisolone", ("glucocorticoid_iv_pulse", "iv", None)),
        ("high-dose steroids", ("glucocorticoid_oral", None, "high dose")),
        ("IV cyclophosphamide pulse", ("cyclophosphamide", "iv", "pulse")),
        ("topical tacrolimus", ("tacrolimus", "topical", None)),
        ("an immunosuppressant, name unknown", ("unnamed_immunosuppressant", None, None)),
        ("several B-cell depleting antibodies", ("unnamed_b_cell_depletion", None, None)),
        ("daratumumab", ("daratumumab", None, None)),
        ("tuberculosis drugs", ("antituberculous_drugs", None, None)),
        ("tumour resection", ("tumour_removal", None, None)),
    ],
)
def test_a_name_says_which_drug_by_which_route_and_how_much(
    name: str, said: tuple[str, str | None, str | None]
) -> None:
    known = NAMES.find(name)
    assert known is not None
    assert (known.drug.id, known.route, known.strength) == said


@pytest.mark.parametrize(
    "name",
    ["rituximabb", "no steroids", "anti-rituximab", "prednisone then IVIG", "", "IV", "dose"],
)
def test_a_name_with_words_that_say_nothing_known_is_not_known(name: str) -> None:
    assert NAMES.find(name) is None


@given(
    drug=st.sampled_from([x for x in TERMS.drugs.values() if x.drug_class == "immunosuppressant"]),
    route=st.sampled_from(["oral", "IV", "subcutaneous"]),
    strength=st.sampled_from(["high dose", "low-dose"]),
    before=st.booleans(),
)
def test_words_around_a_name_never_change_the_drug(
    drug: object, route: str, strength: str, before: bool
) -> None:
    label = drug.label  # type: ignore[attr-defined]
    known = NAMES.find(f"{strength} {route} {label}" if before else f"{label} {route} {strength}")
    assert known is not None
    assert (known.drug, known.route) == (drug, route.lower())
    assert known.strength == strength.replace("-", " ")


def test_each_name_stands_for_one_drug() -> None:
    names: dict[str, str] = {}
    for drug in TERMS.drugs.values():
        for name in (drug.id, drug.label, *drug.synonyms):
            plain = "".join(x for x in name.lower() if x.isalnum())
            assert names.setdefault(plain, drug.id) == drug.id, name


def case(**sections: object) -> Case:
    return Case.model_validate({"patient": {"id": "P"}, **sections})


def test_other_medicines_tell_of_findings_as_long_as_they_are_taken() -> None:
    taken = record(case(medicines=["co-trimoxazole", {"drug": "rifampin", "ongoing": False}]))
    assert taken.values == {"co_trimoxazole_current": True}
    past = record(case(medicines=[{"drug": "colchicine", "stop": "2020"}, "mystery"]))
    assert past.values == {"colchicine_exposure": True}
    assert past.remarks == ("medicines[1]: mystery is not in the list of drugs",)


def test_a_procedure_is_a_course_that_tells_of_findings() -> None:
    running = {"drug": "chemotherapy", "ongoing": True}
    assert record(case(treatments=[running])).values["cancer_treatment_current"] is True
    assert record(case(treatments=[{"drug": "thymectomy"}])).values == {}


def test_a_drug_against_myositis_is_no_other_medicine() -> None:
    _, problems = check_case_text("patient: {id: P}\nmedicines: [folic acid, MTX]", "c")
    assert [(x.field, x.message) for x in problems] == [
        ("medicines[1]", "MTX belongs under treatments")
    ]


def test_what_stands_around_a_name_is_shown() -> None:
    (course,) = timeline(case(treatments=[{"drug": "IV high-dose methylpred"}]), TERMS).courses
    assert (course.drug, course.dose) == ("Methylprednisolone", "high dose, iv")

"""Response of one patient, from the case file to what is shown."""

from __future__ import annotations

import pytest

from myoresist import Knowledge
from myoresist.answers import Answers
from myoresist.assessment import one_patient
from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.record import record
from myoresist.resistance.response.explain import ResponseResult

VISITS = """\
visits:
- {date: 2020-01-10, mmt8: 130, physician_global: 3, patient_global: 3, haq_di: 1, extramuscular_global: 1}
- {date: 2021-02-01, mmt8: 120, physician_global: 5, patient_global: 6, haq_di: 1.5, extramuscular_global: 3}
- {date: 2021-06-01, mmt8: 136, physician_global: 3.4, patient_global: 4.4, haq_di: 1,
   extramuscular_global: 1.4, physician_global_damage: 2, cdasi_activity: 12}
labs:
- {test: CK, value: 800, unit: U/L, upper_limit: 200, date: 2021-02-03}
- {test: CK, value: 320, unit: U/L, upper_limit: 200, date: 2021-06-01}
"""
COURSES = """\
treatments:
- {drug: prednisone, start: 2020-01-11}
- {drug: methotrexate, dose: 15, unit: mg, start: 2020-03-01, stop: 2021-01-31}
- {drug: rituximab, start: 2021-02-01}
"""


def case(text: str) -> Case:
    read, wrong = check_case_text("patient: {id: P, age: 60}\n" + text, "c")
    assert read is not None, wrong
    return read


KNOWLEDGE = Knowledge.load()


def response(one: Case, baseline: str | None = None) -> ResponseResult:
    patients, visits = one_patient(one, record(one), KNOWLEDGE, baseline)
    answers = Answers(patients, KNOWLEDGE, KNOWLEDGE.differential)
    return KNOWLEDGE.resistance.response(one, visits, answers.findings)


def responded(text: str, baseline: str | None = None) -> ResponseResult:
    return response(case(text), baseline)


def problems(text: str) -> list[str]:
    return [str(one) for one in check_case_text("patient: {id: P}\n" + text, "c")[1]]


def test_the_last_visit_before_the_most_recent_course_is_the_baseline() -> None:
    result = responded(VISITS + COURSES)
    assert result.population == "adult"
    assert result.baseline_date == "2021-02-01"
    assert result.baseline_basis == "the last visit before Rituximab began (2021-02-01)"
    (comparison,) = result.comparisons
    (score,) = comparison.improvements
    assert (comparison.date, comparison.days) == ("2021-06-01", 120)
    assert (score.score, score.score_max, score.category) == (65, 65, "major")
    assert [change.points for change in score.changes] == [15, 5, 20, 7.5, 5, 12.5]
    assert [change.measure for change in score.changes][4] == "ck"
    assert len(result.consecutive) == 2
    met = {one.id for one in comparison.definitions if one.state == "met"}
    assert met == {"imacs_doi_2004"}


def test_activity_and_damage_are_kept_apart() -> None:
    last = responded(VISITS).visits[-1]
    assert {one.id for one in last.damage} == {"physician_global_damage"}
    assert "cdasi_activity" in {one.id for one in last.activity}
    assert {one.id for one in last.activity_or_damage} == {"mmt8", "haq_di"}


def test_the_baseline_may_be_chosen() -> None:
    result = responded(VISITS + COURSES, "2020-01-10")
    assert (result.baseline_date, result.baseline_basis) == ("2020-01-10", "as asked for")
    assert [one.date for one in result.comparisons] == ["2021-02-01", "2021-06-01"]
    with pytest.raises(ValueError, match="there is no visit of 2019; there are 2020-01-10, "):
        responded(VISITS, "2019")


def test_without_a_course_the_first_visit_is_the_baseline_and_it_says_so() -> None:
    result = responded(VISITS)
    assert result.baseline_date == "2020-01-10"
    assert "the first visit, since no course" in str(result.baseline_basis)


def test_a_change_of_dose_is_no_new_course() -> None:
    text = """\
treatments:
- {drug: methotrexate, dose: 15, unit: mg, start: 2020-01-20, stop: 2021-02-10}
- {drug: methotrexate, dose: 25, unit: mg, start: 2021-02-11}
"""
    assert responded(VISITS + text).baseline_date == "2020-01-10"


def test_glucocorticoid_sets_the_baseline_only_where_nothing_else_does() -> None:
    text = "treatments:\n- {drug: prednisone, start: 2021-02-01}\n"
    assert responded(VISITS + text).baseline_date == "2021-02-01"
    text += "- {drug: azathioprine, start: 2020-01-10}\n"
    assert responded(VISITS + text).baseline_date == "2020-01-10"


def test_what_is_missing_is_named() -> None:
    result = responded(
        "visits:\n- {date: 2020-01-10, mmt8: 120, physician_global: 5}\n"
        "- {date: 2020-06-10, mmt8: 136}\n",
    )
    score = result.comparisons[0].improvements[0]
    assert score.category == "undetermined"
    assert score.missing[:2] == (
        "Physician global activity at follow-up",
        "Patient or parent global activity at baseline",
    )
    doi = result.comparisons[0].definitions[0]
    assert (doi.id, doi.state) == ("imacs_doi_2004", "undetermined")
    assert "Physician global activity" in doi.missing
    inactive = result.visits[-1].definitions[0]
    assert (inactive.state, inactive.missing) == ("undetermined", ("Physician global activity",))


def test_an_enzyme_without_its_limit_is_told() -> None:
    text = VISITS.replace(", upper_limit: 200, date: 2021-06-01", ", date: 2021-06-01")
    result = responded(text + COURSES)
    assert result.remarks == (
        "visit of 2021-06-01: Creatine kinase without its upper limit of normal cannot be compared; give "
        "upper_limit",
    )
    score = result.comparisons[0].improvements[0]
    assert (score.score, score.score_max) == (60, 67.5)


def test_an_enzyme_far_from_the_visit_is_not_that_of_the_visit() -> None:
    result = responded(VISITS.replace("2021-02-03", "2021-02-16") + COURSES)
    assert result.comparisons[0].improvements[0].changes[4].points is None
    result = responded(VISITS.replace("2021-02-03", "2021-02-15") + COURSES)
    assert result.comparisons[0].improvements[0].changes[4].points == 5


def test_two_different_enzymes_of_one_day_are_unknown() -> None:
    twice = "- {test: CK, value: 900, unit: U/L, upper_limit: 200, date: 2021-02-03}\n"
    result = responded(VISITS + twice + COURSES)
    assert result.comparisons[0].improvements[0].changes[4].points is None
    assert "more than one value" in result.remarks[0]


def test_visits_whose_order_is_open_are_not_compared() -> None:
    text = "visits: [{date: 2020, mmt8: 100}, {date: 2020-05, mmt8: 120}, {date: 2021, mmt8: 130}]"
    result = responded(text)
    assert [visit.date for visit in result.visits] == ["2021"]
    assert "the dates do not tell which came first" in result.remarks[0]


def test_remission_needs_every_course_to_be_listed() -> None:
    visits = "".join(f"- {{date: {day}, physician_global: 0}}\n" for day in
                     ("2021-01-01", "2021-04-01", "2021-07-01"))  # fmt: skip
    text = f"visits:\n{visits}treatments:\n- {{drug: prednisone, start: 2019, stop: 2020-06}}\n"

    def states(more: str) -> dict[str, str]:
        found = responded(text + more).visits[-1].definitions
        return {one.id: one.state for one in found}

    assert states("treatments_complete: yes\n")["clinical_remission"] == "met"
    assert states("")["clinical_remission"] == "undetermined"
    assert states("")["no_activity"] == "met"


def test_children_have_both_core_sets() -> None:
    read, _ = check_case_text(
        "patient: {id: C, age: 9}\nvisits:\n- {date: 2020-01-01, cmas: 20}\n- {date: 2020-07-01, cmas: 40}\n",
        "c",
    )
    assert read is not None
    result = response(read)
    assert result.population == "juvenile"
    assert [one.core_set for one in result.comparisons[0].improvements] == ["imacs", "printo"]
    assert "printo_inactive_2013" in {one.id for one in result.visits[0].definitions}


def test_one_visit_of_a_child_is_no_error() -> None:
    read, _ = check_case_text("patient: {id: C, age: 9}\nvisits: [{date: 2020, cmas: 20}]\n", "c")
    assert read is not None
    result = response(read)
    assert (result.comparisons, len(result.visits)) == ((), 1)


def test_a_year_alone_does_not_tie_a_sample_to_a_visit() -> None:
    text = """\
visits: [{date: 2020, mmt8: 100}, {date: 2021-05, mmt8: 120}]
labs:
- {test: CK, value: 800, unit: U/L, upper_limit: 200, date: 2020}
- {test: CK, value: 400, unit: U/L, upper_limit: 200, date: 2021-05}
"""
    first, second = responded(text).visits
    assert [{one.id for one in visit.activity} for visit in (first, second)] == [set(), {"ck"}]


def test_an_unknown_age_leaves_the_population_open() -> None:
    read, _ = check_case_text(
        "patient: {id: C}\nvisits:\n- {date: 2020-01-01, mmt8: 100}\n- {date: 2020-07-01, mmt8: 140}\n",
        "c",
    )
    assert read is not None
    result = response(read)
    assert result.population is None
    score = result.comparisons[0].improvements[0]
    assert (score.score, score.category_min) == (27.5, "none")


def test_nothing_to_compare_is_no_error() -> None:
    result = responded("")
    assert (result.comparisons, result.baseline_date) == ((), None)
    assert ResponseResult.model_validate_json(result.model_dump_json()) == result


ALL = (
    "deltoid", "biceps", "wrist_extensors", "gluteus_maximus", "gluteus_medius", "quadriceps",
    "ankle_dorsiflexors",
)  # fmt: skip
HALF = {f"{muscle}_{side}": 9 for muscle in ALL for side in ("right", "left")}


def visit(text: str) -> dict[str, float]:
    return packaged_terms().measures.values(case(f"visits: [{{date: 2020, {text}}}]").visits[0])


def muscles(grades: dict[str, int]) -> str:
    return "muscles: {" + ", ".join(f"{name}: {grade}" for name, grade in grades.items()) + "}"


def test_single_muscles_add_up_on_both_forms() -> None:
    assert visit(muscles({"neck_flexors": 5, **HALF})) == {"mmt8": 131, "mmt8_80": 68}
    right = {name: grade for name, grade in HALF.items() if name.endswith("right")}
    assert visit(muscles({"neck_flexors": 5, **right})) == {"mmt8_80": 68}
    assert visit(muscles(HALF)) == {}


def test_haq_takes_the_worst_item_and_counts_aids() -> None:
    items = "haq_items: {dress: 1, shampoo: 2, bed: 0, cut_meat: 3, walk_outdoors: 1, wash: 0, bend_down: 1"
    assert visit(items + "}")["haq_di"] == 7 / 6
    assert visit(items + ", jars: 1}")["haq_di"] == 8 / 7
    assert visit(items + "}, haq_aids: [walking, arising, eating]")["haq_di"] == 10 / 6
    assert "haq_di" not in visit("haq_items: {dress: 1, bed: 1, cut_meat: 1, wash: 1, jars: 1}")


def test_myoact_and_mitax_from_their_organs() -> None:
    assert visit("myoact_organs: {cutaneous: 6, pulmonary: 3}")["myoact"] == 0.45
    assert visit("vas_unit: mm, myoact_organs: {cutaneous: 60, pulmonary: 30}")["myoact"] == 0.45
    grades = (
        "constitutional: A, cutaneous: B, skeletal: C, gastrointestinal: D, pulmonary: E, muscle: A"
    )
    assert visit(f"mitax_grades: {{{grades}, cardiovascular: E}}")["mitax"] == 22
    assert "mitax" not in visit(f"mitax_grades: {{{grades}}}")


def test_millimetres_are_tenths_of_centimetres() -> None:
    assert visit("vas_unit: mm, physician_global: 11, mmt8: 120") == visit(
        "physician_global: 1.1, mmt8: 120"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mmt8_80: 81", "mmt8_80: 81 is impossible; it lies between 0 and 80 points"),
        (
            "cdasi_activity: -1",
            "cdasi_activity: -1 is impossible; it lies between 0 and 100 points",
        ),
        (
            "vas_unit: mm, physician_global: 101",
            "physician_global: 101 is impossible; it lies between 0 and 100 mm",
        ),
        (
            "muscles: {deltoid: 5}",
            "muscles.deltoid: unknown name; did you mean deltoid_left?",
        ),
        (
            "muscles: {neck_flexors: 11}",
            "muscles.neck_flexors: 11 is impossible; it lies between 0 and 10",
        ),
        ("haq_items: {bed: 4}", "haq_items.bed: 4 is impossible; it lies between 0 and 3"),
        (
            "haq_items: {bed: 1}, haq_aids: [walk]",
            "haq_aids[0]: unknown name; did you mean walking?",
        ),
        (
            "mitax_grades: {muscle: F}",
            "mitax_grades.muscle: F is not a grade; write A, B, C, D, E",
        ),
        (
            "myoact: 1, myoact_organs: {cutaneous: 6}",
            "myoact: 1 is not the 0.6 that the single values give",
        ),
        (
            "muscles: {neck_flexors: '5,5'}",
            "muscles.neck_flexors: 5,5 is not a number; write a number",
        ),
    ],
)
def test_a_mistake_in_a_visit_is_one_line(text: str, message: str) -> None:
    (one,) = problems(f"visits:\n- {{date: 2020, {text}}}\n")
    assert one == f"c:3: visits[0].{message}"

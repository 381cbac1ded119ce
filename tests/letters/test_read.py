"""A letter becomes statements to confirm: what stands, what is open, what says otherwise, what is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoresist.case.reading import check_case_text
from myoresist.letters import MOST_CHARACTERS, Letter, LetterError, Statement, read

OWN = sorted((Path(__file__).parent / "own").glob("*.txt"))
LETTER = """Rheumatology clinic, 12 March 2024
Re: a 54-year-old woman with dermatomyositis.

She has trouble swallowing solid food. There is no heliotrope rash, Gottron's papules or calcinosis.
Interstitial lung disease cannot be excluded. Her mother had rheumatoid arthritis.
CK 1,240 U/L (normal up to 170). Anti-TIF1-gamma positive by line blot, Ro positive.
Methotrexate 20 mg weekly was stopped in January 2024 because of nausea. We discussed rituximab.
"""


@pytest.fixture(scope="module")
def letter() -> Letter:
    return read(LETTER, source="clinic")


def about(letter: Letter, name: str) -> list[Statement]:
    return [one for one in letter.statements if one.about == name]


def test_what_is_said_stands_with_its_words(letter: Letter) -> None:
    [swallowing] = about(letter, "dysphagia")
    assert (swallowing.answer, swallowing.stands, swallowing.entry) == (
        "yes",
        True,
        {"dysphagia": True},
    )
    assert swallowing.quote == "trouble swallowing"
    assert [LETTER[a:b] for a, b in swallowing.spans] == ["trouble swallowing"]
    assert swallowing.where == "findings.dysphagia"


@pytest.mark.parametrize("name", ["heliotrope_rash", "gottron_papules", "calcinosis"])
def test_a_denial_reaches_all_of_its_list(letter: Letter, name: str) -> None:
    [one] = about(letter, name)
    assert (one.answer, one.stands, one.entry) == ("no", True, {name: False})


def test_what_is_left_open_is_asked_and_not_entered(letter: Letter) -> None:
    [lung] = about(letter, "ild")
    assert (lung.answer, lung.stands, lung.entry) == ("unsure", False, None)
    assert lung.question
    assert lung.confirmed().entry == lung.if_yes == {"ild": True}
    assert lung.confirmed(False).entry == {"ild": False}
    assert "ild" not in letter.case().get("findings", {})
    assert letter.case([*letter.standing, lung.confirmed()])["findings"]["ild"] is True


def test_what_is_said_of_a_relative_is_not_entered(letter: Letter) -> None:
    assert all(not one.stands for one in about(letter, "rheumatoid_arthritis"))


def test_an_antibody_with_two_meanings_is_asked_about(letter: Letter) -> None:
    [ro] = about(letter, "ro")
    assert (ro.answer, ro.stands, ro.if_yes) == ("unsure", False, None)
    assert [one["antibody"] for one in letter.case()["autoantibodies"]] == ["Anti-TIF1-gamma"]


def test_a_drug_that_was_only_discussed_was_not_given(letter: Letter) -> None:
    assert [one["drug"] for one in letter.case()["treatments"]] == ["methotrexate"]
    [rituximab] = about(letter, "rituximab")
    assert not rituximab.stands


@pytest.mark.parametrize(
    "text",
    [
        "Anti-Jo1 (-).",
        "Anti-Jo-1 positive in 2015 but negative on repeat in 2024.",
        "Anti-Jo-1 weakly positive and thought to be a false positive.",
        "The positive Jo-1 result belonged to another patient.",
    ],
)
def test_an_antibody_that_is_taken_back_does_not_stand(text: str) -> None:
    assert "autoantibodies" not in read(text).case()


def test_a_sign_in_brackets_is_not_that_of_the_next_antibody() -> None:
    case = read("Anti-Jo1 (-), anti-SRP (+)").case()
    assert [one["antibody"] for one in case["autoantibodies"]] == ["Anti-SRP"]


def test_a_repeat_of_another_antibody_takes_nothing_back() -> None:
    case = read("Anti-Jo-1 positive and PL-7 negative, repeated twice.").case()
    assert [one["result"] for one in case["autoantibodies"]] == ["positive", "negative"]


def test_a_remark_in_the_row_of_a_drug_is_about_it() -> None:
    table = """MEDICATION
Drug | Dose | Start | Stop | Comment
Mycophenolate | 1 g bd | 04/2023 | | partial response
Azathioprine | 150 mg od | 11/2022 | 03/2023 | side effect
Rituximab | 1 g x2 | - | - | planned, awaiting vaccination
"""
    one, other = read(table).case()["treatments"]
    assert (one["drug"], one["ongoing"]) == ("mycophenolate", True)
    assert (other["drug"], other["start"], other["stop"]) == ("azathioprine", "2022-11", "2023-03")


@pytest.mark.parametrize(
    ("text", "ongoing"),
    [
        ("Medication: prednisolone 40 mg daily from 10/2022, now 10 mg daily", [None, True]),
        ("Medication: nil. Previously prednisolone 10 mg daily.", [None]),
        ("Medication: methotrexate (on hold), prednisolone 5 mg", [None, True]),
        ("Medication: methotrexate 15 mg weekly (held in May, restarted)", [True]),
    ],
)
def test_a_dose_of_the_past_does_not_run(text: str, ongoing: list[bool | None]) -> None:
    assert [one.get("ongoing") for one in read(text).case()["treatments"]] == ongoing


def test_the_day_a_drug_was_discontinued_is_not_its_first() -> None:
    [course] = read("Tofacitinib (d/c 2021).").case()["treatments"]
    assert (course.get("start"), course["stop"]) == (None, "2021")


def test_the_rest_of_the_letter_stays_visible(letter: Letter) -> None:
    rest = " ".join(LETTER[a:b] for a, b in letter.not_read)
    assert "Rheumatology clinic" in rest
    assert "trouble swallowing" not in rest


def test_a_contradiction_is_a_pair_and_enters_nothing() -> None:
    letter = read("History: she has no calcinosis.\n\nExamination: calcinosis over both elbows.")
    [pair] = letter.contradictions
    told = [letter.statements[n] for n in pair]
    assert {one.answer for one in told} == {"yes", "no"}
    assert all(not one.stands and one.contradicts for one in told)
    assert "findings" not in letter.case()


@pytest.mark.parametrize("path", OWN, ids=lambda one: one.stem)
def test_what_stands_is_a_case_that_can_be_read(path: Path) -> None:
    letter = read(path.read_text(encoding="utf-8"), source=path.stem)
    case, problems = check_case_text(letter.yaml(), path.stem)
    assert problems == []
    assert case is not None


@pytest.mark.parametrize("text", ["", "  \n\t", "***"])
def test_a_letter_without_words_is_refused(text: str) -> None:
    with pytest.raises(LetterError, match="holds no words"):
        read(text)


def test_what_is_too_long_for_a_letter_is_refused() -> None:
    with pytest.raises(LetterError, match="a letter may have"):
        read("word " * MOST_CHARACTERS)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("Azathioprine 2015-2017.", [("azathioprine", "2015", "2017", None)]),
        ("Methotrexate (2018-19).", [("methotrexate", "2018", "2019", None)]),
        ("Azathioprine 03/2015-06/2017.", [("azathioprine", "2015-03", "2017-06", None)]),
        ("She stopped azathioprine in March 2019.", [("azathioprine", None, "2019-03", None)]),
        ("Off methotrexate since June 2020.", [("methotrexate", None, "2020-06", None)]),
        ("She ran out of azathioprine in May 2020.", [("azathioprine", None, "2020-05", None)]),
        ("She came off azathioprine.", [("azathioprine", None, None, False)]),
        ("Past treatment: azathioprine.", [("azathioprine", None, None, False)]),
        (
            "Methotrexate was switched to mycophenolate in June 2021.",
            [("methotrexate", None, "2021-06", None), ("mycophenolate", "2021-06", None, None)],
        ),
        ("Switch methotrexate to mycophenolate.", [("methotrexate", None, None, None)]),
    ],
)
def test_a_drug_ends_where_the_letter_says(text: str, entries: list[object]) -> None:
    keys = ("drug", "start", "stop", "ongoing")
    found = read(text).case()["treatments"]
    assert [tuple(one.get(key) for key in keys) for one in found] == entries


@pytest.mark.parametrize(
    "text", ["She did not get any better on azathioprine.", "He never improved with azathioprine."]
)
def test_a_drug_that_did_not_help_was_given(text: str) -> None:
    [course] = read(text).case()["treatments"]
    assert (course["drug"], course["response"]) == ("azathioprine", "none")


def test_units_and_limits_stand_in_the_headings_of_tables() -> None:
    across = """Clinic, 2 June 2025

Date         CK (U/L, ULN 190)   ALT [<40 U/L]   CRP (mg/dL)
01/03/2025   1,000               60              1.2
"""
    down = """Clinic, 2 June 2025

| Test | 01/05/2025 | 01/06/2025 |
| :--- | ---: | ---: |
| CK (30-200 U/L) | | 600 |
| LDH (ULN 250 U/L) | 300 | 310 |
"""
    assert [_lab(one) for one in read(across).case()["labs"]] == [
        ("CK", 1000, "U/L", 190, "2025-03-01"),
        ("ALT", 60, "U/L", 40, "2025-03-01"),
        ("CRP", 1.2, "mg/dL", None, "2025-03-01"),
    ]
    assert [_lab(one) for one in read(down).case()["labs"]] == [
        ("CK", 600, "U/L", 200, "2025-06-01"),
        ("LDH", 300, "U/L", 250, "2025-05-01"),
        ("LDH", 310, "U/L", 250, "2025-06-01"),
    ]


def test_a_letter_that_is_nothing_but_a_table_is_read() -> None:
    table = "Date        CK (U/L)   ALT (U/L)   LDH (U/L)\n01/03/2025  1,000      60          300\n"
    assert len(read(table).case()["labs"]) == 3


def _lab(entry: dict[str, object]) -> tuple[object, ...]:
    return tuple(entry.get(key) for key in ("test", "value", "unit", "upper_limit", "date"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "CK was 8,200 at diagnosis, fell to 1,900 in mid 2024, and is 4,350 today (normal up to 320).",
            [(8200, None), (1900, "2024"), (4350, "2026-11-12")],
        ),
        ("CK fell from 8,200 to 900 U/L.", [(8200, None), (900, "2026-11-12")]),
        ("CK 450 -> 1200 -> 3400 U/L.", [(450, None), (1200, None), (3400, "2026-11-12")]),
        ("CK 1,200 U/L three months ago, 900 today.", [(1200, None), (900, "2026-11-12")]),
        ("Diagnosed in 2022 on the basis of CK 890.", [(890, None)]),
        ("Dyspnoea since January, CK 95 U/L.", [(95, "2026-11-12")]),
        ("On methotrexate since 2022, CK 420.", [(420, "2026-11-12")]),
    ],
)
def test_each_value_has_its_day(text: str, values: list[object]) -> None:
    labs = read(f"Clinic, 12 November 2026\n\n{text}").case()["labs"]
    assert [(one["value"], one.get("date")) for one in labs] == values


@pytest.mark.parametrize(
    ("text", "often"),
    [
        ("IVIG 2 g/kg 4-weekly", "every 4 weeks"),
        ("IVIG 2 g/kg every 4/52", "every 4 weeks"),
        ("IVIG monthly 2 g/kg", "monthly"),
        ("MTX 15 mg/m2 s.c. weekly", "weekly"),
        ("RTX 2x1 g 03/2023", None),
        ("MMF 2x1 g", "twice daily"),
    ],
)
def test_how_often_is_what_the_letter_says(text: str, often: str | None) -> None:
    [course] = read(f"Clinic, 12 November 2026. {text}.").case()["treatments"]
    assert course.get("frequency") == often


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Methylprednisolone 1 g (3-5 Feb)", ("2026-02-03", "2026-02-05")),
        ("Methylprednisolone 1 g (Oct-Dec 2021)", ("2021-10", "2021-12")),
        ("Infliximab from November to February 2022", ("2021-11", "2022-02")),
        ("MTX 15 mg/wk 6/22-2/24", ("2022-06", "2024-02")),
    ],
)
def test_a_span_has_its_first_and_its_last_day(text: str, days: tuple[str, str]) -> None:
    [course] = read(f"Clinic, 12 November 2026. {text}.").case()["treatments"]
    assert (course["start"], course["stop"]) == days


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("Rituximab 1 g in 2024 - no clear benefit.", "none"),
        ("IVIG without a good response.", "none"),
        ("IVIG with good effect on the rash, partial on muscle.", None),
    ],
)
def test_a_response_is_what_is_left_of_it(text: str, response: str | None) -> None:
    [course] = read(text).case()["treatments"]
    assert course.get("response") == response


def test_a_drug_that_was_never_started_is_none() -> None:
    treatments = read("Azathioprine (TPMT low, never started), ciclosporin.").case()["treatments"]
    assert [one["drug"] for one in treatments] == ["ciclosporin"]


REPORT = """Test                 Result     Units   Ref      Collected
------------------------------------------------------------
  PL-7               84         AU      <11      04/06/2024
  Jo-1               3          AU      <11      04/06/2024
CK                   1,877      U/L     26-192   04/06/2024
CK                   2,340      U/L     26-192   11/03/2024
IgG                  16.2       g/L     6-16
HMGCR IgG (ELISA)    <3         CU      <20      04/06/2024
dsDNA                Neg
"""


def test_a_report_with_a_result_a_row_is_read_by_its_columns() -> None:
    case = read(REPORT).case()
    assert [_lab(one) for one in case["labs"]] == [
        ("CK", 1877, "U/L", 192, "2024-06-04"),
        ("CK", 2340, "U/L", 192, "2024-03-11"),
        ("IgG", 16.2, "g/L", 16, None),
    ]
    found = {x["antibody"]: (x["result"], x.get("method")) for x in case["autoantibodies"]}
    assert found == {
        "Anti-PL-7": ("positive", None),
        "Anti-Jo-1": ("negative", None),
        "Anti-HMGCR": ("negative", "ELISA"),
        "Anti-double-stranded DNA": ("negative", None),
    }


@pytest.mark.parametrize(
    "series",
    [
        "CK trend: 28/4 9,800; 3/5 10,250; 18/5 3,480",
        "CK trend: 28/4/21 9,800; 3/5/21 10,250; 18/5/21 3,480",
        "CK: 28/4/21 9,800, 3/5/21 10,250, 18/5/21 3,480",
        "CK: 9,800 (28/4/21), 10,250 (3/5/21), 3,480 (18/5/21)",
    ],
)
def test_the_days_of_a_series_stand_before_or_behind_its_figures(series: str) -> None:
    labs = read(f"Discharge summary. Discharged 19 May 2021.\n\n{series}.").case()["labs"]
    assert [(one["value"], one["date"]) for one in labs] == [
        (9800, "2021-04-28"), (10250, "2021-05-03"), (3480, "2021-05-18")
    ]  # fmt: skip


def test_a_summary_of_a_stay_is_of_the_day_on_which_it_ended() -> None:
    text = """DISCHARGE SUMMARY      Admitted 3 May 2021   Discharged 19 May 2021

Reason for admission: weakness, CK 9800 at clinic on 28/4/21.
Methylprednisolone 500 mg daily for three days (4-6 May).
"""
    case = read(text).case()
    assert case["date"] == "2021-05-19"
    assert case["treatments"][0]["start"] == "2021-05-04"


@pytest.mark.parametrize(
    ("text", "course"),
    [
        (
            "Methotrexate, which he had taken at 20 mg weekly, was discontinued as eGFR had fallen.",
            {"drug": "methotrexate", "dose": 20, "unit": "mg", "frequency": "weekly", "ongoing": False},
        ),
        ("Stopped: methotrexate, folic acid.", {"drug": "methotrexate", "ongoing": False}),
        (
            "Azathioprine 100 mg was stopped for three weeks, then resumed.",
            {"drug": "azathioprine", "dose": 100, "unit": "mg"},
        ),
        (
            "Methotrexate 15 mg weekly (Jan to Sept 2021: stopped; s/c never tried).",
            {
                "drug": "methotrexate", "dose": 15, "unit": "mg", "frequency": "weekly",
                "start": "2021-01", "stop": "2021-09",
            },
        ),
    ],
)  # fmt: skip
def test_where_a_course_ends(text: str, course: dict[str, object]) -> None:
    assert read(text).case()["treatments"] == [course]


@pytest.mark.parametrize(
    "text",
    [
        "Her rash remains active despite mycophenolate 1 g bd since Oct 2021.",
        "Rash since 2019. Prednisolone 30 mg tapering over 6 weeks.",
        "2/52 history of rash back on eyelids and knuckles.",
    ],
)
def test_how_long_a_drug_or_a_flare_lasted_is_not_how_the_disease_began(text: str) -> None:
    onset = read(text).case().get("onset", {})
    assert onset in ({}, {"date": "2019"})


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I have changed the label to antisynthetase syndrome.", "antisynthetase_syndrome"),
        ("The diagnosis was revised to inclusion body myositis in 2022.", "inclusion_body_myositis"),
        ("Methotrexate was changed to azathioprine as dermatomyositis was active.", "polymyositis"),
    ],
)  # fmt: skip
def test_a_label_that_the_letter_changes_is_the_new_one(text: str, label: str) -> None:
    assert read(f"Diagnosis: polymyositis\n\n{text}").case()["label"] == label


COURSES = """Drug               From       To         Max dose          Effect                 Why stopped
-------------------------------------------------------------------------------------------
Methotrexate       08/2015    02/2016    20 mg/wk          none                   pneumonitis?
Azathioprine       03/2016    11/2017    150 mg/d          partial, muscle only   ILD
Mycophenolate      06/2018    ongoing    1 g bd            -                      -
Tacrolimus         never
"""


def test_a_table_of_drugs_without_bars_has_first_and_last_days() -> None:
    found = [(x["drug"], x["start"], x.get("stop")) for x in read(COURSES).case()["treatments"]]
    assert found == [
        ("methotrexate", "2015-08", "2016-02"),
        ("azathioprine", "2016-03", "2017-11"),
        ("mycophenolate", "2018-06", None),
    ]


def test_days_of_one_month_are_a_span_and_grades_are_none() -> None:
    text = "Clinic 17/11/2022\n\nMP 1 g IV x3 (09-11/11), now pred 60 mg. Power 4-5/5 for 2-3/12."
    case = read(text).case()
    first, second = case["treatments"]
    assert (first["start"], first["stop"]) == ("2022-11-09", "2022-11-11")
    assert second["drug"] == "prednisolone" and "start" not in second
    assert "onset" not in case


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Ferritin 1,120 (13.8) > 2,050 (18.8) > 3,400 (21.8).", [1120, 2050, 3400]),
        ("FVC 62 %, DLCO 41 % (Aug 2023); FVC 71 %, DLCO 50 % (Aug 2022).", [62, 41, 71, 50]),
    ],
)
def test_a_number_in_brackets_behind_a_figure_is_no_figure(text: str, values: list[float]) -> None:
    labs = read(f"Ward, 22.8.25\n\n{text}").case()["labs"]
    assert [one["value"] for one in labs] == values


def test_the_day_of_one_piece_is_not_that_of_the_next_sentence() -> None:
    text = "Seen 5 Sep 2023\n\nMMT8 139; Jun 2022 CK 160. FVC 62 % (Aug 2023). IgG 3.9 g/L before IVIG."
    found = {x["test"]: x.get("date") for x in read(text).case()["labs"]}
    assert found == {"CK": "2022-06", "FVC": "2023-08", "IgG": None}


def test_a_gain_is_no_weight() -> None:
    case = read("Mr Example, 52. Weight up 9 kg.").case()
    assert "weight_kg" not in case["patient"]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Weakness for 6 years.", None), ("Dermatomyositis over 12 years, now stable.", None),
        ("She has had weakness for 6 years. She is 54 years.", 54),
        ("A woman of 54 years, DM for 3 years.", 54),
        ("History of 5 years.", None), ("Mrs Smith, 61 yrs. Weakness for about 2 years.", 61),
    ],
)  # fmt: skip
def test_a_span_of_years_is_no_age(text: str, age: float | None) -> None:
    told = [x.entry for x in read(text).statements if x.about == "patient.age"]
    assert told == ([] if age is None else [age])


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Kein Raynaud-Syndrom. Keine Arthritis.", "German"), ("Pas de syndrome de Raynaud.", "French"),
        ("Sin fenómeno de Raynaud.", "Spanish"), ("Geen Raynaud.", "Dutch"),
    ],
)  # fmt: skip
def test_another_language_is_not_read_as_english(text: str, language: str) -> None:
    with pytest.raises(LetterError, match=language):
        read(text)


def test_a_letter_may_end_in_a_titre() -> None:
    (found,) = read("ANA 1:40.").statements
    assert (found.about, found.entry["result"]) == ("ana", "weak")


@pytest.mark.parametrize(
    "text", ["PAS-positive vacuoles.", "Anti-EJ: negative", "EJ 0 neg", "No ILD."]
)
def test_short_words_of_medicine_are_no_other_language(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    ("text", "ongoing"),
    [
        ("Tacrolimus 3 mg bd since 14/8/25, level 9.1.", [True]),
        ("Mycophenolate 1 g bd since June 2021, on hold.", [None]),
        ("Prednisolone 20 mg since Nov 2012, back up to 15 mg since 3/1/14.", [None, True]),
        ("Prednisolone 20 mg since Nov 2012. Reduced to 7.5 mg in Aug 2013.", [None, None]),
    ],
)
def test_since_tells_that_a_drug_is_taken(text: str, ongoing: list[bool | None]) -> None:
    assert [one.get("ongoing") for one in read(text).case()["treatments"]] == ongoing


def test_a_drug_that_is_paused_is_not_taken() -> None:
    text = "Azathioprine since 04/2022, 150 mg/d. Medication at discharge: azathioprine paused."
    [course] = read(text).case()["treatments"]
    assert "ongoing" not in course


def test_treatment_before_a_remission_does_not_begin_with_it() -> None:
    text = "She has dermatomyositis, in remission off all treatment since 2023 (had methotrexate and IVIG)."
    case = read(text).case()
    assert "onset" not in case
    assert [one.get("start") for one in case["treatments"]] == [None, None]


def test_a_bare_number_in_brackets_is_no_second_value() -> None:
    labs = read("CK 240 (200), it was 230 and 251 before treatment.").case()["labs"]
    assert [one["value"] for one in labs] == [240, 230, 251]


def test_a_table_without_units_has_the_usual_ones_to_confirm() -> None:
    table = "           01/19    06/19   12/19\nCK (<190)  1120     980     1010\n"
    found = read(table).statements
    labs = [one.entry for one in found if one.stands and one.entry and "test" in one.entry]
    assert [(x["unit"], x["notes"]) for x in labs] == [("U/L", "unit not written")] * 3


def test_two_courses_in_a_month_are_no_day_of_it() -> None:
    [course] = read("RTX 1 g x2 Oct 2023, first cycle.").case()["treatments"]
    assert course["start"] == "2023-10"


def test_a_volume_beside_its_percentage_is_no_percentage() -> None:
    text = (
        "Clinic 14 May 2024\n\nPFTs 10 May: FVC 1.42 (51%), TLCO 28%; a year ago FVC 62%, TLCO 39%."
    )
    found = [(x["test"], x["value"], x.get("date")) for x in read(text).case()["labs"]]
    assert found == [
        ("FVC", 51, "2024-05-10"), ("DLCO", 28, "2024-05-10"), ("FVC", 62, None), ("DLCO", 39, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "course"),
    [
        ("Tacrolimus 1.5 mg bd (level 6.2 in April).", {"frequency": "twice daily"}),
        ("Cyclophosphamide x 6 in 2021 (FVC stabilised for a year).", {"start": "2021"}),
    ],
)
def test_what_is_told_of_the_effect_is_not_told_of_the_course(
    text: str, course: dict[str, str]
) -> None:
    [found] = read(f"Clinic 14 May 2024\n\n{text}").case()["treatments"]
    assert {key: found.get(key) for key in ("start", "weeks", "frequency")} == {
        "start": None, "weeks": None, "frequency": None
    } | course  # fmt: skip


def test_a_dose_of_today_has_not_the_day_of_the_dose_before() -> None:
    found = read("Prednisolone 50 mg from April 2024, now 7.5 mg.").case()["treatments"]
    assert [(x.get("start"), x.get("ongoing")) for x in found] == [("2024-04", None), (None, True)]


def test_a_week_of_weakness_of_who_is_known_is_a_flare() -> None:
    text = "Seen 07/19/2025. Dermatomyositis dx 2024. 1 wk of progressive proximal weakness."
    assert "onset" not in read(text).case()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Jan 2022: AZA stopped at her wish.", [("azathioprine", None, "2022-01")]),
        (
            "May 2023: MTX -> MMF 3 g.",
            [("methotrexate", None, "2023-05"), ("mycophenolate", "2023-05", None)],
        ),
        ("Apremilast 8/24-11/24 zero effect.", [("apremilast", "2024-08", "2024-11")]),
    ],
)
def test_the_day_of_a_line_is_that_of_what_it_tells(text: str, told: list[object]) -> None:
    found = read(text).case()["treatments"]
    assert [(x["drug"], x.get("start"), x.get("stop")) for x in found] == told
    assert all(x.get("response") in (None, "none") for x in found)


def test_an_age_of_then_is_not_that_of_today() -> None:
    assert "age" not in read("2014 (age 36): Raynaud's. 2019: CK 3,800.").case()["patient"]


def test_an_age_below_the_date_of_the_letter_is_that_of_the_patient() -> None:
    case = read("Date of service: 10/02/2024\n61 yo F with ILD.").case()
    assert case["patient"]["age"] == 61


def test_a_percentage_may_stand_in_the_heading_of_a_row() -> None:
    head = "Lung function\n       9/2022   9/2023   9/2024\n"
    table = head + "FVC %  78       71       60\nDLCO % 55       48       37\n"
    assert {x["unit"] for x in read(table).case()["labs"]} == {"%"}


def test_a_value_of_when_it_began_is_not_of_today() -> None:
    [lab] = read("Seen 22 Nov 2023. Polymyositis since 2009 when CK was 1,400.").case()["labs"]
    assert "date" not in lab


def test_a_course_that_was_stopped_for_a_while_has_not_ended() -> None:
    [course] = read("Azathioprine 100 mg was stopped for three weeks.").case()["treatments"]
    assert "ongoing" not in course and "weeks" not in course

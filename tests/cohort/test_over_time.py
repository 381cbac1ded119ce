"""What was given and what came of it: courses, windows of response, events, refractory since when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from myoresist.cohort.registry import assess_tables
from myoresist.cohort.simulate import simulate

START = date(2020, 1, 6)
MEASURES = (
    "mmt8", "physician_global", "patient_global", "haq_di", "extramuscular_global", "ck_x_uln",
)  # fmt: skip
BAD = dict(zip(MEASURES, (110, 7, 7, 2, 4, 5), strict=True))
WELL = dict(zip(MEASURES, (150, 0, 0, 0, 0, 1), strict=True))


def day(weeks: float) -> str:
    return str(START + timedelta(days=round(7 * weeks)))


def course(drug: str, dose: float, often: str, **more: Any) -> dict[str, Any]:
    return {"drug": drug, "dose": dose, "unit": "mg", "frequency": often, "start": day(0), **more}


def answered(
    visits: list[tuple[float, dict[str, Any]]], courses: list[dict[str, Any]], today: float = 80
) -> dict[str, pl.DataFrame]:
    """Return the answers about one adult with visits, by weeks since the start, and courses."""
    patient = {
        "patient_id": "a", "date": day(today), "age": "50", "age_at_onset": "48", "weight_kg": "60",
        "treatments_complete": "yes", "iim_subtype_ibm": "no",
    }  # fmt: skip
    rows = [{"patient_id": "a", "date": day(x), **y} for x, y in visits]
    given = [{"patient_id": "a", **x} for x in courses]
    frames = {"patients": [patient], "visits": rows, "treatments": given}
    frames = {name: listed for name, listed in frames.items() if listed}
    return assess_tables(
        {
            x: pl.DataFrame(y, infer_schema_length=None).with_columns(pl.all().cast(pl.String))
            for x, y in frames.items()
        }
    )


MTX = course(
    "methotrexate", 20, "weekly", stop=day(60), reason_stopped="no effect", response="none"
)
GOES_ON = course("methotrexate", 20, "weekly")
GC = course("prednisone", 60, "daily", stop=day(60))


def test_a_window_has_the_nearest_visit_and_what_is_missing_says_why() -> None:
    half = {"mmt8": 120}
    found = answered([(-2, BAD), (13, WELL), (24, half)], [GOES_ON], today=50)
    windows = found["response_windows"].filter(drug="methotrexate")
    # No visit near week 52, which the assessment at week 50 has not left behind.
    assert windows.select("week", "status").rows() == [
        (12, "judged"), (24, "measures_missing"), (52, "not_reached"),
    ]  # fmt: skip
    late = answered([(-20, BAD), (12, WELL)], [MTX])["response_windows"]
    assert set(late["status"]) == {"no_baseline"}
    missed = answered([(0, BAD), (52, WELL)], [MTX])["response_windows"]
    assert missed.select("week", "status", "category").rows() == [
        (12, "no_visit", None), (24, "no_visit", None), (52, "judged", "major"),
    ]  # fmt: skip
    vague = answered(
        [(0, BAD), (12, WELL)], [{**MTX, "start": "2020", "stop": None, "reason_stopped": None}]
    )
    assert set(vague["response_windows"]["status"]) == {"start_unknown"}


def test_of_two_visits_the_nearer_one_counts_and_of_two_as_near_the_earlier() -> None:
    found = answered([(0, BAD), (11, BAD), (12.5, WELL)], [MTX])["response_windows"].row(
        0, named=True
    )
    assert (str(found["visit_date"]), found["category"], found["on_drug"]) == (
        day(12.5),
        "major",
        True,
    )
    assert found["score"] == found["score_min"] == found["score_max"]
    after = answered([(0, BAD), (12, WELL)], [{**MTX, "stop": day(6)}])["response_windows"]
    assert after.row(0, named=True)["on_drug"] is False


def test_two_index_drugs_have_two_baselines() -> None:
    later = {**course("azathioprine", 150, "daily"), "start": day(40)}
    found = answered([(0, BAD), (12, BAD), (40, BAD), (52, WELL)], [MTX, later], today=100)
    judged = found["response_windows"].filter(status="judged")
    assert judged.select("drug", "week", "category", pl.col("baseline_date").cast(pl.String)).rows() == [
        ("methotrexate", 12, "none", day(0)), ("methotrexate", 52, "major", day(0)),
        ("azathioprine", 12, "major", day(40)),
    ]  # fmt: skip


def test_events_come_with_their_day_or_are_open() -> None:
    found = answered([(0, BAD), (12, BAD), (24, WELL)], [MTX, GC])["events"]
    by = {(x["clock"], x["drug"]): x for x in found.to_dicts()}
    first = by["first_major_response", "methotrexate"]
    assert (first["days"], first["event"], first["why"]) == (24 * 7, True, None)
    stopped = by["drug_stopped", "methotrexate"]
    # The last weekly dose acts for six days more.
    assert (stopped["days"], stopped["event"], stopped["why"]) == (60 * 7 + 6, True, "no effect")
    spared = by["glucocorticoid_spared", "methotrexate"]
    assert (spared["days"], spared["event"]) == (60 * 7 + 1, True)
    open_ = answered([(0, BAD), (12, {"mmt8": 120}), (24, WELL)], [MTX])["events"].to_dicts()
    first = next(x for x in open_ if x["clock"] == "first_minimal_response")
    assert first["event"] is None
    assert "earlier visit" in first["why"]
    never = answered([(0, BAD), (12, BAD), (24, BAD)], [MTX])["events"].to_dicts()
    first = next(x for x in never if x["clock"] == "first_minimal_response")
    assert (first["days"], first["event"]) == (24 * 7, False)


def test_a_definition_is_met_since_its_last_treatment_had_lasted_long_enough() -> None:
    courses = [GC, {**MTX, "start": day(10)}]
    found = answered([(0, BAD), (30, BAD), (58, BAD)], courses)["refractory"]
    by = {x["definition"]: x for x in found.to_dicts()}
    default = by["refractory_default"]
    assert default["state"] == "met"
    # Twelve weeks of methotrexate, from week ten.
    assert abs((default["met_since"] - START).days - 22 * 7) <= 7
    assert by["gc_12_weeks_with_20mg"]["state"] == "met"
    assert abs((by["gc_12_weeks_with_20mg"]["met_since"] - START).days - 12 * 7) <= 7
    unknown = answered([(0, BAD)], [])["refractory"].filter(state="undetermined")
    assert unknown["met_since"].null_count() == unknown.height


@pytest.fixture(scope="module")
def many() -> dict[str, pl.DataFrame]:
    return assess_tables(simulate(150, 3))


def test_every_new_user_is_in_every_window_once(many: dict[str, pl.DataFrame]) -> None:
    windows = many["response_windows"]
    first = many["courses"].filter(
        (pl.col("kind") == "immunosuppressant") & (pl.col("number") == 1)
    )
    assert windows.height == 3 * first.height
    assert not windows.select("patient_id", "drug", "week").is_duplicated().any()
    judged = windows.filter(status="judged")
    assert judged.height
    assert judged["category"].cast(pl.String).is_in(["none", "minimal", "moderate", "major"]).all()
    assert (judged["visit_date"] > judged["baseline_date"]).all()


def test_nothing_is_met_before_it_could_be_nor_after_today(many: dict[str, pl.DataFrame]) -> None:
    met = many["refractory"].drop_nulls("met_since")
    assert met.height
    assert (met["state"] == "met").all()
    first = many["courses"].group_by("patient_id").agg(pl.col("start").min())
    joined = met.join(first, on="patient_id")
    assert (joined["met_since"] > joined["start"]).all()
    assert many["refractory"].height == 150 * many["refractory"]["definition"].n_unique()

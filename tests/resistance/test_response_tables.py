"""Response on tables: a second implementation in SQL, and what must hold whatever the visits are."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from myoresist.resistance.response.evaluate import Responses

START = date(2020, 1, 1)
DOMAINS = ("physician", "patient", "strength", "function", "enzyme", "extramuscular")

# Values in steps that fall on the edges of the bands as often as beside them.
STEPS: dict[str, tuple[float, float]] = {
    "physician_global": (0.5, 10), "patient_global": (0.5, 10), "extramuscular_global": (0.5, 10),
    "mmt8": (3, 150), "mmt8_80": (0.8, 80), "mmt24": (2.6, 260), "cmas": (0.52, 52),
    "haq_di": (0.125, 3), "chaq_di": (0.125, 3), "ck_x_uln": (0.75, 30), "aldolase_x_uln": (0.3, 9),
    "ldh_x_uln": (0.15, 6), "ast_x_uln": (0.15, 6), "alt_x_uln": (0.15, 6), "ck_u_l": (50, 400),
}  # fmt: skip


def random_visits(seed: int, patients: int = 400) -> pl.DataFrame:
    """Return visits at random times; some measures of a patient do not change, many are unknown."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        population = (None, "adult", "adult", "juvenile")[rng.integers(4)]
        unknown = rng.choice([0.0, 0.1, 0.5])
        day = 0
        last: dict[str, float] = {}
        for _ in range(rng.integers(1, 6)):
            day += int(rng.choice([20, 91, 92, 150, 181, 182, 183, 184, 185, 250]))
            row: dict[str, Any] = {
                "patient_id": f"P{patient}",
                "date": START + timedelta(days=day),
                "population": population,
                "on_treatment": (None, True, False, False)[rng.integers(4)],
            }
            for name, (step, highest) in STEPS.items():
                places = round(highest / step)
                moved = last.get(name, rng.integers(0, places + 1)) + rng.integers(-9, 10)
                last[name] = int(np.clip(moved, 0, places)) if rng.random() < 0.8 else 0
                value = round(last[name] * step, 3)
                row[name] = None if rng.random() < unknown else value
            rows.append(row)
    schema = {"date": pl.Date, "population": pl.String, "on_treatment": pl.Boolean}
    order = rng.permutation(len(rows))
    return pl.DataFrame(
        [rows[place] for place in order],
        schema={"patient_id": pl.String} | schema | dict.fromkeys(STEPS, pl.Float64),
    )


NUMBERS = ", ".join(f"CAST({name} AS DECIMAL(12, 3)) AS {name}" for name in STEPS)
CARRIED = ", ".join(f"b.{name} AS b_{name}, f.{name} AS f_{name}" for name in STEPS)


def picked(names: list[str], what: str) -> str:
    """Return SQL for a value of the first measure that both visits have, else that one of them has."""
    both = " ".join(
        f"WHEN b_{n} IS NOT NULL AND f_{n} IS NOT NULL THEN {what.format(n=n, span=STEPS[n][1])}"
        for n in names
    )
    either = " ".join(
        f"WHEN b_{n} IS NOT NULL OR f_{n} IS NOT NULL THEN {what.format(n=n, span=STEPS[n][1])}"
        for n in names
    )
    return f"CASE {both} {either} END"


def for_population(adult: list[str], juvenile: list[str], what: str) -> str:
    return f"CASE WHEN population = 'juvenile' THEN {picked(juvenile, what)} ELSE {picked(adult, what)} END"


FORMS = ["mmt8", "mmt8_80", "mmt24"]
ENZYMES = {"ck_x_uln": 15, "aldolase_x_uln": 6, "ldh_x_uln": 3, "ast_x_uln": 3, "alt_x_uln": 3}
TOP = "GREATEST(" + ", ".join(f"COALESCE(b_{n}, -1)" for n in ENZYMES) + ")"
ENZYME_F = "CASE " + " ".join(f"WHEN b_{n} = top THEN f_{n}" for n in ENZYMES) + " END"
ENZYME_S = "CASE " + " ".join(f"WHEN b_{n} = top THEN {s}" for n, s in ENZYMES.items()) + " END"


def rule(compare: str, names: tuple[str, ...] = DOMAINS) -> tuple[str, str]:
    """Return SQL for how many domains are sure, and how many could be, to compare so."""
    sure = " + ".join(f"CASE WHEN {n}_r {compare} THEN 1 ELSE 0 END" for n in names)
    open_ = " + ".join(
        f"CASE WHEN {n}_r IS NULL OR {n}_r {compare} THEN 1 ELSE 0 END" for n in names
    )
    return f"({sure})", f"({open_})"


def at_least(number: int, compare: str, names: tuple[str, ...] = DOMAINS) -> str:
    sure, open_ = rule(compare, names)
    return f"(CASE WHEN {sure} >= {number} THEN TRUE WHEN {open_} < {number} THEN FALSE END)"


def polars(engine: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    found = pl.from_arrow(engine.sql(query).to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    return found


def oracle(visits: pl.DataFrame, cadence: str) -> pl.DataFrame:
    """Return points, scores, category and definitions of every pair of visits, computed by DuckDB."""
    number = "ROW_NUMBER() OVER (PARTITION BY patient_id ORDER BY date)"
    join = "b.n = 1" if cadence == "against_baseline" else "b.n = f.n - 1"
    vas = {"physician": "physician_global", "patient": "patient_global",
           "extramuscular": "extramuscular_global"}  # fmt: skip
    values = ",\n".join(
        [f"b_{m} AS {d}_b, f_{m} AS {d}_f, 10 AS {d}_s" for d, m in vas.items()]
        + [
            for_population(FORMS, [*FORMS, "cmas"], "b_{n}") + " AS strength_b",
            for_population(FORMS, [*FORMS, "cmas"], "f_{n}") + " AS strength_f",
            for_population(FORMS, [*FORMS, "cmas"], "{span}") + " AS strength_s",
            for_population(["haq_di"], ["chaq_di", "haq_di"], "b_{n}") + " AS function_b",
            for_population(["haq_di"], ["chaq_di", "haq_di"], "f_{n}") + " AS function_f",
            "3 AS function_s",
            f"NULLIF(top, -1) AS enzyme_b, {ENZYME_F} AS enzyme_f, {ENZYME_S} AS enzyme_s",
        ]
    )
    changes = ",\n".join(
        f"{d}_f - {d}_b AS {d}_d, COALESCE({d}_f, {d}_s) - COALESCE({d}_b, 0) AS {d}_m"
        if d == "strength"
        else f"{d}_b - {d}_f AS {d}_d, COALESCE({d}_b, 10) - COALESCE({d}_f, 0) AS {d}_m"
        for d in DOMAINS
        if d not in ("enzyme", "function")
    )
    relative = ",\n".join(
        f"CASE WHEN {d}_b = 0 THEN SIGN({d}_d) * 100 ELSE ROUND(100.0 * {d}_d / {d}_b, 6) END AS {d}_r"
        for d in DOMAINS
    )
    points = ",\n".join(
        f"points({d}_d, {d}_s, '{d}') AS {d}_p, "
        f"COALESCE(points({d}_m, {d}_s, '{d}'), points(1000, 1, '{d}')) AS {d}_q"
        for d in DOMAINS
    )
    better = at_least(3, ">= 20")
    worse = at_least(3, "<= -25")
    worse_30 = at_least(3, "<= -30")
    worse_5 = at_least(3, "<= -30", tuple(d for d in DOMAINS if d != "enzyme"))
    by_two = "((physician_d <= -2 AND strength_r <= -20) OR extramuscular_d <= -2)"
    same = "LAG(date) OVER (PARTITION BY patient_id ORDER BY date) IS NULL"
    before = "LAG({0}) OVER (PARTITION BY patient_id ORDER BY date)"
    query = f"""
    WITH visits AS (SELECT patient_id, date, population, {number} AS n, {NUMBERS} FROM raw),
    pairs AS (SELECT f.patient_id, f.date, f.population, {CARRIED}
      FROM visits f JOIN visits b ON b.patient_id = f.patient_id AND {join} AND b.n < f.n),
    topped AS (SELECT *, {TOP} AS top FROM pairs),
    chosen AS (SELECT patient_id, date, population, {values} FROM topped),
    changed AS (SELECT *, {changes}, function_b - function_f AS function_d,
      COALESCE(function_b, 3) - COALESCE(function_f, 0) AS function_m,
      enzyme_b - enzyme_f AS enzyme_d, enzyme_b - COALESCE(enzyme_f, 0) AS enzyme_m FROM chosen),
    scored AS (SELECT *, {relative}, {points} FROM changed),
    summed AS (SELECT *, {" + ".join(f"COALESCE({d}_p, 0)" for d in DOMAINS)} AS score,
      {" + ".join(f"{d}_q" for d in DOMAINS)} AS score_max,
      {better} AND NOT {worse} AND NOT strength_r <= -25 AS imacs_doi_2004,
      {by_two} OR {worse_30} AS rim_worsening, {by_two} OR {worse_5} AS proderm_deterioration
      FROM scored),
    leveled AS (SELECT *, level(score, population, TRUE) AS low, level(score_max, population, FALSE) AS high
      FROM summed)
    SELECT patient_id, date, score, score_max, imacs_doi_2004, rim_worsening, proderm_deterioration,
      rim_worsening AND CASE WHEN {same} THEN FALSE ELSE {before.format("rim_worsening")} END
        AS "rim_worsening.confirmed",
      CASE WHEN low = high THEN low ELSE 'undetermined' END AS category,
      {", ".join(f'{d}_p AS "{d}.points"' for d in DOMAINS)}
    FROM leveled ORDER BY patient_id, date"""
    with duckdb.connect() as engine:
        engine.register("raw", visits.to_arrow())
        engine.execute("""
        CREATE MACRO band(d, span, e1, e2, e3, e4) AS CASE WHEN d IS NULL OR span IS NULL THEN NULL
          WHEN 100 * d > e4 * span THEN 5 WHEN 100 * d > e3 * span THEN 4 WHEN 100 * d > e2 * span THEN 3
          WHEN 100 * d > e1 * span THEN 2 ELSE 1 END;
        CREATE MACRO points(d, span, domain) AS CASE domain
          WHEN 'physician' THEN [0, 7.5, 15, 17.5, 20][band(d, span, 5, 15, 25, 40)]
          WHEN 'patient' THEN [0, 2.5, 5, 7.5, 10][band(d, span, 5, 15, 25, 40)]
          WHEN 'strength' THEN [0, 10, 20, 27.5, 32.5][band(d, span, 2, 10, 20, 30)]
          WHEN 'function' THEN [0, 5, 7.5, 7.5, 10][band(d, span, 5, 15, 25, 40)]
          WHEN 'enzyme' THEN [0, 2.5, 5, 7.5, 7.5][band(d, span, 5, 15, 25, 40)]
          WHEN 'extramuscular' THEN [0, 7.5, 12.5, 15, 20][band(d, span, 5, 15, 25, 40)] END;
        CREATE MACRO adult(s) AS CASE WHEN s >= 60 THEN 'major' WHEN s >= 40 THEN 'moderate'
          WHEN s >= 20 THEN 'minimal' ELSE 'none' END;
        CREATE MACRO juvenile(s) AS CASE WHEN s >= 70 THEN 'major' WHEN s >= 45 THEN 'moderate'
          WHEN s >= 30 THEN 'minimal' ELSE 'none' END;
        CREATE MACRO level(s, population, lowest) AS CASE
          WHEN population = 'adult' THEN adult(s) WHEN population = 'juvenile' THEN juvenile(s)
          WHEN lowest THEN juvenile(s) ELSE adult(s) END;
        """)
        return polars(engine, query)


@pytest.mark.parametrize("cadence", ["against_baseline", "consecutive"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_second_implementation_in_sql_agrees(
    cadence: str, seed: int, responses: Responses
) -> None:
    table = random_visits(seed)
    ours = getattr(responses, cadence)(responses.visits(table))
    theirs = oracle(table, cadence)
    assert len(ours) == len(theirs) > 500
    assert ours["category"].n_unique() == 5
    for name in theirs.columns:
        if name not in ours.columns:  # a confirmation needs a common baseline
            assert cadence == "consecutive"
            continue
        kind = pl.String if name == "category" else theirs[name].dtype
        kind = pl.Float64 if kind.is_decimal() else kind
        differs = ours[name].cast(kind).ne_missing(theirs[name].cast(kind))
        assert not differs.any(), (name, ours.filter(differs).to_dicts()[:1])
    for name in ("imacs_doi_2004", "rim_worsening", "proderm_deterioration"):
        assert ours[name].n_unique() == 3, name


def test_states_agree_with_sql(responses: Responses) -> None:
    table = random_visits(3)
    ours = responses.states(responses.visits(table))
    with duckdb.connect() as engine:
        engine.register("raw", table.to_arrow())
        theirs = polars(
            engine,
            """
        WITH v AS (SELECT *, physician_global = 0 AND NOT COALESCE(extramuscular_global > 0, FALSE) AS quiet
          FROM raw),
        h AS (SELECT *, quiet AND on_treatment AS r1, quiet AND NOT on_treatment AS r2 FROM v),
        runs AS (SELECT a.patient_id, a.date, a.quiet, a.r1, a.r2,
          -- sure: a chain of visits without a gap, at all of which it held, reaches back six months
          (SELECT bool_or(s.date + INTERVAL 6 MONTH <= a.date AND s.r1 AND NOT EXISTS (
             SELECT 1 FROM h m WHERE m.patient_id = a.patient_id AND m.date BETWEEN s.date AND a.date
             AND (m.r1 IS NOT TRUE OR (m.date > s.date AND m.date > INTERVAL 6 MONTH +
               (SELECT max(p.date) FROM h p WHERE p.patient_id = a.patient_id AND p.date < m.date)))))
           FROM h s WHERE s.patient_id = a.patient_id AND s.date <= a.date) AS sure1,
          (SELECT bool_or(s.date + INTERVAL 6 MONTH <= a.date AND s.r2 AND NOT EXISTS (
             SELECT 1 FROM h m WHERE m.patient_id = a.patient_id AND m.date BETWEEN s.date AND a.date
             AND (m.r2 IS NOT TRUE OR (m.date > s.date AND m.date > INTERVAL 6 MONTH +
               (SELECT max(p.date) FROM h p WHERE p.patient_id = a.patient_id AND p.date < m.date)))))
           FROM h s WHERE s.patient_id = a.patient_id AND s.date <= a.date) AS sure2,
          (SELECT max(m.date) FROM h m WHERE m.patient_id = a.patient_id AND m.date < a.date
             AND m.r1 IS FALSE) AS not1,
          (SELECT max(m.date) FROM h m WHERE m.patient_id = a.patient_id AND m.date < a.date
             AND m.r2 IS FALSE) AS not2
          FROM h a)
        SELECT patient_id, date, quiet AS no_activity,
          CASE WHEN r1 IS FALSE THEN FALSE WHEN r1 AND sure1 THEN TRUE
            WHEN not1 + INTERVAL 1 DAY + INTERVAL 6 MONTH > date THEN FALSE END AS complete_clinical_response,
          CASE WHEN r2 IS FALSE THEN FALSE WHEN r2 AND sure2 THEN TRUE
            WHEN not2 + INTERVAL 1 DAY + INTERVAL 6 MONTH > date THEN FALSE END AS clinical_remission
        FROM runs ORDER BY patient_id, date""",
        )
    for name in theirs.columns:
        differs = ours[name].ne_missing(theirs[name])
        assert not differs.any(), (name, ours.filter(differs).to_dicts()[:1])
    assert ours["clinical_remission"].n_unique() == 3


def number(name: str) -> st.SearchStrategy[float | None]:
    step, highest = STEPS[name]
    places = st.integers(0, round(highest / step))
    return st.none() | places.map(lambda place: round(place * step, 3))


IMACS = (
    "physician_global", "patient_global", "extramuscular_global", "mmt8", "haq_di", "ck_x_uln",
)  # fmt: skip
BETTER_UP = {"mmt8", "mmt8_80"}
VISIT = st.fixed_dictionaries({name: number(name) for name in IMACS})
POPULATIONS = st.sampled_from(["adult", "juvenile", None])


def table(visits: list[dict[str, Any]], population: str | None, patient: str = "P") -> pl.DataFrame:
    rows = [
        {"patient_id": patient, "date": START + timedelta(days=90 * place), **visit}
        for place, visit in enumerate(visits)
    ]
    columns = {name: pl.Float64 for visit in visits for name in visit}
    schema = {"patient_id": pl.String, "date": pl.Date, **columns}
    return pl.DataFrame(rows, schema=schema).with_columns(
        pl.lit(population, pl.String).alias("population")
    )


def compared(responses: Responses, visits: pl.DataFrame) -> pl.DataFrame:
    return responses.against_baseline(responses.visits(visits))


@settings(max_examples=60, deadline=None)
@given(first=VISIT, second=VISIT, population=POPULATIONS)
def test_a_score_lies_between_0_and_100(
    responses: Responses, first: dict[str, Any], second: dict[str, Any], population: str | None
) -> None:
    row = compared(responses, table([first, second], population)).row(0, named=True)
    assert 0 <= row["score"] <= row["score_max"] <= 100
    if None not in [*first.values(), *second.values()]:
        assert row["score"] == row["score_max"]


@settings(max_examples=40, deadline=None)
@given(visit=VISIT, population=POPULATIONS)
def test_no_change_is_no_improvement(
    responses: Responses, visit: dict[str, Any], population: str | None
) -> None:
    row = compared(responses, table([visit, visit], population)).row(0, named=True)
    assert row["score"] == 0
    assert row["rim_worsening"] is not True
    assert row["imacs_doi_2004"] is not True


@settings(max_examples=60, deadline=None)
@given(
    first=VISIT, second=VISIT, name=st.sampled_from(IMACS), better=st.data(), population=POPULATIONS
)
def test_a_better_measure_never_lowers_the_score(
    responses: Responses,
    first: dict[str, Any],
    second: dict[str, Any],
    name: str,
    better: st.DataObject,
    population: str | None,
) -> None:
    highest = STEPS[name][1]
    value = second[name]
    if value is None:
        return
    low, high = (value, highest) if name in BETTER_UP else (0, value)
    wanted = better.draw(st.floats(low, high))
    visits = pl.concat(
        [
            table([first, second], population, "a"),
            table([first, {**second, name: wanted}], population, "b"),
        ]
    )
    worse, improved = compared(responses, visits).to_dicts()
    assert improved["score"] >= worse["score"]
    assert improved["score_max"] >= worse["score_max"]
    assert not (worse["imacs_doi_2004"] is True and improved["imacs_doi_2004"] is not True)


@settings(max_examples=60, deadline=None)
@given(first=VISIT, second=VISIT, known=VISIT, population=POPULATIONS)
def test_the_score_lies_in_the_range_that_was_foreseen(
    responses: Responses,
    first: dict[str, Any],
    second: dict[str, Any],
    known: dict[str, Any],
    population: str | None,
) -> None:
    """Learning a missing value stays within the bounds, and unsettles no category and no definition."""

    def filled(visit: dict[str, Any]) -> dict[str, Any]:
        return {n: known[n] if value is None else value for n, value in visit.items()}

    visits = pl.concat(
        [
            table([first, second], population, "a"),
            table([filled(first), filled(second)], population, "b"),
        ]
    )
    before, after = compared(responses, visits).to_dicts()
    assert before["score"] <= after["score"]
    assert after["score_max"] <= before["score_max"]
    for name in ("category", "imacs_doi_2004", "rim_worsening"):
        if before[name] not in (None, "undetermined"):
            assert after[name] == before[name], name


@settings(max_examples=40, deadline=None)
@given(
    visits=st.lists(VISIT, min_size=2, max_size=4),
    population=POPULATIONS,
    limit=st.integers(1, 300),
)
def test_units_do_not_matter(
    responses: Responses, visits: list[dict[str, Any]], population: str | None, limit: int
) -> None:
    plain = table(visits, population)
    vas = ["physician_global", "patient_global", "extramuscular_global"]
    in_mm = plain.with_columns((pl.col(name) * 10).round(3) for name in vas).rename(
        {name: f"{name}_mm" for name in vas}
    )
    multiple = pl.col("ck_x_uln")
    in_units = plain.with_columns(
        (multiple * limit).round(3).alias("ck_u_l"), pl.lit(float(limit)).alias("ck_uln_u_l")
    ).drop("ck_x_uln")
    in_katal = plain.with_columns(
        (multiple * limit).alias("ck_ukat_l"), pl.lit(float(limit)).alias("ck_uln_ukat_l")
    ).drop("ck_x_uln")
    expected = compared(responses, plain)
    for other in (in_mm, in_units, in_katal):
        assert compared(responses, other).equals(expected)


def test_visit_order_does_not_matter(responses: Responses) -> None:
    visits = random_visits(4, 60)
    mixed = visits.sample(fraction=1, shuffle=True, seed=1)
    for answer in (responses.against_baseline, responses.consecutive, responses.states):
        assert answer(responses.visits(mixed)).equals(answer(responses.visits(visits)))


def test_one_patient_alone_is_that_patient_in_a_table(responses: Responses) -> None:
    visits = random_visits(5, 60)
    for answer in (responses.against_baseline, responses.consecutive, responses.states):
        together = answer(responses.visits(visits))
        for patient in visits["patient_id"].unique():
            alone = answer(responses.visits(visits.filter(patient_id=patient)))
            same = together.filter(patient_id=patient)
            assert alone.equals(same.select(alone.columns)), patient


def test_an_exact_five_percent_is_no_more_on_any_table(responses: Responses) -> None:
    """A change of exactly 5% of 10 cm earns nothing, wherever it lies and however many rows there are."""
    tenths = [(value, value - 5) for value in range(5, 101)]
    rows = [
        {
            "patient_id": f"{high}",
            "date": START + timedelta(days=day),
            "physician_global": value / 10,
        }
        for high, low in tenths
        for day, value in ((0, high), (1, low))
    ]
    every = pl.DataFrame(rows)
    assert set(compared(responses, every)["physician.points"]) == {0}
    for high, _ in tenths:
        alone = compared(responses, every.filter(patient_id=str(high)))
        assert alone["physician.points"][0] == 0, high


GOOD = {"patient_id": ["P"], "date": [START], "physician_global": [1.0]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"patient_id": None}, "column patient_id: is missing"),
        ({"physician": [1.0]}, "column physician: is not a measure"),
        ({"date": [None]}, "column date: a visit has none"),
        (
            {"physician_global": [11.0]},
            "patient P, 2020-01-01: column physician_global: lies outside 0 to 10 cm",
        ),
        (
            {"physician_global": [1.0], "physician_global_mm": [10.0]},
            "columns physician_global and physician_global_mm: give Physician global activity once",
        ),
        ({"ck_x_uln": [-1.0]}, "patient P, 2020-01-01: column ck_x_uln: lies below 0"),
        (
            {"ck_u_l": [100.0], "ck_uln_u_l": [0.0]},
            "patient P, 2020-01-01: column ck_uln_u_l: an upper limit lies above 0",
        ),
        (
            {"ck_x_uln": [1.0], "ck_uln_u_l": [200.0]},
            "columns ck_x_uln and ck_uln_u_l: give one of them",
        ),
        (
            {"population": ["child"]},
            "patient P, 2020-01-01: column population: write adult or juvenile",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    columns: dict[str, Any], message: str, responses: Responses
) -> None:
    given_ = {name: values for name, values in {**GOOD, **columns}.items() if values is not None}
    with pytest.raises(ValueError, match=message.replace("(", r"\(")) as error:
        responses.visits(pl.DataFrame(given_))
    assert str(error.value) == message


def test_two_visits_of_one_day_are_refused(responses: Responses) -> None:
    twice = pl.concat([pl.DataFrame(GOOD)] * 2)
    with pytest.raises(ValueError, match="patient P, 2020-01-01: stands here twice"):
        responses.visits(twice)


def test_not_a_number_is_unknown(responses: Responses) -> None:
    visits = responses.visits(pl.DataFrame({**GOOD, "physician_global": [float("nan")]}))
    assert visits["physician_global"].to_list() == [None]


def test_the_baseline_can_be_given_for_every_patient(responses: Responses) -> None:
    visits = responses.visits(random_visits(6, 40))
    last_but_one = visits.group_by("patient_id").tail(2).group_by("patient_id").head(1)
    last_but_one = last_but_one.select("patient_id", "date")
    given_ = responses.against_baseline(visits, last_but_one)
    latest = responses.consecutive(visits).group_by("patient_id").tail(1).sort("patient_id")
    assert given_["score"].to_list() == latest["score"].to_list()
    with pytest.raises(ValueError, match="the baseline is no visit"):
        responses.against_baseline(visits, pl.DataFrame({"patient_id": ["P1"], "date": [START]}))
    with pytest.raises(ValueError, match="more than one"):
        responses.against_baseline(visits, pl.concat([last_but_one] * 2))


def test_the_printo_set_is_for_children(responses: Responses) -> None:
    visits = responses.visits(random_visits(7, 20).with_columns(population=pl.lit("adult")))
    with pytest.raises(ValueError, match="printo is not one for population adult"):
        responses.consecutive(visits, "printo")


@pytest.mark.parametrize("seed", [5, 6])
def test_each_visit_is_compared_with_the_baseline_of_its_patient(
    responses: Responses, seed: int
) -> None:
    visits = responses.visits(random_visits(seed, 80))
    rng = np.random.default_rng(seed)
    chosen = visits.filter(pl.Series(rng.random(len(visits)) < 0.5))
    baselines = chosen.filter(pl.col("patient_id").is_first_distinct()).select("patient_id", "date")
    # The order of the baselines does not matter.
    found = responses.against_baseline(visits, baselines.sample(fraction=1.0, shuffle=True, seed=1))
    alone = [
        responses.against_baseline(visits.filter(pl.col("patient_id") == one), baselines[place])
        for place, one in enumerate(baselines["patient_id"])
    ]
    assert_frame_equal(found, pl.concat(alone))


def test_a_patient_may_be_a_number(responses: Responses) -> None:
    table = random_visits(7, 80)
    numbers = {name: number for number, name in enumerate(sorted(table["patient_id"].unique()))}
    number = pl.col("patient_id").replace_strict(numbers, return_dtype=pl.UInt32)
    found = responses.against_baseline(responses.visits(table.with_columns(number)))
    assert found["patient_id"].dtype == pl.UInt32
    named = responses.against_baseline(responses.visits(table))
    assert_frame_equal(found, named.with_columns(number))

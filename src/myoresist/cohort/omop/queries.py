"""The queries that make the tables of a registry out of a CDM; ``read`` makes what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from myoresist.case.cells import Calendar
from myoresist.case.terms import Terms
from myoresist.cohort.omop.concepts import ALLERGY, Concepts
from myoresist.cohort.omop.site import Site


def dated(column: str, calendar: Calendar) -> str:
    """Return SQL of a day, NULL where it cannot be one of a record."""
    between = f"{column}::DATE BETWEEN DATE '{calendar.earliest}' AND DATE '{calendar.today}'"
    return f"CASE WHEN {between} THEN {column}::DATE END"


def _quoted(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)


def _matched(column: str, values: Mapping[str, str], otherwise: str) -> str:
    """Return SQL that turns the values of a column into others."""
    cases = " ".join(f"WHEN {_quoted([x])} THEN {_quoted([y])}" for x, y in values.items())
    return f"CASE {column} {cases} ELSE {otherwise} END"


def queries(concepts: Concepts, site: Site, terms: Terms) -> dict[str, str]:
    """Return for each of our tables the query that makes it."""
    # A value with an operator is a limit, and is written as one.
    signs = " ".join(
        f"WHEN {number} THEN {_quoted([sign])}" for sign, number in concepts.operators.items()
    )
    value = (
        f"CASE WHEN o.value_as_number IS NULL AND coalesce(o.value_as_concept_id, 0) = 0 "
        f"THEN o.value_source_value WHEN coalesce(o.operator_concept_id, 0) IN (0, {concepts.equal}) "
        f"THEN o.value_as_number "
        f"ELSE concat(CASE o.operator_concept_id {signs} ELSE '?' END, o.value_as_number) END"
    )
    result = (
        "CASE WHEN r.word IS NOT NULL THEN r.word WHEN coalesce(o.value_as_concept_id, 0) <> 0 "
        "THEN coalesce(v.concept_name, 'concept ' || o.value_as_concept_id) END"
    )
    sex = _matched(
        "p.gender_concept_id::VARCHAR", {str(y): x for x, y in concepts.sex.items()}, "NULL"
    )
    unit = _matched(
        "u.concept_code", concepts.units, "coalesce(o.unit_source_value, u.concept_code)"
    )
    measured = """
        FROM cdm_measurement o JOIN chosen USING (person_id)
        JOIN meant m ON m.concept_id = o.measurement_concept_id
        LEFT JOIN cdm_concept u ON u.concept_id = o.unit_concept_id AND o.unit_concept_id <> 0
    """

    def present(table: str, concept: str, begin: str, end: str) -> str:
        return f"""
            SELECT o.person_id, m.word, 'yes' AS value FROM cdm_{table} o JOIN chosen c USING (person_id)
            JOIN meant m ON m.kind = '{table}' AND m.concept_id = o.{concept}
            WHERE (m.from_days IS NULL OR o.{begin} >= c.first_label + m.from_days)
            AND (m.to_days IS NULL OR o.{begin} <= c.first_label + m.to_days)
            AND (NOT m.now OR c.until BETWEEN o.{begin} AND o.{end})
        """

    exposed = ("drug_exposure_start_date", "drug_exposure_end_date")
    return {
        # Without month and day of birth the age is known only to within a year, and stays unknown.
        "patients": f"""
            WITH weighed AS (
                SELECT o.person_id,
                    first(o.value_as_number ORDER BY o.measurement_date DESC, o.value_as_number) AS kg
                {measured} WHERE m.kind = 'weight'
                AND coalesce(u.concept_code, o.unit_source_value) = {_quoted([concepts.weight_unit])}
                GROUP BY o.person_id
            )
            SELECT p.person_id::VARCHAR AS patient_id, strftime(d.until, '%Y-%m-%d') AS date, d.label,
                {sex} AS sex,
                date_sub('year', TRY(make_date(p.year_of_birth::INTEGER, p.month_of_birth::INTEGER,
                    p.day_of_birth::INTEGER)), d.until::DATE)::DOUBLE AS age,
                w.kg AS weight_kg
            FROM chosen d JOIN cdm_person p USING (person_id) LEFT JOIN weighed w USING (person_id)
            ORDER BY p.person_id
        """,
        "findings": f"""
            SELECT person_id::VARCHAR AS patient_id, word AS finding, value FROM (
                {present("condition_occurrence", "condition_concept_id", *["condition_start_date"] * 2)}
                UNION
                {present("drug_exposure", "drug_concept_id", *exposed)}
                UNION
                SELECT person_id, 'deceased', 'yes' FROM cdm_death JOIN chosen USING (person_id)
                UNION
                {_allergies(terms)}
                UNION
                {_own_findings()}
            ) ORDER BY person_id, word, value
        """,
        "labs": f"""
            SELECT o.person_id::VARCHAR AS patient_id, m.word AS test, {value} AS value,
                {unit} AS unit, o.range_high AS upper_limit,
                strftime(o.measurement_date, '%Y-%m-%d') AS date
            {measured} WHERE m.kind = 'lab' ORDER BY o.person_id, date, test, value
        """,
        "antibodies": f"""
            SELECT o.person_id::VARCHAR AS patient_id, m.word AS antibody, m.method, {result} AS result,
                {value} AS value, o.range_high AS cut_off, strftime(o.measurement_date, '%Y-%m-%d') AS date
            {measured}
            LEFT JOIN meant r ON r.kind = 'result' AND r.concept_id = o.value_as_concept_id
            LEFT JOIN cdm_concept v ON v.concept_id = o.value_as_concept_id
            WHERE m.kind = 'antibody' ORDER BY o.person_id, date, antibody, method, result, value
        """,
        "treatments": _treatments(concepts),
        **({"visits": _visits(site)} if site.measures else {}),
    }


def _allergies(terms: Terms) -> str:
    """Return the query of drugs that must not be given again: observations whose value is a drug."""
    findings = {x.id: x.allergy for x in terms.drugs.values() if x.allergy}
    finding = _matched("d.word", findings, "NULL")
    return f"""
        SELECT o.person_id, {finding} AS word, 'yes' AS value FROM cdm_observation o
        JOIN chosen USING (person_id)
        JOIN meant a ON a.kind = {_quoted([ALLERGY])} AND a.concept_id = o.observation_concept_id
        JOIN meant d ON d.kind = 'drug' AND d.concept_id = o.value_as_concept_id
        WHERE d.word IN ({_quoted(findings)})
    """


def _treatments(concepts: Concepts) -> str:
    """Return the query of courses by ingredient, parted where the dose changes.

    The dose is the mean of a dispensing, where quantity, days and the strength of one piece tell it, the days
    fit its dates, and nothing else of the ingredient was begun on that day or overlaps with another dose.
    """
    told, local = concepts.doses, "|".join(concepts.local_forms)
    a_day = "o.quantity / o.days_supply"
    return f"""
        WITH strength AS (
            SELECT drug_concept_id, min(s.amount_value) AS mg FROM cdm_drug_strength s
            LEFT JOIN cdm_concept u ON u.concept_id = s.amount_unit_concept_id
            WHERE s.invalid_reason IS NULL OR s.invalid_reason = ''
            GROUP BY drug_concept_id
            HAVING count(*) = 1
                AND bool_and(u.vocabulary_id = 'UCUM' AND u.concept_code = {_quoted([told.unit])})
        ), given AS (
            SELECT o.person_id, m.word, o.drug_exposure_start_date AS begin,
                greatest(coalesce(o.drug_exposure_end_date, begin), begin) AS until,
                CASE WHEN m.word IN ({_quoted(told.drugs)})
                    AND regexp_matches(d.concept_name, {_quoted([told.form])}, 'i')
                    AND NOT regexp_matches(d.concept_name, {_quoted([told.pack])}, 'i')
                    AND {a_day} BETWEEN {told.least_a_day} AND {told.most_a_day}
                    AND abs(o.drug_exposure_end_date - begin + 1 - o.days_supply) <= 1
                    THEN round({a_day} * s.mg, 2) END AS dose
            FROM cdm_drug_exposure o JOIN chosen USING (person_id)
            JOIN meant m ON m.kind = 'drug' AND m.concept_id = o.drug_concept_id
            LEFT JOIN cdm_concept d ON d.concept_id = o.drug_concept_id
            LEFT JOIN strength s ON s.drug_concept_id = o.drug_concept_id
            WHERE NOT coalesce(regexp_matches(d.concept_name, {_quoted([local])}, 'i'), false)
        ), begun AS (
            SELECT person_id, word, begin, max(until) AS until,
                CASE WHEN count(*) = 1 THEN min(dose) END AS dose
            FROM given GROUP BY person_id, word, begin
        ), beside AS (
            SELECT *, max(until) OVER earlier AS before, lag(dose) OVER ordered AS last,
                lead(begin) OVER ordered AS next, lead(dose) OVER ordered AS following
            FROM begun
            WINDOW ordered AS (PARTITION BY person_id, word ORDER BY begin),
                earlier AS (PARTITION BY person_id, word ORDER BY begin
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ), certain AS (
            SELECT * EXCLUDE (dose), CASE
                WHEN before - begin >= {told.overlap_days} AND last IS DISTINCT FROM dose THEN NULL
                WHEN until - next >= {told.overlap_days} AND following IS DISTINCT FROM dose THEN NULL
                ELSE dose END AS dose
            FROM beside
        ), counted AS (
            SELECT *, count(*) FILTER (before IS NULL OR begin > before + {concepts.persistence_days})
                OVER so_far AS course FROM certain
            WINDOW so_far AS (PARTITION BY person_id, word ORDER BY begin ROWS UNBOUNDED PRECEDING)
        ), changed AS (
            SELECT *, coalesce(lag(dose) OVER in_course IS DISTINCT FROM dose, true) AS other
            FROM counted WINDOW in_course AS (PARTITION BY person_id, word, course ORDER BY begin)
        ), parted AS (
            SELECT *, count(*) FILTER (other) OVER (PARTITION BY person_id, word, course ORDER BY begin
                ROWS UNBOUNDED PRECEDING) AS part FROM changed
        ), parts AS (
            SELECT person_id, word, course, min(begin) AS begin, max(until) AS until, min(dose) AS dose
            FROM parted GROUP BY person_id, word, course, part
        )
        SELECT person_id::VARCHAR AS patient_id, word AS drug, dose,
            CASE WHEN dose IS NOT NULL THEN 'mg' END AS unit,
            CASE WHEN dose IS NOT NULL THEN 'daily' END AS frequency,
            CASE WHEN dose IS NOT NULL THEN 'oral' END AS route,
            strftime(begin, '%Y-%m-%d') AS start,
            strftime(coalesce(lead(begin) OVER (PARTITION BY person_id, word, course ORDER BY begin) - 1,
                until), '%Y-%m-%d') AS stop
        FROM parts ORDER BY person_id, start, drug
    """


_OWN = """
    SELECT r.*, w.* EXCLUDE (concept_id, source) FROM (
        SELECT person_id, measurement_concept_id AS concept_id,
            measurement_source_concept_id AS source_concept_id, measurement_source_value AS source,
            measurement_date AS day, value_as_number AS number,
            value_as_concept_id AS value_concept_id, value_source_value AS text
        FROM cdm_measurement
        UNION ALL
        SELECT person_id, observation_concept_id, observation_source_concept_id,
            observation_source_value, observation_date, value_as_number,
            value_as_concept_id, value_as_string
        FROM cdm_observation
        UNION ALL
        SELECT person_id, procedure_concept_id, procedure_source_concept_id, procedure_source_value,
            procedure_date, NULL, NULL, NULL
        FROM cdm_procedure_occurrence
        UNION ALL
        SELECT person_id, condition_concept_id, condition_source_concept_id, condition_source_value,
            condition_start_date, NULL, NULL, NULL
        FROM cdm_condition_occurrence
    ) r JOIN chosen USING (person_id) JOIN own w
    ON w.concept_id IN (r.concept_id, r.source_concept_id) OR w.source = r.source
"""
"""What concepts of the site's own were recorded of the patients."""


def _own_findings() -> str:
    """Return the query of findings that the site's own concepts say; another value is shown, not read."""
    return f"""
        SELECT DISTINCT any_value(o.person_id) AS person_id, any_value(o.word) AS word, CASE
            WHEN NOT any_value(o.valued) THEN 'yes'
            WHEN count(DISTINCT v.answer) = 1 THEN min(v.answer)
            ELSE concat(coalesce(any_value(o.text), any_value(o.number),
                'concept ' || any_value(o.value_concept_id), 'nothing'),
                ' (the mapping does not say what it means)') END AS value
        FROM (SELECT *, row_number() OVER () AS record FROM ({_OWN} WHERE NOT w.measure)) o
        LEFT JOIN own_value v ON v.place = o.place AND
            (v.value IN (lower(trim(o.text)), o.number, o.value_concept_id::VARCHAR)
            OR TRY_CAST(v.value AS DOUBLE) = TRY_CAST(o.number AS DOUBLE))
        GROUP BY o.record
    """


def _visits(site: Site) -> str:
    """Return the query of visits; two values of one day that differ are none."""
    measures = dict.fromkeys(one.measure for one in site.measures)
    columns = "".join(f", max(value) FILTER (word = {_quoted([one])}) AS {one}" for one in measures)
    return f"""
        SELECT person_id::VARCHAR AS patient_id, strftime(day, '%Y-%m-%d') AS date{columns} FROM (
            SELECT person_id, day, word, CASE WHEN count(DISTINCT coalesce(number, text)) < 2
                THEN min(coalesce(number, text))
                ELSE string_agg(DISTINCT coalesce(number, text), ' or ' ORDER BY coalesce(number, text))
                END AS value
            FROM ({_OWN} WHERE w.measure) GROUP BY person_id, day, word
        ) GROUP BY person_id, day ORDER BY person_id, day
    """

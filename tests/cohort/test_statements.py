"""Statements put together at once say what they say one by one."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.cohort.statements import Statements, empty_statements, stated

PATIENTS = 3
FINDINGS = ("dysphagia", "ild", "age", "diagnosis_label", "heliotrope_rash")
SAID = st.lists(
    st.tuples(st.integers(0, PATIENTS - 1), st.sampled_from(FINDINGS), st.integers(0, 1)),
    max_size=25,
)


@cache
def statements() -> Statements:
    knowledge = Knowledge.load()
    return Statements(knowledge.terms.catalogue, knowledge.inference)


def meaning(base: Statements, finding: str, number: int) -> Any:
    one = base.catalogue[finding]
    if one.kind == "category":
        return one.choices[number]
    return bool(number) if one.kind == "bool" else float(number)


@settings(deadline=None, max_examples=80)
@given(own=SAID, other=SAID)
def test_a_finding_is_what_all_say_or_unknown(
    own: list[tuple[int, str, int]], other: list[tuple[int, str, int]]
) -> None:
    base = statements()
    # A column holds one value a patient.
    columns = {(patient, finding): value for patient, finding, value in own}
    table = pl.DataFrame(
        {
            finding: [
                meaning(base, finding, columns[patient, finding])
                if (patient, finding) in columns
                else None
                for patient in range(PATIENTS)
            ]
            for finding in FINDINGS
        },
        {finding: base.catalogue.table_schema()[finding] for finding in FINDINGS},
    )
    rows = pl.DataFrame(
        [(patient, base.places[finding], float(value)) for patient, finding, value in other],
        ["patient_id", "finding", "value"],
        orient="row",
    )
    recorded, conflicts = base.recorded(
        table, [empty_statements(), *([stated(rows)] if other else [])]
    )
    values: dict[tuple[int, str], set[int]] = {}
    for patient, finding, value in [*((p, f, v) for (p, f), v in columns.items()), *other]:
        values.setdefault((patient, finding), set()).add(value)
    disputed = {one for one, those in values.items() if len(those) > 1}
    assert set(conflicts.iter_rows()) == disputed
    assert recorded.height == PATIENTS
    for patient in range(PATIENTS):
        for finding in FINDINGS:
            those = values.get((patient, finding), set())
            found = recorded[finding][patient]
            if (patient, finding) in disputed or not those:
                assert found is None
            elif not any(one == patient for one, _ in disputed):
                assert found == meaning(base, finding, *those)
            else:
                # What rests on one side of the dispute goes with it.
                assert found in (None, meaning(base, finding, *those))

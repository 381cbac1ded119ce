"""Statements settled at once say what they say one by one."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.arrays.table import Table, Value
from myoresist.findings.statements import Settler, Statements

PATIENTS = 3
FINDINGS = ("dysphagia", "ild", "age", "diagnosis_label", "heliotrope_rash")
SAID = st.lists(
    st.tuples(st.integers(0, PATIENTS - 1), st.sampled_from(FINDINGS), st.integers(0, 1)),
    max_size=25,
)


@cache
def settler() -> Settler:
    knowledge = Knowledge.load()
    return Settler(knowledge.terms.catalogue, knowledge.inference)


def meaning(finding: str, number: int) -> Value:
    one = settler().catalogue[finding]
    if one.kind == "category":
        return one.choices[number]
    return bool(number) if one.kind == "bool" else float(number)


@settings(deadline=None, max_examples=80)
@given(own=SAID, other=SAID)
def test_a_finding_is_what_all_say_or_unknown(
    own: list[tuple[int, str, int]], other: list[tuple[int, str, int]]
) -> None:
    base = settler()
    # A column holds one value a patient.
    columns = {(patient, finding): value for patient, finding, value in own}
    table = Table.of_rows(
        [
            {f: meaning(f, columns[p, f]) if (p, f) in columns else None for f in FINDINGS}
            for p in range(PATIENTS)
        ]
    )
    said = Statements.joined(
        base.statements([(finding, meaning(finding, value))], patient)
        for patient, finding, value in other
    )
    found = base.settle(said, PATIENTS, table)
    values: dict[tuple[int, str], set[int]] = {}
    for patient, finding, value in [*((p, f, v) for (p, f), v in columns.items()), *other]:
        values.setdefault((patient, finding), set()).add(value)
    disputed = {one for one, those in values.items() if len(those) > 1}
    assert {tuple(one) for one in found.disputes} == disputed
    for patient in range(PATIENTS):
        row = found.recorded.row(patient)
        for finding in FINDINGS:
            those = values.get((patient, finding), set())
            if (patient, finding) in disputed or not those:
                assert row.get(finding) is None
            elif not any(one == patient for one, _ in disputed):
                assert row[finding] == meaning(finding, *those)
            else:
                # What rests on one side of the dispute goes with it.
                assert row.get(finding) in (None, meaning(finding, *those))


@settings(deadline=None, max_examples=40)
@given(said=SAID)
def test_the_order_of_statements_does_not_matter(
    said: list[tuple[int, str, int]],
) -> None:
    base = settler()

    def settled(those: list[tuple[int, str, int]]) -> list[dict[str, Value | None]]:
        parts = [base.statements([(f, meaning(f, v))], p) for p, f, v in those]
        recorded = base.settle(Statements.joined(parts), PATIENTS).recorded
        rows = [recorded.row(patient) for patient in range(PATIENTS)]
        return [{x: y for x, y in row.items() if y is not None} for row in rows]

    assert settled(said) == settled(said[::-1])

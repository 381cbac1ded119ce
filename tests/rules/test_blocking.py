"""What leaves a rule open, of many patients at once, is what the naive evaluator says of each."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.arrays.table import Table
from myoresist.rules.blocking import Blocking
from myoresist.rules.condition import Name
from myoresist.rules.program import Program
from myoresist.rules.reasons import explain
from myoresist.rules.syntax import parse

NAMES = {x: Name(x, "bool") for x in "abcd"} | {"n": Name("n", "number"), "r": Name("r", "bool")}
RULES = {
    "r": "a OR n > 3",
    "s": "r AND NOT b",
    "t": "n_of(2, a, b, c, d)",
    "u": "CASE WHEN c THEN r WHEN d THEN FALSE ELSE b END",
    "v": "COALESCE(a, b) AND n BETWEEN 2 AND 4",
    "w": "a IS NULL OR d",
}
PROGRAM = Program({x: parse(text, NAMES) for x, text in RULES.items()})
truth = st.sampled_from([True, False, None])
patient = st.fixed_dictionaries(
    {**dict.fromkeys("abcd", truth), "n": st.sampled_from([1.0, 4.0, None])}
)


@settings(max_examples=40)
@given(st.lists(patient, min_size=1, max_size=8))
def test_it_agrees_with_the_naive_evaluator(patients: list[dict[str, object]]) -> None:
    found = Blocking(PROGRAM, tuple(RULES)).of(Table.of_rows(patients))
    for place, row in enumerate(patients):
        for name in RULES:
            verdict = explain(name, PROGRAM, row)
            open_ = (
                {x for x in verdict.because if row[x] is None} if verdict.value is None else set()
            )
            assert {x for x, bits in found[name].items() if bits >> place & 1} == open_

"""What must hold of options for every patient: safety is never hidden, reasons against never help."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist import Knowledge
from myoresist.arrays.table import Table
from myoresist.rules.reasons import explain
from myoresist.treatment.columns import (
    LEVELS,
    PROBABILITY,
    SUBSET,
    against_column,
    missing_column,
)
from myoresist.treatment.evaluate import Options
from myoresist.treatment.schema import Option

RANK = {
    "repeat": 0, "do_first": 0, "support": 0, "reasonable": 1, "given": 1, "wait": 1, "only_if": 2,
    "avoid": 3,
}  # fmt: skip


@cache
def base() -> Options:
    return Knowledge.load().options


def names(kind: str) -> list[str]:
    return sorted(x for x in base().reads if base().kinds[x] == kind)


def table(*rows: dict[str, Any]) -> Table:
    return Table.of_rows(rows)


def placed(rows: Table) -> pl.DataFrame:
    """Return what is looked at, with the number of the patient as ``patient_id``."""
    found = base().places(rows)
    return found.select(pl.col("row").cast(pl.String).alias("patient_id"), pl.exclude("row"))


def answered(rows: Table) -> list[dict[str, Any]]:
    """Return the answer of every rule about each patient."""
    found = base().evaluate(rows)
    asked = {*base().program.rules, *base()._layout.columns}
    return [{**dict.fromkeys(asked), **found.row(place)} for place in range(rows.size)]


def disease(name: str) -> dict[str, float]:
    return {PROBABILITY + name: 1.0}


DISEASES = st.sampled_from(
    [
        "dermatomyositis",
        "imnm_srp",
        "inclusion_body_myositis",
        "antisynthetase_syndrome",
        "polymyositis",
    ]
)
ROWS = st.fixed_dictionaries(
    {},
    optional={x: st.booleans() for x in names("bool")}
    | {"egfr_ml_min": st.sampled_from([10.0, 25.0, 30.0, 45.0, 60.0, 100.0])}
    | {"age": st.sampled_from([20.0, 64.0, 65.0, 66.0, 80.0])},
)  # fmt: skip
AGAINST = sorted(
    {
        name
        for one in base().data.options.values()
        for number in range(len(base().against[one.id]))
        for name in base().program.rules[against_column(one, number)].reads
        if base().kinds[name] == "bool" and not name.startswith("trial_")
    }
)


@settings(max_examples=60)
@given(ROWS, DISEASES, st.sampled_from(AGAINST))
def test_adding_a_contraindication_never_improves_a_group(
    row: dict[str, Any], name: str, finding: str
) -> None:
    # A finding that also decides which subsets and options are looked at changes more than the group.
    chooses = [x for x in base().program.rules if x.startswith(("subset.", "applies."))]
    if finding in base().program.leaves(chooses):
        return
    rows = table({**row, **disease(name), finding: False}, {**row, **disease(name), finding: True})
    found = placed(rows)
    without, with_it = (
        {
            (one["subset"], one["option"]): RANK[one["group"]]
            for one in found.filter(patient_id=patient).iter_rows(named=True)
        }
        for patient in ("0", "1")
    )
    assert without.keys() == with_it.keys()
    assert all(with_it[key] >= without[key] for key in without)


@settings(max_examples=60)
@given(ROWS, DISEASES, st.sampled_from(AGAINST))
def test_not_knowing_never_removes_a_warning(row: dict[str, Any], name: str, finding: str) -> None:
    rows = table(
        {**row, **disease(name)}, {x: v for x, v in row.items() if x != finding} | disease(name)
    )
    old, new = answered(rows)
    for check in base().data.checks:
        before, after = (found[missing_column(check)] for found in (old, new))
        # A question that became unknown is asked as well.
        assert not (before and after is False), check.id
    for option in base().data.options.values():
        for number in range(len(base().against[option.id])):
            name_of = against_column(option, number)
            before, after = old[name_of], new[name_of]
            # A rule that warned may become unknown, which is shown, but never "no".
            assert not (before is not False and after is False), (option.id, number)


@settings(max_examples=40)
@given(st.lists(st.tuples(ROWS, DISEASES), min_size=2, max_size=5))
def test_a_patient_alone_is_that_patient_in_a_table(
    patients: list[tuple[dict[str, Any], str]],
) -> None:
    rows = [{**row, **disease(name)} for row, name in patients]
    together = placed(table(*rows))
    for number, row in enumerate(rows):
        alone = placed(table(row)).drop("patient_id")
        assert alone.equals(together.filter(patient_id=str(number)).drop("patient_id"))


@settings(max_examples=40)
@given(ROWS)
def test_a_second_witness_agrees_on_every_rule(row: dict[str, Any]) -> None:
    found = answered(table({**row, **disease("dermatomyositis")}))[0]
    for column in base().program.rules:
        assert explain(column, base().program, row).value == found[column], column


def test_an_unknown_contraindication_is_never_fine() -> None:
    found = placed(table(disease("dermatomyositis")))
    drugs = {
        one.id
        for one in base().data.options.values()
        if one.kind == "drug" and base().against[one.id]
    }
    listed = found.filter(pl.col("option").is_in(drugs))
    assert len(listed)
    assert listed["check_first"].all()
    for column in LEVELS.values():
        assert not listed[column].fill_null(False).any()


def test_a_subset_below_the_least_probability_is_not_shown_and_two_likely_ones_both_are() -> None:
    least = base().data.likely_at
    row = {
        PROBABILITY + "dermatomyositis": least,
        PROBABILITY + "polymyositis": least,
        PROBABILITY + "imnm_srp": least * 0.99,
    }
    assert set(placed(table(row))["subset"]) == {"DM", "PM"}


def test_of_two_proven_diseases_both_are_treated_whatever_they_share_of_probability() -> None:
    shares = {
        PROBABILITY + "myasthenia_gravis": 0.95,
        PROBABILITY + "antisynthetase_syndrome": 0.05,
    }
    assert set(placed(table(shares))["subset"]) == {"MG"}
    proven = {"confirmed.myasthenia_gravis": True, "confirmed.antisynthetase_syndrome": True}
    assert set(placed(table({**shares, **proven}))["subset"]) == {"MG", "ASyS"}


def test_current_drugs_forbid_what_must_not_be_combined() -> None:
    """One calcineurin inhibitor may replace the other; both at once are never right."""

    def groups(*running: str) -> dict[str, str]:
        row = {**disease("dermatomyositis"), **{f"trial_{x}_running": True for x in running}}
        found = placed(table(row)).filter(subset="DM")
        return dict(found.select("option", "group").iter_rows())

    one, both = groups("ciclosporin"), groups("ciclosporin", "tacrolimus")
    assert one["tacrolimus"] == one["ciclosporin"] == "reasonable"
    assert both["tacrolimus"] == both["ciclosporin"] == "avoid"
    assert groups("azathioprine")["mycophenolate"] == "reasonable"
    assert groups("azathioprine", "mycophenolate")["mycophenolate"] == "only_if"


@pytest.mark.parametrize(("subset", "option"), [
    ("DM", "anti_tnf"), ("PM", "anti_tnf"), ("IMNM_SRP", "complement_inhibitor"),
    ("IMNM_HMGCR", "complement_inhibitor"), ("IBM", "glucocorticoid_oral"), ("IBM", "methotrexate"),
])  # fmt: skip
def test_evidence_against_is_shown_as_plainly(subset: str, option: str) -> None:
    diseases = base().data.subsets[subset].diseases
    found = placed(table({**disease(diseases[0])}))
    assert found.filter(subset=subset, option=option)["group"].to_list() == ["avoid"]


def test_the_figures_beside_an_option_are_those_of_a_row_of_the_studies() -> None:
    rows = {one.trial_id: one for one in base().studies.trials.rows}
    seen = 0
    for subset in base().data.subsets.values():
        for option in base().data.options.values():
            study = base().support.benefit(subset, option)
            if study is None or study.response is None:
                continue
            seen += 1
            row = rows[study.trial.trial_id]
            assert row.treatment == (option.id,)
            assert {subset.id, *subset.evidence} & set(row.subsets)
            assert (study.response.events, study.response.patients) == (row.events_arm, row.n_arm)
            if study.control:
                given = (study.control.events, study.control.patients)
                assert given == (row.events_control, row.n_control)
    assert seen > 20


def test_equal_certainty_is_ordered_by_the_difference_against_controls() -> None:
    ivig = base().support.benefit(base().data.subsets["DM"], base().data.options["ivig"])
    assert ivig is not None
    assert ivig.trial.trial_id == "proderm_tis20"
    for (_,), pairs in base().pairs.group_by("subset", maintain_order=True):
        alike = ("order", "stance", "benefit", "direct")
        for _, equal in pairs.group_by(*alike, maintain_order=True):
            known = equal["effect"].to_list()
            values = [x for x in known if x is not None]
            assert known[: len(values)] == sorted(values, reverse=True)


@settings(max_examples=40)
@given(st.lists(st.tuples(ROWS, DISEASES), max_size=3))
def test_a_second_witness_puts_every_option_into_the_same_group(
    patients: list[tuple[dict[str, Any], str]],
) -> None:
    """The same in plain Python: patient by patient, subset by subset, option by option."""
    rows = table(*({**row, **disease(name)} for row, name in patients))
    answers = answered(rows)
    found = placed(rows).drop("probability").rows(named=True)
    groups = {one.id: one for one in base().data.groups}
    expected = []
    for number, values in enumerate(answers):
        for subset in base().data.subsets.values():
            likely = patients[number][1] in subset.diseases
            if not likely or (subset.when and not values[SUBSET + subset.id]):
                continue
            listed = []
            for pair in base().pairs.filter(subset=subset.id).iter_rows(named=True):
                option = base().data.options[pair["option"]]
                if option.applies_when and values[f"applies.{option.id}"] is False:
                    continue
                state = state_of(option, values)
                held = {**pair, **state}
                group = next((x for x in groups if explain(x, base().grouping, held).value), None)
                if group:
                    order = (groups[group].order, pair["place"])
                    whose = {"patient_id": str(number), "subset": subset.id}
                    listed.append((order, {**whose, "option": option.id, "group": group, **state}))
            expected += [one for _, one in sorted(listed, key=lambda x: x[0])]
    assert found == expected


def state_of(option: Option, values: dict[str, Any]) -> dict[str, bool | None]:
    against = base().against[option.id]
    said = [values[against_column(option, number)] for number in range(len(against))]
    checks = [values[missing_column(one)] for one in base().checks_of(option)]
    trial = f"trial_{option.trial}_"
    parts = ("below_min_dose", "below_min_duration", "level_below_target")
    little = [values[trial + x] for x in parts if trial + x in base().kinds]
    tried = {
        "helped": "helped", "failed": "failed", "intolerance": "not_tolerated", "running": "running",
        "adequate": "adequate",
    }  # fmt: skip
    return {
        **{
            name: either(x for x, one in zip(said, against, strict=True) if one.level == level)
            for level, name in LEVELS.items()
        },
        "check_first": either([x is None for x in said] + checks) is not False,
        "inadequate": either(little) if little else None,
        **{name: values.get(trial + x) for name, x in tried.items()},
        "too_early": values.get(f"early.{option.id}"),
    }


def either(values: Iterable[bool | None]) -> bool | None:
    known = set(values)
    return True if True in known else None if None in known else False

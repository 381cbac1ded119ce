"""What must hold of the treatment knowledge as it is written."""

from __future__ import annotations

import pytest

from myoresist import Knowledge
from myoresist.treatment.columns import against_column, missing_column
from myoresist.treatment.evidence import packaged
from myoresist.treatment.schema import Option

BASE = Knowledge.load().options
DATA = BASE.data
TRIALS = packaged().trials
REFERENCES = Knowledge.load().references


@pytest.mark.parametrize("name", sorted(DATA.options))
def test_an_option_is_sourced_and_says_how_it_was_checked(name: str) -> None:
    option = DATA.options[name]
    for part in (*option.evidence, *option.guidelines, *option.regimens):
        assert part.cites
        assert part.check
        assert set(part.cites) <= REFERENCES.keys()
    assert option.safety_cites
    assert set(option.safety_cites) <= REFERENCES.keys()
    low, high = option.judge_after_weeks
    assert low <= high


def test_every_other_statement_is_sourced() -> None:
    said = (*DATA.urgent, *DATA.first, *DATA.care, *DATA.checks, *DATA.subsets.values())
    for one in said:
        assert one.cites, one.id
        assert one.check, one.id
        assert set(one.cites) <= REFERENCES.keys(), one.id


@pytest.mark.parametrize("check", DATA.checks, ids=lambda one: one.id)
def test_what_a_check_asks_for_matters_to_each_of_its_options(check) -> None:  # type: ignore[no-untyped-def]
    """A question whose answer changes nothing would only be noise."""
    asked = BASE.program.rules[missing_column(check)].reads
    tests_done = {"hrct_done", "cancer_basic_panel_done", "sex_female", "age"}
    for name in check.options:
        option = DATA.options[name]
        read = {
            finding
            for place in range(len(BASE.against[name]))
            for finding in BASE.program.rules[against_column(option, place)].reads
        }
        missing = asked - tests_done - read
        assert not missing, f"{name} does not say what {', '.join(sorted(missing))} means"


def test_a_drug_that_can_harm_has_something_against_it() -> None:
    assert all(BASE.against[one.id] for one in DATA.options.values() if one.kind == "drug")


def test_high_certainty_needs_more_than_one_trial() -> None:
    for option in DATA.options.values():
        for one in option.evidence:
            if one.certainty == "high":
                assert "two" in one.why, option.id


def test_what_studies_found_is_about_options_that_are_there() -> None:
    assert set(TRIALS.synthesis.treatments) <= DATA.options.keys()


def test_an_option_need_not_write_lists_that_are_empty() -> None:
    option = Option.model_validate(
        {
            "id": "walking",
            "name": "Walking",
            "kind": "supportive",
            "class": "exercise",
            "regimens": [],
            "judge_after_weeks": [4, 12],
            "evidence": [],
            "safety_cites": ["expert_convention"],
            "safety_check": "convention",
        }
    )
    empty = (option.against, option.checks, option.monitoring, option.interactions)
    assert (*empty, option.adverse_effects) == ((), (), (), (), ())

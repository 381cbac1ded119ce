"""The rules of page one can be read in plain words, all of them."""

from __future__ import annotations

import pytest

from myoresist import Knowledge
from myoresist.report.entries.show import UnknownEntry, describe, entry

BASE = Knowledge.load()
DATA = BASE.consult.data


def test_every_state_and_line_of_page_one_has_its_rule_in_words() -> None:
    lines = list(describe(BASE, "consult"))
    rules = [one for one in lines if one.startswith("        rule: ")]
    assert len(rules) == len(DATA.states) + len(list(DATA.lines()))
    assert not any("{" in one for one in lines)


def test_every_work_that_page_one_cites_is_listed() -> None:
    lines = list(describe(BASE, "consult"))
    listed = {one.split(":")[0].strip() for one in lines[lines.index("Sources:") + 1 :]}
    cited = (one.cites for one in (*DATA.states, *(one for _, one in DATA.lines())))
    assert listed == {key for keys in cited for key in keys}


def test_page_one_is_data_too() -> None:
    told = entry(BASE, "consult")
    assert [one["id"] for one in told["states"]] == [one.id for one in DATA.states]
    assert all(one["rule_in_words"] for one in (*told["states"], *told["lines"]))


def test_a_name_near_it_is_answered_with_it() -> None:
    with pytest.raises(UnknownEntry, match="did you mean consult"):
        describe(BASE, "consul")


def test_the_word_for_a_diagnosis_shows_the_disease_and_not_its_findings() -> None:
    assert next(describe(BASE, "ibm")) == next(describe(BASE, "inclusion_body_myositis"))
    assert entry(BASE, "IBM") == entry(BASE, "inclusion_body_myositis")
    assert entry(BASE, "iim_subtype_ibm")["entry"] == "finding"

"""The packaged serology knowledge is whole: sources, priors, examples; and broken knowledge says where."""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from myoresist import Knowledge, knowledge
from myoresist.document import DocumentError
from myoresist.rules.reasons import explain
from myoresist.serology.evaluate import Serology
from myoresist.serology.probability import column
from myoresist.worked_examples.form import Example
from myoresist.worked_examples.run import Examples

BASE = Knowledge.load()
SEROLOGY = Serology.load(knowledge.folder(), BASE.catalogue)
GROUPS = ("antibodies", "cancer", "confidence", "statements")


def examples(group: str) -> list[Example[Any, Any]]:
    folder = knowledge.folder()
    file = folder / "serology" / group / "tests.yaml"
    return [one.example for one in Examples.read(file, folder).placed]


def test_every_source_is_in_the_bibliography() -> None:
    cited = {key for entry in SEROLOGY.knowledge.sourced() for key in entry.cites}
    assert not cited - BASE.references.keys()


def test_everything_says_how_it_was_checked() -> None:
    assert all(entry.check for entry in SEROLOGY.knowledge.sourced())


def test_what_was_seen_says_where_in_the_bibliography() -> None:
    works = json.loads((knowledge.folder() / "references.json").read_text(encoding="utf-8"))
    seen = {one["id"] for one in works if one["custom"]["check"].startswith("seen")}
    for entry in SEROLOGY.knowledge.sourced():
        if entry.check == "seen":
            assert set(entry.cites) <= seen, entry


def test_what_rests_on_no_work_is_a_convention() -> None:
    for entry in SEROLOGY.knowledge.sourced():
        assert entry.cites or str(entry.check).startswith("convention"), entry


def test_every_specific_antibody_of_the_catalogue_is_known() -> None:
    leaves = BASE.inference.program.leaves(["any_myositis_specific_antibody"])
    assert leaves <= {*SEROLOGY.msa}


def test_every_statement_is_said_in_a_worked_example() -> None:
    every = [one for group in GROUPS for one in examples(group)]
    said = {name.split(".")[0] for one in every for name in one.expect.says}
    assert not {one.id for one in SEROLOGY.knowledge.statements} - said


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_of_rules_has_an_example_with_unknowns(group: str) -> None:
    assert any(one.given.others == "unknown" for one in examples(group))


def test_specific_antibodies_leave_room_for_none() -> None:
    program = SEROLOGY.before
    names = [column(x, "frequency") for x in SEROLOGY.msa]
    used = sorted(program.leaves(x for x in names if x in program.rules))
    for values in product([True, False, None], repeat=len(used)):
        row = dict(zip(used, values, strict=True))
        total = sum(explain(x, program, row).value for x in names if x in program.rules)
        assert total < 1, row


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packaged knowledge, to be broken."""
    shutil.copytree(knowledge.folder(), tmp_path / "k", ignore=shutil.ignore_patterns("*.py*"))
    return tmp_path / "k"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "cancer/imacs_2023.yaml",
            "when: cutaneous_necrosis",
            "when: skin_necrosis",
            "skin_necrosis",
        ),
        ("cancer/imacs_2023.yaml", "at_diagnosis: [basic]", "at_diagnosis: [all]", "unknown panel"),
        ("statements/doubt.yaml", "reported_msa >= 2", "reported_maa >= 2", "two_msa"),
        ("statements/doubt.yaml", "each: [maa]", "each: [anti_x]", "unknown antibody anti_x"),
        ("statements/meaning.yaml", "suggests: [sjogren, sle]", "suggests: [sicca]", "sicca"),
        ("antibodies/antibodies.yaml", "finding: v_sign", "finding: v_signs", "v_signs"),
        (
            "antibodies/antibodies.yaml",
            "- {value: 0.187,",
            "- {when: ild, value: 0.187,",
            "last prior",
        ),
        (
            "confidence/methods.yaml",
            "weak: 0.19, positive: 1",
            "weak: 1.9, positive: 1",
            "stronger",
        ),
        (
            "confidence/methods.yaml",
            "positive: 36, negative: 0.29",
            "positive: 36, negative: 9",
            "anti_mi2",
        ),
        (
            "confidence/methods.yaml",
            "anti_jo1: {positive: 44, negative: 0.21",
            "anti_jo1: {positive: 45, negative: 0.21",
            "unstated: says more than a method that is stated",
        ),
        ("confidence/methods.yaml", "id: unlikely", "id: established", "different ids"),
    ],
)
def test_broken_knowledge_names_what_is_wrong(
    copy: Path, file: str, old: str, new: str, said: str
) -> None:
    path = copy / "serology" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DocumentError) as error:
        Serology.load(copy, BASE.catalogue)
    assert file.split("/")[0] in str(error.value)
    assert said in str(error.value)

"""Worked examples have one format, and what is wrong with one is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from myoresist import Knowledge
from myoresist.document import DocumentError
from myoresist.worked_examples.form import differences
from myoresist.worked_examples.run import Examples, files, folder_of
from myoresist.worked_examples.topics import TOPICS, Topic

BASE = Knowledge.load()
PAGE = (Path(__file__).parents[2] / "docs" / "add-knowledge.md").read_text(encoding="utf-8")


def said(folder: Path, file: str, text: str) -> str:
    """Return what running a file of examples against the packaged knowledge says."""
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    found = "\n".join(str(one) for one in Examples.read(path, folder).run(BASE))
    return found.replace(f"{path}:", "")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda one: one.files)
def test_every_topic_has_examples(topic: Topic) -> None:
    held = [one for one in files(BASE.folder) if topic.holds(one.relative_to(BASE.folder))]
    assert held
    assert all(Examples.read(one, BASE.folder).placed for one in held)
    assert all(folder_of(one) == BASE.folder for one in held)


def test_every_file_of_examples_is_of_a_topic_and_every_set_has_one() -> None:
    assert all(folder_of(one) for one in files(BASE.folder))
    for one in BASE.criteria.implemented:
        assert (BASE.folder / "criteria" / one.id / "tests.yaml").exists(), one.id


@pytest.mark.parametrize(
    ("file", "example", "complaint"),
    [
        (
            "criteria/mda5_dm/tests.yaml",
            "given: {findings: {anti_mda: true}}, expect: {outcome: not_met}",
            "anti_mda is no finding; did you mean anti_mda5?",
        ),
        (
            "criteria/mda5_dm/tests.yaml",
            "given: {findings: {anti_mda5: 1}}, expect: {outcome: not_met}",
            "anti_mda5 is 1.0, but is present or absent: write true or false",
        ),
        (
            "criteria/mda5_dm/tests.yaml",
            "given: {findings: {ck_x_uln: true}}, expect: {outcome: not_met}",
            "ck_x_uln is yes, but is a number",
        ),
        (
            "criteria/mda5_dm/tests.yaml",
            "given: {findings: {ild: false, rapidly_progressive_ild: true}}, expect: {}",
            "record: expected consistent, got contradicts itself",
        ),
        (
            "criteria/eular_acr_2017/tests.yaml",
            "expect: {items: {ea_onset_40_plus: true}}",
            "items.ea_onset_40_plus: expected true, got no such name",
        ),
        (
            "findings/tests.yaml",
            "given: {findings: {age_at_onset: 18}}, expect: {findings: {juvenile_onset: true}}",
            "findings.juvenile_onset: expected true, got false",
        ),
        (
            "diseases/tests.yaml",
            "given: {findings: {heliotrope_rash: true}}, expect: {disease: dermatomyositiss}",
            "dermatomyositiss is no disease; did you mean dermatomyositis?",
        ),
        (
            "diseases/tests.yaml",
            "given: {findings: {heliotrope_rash: true}}, expect: {disease: mcardle}",
            "among_first: expected 1, got ",
        ),
        (
            "serology/cancer/tests.yaml",
            "expect: {silent: [two_msas]}",
            "two_msas is no statement; did you mean two_msa?",
        ),
        (
            "serology/cancer/tests.yaml",
            "given: {results: [{antibody: anti_jo1, strength: strong}]},"
            " expect: {probability: {anti_jo1: {at_most: 0.1}}}",
            "probability.anti_jo1: expected at_least 0, at_most 0.1, got 0.",
        ),
        (
            "response/tests.yaml",
            "given: {visits: [{day: 0, mmt8: 500}]}, expect: {states: {no_activity: unknown}}",
            "mmt8",
        ),
        (
            "response/tests.yaml",
            "given: {visits: [{mmt8: 100}]}, expect: {states: {no_activity: unknown}}",
            "visit 0 has no day",
        ),
        (
            "adequacy/tests.yaml",
            "given: {treatments: [{drug: prednisone, dose: a lot}]}, expect: {trials: {ivig: unknown}}",
            "treatments.0.dose",
        ),
        (
            "refractory/tests.yaml",
            "expect: {definitions: {gc_plus_too: met}}",
            "definitions.gc_plus_too: expected met, got no such name; did you mean gc_plus_two?",
        ),
        (
            "explanations/tests.yaml",
            "given: {columns: {label_outrank: true}}, expect: {explanations: {wrong_diagnosis: supported}}",
            "label_outrank is no column; did you mean label_outranked?",
        ),
        (
            "explanations/tests.yaml",
            "given: {columns: {label_outranked: true}}, expect: {explanations: {wrong_diagnosis: supported}}",
            "explanations.wrong_diagnosis: expected supported, got possible",
        ),
        (
            "treatments/tests.yaml",
            "given: {diseases: {dermatomyositis: 1}}, expect: {groups: {DM: {ivig: never}}}",
            "never is no group",
        ),
        (
            "treatments/tests.yaml",
            "given: {diseases: {dermatomyositis: 1}}, expect: {groups: {PM: {ivig: reasonable}}}",
            "groups.PM.ivig: expected reasonable, got not_shown",
        ),
    ],
)
def test_what_does_not_agree_is_said(
    tmp_path: Path, file: str, example: str, complaint: str
) -> None:
    found = said(tmp_path, file, f"- {{name: one, source: made up, {example}}}\n")
    assert found.startswith("1: one: ")
    assert complaint in found


@pytest.mark.parametrize("topic", TOPICS, ids=lambda one: one.files)
def test_the_page_names_what_may_be_given_and_asked(topic: Topic) -> None:
    place = topic.files.split("/")[0]
    row = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{place}/" in line)
    for part in ("given", "expect"):
        model = topic.model.model_fields[part].annotation
        assert model is not None
        missing = {
            x for x in model.model_fields if f"`{x}`" not in row.replace("`without:", "`without`")
        }
        assert missing <= {"record"}


def test_an_example_that_agrees_says_nothing(tmp_path: Path) -> None:
    text = "- {name: one, source: made up, expect: {state: undetermined}}\n"
    assert said(tmp_path, "criteria/mda5_dm/tests.yaml", text) == ""


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("criteria/mda5_dm", "set: mda5_dm\ncases: []\n", "a list of examples is expected here"),
        (
            "criteria/mda5_dm",
            "- {name: a, expect: {}}\n",
            r"tests.yaml:1: 0.source: Field required",
        ),
        (
            "criteria/mda5_dm",
            "- {name: a, source: b, others: absent, expect: {}}\n",
            r"tests.yaml:1: 0.others: Extra inputs",
        ),
        (
            "criteria/mda5_dm",
            "- {name: a, source: b, expect: {}}\n- {name: a, source: b, expect: {}}\n",
            r"tests.yaml:2: a: stands here twice",
        ),
        ("criteria/mda5_dms", "[]", "mda5_dms has no rules to run; did you mean mda5_dm?"),
        ("criteria/ibm_enmc_2024", "[]", "ibm_enmc_2024 has no rules to run"),
        ("labs", "[]", "no topic has its examples here; they stand in findings/tests.yaml"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, file: str, text: str, complaint: str
) -> None:
    with pytest.raises(DocumentError, match=complaint):
        said(tmp_path, f"{file}/tests.yaml", text)


@pytest.mark.parametrize(
    ("wanted", "got", "same"),
    [
        ("unknown", None, True),
        (False, None, False),
        (1, True, False),
        (0.4925, 0.49246, True),
        (0.4925, 0.4932, False),
        ({"at_least": 0.2, "at_most": 0.3}, 0.3, True),
        ({"at_least": 0.2, "at_most": 0.3}, 0.31, False),
        ({"at_least": 0.2}, None, False),
        ({"a": {"b": ("c",)}}, {"a": {"b": ("c",), "d": 1}}, True),
        ({"a": {"b": ("c",)}}, {"a": {"b": ("c", "d")}}, False),
    ],
)
def test_values_are_compared_as_they_are_meant(wanted: object, got: object, same: bool) -> None:
    assert (not list(differences(wanted, got))) is same

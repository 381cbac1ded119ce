"""The knowledge about response is whole: what it names exists, and a mistake in it is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from myoresist import Knowledge
from myoresist.case.measures import Measures
from myoresist.case.model import Visit
from myoresist.case.reading import packaged_terms
from myoresist.document import DocumentError
from myoresist.findings.evaluate import finding_names
from myoresist.knowledge import folder
from myoresist.knowledge.schema import load_references
from myoresist.resistance.response.evaluate import Responses


def test_every_cited_work_is_in_the_bibliography(responses: Responses) -> None:
    known = load_references(folder() / "references.json")
    criteria = responses.improvement.criteria
    sourced = [
        *responses.measures, *responses.measures.singly.values(), criteria, *criteria.performance,
        *criteria.limits, *responses.definitions.by_id.values(),
    ]  # fmt: skip
    cited = {key for one in sourced for key in one.cites} | set(responses.conventions.flare_cites)
    assert cited <= known.keys()
    assert all(one.cites and one.check for one in sourced)


def test_a_visit_can_hold_every_measure(responses: Responses) -> None:
    fields = set(Visit.model_fields)
    assert {one.id for one in responses.measures.of_visit()} <= fields
    assert set(responses.measures.singly) <= fields


def test_enzymes_are_tests_of_the_laboratory(responses: Responses) -> None:
    labs = packaged_terms().labs
    for measure in responses.measures:
        if measure.enzyme:
            assert labs[measure.id].unit == measure.unit
            assert labs[measure.id].maximum == measure.maximum


def test_drug_classes_exist(responses: Responses) -> None:
    known = {drug.drug_class for drug in packaged_terms().drugs.values()}
    named = responses.conventions
    assert {one for group in named.course_classes for one in group} <= set(named.treatment_classes)
    assert set(named.treatment_classes) <= known


def test_the_points_of_the_best_bands_add_up_to_100(responses: Responses) -> None:
    assert sum(domain.points[-1] for domain in responses.improvement.criteria.domains) == 100


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("improvement", "edges: [5, 15, 25, 40]", "edges: [5, 25, 15, 40]", "edges and points ascend"),
        ("improvement", "points: [0, 7.5, 15,", "points: [0, 15,", "one band more than there are edges"),
        ("improvement", "strength: [mmt8, mmt8_80, mmt24]", "strength: [mmt]", "mmt is not a measure"),
        ("improvement", "function: [haq_di]", "function: [haq_di, mmt8]", "have one direction"),
        ("improvement", "    patient: [patient_global]\n", "", "does not name every domain once"),
        ("improvement", "ELSE age < 18", "ELSE years < 18", "unknown name years"),
        ("definitions", "n_of(3, physician_relative", "n_of(3, doctor_relative", "unknown name doctor"),
        ("definitions", "  core_set: imacs\n", "", "and only such a one, has a core_set"),
        ("definitions", "  months: 6\n", "", "and only such a one, has months"),
        ("measures", "minimum: 0", "minimum: 20", "minimum lies below maximum"),
        ("measures", "  multiple_column: ck_x_uln\n", "", "has limit_columns and multiple_column"),
        ("totals", "kind: share", "kind: part", "kind"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_knowledge_is_told(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    (tmp_path / "response").mkdir()
    for path in (folder() / "response").glob("*.yaml"):
        shutil.copy(path, tmp_path / "response")
    path = tmp_path / "response" / f"{file}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DocumentError, match=message) as error:
        Responses.load(tmp_path, Measures.load(tmp_path), finding_names(Knowledge.load().catalogue))
    assert f"{file}.yaml" in str(error.value)

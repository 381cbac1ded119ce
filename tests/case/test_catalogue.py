"""The catalogue and the terms: what is wrong in their files is told with file and row."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from myoresist import knowledge
from myoresist.case.catalogue import Catalogue
from myoresist.case.terms import Terms
from myoresist.document import DocumentError


def told(folder: Path) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        Catalogue.load(folder)
    return [str(one).replace(str(folder / "findings") + "/", "") for one in caught.value.problems]


def test_findings_have_types_and_are_found_by_any_name(toy: Path) -> None:
    catalogue = Catalogue.load(toy)
    assert catalogue.table_schema()["red"] == pl.Boolean
    assert catalogue.table_schema()["level"] == pl.Float64
    assert "red" in catalogue
    found = catalogue.find(" RED spots ")
    assert found is not None
    assert found.id == "red"
    assert catalogue.find("green") is None
    assert catalogue.nearest("larg_red") == "large_red"
    assert catalogue.nearest("xyzzy") is None


@pytest.mark.parametrize(
    ("file", "row", "lines"),
    [
        (
            "findings.csv",
            "Red,bool,,,,skin,Red,Red?,,,,,",
            ["findings.csv:11: id: String should match"],
        ),
        (
            "findings.csv",
            "depth,number,mm,,,skin,Depth,How deep?,,,,,",
            ["findings.csv:11: a number needs a unit and a plausible range"],
        ),
        (
            "findings.csv",
            "colour,category,,,,skin,Colour,Which?,,,,,",
            ["findings.csv:11: a category, and only a category, has choices"],
        ),
        (
            "findings.csv",
            "pale,truth,,,,skin,Pale,,,,,,",
            ["findings.csv:11: kind: Input should be", "findings.csv:11: question: Field required"],
        ),
        (
            "findings.csv",
            "red,bool,,,,skin,Red,Red?,,,,,",
            ["findings.csv:11: red: stands here twice"],
        ),
        (
            "findings.csv",
            "pale,bool,,,,skin,Pale, or white?,Pale?,,,,,",
            ["findings.csv:11: has more cells than the heading; put a cell with a comma in quotes"],
        ),
        ("implications.csv", "red,green,?", ["implications.csv:5: green: is not in findings.csv"]),
        ("exclusions.csv", "red,,?", ["exclusions.csv:3: other: Field required"]),
    ],
)
def test_a_wrong_row_is_told_with_file_and_line(
    toy: Path, file: str, row: str, lines: list[str]
) -> None:
    path = toy / "findings" / file
    path.write_text(path.read_text() + row + "\n")
    found = told(toy)
    assert len(found) == len(lines)
    assert all(one.startswith(line) for one, line in zip(found, lines, strict=True)), found


def test_a_file_that_is_missing_or_not_text_is_told(toy: Path) -> None:
    path = toy / "findings" / "implications.csv"
    path.write_bytes(b"\xff\xfe")
    assert told(toy) == ["implications.csv: cannot be read: it is not UTF-8 text"]
    path.unlink()
    assert told(toy) == ["implications.csv: cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("labs/labs.yaml", "value: ck_u_l,", "value: ck_u,", "ck_u: is not in findings.csv"),
        (
            "labs/labs.yaml",
            "{take: highest_multiple",
            "{take: best",
            "findings.0.take: Input should be",
        ),
        ("findings/sections.yaml", "mmt8_150", "mmt_8", "mmt_8: is not in findings.csv"),
        ("drugs/drugs.csv", "prednisone,Prednisone,", "prednisone,,", "label: Field required"),
    ],
)
def test_terms_that_lead_nowhere_are_told(
    tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(knowledge.folder(), folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        Terms.load(folder, Catalogue.load(folder))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))

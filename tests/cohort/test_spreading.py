"""What stands side by side in one row becomes rows; a single file or a workbook is a registry, too."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from doors import folder
from workbooks import write_workbook

from myoresist.case.reading import packaged_terms
from myoresist.cohort.registry import assess_tables
from myoresist.cohort.schema import Schema
from myoresist.cohort.source import SourceError, open_source
from myoresist.document import DocumentError

WIDE = """\
pid,date_v1,mmt_v1,ck_v1,date_v2,mmt_v2,ck_v2,mtx_start,mtx_stop,aza_ever,crp
a,2020-01-01,100,900,2020-06-01,140,200,2020-01-05,,1,12
b,2020-01-01,,0,,,,,,0,
c,,,,unknown,n/a,,never,,,0
"""
ROWS = """\
columns: {patients: {pid: patient_id}}
rows:
  visits:
  - {columns: {date_v1: date, mmt_v1: mmt8, ck_v1: ck_u_l}}
  - {columns: {date_v2: date, mmt_v2: mmt8, ck_v2: ck_u_l}}
  labs:
  - {columns: {crp: value}, constants: {test: CRP, unit: mg/L}}
  treatments:
  - {columns: {mtx_start: start, mtx_stop: stop}, constants: {drug: methotrexate}}
  - {columns: {aza_ever: drug}}
values: {treatments: {aza_ever: {1: azathioprine, 0: ""}}}
"""


def opened(path: Path, mapping: str = "", work: Path | None = None) -> dict[str, pl.DataFrame]:
    names = folder(path.parent, {"m.yaml": mapping}) / "m.yaml" if mapping else None
    source = open_source(path, Schema(packaged_terms()), work or path.parent, names)
    return {name: frame.drop("row").collect() for name, frame in source.tables.items()}


def test_visits_values_and_courses_side_by_side_become_rows(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(WIDE)
    found = opened(tmp_path / "all.csv", ROWS)
    assert found["patients"].columns == ["patient_id"]
    visits = found["visits"].select("patient_id", "date", "mmt8", "ck_u_l")
    assert visits.rows() == [
        ("a", "2020-01-01", "100", "900"),
        ("b", "2020-01-01", None, "0"),
        ("a", "2020-06-01", "140", "200"),
    ]
    # A value may be 0; that a cell is empty says nothing.
    assert found["labs"].rows() == [("a", "12", "CRP", "mg/L"), ("c", "0", "CRP", "mg/L")]
    # A cell that says "never" or nothing is no course, whatever a constant says.
    courses = found["treatments"].select("patient_id", "drug", "start")
    assert courses.rows() == [("a", "methotrexate", "2020-01-05"), ("a", "azathioprine", None)]
    answers = assess_tables(found)
    assert answers["findings"]["mmt8_150"].to_list() == [140, None, None]
    assert not answers["rejected"]["whole_row"].any()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mmt_v1: mmt8", "mtm_v1: mmt8", r"rows.visits.0.columns.mtm_v1: .*did you mean mmt_v1"),
        ("mmt_v1: mmt8", "mmt_v1: mmt", "mmt is not a column"),
        ("mmt_v1: mmt8", "mmt_v1: date", "date is there twice"),
        ("{columns: {crp", "{from: demo, columns: {crp", "demo is not a table of ours"),
        ("{columns: {crp", "{from: antibodies, columns: {crp", "there is no table antibodies"),
        ("aza_ever: {1", "aza_evr: {1", "values.treatments.aza_evr: is no column"),
    ],
)
def test_rows_that_cannot_be_made_are_named(old: str, new: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(WIDE)
    with pytest.raises(DocumentError, match=said):
        opened(tmp_path / "all.csv", ROWS.replace(old, new))


def test_rows_lack_nothing_that_their_table_needs(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(WIDE)
    with pytest.raises(SourceError, match=r"rows.labs.0: lacks unit"):
        opened(tmp_path / "all.csv", ROWS.replace(", unit: mg/L", ""))


def test_a_workbook_is_a_registry(tmp_path: Path) -> None:
    sheets = {
        "patients": [["patient_id", "sex", "date"], ["1", "female", date(2023, 5, 17)]],
        "Labs": [
            ["patient_id", "test", "value", "unit", "date"],
            ["1", "CK", 812.5, "U/L", date(2023, 5, 2)],
            [None, None, None, None, None],
        ],
        "codebook": [["x"], ["y"]],
    }
    book = write_workbook(tmp_path / "r.xlsx", sheets)
    source = open_source(book, Schema(packaged_terms()), tmp_path)
    assert source.unread == ("sheet codebook: is not read",)
    answers = assess_tables({x: y.drop("row").collect() for x, y in source.tables.items()})
    assert answers["rejected"].is_empty()
    assert answers["findings"].select("ck_current_u_l").item() == 812.5
    with pytest.raises(SourceError, match="several sheets"):
        opened(tmp_path, "tables: {patients: r.xlsx}", tmp_path / "w")


def test_a_workbook_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.xlsx").write_text("patient_id\n1\n")
    with pytest.raises(SourceError, match="is no workbook that can be read"):
        opened(tmp_path / "r.xlsx")

"""A small made-up knowledge folder, to test the engine apart from medicine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

FINDINGS = """\
id,kind,unit,minimum,maximum,group,label,question,synonyms,hpo,hpo_name,loinc,choices
red,bool,,,,skin,Red spots,Are there red spots?,,,,,
blue,bool,,,,skin,Blue spots,Are there blue spots?,,,,,
spots,bool,,,,skin,Spots of any colour,Are there spots?,,,,,
large_red,bool,,,,skin,Large red spots,Are there large red spots?,,,,,
smooth_skin,bool,,,,skin,Smooth skin,Is the skin smooth?,,,,,
tested,bool,,,,lab,Test done,Was it tested?,,,,,
level,number,mg/L,0,100,lab,Level,What is the level?,,,,,
level_high,bool,,,,lab,High level,Is the level high?,,,,,
age_at_onset,number,years,0,120,demographics,Age at onset,How old?,,,,,
"""

IMPLICATIONS = """\
finding,implies,why
large_red,red,large red spots are red spots
red,spots,a colour of spot
blue,spots,a colour of spot
"""
EXCLUSIONS = "finding,excludes,why\nsmooth_skin,spots,smooth skin has no spots\n"
DERIVED = """\
- {id: spots, text: any spots, when: red OR blue, check: convention}
- {id: level_high, text: level above 10, when: level > 10, check: convention}
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Return a knowledge folder with nine findings and no criteria."""
    (tmp_path / "findings").mkdir()
    (tmp_path / "findings" / "findings.csv").write_text(FINDINGS)
    (tmp_path / "findings" / "implications.csv").write_text(IMPLICATIONS)
    (tmp_path / "findings" / "exclusions.csv").write_text(EXCLUSIONS)
    (tmp_path / "findings" / "derived.yaml").write_text(DERIVED)
    (tmp_path / "criteria").mkdir()
    work = {"id": "made2026", "type": "article-journal", "title": "A made-up work"}
    (tmp_path / "references.json").write_text(json.dumps([work]))
    (tmp_path / "knowledge.yaml").write_text("version: '0'\nlicence: none\n")
    return tmp_path

"""Every form that docs/use.md shows of a case file is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from myoresist.case.reading import check_case_text

TEXT = (Path(__file__).parents[2] / "docs" / "use.md").read_text(encoding="utf-8")
CASE_FILE = TEXT.partition("## The case file")[2].partition("\n## ")[0]


@pytest.mark.parametrize("form", re.findall(r"```yaml\n(.*?)```", CASE_FILE, re.DOTALL))
def test_a_form_that_is_shown_is_read(form: str) -> None:
    text = form if form.startswith("patient:") else f"patient: {{id: P}}\n{form}"
    assert check_case_text(text, "use.md")[1] == []

"""What docs/adequacy.md says day by day is what the engine says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from treatment_lists import LISTS, TODAY, Course, exact, judge, state

DOCS = Path(__file__).parents[2] / "docs" / "adequacy.md"


@pytest.fixture(scope="module")
def verdict() -> Callable[..., str]:
    (code,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(DOCS), "exec"), names)
    found: Callable[..., str] = names["verdict"]
    return found


@settings(max_examples=120, deadline=None)
@given(
    courses=LISTS | st.lists(exact(), min_size=1, max_size=6),
    complete=st.sampled_from([True, False, None]),
)
def test_day_by_day_every_drug_is_judged_the_same(
    verdict: Callable[..., str], courses: list[Course], complete: bool | None
) -> None:
    history = judge(courses, complete=complete)
    for drug, name in (
        ("methotrexate", "methotrexate"),
        ("azathioprine", "azathioprine"),
        ("prednisone", "glucocorticoid_oral"),
    ):
        said = verdict(courses, drug, TODAY.toordinal(), complete)
        assert state(history, name) == said, name

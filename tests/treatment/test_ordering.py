"""In which order options stand, what a dated event moves, and that ties are said to be ties."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from myoresist import Knowledge
from myoresist.arrays.table import Table
from myoresist.knowledge import folder
from myoresist.treatment.columns import PROBABILITY
from myoresist.treatment.evaluate import Options
from myoresist.treatment.ordering import ranked
from myoresist.treatment.schema import Event, Option

BASE = Knowledge.load().options
DISEASE = {"DM": "dermatomyositis", "IBM": "inclusion_body_myositis", "IMNM": "imnm_seronegative"}
LONGEST = 90
"""Days for which a status may stand unchecked before a release."""


def changed(option: Option) -> Options:
    """Return the treatments with one option edited."""
    return replace(BASE, data=replace(BASE.data, options={**BASE.data.options, option.id: option}))


def group(base: Options, option: str, subset: str) -> str:
    row = Table.of_frame(pl.DataFrame({PROBABILITY + DISEASE[subset]: [1.0]}), 1)
    found = base.places(row).filter(option=option, subset=subset)
    return found["group"].item()


def event(what: str, subset: str, on: str = "2027-01-15") -> Event:
    return Event.model_validate(
        {"date": on, "what": what, "subsets": [subset], "text": "x", "check": "estimate"}
    )


def with_event(name: str, *events: Event) -> Option:
    option = BASE.data.options[name]
    return option.model_copy(update={"events": (*option.events, *events)})


@pytest.mark.parametrize(
    ("option", "subset", "events", "before", "after"),
    [
        ("brepocitinib", "DM", [("licensed", "2027-01-15")], "only_if", "reasonable"),
        ("brepocitinib", "DM", [("refused", "2027-01-15")], "only_if", "only_if"),
        # What was licensed and then withdrawn is investigational again.
        ("brepocitinib", "DM", [("licensed", "2027-01"), ("withdrawn", "2028")], "only_if", "only_if"),
        ("efgartigimod", "IMNM", [("trial_negative", "2027")], "only_if", "avoid"),
        ("ulviprubart", "IBM", [("trial_running", "2027")], "avoid", "avoid"),
    ],
)  # fmt: skip
def test_one_dated_event_moves_an_option(
    option: str, subset: str, events: list[tuple[str, str]], before: str, after: str
) -> None:
    assert group(BASE, option, subset) == before
    edited = with_event(option, *(event(what, subset, on) for what, on in events))
    assert group(changed(edited), option, subset) == after


def test_a_licence_for_one_disease_says_nothing_of_another() -> None:
    edited = with_event("efgartigimod", event("licensed", "DM"))
    assert group(changed(edited), "efgartigimod", "DM") == "reasonable"
    assert group(changed(edited), "efgartigimod", "IMNM") == "only_if"


def test_a_later_trial_outweighs_an_earlier_one() -> None:
    edited = with_event("efgartigimod", event("trial_negative", "DM", "2020"))
    assert group(changed(edited), "efgartigimod", "DM") == "only_if"


def test_what_is_investigational_says_when_news_was_last_looked_for() -> None:
    year, month = (int(part) for part in knowledge_version().split("."))
    released = date(year, month, 28)
    for option in BASE.data.options.values():
        if option.investigational or option.events:
            assert option.events_checked or not option.events, option.id
        if option.events_checked:
            age = released - date.fromisoformat(option.events_checked)
            assert age.days <= LONGEST, f"{option.id} was last looked for {age.days} days ago"


def knowledge_version() -> str:
    text = (folder() / "knowledge.yaml").read_text(encoding="utf-8")
    return text.split('version: "')[1].split('"')[0]


def pairs(**columns: list[Any]) -> pl.DataFrame:
    kinds: dict[str, Any] = {
        "order": pl.Int64, "comes_first": pl.Boolean, "stance": pl.Int64, "benefit": pl.Float64,
        "direct": pl.Boolean,
    }  # fmt: skip
    return pl.DataFrame(
        {name: columns[name] for name in ("name", *kinds)}, schema_overrides=kinds
    )  # fmt: skip


def test_order_then_guideline_then_evidence_and_the_rest_is_a_tie() -> None:
    found = ranked(
        pairs(
            name=["f", "e", "d", "c", "b", "a"],
            order=[1, None, None, None, None, None],
            comes_first=[False] * 6,
            stance=[None, 0, 2, 2, 2, 2],
            benefit=[0.0, 0.0, 1.0, 2.0, 1.0, 1.0],
            direct=[False, False, True, True, False, True],
        ).with_columns(option="name"),
        ("benefit", "direct"),
    )
    assert found["option"].to_list() == ["f", "e", "c", "a", "d", "b"]
    assert found["rank"].to_list() == [0, 1, 2, 3, 3, 4]


@pytest.mark.parametrize("subset", [x for x in BASE.data.subsets.values() if x.order])
def test_an_explicit_order_is_kept_and_cited(subset: Any) -> None:
    own = BASE.pairs.filter(subset=subset.id)
    assert subset.order.cites
    places = subset.order.places
    missing = places.keys() - set(own["option"])
    assert not missing, f"nothing is known of {missing} in {subset.id}"
    order = [places[x] for x in own["option"] if x in places]
    assert order == sorted(order)
    assert own["option"].to_list()[: len(order)] == [x for x in own["option"] if x in places]


def test_the_lung_follows_the_order_of_the_guideline_and_not_the_alphabet() -> None:
    own = BASE.pairs.filter(subset="ASyS_ILD")["option"].to_list()
    wanted = ["mycophenolate", "rituximab", "tacrolimus", "nintedanib", "cyclophosphamide", "ivig"]
    assert [x for x in own if x in wanted] == wanted
    assert own.index("azathioprine") > own.index("ivig")

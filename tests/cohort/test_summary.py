"""The page about a registry: every number computed another way, nothing unknown shown as absent."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import shutil
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import html5lib
import numpy as np
import polars as pl
import pytest
from pages import (
    LAPTOP,
    PHONE,
    chromium,
    clipped_texts,
    crossed_texts,
    open_everything,
    tiny_texts,
    violations,
)
from playwright.sync_api import Browser

from myoresist import Knowledge
from myoresist.arrays.intervals import wilson
from myoresist.cohort import run
from myoresist.cohort.charts import Combination, SetRow, brief, upset
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.layout import Section, Table, bounds, counted, number, share
from myoresist.cohort.refractory import said_of
from myoresist.cohort.simulate import simulate
from myoresist.cohort.summary.counts import Summary
from myoresist.cohort.summary.course import CATEGORIES, STATUSES
from myoresist.cohort.summary.page import facts, sections_of, write_summary
from myoresist.cohort.summary.withholding import guarded as guarded_section
from myoresist.cohort.tally import UNSURE, quantile

PATIENTS, BATCH = 240, 50
UNDETERMINED = "undetermined"
DOT = 'r="1.8"'


def answered(tables: dict[str, pl.DataFrame], folder: Path, batch: int = BATCH) -> Path:
    """Return the answers about a registry, with the page."""
    source = folder / "in"
    source.mkdir()
    for name, frame in tables.items():
        frame.write_parquet(source / f"{name}.parquet")
    job = run.prepare(source, folder / "out", None, batch)
    run.answer(job)
    run.finish(job)
    # Every count, also a small one, is compared.
    write_summary(job.out, 1)
    return job.out


@pytest.fixture(scope="module")
def drawn() -> dict[str, pl.DataFrame]:
    return simulate(PATIENTS, 5)


@pytest.fixture(scope="module")
def out(drawn: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return answered(drawn, tmp_path_factory.mktemp("summary"))


@pytest.fixture(scope="module")
def summary(out: Path) -> Summary:
    return Summary.of(out, Knowledge.load(), 1)


@pytest.fixture(scope="module")
def sections(summary: Summary) -> dict[str, Section]:
    return {one.id: one for one in sections_of(summary)}


@pytest.fixture(scope="module")
def page(out: Path) -> str:
    return text_of(out)


def text_of(out: Path) -> str:
    return (out / "summary.html").read_text(encoding="utf-8")


def rows(out: Path, table: str) -> list[dict[str, Any]]:
    return run.scan(out, table).collect().to_dicts()


def table(section: Section, id: str) -> Table:
    return next(one for one in section.tables if one.id == id)


def subset_of(findings: dict[str, Any], differential: dict[str, Any]) -> str:
    """Return the subset of a patient, the plain way."""
    base = Knowledge.load().differential.base
    chances: Counter[str] = Counter()
    for disease in base.diseases.values():
        labels = [x for x, some in base.families.labels.items() if disease.id in some]
        myositis = disease.family in ("iim", "ibm")
        subset = (labels or ["other_myositis"])[0] if myositis else "other_disease"
        chances[subset] += differential[f"differential.{disease.id}"]
    name, chance = chances.most_common(1)[0]
    if chance < 0.5:
        return UNSURE
    juvenile = name == "dermatomyositis" and findings["juvenile_onset"] is True
    return "juvenile_dermatomyositis" if juvenile else name


@pytest.fixture(scope="module")
def people(out: Path) -> list[dict[str, Any]]:
    """Return the findings of each patient with the subset."""
    other = {one["patient_id"]: one for one in rows(out, "differential")}
    found = rows(out, "findings")
    return [
        {**one, **other[one["patient_id"]], "subset": subset_of(one, other[one["patient_id"]])}
        for one in found
    ]


def test_every_patient_is_in_one_subset(
    summary: Summary, people: list[dict[str, Any]], page: str
) -> None:
    expected = Counter(one["subset"] for one in people)
    assert summary.subsets == expected
    assert sum(summary.subsets.values()) == PATIENTS
    assert expected[UNSURE], "a test of the unsure needs some"
    for count in expected.values():
        assert counted(count, PATIENTS) in page.replace("&lt;", "<")


def test_table_1_counts_those_in_whom_it_is_known(
    summary: Summary, sections: dict[str, Section], people: list[dict[str, Any]]
) -> None:
    shown = table(sections["who"], "characteristics")
    by_name = {one.name: one.cells for one in shown.rows}
    catalogue = Knowledge.load().catalogue
    groups = [people, *([x for x in people if x["subset"] == s] for s in summary.subsets)]
    assert [int(x.small.split()[-1]) for x in shown.heads[1:]] == [len(some) for some in groups]
    for name in ("sex_female", "anti_mi2", "anti_srp"):
        for cell, some in zip(by_name[catalogue[name].label], groups, strict=True):
            known = [x[name] for x in some if x[name] is not None]
            assert cell.text == (counted(sum(known), len(known)) if known else "–")
            unknown = len(some) - len(known)
            assert cell.small == (f"unknown {unknown}" if unknown else "")
    for name in ("age_at_onset", "mmt8_150"):
        row = next(x for x in by_name if x.startswith(catalogue[name].label))
        for cell, some in zip(by_name[row], groups, strict=True):
            known = [x[name] for x in some if x[name] is not None]
            if known:
                low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
                assert cell.text == f"{middle:.3g} ({low:.3g}–{high:.3g})"
    for label, cells in list(by_name.items())[-2:]:
        carried = label.lower().replace(" ", "_").replace("-", "_")
        known = [x["label"] for x in people if x["label"]]
        assert cells[0].text == counted(known.count(carried), len(known))


def test_a_finding_made_of_several_is_counted_among_those_asked_for_all(
    summary: Summary, sections: dict[str, Section], people: list[dict[str, Any]]
) -> None:
    by_name = {one.name: one.cells for one in table(sections["who"], "characteristics").rows}
    catalogue = Knowledge.load().catalogue
    parts = {
        "dm_rash": ("heliotrope_rash", "gottron_papules", "gottron_sign"),
        "any_antisynthetase": (
            "anti_jo1", "anti_pl7", "anti_pl12", "anti_ej", "anti_oj", "anti_ks", "anti_zo", "anti_ha",
        ),
    }  # fmt: skip
    groups = [people, *([x for x in people if x["subset"] == s] for s in summary.subsets)]
    for name, asked_for in parts.items():
        for cell, some in zip(by_name[catalogue[name].label], groups, strict=True):
            known = [x for x in some if x[name] is not None]
            there = sum(x[name] for x in known)
            # Present without any part that is: recorded as such.
            asked = [
                x
                for x in known
                if all(x[y] is not None for y in asked_for)
                or (x[name] and not any(x[y] for y in asked_for))
            ]
            yes = sum(x[name] for x in asked)
            assert cell.text == (counted(yes, len(asked)) if asked else "–")
            rest = len(some) - len(asked)
            span = bounds(there, len(some) - len(known), len(some))
            assert cell.small == (f"not fully asked {rest}; of all {span}" if rest else "")


def test_a_share_lies_between_bounds() -> None:
    assert [bounds(*x) for x in ((0, 50, 100), (3, 0, 6), (0, 0, 9), (10, 1, 1000))] == [
        "0 to 50%", "50%", "0%", "1%",
    ]  # fmt: skip


def test_the_figures_at_the_head_are_those_of_the_tables(
    out: Path, people: list[dict[str, Any]], summary: Summary, sections: dict[str, Section]
) -> None:
    """By a few lines of Polars from the tables by patient, without what counts for the page."""
    n = len(people)
    sure = sum(x["subset"] != UNSURE for x in people)
    labelled = [x for x in people if x["label"] is not None]
    outranked = sum(bool(x["label_outranked"]) for x in labelled)
    states = run.scan(out, "criteria").collect()["eular_acr_2017.state"].cast(pl.String)
    refractory = run.scan(out, "resistance").collect()
    expected = [share(sure, n), share(outranked, len(labelled))]
    expected.append(bounds((states == "met").sum(), (states == "undetermined").sum(), n))
    for name in ("refractory_default", "never_adequately_treated"):
        flags = refractory[f"refractory.{name}"]
        expected.append(bounds(flags.sum(), flags.null_count(), n))
    assert [one.figure for one in facts(summary)] == expected
    leading = Counter(x["differential.leading"] for x in people)
    open_ = Counter(x["differential.leading"] for x in people if x["subset"] == UNSURE)
    names = {x.name: x.id for x in Knowledge.load().differential.base.diseases.values()}
    told = table(sections["who"], "leading").rows
    for row in told:
        if row.name in names:
            count = leading.pop(names[row.name])
            assert [x.text for x in row.cells] == [
                counted(count, n), number(open_[names[row.name]]),
            ]  # fmt: skip
    assert told[-1].cells[0].text == counted(leading.total(), n)


def test_criteria_are_counted_by_what_is_met_together(
    out: Path, summary: Summary, sections: dict[str, Section]
) -> None:
    sets, short = summary.wanted.sets, Knowledge.load().criteria.sets
    criteria = rows(out, "criteria")
    combined = Counter(frozenset(x for x in sets if one[f"{x}.state"] == "met") for one in criteria)
    shown = table(sections["agreement"], "combinations")
    order = [row.name for row in table(sections["agreement"], "sets").rows]
    for row in shown.rows:
        met, open_, no = (one.text.split("; ") for one in row.cells)
        names = {short[x].short: x for x in sets}
        own = frozenset(names[x] for x in met if x != "–")
        some = [x for x in criteria if own == {s for s in sets if x[f"{s}.state"] == "met"}]
        assert row.name == counted(combined[own], PATIENTS) == counted(len(some), PATIENTS)
        opened = {
            short[s].short: sum(x[f"{s}.state"] == UNDETERMINED for x in some)
            for s in sets
            if s not in own
        }
        assert open_ == [
            f"{x} ({counted(opened[x], len(some))})" for x in order if opened.get(x)
        ] or (open_ == ["–"] and not any(opened.values()))
        assert set(no) - {"–"} == {x for x, n in opened.items() if not n}
    most = [int(row.name.split()[0]) for row in shown.rows]
    assert most == sorted(combined.values(), reverse=True)[: len(most)]
    for row in table(sections["agreement"], "sets").rows:
        name = next(x for x, one in short.items() if one.short == row.name)
        states = Counter(one[f"{name}.state"] for one in criteria)
        expected = [number(states[x]) for x in ("met", "not_met", UNDETERMINED)]
        assert [cell.text for cell in row.cells[:3]] == expected


def signs(svg: str) -> tuple[int, int, int]:
    """Return how many signs for not met, undetermined in all and undetermined in some a picture has."""
    rings = len(re.findall(r'class="muted-line" cx', svg))
    asked = svg.count(">?</text>")
    # One each explains the signs.
    return svg.count(DOT) - 1, asked - 1, rings - asked - 1


def test_an_undetermined_set_never_has_the_sign_of_not_met() -> None:
    sets = [SetRow(x, 5, 3, 2) for x in "abcd"]
    one = Combination(5, (True, False, False, False), (0, 0, 5, 1))
    assert signs(upset(sets, [one], 10).svg) == (1, 1, 1)


def test_the_picture_has_the_signs_of_the_table(sections: dict[str, Section]) -> None:
    section = sections["agreement"]
    assert section.picture
    none = every = some = 0
    for row in table(section, "combinations").rows:
        _, open_, no = ([x for x in one.text.split("; ") if x != "–"] for one in row.cells)
        none += len(no)
        every += sum("(100%)" in x for x in open_)
        some += sum("(100%)" not in x for x in open_)
    assert signs(section.picture.svg) == (none, every, some)
    assert every
    assert some


def test_nobody_of_whom_nothing_is_known_fails_anything(tmp_path: Path) -> None:
    out = answered({"patients": pl.DataFrame({"patient_id": ["a", "b", "c"]})}, tmp_path)
    found = {x.id: x for x in sections_of(Summary.of(out, Knowledge.load(), 1))}
    svg = found["agreement"].picture
    assert svg
    criteria = rows(out, "criteria")[0]
    open_ = [
        x
        for x in Summary.of(out, Knowledge.load(), 1).wanted.sets
        if criteria[f"{x}.state"] == UNDETERMINED
    ]
    assert open_
    assert signs(svg.svg)[1] == len(open_)
    assert all(
        "supported 0%" in one.text for some in found["explanations"].bars.values() for one in some
    )


def test_states_and_what_to_do_are_those_of_the_pages(
    out: Path, people: list[dict[str, Any]], sections: dict[str, Section]
) -> None:
    subset = {one["patient_id"]: one["subset"] for one in people}
    pages = rows(out, "consult")
    texts = {one.id: one.text for one in Knowledge.load().consult.data.states}
    own = Counter((texts[one["state"]], subset[one["patient_id"]]) for one in pages)
    in_all = Counter(subset.values())
    states = table(sections["pages"], "page-states")
    order = [x for x in Summary.of(out, Knowledge.load(), 1).subsets]
    assert {one.name for one in states.rows} == {state for state, _ in own}
    for row in states.rows:
        for name, cell in zip(order, row.cells[1:], strict=True):
            found = own[(row.name, name)]
            assert cell.text == (counted(found, in_all[name]) if found else "–")
    for part in ("today", "do"):
        said = Counter(
            action
            for one in pages
            for action in {x.split(" instead of ")[0] for x in (one[part] or "").split("; ") if x}
        )
        shown = table(sections["pages"], f"page-{part}").rows
        expected = sorted(said.values(), reverse=True)[: len(shown)]
        assert [one.cells[0].text for one in shown] == [counted(x, PATIENTS) for x in expected]


def test_calibration_is_that_of_the_tables(
    sections: dict[str, Section], people: list[dict[str, Any]]
) -> None:
    diseases = Knowledge.load().differential.diseases
    bins: dict[int, list[tuple[float, bool]]] = {}
    for one in people:
        chance = max(one[f"differential.{x}"] for x in diseases)
        right = one["differential.leading"] == one["final_diagnosis"]
        bins.setdefault(min(int(chance * 10), 9), []).append((chance, right))
    shown = table(sections["calibration"], "calibration-table").rows
    assert len(shown) == len(bins)
    for row, (place, some) in zip(shown, sorted(bins.items()), strict=True):
        right = sum(x for _, x in some)
        interval = wilson(right, len(some), 0.95)
        assert row.name == f"{place * 10}% to {place * 10 + 10}%"
        assert [x.text for x in row.cells] == [
            number(len(some)),
            f"{sum(x for x, _ in some) / len(some):.1%}",
            counted(right, len(some)),
            f"{interval.low * 100:.1f}–{interval.high * 100:.1f}%",
        ]


def test_each_patient_counts_once_in_a_quarter_and_nothing_open_as_known(
    out: Path, sections: dict[str, Section]
) -> None:
    last: dict[tuple[str, int], dict[str, Any]] = {}
    for one in sorted(rows(out, "responses"), key=lambda x: x["date"]):
        last[one["patient_id"], round(one["days"] / (365.25 / 4)) * 3] = one
    open_scores = [x for x in last.values() if x["score"] is None]
    assert any(x["category"] == UNDETERMINED for x in open_scores), (
        "a test of open scores needs some"
    )
    shown = table(sections["course"], "course-table").rows
    split = table(sections["course"], "categories").rows
    assert [x.name for x in shown] == [str(x) for x in sorted({m for _, m in last})[: len(shown)]]
    for row, parts in zip(shown, split, strict=True):
        some = [one for (_, month), one in last.items() if str(month) == row.name]
        categories = Counter(one["category"] for one in some)
        open_ = categories[UNDETERMINED]
        better = categories["moderate"] + categories["major"]
        scores = [one["score"] for one in some if one["score"] is not None]
        assert [x.text for x in row.cells[:3]] == [
            number(len(some)),
            counted(open_, len(some)),
            f"{number(better)} ({bounds(better, open_, len(some))})",
        ]
        assert row.cells[3].text.endswith(f"n = {len(scores)}")
        if scores:
            assert row.cells[3].text.startswith(f"{np.median(scores):.3g} (")
        assert [x.text for x in parts.cells] == [number(categories[x]) for x, _ in CATEGORIES]


def test_explanations_and_definitions_are_those_of_the_tables(
    out: Path, sections: dict[str, Section]
) -> None:
    patients = rows(out, "resistance")
    resistance = Knowledge.load().resistance
    shown = {x.name: x.cells for x in table(sections["explanations"], "explanations-table").rows}
    for name in resistance.explanations.entries:
        counts = Counter(one[f"explanation_{name}.status"] for one in patients)
        cells = shown[resistance.labels[f"explanation_{name}"]]
        assert [x.text for x in cells] == [number(counts[x]) for x, _ in STATUSES]
    first = next(iter(sections["explanations"].bars.items()))
    harm = {
        resistance.labels[f"explanation_{x.id}"]
        for x in resistance.explanations.entries.values()
        if x.harm
    }
    assert {one.name for one in first[1]} == harm
    shown = {x.name: x.cells for x in table(sections["refractory"], "refractory-table").rows}
    for one in resistance.treatments.refractory.definitions:
        if one.status == "implemented":
            values = Counter(x[f"refractory.{one.id}"] for x in patients)
            expected = [number(values[x]) for x in (True, False, None)]
            assert [x.text for x in shown[one.title][:3]] == expected
            met, open_ = values[True], values[None]
            assert shown[one.title][3].text == bounds(met, open_, len(patients))
    long = [one for one in rows(out, "refractory") if one["blocking"]]
    assert all(one["state"] == UNDETERMINED for one in long)
    items = Counter(
        item
        for one in long
        if one["definition"] == "refractory_default"
        for item in one["blocking"].split("; ")
    )
    most, count = min(items.items(), key=lambda x: (-x[1], x[0]))
    title = Knowledge.load().resistance.treatments.refractory.definitions[-1].title
    expected = f"{said_of(most, Knowledge.load())}: {number(count)}"
    assert shown[title][4].text == expected
    for bars in (*sections["explanations"].bars.values(), *sections["refractory"].bars.values()):
        assert all(sum(part for _, part in one.parts) == pytest.approx(1) for one in bars)


def test_the_size_of_the_parts_makes_no_difference(
    drawn: dict[str, pl.DataFrame], page: str, tmp_path: Path
) -> None:
    assert text_of(answered(drawn, tmp_path, PATIENTS)) == page


def words_of(page: str) -> str:
    """Return what a page says outside its pictures' shapes."""
    plain = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", plain)))


def test_the_page_tells_no_count_of_few_patients(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    open_ = words_of(text_of(copy))
    few = re.compile(r"(?<![\d.,%–-])\b[1-4] \(|(?:unknown|asked|n =) [1-4]\b|: [1-4] ")
    assert few.search(open_), "a test of small counts needs some"
    write_summary(copy)
    guarded = words_of(text_of(copy))
    assert not few.search(guarded)
    assert "Counts from 1 to 4 are withheld" in guarded
    html5lib.HTMLParser(strict=True).parse(text_of(copy))
    sections = {
        one.id: guarded_section(one, Disclosure(5))
        for one in sections_of(Summary.of(copy, Knowledge.load()))
    }
    for section in sections.values():
        for one in section.tables:
            for row in one.rows:
                shown = [x for x in row.cells if x.counts and x.text not in ("<5", "…")]
                assert not [x for x in shown for n in x.counts if 0 < n < 5], row
                gone = [x for x in row.cells[1:] if x.text in ("<5", "…")]
                others = [x for x in shown[1:] if x.counts[0]]
                assert not (one.summed and len(gone) == 1 and others), row


def test_every_table_of_the_page_is_a_file(out: Path, sections: dict[str, Section]) -> None:
    found = {file.stem: file.read_text(encoding="utf-8") for file in (out / "tables").glob("*.csv")}
    tables = {one.id: one for section in sections.values() for one in section.tables}
    assert found.keys() == tables.keys()
    rows = list(csv.DictReader(io.StringIO(found["refractory-table"])))
    shown = [one for one in tables["refractory-table"].rows if one.cells]
    assert [one["Met"] for one in rows] == [one.cells[0].text for one in shown]
    assert {one["heading"] for one in rows} == {
        one.name for one in tables["refractory-table"].rows if not one.cells
    }


def test_every_figure_opens_to_its_tables_and_their_csv(
    out: Path, page: str, sections: dict[str, Section]
) -> None:
    for one in sections.values():
        own = page[page.index(f'<section id="{one.id}"') :].partition("</section>")[0]
        for shown in one.tables if one.picture or one.bars else ():
            assert f'href="#{shown.id}-caption"' in own
        for shown in one.tables:
            links = re.findall(rf'download="{shown.id}.csv" href="data:text/csv[^,]*,([^"]+)"', own)
            assert links
            for link in links:
                text = (out / "tables" / f"{shown.id}.csv").read_text(encoding="utf-8")
                assert b64decode(link).decode() == text


def test_a_registry_of_one_patient_gives_a_page(tmp_path: Path) -> None:
    one = {
        name: x.filter(pl.col("patient_id") == "synthetic-0000001")
        for name, x in simulate(3).items()
    }
    text = text_of(answered(one, tmp_path))
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<h1>Registry summary: 1 patient</h1>" in text
    assert text.count("<section ") == 7


def test_a_registry_of_nobody_gives_a_page(out: Path, tmp_path: Path) -> None:
    for part in out.glob("*/part-00000.parquet"):
        target = tmp_path / part.relative_to(out)
        target.parent.mkdir()
        pl.read_parquet(part).clear().write_parquet(target)
    manifest = json.loads((out / run.MANIFEST).read_text())
    manifest |= {"patients": 0, "rows": dict.fromkeys(manifest["rows"], 0)}
    (tmp_path / run.MANIFEST).write_text(json.dumps(manifest))
    text = write_summary(tmp_path).read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<h1>Registry summary: 0 patients</h1>" in text
    assert "There is no patient to show" in text
    assert "not a certified medical device" in text


def test_what_could_not_be_used_stands_at_the_top(
    drawn: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    some = {
        name: frame.head(20).cast(pl.String) for name, frame in drawn.items() if name == "patients"
    }
    some["patients"] = some["patients"].with_columns(age=pl.lit("<b>old</b>"))
    text = text_of(answered(some, tmp_path))
    html5lib.HTMLParser(strict=True).parse(text)
    assert "20 cells or rows could not be used" in text
    assert text.index("could not be used, by reason") < text.index('<main id="main">')
    assert "<b>old" not in text


def test_words_of_the_source_stay_text(out: Path, tmp_path: Path) -> None:
    copy = tmp_path / "out"
    shutil.copytree(out, copy)
    manifest = json.loads((copy / run.MANIFEST).read_text())
    hostile = '<img src="http://example.org/x" onerror=alert(1)>'
    manifest |= {"notes": [hostile], "synthetic": True, "left_out": {"patients": [hostile]}}
    (copy / run.MANIFEST).write_text(json.dumps(manifest))
    write_summary(copy)
    text = text_of(copy)
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<img" not in text
    assert text.count("&lt;img") == 2
    assert "The patients are synthetic" in text
    del manifest["synthetic"], manifest["notes"]
    (copy / run.MANIFEST).write_text(json.dumps(manifest))
    write_summary(copy)
    assert "The patients are synthetic" not in text_of(copy)


def test_the_page_is_whole_and_asks_for_nothing(page: str) -> None:
    html5lib.HTMLParser(strict=True).parse(page)
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:text/csv)|url\((?!#)|@import', page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', page):
        assert target in ids


def test_every_picture_has_a_name_and_a_description(page: str) -> None:
    pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 3
    space = "{http://www.w3.org/2000/svg}"
    for one in pictures:
        svg = ElementTree.fromstring(one)
        assert svg.get("role") == "img"
        title, description = svg.find(f"{space}title"), svg.find(f"{space}desc")
        assert title is not None
        assert description is not None
        assert svg.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert title.text
        assert description.text


@pytest.mark.parametrize("size", [1, 2, 3, 10, 101])
def test_quantiles_of_counts_are_those_of_the_values(size: int) -> None:
    values = np.random.default_rng(size).integers(0, 30, size)
    counts = sorted(Counter(values.tolist()).items())
    for at in (0, 0.25, 0.5, 0.75, 1):
        assert quantile(counts, at) == pytest.approx(np.quantile(values, at))


def test_a_share_is_none_or_all_only_where_it_is() -> None:
    assert [share(x, 1000) for x in (0, 1, 9, 10, 555, 991, 999, 1000)] == [
        "0%", "<1%", "<1%", "1%", "56%", ">99%", ">99%", "100%",
    ]  # fmt: skip
    assert [brief(x) for x in (0, 9_999, 10_000, 99_960, 123_456, 999_999, 1_234_567, 10_000_000)] == [
        "0", "9,999", "10k", "100k", "123k", "1000k", "1.23M", "10M",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_paper_shows_the_whole_of_table_1(browser: Browser, out: Path) -> None:
    # A4 landscape without its margins.
    shown = browser.new_page(viewport={"width": 1024, "height": 700})
    shown.goto((out / "summary.html").as_uri())
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 1024
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not shown.locator("nav").is_visible()
    shown.close()


@pytest.mark.parametrize(("width", "theme"), [(PHONE, "light"), (LAPTOP, "dark")])
def test_everyone_can_use_it_on_every_screen(
    browser: Browser, out: Path, width: int, theme: Any
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=True
    )
    shown = context.new_page()
    shown.goto((out / "summary.html").as_uri())
    open_everything(shown)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert not tiny_texts(shown)
    if width == LAPTOP:
        cut = "[...document.querySelectorAll('.scroll')].filter(x => x.scrollWidth > x.clientWidth)"
        assert shown.evaluate(f"{cut}.map(x => x.getAttribute('aria-labelledby'))") == []
    assert not clipped_texts(shown)
    assert not crossed_texts(shown, "svg")
    assert not violations(shown)
    context.close()

"""The page about a whole registry: what to do, who they are, which criteria agree, course, why it resisted.

Everything on it is a count of patients, or comes from one; what is not known is counted and shown beside
what is, and never taken for absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from myoresist.assessment import NOTICE
from myoresist.cohort.charts import ROLES
from myoresist.cohort.keeping import write_text
from myoresist.cohort.layout import Fact, Section, Table, bounds, cells, hyphened, row, share
from myoresist.cohort.run import MANIFEST
from myoresist.cohort.summary.agreement import agreement, calibration
from myoresist.cohort.summary.counts import Summary
from myoresist.cohort.summary.course import course, explanations, most_open, refractory
from myoresist.cohort.summary.files import as_link, write_tables
from myoresist.cohort.summary.pages import pages
from myoresist.cohort.summary.people import who
from myoresist.cohort.summary.withholding import guarded, guarded_fact
from myoresist.cohort.tally import EULAR_ACR, EVEN, MET, UNSURE
from myoresist.library import Knowledge
from myoresist.resistance.response.improvement import UNDETERMINED

MOST_REASONS = 15
DEFAULT, NEVER = "refractory_default", "never_adequately_treated"


def write_summary(out: Path, least: int | None = None) -> Path:
    """Write ``summary.html`` and its tables beside the answers of a finished run; return where the page is.

    Args:
        out: the folder of the answers.
        least: the least count that the page tells; that of the conventions when left out.
    """
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    environment = Environment(
        loader=PackageLoader("myoresist.cohort"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(as_link=as_link, hyphened=hyphened)
    summary = Summary.of(out, Knowledge.load(), least)
    sections = tuple(guarded(one, summary.disclosure) for one in sections_of(summary))
    page = environment.get_template("summary.html.j2").render(
        style=environment.get_template("summary.css").render(roles=ROLES),
        manifest=manifest,
        synthetic=bool(manifest.get("synthetic")),
        notes=tuple(manifest.get("notes") or ()),
        left_out={name: some for name, some in manifest["left_out"].items() if some},
        unusable=unusable(summary),
        facts=tuple(facts(summary)),
        least=summary.disclosure.least,
        sections=sections,
        notice=NOTICE,
    )
    write_text(out / "summary.html", page)
    write_tables(out, sections)
    return out / "summary.html"


def sections_of(summary: Summary) -> Iterator[Section]:
    """Return the sections for which the registry has anything."""
    if not summary.patients:
        return
    yield pages(summary)
    yield who(summary)
    yield agreement(summary)
    yield calibration(summary)
    yield course(summary)
    yield explanations(summary)
    yield refractory(summary)


def facts(summary: Summary) -> Iterator[Fact]:
    """Return the figures that the page begins with."""
    if not summary.patients:
        return
    sure, told = summary.patients - summary.subsets.get(UNSURE, 0), summary.disclosure
    yield guarded_fact(
        Fact(
            share(sure, summary.patients),
            f"have one subset of disease that is at least {EVEN:.0%} probable",
            "who",
        ),
        sure,
        summary.patients,
        told,
    )
    if summary.whole["labelled"]:
        outranked, labelled = summary.whole["outranked"], summary.whole["labelled"]
        yield guarded_fact(
            Fact(
                share(outranked, labelled),
                "of those with a diagnosis have another disease that is more probable",
                "who",
            ),
            outranked,
            labelled,
            told,
        )
    for name, text, target in (
        (EULAR_ACR, "meet the EULAR/ACR 2017 criteria", "agreement"),
        (DEFAULT, "are refractory by the working definition", "refractory"),
        (NEVER, "were never adequately treated", "refractory"),
    ):
        state = summary.states.get(name)
        if state:
            met, open_ = state.get(MET, 0), state.get(UNDETERMINED, 0)
            said = (
                f"; undetermined in {share(open_, summary.patients)}" if open_ >= told.least else ""
            )
            if open_ and summary.blocking.get(name):
                said += f", most often for want of: {most_open(summary, name)}"
            whole = bounds(met, open_, summary.patients)
            fact = Fact(whole, text + said, target)
            # Both bounds are counts.
            fact = guarded_fact(fact, met, summary.patients, told)
            yield guarded_fact(fact, met + open_, summary.patients, told)


def unusable(summary: Summary) -> Table | None:
    """Return what could not be used, the most frequent first."""
    found = summary.counts["unusable"]
    rows = tuple(
        row(
            one["table"],
            one["column"] or "whole row",
            one["reason"],
            summary.disclosure.number(one["count"]),
        )
        for one in found.head(MOST_REASONS).iter_rows(named=True)
    )
    if not rows:
        return None
    more = found.height - len(rows)
    note = f"{more} further kinds of problem are not shown." if more else ""
    heads = cells("Table", "Column", "Reason", "Cells or rows")
    return Table("unusable", "What could not be used, by reason", heads, rows, note, wordy=True)

"""The page about a whole registry: who they are, which criteria agree, the course, why it resisted.

Everything on it is a count of patients, or comes from one; what is not known is counted and shown beside
what is, and never taken for absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from myoresist.arrays.intervals import wilson
from myoresist.assessment import NOTICE
from myoresist.cohort.charts import (
    HATCH,
    ROLES,
    Column,
    Combination,
    Point,
    SetRow,
    columns,
    reliability,
    upset,
)  # fmt: skip
from myoresist.cohort.keeping import write_text
from myoresist.cohort.layout import (
    Bar,
    Cell,
    Fact,
    Row,
    Section,
    Table,
    bar,
    cells,
    counted,
    figures,
    number,
    row,
    share,
    words,
)
from myoresist.cohort.run import MANIFEST
from myoresist.cohort.tally import (
    BINS,
    EULAR_ACR,
    EVEN,
    EXACT,
    JUVENILE_LABEL,
    MET,
    NAMES,
    OPEN,
    OTHER_DISEASE,
    STATES,
    UNSURE,
    Frames,
    Wanted,
    quantile,
    tally,
)  # fmt: skip
from myoresist.library import Knowledge
from myoresist.resistance.explanations.evaluate import PREFIX as EXPLANATION
from myoresist.resistance.response.improvement import NONE, UNDETERMINED

LEVEL = 0.95
"""Of the intervals of the page."""
MOST_COMBINATIONS, MOST_QUARTERS, MOST_DISEASES, MOST_REASONS = 18, 9, 25, 15
CHARACTERISTICS: Mapping[str, tuple[str, ...]] = {
    "Person": ("sex_female", "age", "age_at_onset"),
    "Disease": (
        "dm_rash", "proximal_weakness", "finger_flexor_weakness", "dysphagia", "ild", "arthritis",
        "cancer_active", "ck_x_uln", "mmt8_150",
    ),
    "Antibodies": (
        "any_antisynthetase", "anti_mi2", "anti_mda5", "anti_tif1g", "anti_nxp2", "anti_srp", "anti_hmgcr",
        "anti_cn1a",
    ),
}  # fmt: skip
"""What Table 1 says of the patients."""
BETTER = ("moderate", "major")
CATEGORIES = (
    ("major", "deep"), ("moderate", "mid"), ("minimal", "soft"), (NONE, "track"), (UNDETERMINED, HATCH),
)  # fmt: skip
STATUSES = (
    ("supported", "deep"), ("possible", "mid"), ("not_assessable", HATCH), ("argued_against", "track"),
)  # fmt: skip
STATE_ROLES = dict(zip(STATES, ("deep", HATCH, "track"), strict=True))
KINDS = {
    "finding": "What the history says",
    "published": "Published definitions",
    "working": "Working definitions of this catalogue",
    "refractory-definition": "Entry criteria of trials",
}
DEFAULT, NEVER = "refractory_default", "never_adequately_treated"


def write_summary(out: Path) -> Path:
    """Write ``summary.html`` beside the answers of a finished run, and return where it is."""
    manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    environment = Environment(
        loader=PackageLoader("myoresist.cohort"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    summary = Summary.of(out, Knowledge.load())
    page = environment.get_template("summary.html.j2").render(
        style=environment.get_template("summary.css").render(roles=ROLES),
        manifest=manifest,
        synthetic=bool(manifest.get("synthetic")),
        notes=tuple(manifest.get("notes") or ()),
        left_out={name: some for name, some in manifest["left_out"].items() if some},
        unusable=summary.unusable(),
        facts=tuple(summary.facts()),
        sections=tuple(summary.sections()),
        notice=NOTICE,
    )
    write_text(out / "summary.html", page)
    return out / "summary.html"


@dataclass(frozen=True)
class Summary:
    """What the page shows, from the counts of a run."""

    wanted: Wanted
    counts: Frames

    @classmethod
    def of(cls, out: Path, knowledge: Knowledge) -> Summary:
        """Count what the page shows of a finished run."""
        asked = [x for some in CHARACTERISTICS.values() for x in some if x in knowledge.catalogue]
        numbers = tuple(x for x in asked if knowledge.catalogue[x].kind == "number")
        wanted = Wanted(knowledge, tuple(x for x in asked if x not in numbers), numbers)
        return cls(wanted, tally(out, wanted))

    @property
    def knowledge(self) -> Knowledge:
        """Return the knowledge of the run."""
        return self.wanted.knowledge

    @cached_property
    def whole(self) -> dict[str, int]:
        """Return counts of the whole registry."""
        return self.counts["whole"].row(0, named=True)

    @property
    def patients(self) -> int:
        """Return the number of patients."""
        return self.whole["patients"]

    @cached_property
    def subsets(self) -> dict[str, int]:
        """Return the patients of each subset that there is, in the order in which they are shown."""
        found = _dictionary(self.counts["subsets"], "subset")
        return {x: found[x] for x in self.wanted.order if x in found}

    @cached_property
    def states(self) -> dict[str, dict[str, int]]:
        """Return the patients in each state, by criteria set and by definition of refractory disease."""
        sets = _by(self.counts["states"], "set", "state")
        return sets | _by(self.counts["definitions"], "definition", "state")

    def sections(self) -> Iterator[Section]:
        """Return the sections for which the registry has anything."""
        if not self.patients:
            return
        yield self._who()
        yield self._agreement()
        yield self._calibration()
        yield self._course()
        yield self._explanations()
        yield self._refractory()

    def facts(self) -> Iterator[Fact]:
        """Return the figures that the page begins with."""
        if not self.patients:
            return
        sure = self.patients - self.subsets.get(UNSURE, 0)
        yield Fact(
            share(sure, self.patients),
            f"have one subset of disease that is at least {EVEN:.0%} probable",
            "who",
        )
        if self.whole["labelled"]:
            yield Fact(
                share(self.whole["outranked"], self.whole["labelled"]),
                "of those with a diagnosis have another disease that is more probable",
                "who",
            )
        for name, text, target in (
            (EULAR_ACR, "meet the EULAR/ACR 2017 criteria", "agreement"),
            (DEFAULT, "are refractory by the working definition", "refractory"),
            (NEVER, "were never adequately treated", "refractory"),
        ):
            state = self.states.get(name)
            if state:
                open_ = share(state.get(UNDETERMINED, 0), self.patients)
                figure = share(state.get(MET, 0), self.patients)
                yield Fact(figure, f"{text}; undetermined in {open_}", target)

    def unusable(self) -> Table | None:
        """Return what could not be used, the most frequent first."""
        found = self.counts["unusable"]
        rows = tuple(
            row(one["table"], one["column"] or "whole row", one["reason"], number(one["count"]))
            for one in found.head(MOST_REASONS).iter_rows(named=True)
        )
        if not rows:
            return None
        more = found.height - len(rows)
        note = f"{more} further kinds of problem are not shown." if more else ""
        heads = cells("Table", "Column", "Reason", "Cells or rows")
        return Table("unusable", "What could not be used, by reason", heads, rows, note, wordy=True)

    def _part(self, count: int) -> str:
        return (
            f"{number(count)} of {number(self.patients)} patients ({share(count, self.patients)})"
        )

    def _name(self, subset: str) -> str:
        return NAMES.get(subset) or words(subset)

    def _who(self) -> Section:
        """Table 1, by the likeliest subset."""
        roles = {UNSURE: HATCH, OTHER_DISEASE: "soft"}
        bars = tuple(
            Bar(
                self._name(x),
                counted(n, self.patients),
                ((roles.get(x, "deep"), n / self.patients),),
            )
            for x, n in self.subsets.items()
        )
        lead = (
            "Each patient is counted once, in the subset to which the differential gives the highest "
            f"probability; where none reaches {EVEN:.0%}, as unsure. The subset need not be the right one.",
        )
        return Section(
            "who",
            "Who they are",
            lead,
            bars={"Patients by likeliest subset": bars},
            tables=(self._characteristics(), self._leading()),
        )

    def _characteristics(self) -> Table:
        """Table 1: shares and medians of those in whom it is known, by subset."""
        rows = []
        for heading, names in CHARACTERISTICS.items():
            rows.append(Row(heading))
            rows += [self._characteristic(x) for x in names if x in self.knowledge.catalogue]
        rows.append(Row("Criteria"))
        rows.append(Row(self._short(EULAR_ACR) + " met", self._flags(EULAR_ACR)))
        rows += self._labels()
        heads = [Cell("All", f"n = {number(self.patients)}")]
        heads += [Cell(self._name(x), f"n = {number(n)}") for x, n in self.subsets.items()]
        note = (
            "Number and share of the patients in whom it is known, or median with quartiles; in small type, "
            "in how many it is unknown. Values are rounded to three figures."
        )
        if JUVENILE_LABEL in self.subsets:
            note += " Dermatomyositis is juvenile where an onset before adulthood is known."
        return Table(
            "characteristics", "Table 1. Patients by likeliest subset", (Cell(""), *heads), tuple(rows), note,
            folded=False,
        )  # fmt: skip

    def _characteristic(self, name: str) -> Row:
        found = self.knowledge.catalogue[name]
        if name in self.wanted.flags:
            return Row(found.label, self._flags(name))
        unit = "" if found.unit in (None, "xULN") else f", {found.unit}"
        return Row(f"{found.label}{unit}, median (quartiles)", self._medians(name))

    def _flags(self, name: str) -> tuple[Cell, ...]:
        by = {one["subset"]: one for one in self.counts["subsets"].to_dicts()}
        own = [(by[x][f"{name}.there"], by[x][f"{name}.known"], n) for x, n in self.subsets.items()]
        whole = tuple(sum(one) for one in zip(*own, strict=True))
        return tuple(_known(*one) for one in [whole, *own])

    def _medians(self, name: str) -> tuple[Cell, ...]:
        values = self.counts["values"].filter(finding=name)
        parts = [values, *(values.filter(subset=x) for x in self.subsets)]
        return tuple(map(_median, parts, [self.patients, *self.subsets.values()]))

    def _labels(self) -> Iterator[Row]:
        """Return how many of each subset carry which diagnosis."""
        found = _by(self.counts["labels"].drop_nulls("label"), "label", "subset")
        if not found:
            return
        yield Row("Diagnosis carried")
        known = {x: sum(one.get(x, 0) for one in found.values()) for x in self.subsets}
        for label, by in sorted(found.items(), key=lambda one: -sum(one[1].values())):
            own = [(by.get(x, 0), known[x], n) for x, n in self.subsets.items()]
            whole = tuple(sum(one) for one in zip(*own, strict=True))
            yield Row(words(label), tuple(_known(*one) for one in [whole, *own]))

    def _leading(self) -> Table:
        """Return the single diseases that lead the differential, the most frequent first."""
        found = self.counts["leading"].group_by("leading").agg(
            pl.col("patients").sum(),
            unsure=pl.col("patients").filter(pl.col("subset") == UNSURE).sum(),
        ).sort("patients", "leading", descending=[True, False])  # fmt: skip
        names = self.knowledge.differential.base.diseases
        rows = [
            row(
                names[one["leading"]].name,
                counted(one["patients"], self.patients),
                number(one["unsure"]),
            )
            for one in found.head(MOST_DISEASES).iter_rows(named=True)
        ]
        rest = found[MOST_DISEASES:]
        if rest.height:
            rows.append(
                row(
                    f"{rest.height} other diseases",
                    counted(_total(rest), self.patients),
                    number(_total(rest, "unsure")),
                )
            )
        heads = cells("Leading disease", "Patients", f"Of these, no subset reaches {EVEN:.0%}")
        return Table("leading", "Patients by leading disease", heads, tuple(rows))

    def _short(self, name: str) -> str:
        return self.knowledge.criteria.sets[name].short

    def _agreement(self) -> Section:
        """Return which sets are met together."""
        met = {x: self.states[x].get(MET, 0) for x in self.wanted.sets}
        order = sorted(met, key=lambda x: (-met[x], x))
        rows = [SetRow(self._short(x), *(self.states[x].get(s, 0) for s in STATES)) for x in order]
        together = self.counts["together"].sort(
            "patients", *self.wanted.sets, descending=[True] + [False] * len(self.wanted.sets)
        )
        found = [
            Combination(
                one["patients"], tuple(one[x] for x in order), tuple(one[x + OPEN] for x in order)
            )
            for one in together.head(MOST_COMBINATIONS).iter_rows(named=True)
        ]
        rest = together[MOST_COMBINATIONS:]
        lead = [
            f"Every column holds the patients in whom exactly the same of {len(order)} diagnostic and "
            "classification criteria sets are met. The other sets are not met or undetermined in them; the "
            "sign says which, and in how many.",
        ]
        none = together.filter(~pl.any_horizontal(self.wanted.sets))
        if none.height:
            one = none.row(0, named=True)
            lead.append(
                f"No set is met in {self._part(one['patients'])}. In "
                f"{number(one['any_open'])} of them at least one set is undetermined, so that they may still "
                "meet it."
            )
        if rest.height:
            lead.append(
                f"The {len(found)} most frequent combinations are shown; {rest.height} others hold "
                f"{self._part(_total(rest))}."
            )
        return Section(
            "agreement",
            "Which criteria agree",
            tuple(lead),
            upset(rows, found, self.patients),
            "Criteria sets that are met together",
            tables=(self._combinations(rows, found), self._sets(order)),
        )

    def _combinations(self, rows: Sequence[SetRow], found: Sequence[Combination]) -> Table:
        def told(one: Combination) -> Row:
            met = [row.name for row, yes in zip(rows, one.met, strict=True) if yes]
            trio = list(zip(rows, one.met, one.open, strict=True))
            open_ = [f"{row.name} ({counted(n, one.patients)})" for row, _, n in trio if n]
            no = [row.name for row, yes, n in trio if not yes and not n]
            return row(
                counted(one.patients, self.patients),
                *("; ".join(x) or "–" for x in (met, open_, no)),
            )

        heads = cells(
            "Patients", "Met", "Undetermined (in how many of them)", "Not met in any of them"
        )
        return Table(
            "combinations", "Combinations in words", heads, tuple(map(told, found)), wordy=True
        )

    def _sets(self, order: Sequence[str]) -> Table:
        """Return the states of every criteria set, those outside the picture too."""
        others = [x for x in self.knowledge.criteria.sets if x in self.states and x not in order]
        heads = cells("Criteria set", "Met", "Not met", "Undetermined", "Met, of those decided")
        rows = []
        for name in (*order, *others):
            met, open_, no = (self.states[name].get(x, 0) for x in STATES)
            decided = share(met, met + no) if met + no else "–"
            rows.append(row(self._short(name), *map(number, (met, no, open_)), decided))
        return Table("sets", "Every criteria set", heads, tuple(rows))

    def _calibration(self) -> Section:
        """Compare probabilities with final diagnoses, where these are given."""
        known, given = self.whole["final_known"], self.whole["final"]
        title = "How good the differential is"
        if not known:
            none = "No final diagnosis is given that is a disease of the differential."
            return Section("calibration", title, (none,))
        lead = [
            f"A final diagnosis that is a disease of the differential is given for "
            f"{self._part(known)}. They are grouped by the probability of the leading "
            "disease: if 70% is right, it is the final diagnosis in 70 of 100 such patients. Points below "
            "the line: too sure; above: not sure enough.",
        ]
        if given > known:
            lead.append(
                f"{number(given - known)} have a final diagnosis that is not among the diseases."
            )
        points, rows = [], []
        for one in self.counts["calibration"].iter_rows(named=True):
            expected = one["chance"] / EXACT / one["patients"]
            found = wilson(one["right"], one["patients"], LEVEL)
            points.append(Point((one["bin"] + 0.5) / BINS, expected, found))
            rows.append(
                row(
                    f"{one['bin'] / BINS:.0%} to {(one['bin'] + 1) / BINS:.0%}",
                    number(one["patients"]),
                    f"{expected:.1%}",
                    counted(one["right"], one["patients"]),
                    f"{found.low * 100:.1f}–{found.high * 100:.1f}%",
                )
            )
        heads = cells(
            "Probability of the leading disease", "Patients", "Mean probability",
            "It was the final diagnosis", f"{LEVEL:.0%} interval",
        )  # fmt: skip
        table = Table(
            "calibration-table",
            "The differential against the final diagnosis",
            heads,
            tuple(rows),
            folded=False,
        )
        caption = f"Reliability plot: share with {LEVEL:.0%} Wilson interval; bars: patients of each tenth"
        return Section(
            "calibration", title, tuple(lead), reliability(points), caption, tables=(table,)
        )

    def _course(self) -> Section:
        """Return the improvement criteria by time since the baseline."""
        title = "Response over time"
        if not self.counts.get("responses", pl.DataFrame()).height:
            return Section(
                "course",
                title,
                ("No patient has a visit after the baseline that could be judged.",),
            )
        by = _by(self.counts["responses"], "months", "category")
        shown = list(by)[:MOST_QUARTERS]
        found = [Column(str(x), tuple(by[x].get(c, 0) for c, _ in CATEGORIES)) for x in shown]
        lead = [
            "Improvement against the baseline by the ACR/EULAR response criteria. Each patient counts once "
            "in every quarter, with its last visit; a visit belongs to the nearest quarter. Patients still "
            "seen later may differ from the others.",
        ]
        if len(by) > len(shown):
            lead.append(f"Later than month {shown[-1]} there are visits too, which are not shown.")
        rows, counts = [], []
        for month, column in zip(shown, found, strict=True):
            open_ = by[month].get(UNDETERMINED, 0)
            decided, better = column.patients - open_, sum(by[month].get(x, 0) for x in BETTER)
            scores = self.counts["scores"].filter(months=month).rename({"score": "value"})
            median = _median(scores, column.patients)
            rows.append(
                row(
                    str(month),
                    number(column.patients),
                    counted(open_, column.patients),
                    counted(better, decided) if decided else "–",
                    f"{median.text}, n = {number(_total(scores))}",
                )
            )
            counts.append(row(str(month), *map(number, column.parts)))
        heads = cells(
            "Months", "Patients", "Undetermined", "Moderate or major, of those decided",
            "Complete score, median (quartiles)",
        )  # fmt: skip
        note = "A score is complete if no measure is missing; patients without such a score may differ."
        tables = (
            Table(
                "course-table",
                "Response by months since the baseline",
                heads,
                tuple(rows),
                note,
                folded=False,
            ),
            Table(
                "categories",
                "Patients in each category",
                cells("Months", *(words(c) for c, _ in CATEGORIES)),
                tuple(counts),
            ),
        )
        return Section(
            "course",
            title,
            tuple(lead),
            columns(
                "responses",
                "Response by months since the baseline",
                "Months since the baseline; n patients",
                found,
                CATEGORIES,
            ),
            "Share of patients in each category, in percent",
            tuple((role, words(name)) for name, role in reversed(CATEGORIES)),
            tables=tables,
        )

    def _explanations(self) -> Section:
        """Return what else explains non-response; what can harm comes first."""
        found = _by(self.counts["explanations"], "explanation", "status")
        entries = self.knowledge.resistance.explanations.entries
        labels = self.knowledge.resistance.labels

        def order(name: str) -> tuple[int, ...]:
            return tuple(-found[name].get(x, 0) for x, _ in STATUSES)

        names = sorted(found, key=lambda x: (order(x), x))
        harm = [x for x in names if entries[x.removeprefix(EXPLANATION)].harm]
        groups = {
            "Can harm the patient": harm,
            "Other explanations": [x for x in names if x not in harm],
        }
        bars = {
            heading: tuple(bar(labels[x], found[x], STATUSES[:3], STATUSES) for x in some)
            for heading, some in groups.items()
            if some
        }
        heads = cells("Explanation", *(words(x) for x, _ in STATUSES))
        rows = []
        for heading, some in groups.items():
            rows.append(Row(heading))
            rows += [
                row(labels[x], *(number(found[x].get(s, 0)) for s, _ in STATUSES)) for x in some
            ]
        lead = (
            "Shares of all patients; several explanations may hold in one. Possible: something that the "
            "explanation asks for is there, and something is not known. Not assessable: too little is known; "
            "it is not ruled out.",
        )
        return Section(
            "explanations",
            "What else explains non-response",
            lead,
            legend=tuple((role, words(name)) for name, role in STATUSES),
            bars=bars,
            tables=(Table("explanations-table", "Explanations", heads, tuple(rows)),),
        )

    def _refractory(self) -> Section:
        """Return in how many each definition of refractory disease is met."""
        groups: dict[str, list[tuple[str, str]]] = {heading: [] for heading in KINDS.values()}
        for one in self.knowledge.resistance.treatments.refractory.definitions:
            groups[KINDS[one.kind]].append((one.id, one.title))
        for name, criteria in self.knowledge.criteria.sets.items():
            if criteria.kind in KINDS:
                groups[KINDS[criteria.kind]].append((name, criteria.short))
        parts = tuple(STATE_ROLES.items())
        bars: dict[str, tuple[Bar, ...]] = {}
        rows = []
        for heading, some in groups.items():
            known = [(x, title) for x, title in some if x in self.states]
            if not known:
                continue
            bars[heading] = tuple(
                bar(title, self.states[x], parts[:2], parts) for x, title in known
            )
            rows.append(Row(heading))
            for x, title in known:
                met, open_, no = (self.states[x].get(s, 0) for s in STATES)
                decided = share(met, met + no) if met + no else "–"
                rows.append(row(title, *map(number, (met, no, open_)), decided))
        heads = cells("Definition", "Met", "Not met", "Undetermined", "Met, of those decided")
        lead = (
            "There is no agreed definition of refractory myositis; published ones differ on purpose. Shares "
            "are of all patients. Undetermined: something that the definition asks for is not known.",
        )
        return Section(
            "refractory",
            "Definitions of refractory disease",
            lead,
            legend=tuple((role, words(name)) for name, role in parts),
            bars=bars,
            tables=(
                Table(
                    "refractory-table", "Every definition of refractory disease", heads, tuple(rows)
                ),
            ),
        )


def _median(values: pl.DataFrame, patients: int) -> Cell:
    """Return median and quartiles of ``value`` counted in ``patients``."""
    rows = values.group_by("value").agg(pl.col("patients").sum()).sort("value").rows()
    known = sum(count for _, count in rows)
    small = f"unknown {number(patients - known)}" if known < patients else ""
    if not rows:
        return Cell("–", small)
    low, middle, high = (quantile(rows, x) for x in (0.25, 0.5, 0.75))
    return Cell(f"{figures(middle)} ({figures(low)}–{figures(high)})", small)


def _known(there: int, known: int, patients: int) -> Cell:
    small = f"unknown {number(patients - known)}" if known < patients else ""
    return Cell(counted(there, known) if known else "–", small)


def _total(frame: pl.DataFrame, column: str = "patients") -> int:
    return int(frame[column].sum())


def _dictionary(frame: pl.DataFrame, key: str) -> dict[Any, int]:
    return dict(frame.select(key, "patients").iter_rows())


def _by(frame: pl.DataFrame, first: str, second: str) -> dict[Any, dict[str, int]]:
    """Return counts by two keys."""
    found: dict[Any, dict[str, int]] = {}
    for one, other, count in frame.select(first, second, "patients").iter_rows():
        found.setdefault(one, {})[other] = count
    return found

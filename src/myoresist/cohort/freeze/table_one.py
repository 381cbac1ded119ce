"""Table 1 by any column: counts, shares, medians, what is missing, and standardised differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from myoresist.cohort.composites import Composites
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.freeze.folder import FINAL, LABEL, SUBSET, Freeze

VARIABLES = (
    "sex_female", "age", "age_at_onset", "weakness_duration_months", "label", "dm_rash", "proximal_weakness",
    "finger_flexor_weakness", "dysphagia", "ild", "arthritis", "cancer_active", "cancer_within_3y",
    "ck_x_uln", "mmt8_150", "haq_di", "physician_global_cm", "any_antisynthetase", "anti_jo1", "anti_mi2",
     "anti_mda5", "anti_tif1g", "anti_nxp2", "anti_srp", "anti_hmgcr", "anti_cn1a",
    "glucocorticoid_current", "rituximab_tried", "ivig_tried",
)  # fmt: skip
"""What the table says of the patients when nothing else is asked for."""
ALL, NONE = "All", "(missing)"
COLUMNS = (
    "variable", "label", "level", "group", "patients", "known", "missing", "count", "percent", "percent_low",
    "percent_high", "median", "lower_quartile", "upper_quartile", "mean", "sd", "difference", "withheld",
)  # fmt: skip
_GROUP = "group"


@dataclass(frozen=True)
class TableOne:
    """Table 1 of a freeze.

    Attributes:
        freeze: the answers.
        by: the column by which patients are grouped.
        variables: the columns that are described.
        disclosure: which counts may be told.
    """

    freeze: Freeze
    by: str
    variables: tuple[str, ...]
    disclosure: Disclosure

    def rows(self) -> pl.DataFrame:
        """Return one row a variable, level and group.

        Returns:
            ``COLUMNS``. ``known`` counts in whom the variable is known; of a finding that is made of several,
            in whom every part was asked. ``percent`` is ``count`` of ``known``; ``percent_low`` and
            ``percent_high`` bound the share of all patients. ``difference`` is the largest standardised
            difference between any two groups, and stands in the rows of all patients where none is withheld.
        """
        people = self._people()
        groups = sorted(people[_GROUP].unique().to_list(), key=lambda x: (x == NONE, x))
        parts = {ALL: people, **{x: people.filter(pl.col(_GROUP) == x) for x in groups}}
        rows = [row for name in self.variables for row in self._variable(name, people, parts)]
        frame = pl.DataFrame(rows, infer_schema_length=None)
        return self._guarded(frame).select(
            x for x in COLUMNS if x in frame.columns or x == "withheld"
        )

    def _people(self) -> pl.DataFrame:
        composites = Composites(self.freeze.knowledge.inference)
        wanted = {*self.variables, self.by, *composites.reads(self.variables)}
        people = self.freeze.people(*sorted(wanted))
        asked = composites.asked(people, self.variables)
        return people.hstack(asked.rename({x: f"{x}?" for x in asked.columns})).with_columns(
            pl.col(self.by).cast(pl.String).fill_null(NONE).alias(_GROUP)
        )

    def _variable(
        self, name: str, people: pl.DataFrame, parts: dict[str, pl.DataFrame]
    ) -> Iterator[dict[str, object]]:
        column = people[name]
        said = self._label(name)
        groups = {x: y for x, y in parts.items() if x != ALL}
        if column.dtype == pl.Boolean:
            asked = f"{name}?" if f"{name}?" in people.columns else None
            difference = _largest([_share(x, name, asked) for x in groups.values()])
            for group, some in parts.items():
                yield {"variable": name, "label": said, "level": "yes", **_flag(some, name, asked, group),
                       "difference": difference if group == ALL else None}  # fmt: skip
        elif column.dtype.is_numeric():
            difference = _largest([_moments(x[name]) for x in groups.values()])
            for group, some in parts.items():
                yield {"variable": name, "label": said, "level": "", **_number(some[name], group),
                       "difference": difference if group == ALL else None}  # fmt: skip
        else:
            levels = column.cast(pl.String).drop_nulls().unique().sort().to_list()
            for level in levels:
                own = [_share(x.select((pl.col(name).cast(pl.String) == level).alias("x")), "x", None)
                       for x in groups.values()]  # fmt: skip
                for group, some in parts.items():
                    yield {"variable": name, "label": said, "level": level,
                           **_level(some[name].cast(pl.String), level, group),
                           "difference": _largest(own) if group == ALL else None}  # fmt: skip

    def _label(self, name: str) -> str:
        catalogue = self.freeze.knowledge.catalogue
        if name in catalogue:
            one = catalogue[name]
            return f"{one.label}, {one.unit}" if one.unit and one.unit != "xULN" else one.label
        return {
            LABEL: "Diagnosis carried",
            FINAL: "Final diagnosis",
            SUBSET: "Likeliest subset",
        }.get(name, name)

    def _guarded(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Withhold small counts: of those who have it, of those who do not, and of the unknown."""
        if self.disclosure.least <= 1:
            return frame.with_columns(withheld=pl.lit(False))
        lines = frame.filter(pl.col(_GROUP) != ALL)
        hidden = pl.Series([False]).new_from_index(0, frame.height)
        place = frame.select("variable", "level", _GROUP)
        rest = pl.col("known") - pl.col("count")
        for count in (pl.col("count"), rest, pl.col("missing"), pl.col("patients")):
            asked = lines.select("variable", "level", _GROUP, n=count)
            own = self.disclosure.guarded(asked, "n", _GROUP, ["variable", "level"], "level")
            told = place.join(
                own, on=["variable", "level", _GROUP], how="left", maintain_order="left"
            )
            # A total that is small tells as much as its parts.
            small = frame.select(
                count.is_between(1, self.disclosure.least - 1).fill_null(False)
            ).to_series()
            hidden |= told["withheld"].fill_null(False) | small
        figures = [x for x in COLUMNS[5:-2] if x in frame.columns]
        few = pl.col("patients").is_between(1, self.disclosure.least - 1)
        # With the groups that are shown, a difference tells of the one that is not.
        line = ["variable", "level"]
        any_ = frame.select(*line, hidden=hidden).select(pl.col("hidden").any().over(line))
        return frame.with_columns(
            *(pl.when(~hidden).then(pl.col(x)).alias(x) for x in figures),
            pl.when(~any_.to_series()).then("difference").alias("difference"),
            pl.when(~few).then(pl.col("patients")).alias("patients"),
            hidden.alias("withheld"),
        )


def _flag(some: pl.DataFrame, name: str, asked: str | None, group: str) -> dict[str, object]:
    """Return counts of a finding; of one made of several, of those in whom every part was asked."""
    column = some[name]
    there, known = int(column.sum()), column.count()
    own = some.filter(pl.col(asked))[name] if asked else column
    count, of = int(own.sum()), own.count()
    return _counted(group, some.height, of, count, there, known)


def _level(column: pl.Series, level: str, group: str) -> dict[str, object]:
    count, known = int((column == level).sum()), column.count()
    return _counted(group, len(column), known, count, count, known)


def _counted(
    group: str, patients: int, of: int, count: int, there: int, known: int
) -> dict[str, object]:
    def percent(part: float, whole: int) -> float | None:
        return round(100 * part / whole, 1) if whole else None

    return {
        _GROUP: group, "patients": patients, "known": of, "missing": patients - of, "count": count,
        "percent": percent(count, of), "percent_low": percent(there, patients),
        "percent_high": percent(there + patients - known, patients),
        **dict.fromkeys(("median", "lower_quartile", "upper_quartile", "mean", "sd")),
    }  # fmt: skip


def _number(column: pl.Series, group: str) -> dict[str, object]:
    known = column.drop_nulls()
    low, middle, high = (known.quantile(x, "linear") for x in (0.25, 0.5, 0.75))
    mean, sd = known.mean(), known.std()
    return {
        _GROUP: group, "patients": len(column), "known": len(known), "missing": len(column) - len(known),
        **dict.fromkeys(("count", "percent", "percent_low", "percent_high")),
        "median": middle, "lower_quartile": low, "upper_quartile": high, "mean": mean, "sd": sd,
    }  # fmt: skip


def _share(some: pl.DataFrame, name: str, asked: str | None) -> tuple[float, float] | None:
    """Return the share of a finding and its variance."""
    own = some.filter(pl.col(asked))[name] if asked else some[name]
    share = own.cast(pl.Float64).mean()
    return (
        None if share is None else (float(str(share)), float(str(share)) * (1 - float(str(share))))
    )


def _moments(column: pl.Series) -> tuple[float, float] | None:
    known = column.drop_nulls().to_numpy()
    return (float(known.mean()), float(known.var(ddof=1))) if len(known) > 1 else None


def _largest(groups: list[tuple[float, float] | None]) -> float | None:
    """Return the largest standardised difference of means between two groups."""
    known = [x for x in groups if x is not None]
    found = [
        abs(one - other) / float(np.sqrt((spread + wider) / 2))
        for place, (one, spread) in enumerate(known)
        for other, wider in known[place + 1 :]
        if spread + wider > 0
    ]
    return round(max(found), 3) if found else None

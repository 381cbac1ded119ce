"""Visits of many patients: what was measured, with the enzymes of the nearest samples."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.measures import Measure
from myoresist.case.terms import Terms
from myoresist.cohort.labs import LIMIT, TEST, Kept, Laboratory
from myoresist.cohort.schema import ASKED, ROW, VALUE, rejections
from myoresist.cohort.statements import empty_statements, of_column
from myoresist.findings.statements import Settler
from myoresist.resistance.response.evaluate import Responses
from myoresist.resistance.response.visits import DATE, PATIENT, value_column

_DAYS = 2**20
"""More days than there are in any date."""


@dataclass(frozen=True)
class Measured:
    """Reads visits, and says which findings they give."""

    terms: Terms
    settler: Settler
    laboratory: Laboratory
    responses: Responses

    def read(self, table: pl.DataFrame, samples: Kept) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return visits, one a day and patient, with the enzymes of the nearest samples.

        A second visit of the same day is rejected. A measure that the table does not have is unknown.
        """
        first = (
            pl.col(PATIENT).cast(pl.Int64) * _DAYS + pl.col(DATE).to_physical()
        ).is_first_distinct()
        gone = rejections(table.filter(~first), "visits", DATE, "is the second visit of this day")
        kept = table.filter(first)
        kept = kept.drop("weight_kg", strict=False)
        on = Words.of(samples.rows[DATE]).select(
            pl.col(DATE).str.to_date("%Y-%m-%d", strict=False).alias("on"), name=DATE
        )
        rows = samples.rows.select(PATIENT, TEST, VALUE, LIMIT).hstack(on)
        dated = rows.filter(on["on"].is_not_null())
        given = set(kept.columns)
        for measure in self.terms.measures:
            if given & {*measure.columns, *measure.limit_columns, measure.multiple_column}:
                continue
            column, limits = value_column(measure), list(measure.limit_columns)[:1]
            if measure.enzyme and measure.id in self.laboratory.numbers:
                number = self.laboratory.numbers[measure.id]
                near = self._nearest(
                    kept,
                    dated.filter(pl.col(TEST) == number),
                    samples.open.filter(pl.col(TEST) == number),
                ).rename({VALUE: column, LIMIT: limits[0]})
                kept = kept.join(near, on=ROW, how="left", maintain_order="left")
            else:
                kept = kept.with_columns(
                    pl.lit(None, pl.Float64).alias(x) for x in (column, *limits)
                )
        return kept, gone

    def _nearest(
        self, visits: pl.DataFrame, dated: pl.DataFrame, unread: pl.DataFrame
    ) -> pl.DataFrame:
        """Return value and limit of the sample nearest to each visit, if there is no doubt which it is."""
        within = self.responses.conventions.enzyme_days
        away = (pl.col(DATE) - pl.col("on")).dt.total_days().abs().alias("away")
        near = (
            visits.select(ROW, PATIENT, DATE)
            .join(dated.drop(TEST), on=PATIENT, maintain_order="left")
            .select(ROW, VALUE, LIMIT, away)
            .filter(pl.col("away") <= within)
        )
        nearest = near.filter(pl.col("away") == pl.col("away").min().over(ROW))
        first = nearest.filter(pl.col(ROW).is_first_distinct()).drop("away")
        if unread.height and first.height:
            window = pl.duration(days=within)
            perhaps = visits.select(ROW, PATIENT, DATE).join(unread, on=PATIENT)
            inside = (pl.col("on_from") - window <= pl.col(DATE)) & (
                pl.col(DATE) <= pl.col("on_to") + window
            )
            unsure = perhaps.filter(inside.fill_null(True))[ROW].unique()
            first = first.filter(~pl.col(ROW).is_in(unsure.implode()))
        again = nearest.filter(pl.col(ROW).is_duplicated())
        if again.is_empty():
            return first
        doubt = again.filter(pl.struct(VALUE, LIMIT).n_unique().over(ROW) > 1)[ROW].unique()
        return first.filter(~pl.col(ROW).is_in(doubt.implode()))

    def stated(self, checked: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that the last visit gives with each measure.

        Args:
            checked: the visits.
            asked: visits of which a cell cannot be read; none before them is known to be the last.
        """
        finding = {
            measure: name
            for measure, name in self.terms.sections.visits.items()
            if measure in checked.columns
        }
        last = checked.group_by(PATIENT, maintain_order=True).agg(
            *(pl.col(x).drop_nulls().last() for x in finding),
            *(
                pl.col(DATE).filter(pl.col(x).is_not_null()).last().alias(f"{x} on")
                for x in finding
            ),
        )
        said = [empty_statements()]
        for measure, name in finding.items():
            sure = self._sure(last, asked, self.terms.measures[measure])
            said.append(of_column(sure, self.settler.places[name], sure[measure]))
        return pl.concat(said)

    def _sure(self, last: pl.DataFrame, asked: pl.DataFrame, measure: Measure) -> pl.DataFrame:
        """Return the patients of whom no later value of a measure cannot be read."""
        flags = [x + ASKED for x in (*measure.columns, DATE) if x + ASKED in asked.columns]
        if asked.is_empty() or not flags:
            return last
        own = asked.filter(pl.any_horizontal(*flags)).select(PATIENT, unread=DATE)
        both = own.join(last.select(PATIENT, on=f"{measure.id} on"), on=PATIENT)
        later = (pl.col("unread") >= pl.col("on")).fill_null(True)
        unsure = both.filter(later)[PATIENT].unique()
        return last.filter(~pl.col(PATIENT).is_in(unsure.implode()))

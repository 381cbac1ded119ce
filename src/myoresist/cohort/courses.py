"""Courses of treatment of many patients, as they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.courses import period
from myoresist.case.reading import OTHER_CLASSES
from myoresist.case.responses import Organ, of_organs, overall
from myoresist.case.shorthand import parsed
from myoresist.case.terms import Terms
from myoresist.cohort.schema import OF_ORGANS, ROW, VALUE, rejections
from myoresist.cohort.statements import FINDING, stated
from myoresist.findings.statements import Settler
from myoresist.resistance.response.visits import DATE, PATIENT

_TABLE, _MEDICINES = "treatments", "medicines"
_DRUG, _NOW = "drug_number", "now"


class _Told(NamedTuple):
    """What a course did, as the cells of its row say."""

    response: str | None
    response_by_organ: Mapping[Organ, str]


@dataclass(frozen=True)
class Given:
    """Reads courses of treatment, and says which findings they give."""

    terms: Terms
    settler: Settler

    def read(
        self, table: pl.DataFrame, visits: pl.DataFrame, patients: pl.DataFrame
    ) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """Return courses as they are written, with the weight of the visit nearest to their start.

        Args:
            table: the rows whose cells can be read.
            visits: the visits, with weights.
            patients: the patients, with weights.

        Returns:
            The courses, and what of them cannot be used.
        """
        stopped = pl.col("stop").is_not_null() | pl.col("reason_stopped").is_not_null()
        dated = pl.col("start").is_not_null() & pl.col("stop").is_not_null()
        contradicts = (pl.col("ongoing").fill_null(False) & stopped) | (
            pl.col("weeks").is_not_null() & dated
        )
        starts, stops = (
            Words.of(table[end]).select(*period(end, end), name=end) for end in ("start", "stop")
        )
        table = table.with_columns(start_from=starts["start_from"])
        backwards = (stops["stop_to"] < starts["start_from"]).fill_null(False)
        reason = (
            "contradicts itself: dates out of order, ongoing with a stop, weeks with both dates"
        )
        gone = [rejections(table.filter(contradicts | backwards), _TABLE, "drug", reason)]
        kept = table.filter(~(contradicts | backwards))
        gone += self._not_understood(kept)
        gone += self._out_of_order(kept)
        return kept.with_columns(
            weight_kg=self._weights(kept, visits, patients),
            response=_responses(kept),
            shared=pl.col("together_with").is_not_null(),
            ongoing=pl.when(pl.col("reason_stopped").is_not_null())
            .then(False)
            .otherwise("ongoing"),
        ), gone

    def _not_understood(self, kept: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield the cells whose words no list knows; their courses count all the same."""
        doses, local = self.terms.doses, self.terms.sections.local_routes
        known: tuple[tuple[str, Callable[[str], bool], str], ...] = (
            ("drug", lambda x: self.terms.drug(x) is not None,
             "is not in the list of drugs; the course counts, its drug is unknown"),
            ("unit", lambda x: doses.unit(x) is not None,
             "is not a unit of dose; the course counts, its dose is unknown"),
            ("frequency", lambda x: doses.frequency(x) is not None,
             "is not a frequency; the course counts, its dose is unknown"),
            ("route", lambda x: doses.route(x, local) is not None,
             "is not a route; the course counts, its dose is unknown"),
            ("after", lambda x: self.terms.drug(x) is not None,
             "is not in the list of drugs, so it tells no order"),
            ("before", lambda x: self.terms.drug(x) is not None,
             "is not in the list of drugs, so it tells no order"),
            ("scheme", lambda x: parsed(x) is not None,
             "is no scheme; the course counts, its dose is unknown"),
        )  # fmt: skip
        for column, is_known, reason in known:
            strange = ~Words.of(kept[column]).map(is_known, pl.Boolean)
            if strange.any():
                found = rejections(kept.filter(strange), _TABLE, column, reason)
                yield found.with_columns(whole_row=False)
        pairs = kept.select(pl.col("unit", "frequency").cast(pl.String)).unique().drop_nulls()
        clashing = [one for one in pairs.iter_rows() if doses.clash(*one)]
        for unit, often in clashing:
            same = (pl.col("unit").cast(pl.String) == unit) & (
                pl.col("frequency").cast(pl.String) == often
            )
            found = rejections(
                kept.filter(same), _TABLE, "frequency", doses.clash(unit, often) or ""
            )
            yield found.with_columns(whole_row=False)

    def _out_of_order(self, kept: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield the drugs before or after which a course was begun, and of which none is recorded."""
        given = kept.select(
            PATIENT, Words.of(kept["drug"]).map(self._number, pl.UInt16).alias(_DRUG)
        )
        for column in ("after", "before"):
            named = Words.of(kept[column]).map(self._number, pl.UInt16).alias(_DRUG)
            rows = kept.with_columns(named).filter(pl.col(_DRUG).is_not_null())
            lost = rows.join(given, on=[PATIENT, _DRUG], how="anti", maintain_order="left")
            if lost.height:
                reason = "names a drug of which no course is recorded, so it tells no order"
                found = rejections(lost, _TABLE, column, reason)
                yield found.with_columns(whole_row=False)

    def _weights(
        self, kept: pl.DataFrame, visits: pl.DataFrame, patients: pl.DataFrame
    ) -> pl.Series:
        """Return the weight for each course: its own, that of the nearest visit, or of the patient."""
        own = patients["weight_kg"].gather(kept[PATIENT]).alias("own")
        # The steps of a scheme share a row.
        rows = kept.select(PATIENT, "start", "start_from", "weight_kg").with_columns(own)
        rows = rows.with_row_index(ROW)
        if "weight_kg" not in visits.columns or not visits["weight_kg"].count():
            return rows.select(pl.coalesce("weight_kg", "own")).to_series()
        weighed = visits.filter(pl.col("weight_kg").is_not_null()).select(
            PATIENT, weighed_on=DATE, weighed="weight_kg"
        )
        far = pl.date(9999, 12, 31)
        nearest = (
            rows.select(ROW, PATIENT, "start_from")
            .join(weighed, on=PATIENT, maintain_order="left_right")
            .with_columns(away=(pl.col("weighed_on") - pl.col("start_from").fill_null(far)).abs())
            .filter(pl.col("away") == pl.col("away").min().over(ROW))
            .filter(pl.col(ROW).is_first_distinct())
            .select(ROW, "weighed")
        )
        both = rows.join(nearest, on=ROW, how="left", maintain_order="left")
        of_visit = pl.when(pl.col("start").is_not_null() | pl.col("own").is_null()).then("weighed")
        return both.select(pl.coalesce("weight_kg", of_visit, "own")).to_series()

    def stated(self, courses: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that courses give: by what was ever taken, and what surely is taken now.

        What is only applied locally, and a single dose, is not taken now.
        """
        terms, drugs = self.terms, Words.of(courses["drug"])

        def is_local(name: str) -> bool:
            route = terms.route_in(name)
            return route is not None and terms.is_local(route)

        local = pl.select(
            pl.coalesce(
                Words.of(courses["route"]).map(terms.is_local, pl.Boolean),
                drugs.map(is_local, pl.Boolean),
                False,
            )
        ).to_series()
        single = Words.of(courses["frequency"]).map(terms.doses.is_single, pl.Boolean)
        apart = local | single.fill_null(False)
        complete = patients["treatments_complete"].gather(courses[PATIENT]).fill_null(False)
        begun = complete & courses["start"].is_not_null()
        ended = pl.col("stop").is_not_null() | pl.col("reason_stopped").is_not_null()
        goes_on = ~ended & pl.coalesce("ongoing", begun) & ~apart
        rows = courses.select(
            PATIENT, drugs.map(self._number, pl.UInt16).alias(_DRUG), goes_on.alias(_NOW)
        )
        told = rows.join(self._told, on=[_DRUG, _NOW], how="inner", maintain_order="left")
        return stated(told.select(PATIENT, FINDING, pl.lit(1.0).alias(VALUE)))

    def organs_stated(self, courses: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that courses tell by what they did to each organ."""
        said = []
        for (patient,), rows in _with_organs(courses).group_by(PATIENT, maintain_order=True):
            told = [_told(row) for row in rows.iter_rows(named=True)]
            said += [(patient, self.settler.places[finding], 1.0) for finding, _ in of_organs(told)]
        schema = {PATIENT: pl.UInt32, FINDING: pl.UInt16, VALUE: pl.Float64}
        return stated(pl.DataFrame(said, schema, orient="row"))

    def medicines(self, table: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """Return the findings that other medicines give, and the rows that cannot be used.

        Args:
            table: the rows whose cells can be read.
        """
        names = Words.of(table["drug"])
        known = names.map(lambda x: self.terms.drug(x) is not None, pl.Boolean)
        against = names.map(self._against_myositis, pl.Boolean)
        unknown = rejections(
            table.filter(~known), _MEDICINES, "drug", "is not in the list of drugs; tells nothing"
        )
        gone = [
            unknown.with_columns(whole_row=False),
            rejections(table.filter(against), _MEDICINES, "drug", "belongs into treatments"),
        ]
        taken = pl.col("stop").is_null() & pl.col("ongoing").fill_null(True)
        rows = table.select(
            PATIENT, names.map(self._number, pl.UInt16).alias(_DRUG), taken.alias(_NOW)
        )
        rows = rows.filter(~against)
        told = rows.join(self._told, on=[_DRUG, _NOW], how="inner", maintain_order="left")
        return stated(told.select(PATIENT, FINDING, pl.lit(1.0).alias(VALUE))), gone

    def _against_myositis(self, word: str) -> bool:
        drug = self.terms.drug(word)
        return drug is not None and drug.drug_class not in OTHER_CLASSES

    @cached_property
    def _drugs(self) -> dict[str, int]:
        return {drug: number for number, drug in enumerate(self.terms.drugs)}

    def _number(self, word: str) -> int | None:
        drug = self.terms.drug(word)
        return self._drugs[drug.id] if drug else None

    @cached_property
    def _told(self) -> pl.DataFrame:
        """Return the findings that each drug tells, taken now or not."""
        rows = [
            (self._drugs[drug.id], now, self.settler.places[finding])
            for drug in self.terms.drugs.values()
            for now in (False, True)
            for finding in self.terms.told_by(drug, now)
        ]
        return pl.DataFrame(
            rows, {_DRUG: pl.UInt16, _NOW: pl.Boolean, FINDING: pl.UInt16}, orient="row"
        )


def _with_organs(courses: pl.DataFrame) -> pl.DataFrame:
    """Return the courses that say what they did to any organ."""
    return courses.filter(pl.any_horizontal(pl.col(x).is_not_null() for x in OF_ORGANS))


def _told(row: Mapping[str, str | None]) -> _Told:
    organs = {organ: word for column, organ in OF_ORGANS.items() if (word := row[column])}
    return _Told(row.get("response"), organs)


def _responses(courses: pl.DataFrame) -> pl.Series:
    """Return what each course did to the disease: as it is said, or as follows from the organs."""
    columns = ["response", *OF_ORGANS]
    cells = courses.select(pl.col(columns).cast(pl.String))
    if not _with_organs(cells).height:
        return cells["response"]
    words = [overall(_told(row)) for row in cells.iter_rows(named=True)]
    return pl.Series("response", words, pl.String)

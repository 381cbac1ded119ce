"""Laboratory values of many patients, in the unit in which each test is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.courses import LEVELS, period
from myoresist.case.terms import LabTest, Terms
from myoresist.case.units import factor, spelling, times
from myoresist.cohort.schema import rejections
from myoresist.cohort.statements import FINDING, VALUE, empty_statements, stated
from myoresist.findings.statements import Settler
from myoresist.resistance.response.visits import DATE, PATIENT

TEST, LIMIT = "test_number", "upper_limit"
_KEY, _FROM, _TO = "key", "on_from", "on_to"


@dataclass(frozen=True)
class Laboratory:
    """Reads laboratory values, and says which findings they give."""

    terms: Terms
    settler: Settler

    @cached_property
    def tests(self) -> tuple[LabTest, ...]:
        """Return the tests; a test is known by its place among them."""
        return tuple(self.terms.labs.values())

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the place of each test."""
        return {one.id: place for place, one in enumerate(self.tests)}

    def read(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the values that can be used, with ``test_number``, and the rows that cannot."""
        table = table.with_columns(Words.of(table["test"]).map(self._number, pl.UInt16).alias(TEST))
        unknown = table.filter(pl.col(TEST).is_null())
        gone = [rejections(unknown, "labs", "test", "is not a laboratory test of the template")]
        known = table.filter(pl.col(TEST).is_not_null())
        units = Words.of(known["unit"])
        pair = known[TEST].cast(pl.UInt32) * len(units.texts) + units.codes
        spelt, factors = self._units(units.texts.to_list(), pair)
        strange = known.filter(~spelt)
        gone.append(rejections(strange, "labs", "unit", "is not a unit of this test"))
        known = _converted(known, pair, factors).filter(spelt)
        least, most = (
            pl.Series([getattr(one, end) for one in self.tests], dtype=pl.Float64).gather(
                known[TEST]
            )
            for end in ("minimum", "maximum")
        )
        outside = known.select(
            ~pl.col(VALUE).is_between(least, most) | (pl.col(LIMIT) <= 0).fill_null(False)
        ).to_series()
        strange = known.filter(outside)
        gone.append(
            rejections(strange, "labs", VALUE, "is outside of what is possible; check the unit")
        )
        return known.filter(~outside), pl.concat(gone)

    def _number(self, word: str) -> int | None:
        found = self.terms.lab(word)
        return self.numbers[found.id] if found else None

    def _units(
        self, texts: Sequence[str], pair: pl.Series
    ) -> tuple[pl.Series, Mapping[int, Decimal]]:
        """Return whether each unit is one of its test, and by what values in foreign ones are multiplied."""
        known = []
        factors = {}
        for one in pair.unique():
            test = self.tests[one // len(texts)]
            unit = spelling(texts[one % len(texts)], test)
            if unit is not None:
                known.append(one)
                by = factor(unit, test)
                if by is not None:
                    factors[one] = by
        return pair.is_in(known), factors

    def levels(self, kept: pl.DataFrame) -> pl.DataFrame:
        """Return drug levels."""
        drugs = pl.Series([one.level_of for one in self.tests], dtype=pl.String)
        named = kept.with_columns(drug=drugs.gather(kept[TEST]))
        return named.filter(pl.col("drug").is_not_null()).select(list(LEVELS))

    def stated(self, kept: pl.DataFrame) -> pl.DataFrame:
        """Return what laboratory values say of findings."""
        keyed = kept.select(
            PATIENT, TEST, VALUE, LIMIT,
            (pl.col(PATIENT).cast(pl.UInt64) * len(self.tests) + pl.col(TEST)).alias(_KEY),
            *Words.of(kept[DATE]).select(*period(DATE, "on"), name=DATE),
        )  # fmt: skip
        said = [empty_statements()]
        for take, dated, uses in self._uses():
            rows = keyed.join(uses, on=TEST, how="semi", maintain_order="left")
            taken = _highest(rows) if take == "highest_multiple" else _latest(rows, dated)
            both = taken.join(uses, on=TEST, how="inner", maintain_order="left")
            said += [
                stated(
                    both.select(
                        PATIENT, pl.col(f"{FINDING}_{x}").alias(FINDING), pl.col(x).alias(VALUE)
                    )
                )
                for x in (VALUE, LIMIT)
            ]
        return pl.concat(said)

    def _uses(
        self,
    ) -> Iterator[tuple[Literal["highest_multiple", "latest"], bool, pl.DataFrame]]:
        """Walk through the ways to take a value, with the tests and findings for which it is taken so."""
        places = self.settler.places
        ways = {(use.take, use.dated) for test in self.tests for use in test.findings}
        for take, dated in sorted(ways):
            rows = [
                (number, places[use.value], places[use.upper_limit] if use.upper_limit else None)
                for number, test in enumerate(self.tests)
                for use in test.findings
                if (use.take, use.dated) == (take, dated)
            ]
            schema = {
                TEST: pl.UInt16,
                f"{FINDING}_{VALUE}": pl.UInt16,
                f"{FINDING}_{LIMIT}": pl.UInt16,
            }
            yield take, dated, pl.DataFrame(rows, schema=schema, orient="row")


def _converted(rows: pl.DataFrame, pair: pl.Series, factors: Mapping[int, Decimal]) -> pl.DataFrame:
    """Return values and limits multiplied by the factor of their test and unit, where it has one."""
    columns = [rows[VALUE].clone(), rows[LIMIT].clone()]
    for one, by in factors.items():
        places = (pair == one).arg_true()
        for column in columns:
            turned = [None if x is None else times(x, by) for x in column.gather(places).to_list()]
            column.scatter(places, pl.Series(turned, dtype=pl.Float64))
    return rows.with_columns(columns)


def _highest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return for each patient and test the row with the highest multiple of its limit, else the highest."""
    limited = pl.col(LIMIT).is_not_null()
    ranked = rows.with_columns(
        (pl.col(VALUE) / pl.when(limited).then(LIMIT).otherwise(1.0)).alias("multiple")
    ).filter(limited | ~limited.any().over(_KEY))
    highest = ranked.filter(pl.col("multiple") == pl.col("multiple").max().over(_KEY))
    return highest.filter(pl.col(_KEY).is_first_distinct())


def _latest(rows: pl.DataFrame, dated: bool) -> pl.DataFrame:
    """Return for each patient and test the row that gives the current value, if that leaves no doubt."""
    last = rows.filter(pl.col(_TO) >= pl.col(_FROM).max().over(_KEY))
    several = last.filter(pl.col(_KEY).is_duplicated())
    differ = several.filter(pl.struct(VALUE, LIMIT).n_unique().over(_KEY) > 1)[_KEY].unique()
    agreed = last.filter(pl.col(_KEY).is_first_distinct() & ~pl.col(_KEY).is_in(differ.implode()))
    if dated:
        return agreed
    single = rows.filter(pl.col(_FROM).is_null() & ~pl.col(_KEY).is_duplicated())
    return pl.concat([agreed, single])

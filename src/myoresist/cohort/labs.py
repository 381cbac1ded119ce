"""Laboratory values of many patients, in the unit in which each test is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal, NamedTuple

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.cells import THOUSANDS as GROUPS
from myoresist.case.courses import LEVELS, period
from myoresist.case.lab_rows import ZERO
from myoresist.case.terms import DECIMALS, THOUSAND, LabTest, Terms
from myoresist.case.units import factor, spelling, times
from myoresist.cohort.schema import (
    ABOVE,
    ASKED,
    AT_LEAST,
    AT_MOST,
    GROUPED,
    LOWER,
    ROW,
    WEEK,
    rejections,
)
from myoresist.cohort.statements import FINDING, VALUE, empty_statements, stated
from myoresist.findings.statements import Settler
from myoresist.resistance.response.visits import DATE, PATIENT

TEST, LIMIT = "test_number", "upper_limit"
_KEY, _FROM, _TO = "key", "on_from", "on_to"
_PEAK, _MULTIPLE, _SURELY = "may_be_peak", "multiple_read", "surely_raised"
_LATER = "may_be_latest"
_RAISED, _NORMAL = "finding_raised", "finding_normal"
_OPEN = (PATIENT, TEST, DATE, WEEK, _PEAK, _LATER, _MULTIPLE, _SURELY)
_RATIO = pl.col(VALUE) / pl.col(LIMIT)
_OF_LIMIT = (
    pl.col("unit").cast(pl.String).str.contains(r"(?i)uln|\blsn\b|fold|limit|norm|^\s*[x×]\s*$")
)
"""Whether what stands for the unit says that the value is a multiple of the limit, or a share of it."""
_SHARE = pl.col("unit").cast(pl.String).str.contains("%", literal=True)
_MULTIPLES = (
    "is a multiple of the limit, not a unit; write it into a column of its own, such as ck_x_uln"
)
SURE = 0.8
"""How alike a word must be to the name of a test to have meant it."""


class Kept(NamedTuple):
    """What laboratory values say.

    Attributes:
        rows: the values that can be used, with ``test_number``, in the units in which tests are kept.
        open: patients and tests of which a value cannot be read: ``on_from``, ``on_to`` if its date can be
            read, whether it may be the highest, whether it may be the current one, its multiple of the limit
            if only the unit is unknown, or how much that is at most where it is bounded, and whether it
            surely lies above its limit.
    """

    rows: pl.DataFrame
    open: pl.DataFrame


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

    def read(self, table: pl.DataFrame, asked: pl.DataFrame) -> tuple[Kept, pl.DataFrame]:
        """Return the values that can be used, and the rows that cannot.

        Args:
            table: the rows whose cells can be read.
            asked: rows of which a cell cannot be read, with columns that say which.
        """
        table = self._tested(table)
        known = table.filter(pl.col(TEST).is_not_null()).with_columns(
            *(
                pl.lit(False).alias(x)
                for x in (VALUE + GROUPED, LIMIT + GROUPED)
                if x not in table.columns
            ),
            # Whatever the unit, the multiple of a limit in the same one is what it is.
            (pl.col(AT_MOST) / pl.col(LIMIT)).alias(_MULTIPLE),
            # What may lie on its limit is not raised.
            (
                (pl.col(ABOVE) >= pl.col(LIMIT)).fill_null(False)
                | (pl.col(AT_LEAST) > pl.col(LIMIT)).fill_null(False)
            ).alias(_SURELY),
        )
        unknown = self._guessed(table.filter(pl.col(TEST).is_null()))
        lost = [unknown.with_columns(pl.lit(None, pl.Float64).alias(_MULTIPLE))]
        gone = [rejections(lost[0], "labs", "test", "is not a laboratory test of the template")]
        units = Words.of(known["unit"])
        pair = known[TEST].cast(pl.UInt32) * len(units.texts) + units.codes
        spelt, factors = self._units(units.texts.to_list(), pair)
        large = pair.is_in([one for one, by in factors.items() if by >= DECIMALS])
        checked = _converted(known, pair, factors).with_columns(
            spelt.alias("spelt"), large.alias("large")
        )
        for column, wrong, reason in self._wrong():
            strange = checked.filter(wrong.fill_null(False))
            if strange.height:
                told = known.filter(known[ROW].is_in(strange[ROW].implode()))
                said, ratio = pl.lit(reason), pl.lit(None, pl.Float64)
                if column == "unit":
                    # 25 × ULN is not 25 U/L beside a limit of 190.
                    multiple = pl.when(~_SHARE).then(VALUE)
                    ratio = pl.when(_OF_LIMIT).then(multiple).otherwise(_RATIO)
                    said = pl.when(_OF_LIMIT).then(pl.lit(_MULTIPLES)).otherwise(said)
                gone.append(rejections(told, "labs", column, said))
                lost.append(told.with_columns(ratio.alias(_MULTIPLE)))
                checked = checked.filter(~wrong.fill_null(False))
        unread = self._guessed(self._tested(asked))
        flags = [
            x
            for x in unread.columns
            if x.endswith(ASKED) and x not in (DATE + ASKED, WEEK + ASKED, LOWER + ASKED)
        ]
        if LOWER + ASKED in unread.columns:
            # A lower limit that cannot be read leaves nothing open but itself.
            dated = [x for x in (DATE + ASKED, WEEK + ASKED) if x in unread.columns]
            unread = unread.filter(pl.any_horizontal(pl.lit(False), *flags, *dated))
        of_value = pl.any_horizontal(pl.lit(False), *flags).alias(_PEAK)
        others = [x for x in flags if x != "unit" + ASKED]
        known_ratio = pl.when(~pl.any_horizontal(pl.lit(False), *others)).then(_RATIO)
        nothing = pl.lit(False).alias(_SURELY)
        dated = [x for x in (DATE + ASKED, WEEK + ASKED) if x in unread.columns]
        beside = [x for x in (*flags, *dated) if x != LIMIT + ASKED]
        # A value is there and known whose limit cannot be read.
        later = pl.any_horizontal(pl.lit(False), *beside).alias(_LATER)
        true = [pl.lit(True).alias(x) for x in (_PEAK, _LATER)]
        parts = [part.with_columns(*true, nothing).select(_OPEN) for part in lost]
        parts.append(
            unread.with_columns(of_value, later, known_ratio.alias(_MULTIPLE), nothing).select(
                _OPEN
            )
        )
        bounded = checked.filter(pl.col(VALUE).is_null())
        parts.append(bounded.with_columns(true).select(_OPEN))
        checked = checked.filter(pl.col(VALUE).is_not_null())
        open_ = pl.concat(parts).filter(pl.col(TEST).is_not_null())
        open_ = open_.with_columns(Words.of(open_[DATE]).select(*period(DATE, "on"), name=DATE))
        rows = checked.drop("spelt", "large", _MULTIPLE, _SURELY)
        return Kept(rows, open_.drop(DATE)), pl.concat(gone)

    def _tested(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(Words.of(rows["test"]).map(self._number, pl.UInt16).alias(TEST))

    def _guessed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with the test that an unknown word most likely means."""
        near = Words.of(rows["test"]).map(self._near, pl.UInt16)
        return rows.with_columns(pl.coalesce(TEST, near).alias(TEST))

    def _near(self, word: str) -> int | None:
        found = self.terms.nearest_lab(word, SURE)
        return self.numbers[found] if found else None

    def _wrong(self) -> Iterator[tuple[str, pl.Expr, str]]:
        """Yield what can be wrong with a value in its unit: the column, whether it is, and the reason."""

        def of_test(numbers: Iterable[float]) -> pl.Expr:
            return pl.lit(pl.Series(numbers, dtype=pl.Float64)).gather(pl.col(TEST))

        limits = [self.terms.limits_of(one.id) for one in self.tests]
        most = [self.terms.multiples_of(one.id).maximum for one in self.tests]
        value, limit = pl.col(VALUE), pl.col(LIMIT)
        yield "unit", ~pl.col("spelt"), "is not a unit of this test"
        for column in (VALUE, LIMIT):
            whole = of_test(one.maximum / THOUSAND if one.whole else 0 for one in self.tests)
            grouped = pl.col(column + GROUPED) & ~pl.col("large") & (pl.col(column) <= whole)
            yield column, grouped, GROUPS
        possible = value.is_between(
            of_test(one.minimum for one in self.tests), of_test(one.maximum for one in self.tests)
        )
        yield VALUE, ~possible, "is outside of what is possible; check the unit"
        low = pl.col(LOWER).is_between(
            of_test(one.minimum for one in self.tests), of_test(one.maximum for one in self.tests)
        )
        yield LOWER, ~low, "is outside of what is possible; check the unit"
        usual = limit.is_between(
            of_test(one.minimum for one in limits), of_test(one.maximum for one in limits)
        )
        yield LIMIT, ~usual, "is far from every usual limit; is it in another unit than the value?"
        far = value > limit * of_test(most)
        yield VALUE, far, "is further above its limit than is possible; check both units"

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

    def levels(self, kept: Kept) -> pl.DataFrame:
        """Return drug levels; where one cannot be read, those of its drug stay unknown."""
        drugs = pl.Series([one.level_of for one in self.tests], dtype=pl.String)
        rows = kept.rows.join(kept.open, on=[PATIENT, TEST], how="anti", maintain_order="left")
        named = rows.with_columns(drug=drugs.gather(rows[TEST]))
        return named.filter(pl.col("drug").is_not_null()).select(list(LEVELS))

    def stated(self, kept: Kept) -> pl.DataFrame:
        """Return what laboratory values say of findings.

        A value that cannot be read may be the highest or, unless its date is before another one, the latest.
        """
        keyed = kept.rows.select(
            PATIENT, TEST, VALUE, LIMIT, LOWER, WEEK, _key(len(self.tests)),
            *Words.of(kept.rows[DATE]).select(*period(DATE, "on"), name=DATE),
        )  # fmt: skip
        open_ = kept.open.with_columns(_key(len(self.tests)))
        keyed, open_ = _by_weeks(keyed, open_)
        said = [empty_statements(), *self._fallen(keyed)]
        for take, dated, uses in self._uses():
            rows = keyed.join(uses, on=TEST, how="semi", maintain_order="left")
            if take == "highest_multiple":
                highest = _highest(rows)
                peaks = _perhaps_higher(highest, open_.filter(~_alone(keyed, open_)))
                unsure = highest.filter(pl.col(_KEY).is_in(peaks.implode()))
                said.append(self._raised(unsure, uses))
                decided = highest.filter(~pl.col(_KEY).is_in(peaks.implode()))
                above = open_.filter(_SURELY).join(decided, on=_KEY, how="anti")
                said.append(self._told(above, uses, _RAISED))
                taken = highest.filter(~pl.col(_KEY).is_in(peaks.implode()))
            else:
                taken = _latest(rows, dated)
                taken = taken.filter(~pl.col(_KEY).is_in(_perhaps_later(rows, open_).implode()))
                below = _last_bound(rows, open_).filter(pl.col(_MULTIPLE) <= 1)
                said.append(self._told(below.join(taken, on=_KEY, how="anti"), uses, _NORMAL))
            both = taken.join(uses, on=TEST, how="inner", maintain_order="left")
            said += [
                stated(
                    both.select(
                        PATIENT, pl.col(f"{FINDING}_{x}").alias(FINDING), pl.col(x).alias(VALUE)
                    )
                )
                for x in (VALUE, LIMIT, LOWER)
            ]
        return pl.concat(said)

    def _fallen(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield that a value has fallen far enough below one that is surely before it."""
        for number, test in enumerate(self.tests):
            if test.fall is None:
                continue
            own = rows.filter((pl.col(TEST) == number) & pl.col(_FROM).is_not_null())
            since = pl.col(_FROM).max().over(_KEY)
            last = own.filter(pl.col(_TO) >= since)
            alike = last.filter(pl.col(VALUE).n_unique().over(_KEY) == 1).unique(_KEY)
            before = own.filter(pl.col(_TO) < since).group_by(_KEY).agg(before=pl.col(VALUE).max())
            both = alike.join(before, on=_KEY)
            reached = [
                test.fall.reached(*pair) for pair in both.select("before", VALUE).iter_rows()
            ]
            fallen = both.filter(pl.Series(reached, dtype=pl.Boolean))
            place = self.settler.places[test.fall.finding]
            yield stated(
                fallen.select(PATIENT, pl.lit(place).alias(FINDING), pl.lit(1.0).alias(VALUE))
            )

    def _raised(self, rows: pl.DataFrame, uses: pl.DataFrame) -> pl.DataFrame:
        """Return that a test was raised, whatever else there was that cannot be read."""
        return self._told(rows.filter(pl.col(VALUE) > pl.col(LIMIT)), uses, _RAISED)

    def _told(self, rows: pl.DataFrame, uses: pl.DataFrame, finding: str) -> pl.DataFrame:
        """Return that a finding of each test is present."""
        both = rows.join(uses, on=TEST, how="inner", maintain_order="left")
        return stated(
            both.select(PATIENT, pl.col(finding).alias(FINDING), pl.lit(1.0).alias(VALUE))
        )

    def _uses(
        self,
    ) -> Iterator[tuple[Literal["highest_multiple", "latest"], bool, pl.DataFrame]]:
        """Walk through the ways to take a value, with the tests and findings for which it is taken so."""
        places = self.settler.places
        ways = {(use.take, use.dated) for test in self.tests for use in test.findings}
        for take, dated in sorted(ways):
            rows = [
                (
                    number,
                    *(
                        places[name] if name else None
                        for name in (
                            use.value,
                            use.upper_limit,
                            use.lower_limit,
                            use.raised,
                            use.normal,
                        )
                    ),
                )
                for number, test in enumerate(self.tests)
                for use in test.findings
                if (use.take, use.dated) == (take, dated)
            ]
            schema = {
                TEST: pl.UInt16,
                f"{FINDING}_{VALUE}": pl.UInt16,
                f"{FINDING}_{LIMIT}": pl.UInt16,
                f"{FINDING}_{LOWER}": pl.UInt16,
                _RAISED: pl.UInt16,
                _NORMAL: pl.UInt16,
            }
            yield take, dated, pl.DataFrame(rows, schema=schema, orient="row")


def _converted(rows: pl.DataFrame, pair: pl.Series, factors: Mapping[int, Decimal]) -> pl.DataFrame:
    """Return values and limits multiplied by the factor of their test and unit, where it has one."""
    columns = [rows[x].clone() for x in (VALUE, LIMIT, LOWER)]
    for one, by in factors.items():
        places = (pair == one).arg_true()
        for column in columns:
            turned = [None if x is None else times(x, by) for x in column.gather(places).to_list()]
            column.scatter(places, pl.Series(turned, dtype=pl.Float64))
    return rows.with_columns(columns)


def _key(tests: int) -> pl.Expr:
    """Return one number for a patient and a test."""
    return (pl.col(PATIENT).cast(pl.UInt64) * tests + pl.col(TEST)).alias(_KEY)


def _by_weeks(rows: pl.DataFrame, open_: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return values with their weeks as days, where no value of the same test has a date.

    Such days only put them in order.
    """
    if not rows[WEEK].count() and not open_[WEEK].count():
        return rows, open_
    both = pl.concat([rows.select(_KEY, _FROM), open_.select(_KEY, _FROM)])
    dated = both.filter(pl.col(_FROM).is_not_null())[_KEY].unique()
    day = pl.lit(ZERO) + pl.duration(days=(pl.col(WEEK) * 7).floor())
    counted = pl.when(~pl.col(_KEY).is_in(dated.implode())).then(day)
    columns = [pl.coalesce(x, counted).alias(x) for x in (_FROM, _TO)]
    return rows.with_columns(columns), open_.with_columns(columns)


def _highest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return for each patient and test the row with the highest multiple of its limit, else the highest.

    A higher value without a limit goes before one that is not above its own.
    """
    limited = pl.col(LIMIT).is_not_null()
    ranked = rows.with_columns(
        (pl.col(VALUE) / pl.when(limited).then(LIMIT).otherwise(1.0)).alias("multiple"),
        of_limited=pl.when(limited).then(pl.col(VALUE) / pl.col(LIMIT)).max().over(_KEY),
        high=pl.when(limited).then(VALUE).max().over(_KEY),
        higher=pl.when(~limited).then(VALUE).max().over(_KEY),
    )
    bare = ~limited.any().over(_KEY) | (
        (pl.col("of_limited") <= 1) & (pl.col("higher") > pl.col("high"))
    ).fill_null(False)
    ranked = ranked.filter(limited != bare)
    highest = ranked.filter(pl.col("multiple") == pl.col("multiple").max().over(_KEY))
    return highest.filter(pl.col(_KEY).is_first_distinct()).drop("of_limited", "high", "higher")


def _perhaps_higher(highest: pl.DataFrame, open_: pl.DataFrame) -> pl.Series:
    """Return the patients and tests of which a value that cannot be read may be the highest."""
    known = highest.select(_KEY, known=pl.when(pl.col(LIMIT).is_not_null()).then("multiple"))
    asked = open_.filter(_PEAK).join(known, on=_KEY, how="left")
    lower = (pl.col(_MULTIPLE) <= pl.col("known")).fill_null(False)
    return asked.filter(~lower)[_KEY].unique()


def _alone(rows: pl.DataFrame, open_: pl.DataFrame) -> pl.Expr:
    """Tell which open values are those of a single row, which is the highest whatever its limit."""
    single = rows.filter(~pl.col(_KEY).is_duplicated())[_KEY]
    others = open_.filter(_LATER)[_KEY]
    return (
        ~pl.col(_LATER)
        & pl.col(_KEY).is_in(single.implode())
        & ~pl.col(_KEY).is_in(others.implode())
    )


def _perhaps_later(rows: pl.DataFrame, open_: pl.DataFrame) -> pl.Series:
    """Return the patients and tests of which a value that cannot be read may be the latest."""
    last = rows.group_by(_KEY).agg(last=pl.col(_FROM).max())
    asked = open_.filter(_LATER).join(last, on=_KEY, how="left")
    later = (pl.col(_TO) >= pl.col("last")) | pl.col(_TO).is_null() | pl.col("last").is_null()
    return asked.filter(later)[_KEY].unique()


def _last_bound(rows: pl.DataFrame, open_: pl.DataFrame) -> pl.DataFrame:
    """Return the values that cannot be read of which each is surely the latest of its patient and test."""
    last = (
        open_.filter(_LATER)
        .with_columns(
            since=pl.col(_FROM).max().over(_KEY),
            every=pl.col(_FROM).is_not_null().all().over(_KEY),
        )
        .filter(pl.col("every") & (pl.col(_TO) >= pl.col("since")))
    )
    alone = last.filter(~pl.col(_KEY).is_duplicated())
    others = rows.group_by(_KEY).agg(
        dated=pl.col(_TO).is_not_null().all(), latest=pl.col(_TO).max()
    )
    both = alone.join(others, on=_KEY, how="left", maintain_order="left")
    later = pl.col("latest") >= pl.col(_FROM)
    return both.filter(pl.col("dated").fill_null(True) & ~later.fill_null(False)).drop(
        "since", "every", "dated", "latest"
    )


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

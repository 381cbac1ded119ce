"""Antibody results of many patients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from myoresist.arrays.words import Words
from myoresist.case.terms import Terms
from myoresist.cohort.labs import SURE
from myoresist.cohort.schema import ROW, VALUE, rejections
from myoresist.cohort.statements import FINDING, stated
from myoresist.findings.statements import Settler
from myoresist.resistance.response.visits import PATIENT
from myoresist.serology.results import RESULTS

_CUT_OFF, _RESULT, _METHOD = "cut_off", "result", "method"
_UNKNOWN = "unknown"


class Tested(NamedTuple):
    """What antibody tests say.

    Attributes:
        rows: results with the antibody as a ``finding``.
        open: patients and antibodies of which a result cannot be read, so that none is known to be negative.
    """

    rows: pl.DataFrame
    open: pl.DataFrame


@dataclass(frozen=True)
class Serum:
    """Reads antibody results, and says which findings they give."""

    terms: Terms
    settler: Settler
    is_method: Callable[[str], bool]

    def read(self, table: pl.DataFrame, asked: pl.DataFrame) -> tuple[Tested, list[pl.DataFrame]]:
        """Return the results that can be used, and the cells and rows that cannot.

        Args:
            table: the rows whose antibody can be read.
            asked: rows of which a cell cannot be read.
        """
        table = self._named(table, self._antibody)
        strange = table.filter(pl.col(FINDING).is_null())
        gone = [
            rejections(strange, "antibodies", "antibody", "is not an antibody of the catalogue")
        ]
        known = table.filter(pl.col(FINDING).is_not_null())
        word, value, limit = (pl.col(x).is_not_null() for x in (_RESULT, VALUE, _CUT_OFF))
        says = word | (value & limit)
        silent = known.filter(~says)
        listed = silent.filter(~pl.col(ROW).is_in(asked[ROW].implode()))
        reason = "gives no result: give one in words, or a value with its cut_off"
        gone.append(rejections(listed, "antibodies", VALUE, reason))
        methods = Words.of(known[_METHOD]).map(self.is_method, pl.Boolean)
        unknown = rejections(
            known.filter(~methods),
            "antibodies",
            _METHOD,
            "is no method that is known; counts as not stated",
        )
        gone.append(unknown.with_columns(whole_row=False))
        of_asked = self._named(asked, self._near).filter(
            pl.col(FINDING).is_not_null() & ~pl.col(ROW).is_in(known.filter(says)[ROW].implode())
        )
        open_ = [
            silent.filter(value | limit),
            self._named(strange, self._near).filter(pl.col(FINDING).is_not_null()),
            of_asked,
        ]
        parts = [one.select(PATIENT, FINDING) for one in open_]
        return Tested(known.filter(says), pl.concat(parts).unique()), gone

    def _named(self, rows: pl.DataFrame, look_up: Callable[[str], int | None]) -> pl.DataFrame:
        return rows.with_columns(Words.of(rows["antibody"]).map(look_up, pl.UInt16).alias(FINDING))

    def _antibody(self, word: str) -> int | None:
        found = self.terms.antibody(word)
        return self.settler.places[found.id] if found else None

    def _near(self, word: str) -> int | None:
        known = self.terms.antibody(word)
        near = known.id if known else self.terms.nearest_antibody(word, SURE)
        return self.settler.places[near] if near else None

    def stated(self, tested: Tested) -> pl.DataFrame:
        """Return the findings that antibody results give."""
        results = tested.rows
        known = self.terms.results.words
        words = Words.of(results[_RESULT])
        by_word = words.map(lambda word: known[word].finding, pl.Boolean)
        doubtful = words.map(lambda word: bool(known[word].text), pl.Boolean).fill_null(False)
        measured = results.filter(pl.col(_CUT_OFF).is_not_null() & ~doubtful)
        said = pl.concat(
            [
                stated(results.select(PATIENT, FINDING, by_word.alias(VALUE))),
                stated(measured.select(PATIENT, FINDING, pl.col(VALUE) >= pl.col(_CUT_OFF))),
            ]
        )
        return said.filter((pl.col(VALUE) > 0) | ~_among(said, tested.open))

    def results(self, tested: Tested) -> pl.DataFrame:
        """Return antibody results as question 2 reads them."""
        results = tested.rows
        said = Words.of(results[_RESULT]).map(lambda word: word if word != _UNKNOWN else None)
        measured = (
            pl.when(pl.col(VALUE) >= pl.col(_CUT_OFF))
            .then(pl.lit("positive"))
            .when(pl.col(VALUE) < pl.col(_CUT_OFF))
            .then(pl.lit("negative"))
        )
        differ = (said == "negative") != (measured == "negative")
        strength = (
            pl.when(differ.fill_null(False)).then(None).otherwise(pl.coalesce(said, measured))
        )
        names = pl.Series([one.id for one in self.settler.findings])
        unsure = _among(results, tested.open)
        return results.select(
            PATIENT,
            names.gather(results[FINDING]).alias("antibody"),
            pl.col(_METHOD).cast(pl.String),
            pl.when(~((strength == "negative") & unsure)).then(strength).alias("strength"),
            pl.format("antibodies[{}]", ROW).alias("place"),
        ).select(list(RESULTS))  # fmt: skip


def _among(rows: pl.DataFrame, open_: pl.DataFrame) -> pl.Series:
    """Tell of each row whether a result of the same patient and antibody cannot be read."""
    marked = open_.with_columns(pl.lit(True).alias("open"))
    both = rows.select(PATIENT, FINDING).join(
        marked, on=[PATIENT, FINDING], how="left", maintain_order="left"
    )
    return both["open"].fill_null(False)

"""What laboratories write of patients: antibodies, enzymes and other values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from myoresist.case.cells import CODES
from myoresist.case.terms import DECIMALS, LabTest
from myoresist.case.units import converted
from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.people import Drawn
from myoresist.cohort.synthetic.streams import Flags, Floats, Streams, chosen, significant
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import DATE

_WITHIN = 1.001
"""So far from what is possible at most that no rounding goes beyond."""


@dataclass(frozen=True)
class Samples:
    """Writes results of antibodies and values of laboratories."""

    knowledge: Knowledge
    assumed: Assumptions
    tested: tuple[str, ...]

    def antibodies(self, draw: Streams, drawn: Drawn) -> pl.DataFrame:
        """Return one row a result."""
        assumed, catalogue = self.assumed.antibodies, self.knowledge.catalogue
        even = draw.even("antibodies", 2 * len(self.tested))
        method = np.array([x.method for x in self.assumed.sites.centres])[drawn.site]
        order = sorted(self.tested)
        parts = []
        for name in self.tested:
            place = order.index(name)
            strength, confirmed = even[:, 2 * place], even[:, 2 * place + 1]
            rows = np.flatnonzero(drawn.seen[name])
            there = drawn.present[name][rows]
            weak = strength[rows] < assumed.weak_when_absent
            band = chosen(strength[rows], assumed.strengths)
            result = np.where(there, band, np.where(weak, "weak", "negative"))
            first = pl.DataFrame({"patient": rows, "method": method[rows], "result": result})
            sure = there & (confirmed[rows] < assumed.confirmed)
            sure &= method[rows] != assumed.confirmed_by
            second = pl.DataFrame({"patient": rows[sure]}).with_columns(
                method=pl.lit(assumed.confirmed_by), result=pl.lit("positive")
            )
            parts += [x.with_columns(antibody=pl.lit(catalogue[name].id)) for x in (first, second)]
        table = pl.concat(parts, how="vertical_relaxed").sort("patient", maintain_order=True)
        return table.select("patient", "antibody", "method", "result")

    def labs(
        self, draw: Streams, drawn: Drawn, visits: pl.DataFrame, level: Floats
    ) -> pl.DataFrame:
        """Return measured findings as samples; of the enzyme of the visits, one sample at most visits."""
        last = visits.group_by("patient", maintain_order=True).agg(pl.col(DATE).last())[DATE]
        parts = []
        for test in self.knowledge.terms.labs.values():
            name, limited = self._number_of(test)
            if name is None or name not in drawn.numbers:
                continue
            value, seen = drawn.numbers[name], drawn.seen[name]
            if test.id == self.assumed.labs.followed:
                whose = visits["patient"].to_numpy()
                share = level / np.maximum.reduceat(level, np.flatnonzero(visits["at"] == 0))[whose]
                wide = drawn.times.wide
                told = draw.even("followed", wide)[whose, drawn.times.at]
                dates, kept = visits[DATE], seen[whose]
                kept = kept & (told >= self.assumed.labs.followed_missing)
            else:
                whose = np.arange(len(value))
                share, dates, kept = np.ones(len(value)), last, seen
            rows = whose[kept]
            measured = value[rows] * share[kept]
            parts.append(
                self._written(drawn, test, limited, rows, measured).with_columns(
                    dates.filter(pl.Series(kept)).alias(DATE)
                )
            )
        return pl.concat(parts).sort("patient", maintain_order=True)

    def _written(
        self, drawn: Drawn, test: LabTest, limited: bool, rows: np.ndarray, measured: Floats
    ) -> pl.DataFrame:
        """Return values as the laboratory of each centre writes them."""
        told, centres = self.assumed.labs, self.assumed.sites.centres
        limit = None
        if limited:
            given = told.upper_limits[test.id]
            by_site = np.array([given[x.limit % len(given)] for x in centres])
            limit = by_site[drawn.site][rows]
            measured = measured * limit
        measured = np.clip(measured, test.minimum * _WITHIN, test.maximum / _WITHIN)
        foreign = np.array([test.id in x.other_units for x in centres])[drawn.site][rows]
        unit, factor = _other_unit(test)
        scale = np.where(foreign, factor, 1.0)
        own = np.round(measured, told.decimals.get(test.id, told.decimals_otherwise))
        written = np.where(foreign, _rounded(measured / scale, test, scale), own)
        # What is a usual code for a missing value is not drawn, nor what rounding made impossible.
        written = np.where(np.isin(written, CODES), written - 1, written)
        written = np.where(written * scale < test.minimum, significant(measured / scale), written)
        return pl.DataFrame(
            {
                "patient": rows,
                "test": pl.Series([test.synonyms[0]]).new_from_index(0, len(rows)),
                "value": written,
                "unit": np.where(foreign, unit, test.unit),
                "upper_limit": significant(limit / scale)
                if limit is not None
                else pl.Series([None], dtype=pl.Float64).new_from_index(0, len(rows)),
            }
        )

    def _number_of(self, test: LabTest) -> tuple[str | None, bool]:
        """Return the measured finding that a laboratory test gives, and whether as multiple of its limit."""
        rules = self.knowledge.inference.program.rules
        for use in test.findings:
            if use.upper_limit is None:
                return use.value, False
            for name, rule in rules.items():
                if rule.reads == {use.value, use.upper_limit}:
                    return name, True
        return None, False


def _rounded(values: Floats, test: LabTest, scale: Floats) -> Floats:
    """Return values in another unit; with three decimals they could be thousands."""
    rounded = significant(values)
    small: Flags = (scale < DECIMALS) if test.whole else np.zeros(len(values), bool)
    found: Floats = np.where(small, rounded.round(2), rounded)
    return found


def _other_unit(test: LabTest) -> tuple[str, float]:
    """Return a unit in which a value differs from the usual one, and how much one of it is in that."""
    for unit in test.units:
        factor = converted(1.0, unit, test)
        if factor != 1:
            return unit, factor
    return test.unit, 1.0

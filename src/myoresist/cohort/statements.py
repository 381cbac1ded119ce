"""What tables say of findings, as numbers: which patient, which finding, which value.

A finding of a patient about which two statements differ is unknown, and with it what rests on either side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from myoresist.case.catalogue import Catalogue, Finding
from myoresist.case.record import conform
from myoresist.findings.evaluate import Inference
from myoresist.resistance.response.visits import PATIENT

FINDING, VALUE = "finding", "value"
_STATED = {PATIENT: pl.UInt32, FINDING: pl.UInt16, VALUE: pl.Float64}
_OTHER, _KINDS = "other", "kinds"


@dataclass(frozen=True)
class Statements:
    """Turns statements about findings into one row a patient.

    Statements are rows of ``patient_id`` (the row of the patient), ``finding`` (its place in the catalogue)
    and ``value``: 1 or 0, a number, the place of a word among its choices, or a day since 1970.
    """

    catalogue: Catalogue
    inference: Inference

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in the order of their places."""
        return tuple(self.catalogue)

    @cached_property
    def places(self) -> dict[str, int]:
        """Return the place of each finding."""
        return {one.id: place for place, one in enumerate(self.findings)}

    def told(self, rows: pl.DataFrame, finding: str, value: pl.Series | pl.Expr) -> pl.DataFrame:
        """Return a statement about one finding for every row that has a value."""
        return stated(
            rows.select(PATIENT, pl.lit(self.places[finding]).alias(FINDING), value.alias(VALUE))
        )

    def choice(self, finding: str, word: str) -> int | None:
        """Return the place of a word among the choices of a finding."""
        choices = self.catalogue[finding].choices
        return choices.index(word) if word in choices else None

    def recorded(
        self, own: pl.DataFrame, parts: Iterable[pl.DataFrame]
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return one row of findings a patient, and the findings about which statements differ.

        Args:
            own: findings that a table holds as columns, one row a patient in their order.
            parts: what other tables state.

        Returns:
            The findings, and ``patient_id`` and ``finding`` (its id) of each conflict.
        """
        said = pl.concat(parts)
        columns, differ = self._wide(said, own.height)
        disputed = said[PATIENT].filter(differ)
        own = self._whole(own, own.height)
        both = [x for x in columns.columns if own[x].count()]
        if both:
            apart = pl.any_horizontal((own[x] != columns[x]).fill_null(False) for x in both)
            disputed = disputed.append(pl.select(apart).to_series().arg_true().cast(pl.UInt32))
        sound = own.with_columns(
            pl.coalesce(own[x], columns[x]).alias(x) if x in both else columns[x]
            for x in columns.columns
        )
        if disputed.is_empty():
            return sound, pl.DataFrame(schema={PATIENT: pl.UInt32, FINDING: pl.String})
        rows = disputed.unique().sort()
        number = pl.Series(np.searchsorted(rows, said[PATIENT]), dtype=pl.UInt32)
        among = said.with_columns(number.alias(PATIENT)).filter(said[PATIENT].is_in(rows.implode()))
        mended, conflicts = self._settled(
            pl.concat([self._of_columns(own[rows]), among]), len(rows)
        )
        place = pl.int_range(pl.len(), dtype=pl.UInt32).alias(PATIENT)
        others = sound.with_columns(place).filter(~pl.col(PATIENT).is_in(rows.implode()))
        whole = pl.concat([others, mended.with_columns(rows.alias(PATIENT))]).sort(PATIENT)
        whole = whole.drop(PATIENT)
        return whole, conflicts.with_columns(
            pl.col(PATIENT).replace_strict(dict(enumerate(rows))).cast(pl.UInt32)
        )

    def _wide(self, said: pl.DataFrame, patients: int) -> tuple[pl.DataFrame, pl.Series]:
        """Return statements as typed columns, and which statements differ from one that came later."""
        found = said[FINDING].unique().sort().to_numpy()
        line = np.zeros(len(self.findings), np.int64)
        line[found] = np.arange(len(found))
        cells = np.full((len(found), patients), np.nan)
        place = line[said[FINDING].to_numpy()], said[PATIENT].to_numpy()
        value = said[VALUE].to_numpy()
        cells[place] = value
        held = [self.findings[x] for x in found]
        table = pl.DataFrame({one.id: cells[place] for place, one in enumerate(held)})
        return table.select(_typed(one) for one in held), pl.Series(cells[place] != value)

    def _of_columns(self, own: pl.DataFrame) -> pl.DataFrame:
        """Return columns of findings as statements."""
        rows = own.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias(PATIENT))
        said = [empty_statements()]
        for one in self.findings:
            if own[one.id].count():
                said.append(self.told(rows, one.id, _numbered(one)))
        return pl.concat(said)

    def _settled(self, said: pl.DataFrame, patients: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the same for patients about whom statements may differ."""
        each = (
            said.group_by(PATIENT, FINDING, maintain_order=True)
            .agg(
                pl.col(VALUE).first(),
                pl.col(VALUE).filter(pl.col(VALUE) != pl.col(VALUE).first()).first().alias(_OTHER),
                pl.col(VALUE).n_unique().alias(_KINDS),
            )
            .with_columns(pl.coalesce(_OTHER, VALUE).alias(_OTHER))
        )  # fmt: skip
        conflicts = each.filter(pl.col(_KINDS) > 1)
        recorded = self._conformed(each.filter(pl.col(_KINDS) == 1), patients)
        if conflicts.height:
            recorded = self._undisputed(recorded, each, conflicts)
        ids = pl.Series([one.id for one in self.findings])
        named = conflicts.select(PATIENT, ids.gather(conflicts[FINDING]).alias(FINDING))
        return recorded, named.sort(PATIENT, FINDING)

    def _undisputed(
        self, recorded: pl.DataFrame, each: pl.DataFrame, conflicts: pl.DataFrame
    ) -> pl.DataFrame:
        """Return findings without what holds on one side of a dispute only, as an assessment does."""
        sides = [
            self.inference.known(
                self._conformed(
                    each.select(PATIENT, FINDING, pl.col(side).alias(VALUE)), recorded.height
                )
            ).findings
            for side in (VALUE, _OTHER)
        ]
        argued = np.isin(np.arange(recorded.height), conflicts[PATIENT].to_numpy())
        sound = pl.Series(~argued)
        return recorded.with_columns(
            pl.when(sound | (one.eq_missing(other) & one.is_not_null()))
            .then(one.name)
            .alias(one.name)
            for one, other in zip(*(side.get_columns() for side in sides), strict=True)
        )

    def _conformed(self, said: pl.DataFrame, patients: int) -> pl.DataFrame:
        return self._whole(self._wide(said, patients)[0], patients)

    def _whole(self, found: pl.DataFrame, patients: int) -> pl.DataFrame:
        """Return a table with every finding; those that are not there are unknown."""
        if not found.width:
            found = pl.select(pl.repeat(None, patients).alias(self.findings[0].id))
        return conform(found, self.catalogue).drop(PATIENT)


def stated(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that have a finding and a value as statements."""
    return rows.select(pl.col(x).cast(kind) for x, kind in _STATED.items()).drop_nulls()


def empty_statements() -> pl.DataFrame:
    """Return a table of statements without any."""
    return pl.DataFrame(schema=_STATED)


def _typed(finding: Finding) -> pl.Expr:
    """Return the value of a finding from its number."""
    value = pl.col(finding.id).fill_nan(None)
    if finding.kind == "bool":
        return value == 1
    if finding.kind == "category":
        words = dict(enumerate(finding.choices))
        return value.cast(pl.UInt32).replace_strict(words, default=None, return_dtype=pl.String)
    return value.cast(pl.Int32).cast(pl.Date) if finding.kind == "date" else value


def _numbered(finding: Finding) -> pl.Expr:
    """Return the number that stands for the value of a finding."""
    value = pl.col(finding.id)
    if finding.kind == "category":
        places = {word: place for place, word in enumerate(finding.choices)}
        return value.replace_strict(places, default=None, return_dtype=pl.Float64)
    return value.to_physical() if finding.kind == "date" else value

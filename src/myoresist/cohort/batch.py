"""From tables to what the questions read: findings, antibody results, treatments, visits.

It says the same of a patient as ``case.record`` does of a case: every table makes statements about findings,
and a finding about which two statements differ is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from myoresist.case.courses import LEVELS, PATIENTS, WRITTEN, Treatments, period
from myoresist.case.record import conform
from myoresist.case.terms import LabFinding, Terms
from myoresist.case.units import converted, spelling
from myoresist.cohort.schema import ROW, Schema, cleaned, empty_rejections, rejections
from myoresist.resistance.measures import DATE, PATIENT, value_column
from myoresist.resistance.response import Responses
from myoresist.rules.inference import Inference
from myoresist.serology.results import RESULTS

FINDING, VALUE = "finding", "value"
STRANGER, TWICE = "is not in patients", "stands here twice"
"""Why a row is about nobody, or about somebody a second time."""
_STATED = {PATIENT: pl.String, FINDING: pl.String, VALUE: pl.String}


@dataclass(frozen=True)
class Batch:
    """Some patients, as the questions read them.

    Attributes:
        patients: one row a patient, sorted: ``patient_id``, ``label``, ``final_diagnosis``, ``baseline``.
        recorded: their findings as recorded, in the same order.
        results: antibody results.
        treatments: what was given, in the same order.
        visits: what was measured.
        rejected: cells and rows that could not be used.
        conflicts: ``patient_id`` and ``finding`` about which statements differ.
    """

    patients: pl.DataFrame
    recorded: pl.DataFrame
    results: pl.DataFrame
    treatments: Treatments
    visits: pl.DataFrame
    rejected: pl.DataFrame
    conflicts: pl.DataFrame


@dataclass(frozen=True)
class Reader:
    """Reads tables of patients; every different word is looked up once."""

    terms: Terms
    schema: Schema
    inference: Inference
    responses: Responses

    def read(self, tables: Mapping[str, pl.DataFrame]) -> Batch:
        """Return some patients, as the questions read them.

        Args:
            tables: the tables of these patients as they came in, with ``row``; ``patients`` at least.
        """
        typed: dict[str, pl.DataFrame] = {}
        rejected = [empty_rejections()]
        for name in self.schema.tables:
            frame = tables.get(name)
            if frame is None:
                # Of visits a table has no more than the measures that it needs; the others follow.
                columns = (PATIENT, DATE) if name == "visits" else self.schema.tables[name]
                wanted = self.schema.typed(name, columns)
                typed[name] = pl.DataFrame(schema={ROW: pl.UInt32, **wanted})
                continue
            typed[name], strange = cleaned(frame, name, self.schema)
            typed[name] = self._whole(typed[name], name)
            rejected.append(strange)
        patients = typed["patients"]
        twice = patients.filter(pl.col(PATIENT).is_first_distinct().not_())
        if twice.height:
            rejected.append(rejections(twice, "patients", PATIENT, TWICE))
        patients = patients.filter(pl.col(PATIENT).is_first_distinct()).sort(PATIENT)
        for name in [x for x in typed if x != "patients"]:
            known = typed[name].join(patients.select(PATIENT), on=PATIENT, how="semi")
            lost = typed[name].join(patients.select(PATIENT), on=PATIENT, how="anti")
            if lost.height:
                rejected.append(rejections(lost, name, PATIENT, STRANGER))
            typed[name] = known.sort(ROW)
        stated: list[pl.DataFrame] = [self._of_words(patients)]
        labs, gone = self._labs(typed["labs"])
        rejected.append(gone)
        stated.append(self._of_labs(labs))
        for part, gone in (
            self._of_findings(typed["findings"]),
            self._of_antibodies(typed["antibodies"]),
        ):
            stated.append(part)
            rejected.append(gone)
        patients = patients.with_columns(self._assessed_on(patients, typed))
        visits, gone = self._visits(typed["visits"], labs)
        rejected.append(gone)
        stated.append(self._of_visits(visits))
        courses, gone = self._courses(typed["treatments"], typed["visits"], patients)
        rejected.append(gone)
        lost = pl.concat(rejected).filter((pl.col("table") == "treatments") & pl.col("whole_row"))
        patients = patients.with_columns(
            # A list of which a row could not be used is not known to be complete.
            treatments_complete=pl.when(pl.col(PATIENT).is_in(lost[PATIENT].implode()).not_()).then(
                "treatments_complete"
            )
        )
        stated.append(self._current(courses, patients))
        recorded, conflicts = self._recorded(patients, pl.concat(stated))
        return Batch(
            patients=patients.select(PATIENT, "label", "final_diagnosis", "baseline"),
            recorded=recorded,
            results=self._results(typed["antibodies"]),
            treatments=Treatments.of(
                patients.select(list(PATIENTS)), courses, self._levels(labs), self.terms
            ),
            visits=self.responses.visits(visits.drop(ROW)),
            rejected=pl.concat(rejected).sort("table", ROW, "column"),
            conflicts=conflicts,
        )

    def unusable(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Return what of some rows of a table cannot be used, as far as the rows themselves tell.

        Args:
            table: which table it is.
            frame: its rows as they came in, with ``row``.
        """
        typed, rejected = cleaned(frame, table, self.schema)
        typed = self._whole(typed, table)
        further = empty_rejections()
        if table == "findings":
            further = self._of_findings(typed)[1]
        elif table == "labs":
            further = self._labs(typed)[1]
        elif table == "antibodies":
            further = self._of_antibodies(typed)[1]
        elif table == "treatments":
            none = pl.DataFrame(schema={PATIENT: pl.String, "weight_kg": pl.Float64})
            further = self._courses(typed, none, none)[1]
            words = _looked_up(typed, "drug", lambda word: bool(self.terms.drug(word)), pl.Boolean)
            unknown = typed.filter(~words)
            reason = "is not in the list of drugs; the course counts, its drug is unknown"
            further = pl.concat(
                [further, rejections(unknown, table, "drug", reason).with_columns(whole_row=False)]
            )
        return pl.concat([rejected, further])

    def _whole(self, frame: pl.DataFrame, table: str) -> pl.DataFrame:
        """Return a table with every column that it may have and that the code names."""
        wanted = self.schema.typed(table, self.schema.tables[table])
        if table == "visits":
            return frame
        return frame.with_columns(
            pl.lit(None, kind).alias(name)
            for name, kind in wanted.items()
            if name not in frame.columns
        )

    def _assessed_on(self, patients: pl.DataFrame, typed: Mapping[str, pl.DataFrame]) -> pl.Series:
        """Return the date of each assessment: the one given, or else the latest date of the record."""
        written = [
            typed[table].select(PATIENT, pl.col(column).cast(pl.String).alias(DATE))
            for table, columns in (
                ("labs", (DATE,)),
                ("antibodies", (DATE,)),
                ("visits", (DATE,)),
                ("treatments", ("start", "stop")),
            )
            for column in columns
        ]
        latest = (
            pl.concat(written)
            .filter(pl.col(DATE).is_not_null())
            .with_columns(*period(DATE, "on"))
            .sort("on_to", descending=True, maintain_order=True)
            .group_by(PATIENT, maintain_order=True)
            .agg(latest=pl.col(DATE).first())
        )
        found = patients.join(latest, on=PATIENT, how="left", maintain_order="left")
        return found.select(pl.coalesce(DATE, "latest").alias(DATE)).to_series()

    def _of_words(self, patients: pl.DataFrame) -> pl.DataFrame:
        """Return what the words of the table of patients say of findings: sex, label and tempo."""
        sections = self.terms.sections
        sexes = {name: str(value).lower() for name, value in sections.sex.items()}
        said = [
            patients.select(
                PATIENT,
                pl.lit(sections.sex_finding).alias(FINDING),
                pl.col("sex")
                .replace_strict(sexes, default=None, return_dtype=pl.String)
                .alias(VALUE),
            ),
            patients.select(
                PATIENT, pl.lit("diagnosis_label").alias(FINDING), pl.col("label").alias(VALUE)
            ),
            patients.select(
                PATIENT,
                pl.col("tempo")
                .replace_strict(sections.tempo, default=None, return_dtype=pl.String)
                .alias(FINDING),
                pl.lit("true").alias(VALUE),
            ).filter(pl.col(FINDING).is_not_null()),
        ]
        return pl.concat(said).filter(pl.col(VALUE).is_not_null())

    def _of_patients(self, patients: pl.DataFrame) -> pl.DataFrame:
        """Return the findings of the table of patients as statements."""
        said = [pl.DataFrame(schema=_STATED)]
        for kind in ("bool", "number", "category"):
            names = [one.id for one in self.terms.catalogue if one.kind == kind]
            known = [x for x in names if patients[x].null_count() < patients.height]
            if known:
                said.append(
                    patients.unpivot(known, index=PATIENT, variable_name=FINDING, value_name=VALUE)
                    .filter(pl.col(VALUE).is_not_null())
                    .with_columns(_as_text(pl.col(VALUE), kind))
                )
        return pl.concat(said)

    def _of_findings(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return what the long table of findings says, and the rows that it cannot say."""
        words = _looked_up(table, "finding", self._finding)
        table = table.with_columns(named=words)
        unknown = table.filter(pl.col("named").is_null())
        gone = [rejections(unknown, "findings", "finding", "is not a finding of the catalogue")]
        said = [pl.DataFrame(schema=_STATED)]
        for (name,), part in table.filter(pl.col("named").is_not_null()).group_by(
            "named", maintain_order=True
        ):
            finding = self.terms.catalogue[str(name)]
            column = self.schema.finding(finding.id)
            strange = part.filter(column.strange(VALUE, pl.String()))
            gone.append(rejections(strange, "findings", VALUE, f"write {column.expected}"))
            value = _as_text(column.read(VALUE, pl.String()), finding.kind)
            said.append(
                part.select(PATIENT, pl.lit(finding.id).alias(FINDING), value.alias(VALUE)).filter(
                    pl.col(VALUE).is_not_null()
                )
            )
        return pl.concat(said), pl.concat(gone)

    def _finding(self, word: str) -> str | None:
        found = self.terms.catalogue.find(word)
        return found.id if found else None

    def _of_labs(self, kept: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that laboratory values give."""
        said = [pl.DataFrame(schema=_STATED)]
        for test in self.terms.labs.values():
            rows = kept.filter(pl.col("test_id") == test.id)
            if not rows.height:
                continue
            for use in test.findings:
                highest = use.take == "highest_multiple"
                taken = _highest(rows) if highest else _latest(rows, use)
                said.append(_stated(taken, use.value, VALUE))
                if use.upper_limit:
                    said.append(_stated(taken, use.upper_limit, "upper_limit"))
        return pl.concat(said)

    def _labs(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return laboratory values in the unit in which each test is kept."""
        table = table.with_columns(test_id=_looked_up(table, "test", self._lab_id))
        unknown = table.filter(pl.col("test_id").is_null())
        gone = [rejections(unknown, "labs", "test", "is not a laboratory test of the template")]
        known = table.filter(pl.col("test_id").is_not_null())
        pairs = known.select("test_id", "unit").unique()
        units = pairs.with_columns(
            spelt=pl.Series(
                [spelling(unit, self.terms.labs[test]) for test, unit in pairs.iter_rows()],
                dtype=pl.String,
            )
        )
        known = known.join(units, on=["test_id", "unit"], how="left", maintain_order="left")
        strange = known.filter(pl.col("spelt").is_null())
        gone.append(rejections(strange, "labs", "unit", "is not a unit of this test"))
        known = known.filter(pl.col("spelt").is_not_null())
        for column in (VALUE, "upper_limit"):
            known = self._converted(known, column)
        limits = pl.DataFrame(
            [(one.id, one.minimum, one.maximum) for one in self.terms.labs.values()],
            schema={"test_id": pl.String, "least": pl.Float64, "most": pl.Float64},
            orient="row",
        )
        known = known.join(limits, on="test_id", how="left", maintain_order="left")
        outside = ~pl.col(VALUE).is_between("least", "most") | (
            pl.col("upper_limit") <= 0
        ).fill_null(False)
        strange = known.filter(outside)
        gone.append(
            rejections(strange, "labs", VALUE, "is outside of what is possible; check the unit")
        )
        return known.filter(~outside), pl.concat(gone)

    def _lab_id(self, word: str) -> str | None:
        found = self.terms.lab(word)
        return found.id if found else None

    def _converted(self, rows: pl.DataFrame, column: str) -> pl.DataFrame:
        """Return a column in the unit in which each test is kept; each different value is converted once."""
        keys = ["test_id", "spelt", column]
        other = [
            (test.id, unit)
            for test in self.terms.labs.values()
            for unit in test.units
            if test.units[unit] != test.units[test.unit]
        ]
        foreign = pl.DataFrame(other, schema=["test_id", "spelt"], orient="row")
        values = (
            rows.select(keys)
            .drop_nulls()
            .unique()
            .join(foreign, on=["test_id", "spelt"], how="semi")
        )
        if not values.height:
            return rows
        turned = [converted(v, u, self.terms.labs[t]) for t, u, v in values.iter_rows()]
        values = values.with_columns(turned=pl.Series(turned, dtype=pl.Float64))
        joined = rows.join(values, on=keys, how="left", maintain_order="left")
        return joined.with_columns(pl.coalesce("turned", column).alias(column)).drop("turned")

    def _levels(self, kept: pl.DataFrame) -> pl.DataFrame:
        """Return drug levels."""
        drugs = {one.id: one.level_of for one in self.terms.labs.values() if one.level_of}
        named = pl.col("test_id").replace_strict(drugs, default=None, return_dtype=pl.String)
        return (
            kept.with_columns(drug=named).filter(pl.col("drug").is_not_null()).select(list(LEVELS))
        )

    def _of_antibodies(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the findings that antibody results give, and the rows of antibodies that are not known."""
        table = table.with_columns(named=_looked_up(table, "antibody", self._antibody))
        unknown = table.filter(pl.col("named").is_null())
        gone = rejections(unknown, "antibodies", "antibody", "is not an antibody of the catalogue")
        words = self.terms.results.words
        said = {w: str(x.finding).lower() for w, x in words.items() if x.finding is not None}
        doubtful = [word for word, one in words.items() if one.text]
        by_word = pl.col("result").replace_strict(said, default=None, return_dtype=pl.String)
        measured = (pl.col(VALUE) >= pl.col("cut_off")).cast(pl.String)
        known = table.filter(pl.col("named").is_not_null())
        parts = [
            known.select(PATIENT, pl.col("named").alias(FINDING), by_word.alias(VALUE)),
            known.filter(pl.col("result").is_in(doubtful).not_().fill_null(True)).select(
                PATIENT, pl.col("named").alias(FINDING), measured.alias(VALUE)
            ),
        ]
        return pl.concat(parts).filter(pl.col(VALUE).is_not_null()), gone

    def _antibody(self, word: str) -> str | None:
        found = self.terms.antibody(word)
        return found.id if found else None

    def _results(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return antibody results as question 2 reads them."""
        named = table.with_columns(named=_looked_up(table, "antibody", self._antibody))
        measured = (
            pl.when(pl.col(VALUE) >= pl.col("cut_off"))
            .then(pl.lit("positive"))
            .when(pl.col(VALUE) < pl.col("cut_off"))
            .then(pl.lit("negative"))
        )
        said = pl.when(pl.col("result") != "unknown").then("result")
        differ = (said == "negative") != (measured == "negative")
        strength = (
            pl.when(differ.fill_null(False)).then(None).otherwise(pl.coalesce(said, measured))
        )
        place = "antibodies[" + pl.col(ROW).cast(pl.String) + "]"
        return named.filter(pl.col("named").is_not_null()).select(
            PATIENT,
            pl.col("named").alias("antibody"),
            "method",
            strength.alias("strength"),
            place.alias("place"),
        ).select(list(RESULTS))  # fmt: skip

    def _visits(
        self, table: pl.DataFrame, samples: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return visits, one a day and patient, with the enzymes of the nearest samples.

        A second visit of the same day is rejected. A measure that the table does not have is unknown.
        """
        again = table.filter(pl.struct(PATIENT, DATE).is_first_distinct().not_())
        gone = rejections(again, "visits", DATE, "is the second visit of this day")
        kept = table.filter(pl.struct(PATIENT, DATE).is_first_distinct())
        kept = kept.drop("weight_kg", strict=False)
        given = set(kept.columns)
        for measure in self.terms.measures:
            if given & {*measure.columns, *measure.limit_columns, measure.multiple_column}:
                continue
            column, limits = value_column(measure), list(measure.limit_columns)[:1]
            if measure.enzyme and kept.height and samples.height:
                near = self._nearest(kept, samples.filter(test_id=measure.id), column, limits[0])
                kept = kept.join(near, on=ROW, how="left", maintain_order="left")
            else:
                kept = kept.with_columns(
                    pl.lit(None, pl.Float64).alias(x) for x in (column, *limits)
                )
        return kept, gone

    def _nearest(
        self, visits: pl.DataFrame, samples: pl.DataFrame, column: str, limit: str
    ) -> pl.DataFrame:
        """Return value and limit of the sample nearest to each visit, if there is no doubt which it is."""
        dated = samples.select(
            PATIENT,
            pl.col(DATE).str.to_date("%Y-%m-%d", strict=False).alias("on"),
            pl.col(VALUE).alias(column),
            pl.col("upper_limit").alias(limit),
        )
        pairs = visits.select(ROW, PATIENT, DATE).join(dated.drop_nulls("on"), on=PATIENT)
        away = (pl.col(DATE) - pl.col("on")).dt.total_days().abs()
        nearest = (
            pairs.with_columns(away=away)
            .filter(pl.col("away") <= self.responses.conventions.enzyme_days)
            .filter(pl.col("away") == pl.col("away").min().over(ROW))
            .filter(pl.struct(column, limit).n_unique().over(ROW) == 1)
        )
        return nearest.group_by(ROW, maintain_order=True).first().select(ROW, column, limit)

    def _of_visits(self, visits: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that the last visit gives with each measure."""
        said = [pl.DataFrame(schema=_STATED)]
        checked = self.responses.visits(visits.drop(ROW))
        for measure, finding in self.terms.sections.visits.items():
            if measure not in checked.columns:
                continue
            last = (
                checked.filter(pl.col(measure).is_not_null())
                .group_by(PATIENT, maintain_order=True)
                .agg(pl.col(measure).last().alias(VALUE))
            )
            said.append(_stated(last, finding, VALUE))
        return pl.concat(said)

    def _courses(
        self, table: pl.DataFrame, visits: pl.DataFrame, patients: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return courses as they are written, with the weight of the visit nearest to their start."""
        stopped = pl.col("stop").is_not_null() | pl.col("reason_stopped").is_not_null()
        dated = pl.col("start").is_not_null() & pl.col("stop").is_not_null()
        contradicts = (
            (pl.col("ongoing").fill_null(False) & stopped)
            | (pl.col("weeks").is_not_null() & dated)
            | (pl.col("weeks") <= 0).fill_null(False)
            | (pl.col("dose") < 0).fill_null(False)
        )
        ends = table.select(ROW, *period("start", "start"), *period("stop", "stop"))
        backwards = ends.filter(pl.col("stop_to") < pl.col("start_from"))[ROW]
        bad = contradicts | pl.col(ROW).is_in(backwards.implode())
        strange = table.filter(bad)
        reason = (
            "contradicts itself: dates out of order, ongoing with a stop, weeks with both dates"
        )
        gone = rejections(strange, "treatments", "drug", reason)
        kept = table.filter(~bad)
        own = patients.select(PATIENT, weight_of_patient="weight_kg")
        kept = kept.join(own, on=PATIENT, how="left", maintain_order="left")
        if "weight_kg" in visits.columns and visits["weight_kg"].null_count() < visits.height:
            weighed = visits.filter(pl.col("weight_kg").is_not_null()).select(
                PATIENT, weighed_on=DATE, weighed="weight_kg"
            )
            far = pl.date(9999, 12, 31)
            nearest = (
                kept.select(ROW, PATIENT, *period("start", "start"))
                .join(weighed, on=PATIENT)
                .with_columns(
                    away=(pl.col("weighed_on") - pl.col("start_from").fill_null(far)).abs()
                )
                .sort(ROW, "away", maintain_order=True)
                .group_by(ROW, maintain_order=True)
                .first()
                .select(ROW, "weighed")
            )
            kept = kept.join(nearest, on=ROW, how="left", maintain_order="left").with_columns(
                weighed=pl.when(
                    pl.col("start").is_not_null() | pl.col("weight_of_patient").is_null()
                ).then("weighed")
            )
        else:
            kept = kept.with_columns(weighed=pl.lit(None, pl.Float64))
        weight = pl.coalesce("weight_kg", "weighed", "weight_of_patient")
        return kept.with_columns(
            weight_kg=weight,
            ongoing=pl.when(pl.col("reason_stopped").is_not_null())
            .then(False)
            .otherwise("ongoing"),
        ).select(list(WRITTEN)), gone

    def _current(self, courses: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that courses give which surely go on, other than local ones."""
        local = set(self.terms.sections.local_routes)

        def class_finding(word: str) -> str | None:
            drug = self.terms.drug(word)
            return self.terms.sections.current_drug_class.get(drug.drug_class) if drug else None

        def is_local(word: str) -> bool:
            return not local.isdisjoint(re.findall(r"\w+", word.lower()))

        def is_single(word: str) -> bool:
            often = self.terms.doses.frequency(word)
            return often is not None and often.days is None

        table = courses.join(
            patients.select(PATIENT, complete="treatments_complete"), on=PATIENT, how="left"
        ).with_columns(
            named=_looked_up(courses, "drug", class_finding),
            local=_looked_up(courses, "route", is_local, pl.Boolean),
            single=_looked_up(courses, "frequency", is_single, pl.Boolean),
        )
        begun = pl.col("complete").fill_null(False) & pl.col("start").is_not_null()
        ended = pl.col("stop").is_not_null() | pl.col("reason_stopped").is_not_null()
        goes_on = ~ended & pl.coalesce("ongoing", begun)
        plain = ~pl.col("local").fill_null(False) & ~pl.col("single").fill_null(False)
        return table.filter(pl.col("named").is_not_null() & goes_on & plain).select(
            PATIENT, pl.col("named").alias(FINDING), pl.lit("true").alias(VALUE)
        )

    def _recorded(
        self, patients: pl.DataFrame, stated: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return one row of findings a patient, and the findings about which statements differ.

        Args:
            patients: the table of patients; its columns that are findings count.
            stated: what the other tables state.
        """
        said = stated.unique(maintain_order=True)
        twice = said.filter(pl.struct(PATIENT, FINDING).is_duplicated())[PATIENT].unique()
        names = [one.id for one in self.terms.catalogue if one.kind != "date"]
        own = conform(patients.select(PATIENT, *names), self.terms.catalogue)
        rest = said.filter(~pl.col(PATIENT).is_in(twice.implode()))
        other = self._wide(patients, rest, VALUE)
        both = [x for x in names if own[x].count() and other[x].count()]
        differ = pl.select(
            pl.any_horizontal(False, *((own[x] != other[x]).fill_null(False) for x in both))
        ).to_series()
        disputed = pl.concat([twice, patients[PATIENT].filter(differ)]) if both else twice
        sound = own.with_columns(
            pl.coalesce(own[x], other[x]).alias(x) for x in names if other[x].count()
        )
        if disputed.is_empty():
            nothing = pl.DataFrame(schema={PATIENT: pl.String, FINDING: pl.String})
            return sound, nothing
        argued = pl.col(PATIENT).is_in(disputed.implode())
        some = patients.filter(argued)
        statements = pl.concat([self._of_patients(some), stated.filter(argued)])
        mended, conflicts = self._settled(some, statements)
        return pl.concat([sound.filter(~argued), mended]).sort(PATIENT), conflicts

    def _settled(
        self, patients: pl.DataFrame, stated: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the same for patients about whom statements may differ."""
        each = (
            stated.group_by(PATIENT, FINDING, maintain_order=True)
            .agg(
                pl.col(VALUE).first(),
                other=pl.col(VALUE).filter(pl.col(VALUE) != pl.col(VALUE).first()).first(),
                kinds=pl.col(VALUE).n_unique(),
            )
            .with_columns(other=pl.coalesce("other", VALUE))
        )  # fmt: skip
        conflicts = each.filter(pl.col("kinds") > 1)
        recorded = self._wide(patients, each.filter(pl.col("kinds") == 1), VALUE)
        if conflicts.height:
            recorded = self._undisputed(recorded, each, conflicts)
        return recorded, conflicts.select(PATIENT, FINDING).sort(PATIENT, FINDING)

    def _undisputed(
        self, recorded: pl.DataFrame, each: pl.DataFrame, conflicts: pl.DataFrame
    ) -> pl.DataFrame:
        """Return findings without what holds on one side of a dispute only, as an assessment does."""
        disputed = conflicts.select(PATIENT).unique()
        rows = recorded.join(disputed, on=PATIENT, how="semi", maintain_order="left")
        own = each.join(disputed, on=PATIENT, how="semi")
        sides = [
            self.inference.known(self._wide(rows.select(PATIENT), own, side)).findings
            for side in (VALUE, "other")
        ]
        names = [one.id for one in self.terms.catalogue]
        mended = rows.with_columns(
            pl.when(sides[0][name].eq_missing(sides[1][name]) & sides[0][name].is_not_null())
            .then(name)
            .alias(name)
            for name in names
        )
        rest = recorded.join(disputed, on=PATIENT, how="anti", maintain_order="left")
        return pl.concat([rest, mended.select(rest.columns)]).sort(PATIENT)

    def _wide(self, patients: pl.DataFrame, stated: pl.DataFrame, value: str) -> pl.DataFrame:
        """Return statements as one row a patient and one typed column a finding."""
        found = [one for one in stated[FINDING].unique().to_list() if one]
        wide = patients.select(PATIENT)
        if found:
            table = stated.select(PATIENT, FINDING, value).pivot(
                on=FINDING, on_columns=sorted(found), index=PATIENT, values=value
            )
            wide = wide.join(table, on=PATIENT, how="left", maintain_order="left")
        kinds = {one: self.terms.catalogue[one].kind for one in found}
        return conform(
            wide.with_columns(_typed(one, kind) for one, kind in sorted(kinds.items())),
            self.terms.catalogue,
        )


def _as_text(value: pl.Expr, kind: str) -> pl.Expr:
    """Return a value as the text in which statements are compared."""
    return value.cast(pl.Float64).cast(pl.String) if kind == "number" else value.cast(pl.String)


def _typed(name: str, kind: str) -> pl.Expr:
    column = pl.col(name)
    if kind == "bool":
        return column == "true"
    return column.cast(pl.Float64) if kind == "number" else column


def _stated(rows: pl.DataFrame, finding: str, column: str) -> pl.DataFrame:
    return rows.filter(pl.col(column).is_not_null()).select(
        PATIENT, pl.lit(finding).alias(FINDING), pl.col(column).cast(pl.String).alias(VALUE)
    )


def _looked_up(
    table: pl.DataFrame,
    column: str,
    look_up: Callable[[str], Any],
    kind: type[pl.DataType] = pl.String,
) -> pl.Series:
    """Return what each word of a column stands for; each different word is looked up once."""
    words = {word: look_up(word) for word in table[column].drop_nulls().unique().to_list()}
    return table[column].replace_strict(words, default=None, return_dtype=kind)


def _highest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return for each patient the row with the highest multiple of its limit, else the highest."""
    has = pl.col("upper_limit").is_not_null()
    return (
        rows.with_columns(
            has=has, multiple=pl.col(VALUE) / pl.when(has).then("upper_limit").otherwise(1.0)
        )
        .sort(PATIENT, "has", "multiple", descending=[False, True, True], maintain_order=True)
        .group_by(PATIENT, maintain_order=True)
        .first()
    )


def _latest(rows: pl.DataFrame, use: LabFinding) -> pl.DataFrame:
    """Return for each patient the row that gives the current value, if there is no doubt which it is."""
    rows = rows.with_columns(*period(DATE, "on"), alone=pl.len().over(PATIENT) == 1)
    single = rows.filter(pl.col("alone") & pl.col(DATE).is_null() & pl.lit(not use.dated))
    last = rows.filter(pl.col(DATE).is_not_null()).filter(
        pl.col("on_to") >= pl.col("on_from").max().over(PATIENT)
    )
    agreed = last.filter(
        pl.struct(VALUE, "upper_limit").n_unique().over(PATIENT) == 1
    ).group_by(PATIENT, maintain_order=True).last()  # fmt: skip
    return pl.concat(
        [agreed.select(PATIENT, VALUE, "upper_limit"), single.select(PATIENT, VALUE, "upper_limit")]
    )

"""From tables to what the questions read: findings, antibody results, treatments, visits.

It says the same of a patient as ``case.record`` does of a case: every table makes statements about findings,
and a finding about which two statements differ is unknown. Inside a batch a patient is a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from myoresist.arrays.table import Table
from myoresist.arrays.words import Words
from myoresist.case.courses import PATIENTS, WRITTEN, Treatments, period
from myoresist.case.terms import Terms
from myoresist.cohort.labs import LIMIT, TEST, Laboratory
from myoresist.cohort.schema import (
    ROW,
    Column,
    Schema,
    cleaned,
    empty_rejections,
    rejections,
)
from myoresist.cohort.statements import (
    FINDING,
    VALUE,
    empty_statements,
    joined,
    of_column,
    stated,
)
from myoresist.findings.evaluate import Inference
from myoresist.findings.statements import Settler
from myoresist.resistance.response.evaluate import Responses
from myoresist.resistance.response.visits import DATE, PATIENT, value_column
from myoresist.serology.results import RESULTS

STRANGER, TWICE = "is not in patients", "stands here twice"
"""Why a row is about nobody, or about somebody a second time."""
_ROWS, _DAYS = 2**32, 2**20
"""More rows than a batch has, and more days than there are in its dates."""


@dataclass(frozen=True)
class Batch:
    """Some patients, as the questions read them; ``patient_id`` is the place of a patient.

    Attributes:
        ids: the ids of the patients, sorted.
        patients: one row a patient: ``patient_id``, ``label``, ``final_diagnosis``, ``baseline``.
        recorded: their findings as recorded, in the same order.
        results: antibody results.
        treatments: what was given, in the same order.
        visits: what was measured.
        rejected: cells and rows that could not be used, with the id of the patient.
        conflicts: ``patient_id`` and ``finding`` about which statements differ.
    """

    ids: pl.Series
    patients: pl.DataFrame
    recorded: Table
    results: pl.DataFrame
    treatments: Treatments
    visits: pl.DataFrame
    rejected: pl.DataFrame
    conflicts: pl.DataFrame

    def named(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table with the ids of the patients instead of their places."""
        return _named(table, self.ids)


@dataclass(frozen=True)
class Reader:
    """Reads tables of patients; every different word is looked up once."""

    terms: Terms
    schema: Schema
    inference: Inference
    responses: Responses

    @cached_property
    def settler(self) -> Settler:
        """Return what turns statements into findings."""
        return Settler(self.terms.catalogue, self.inference)

    @cached_property
    def laboratory(self) -> Laboratory:
        """Return what reads laboratory values."""
        return Laboratory(self.terms, self.settler)

    def read(self, tables: Mapping[str, pl.DataFrame]) -> Batch:
        """Return some patients, as the questions read them.

        Args:
            tables: the tables of these patients as they came in, with ``row``; ``patients`` at least.
        """
        typed, rejected = self._typed(tables)
        patients = typed["patients"]
        first = patients[PATIENT].is_first_distinct()
        rejected.append(rejections(patients.filter(~first), "patients", PATIENT, TWICE))
        patients = patients.filter(first).sort(PATIENT)
        ids = patients[PATIENT]
        patients = patients.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias(PATIENT))
        for name in [x for x in typed if x != "patients"]:
            typed[name], lost = _numbered(typed[name], ids)
            rejected.append(rejections(lost, name, PATIENT, STRANGER))
        labs, no_lab = self.laboratory.read(typed["labs"])
        findings, no_finding = self._of_findings(typed["findings"])
        antibodies, no_antibody = self._antibodies(typed["antibodies"])
        patients = patients.with_columns(self._assessed_on(patients, typed))
        visits, no_visit = self._visits(typed["visits"], labs)
        courses, no_course = self._courses(typed["treatments"], typed["visits"], patients)
        checked = self.responses.visits(visits.drop(ROW))
        patients = patients.with_columns(self._listed(patients, ids, [*rejected, no_course]))
        said = [
            self._of_words(patients),
            self.laboratory.stated(labs),
            findings,
            self._of_antibodies(antibodies),
            self._of_visits(checked),
            self._current(courses, patients),
        ]
        settled = self.settler.settle(joined(said), len(ids), self._own(patients))
        gone = pl.concat([no_lab, no_finding, no_antibody, no_visit, no_course])
        return Batch(
            ids=ids,
            patients=patients.select(
                PATIENT, pl.col("label", "final_diagnosis").cast(pl.String), "baseline"
            ),
            recorded=settled.recorded,
            results=self._results(antibodies),
            treatments=Treatments.of(
                patients.select(list(PATIENTS)),
                courses.select(list(WRITTEN)),
                self.laboratory.levels(labs),
                self.terms,
            ),
            visits=checked,
            rejected=pl.concat([*rejected, _named(gone, ids)]).sort("table", ROW, "column"),
            conflicts=pl.DataFrame(
                list(settled.disputes), {PATIENT: pl.UInt32, FINDING: pl.String}, orient="row"
            ),
        )

    def _typed(
        self, tables: Mapping[str, pl.DataFrame]
    ) -> tuple[dict[str, pl.DataFrame], list[pl.DataFrame]]:
        """Return every table with its cells read, and what of them cannot be read."""
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
            read, strange = cleaned(frame, name, self.schema)
            typed[name] = self._whole(read, name)
            rejected.append(strange)
        return typed, rejected

    def unusable(self, table: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Return what of some rows of a table cannot be used, as far as the rows themselves tell.

        Args:
            table: which table it is.
            frame: its rows as they came in, with ``row``.
        """
        read, rejected = cleaned(frame, table, self.schema)
        whole = self._whole(read, table)
        ids = whole[PATIENT].unique().sort()
        typed = _numbered(whole, ids)[0]
        further: list[pl.DataFrame] = []
        if table == "findings":
            further.append(self._of_findings(typed)[1])
        elif table == "labs":
            further.append(self.laboratory.read(typed)[1])
        elif table == "antibodies":
            further.append(self._antibodies(typed)[1])
        elif table == "treatments":
            none = pl.DataFrame(schema={PATIENT: pl.UInt32, "weight_kg": pl.Float64})
            further.append(self._courses(typed, none, none)[1])
            known = Words.of(typed["drug"]).map(
                lambda word: bool(self.terms.drug(word)), pl.Boolean
            )
            reason = "is not in the list of drugs; the course counts, its drug is unknown"
            unknown = rejections(typed.filter(~known), table, "drug", reason)
            further.append(unknown.with_columns(whole_row=False))
        return pl.concat([rejected, *(_named(one, ids) for one in further)])

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

    def _own(self, patients: pl.DataFrame) -> Table:
        """Return the findings that the table of patients has as columns."""
        own = [one.id for one in self.terms.catalogue if patients[one.id].count()]
        return Table.of_frame(patients.select(own), patients.height)

    def _assessed_on(self, patients: pl.DataFrame, typed: Mapping[str, pl.DataFrame]) -> pl.Series:
        """Return the date of each assessment: the one given, or else the latest date of the record."""
        dated = [
            (typed[table][PATIENT], Words.of(typed[table][column]))
            for table, column in (
                ("labs", DATE), ("antibodies", DATE), ("visits", DATE), ("treatments", "start"),
                ("treatments", "stop"),
            )
        ]  # fmt: skip
        counts = np.cumsum([0, *(len(words.texts) for _, words in dated)])
        texts = pl.concat([words.texts.rename(DATE) for _, words in dated])
        codes = [
            words.codes.cast(pl.Int64) + int(n)
            for (_, words), n in zip(dated, counts, strict=False)
        ]
        ends = texts.to_frame().select(period(DATE, "on")[1]).to_series().to_physical()
        every = pl.DataFrame(
            {PATIENT: pl.concat([one for one, _ in dated]), "code": pl.concat(codes)}
        ).with_row_index("order").filter(pl.col("code").is_not_null())  # fmt: skip
        # Of several that end on the same day the first one counts.
        day = ends.gather(every["code"]).cast(pl.Int64) + _DAYS
        packed = day * _ROWS + (_ROWS - 1 - every["order"].cast(pl.Int64))
        last = every.select(PATIENT, packed.alias("packed")).group_by(PATIENT).max()
        order = pl.concat(codes).gather(_ROWS - 1 - last["packed"] % _ROWS)
        latest = pl.Series([None], dtype=pl.String).new_from_index(0, len(patients))
        latest = latest.scatter(last[PATIENT], texts.gather(order))
        return patients.select(
            pl.coalesce(pl.col(DATE).cast(pl.String), latest).alias(DATE)
        ).to_series()

    def _of_words(self, patients: pl.DataFrame) -> pl.DataFrame:
        """Return what the words of the table of patients say of findings: sex, label and tempo."""
        sections, places = self.terms.sections, self.settler.places
        sex = Words.of(patients["sex"]).map(sections.sex.get, pl.Boolean)
        label = Words.of(patients["label"]).map(
            lambda word: self.settler.choice("diagnosis_label", word), pl.Float64
        )
        tempo = Words.of(patients["tempo"]).map(
            lambda word: places.get(sections.tempo.get(word) or ""), pl.UInt16
        )
        return pl.concat(
            [
                of_column(patients, places[sections.sex_finding], sex),
                of_column(patients, places["diagnosis_label"], label),
                stated(patients.select(PATIENT, tempo.alias(FINDING), pl.lit(1.0).alias(VALUE))),
            ]
        )

    def _of_findings(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return what the long table of findings says, and the rows that it cannot say."""
        place = Words.of(table["finding"]).map(self._finding, pl.UInt16)
        unknown = table.filter(place.is_null())
        gone = [rejections(unknown, "findings", "finding", "is not a finding of the catalogue")]
        words = Words.of(table[VALUE])
        # Findings that are written alike are read together.
        alike: dict[Column, list[int]] = {}
        for number in place.drop_nulls().unique().sort():
            alike.setdefault(self.schema.finding(self.settler.findings[number].id), []).append(
                number
            )
        said = [empty_statements()]
        for column, numbers in alike.items():
            own = place.is_in(numbers)
            part, codes = table.filter(own), words.codes.filter(own)
            told = self._valued(words.texts, column)
            strange = told["strange"].gather(codes).fill_null(False)
            gone.append(
                rejections(part.filter(strange), "findings", VALUE, f"write {column.expected}")
            )
            said.append(
                stated(
                    part.select(
                        PATIENT, place.filter(own).alias(FINDING), told[VALUE].gather(codes)
                    )
                )
            )
        return pl.concat(said), pl.concat(gone)

    def _valued(self, texts: pl.Series, column: Column) -> pl.DataFrame:
        """Return the number that each text stands for in a column, and whether it cannot be read."""
        told = (
            texts.rename(VALUE)
            .to_frame()
            .select(
                column.read(VALUE, pl.String()).alias(VALUE),
                column.strange(VALUE, pl.String()).alias("strange"),
            )
        )
        value = pl.col(VALUE)
        if column.kind == "word":
            value = value.replace_strict(
                {word: place for place, word in enumerate(column.words)}, default=None
            )
        return told.with_columns(value.to_physical().cast(pl.Float64))

    def _finding(self, word: str) -> int | None:
        found = self.terms.catalogue.find(word)
        return self.settler.places[found.id] if found else None

    def _antibodies(self, table: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return results with the antibody as a ``finding``, and the rows whose antibody is not known."""
        place = Words.of(table["antibody"]).map(self._antibody, pl.UInt16).alias(FINDING)
        unknown = table.filter(place.is_null())
        gone = rejections(unknown, "antibodies", "antibody", "is not an antibody of the catalogue")
        return table.with_columns(place).filter(place.is_not_null()), gone

    def _antibody(self, word: str) -> int | None:
        found = self.terms.antibody(word)
        return self.settler.places[found.id] if found else None

    def _of_antibodies(self, results: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that antibody results give."""
        known = self.terms.results.words
        words = Words.of(results["result"])
        by_word = words.map(lambda word: known[word].finding, pl.Boolean)
        doubtful = words.map(lambda word: bool(known[word].text), pl.Boolean).fill_null(False)
        measured = results.filter(pl.col("cut_off").is_not_null() & ~doubtful)
        return pl.concat(
            [
                stated(results.select(PATIENT, FINDING, by_word.alias(VALUE))),
                stated(measured.select(PATIENT, FINDING, pl.col(VALUE) >= pl.col("cut_off"))),
            ]
        )

    def _results(self, results: pl.DataFrame) -> pl.DataFrame:
        """Return antibody results as question 2 reads them."""
        said = Words.of(results["result"]).map(lambda word: word if word != "unknown" else None)
        measured = (
            pl.when(pl.col(VALUE) >= pl.col("cut_off"))
            .then(pl.lit("positive"))
            .when(pl.col(VALUE) < pl.col("cut_off"))
            .then(pl.lit("negative"))
        )
        differ = (said == "negative") != (measured == "negative")
        strength = (
            pl.when(differ.fill_null(False)).then(None).otherwise(pl.coalesce(said, measured))
        )
        names = pl.Series([one.id for one in self.settler.findings])
        return results.select(
            PATIENT,
            names.gather(results[FINDING]).alias("antibody"),
            pl.col("method").cast(pl.String),
            strength.alias("strength"),
            pl.format("antibodies[{}]", ROW).alias("place"),
        ).select(list(RESULTS))  # fmt: skip

    def _visits(
        self, table: pl.DataFrame, samples: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return visits, one a day and patient, with the enzymes of the nearest samples.

        A second visit of the same day is rejected. A measure that the table does not have is unknown.
        """
        first = (
            pl.col(PATIENT).cast(pl.Int64) * _DAYS + pl.col(DATE).to_physical()
        ).is_first_distinct()
        gone = rejections(table.filter(~first), "visits", DATE, "is the second visit of this day")
        kept = table.filter(first)
        kept = kept.drop("weight_kg", strict=False)
        on = Words.of(samples[DATE]).select(
            pl.col(DATE).str.to_date("%Y-%m-%d", strict=False).alias("on"), name=DATE
        )
        dated = (
            samples.select(PATIENT, TEST, VALUE, LIMIT).hstack(on).filter(on["on"].is_not_null())
        )
        given = set(kept.columns)
        for measure in self.terms.measures:
            if given & {*measure.columns, *measure.limit_columns, measure.multiple_column}:
                continue
            column, limits = value_column(measure), list(measure.limit_columns)[:1]
            if measure.enzyme and measure.id in self.laboratory.numbers:
                of_test = dated.filter(pl.col(TEST) == self.laboratory.numbers[measure.id])
                near = self._nearest(kept, of_test).rename({VALUE: column, LIMIT: limits[0]})
                kept = kept.join(near, on=ROW, how="left", maintain_order="left")
            else:
                kept = kept.with_columns(
                    pl.lit(None, pl.Float64).alias(x) for x in (column, *limits)
                )
        return kept, gone

    def _nearest(self, visits: pl.DataFrame, dated: pl.DataFrame) -> pl.DataFrame:
        """Return value and limit of the sample nearest to each visit, if there is no doubt which it is."""
        away = (pl.col(DATE) - pl.col("on")).dt.total_days().abs().alias("away")
        near = (
            visits.select(ROW, PATIENT, DATE)
            .join(dated.drop(TEST), on=PATIENT, maintain_order="left")
            .select(ROW, VALUE, LIMIT, away)
            .filter(pl.col("away") <= self.responses.conventions.enzyme_days)
        )
        nearest = near.filter(pl.col("away") == pl.col("away").min().over(ROW))
        first = nearest.filter(pl.col(ROW).is_first_distinct()).drop("away")
        again = nearest.filter(pl.col(ROW).is_duplicated())
        if again.is_empty():
            return first
        doubt = again.filter(pl.struct(VALUE, LIMIT).n_unique().over(ROW) > 1)[ROW].unique()
        return first.filter(~pl.col(ROW).is_in(doubt.implode()))

    def _of_visits(self, checked: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that the last visit gives with each measure."""
        finding = {
            measure: name
            for measure, name in self.terms.sections.visits.items()
            if measure in checked.columns
        }
        last = checked.group_by(PATIENT, maintain_order=True).agg(
            pl.col(measure).drop_nulls().last() for measure in finding
        )
        return pl.concat(
            [
                empty_statements(),
                *(
                    of_column(last, self.settler.places[name], last[measure])
                    for measure, name in finding.items()
                ),
            ]
        )

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
        starts, stops = (
            Words.of(table[end]).select(*period(end, end), name=end) for end in ("start", "stop")
        )
        table = table.with_columns(start_from=starts["start_from"])
        backwards = (stops["stop_to"] < starts["start_from"]).fill_null(False)
        strange = table.filter(contradicts | backwards)
        reason = (
            "contradicts itself: dates out of order, ongoing with a stop, weeks with both dates"
        )
        gone = rejections(strange, "treatments", "drug", reason)
        kept = table.filter(~(contradicts | backwards))
        if patients.height:
            own = patients["weight_kg"].gather(kept[PATIENT])
        else:
            own = pl.Series([None], dtype=pl.Float64).new_from_index(0, kept.height)
        weight = pl.coalesce("weight_kg", own)
        if "weight_kg" in visits.columns and visits["weight_kg"].count():
            weighed = visits.filter(pl.col("weight_kg").is_not_null()).select(
                PATIENT, weighed_on=DATE, weighed="weight_kg"
            )
            far = pl.date(9999, 12, 31)
            nearest = (
                kept.select(ROW, PATIENT, "start_from")
                .join(weighed, on=PATIENT, maintain_order="left_right")
                .with_columns(
                    away=(pl.col("weighed_on") - pl.col("start_from").fill_null(far)).abs()
                )
                .filter(pl.col("away") == pl.col("away").min().over(ROW))
                .filter(pl.col(ROW).is_first_distinct())
                .select(ROW, "weighed")
            )
            kept = kept.join(nearest, on=ROW, how="left", maintain_order="left")
            of_visit = pl.when(pl.col("start").is_not_null() | own.is_null()).then("weighed")
            weight = pl.coalesce("weight_kg", of_visit, own)
        return kept.with_columns(
            weight_kg=weight,
            ongoing=pl.when(pl.col("reason_stopped").is_not_null())
            .then(False)
            .otherwise("ongoing"),
        ), gone

    def _listed(
        self, patients: pl.DataFrame, ids: pl.Series, rejected: list[pl.DataFrame]
    ) -> pl.Series:
        """Return whether each list of treatments is complete, unless a row of it was rejected.

        Args:
            patients: the table of patients.
            ids: their ids.
            rejected: what was rejected, with ids or places of patients.
        """
        lost = np.zeros(patients.height, bool)
        for one in rejected:
            rows = one.filter((pl.col("table") == "treatments") & pl.col("whole_row"))[
                PATIENT
            ].drop_nulls()
            whose = ids if rows.dtype == pl.String else patients[PATIENT]
            lost |= whose.is_in(rows.implode()).to_numpy()
        complete = patients["treatments_complete"]
        return complete.set(pl.Series(lost), None)

    def _current(self, courses: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
        """Return the findings that courses give which surely go on, other than local ones."""
        local = set(self.terms.sections.local_routes)
        places = self.settler.places

        def class_finding(word: str) -> int | None:
            drug = self.terms.drug(word)
            finding = self.terms.sections.current_drug_class.get(drug.drug_class) if drug else None
            return places[finding] if finding else None

        def is_local(word: str) -> bool:
            return not local.isdisjoint(re.findall(r"\w+", word.lower()))

        def is_single(word: str) -> bool:
            often = self.terms.doses.frequency(word)
            return often is not None and often.days is None

        named = Words.of(courses["drug"]).map(class_finding, pl.UInt16)
        apart = Words.of(courses["route"]).map(is_local, pl.Boolean).fill_null(False) | Words.of(
            courses["frequency"]
        ).map(is_single, pl.Boolean).fill_null(False)
        complete = patients["treatments_complete"].gather(courses[PATIENT]).fill_null(False)
        begun = complete & courses["start"].is_not_null()
        ended = pl.col("stop").is_not_null() | pl.col("reason_stopped").is_not_null()
        goes_on = ~ended & pl.coalesce("ongoing", begun) & ~apart
        return stated(
            courses.with_columns(named.alias(FINDING))
            .filter(goes_on)
            .select(PATIENT, FINDING, pl.lit(1.0).alias(VALUE))
        )


def _numbered(table: pl.DataFrame, ids: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows about patients by their places, in the order of rows, and those about nobody."""
    words = Words.of_runs(table[PATIENT])
    places = words.texts.replace_strict(
        ids,
        pl.int_range(len(ids), dtype=pl.UInt32, eager=True),
        default=None,
        return_dtype=pl.UInt32,
    )
    place = words.read(places).alias(PATIENT)
    known = table.with_columns(place)
    lost = table.filter(place.is_null())
    if lost.height:
        known = known.filter(place.is_not_null())
    return known.sort(ROW), lost


def _named(table: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Return a table with the ids of patients instead of their places."""
    return table.with_columns(ids.gather(table[PATIENT]).alias(PATIENT))

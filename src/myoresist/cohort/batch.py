"""From tables to what the questions read: findings, antibody results, treatments, visits.

It says the same of a patient as ``case.record`` does of a case: every table makes statements about findings,
and a finding about which two statements differ is unknown. Inside a batch a patient is a number.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from myoresist.arrays.table import EPOCH, Table
from myoresist.arrays.words import Words
from myoresist.case.cells import Column, Value
from myoresist.case.courses import PATIENTS, WRITTEN, Treatments, period
from myoresist.case.terms import Terms
from myoresist.cohort.ages import BIRTH, ONSET, exact_days, stated_by_dates
from myoresist.cohort.antibodies import Serum
from myoresist.cohort.courses import Given
from myoresist.cohort.folder import SourceError
from myoresist.cohort.inputs import inputs_table
from myoresist.cohort.labs import Laboratory
from myoresist.cohort.places import (
    by_numbers,
    by_place,
    carried_through,
    not_ongoing,
    open_end,
    until_assessed,
    with_ids,
)
from myoresist.cohort.relative import unread_limits, week_zero, with_limits, with_weeks
from myoresist.cohort.remarks import taken_out
from myoresist.cohort.samples import entered, of_visits, put_together, samples, told_once
from myoresist.cohort.schema import (
    ROW,
    WEEKS_FROM,
    CodesNamed,
    Schema,
    cleaned,
    codes_are_named,
    empty_rejections,
    rejections,
)
from myoresist.cohort.shorthand import with_steps, written_out
from myoresist.cohort.statements import (
    FINDING,
    VALUE,
    empty_statements,
    joined,
    of_column,
    stated,
)
from myoresist.cohort.visits import Measured
from myoresist.findings.evaluate import Inference
from myoresist.findings.statements import Settler
from myoresist.resistance.response.evaluate import Responses
from myoresist.resistance.response.visits import DATE, PATIENT
from myoresist.treatment.ceilings import Ceilings

STRANGER, TWICE = "is not in patients", "stands here twice"
"""Why a row is about nobody, or about somebody a second time."""
AGES = ("age", "age_at_onset", "weakness_duration_months")
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
        kept: columns that are only carried through, in the same order.
        inputs: what was entered of each patient.
    """

    ids: pl.Series
    patients: pl.DataFrame
    recorded: Table
    results: pl.DataFrame
    treatments: Treatments
    visits: pl.DataFrame
    rejected: pl.DataFrame
    conflicts: pl.DataFrame
    kept: pl.DataFrame
    inputs: pl.DataFrame

    def named(self, table: pl.DataFrame) -> pl.DataFrame:
        """Return a table with the ids of the patients instead of their places, and what is carried through.

        Raises:
            SourceError: if what is carried through is called like a column of the table.
        """
        same = set(self.kept.columns) & set(table.columns)
        if same:
            raise SourceError(
                f"keep: {min(same)} is a column of the answers; call it otherwise: "
                f"keep: {{{min(same)}: NAME}}"
            )
        carried = self.kept.select(pl.all().gather(table[PATIENT]))
        named = with_ids(table, self.ids)
        if not carried.width:
            return named
        return named.select(PATIENT).hstack(carried).hstack(named.drop(PATIENT))


@dataclass(frozen=True)
class Reader:
    """Reads tables of patients; every different word is looked up once."""

    terms: Terms
    schema: Schema
    inference: Inference
    responses: Responses
    is_method: Callable[[str], bool]
    diseases: Container[str]
    ceilings: Ceilings
    codes_named: CodesNamed = False

    @cached_property
    def settler(self) -> Settler:
        """Return what turns statements into findings."""
        return Settler(self.terms.catalogue, self.inference)

    @cached_property
    def laboratory(self) -> Laboratory:
        """Return what reads laboratory values."""
        return Laboratory(self.terms, self.settler)

    @cached_property
    def serum(self) -> Serum:
        """Return what reads antibody results."""
        return Serum(self.terms, self.settler, self.is_method)

    @cached_property
    def measured(self) -> Measured:
        """Return what reads visits."""
        return Measured(self.terms, self.settler, self.laboratory, self.responses)

    @cached_property
    def given(self) -> Given:
        """Return what reads courses of treatment."""
        return Given(self.terms, self.settler)

    def read(self, tables: Mapping[str, pl.DataFrame]) -> Batch:
        """Return some patients, as the questions read them.

        Args:
            tables: the tables of these patients as they came in, with ``row``; ``patients`` at least.
        """
        tables, remarks = taken_out(tables)
        tables, carried = carried_through(tables)
        typed, asked, rejected = self._typed(tables)
        rejected.append(remarks)
        patients = typed["patients"]
        first = patients[PATIENT].is_first_distinct()
        rejected.append(rejections(patients.filter(~first), "patients", PATIENT, TWICE))
        patients = patients.filter(first).sort(PATIENT)
        ids = patients[PATIENT]
        kept = (
            patients.select(ROW).join(carried, on=ROW, how="left", maintain_order="left").drop(ROW)
        )
        patients = patients.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias(PATIENT))
        gone = [empty_rejections(), self._undiagnosed(patients)]
        read = {"patients": by_place(typed["patients"], ids)[0]}
        for name in [x for x in typed if x != "patients"]:
            typed[name], lost = by_place(typed[name], ids)
            if name in tables:
                read[name] = entered(typed[name]) if name == "labs" else typed[name]
            asked[name] = by_place(asked[name], ids)[0]
            rejected.append(rejections(lost, name, PATIENT, STRANGER))
            typed[name], late = until_assessed(typed[name], name, patients)
            gone += late
        every, no_lab = self.laboratory.read(typed["labs"], asked["labs"])
        labs = told_once(every)
        findings, no_finding = self._of_findings(typed["findings"])
        serum, no_antibody = self.serum.read(typed["antibodies"], asked["antibodies"])
        dates = patients.select(PATIENT, DATE, BIRTH, *AGES, written=ONSET).rename(
            {"written": ONSET}
        )
        patients = patients.with_columns(
            self._assessed_on(patients, typed, asked), exact_days(patients[ONSET]).alias(ONSET)
        )
        visits, no_visit = self.measured.read(typed["visits"], labs)
        given = not_ongoing(typed["treatments"], asked["treatments"])
        courses, no_course = self.given.read(given, typed["visits"], patients)
        taken = not_ongoing(typed["medicines"], asked["medicines"], False)
        medicines, no_medicine = self.given.medicines(taken)
        checked = self.responses.visits(visits.drop(ROW))
        gone = [
            by_numbers(one)
            for one in (
                *gone, no_lab, no_finding, no_visit, *no_antibody, *no_course, *no_medicine,
            )
        ]  # fmt: skip
        open_ = open_end(asked["treatments"])
        patients = patients.with_columns(self._listed(patients, ids, [*rejected, *gone], open_))
        treatments = Treatments.of(
            patients.select(list(PATIENTS)),
            courses.select(list(WRITTEN)),
            self.laboratory.levels(labs),
            self.terms,
        )
        gone += self._beyond(courses, treatments)
        said = [
            self._of_words(patients),
            self.laboratory.stated(labs),
            findings,
            self.serum.stated(serum),
            self.measured.stated(checked, asked["visits"]),
            self.given.stated(courses, patients),
            self.given.organs_stated(courses),
            medicines,
            *stated_by_dates(dates, patients[DATE], self.settler),
        ]
        settled = self.settler.settle(joined(said), len(ids), self._own(patients))
        return Batch(
            ids=ids,
            patients=patients.select(
                PATIENT, pl.col("label", "final_diagnosis").cast(pl.String), "baseline"
            ),
            recorded=settled.recorded,
            results=self.serum.results(serum),
            treatments=treatments,
            visits=checked,
            rejected=of_visits(
                pl.concat([*rejected, with_ids(pl.concat(gone), ids)]),
                typed["visits"].columns,
                self.terms,
            ).sort("table", ROW, "column"),
            kept=kept,
            inputs=inputs_table(read),
            conflicts=pl.DataFrame(
                list(settled.disputes), {PATIENT: pl.UInt32, FINDING: pl.String}, orient="row"
            ),
        )

    def _typed(
        self, tables: Mapping[str, pl.DataFrame]
    ) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame], list[pl.DataFrame]]:
        """Return every table with its cells read, the rows with one that cannot be, and these."""
        typed: dict[str, pl.DataFrame] = {}
        asked: dict[str, pl.DataFrame] = {}
        patients = tables["patients"]
        rejected = [unread_limits(patients, self.terms)]
        zero = week_zero(patients, self.schema.tables["patients"][WEEKS_FROM])
        for name in self.schema.tables:
            frame = tables.get(name)
            if frame is None:
                # Of visits a table has no more than the measures that it needs; the others follow.
                columns = (PATIENT, DATE) if name == "visits" else self.schema.tables[name]
                wanted = self.schema.typed(name, columns)
                typed[name] = pl.DataFrame(schema={ROW: pl.UInt32, **wanted})
                asked[name] = typed[name]
                continue
            frame = with_weeks(written_out(frame, name), name, zero)
            if name == "labs":
                frame, assumed = with_limits(frame, patients, self.terms)
                rejected.append(assumed)
            read = cleaned(frame, name, self.schema, self.codes_named)
            typed[name], asked[name] = (self._whole(x, name) for x in (read.rows, read.asked))
            if name == "treatments":
                typed[name] = with_steps(typed[name])
            rejected.append(read.rejected)
        visits = with_weeks(tables.get("visits", pl.DataFrame()), "visits", zero)
        for read in samples(visits, patients, self.schema, self.codes_named):
            rejected.append(read.rejected)
            for found, more in ((typed, read.rows), (asked, read.asked)):
                found["labs"] = put_together(found["labs"], self._whole(more, "labs"))
        return typed, asked, rejected

    def _beyond(self, courses: pl.DataFrame, treatments: Treatments) -> Iterator[pl.DataFrame]:
        """Yield the doses that no regimen reaches; they count as no adequate trial."""
        for one, above in self.ceilings.exceeded(treatments.courses):
            reason = f"is above any usual dose and counts as no adequate trial. {one.text}"
            found = rejections(courses.filter(pl.Series(above)), "treatments", "dose", reason)
            yield by_numbers(found.with_columns(whole_row=False))

    def _undiagnosed(self, patients: pl.DataFrame) -> pl.DataFrame:
        """Return the final diagnoses that are none of the differential."""
        known = Words.of(patients["final_diagnosis"]).map(
            lambda word: word in self.diseases, pl.Boolean
        )
        found = rejections(
            patients.filter(~known),
            "patients",
            "final_diagnosis",
            "is no disease of the differential",
        )
        return found.with_columns(whole_row=False)

    def _whole(self, frame: pl.DataFrame, table: str) -> pl.DataFrame:
        """Return a table with every column that it may have and that the code names."""
        if table == "visits":
            return frame
        wanted = self.schema.typed(table, self.schema.tables[table])
        missing = pl.DataFrame(schema={x: y for x, y in wanted.items() if x not in frame.columns})
        return frame.hstack(missing.clear(frame.height))

    def _own(self, patients: pl.DataFrame) -> Table:
        """Return the findings that the table of patients has as columns."""
        own = [one.id for one in self.terms.catalogue if patients[one.id].count()]
        return Table.of_frame(patients.select(own), patients.height)

    def _assessed_on(
        self,
        patients: pl.DataFrame,
        typed: Mapping[str, pl.DataFrame],
        asked: Mapping[str, pl.DataFrame],
    ) -> pl.Series:
        """Return the date of each assessment: the one given, or else the latest date of the record.

        A row of which something cannot be read has its date all the same.
        """
        dated = [
            (rows[table][PATIENT], Words.of(rows[table][column]))
            for rows in (typed, asked)
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
            reason = told["reason"].gather(codes)
            strange = part.with_columns(reason=reason).filter(reason.is_not_null())
            gone.append(rejections(strange, "findings", VALUE, pl.col("reason")))
            said.append(
                stated(
                    part.select(
                        PATIENT, place.filter(own).alias(FINDING), told[VALUE].gather(codes)
                    )
                )
            )
        return pl.concat(said), pl.concat(gone)

    def _valued(self, texts: pl.Series, column: Column) -> pl.DataFrame:
        """Return the number that each text stands for in a column, and why it cannot be read."""
        named = codes_are_named(self.codes_named, "findings", VALUE)
        read = [column.read(x, named) for x in texts.to_list()]

        def number(value: Value | None) -> float | None:
            if isinstance(value, str):
                return column.words.index(value)
            if isinstance(value, date):
                return (value - EPOCH).days
            return None if value is None else float(value)

        return pl.DataFrame(
            {VALUE: [number(x.value) for x in read], "reason": [x.wrong for x in read]},
            {VALUE: pl.Float64, "reason": pl.String},
        )

    def _finding(self, word: str) -> int | None:
        found = self.terms.catalogue.find(word)
        return self.settler.places[found.id] if found else None

    def _listed(
        self,
        patients: pl.DataFrame,
        ids: pl.Series,
        rejected: list[pl.DataFrame],
        open_: pl.Series,
    ) -> pl.Series:
        """Return whether each list of treatments is complete, unless a row of it was rejected.

        Args:
            patients: the table of patients.
            ids: their ids.
            rejected: what was rejected, with ids or places of patients.
            open_: the patients of whom it cannot be read whether a course goes on.
        """
        lost = patients[PATIENT].is_in(open_.implode()).to_numpy().copy()
        for one in rejected:
            # A medicine that is rejected may have been a treatment.
            of_drugs = pl.col("table").is_in(["treatments", "medicines"])
            rows = one.filter(of_drugs & pl.col("whole_row"))[PATIENT].drop_nulls()
            whose = ids if rows.dtype == pl.String else patients[PATIENT]
            lost |= whose.is_in(rows.implode()).to_numpy()
        complete = patients["treatments_complete"]
        return complete.set(pl.Series(lost), None)

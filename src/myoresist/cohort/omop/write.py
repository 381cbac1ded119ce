"""A freeze written as tables of an OMOP CDM: observations, cohorts, and the concepts that they use.

Computed answers stand as observations that an algorithm made, under concepts of our own with our own glosses;
nothing is written as a condition or a measurement of the patient. What a site recorded is not repeated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import polars as pl

from myoresist import knowledge as packaged
from myoresist.cohort.folder import SourceError, first_line
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.keeping import part, whole
from myoresist.cohort.registry import CONSULT, CRITERIA, DIFFERENTIAL, REFRACTORY, RESPONSES, TRIALS
from myoresist.knowledge.schema import Entry, Sourced, load
from myoresist.resistance.response.visits import DATE, PATIENT
from myoresist.version import __version__

FILE = "omop/answers.yaml"
Version = Literal["5.3", "5.4"]
VERSIONS: tuple[Version, ...] = ("5.3", "5.4")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2099, 12, 31)
"""Between them a concept is valid."""
NAME, CODE, WORDS = 255, 50, 60
"""How long a name, a code and a value in words may be."""
MET, ON = "met", "assessed_on"
PERSON, QUESTION, NUMBER, WORD, DAY = "person_id", "question", "number", "word", "day"
STATES: Mapping[str, str] = {
    "met": "Met", "not_met": "Not met", "undetermined": "Undetermined: what is recorded leaves it open",
    "adequate": "Adequate trial", "inadequate": "Inadequate trial",
}  # fmt: skip
_OBSERVATION = (
    "observation_id", "person_id", "observation_concept_id", "observation_date", "observation_datetime",
    "observation_type_concept_id", "value_as_number", "value_as_string", "value_as_concept_id",
    "qualifier_concept_id", "unit_concept_id", "provider_id", "visit_occurrence_id", "visit_detail_id",
    "observation_source_value", "observation_source_concept_id", "unit_source_value",
    "qualifier_source_value",
)  # fmt: skip
COLUMNS: Mapping[Version, tuple[str, ...]] = {
    "5.3": _OBSERVATION,
    "5.4": (
        *_OBSERVATION, "value_source_value", "observation_event_id", "obs_event_field_concept_id",
    ),
}  # fmt: skip
"""The columns of ``observation`` in their order; the other tables are the same in both versions."""


class Fixed(Entry):
    """A concept that the model fixes."""

    id: int
    name: str
    check: str


class Conventions(Sourced):
    """The numbers of ``knowledge/omop/answers.yaml``, explained in the file."""

    type_concept: Fixed
    subject_concept: Fixed
    no_concept: Fixed
    first_concept: int
    concepts: int
    first_observation: int
    vocabulary: str
    domain: str


@dataclass(frozen=True)
class OmopExport:
    """How a freeze is written as tables of a CDM.

    Attributes:
        freeze: the answers.
        version: of the model.
        day: stands for the day of an assessment where a record has none.
        persons: a CSV file with ``patient_id`` and ``person_id``; the ids themselves without one.
    """

    freeze: Freeze
    version: Version = "5.4"
    day: date | None = None
    persons: Path | None = None

    @cached_property
    def _told(self) -> Conventions:
        return load(packaged.folder() / FILE, Conventions)

    def write(self, out: Path) -> None:
        """Write one CSV file a table, with the names and the order of columns of the model.

        Raises:
            SourceError: if the place is taken, a patient is no person of the CDM, or a day is missing.
        """
        if out.exists() and (out.is_file() or any(out.iterdir())):
            raise SourceError(f"{out}: is there already; name another place")
        people = self._people()
        with whole(out) as half:
            half.mkdir(mode=0o700)
            self._write(half, people)

    def _write(self, out: Path, people: pl.DataFrame) -> None:
        used = pl.DataFrame(schema={QUESTION: pl.String, WORD: pl.String})
        number = self._told.first_observation
        with (
            (out / "observation.csv").open("wb") as observations,
            (out / "cohort.csv").open("wb") as cohorts,
        ):
            for bucket in range(self.freeze.manifest["buckets"]):
                # Part by part, so that it needs no more memory for more patients.
                observed = self._observed(bucket, people)
                used = pl.concat([used, observed.select(QUESTION, WORD).unique()]).unique()
                rows, first = self._observations(observed, number), bucket == 0
                rows.write_csv(observations, float_precision=6, include_header=first)
                self._cohorts(bucket, people).write_csv(cohorts, include_header=first)
                number += rows.height
        for name, table in (
            ("vocabulary", self._vocabulary()), ("concept_class", self._class()),
            ("concept", self._concepts(used)), ("cohort_definition", self._definitions()),
        ):  # fmt: skip
            table.write_csv(out / f"{name}.csv")

    def concept(self, code: str) -> int:
        """Return the number of a concept or a cohort of ours, which follows from its code."""
        spread = int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big")
        return self._told.first_concept + spread % self._told.concepts

    def _people(self) -> pl.DataFrame:
        """Return each patient with person and day of assessment."""
        days = (
            self.freeze.scan(DIFFERENTIAL)
            .select(PATIENT, pl.col(ON).fill_null(pl.lit(self.day, pl.Date)))
            .collect()
        )
        if self.persons is None:
            number = pl.col(PATIENT).cast(pl.Int64, strict=False)
            people = days.with_columns(
                pl.when(number.cast(pl.String) == pl.col(PATIENT)).then(number).alias(PERSON)
            )
            hint = "are no numbers of a CDM; give --persons, a CSV file of patient_id and person_id"
        else:
            known = _listed(self.persons)
            if not {PATIENT, PERSON} <= set(known.columns) or known[PATIENT].is_duplicated().any():
                raise SourceError(
                    f"{self.persons}: has to hold patient_id, each once, and person_id"
                )
            people = days.join(
                known.select(PATIENT, PERSON), on=PATIENT, how="left", maintain_order="left"
            )
            hint = f"do not stand in {self.persons}"
        if lost := people[PERSON].null_count():
            raise SourceError(f"{lost} ids of patients {hint}")
        if people[PERSON].is_duplicated().any():
            raise SourceError("two patients are one person of the CDM")
        if lost := people[ON].null_count():
            raise SourceError(
                f"the records of {lost} patients have no date; give the day of the freeze by --date"
            )
        return people

    def _scan(self, table: str, bucket: int) -> pl.LazyFrame:
        return pl.scan_parquet(part(self.freeze.folder, table, bucket), glob=False)

    def _observed(self, bucket: int, people: pl.DataFrame) -> pl.DataFrame:
        """Return one row an answer: person, question, value as number or word, day; in one order."""
        wanted = (PERSON, QUESTION, NUMBER, WORD, DAY)
        parts = [self._joined(x, people).select(wanted) for x in self._parts(bucket)]
        return pl.concat(parts).sort(PERSON, QUESTION, DAY).collect()

    def _joined(self, answers: pl.LazyFrame, people: pl.DataFrame) -> pl.LazyFrame:
        found = answers.join(people.lazy(), on=PATIENT, maintain_order="left")
        if DAY not in answers.collect_schema():
            return found.with_columns(pl.col(ON).alias(DAY))
        return found

    def _parts(self, bucket: int) -> Iterator[pl.LazyFrame]:
        word, number = pl.col("value").cast(pl.String), pl.lit(None, pl.Float64)
        for table, columns in self._columns.items():
            for column in columns:
                kind = self._kinds[table][column]
                numeric = kind.is_numeric()
                yield (
                    self._scan(table, bucket)
                    .select(PATIENT, value=pl.col(column))
                    .drop_nulls("value")
                    .with_columns(
                        pl.lit(f"{table}.{column}" if table != CRITERIA else column).alias(
                            QUESTION
                        ),
                        (pl.col("value").cast(pl.Float64) if numeric else number).alias(NUMBER),
                        (pl.lit(None, pl.String) if numeric else word).alias(WORD),
                    )
                )
        for table, name, state in ((REFRACTORY, "definition", "state"), (TRIALS, "trial", "state")):
            yield (
                self._scan(table, bucket)
                .filter(pl.col(state).cast(pl.String).is_in(list(STATES)))
                .select(
                    PATIENT, number.alias(NUMBER), pl.col(state).cast(pl.String).alias(WORD),
                    (f"{table}." + pl.col(name).cast(pl.String)).alias(QUESTION),
                )
            )  # fmt: skip
        yield (
            self._scan(RESPONSES, bucket)
            .filter(pl.col("score").is_not_null())
            .select(
                PATIENT, pl.lit("responses.score").alias(QUESTION), pl.col("score").cast(pl.Float64)
                .alias(NUMBER), pl.lit(None, pl.String).alias(WORD), pl.col(DATE).cast(pl.Date).alias(DAY),
            )
        )  # fmt: skip

    @cached_property
    def _kinds(self) -> Mapping[str, pl.Schema]:
        return {x: self.freeze.scan(x).collect_schema() for x in (CONSULT, DIFFERENTIAL, CRITERIA)}

    @cached_property
    def _columns(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of one row a patient that are written."""
        held = self.freeze.columns(CRITERIA)
        verdicts = [f"{x}.{y}" for x in self._sets for y in ("state", "outcome", "score")]
        return {
            CONSULT: ("state", "certainty"),
            DIFFERENTIAL: ("differential.leading", "label_probability"),
            CRITERIA: tuple(x for x in verdicts if x in held),
        }

    def _cohorts(self, bucket: int, people: pl.DataFrame) -> pl.DataFrame:
        """Return who meets what, from the day since when, or else that of the assessment, to that one."""
        criteria = [
            self._scan(CRITERIA, bucket)
            .filter(pl.col(f"{one}.state").cast(pl.String) == MET)
            .select(
                PATIENT,
                pl.lit(self.concept(f"cohort.{one}")).alias("definition"),
                pl.lit(None, pl.Date).alias(DAY),
            )
            for one in self._sets
        ]
        numbers = {x: self.concept(f"cohort.{REFRACTORY}.{x}") for x in self._refractory}
        refractory = (
            self._scan(REFRACTORY, bucket)
            .filter(
                pl.col("state").cast(pl.String) == MET,
                pl.col("definition").cast(pl.String).is_in(list(numbers)),
            )
            .select(
                PATIENT,
                pl.col("definition").cast(pl.String).replace_strict(numbers, return_dtype=pl.Int64),
                pl.col("met_since").alias(DAY),
            )
        )
        end = pl.col(ON)
        start = pl.min_horizontal(pl.coalesce(DAY, end), end)
        return (
            pl.concat(
                [
                    refractory,
                    *(x.with_columns(pl.col("definition").cast(pl.Int64)) for x in criteria),
                ]
            )
            .join(people.lazy(), on=PATIENT, maintain_order="left")
            .select(
                cohort_definition_id="definition",
                subject_id=PERSON,
                cohort_start_date=start,
                cohort_end_date=end,
            )
            .sort("cohort_definition_id", "subject_id")
            .collect()
        )

    @cached_property
    def _sets(self) -> tuple[str, ...]:
        held = set(self.freeze.columns(CRITERIA))
        sets = self.freeze.knowledge.criteria.sets.values()
        # The definitions of refractory disease among them know since when they are met.
        return tuple(x.id for x in sets if f"{x.id}.state" in held and x.id not in self._refractory)

    @cached_property
    def _refractory(self) -> Mapping[str, str]:
        """Return the title of each definition of refractory disease."""
        entries = self.freeze.knowledge.resistance.treatments.refractory.definitions
        return {x.id: x.title for x in entries if x.status == "implemented"}

    def _definitions(self) -> pl.DataFrame:
        sets = self.freeze.knowledge.criteria.sets
        named = {f"{REFRACTORY}.{x}": title for x, title in self._refractory.items()}
        named |= {x: f"{sets[x].short}: met" for x in self._sets}
        said = (
            f"By myoresist {__version__}, knowledge {packaged.version()}. From the day since which it "
            "is met, or that of the assessment where the day is not known, to that of the assessment."
        )
        rows = [
            {
                "cohort_definition_id": self.concept(f"cohort.{code}"),
                "cohort_definition_name": title[:NAME], "cohort_definition_description": said,
                "definition_type_concept_id": self._told.no_concept.id,
                "cohort_definition_syntax": None, "subject_concept_id": self._told.subject_concept.id,
                "cohort_initiation_date": None,
            }
            for code, title in named.items()
        ]  # fmt: skip
        return pl.DataFrame(rows, schema_overrides={"cohort_definition_syntax": pl.String})

    def _vocabulary(self) -> pl.DataFrame:
        told = self._told
        return pl.DataFrame(
            {
                "vocabulary_id": [told.vocabulary], "vocabulary_name": ["Answers of myoresist"],
                "vocabulary_reference": ["knowledge of myoresist"],
                "vocabulary_version": [f"myoresist {__version__}, knowledge {packaged.version()}"[:NAME]],
                # A concept needs its vocabulary to be there first.
                "vocabulary_concept_id": [told.no_concept.id],
            }
        )  # fmt: skip

    def _class(self) -> pl.DataFrame:
        told = self._told
        return pl.DataFrame(
            {"concept_class_id": [told.vocabulary], "concept_class_name": ["Answers of myoresist"],
             "concept_class_concept_id": [told.no_concept.id]}
        )  # fmt: skip

    def _concepts(self, observed: pl.DataFrame) -> pl.DataFrame:
        """Return the concepts that are used.

        Raises:
            SourceError: if two of them would have one number.
        """
        told = self._told
        used = sorted(observed[QUESTION].unique())
        words = observed.select(pl.col(WORD).drop_nulls().unique()).to_series().sort()
        names = {x: self._label(x) for x in used} | {
            _value(x): self._values[x] for x in words if x in self._values
        }
        numbers = {self.concept(x): x for x in names}
        if len(numbers) < len(names):
            raise SourceError("two concepts would have one number; this is an error of myoresist")
        return pl.DataFrame(
            [
                {
                    "concept_id": number, "concept_name": names[code][:NAME], "domain_id": told.domain,
                    "vocabulary_id": told.vocabulary, "concept_class_id": told.vocabulary,
                    "standard_concept": None, "concept_code": code[:CODE], "valid_start_date": FIRST_DAY,
                    "valid_end_date": LAST_DAY, "invalid_reason": None,
                }
                for number, code in numbers.items()
            ],
            schema_overrides={"standard_concept": pl.String, "invalid_reason": pl.String},
        )  # fmt: skip

    @cached_property
    def _values(self) -> Mapping[str, str]:
        """Return what words say that are the same wherever they stand."""
        base = self.freeze.knowledge
        return {**base.names.diseases, **{x.id: x.text for x in base.consult.data.states}, **STATES}

    def _label(self, question: str) -> str:
        table, _, name = question.partition(".")
        base = self.freeze.knowledge
        if table == REFRACTORY:
            return self._refractory.get(name, name.replace("_", " "))
        if table == TRIALS:
            return f"Trial: {base.names.labels.get(name, name.replace('_', ' '))}"
        if table in base.criteria.sets:
            return f"{base.criteria.sets[table].short}: {name}"
        return _LABELS[question]

    def _observations(self, observed: pl.DataFrame, first: int) -> pl.DataFrame:
        """Return the rows of ``observation``, numbered from ``first``."""
        told = self._told
        questions = {x: self.concept(x) for x in observed[QUESTION].unique()}
        values = {x: self.concept(_value(x)) for x in self._values}
        concept = pl.col(QUESTION).replace_strict(questions, return_dtype=pl.Int64)
        made: dict[str, pl.Expr] = {
            "observation_id": pl.int_range(pl.len()) + first,
            "person_id": pl.col(PERSON), "observation_concept_id": concept, "observation_date": pl.col(DAY),
            "observation_type_concept_id": pl.lit(told.type_concept.id), "value_as_number": pl.col(NUMBER),
            "value_as_string": pl.col(WORD).str.head(WORDS),
            "value_as_concept_id": pl.col(WORD).replace_strict(values, default=None, return_dtype=pl.Int64),
            "observation_source_value": pl.col(QUESTION).str.head(CODE),
            "observation_source_concept_id": concept,
        }  # fmt: skip
        return observed.select(
            made.get(x, pl.lit(None, pl.String)).alias(x) for x in COLUMNS[self.version]
        )


_LABELS = {
    "consult.state": "State of the patient", "consult.certainty": "How sure the disease is",
    "differential.differential.leading": "Most probable disease",
    "differential.label_probability": "Probability of the label, from 0 to 1",
    "responses.score": "Total improvement score since the baseline",
}  # fmt: skip


def _listed(file: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(file, schema_overrides={PATIENT: pl.String, PERSON: pl.Int64})
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{file}: cannot be read: {first_line(error)}") from error


def _value(word: str) -> str:
    return f"value.{word}"

"""A project of REDCap that mirrors the tables of a registry: its data dictionary, and its export read back.

Every field is made from the schema of the tables, so that an export needs no mapping file: raw or with
labels, with repeated instruments, the state of each form, and codes for missing data.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from myoresist.case.cells import Column
from myoresist.case.terms import Terms
from myoresist.cohort.ages import BIRTH, ONSET
from myoresist.cohort.names import Names
from myoresist.cohort.redcap import COMPLETE, MISSING
from myoresist.cohort.schema import ASSUMED_LIMITS, BOUNDS, ROW, WEEKS_FROM, Schema
from myoresist.resistance.response.visits import DATE, PATIENT

HEADING = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note",
    "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
    "Identifier?", "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment",
    "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?", "Field Annotation",
)  # fmt: skip
RECORD, RECORD_LABEL = "record_id", "Record ID"
LONGEST = 26
"""Characters of a name beyond which REDCap warns; it allows 100."""
PATIENT_FORM = "patient"
REPEATED: Mapping[str, str] = {
    "antibodies": "ab", "labs": "lab", "treatments": "trt", "medicines": "med", "visits": "vis",
}  # fmt: skip
"""Forms that repeat, each called as our table, and what its fields begin with."""
_TITLES = {
    "antibodies": "Antibody", "labs": "Laboratory", "treatments": "Treatment", "medicines": "Medicine",
    "visits": "Visit",
}  # fmt: skip
_OF_PATIENT = (
    DATE, "label", "sex", BIRTH, ONSET, "age", "age_at_onset", "weakness_duration_months", "tempo",
    "weight_kg", "treatments_complete", "baseline", WEEKS_FROM, ASSUMED_LIMITS,
)  # fmt: skip
_TOLD = ("diagnosis_label", "onset_date", "assessment_date", "sex_female")
"""Findings that the form of the patient asks as columns of their own."""
_OWN_NAMES = {DATE: "assessed_on", "treatments_complete": "all_treatments_listed"}
"""A name that ends as that of the state of a form would be taken for one."""
_LABELS = {
    DATE: "Date of the assessment", "label": "Diagnosis carried", BIRTH: "Date of birth",
    ONSET: "Date of the first symptom", "tempo": "Onset", "weight_kg": "Weight (kg)",
    "treatments_complete": "Is every course of treatment listed?",
    "baseline": "Visit from which a response is judged",
    WEEKS_FROM: "Day from which weeks are counted",
    ASSUMED_LIMITS: "Upper limits to assume, such as CK 200",
}  # fmt: skip
_PARTIAL = "2023-05-17, 2023-05 or 2023"
_BOUND = "A number, or a bound such as &lt;20, &gt;22000 or 400-500"
"""Notes of REDCap are HTML."""
_LISTED = {"drug": "drugs", "antibody": "antibodies", "test": "labs"}
_SHOWN = {
    ("antibodies", "cut_off"): "[ab_value] <> ''",
    ("treatments", "reason_stopped"): "[trt_ongoing] <> 'yes'",
}


@dataclass(frozen=True)
class Field:
    """A field of the project, and the column of ours that it is.

    ``choices`` are words of ours by their codes, each with its label.
    """

    name: str
    form: str
    table: str
    column: str
    type: str
    label: str
    choices: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    note: str = ""
    validation: str = ""
    minimum: str = ""
    maximum: str = ""
    identifier: bool = False
    shown: str = ""
    required: bool = False

    def row(self) -> tuple[str, ...]:
        """Return the line of the data dictionary."""
        choices = " | ".join(f"{code}, {label}" for code, (_, label) in self.choices.items())
        return (
            self.name, self.form, "", self.type, self.label, choices, self.note, self.validation,
            self.minimum, self.maximum, "y" if self.identifier else "", self.shown,
            "y" if self.required else "", "", "", "", "", "",
        )  # fmt: skip

    @property
    def values(self) -> dict[str, str]:
        """Return for each code and label the word of ours, where they differ in more than case."""
        said = {
            text: word for code, (word, label) in self.choices.items() for text in (code, label)
        }
        return {text: word for text, word in said.items() if text.lower() != word.lower()}


def dictionary(schema: Schema) -> str:
    """Return the data dictionary, a CSV file that REDCap takes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADING)
    record = Field(RECORD, PATIENT_FORM, "patients", PATIENT, "text", RECORD_LABEL, identifier=True)
    writer.writerows(one.row() for one in (record, *Project(schema).fields))
    return text.getvalue()


@dataclass(frozen=True)
class Project:
    """The project that is made from a schema."""

    schema: Schema

    @property
    def terms(self) -> Terms:
        """Return the words of a case."""
        return self.schema.terms

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Return every field but that of the record, form by form."""
        return tuple(_named([*self._patient(), *self._findings(), *self._lists()]))

    def names(self, columns: Iterable[str], instruments: Iterable[str]) -> Names | None:
        """Return what the columns of an export are called here, if it is one of this project.

        Args:
            columns: of the export.
            instruments: the repeated ones of which it has rows.
        """
        there = set(columns)
        own = [x for x in self.fields if x.name in there]
        told = {f"{x}{COMPLETE}" for x in (PATIENT_FORM, *REPEATED)}
        if RECORD not in there or not own or not there & (told | self._telling):
            return None
        named: dict[str, dict[str, str | None]] = {"patients": {RECORD: PATIENT}}
        values: dict[str, dict[str, dict[str, str]]] = {}
        kept = {"patients", *instruments}
        for one in own:
            named.setdefault(one.table, {})[one.name] = one.column
            if one.values and one.table in kept:
                values.setdefault(one.table, {})[one.name] = one.values
        repeated = {x: x for x in instruments if x in REPEATED}
        # Fields of a form without any row are there, and say nothing of a patient.
        lost = {x: None for table, y in named.items() if table not in kept for x in y}
        columns_ = {x: y for x, y in named.items() if x in kept}
        columns_["patients"] |= lost
        return Names(columns=columns_, values=values, repeated=repeated, missing=list(MISSING))

    @cached_property
    def _telling(self) -> frozenset[str]:
        """Return the fields that no other project has by chance."""
        return frozenset(x.name for x in self.fields if x.table in REPEATED and x.required)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """Return for each label the name of its field."""
        return {RECORD_LABEL: RECORD, **{x.label: x.name for x in self.fields}}

    def _patient(self) -> Iterator[Field]:
        columns = self.schema.tables["patients"]
        for name in _OF_PATIENT:
            label = self._label(name)
            own = _OWN_NAMES.get(name, name)
            yield self._field(own, PATIENT_FORM, "patients", name, columns[name], label)

    def _label(self, column: str) -> str:
        if column in _LABELS:
            return _LABELS[column]
        finding = self.terms.catalogue.findings.get(column)
        if finding is not None:
            unit = f" ({finding.unit})" if finding.unit else ""
            return finding.label + unit
        return _words(column)

    def _findings(self) -> Iterator[Field]:
        """Yield what the catalogue asks, one form a topic."""
        columns = self.schema.tables["patients"]
        groups = dict.fromkeys(x.group for x in self.terms.catalogue)
        for group in groups:
            for one in self.terms.catalogue:
                if one.group == group and one.id not in (*_OF_PATIENT, *_TOLD):
                    form = f"{group}_findings"
                    yield self._field(
                        one.id, form, "patients", one.id, columns[one.id], self._label(one.id),
                        one.question,
                    )  # fmt: skip

    def _lists(self) -> Iterator[Field]:
        for table, prefix in REPEATED.items():
            for name, column in self._columns(table):
                label = f"{_TITLES[table]}: {self._of_list(table, name)}"
                own = f"{prefix}_{_OWN_NAMES.get(name, name) if name != DATE else name}"
                yield self._field(own, table, table, name, column, label)

    def _of_list(self, table: str, name: str) -> str:
        measures = self.terms.measures.by_id
        if table == "visits" and name in measures:
            return f"{measures[name].title} ({measures[name].unit})"
        return _words(name).lower().replace(" kg", " (kg)")

    def _columns(self, table: str) -> Iterator[tuple[str, Column]]:
        """Yield the columns of a list that its form asks: one of a measure, no enzyme beside the labs."""
        others = {
            name
            for one in self.terms.measures
            for name in (*one.columns, *one.limit_columns, one.multiple_column)
            if one.enzyme or name != one.id
        }
        for name, column in self.schema.tables[table].items():
            bound = table == "labs" and name in BOUNDS
            if (
                name not in (PATIENT, ROW)
                and not bound
                and not (table == "visits" and name in others)
            ):
                yield name, column

    def _field(
        self,
        name: str,
        form: str,
        table: str,
        column: str,
        kind: Column,
        label: str,
        note: str = "",
    ) -> Field:
        """Return a field for a column of ours."""
        base = Field(
            name, form, table, column, "text", label, note=note,
            identifier=column == BIRTH, required=kind.needed and column != PATIENT,
            shown=_SHOWN.get((table, column), ""),
        )  # fmt: skip
        if column in _LISTED and table in REPEATED:
            return replace(base, type="dropdown", validation="autocomplete",
                         choices=self._choices(_LISTED[column]))  # fmt: skip
        if column == "value" and table in ("labs", "antibodies"):
            return replace(base, note=_BOUND)
        match kind.kind:
            case "yes_no":
                return replace(base, type="radio", choices=_coded(("yes", "no", "unknown")))
            case "word":
                words = [x for x in kind.words if x != "unknown"]
                return replace(base, type="dropdown", choices=_coded([*words, "unknown"]))
            case "number":
                low = kind.minimum if kind.minimum is not None else kind.above
                return replace(
                    base, validation="number", minimum=_number(low), maximum=_number(kind.maximum)
                )
            case "date":
                return replace(base, validation="date_ymd")
            case "partial_date":
                return replace(base, note=note or _PARTIAL)
        return base

    def _choices(self, what: str) -> dict[str, tuple[str, str]]:
        """Return the words that a list is about, by their ids."""
        if what == "drugs":
            named = [(x.id, x.label) for x in self.terms.drugs.values()]
        elif what == "labs":
            named = [(x.id, x.label) for x in self.terms.labs.values()]
        else:
            found = (x for x in self.terms.catalogue if x.group == "antibody" and x.kind == "bool")
            named = [(x.id, x.label) for x in found if self.terms.antibody(x.id) is x]
        return {code: (code, label) for code, label in sorted(named, key=lambda x: x[1].lower())}


def _coded(words: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return words by codes that REDCap takes: small letters, figures and lines."""
    return {re.sub(r"[^a-z0-9]+", "_", x.lower()).strip("_"): (x, _words(x)) for x in words}


def _words(name: str) -> str:
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:f}".rstrip("0").rstrip(".")


def _named(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield fields with names of their own that REDCap takes, and labels of their own."""
    names: set[str] = {RECORD}
    labels: set[str] = {RECORD_LABEL}
    for one in fields:
        base = one.name.removesuffix(COMPLETE) + ("_whole" if one.name.endswith(COMPLETE) else "")
        short, number = base[:LONGEST].rstrip("_"), 1
        while short in names:
            number += 1
            short = f"{base[: LONGEST - len(str(number)) - 1].rstrip('_')}_{number}"
        label = one.label if one.label not in labels else f"{one.label} [{short}]"
        names.add(short)
        labels.add(label)
        yield replace(one, name=short, label=label)

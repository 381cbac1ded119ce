"""The case file: what a physician writes down about one patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    Strict,
    WithJsonSchema,
    model_validator,
)

from myoresist.case.dates import When, misordered
from myoresist.case.responses import Organ, Reason, Responded
from myoresist.document import Document

SCHEMA_VERSION = "1.1"

UNKNOWN = "unknown"
Answer = bool | int | float | str | None
"""``yes``, ``no``, ``unknown``, or for findings that are numbers or categories the value."""
Findings = Mapping[str, Answer]

# Strict: otherwise `value: yes` is the number 1, and a number in quotes escapes the check of its range.
Number = Annotated[float, Strict()]
YesNo = Annotated[bool, Strict()]


def _known(value: object) -> object:
    return None if value == UNKNOWN else value


BOUNDS = r"^[<>≤≥]|[0-9] ?(-|–|to) ?[0-9]"
"""Bounds of a value in place of it, which ``shorthand`` writes out."""

Measured = Annotated[
    Number | None,
    BeforeValidator(_known),
    PlainSerializer(lambda value: UNKNOWN if value is None else value),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"const": UNKNOWN}, {"type": "string", "pattern": BOUNDS}]}
    ),
]
"""A value that was measured; ``None`` where nobody can say which."""


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[
    str,
    BeforeValidator(_text),
    Field(min_length=1),
    WithJsonSchema({"type": ["string", "integer"], "minLength": 1}),
]


class Part(BaseModel):
    """A part of a case file. An unknown key is an error, so that nothing written is lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        """An entry with nothing behind it, as the template has them, is an entry left out."""
        if isinstance(data, dict):
            return {
                key: value
                for key, value in data.items()
                if value is not None or key not in cls.model_fields
            }
        return data


class Patient(Part):
    """Who the patient is."""

    id: Name = Field(description="Any name or number; no need for a real one.")
    sex: Literal["female", "male", "unknown"] | None = Field(
        None, description="Sex, as far as it matters for the criteria."
    )
    age: Number | None = Field(None, description="Age in years at the date of this assessment.")
    birth_date: When | None = Field(None, description="Date of birth, instead of age.")
    weight_kg: Number | None = Field(None, gt=0, description="Body weight in kg.")


class Source(Part):
    """Where a published case comes from."""

    citation: str = Field(description="Author, title, journal and year.")
    doi: str | None = Field(None, description="Such as 10.1000/example.")
    pmid: Name | None = Field(None, description="Number in PubMed.")
    url: str | None = Field(None, description="Address, if there is no DOI.")


class Onset(Part):
    """How the disease began."""

    age: Number | None = Field(None, description="Age in years at the first symptom.")
    date: When | None = Field(None, description="Date of the first symptom.")
    duration_months: Number | None = Field(None, ge=0, description="Months of weakness so far.")
    tempo: Literal["acute", "subacute", "insidious", "unknown"] | None = Field(
        None, description="acute: days; subacute: weeks to months; insidious: years."
    )


class Lab(Part):
    """One laboratory value; the upper limit of normal is in the same unit."""

    test: str = Field(description="Such as CK, aldolase, CRP.")
    value: Measured = Field(
        description="The value, in the unit given; unknown for one that cannot be read."
    )
    unit: str = Field(description="Such as U/L; the template lists the tests with their units.")
    upper_limit: Number | None = Field(
        None, gt=0, description="Upper limit of normal of this laboratory, in the same unit."
    )
    lower_limit: Number | None = Field(
        None, ge=0, description="Lower limit of normal of this laboratory, in the same unit."
    )
    limit_assumed: YesNo | None = Field(None, description="Is the upper limit assumed, not given?")
    above: Number | None = Field(None, description="What a value such as >22000 lies above.")
    at_least: Number | None = Field(None, description="Lower bound of a value such as ≥200.")
    at_most: Number | None = Field(None, description="Upper bound of a value such as <20.")
    week: Number | None = Field(None, description="Week since weeks_from, where no date is known.")
    date: When | None = Field(
        None, description="Date of the sample; the current value is the latest one with a date."
    )
    notes: str | None = Field(None, description="Free text.")


def _titre(value: object) -> object:
    """Return the figure of a titre that is written as 1:320 or 1/320."""
    if isinstance(value, str) and value.replace(" ", "").startswith(("1:", "1/")):
        rest = value.replace(" ", "")[2:]
        return int(rest) if rest.isdigit() else value
    return value


Titre = Annotated[int, BeforeValidator(_titre), Field(ge=1)]


class AntibodyTest(Part):
    """One autoantibody test: a result in words, or a value with the cut-off of the assay."""

    antibody: str = Field(description="Such as anti-Jo-1.")
    method: str | None = Field(None, description="Such as line blot, ELISA, immunoprecipitation.")
    result: Literal["negative", "weak", "moderate", "strong", "positive", "unknown"] | None = Field(
        None, description="Result in words; a weak one counts as unknown until it is confirmed."
    )
    value: Number | None = Field(None, ge=0, description="Result as a number; needs cut_off.")
    cut_off: Number | None = Field(
        None, gt=0, description="Value from which the assay counts as positive."
    )
    unit: str | None = Field(None, description="Unit of value and cut_off.")
    titre: Titre | None = Field(None, description="Such as 1:320; kept, and used for ANA.")
    pattern: str | None = Field(None, description="Such as nucleolar, cytoplasmic.")
    date: When | None = Field(None, description="Date of the sample.")
    notes: str | None = Field(None, description="Free text.")

    @model_validator(mode="after")
    def _answered(self) -> AntibodyTest:
        if self.result is None and (self.value is None or self.cut_off is None):
            raise ValueError("give a result (negative, weak, …) or a value with its cut_off")
        return self


_FOUND = Field(description="Findings with yes, no or unknown; leave out what is not mentioned.")
_REPORT = Field(None, description="Text of the report, for your own reference; it is not read.")


class Biopsy(Part):
    """One biopsy. What the report does not mention is unknown: leave it out."""

    date: When | None = Field(None, description="Date of the biopsy.")
    tissue: Literal["muscle", "skin", "heart", "lung", "lymph node", "nerve", "other"] | None = (
        Field(
            None,
            description="What was taken; without it the biopsy does not count as one of muscle.",
        )
    )
    site: str | None = Field(None, description="Such as deltoid.")
    findings: Annotated[Findings, _FOUND] = {}
    report: str | None = _REPORT


class Imaging(Part):
    """One imaging study."""

    date: When | None = Field(None, description="Date of the study.")
    modality: str | None = Field(None, description="Such as MRI, CT, ultrasound.")
    region: str | None = Field(None, description="Such as thighs, chest.")
    findings: Annotated[Findings, _FOUND] = {}
    report: str | None = _REPORT


class Emg(Part):
    """One electromyography."""

    date: When | None = Field(None, description="Date of the examination.")
    findings: Annotated[Findings, _FOUND] = {}
    report: str | None = _REPORT


class Treatment(Part):
    """One course of one drug."""

    drug: str = Field(description="Name of the drug.")
    dose: Number | None = Field(None, ge=0, description="Dose, in the unit given.")
    unit: str | None = Field(None, description="Such as mg, mg/kg, g/kg, mg/day, mg/kg/day.")
    frequency: str | None = Field(
        None, description="Such as daily, weekly, every 4 weeks, once; not needed for mg/day."
    )
    route: str | None = Field(None, description="Such as oral, intravenous, topical.")
    start: When | None = Field(None, description="Date of the first dose.")
    stop: When | None = Field(None, description="Date of the last dose; none while it goes on.")
    ongoing: YesNo | None = Field(
        None, description="Does it go on? A missing stop date may also be one that nobody knows."
    )
    weeks: Number | None = Field(
        None, gt=0, description="Weeks that it lasted, where start or stop is not known."
    )
    from_week: Number | None = Field(None, description="Week of its start since weeks_from.")
    to_week: Number | None = Field(None, description="Week of its stop since weeks_from.")
    after: str | None = Field(None, description="Drug after which this one was begun.")
    before: str | None = Field(None, description="Drug before which this one was begun.")
    scheme: str | None = Field(
        None, description="Instead of a dose: 1 g × 3 days; from 60 to 10 mg over 6 months."
    )
    response: Responded | None = Field(
        None, description="Response of the myositis to this course; lost: while it still went on."
    )
    response_by_organ: Mapping[Organ, Responded] = Field(
        {}, description="Response of single organs; without response, muscle stands for the whole."
    )
    together_with: tuple[str, ...] = Field(
        (), description="Drugs of a combination: the response is that of all of them together."
    )
    reason_stopped: Reason | None = Field(
        None, description="Why it was stopped; a course with a reason has ended."
    )
    side_effects: str | None = Field(
        None, description="Which harm it did, stopped for it or not; harm is no failure."
    )
    notes: str | None = Field(None, description="Free text.")

    @model_validator(mode="after")
    def _ordered(self) -> Treatment:
        wrong = misordered(self.start, self.stop)
        if wrong:
            raise ValueError(wrong)
        if self.ongoing and (self.stop or self.reason_stopped):
            raise ValueError("has stopped, so it is not ongoing")
        if self.weeks and self.start and self.stop:
            raise ValueError("has start and stop, so leave out weeks")
        return self


class Medicine(Part):
    """Another medicine than those against myositis; its name alone says that it is taken now."""

    drug: str = Field(description="Name of the medicine.")
    dose: str | None = Field(None, description="Dose in words.")
    start: When | None = Field(None, description="Date of the first dose.")
    stop: When | None = Field(None, description="Date of the last dose; none while it is taken.")
    ongoing: YesNo | None = Field(None, description="Is it taken now? Yes, when left out.")
    notes: str | None = Field(None, description="Free text.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        return {"drug": data} if isinstance(data, str) else data

    @property
    def taken(self) -> bool:
        """Tell whether it is taken now."""
        return self.stop is None and self.ongoing is not False


class WeeksFrom(Part):
    """From when weeks are counted."""

    event: str = Field(description="Such as first prednisone, onset, admission.")
    date: When | None = Field(None, description="Its date, if it is known; weeks then are dates.")


class Visit(Part):
    """One visit with what was measured; ``knowledge/response/measures.yaml`` says what each measure is."""

    date: When = Field(description="Date of the visit.")
    week: Number | None = Field(None, description="Week since weeks_from, instead of a date.")
    vas_unit: Literal["cm", "mm"] | None = Field(
        None, description="Unit of every visual analogue scale of this visit; cm when left out."
    )
    mmt8: Number | None = Field(None, description="MMT8, both sides with neck, 0 to 150.")
    mmt8_80: Number | None = Field(None, description="MMT8, one side with neck, 0 to 80.")
    mmt24: Number | None = Field(None, description="Total of 26 muscles, 0 to 260.")
    muscles: Mapping[str, Number] = Field({}, description="Single muscles of the MMT8, 0 to 10.")
    cmas: Number | None = Field(None, description="Childhood Myositis Assessment Scale, 0 to 52.")
    physician_global: Number | None = Field(
        None, description="Physician global activity, cm, 0 to 10."
    )
    patient_global: Number | None = Field(None, description="Patient global activity, cm, 0 to 10.")
    haq_di: Number | None = Field(None, description="HAQ disability index, 0 to 3.")
    haq_items: Mapping[str, Number] = Field({}, description="Items of the HAQ, 0 to 3.")
    haq_aids: tuple[str, ...] | None = Field(
        None, description="HAQ categories with an aid, a device or help; [] if there are none."
    )
    chaq_di: Number | None = Field(None, description="CHAQ disability index, 0 to 3.")
    chq_phs: Number | None = Field(None, description="CHQ physical summary score, T-score.")
    extramuscular_global: Number | None = Field(
        None, description="Extramuscular activity, cm, 0 to 10."
    )
    myoact: Number | None = Field(None, description="MYOACT, 0 to 1.")
    myoact_organs: Mapping[str, Number] = Field({}, description="Organs of the MYOACT, cm.")
    mitax: Number | None = Field(None, description="MITAX, 0 to 63.")
    mitax_grades: Mapping[str, str] = Field({}, description="Systems of the MITAX, A to E.")
    das_jdm: Number | None = Field(None, description="Disease Activity Score of JDM, 0 to 20.")
    cdasi_activity: Number | None = Field(None, description="CDASI activity, 0 to 100.")
    cdasi_damage: Number | None = Field(None, description="CDASI damage, 0 to 32.")
    physician_global_damage: Number | None = Field(
        None, description="Physician global damage, cm, 0 to 10."
    )
    patient_global_damage: Number | None = Field(
        None, description="Patient global damage, cm, 0 to 10."
    )
    mdi_extent: Number | None = Field(None, description="Myositis Damage Index, items present.")
    mdi_severity: Number | None = Field(
        None, description="Myositis Damage Index, severity, cm, 0 to 110."
    )
    weight_kg: Number | None = Field(None, gt=0, description="Body weight in kg.")
    notes: str | None = Field(None, description="Free text.")


class Case(Part):
    """What is known of one patient. Every section but ``patient`` may be left out."""

    patient: Patient
    date: When | None = Field(
        None, description="Date of this assessment; the latest date of the record when left out."
    )
    label: str | None = Field(None, description="The diagnosis that the patient carries.")
    source: Source | None = Field(None, description="For a published case: where it comes from.")
    onset: Onset = Onset()
    weeks_from: WeeksFrom | None = Field(None, description="From when weeks are counted.")
    assumed_limits: Mapping[str, Number] = Field(
        {}, description="Upper limits to assume where none is given, in the unit of the template."
    )
    findings: Findings = Field({}, description="Findings with yes, no, unknown or a value.")
    labs: tuple[Lab, ...] = Field((), description="Laboratory values.")
    autoantibodies: tuple[AntibodyTest, ...] = Field((), description="Autoantibody tests.")
    biopsies: tuple[Biopsy, ...] = Field(
        (), description="Biopsies of muscle, skin and other tissue."
    )
    imaging: tuple[Imaging, ...] = Field((), description="Imaging studies.")
    emg: tuple[Emg, ...] = Field((), description="Electromyographies.")
    exposures: Findings = Field({}, description="Drugs and other exposures, as findings.")
    comorbidities: Findings = Field({}, description="Other diseases, as findings.")
    treatments: tuple[Treatment, ...] = Field((), description="Courses of treatment.")
    treatments_complete: YesNo | None = Field(None, description="Is every course listed?")
    medicines: tuple[Medicine, ...] = Field(
        (), description="Other medicines: their names, or entries; taken now unless they say not."
    )
    visits: tuple[Visit, ...] = Field((), description="Visits with core set measures.")
    notes: str | None = Field(None, description="Free text.")

    _document: Document | None = PrivateAttr(None)
    _notes: tuple[str, ...] = PrivateAttr(())
    _named: tuple[str, ...] = PrivateAttr(())

    @property
    def foreign(self) -> tuple[str, ...]:
        """Return what of a foreign record could not be used, if the case came from one."""
        return self._notes

    @property
    def named(self) -> tuple[str, ...]:
        """Return the drugs of which a foreign record tells only the name, so that no course stands here."""
        return self._named

    def remarked(self, notes: tuple[str, ...], named: tuple[str, ...] = ()) -> None:
        """Keep what of a foreign record could not be used; an assessment says it."""
        self._notes, self._named = notes, named

    def line(self, *path: str | int) -> int | None:
        """Return the line of the file on which something stands, if the case was read from one."""
        return self._document.line(path) if self._document else None

    def __str__(self) -> str:
        """Return one line; see ``__repr__``."""
        return repr(self)

    def __repr__(self) -> str:
        """Return one line: who, and how much is recorded."""
        return (
            f"<Case {self.patient.id}: {len(self.findings)} findings, {len(self.labs)} labs, "
            f"{len(self.autoantibodies)} antibody tests, {len(self.treatments)} treatments>"
        )


def case_schema() -> dict[str, Any]:
    """Return the JSON Schema of the case file."""
    schema = Case.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            if name not in part.get("required", ()) and {"type": "null"} not in field.get(
                "anyOf", ()
            ):
                part["properties"][name] = _empty_allowed(field)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:myoresist:case:{SCHEMA_VERSION}",
        **schema,
    }


def _empty_allowed(field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an entry that may have nothing behind it, as those of the template do."""
    said = {key: field[key] for key in ("title", "description", "default") if key in field}
    return said | {
        "anyOf": [
            {key: value for key, value in field.items() if key not in said},
            {"type": "null"},
        ]
    }

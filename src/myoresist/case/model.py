"""The case file: what a physician writes down about one patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from myoresist.case.dates import When
from myoresist.document import Document

SCHEMA_VERSION = "1.0"

Unknown = Literal["unknown"]
Answer = bool | float | str | None
"""``yes``, ``no``, ``unknown``, or for findings that are numbers or categories the value."""
Findings = Mapping[str, Answer]


def _text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[str, BeforeValidator(_text), Field(min_length=1)]


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
    sex: Literal["female", "male", "unknown"] | None = None
    age: float | None = Field(None, description="Age in years at the date of this assessment.")
    birth_date: When | None = None
    weight_kg: float | None = Field(None, gt=0)


class Source(Part):
    """Where a published case comes from."""

    citation: str
    doi: str | None = None
    pmid: Name | None = None
    url: str | None = None


class Onset(Part):
    """How the disease began."""

    age: float | None = Field(None, description="Age in years at the first symptom.")
    date: When | None = None
    duration_months: float | None = Field(None, ge=0, description="Months of weakness so far.")
    tempo: Literal["acute", "subacute", "insidious", "unknown"] | None = Field(
        None, description="acute: days; subacute: weeks to months; insidious: years."
    )


class Lab(Part):
    """One laboratory value; the upper limit of normal is in the same unit."""

    test: str
    value: float
    unit: str
    upper_limit: float | None = Field(None, gt=0)
    date: When | None = None
    notes: str | None = None


class AntibodyTest(Part):
    """One autoantibody test: a result in words, or a value with the cut-off of the assay."""

    antibody: str
    method: str | None = None
    result: Literal["negative", "weak", "moderate", "strong", "positive", "unknown"] | None = None
    value: float | None = None
    cut_off: float | None = None
    unit: str | None = None
    date: When | None = None
    notes: str | None = None

    @model_validator(mode="after")
    def _answered(self) -> AntibodyTest:
        if self.result is None and (self.value is None or self.cut_off is None):
            raise ValueError("give a result (negative, weak, …) or a value with its cut_off")
        return self


class Biopsy(Part):
    """One biopsy. What the report does not mention is unknown: leave it out."""

    date: When | None = None
    tissue: Literal["muscle", "skin"] = "muscle"
    site: str | None = None
    findings: Findings = {}
    report: str | None = None


class Imaging(Part):
    """One imaging study."""

    date: When | None = None
    modality: str | None = None
    region: str | None = None
    findings: Findings = {}
    report: str | None = None


class Emg(Part):
    """One electromyography."""

    date: When | None = None
    findings: Findings = {}
    report: str | None = None


class Treatment(Part):
    """One course of one drug."""

    drug: str
    dose: float | None = Field(None, ge=0)
    unit: str | None = Field(None, description="Such as mg, mg/kg, g/kg.")
    frequency: str | None = Field(None, description="Such as daily, weekly, every 4 weeks.")
    route: str | None = None
    start: When | None = None
    stop: When | None = None
    response: Literal["none", "partial", "good", "unknown"] | None = None
    reason_stopped: Literal["no effect", "side effect", "remission", "other", "unknown"] | None = (
        None
    )
    notes: str | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Treatment:
        if self.start and self.stop and self.stop.latest < self.start.earliest:
            raise ValueError(f"stops ({self.stop}) before it starts ({self.start})")
        return self


class Visit(Part):
    """One visit with core set measures."""

    date: When
    mmt8: float | None = Field(None, description="MMT8, both sides with neck, 0 to 150.")
    physician_global: float | None = Field(
        None, description="Physician global activity, cm, 0 to 10."
    )
    patient_global: float | None = Field(None, description="Patient global activity, cm, 0 to 10.")
    haq_di: float | None = Field(None, description="HAQ disability index, 0 to 3.")
    extramuscular_global: float | None = Field(
        None, description="Extramuscular activity, cm, 0 to 10."
    )
    weight_kg: float | None = Field(None, gt=0)
    notes: str | None = None


class Case(Part):
    """What is known of one patient. Every section but ``patient`` may be left out."""

    patient: Patient
    date: When | None = Field(None, description="Date of this assessment.")
    label: str | None = Field(None, description="The diagnosis that the patient carries.")
    source: Source | None = None
    onset: Onset = Onset()
    findings: Findings = {}
    labs: tuple[Lab, ...] = ()
    autoantibodies: tuple[AntibodyTest, ...] = ()
    biopsies: tuple[Biopsy, ...] = ()
    imaging: tuple[Imaging, ...] = ()
    emg: tuple[Emg, ...] = ()
    exposures: Findings = {}
    comorbidities: Findings = {}
    treatments: tuple[Treatment, ...] = ()
    treatments_complete: bool | None = Field(None, description="Is every course listed?")
    visits: tuple[Visit, ...] = ()
    notes: str | None = None

    _document: Document | None = PrivateAttr(None)

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
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:myoresist:case:{SCHEMA_VERSION}",
        **Case.model_json_schema(),
    }

"""What the form asks: fields by the places of the case file that they fill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Literal, get_args

import yaml

from myoresist.case.catalogue import Finding
from myoresist.case.model import AntibodyTest, Lab, Part, Treatment, Visit
from myoresist.case.responses import Reason, Response
from myoresist.library import Knowledge

Kind = Literal["text", "number", "date", "answer"]
"""``answer`` is yes or no; what is left empty is unknown, whatever the kind."""


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes:
        key: what it fills.
        label: what it is called.
        kind: what may stand in it.
        choices: what it may be, if nothing else.
        words: the list of words that completes what is typed, if there is one.
        preset: what stands there before anybody wrote anything; it alone says nothing.
        example: what one may write.
    """

    key: str
    label: str
    kind: Kind = "text"
    choices: tuple[str, ...] = ()
    words: str = ""
    preset: str = ""
    example: str = ""


@dataclass(frozen=True)
class Grid:
    """A list of the case file of which each entry is a row.

    Attributes:
        section: where it stands.
        entry: what an entry is.
        one: what an entry is called.
        fields: the columns.
        spare: rows that wait to be filled.
        first: what stands in the first row before anybody wrote anything.
    """

    section: str
    entry: type[Part]
    one: str
    fields: tuple[Field, ...]
    spare: int = 1
    first: tuple[tuple[str, str], ...] = ()

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of its columns."""
        return tuple(one.key for one in self.fields)

    @property
    def presets(self) -> dict[str, set[str]]:
        """Return what may stand in each column without saying anything."""
        found = {one.key: {"", one.preset} for one in self.fields}
        for key, value in self.first:
            found[key].add(value)
        return found


def _but_unknown(kind: object) -> tuple[str, ...]:
    return tuple(one for one in get_args(kind) if one != "unknown")


WHO = (
    Field("patient.id", "Name or number", example="any; no real one is needed"),
    Field("patient.age", "Age in years", "number"),
    Field("patient.sex", "Sex", choices=("female", "male")),
    Field("patient.weight_kg", "Weight in kg", "number"),
    Field("date", "Date of this assessment", "date", example="today, such as 2024-03-01"),
)
LABEL = Field("label", "Diagnosis in the record", words="labels", example="such as polymyositis")
SINCE = (
    Field("onset.date", "First symptom", "date", example="2022, 2022-03"),
    Field("onset.duration_months", "or months of weakness", "number"),
    Field("onset.tempo", "It came on", choices=("acute", "subacute", "insidious")),
)
COMPLETE = Field("treatments_complete", "Is every course listed here?", "answer")
MEDICINES = Field("medicines", "Other medicines, taken now", example="one a line")

LABS = Grid(
    "labs", Lab, "value",
    (
        Field("test", "Test", words="labs"),
        Field("value", "Value", "number"),
        Field("unit", "Unit", words="units"),
        Field("upper_limit", "Upper limit", "number"),
        Field("date", "Date", "date", example="2023-05"),
    ),
    spare=2, first=(("test", "CK"), ("unit", "U/L")),
)  # fmt: skip
ANTIBODIES = Grid(
    "autoantibodies", AntibodyTest, "test",
    (
        Field("antibody", "Antibody", words="antibodies"),
        Field("result", "Result", choices=("negative", "weak", "moderate", "strong", "positive")),
        Field("method", "Method", words="methods"),
        Field("date", "Date", "date", example="2023-05"),
    ),
    spare=2,
)  # fmt: skip
COURSES = Grid(
    "treatments", Treatment, "course",
    (
        Field("drug", "Drug", words="drugs"),
        Field("dose", "Dose", "number"),
        Field("unit", "Unit", words="doses"),
        Field("frequency", "How often", words="frequencies"),
        Field("weeks", "Weeks", "number"),
        Field("response", "Effect", choices=_but_unknown(Response)),
        Field("ongoing", "Goes on", "answer"),
        Field("reason_stopped", "Stopped for", choices=_but_unknown(Reason)),
        Field("start", "From", "date", example="2022-02"),
        Field("stop", "To", "date", example="2022-06"),
    ),
    spare=1,
)  # fmt: skip
VISITS = Grid(
    "visits", Visit, "visit",
    (
        Field("date", "Date", "date", example="2023-05-17"),
        Field("mmt8", "MMT8 (0-150)", "number"),
        Field("physician_global", "Physician (0-10)", "number"),
        Field("patient_global", "Patient (0-10)", "number"),
        Field("haq_di", "HAQ (0-3)", "number"),
        Field("extramuscular_global", "Extramuscular (0-10)", "number"),
    ),
    spare=1,
)  # fmt: skip
GRIDS = {one.section: one for one in (LABS, ANTIBODIES, COURSES, VISITS)}
SINGLE = {one.key: one for one in (*WHO, LABEL, *SINCE, COMPLETE)}


def asked() -> dict[str, list[str]]:
    """Return the findings that the form asks for, question by question."""
    text = files("myoresist.service").joinpath("questions.yaml").read_text(encoding="utf-8")
    found: dict[str, list[str]] = yaml.safe_load(text)
    return found


def completions(base: Knowledge) -> dict[str, list[str]]:
    """Return the words that complete what is typed, by list."""
    terms = base.terms
    units = dict.fromkeys(unit for lab in terms.labs.values() for unit in lab.units)
    antibodies = [one for one in base.catalogue if one.group == "antibody" and one.kind == "bool"]
    methods = base.serology.knowledge.confidence.method_names().ids
    drugs = (one for one in terms.drugs.values() if not one.unnamed)
    return {
        "labels": [one.replace("_", " ") for one in base.catalogue["diagnosis_label"].choices],
        "labs": [one.synonyms[0] for one in terms.labs.values()],
        "units": list(units),
        "antibodies": [_short(one) for one in antibodies],
        "methods": sorted({one.replace("_", " ") for one in methods.values()}),
        "drugs": sorted((one.label for one in drugs), key=str.lower),
        "doses": ["mg", "g", "mg/kg", "g/kg", "mg/day", "mg/kg/day", "mg/m2", "U", "dose"],
        "frequencies": [one.words[0] for one in terms.doses.frequencies] + ["every 4 weeks", "once"],
    }  # fmt: skip


def _short(antibody: Finding) -> str:
    return antibody.label.partition(" (")[0]


def findings(base: Knowledge, ids: Iterable[str]) -> list[Finding]:
    """Return findings by their ids, in this order."""
    return [base.catalogue[one] for one in ids]

"""What case files say, as the tables of a registry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from pydantic import ValidationError

from myoresist.case.model import Visit
from myoresist.case.terms import Terms
from myoresist.cohort.ages import BIRTH, ONSET
from myoresist.cohort.schema import (
    ASSUMED_LIMITS,
    BOUNDS,
    FROM_WEEK,
    LOWER,
    OF_ORGANS,
    TO_WEEK,
    WEEK,
    WEEKS_FROM,
)
from myoresist.resistance.response.visits import DATE, PATIENT, value_column

NOT_READ = "?"
"""The cell of a value of which no more is known than that there is one."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "patients": (
        PATIENT, DATE, "label", "sex", "weight_kg", "tempo", "treatments_complete", "age", "age_at_onset",
        "weakness_duration_months", BIRTH, ONSET, WEEKS_FROM, ASSUMED_LIMITS,
    ),
    "findings": (PATIENT, "finding", "value"),
    "labs": (
        PATIENT, "test", "value", "unit", "upper_limit", LOWER, *BOUNDS, DATE, WEEK,
    ),
    "antibodies": (PATIENT, "antibody", "method", "result", "value", "cut_off", DATE),
    "treatments": (
        PATIENT, "drug", "dose", "unit", "frequency", "route", "start", "stop", "ongoing", "weeks",
        FROM_WEEK, TO_WEEK, "after", "before", "scheme", "response", "reason_stopped", "side_effects",
        "together_with", *OF_ORGANS,
    ),
    "medicines": (PATIENT, "drug", "start", "stop", "ongoing"),
}  # fmt: skip
"""The columns that are filled, by table; those of ``visits`` are the measures."""
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")
Row = list[str | None]


class CaseRows:
    """Collects the rows of cases, every cell as text."""

    def __init__(self, terms: Terms) -> None:
        measures = [value_column(x) for x in terms.measures]
        self.columns = {**COLUMNS, "visits": (PATIENT, DATE, WEEK, "weight_kg", *measures)}
        self.rows: dict[str, list[Row]] = {name: [] for name in self.columns}
        self._places = {
            table: {name: place for place, name in enumerate(names)}
            for table, names in self.columns.items()
        }
        self.terms = terms

    def add(self, case: Mapping[str, Any], patient: str) -> list[str]:
        """Add what a case file says of a patient.

        Args:
            case: sections of a case file, as it is written.
            patient: the id of the patient.

        Returns:
            What of it no table can hold.
        """
        self._row("patients", self._patient(case) | {PATIENT: patient})
        for name, value in _answers(case):
            self._row("findings", {PATIENT: patient, "finding": name, "value": value})
        for one in case.get("labs", ()):
            self._row("labs", {**one, "value": _measured(one), PATIENT: patient})
        for one in case.get("autoantibodies", ()):
            self._row("antibodies", {**one, PATIENT: patient})
        for one in case.get("medicines", ()):
            self._row("medicines", {**one, PATIENT: patient})
        for one in case.get("treatments", ()):
            organs = one.get("response_by_organ", {})
            more = {column: organs.get(organ) for column, organ in OF_ORGANS.items()}
            together = "; ".join(one.get("together_with", ()))
            self._row("treatments", {**one, **more, "together_with": together, PATIENT: patient})
        lost: list[str] = []
        for one in case.get("visits", ()):
            lost += self._visit(one, patient)
        return lost

    def frames(self) -> dict[str, pl.DataFrame]:
        """Return the tables and begin anew."""
        found = {}
        for table, rows in self.rows.items():
            names = self.columns[table]
            # Columns are taken over faster than rows.
            cells = zip(*rows, strict=True) if rows else [()] * len(names)
            found[table] = pl.DataFrame(
                [pl.Series(x, y, pl.String) for x, y in zip(names, cells, strict=True)]
            )
        self.rows = {name: [] for name in self.columns}
        return found

    def _row(self, table: str, cells: Mapping[str, Any]) -> None:
        # Most cells of a row are empty.
        row: Row = [None] * len(self.columns[table])
        places = self._places[table]
        for name, value in cells.items():
            if value is not None and (place := places.get(name)) is not None:
                row[place] = (value or None) if type(value) is str else _text(value)
        self.rows[table].append(row)

    def _patient(self, case: Mapping[str, Any]) -> dict[str, Any]:
        one, onset = case.get("patient", {}), case.get("onset", {})
        limits = case.get("assumed_limits", {})
        return {
            **{x: case.get(x) for x in (DATE, "label", "treatments_complete")},
            **{x: one.get(x) for x in ("sex", "age", "weight_kg", BIRTH)},
            "tempo": onset.get("tempo"),
            "age_at_onset": onset.get("age"),
            "weakness_duration_months": onset.get("duration_months"),
            ONSET: onset.get("date"),
            WEEKS_FROM: case.get("weeks_from", {}).get("date"),
            ASSUMED_LIMITS: "; ".join(f"{x} {_text(y)}" for x, y in limits.items()),
        }

    def _visit(self, one: Mapping[str, Any], patient: str) -> Iterator[str]:
        try:
            measured = self.terms.measures.values(Visit.model_validate(one))
        except ValidationError as error:
            yield f"visit of {one.get(DATE)}: {error.errors()[0]['msg']}"
            return
        cells = {value_column(self.terms.measures[x]): y for x, y in measured.items()}
        own = {x: one.get(x) for x in (DATE, WEEK, "weight_kg")}
        self._row("visits", {PATIENT: patient, **own, **cells})


def _answers(case: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the findings that the sections of a case name."""
    for section in ("findings", "exposures", "comorbidities"):
        yield from case.get(section, {}).items()
    for section in ("biopsies", "imaging", "emg"):
        for one in case.get(section, ()):
            yield from one.get("findings", {}).items()
            if section == "biopsies" and one.get("tissue") == "muscle":
                yield "biopsy_done", True


def _measured(lab: Mapping[str, Any]) -> Any:
    """Return the value of a laboratory test; of one that is not read, that it was there."""
    value = lab.get("value")
    if value is None or value == "unknown":
        return None if any(lab.get(x) is not None for x in BOUNDS) else NOT_READ
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    # Three decimals of a number divide no thousands, and a fourth says so.
    return f"{text}0" if isinstance(value, float) and _THOUSANDS.fullmatch(text) else text

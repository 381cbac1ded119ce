"""What is peculiar to an export of REDCap: checkboxes, the state of forms, repeated instruments.

A checkbox is exported as 0 also where nobody has opened its form. Rows of repeated instruments stand among
those of the patients.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

INSTRUMENT, INSTANCE = "redcap_repeat_instrument", "redcap_repeat_instance"
EVENT, GROUP = "redcap_event_name", "redcap_data_access_group"
ORIGIN = "(row of the file)"
"""The column of the number that a row has in the file."""
OTHERWISE = "{} (another event says otherwise)"
OF_SYSTEM = (
    INSTRUMENT, INSTANCE, EVENT, GROUP, "redcap_survey_identifier",
)  # fmt: skip
_BOX = re.compile(r"(?:(.+)___[A-Za-z0-9_]+|(.+) \(choice=.+\))", re.DOTALL)
COMPLETE = "_complete"
MISSING = (
    "NI",
    "INV",
    "UNK",
    "NASK",
    "ASKU",
    "NAV",
    "MSK",
    "NA",
    "NAVU",
    "NP",
    "-9",
    "-99",
    "-999",
    "-9999",
)
"""Codes for missing data that REDCap proposes to projects, and usual numbers for them."""
_LABELLED = {
    "Repeat Instrument": INSTRUMENT, "Repeat Instance": INSTANCE, "Event Name": EVENT,
    "Data Access Group": GROUP, "Survey Identifier": "redcap_survey_identifier",
}  # fmt: skip
STATE = "Complete?"
"""What an export with labels calls the state of each form."""
_STATE = re.compile(r"Complete\?(?: \((\d+)\))?")
_DONE = ("1", "1.0", "2", "2.0", "unverified", "complete")
_CHECKED = {"checked": "1", "unchecked": "0"}


@dataclass(frozen=True)
class Export:
    """The columns of a table that REDCap has exported, in their order."""

    columns: Sequence[str]

    def __bool__(self) -> bool:
        """Tell whether the table looks like such an export."""
        return bool({INSTRUMENT, EVENT} & set(self.columns)) or any(
            _BOX.fullmatch(x) for x in self.columns
        )

    @property
    def repeats(self) -> bool:
        """Tell whether rows of repeated instruments may stand among the others."""
        return INSTRUMENT in self.columns

    def system(self) -> tuple[str, ...]:
        """Return the columns that are of REDCap itself."""
        states = [x for x in self.columns if x.endswith(COMPLETE)]
        return (*(x for x in OF_SYSTEM if x in self.columns), *states)

    def opened(self) -> Iterator[pl.Expr]:
        """Yield every checkbox, unknown where it is not ticked and its form may not have been filled in."""
        for name in self.columns:
            match = _BOX.fullmatch(name)
            if not match:
                continue
            text = _plain(name).replace(_CHECKED)
            ticked = text.is_in(["1", "1.0"])
            state = self._state(name)
            if state is not None:
                done = _plain(state).is_in(_DONE).fill_null(False)
            else:
                # Nobody says whether the form was opened; one tick says that the question was read.
                boxes = [x for x in self.columns if _question(x) == _question(name)]
                done = pl.any_horizontal(_plain(x).is_in(["1", "1.0", "checked"]) for x in boxes)
            yield pl.when(ticked | done).then(text).alias(name)

    def own(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of the patients themselves."""
        return frame.filter(_plain(INSTRUMENT).fill_null("") == "") if self.repeats else frame

    def of_events(self, frame: pl.LazyFrame, who: str) -> pl.LazyFrame:
        """Return one row a patient of rows of several events; what two of them say otherwise is left open.

        Args:
            frame: the rows of the patients themselves, with their numbers.
            who: the column of their ids.
        """
        if EVENT not in self.columns:
            return frame
        columns = [
            pl.when(said.n_unique() > 1)
            .then(pl.format(OTHERWISE, said.first()))
            .otherwise(said.first())
            .alias(name)
            for name in self.columns
            if name != who
            for said in [_text(name).drop_nulls()]
        ]
        rows = frame.group_by(who, maintain_order=True)
        return rows.agg(*columns, pl.col(ORIGIN).first()).select(*self.columns, ORIGIN)

    def of(self, frame: pl.LazyFrame, instrument: str) -> pl.LazyFrame:
        """Return the rows of a repeated instrument, by its name or its label."""
        return frame.filter(_instrument() == instrument.lower().replace(" ", "_"))

    def instruments(self, frame: pl.LazyFrame) -> Mapping[str, int]:
        """Return every repeated instrument with the number of its rows."""
        if not self.repeats:
            return {}
        name = _instrument().alias("name")
        counts = frame.select(name).filter(pl.col("name") != "").group_by("name").len()
        return dict(counts.sort("name").collect(engine="streaming").iter_rows())

    def _state(self, box: str) -> str | None:
        """Return the column that holds the state of the form of a checkbox: the next one."""
        later = self.columns[list(self.columns).index(box) :]
        return next((x for x in later if x.endswith(COMPLETE)), None)


def plain_headers(columns: Sequence[str]) -> dict[str, str]:
    """Return for each column of REDCap itself that an export with labels names otherwise its name."""
    found = {x: _LABELLED[x] for x in columns if x in _LABELLED}
    for name in (
        columns if found or sum(_STATE.fullmatch(x) is not None for x in columns) > 1 else ()
    ):
        match = _STATE.fullmatch(name)
        if match:
            found[name] = f"form_{match[1] or 1}{COMPLETE}"
    return {x: y for x, y in found.items() if y not in columns}


def _instrument() -> pl.Expr:
    """Return the instrument of each row; REDCap makes its label of its name, with blanks for lines."""
    return _plain(INSTRUMENT).str.replace_all(" ", "_", literal=True)


def _question(box: str) -> str | None:
    """Return the question that a checkbox belongs to."""
    match = _BOX.fullmatch(box)
    return match[1] or match[2] if match else None


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_chars().replace("", None)


def _plain(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_chars().str.to_lowercase()

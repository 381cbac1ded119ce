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
OF_SYSTEM = (
    INSTRUMENT, INSTANCE, "redcap_event_name", "redcap_data_access_group", "redcap_survey_identifier",
)  # fmt: skip
_BOX = re.compile(r"(.+)___[A-Za-z0-9_]+")
_COMPLETE = "_complete"
_DONE = ("1", "1.0", "2", "2.0", "unverified", "complete")
_CHECKED = {"checked": "1", "unchecked": "0"}


@dataclass(frozen=True)
class Export:
    """The columns of a table that REDCap has exported, in their order."""

    columns: Sequence[str]

    def __bool__(self) -> bool:
        """Tell whether the table looks like such an export."""
        return INSTRUMENT in self.columns or any(_BOX.fullmatch(x) for x in self.columns)

    @property
    def repeats(self) -> bool:
        """Tell whether rows of repeated instruments may stand among the others."""
        return INSTRUMENT in self.columns

    def system(self) -> tuple[str, ...]:
        """Return the columns that are of REDCap itself."""
        states = [x for x in self.columns if x.endswith(_COMPLETE)]
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
                boxes = [x for x in self.columns if x.startswith(f"{match[1]}___")]
                done = pl.any_horizontal(_plain(x).is_in(["1", "1.0", "checked"]) for x in boxes)
            yield pl.when(ticked | done).then(text).alias(name)

    def own(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of the patients themselves."""
        return frame.filter(_plain(INSTRUMENT).fill_null("") == "") if self.repeats else frame

    def of(self, frame: pl.LazyFrame, instrument: str) -> pl.LazyFrame:
        """Return the rows of a repeated instrument."""
        return frame.filter(_plain(INSTRUMENT) == instrument.lower())

    def instruments(self, frame: pl.LazyFrame) -> Mapping[str, int]:
        """Return every repeated instrument with the number of its rows."""
        if not self.repeats:
            return {}
        name = _plain(INSTRUMENT).alias("name")
        counts = frame.select(name).filter(pl.col("name") != "").group_by("name").len()
        return dict(counts.sort("name").collect(engine="streaming").iter_rows())

    def _state(self, box: str) -> str | None:
        """Return the column that holds the state of the form of a checkbox: the next one."""
        later = self.columns[list(self.columns).index(box) :]
        return next((x for x in later if x.endswith(_COMPLETE)), None)


def _plain(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_chars().str.to_lowercase()

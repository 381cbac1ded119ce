"""The commands over a freeze: each answers one question as a table, on the terminal or as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from myoresist.cohort.conventions import Conventions
from myoresist.cohort.disclosure import Disclosure
from myoresist.cohort.folder import SourceError
from myoresist.cohort.freeze import counts
from myoresist.cohort.freeze.differences import Differences
from myoresist.cohort.freeze.folder import Freeze
from myoresist.cohort.freeze.screening import Screening
from myoresist.cohort.freeze.table_one import VARIABLES, TableOne
from myoresist.cohort.freeze.worklist import Worklist
from myoresist.cohort.keeping import write_text
from myoresist.cohort.source import Place

Complain = Callable[[str], None]
_FORMULA = r"^[=+\-@\t\r]"
_MOST_WITHHELD = 0.5
"""Share of rows that are withheld from which on a table is said to tell next to nothing."""
WITHHELD = "counts below {} are withheld, and those from which they could be computed; --least 1 shows them"


def least_of(least: int | None) -> Disclosure:
    """Return what may be told: by the conventions, or with another least count."""
    return Disclosure(Conventions.packaged().least_cell if least is None else least)


def table_one(answers: Path, by: str, variables: str | None, least: int | None) -> pl.DataFrame:
    """Return Table 1 of a freeze; see ``TableOne.rows``."""
    freeze = Freeze.open(answers)
    named = tuple(x.strip() for x in variables.split(",")) if variables else None
    held = set(freeze.columns("findings")) | {"label", "final_diagnosis", "subset"}
    own = named or (*(x for x in VARIABLES if x in held), *freeze.kept)
    own = tuple(x for x in own if x != by)
    return TableOne(freeze, by, own, least_of(least)).rows()


def windows(answers: Path, by: str | None, least: int | None) -> pl.DataFrame:
    """Return responses by index drug and week; see ``counts.windows``."""
    return counts.windows(_grouped(answers, by), least_of(least), by)


def refractory(answers: Path, by: str | None, least: int | None) -> pl.DataFrame:
    """Return definitions of refractory disease; see ``counts.refractory``."""
    return counts.refractory(_grouped(answers, by), least_of(least), by)


def overlap(answers: Path, least: int | None) -> pl.DataFrame:
    """Return which definitions of refractory disease are met together."""
    return counts.overlap(Freeze.open(answers), least_of(least))


def events(answers: Path, least: int | None) -> pl.DataFrame:
    """Return times to events; see ``counts.events``."""
    return counts.events(Freeze.open(answers), least_of(least), Conventions.packaged())


def worklist(
    answers: Path,
    source: str,
    rules: Path | None,
    mapping: str | None = None,
    note: Complain = print,
) -> pl.DataFrame:
    """Return who should be looked at again, see ``Worklist.rows``, and note how many have died."""
    freeze, listed = Freeze.open(answers), Worklist(rules)
    if gone := listed.deceased(freeze):
        note(f"{gone} {'patient' if gone == 1 else 'patients'} who died: not on the list")
    return listed.rows(freeze, source, mapping)


def screen(answers: Path, rules: str, least: int | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the attrition of a trial, and the patients who may enter it."""
    freeze = Freeze.open(answers)
    found = Screening.load(rules, freeze.knowledge).screened(freeze)
    return found.attrition(least_of(least)), found.patients()


def quality(
    source: Place, mapping: Path | None, by: str | None, least: int | None, visits: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return what was entered by variable, group and visit, and changes that cannot be; see ``quality``."""
    from myoresist.cohort.freeze.quality import quality as measured

    found = measured(source, mapping, by, least_of(least), visits)
    return found.table, found.changes


def export(answers: Path, out: Path, form: str, short: bool, key: Path | None) -> None:
    """Write a freeze for another tool; see ``export.Export``."""
    from myoresist.cohort.freeze.export import FORMS, Export

    known = next((x for x in FORMS if x == form), None)
    if known is None:
        raise SourceError(f"--format {form}: write {', '.join(FORMS)} or omop")
    secret = key.read_bytes().strip() if key else None
    Export(Freeze.open(answers), known, short, secret).write(out)


def export_omop(
    answers: Path, out: Path, version: str, day: str | None, persons: Path | None
) -> None:
    """Write a freeze as tables of an OMOP CDM; see ``omop.write.OmopExport``."""
    from myoresist.cohort.omop.write import VERSIONS, OmopExport

    known = next((x for x in VERSIONS if x == version), None)
    if known is None:
        raise SourceError(f"--cdm {version}: write {' or '.join(VERSIONS)}")
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError as error:
        raise SourceError(f"--date {day}: write a day as 2026-05-17") from error
    OmopExport(Freeze.open(answers), known, on, persons).write(out)


def diff(old: Path, new: Path) -> Differences:
    """Return two freezes, compared."""
    return Differences(Freeze.open(old), Freeze.open(new))


def _grouped(answers: Path, by: str | None) -> Freeze:
    freeze = Freeze.open(answers)
    if by is not None and by not in freeze.kept:
        kept = ", ".join(freeze.kept) or "none"
        raise SourceError(f"--by {by}: is no column that the registry keeps; there are: {kept}")
    return freeze


def as_csv(frame: pl.DataFrame) -> str:
    """Return a table as CSV; no cell is taken for a formula by a spreadsheet."""
    texts = [x for x, kind in frame.schema.items() if kind == pl.String]
    risky = {x: pl.col(x).str.contains(_FORMULA) for x in texts}
    safe = frame.with_columns(
        pl.when(one).then(pl.concat_str(pl.lit("'"), pl.col(x))).otherwise(pl.col(x)).alias(x)
        for x, one in risky.items()
    )
    return safe.write_csv()


def as_text(frame: pl.DataFrame) -> str:
    """Return a table for the terminal: tab-separated, empty for what is not told."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(frame.columns)
    for row in frame.iter_rows():
        writer.writerow(["" if x is None else f"{x:g}" if isinstance(x, float) else x for x in row])
    return stream.getvalue().removesuffix("\n")


def hand_over(frame: pl.DataFrame, out: Path | None, say: Complain, note: Complain) -> None:
    """Write a table as CSV, or show it; say that small counts are withheld where any are."""
    if out:
        write_text(out, as_csv(frame))
        note(f"{frame.height} rows in {out}")
    else:
        say(as_text(frame))


def tell_withheld(frame: pl.DataFrame, least: int | None, note: Complain) -> None:
    """Say once that counts are withheld, where any are."""
    if "withheld" in frame.columns and frame["withheld"].any():
        note(WITHHELD.format(least_of(least).least))
        lost = int(frame["withheld"].sum())
        if lost > _MOST_WITHHELD * frame.height:
            note(
                f"{lost:,} of {frame.height:,} rows are withheld: most groups are that small; "
                "group by a column with fewer values"
            )

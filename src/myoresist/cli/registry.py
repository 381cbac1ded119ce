"""Commands about a registry."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoresist.cli.apps import app, registry_app
from myoresist.cli.forms import Full, Html, depth_of, show, written_forms
from myoresist.cli.terminal import Stop, complain, say, user_errors, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from myoresist.cohort.simulate import Form


Where = Annotated[str, typer.Argument(help="Where the tables of the registry are.")]
Schemas = Annotated[
    list[str] | None,
    typer.Option(
        help="Schema of Postgres that holds the tables; may be given again, the first one counts."
    ),
]


@app.command(epilog="Example: myoresist cohort registry/ --out answers/")
def cohort(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder of tables or of bulk data of FHIR (NDJSON), a DuckDB or SQLite file, or "
            "postgresql://HOST/DATABASE; in a database also an OMOP CDM. See docs/cohort.md."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the answers; a run that was ended goes on."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="A YAML file that says what foreign columns are here, or imacs, euromyositis, juvenile."
        ),
    ] = None,
    schema: Schemas = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what can be used and what cannot.")
    ] = False,
    draft_mapping: Annotated[
        bool,
        typer.Option(
            "--draft-mapping",
            help="Only print a mapping file, guessed from headers and values, to be confirmed.",
        ),
    ] = False,
    engine: Annotated[str, typer.Option(help="embedded, or spark for a cluster.")] = "embedded",
    master: Annotated[str | None, typer.Option(help="Address of the Spark cluster.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are cores when left out.")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, help="Patients that are answered together.")
    ] = 20_000,
) -> None:
    """Answer for every patient of a registry: tables in, tables out."""
    from myoresist.cohort.command import EndedError, check_registry, run_registry
    from myoresist.cohort.folder import SourceError
    from myoresist.cohort.source import place_of

    with user_errors():
        if engine not in ("embedded", "spark"):
            raise Stop(f"--engine {engine}: write embedded or spark")
        if [check, draft_mapping, out is not None].count(True) != 1:
            raise Stop("give either --out FOLDER, --check or --draft-mapping")
        try:
            place = place_of(source, schema or ())
            if draft_mapping:
                from myoresist.cohort.draft.draft import draft_mapping as drafted

                say(drafted(place).removesuffix("\n"))
            elif out is None:
                check_registry(place, mapping, say)
            else:
                run_registry(place, out, mapping, engine, master, workers, batch, say, complain)
        except EndedError as error:
            complain(str(error))
            raise typer.Exit(error.status) from None
        except SourceError as error:
            raise Stop(str(error)) from error
        except OSError as error:
            goes_on = "; when that is mended, the same command goes on where it was" if out else ""
            raise Stop(f"{error.filename or out}: {error.strerror or error}{goes_on}") from error


Answers = Annotated[Path, typer.Argument(help="The folder that `myoresist cohort` wrote.")]
Csv = Annotated[Path | None, typer.Option("-o", "--output", help="Write CSV to this file.")]
Least = Annotated[
    int | None,
    typer.Option(
        min=1, help="Least count that is told, 5 when left out; 1 tells all, for own use only."
    ),
]


@contextmanager
def _registry_errors() -> Iterator[None]:
    from myoresist.cohort.folder import SourceError

    with user_errors():
        try:
            yield
        except SourceError as error:
            raise Stop(str(error)) from error
        except OSError as error:
            raise Stop(f"{error.filename}: {error.strerror or error}") from error


def _hand_over_counts(found: pl.DataFrame, output: Path | None, least: int | None) -> None:
    """Print or write a table of counts, and say which of them are withheld."""
    from myoresist.cohort.freeze import command

    command.hand_over(found, output, say, complain)
    command.tell_withheld(found, least, complain)


@registry_app.command(epilog="Example: myoresist registry table1 answers/ --by site -o table1.csv")
def table1(
    answers: Answers,
    by: Annotated[
        str, typer.Option(help="A finding, label, final_diagnosis, subset, or a column you keep.")
    ] = "subset",
    variables: Annotated[
        str | None, typer.Option(help="Columns to describe, parted by commas.")
    ] = None,
    least: Least = None,
    output: Csv = None,
) -> None:
    """Table 1 by any column: counts, missing, medians, standardised differences."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.table_one(answers, by, variables, least)
        _hand_over_counts(found, output, least)


@registry_app.command(epilog="Example: myoresist registry windows answers/ -o response.csv")
def windows(
    answers: Answers,
    by: Annotated[str | None, typer.Option(help="A column that the registry keeps.")] = None,
    least: Least = None,
    output: Csv = None,
) -> None:
    """Response of new users by index drug at weeks 12, 24 and 52, with what is missing and why."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.windows(answers, by, least)
        _hand_over_counts(found, output, least)


@registry_app.command(epilog="Example: myoresist registry refractory answers/ --by site")
def refractory(
    answers: Answers,
    by: Annotated[str | None, typer.Option(help="A column that the registry keeps.")] = None,
    overlap: Annotated[bool, typer.Option("--overlap", help="Which are met together.")] = False,
    least: Least = None,
    output: Csv = None,
) -> None:
    """Who is refractory by which definition, with bounds from what is unknown; --overlap combines them."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = (
            command.overlap(answers, least) if overlap else command.refractory(answers, by, least)
        )
        _hand_over_counts(found, output, least)


@registry_app.command(epilog="Example: myoresist registry events answers/ -o times.csv")
def events(answers: Answers, least: Least = None, output: Csv = None) -> None:
    """Time to first response, retention of drugs, glucocorticoid spared: Kaplan-Meier by drug.

    The table `events` of the answers holds a row a patient, for any survival package.
    """
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.events(answers, least)
        _hand_over_counts(found, output, least)


@registry_app.command(epilog="Example: myoresist registry worklist answers/ --source registry/")
def worklist(
    answers: Answers,
    source: Annotated[
        str, typer.Option(help="Where the tables of the registry are, for the command to the page.")
    ] = "SRC",
    mapping: Annotated[
        str | None, typer.Option(help="The mapping file of the registry, for that command.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="A file of one's own instead of the packaged reasons.")
    ] = None,
    output: Csv = None,
) -> None:
    """Who should be looked at again first, by site, why, the next step, the command to the page.

    It holds ids: a list for the centre, not to leave it.
    """
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.worklist(answers, source, rules, mapping, complain)
        command.hand_over(found, output, say, complain)


@registry_app.command(
    epilog="Example: myoresist registry screen answers/ --rules trial.yaml -o steps.csv"
)
def screen(
    answers: Answers,
    rules: Annotated[
        str, typer.Option(help="A file of entry criteria, or a packaged one by its name.")
    ] = "adult_refractory",
    patients: Annotated[
        Path | None, typer.Option(help="Write who may enter, and what to ask, to this CSV file.")
    ] = None,
    least: Least = None,
    output: Csv = None,
) -> None:
    """Who may enter a trial: attrition step by step with the unknown; --patients lists them."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        steps, listed = command.screen(answers, rules, least)
        _hand_over_counts(steps, output, least)
        if patients:
            command.hand_over(listed, patients, say, complain)


@registry_app.command(epilog="Example: myoresist registry quality registry/ -o quality.csv")
def quality(
    source: Where,
    schema: Schemas = None,
    mapping: Annotated[Path | None, typer.Option(help="The mapping file of the registry.")] = None,
    by: Annotated[
        str | None, typer.Option(help="A column that the mapping file keeps, such as the site.")
    ] = None,
    visits: Annotated[
        bool, typer.Option("--visits", help="The visits also by their number, from 1 to 12.")
    ] = False,
    changes: Annotated[
        Path | None,
        typer.Option(help="List changes that cannot be, or hardly, with ids, in this CSV file."),
    ] = None,
    least: Least = None,
    output: Csv = None,
) -> None:
    """Quality of what was entered, by variable: complete, unusable and why, far out, impossible changes."""
    from myoresist.cohort.freeze import command
    from myoresist.cohort.source import place_of

    with _registry_errors():
        place = place_of(source, schema or ())
        found, rows = command.quality(place, mapping, by, least, visits)
        _hand_over_counts(found, output, least)
        if changes:
            command.hand_over(rows, changes, say, complain)


@registry_app.command(
    epilog="Example: myoresist registry export answers/ --out stata/ --short-names"
)
def export(
    answers: Answers,
    out: Annotated[Path, typer.Option("--out", help="A new folder, or a new DuckDB file.")],
    form: Annotated[
        str, typer.Option("--format", help="csv, parquet, arrow, duckdb; omop: a CDM.")
    ] = "csv",
    short_names: Annotated[
        bool, typer.Option("--short-names", help="Names that Stata and SAS can take; 0 and 1.")
    ] = False,
    pseudonyms: Annotated[
        Path | None, typer.Option(help="A file with a key of 16 bytes or more, to hide the ids.")
    ] = None,
    cdm: Annotated[str, typer.Option(help="Version of the OMOP CDM: 5.3 or 5.4.")] = "5.4",
    day: Annotated[
        str | None,
        typer.Option("--date", help="omop: the day that stands for one that a record lacks."),
    ] = None,
    persons: Annotated[
        Path | None,
        typer.Option(help="omop: CSV of patient_id and person_id; the ids are persons without it."),
    ] = None,
) -> None:
    """Write the answers for another tool: one file a table, or one database."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        if form == "omop":
            if short_names or pseudonyms:
                raise Stop("--format omop has the names and the persons of a CDM")
            command.export_omop(answers, out, cdm, day, persons)
        else:
            command.export(answers, out, form, short_names, pseudonyms)
        say(f"{out}: written")


@registry_app.command(epilog="Example: myoresist registry diff freeze-1/ freeze-2/ -o changes.csv")
def diff(
    old: Annotated[Path, typer.Argument(help="The answers of the earlier freeze.")],
    new: Annotated[Path, typer.Argument(help="The answers of the later freeze.")],
    output: Csv = None,
) -> None:
    """What changed between two freezes, by column; -o writes every change, with why a verdict turned."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.diff(old, new)
        for note in found.notes():
            complain(note)
        say(command.as_text(found.summary()))
        if output:
            command.hand_over(found.rows(), output, say, complain)


@registry_app.command(
    epilog="Example: myoresist registry page registry/ --patient synthetic-0000017"
)
def page(
    source: Where,
    patient: Annotated[str, typer.Option(help="The id of the patient.")],
    schema: Schemas = None,
    mapping: Annotated[Path | None, typer.Option(help="The mapping file of the registry.")] = None,
    full: Full = False,
    html: Html = None,
) -> None:
    """Show the page of one patient of a registry, as `assess` does of a case file."""
    from myoresist.assessment import assess as assess_case
    from myoresist.cohort.freeze.one_patient import case_of
    from myoresist.cohort.source import place_of

    with _registry_errors():
        found = assess_case(case_of(place_of(source, schema or ()), patient, mapping))
        files, failed = written_forms(found, full, html, None, None)
        if not html:
            show(found, False, depth_of(full, False), None)
        write_all(files, failed)


@app.command(epilog="Example: myoresist simulate 100 --out synthetic")
def simulate(
    patients: Annotated[int, typer.Argument(min=1, help="How many patients.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the tables.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same patients.")] = 0,
    form: Annotated[str, typer.Option("--format", help="parquet or csv.")] = "parquet",
    visits: Annotated[
        int | None, typer.Option(min=1, help="Visits of each patient; drawn when left out.")
    ] = None,
) -> None:
    """Draw a made-up registry, in the tables that cohort reads."""
    with user_errors():
        if form not in ("parquet", "csv"):
            raise Stop(f"--format {form}: write parquet or csv")
        try:
            _run_simulation(patients, out, seed, "csv" if form == "csv" else "parquet", visits)
        except FileExistsError as error:
            raise Stop(f"{out}: is not empty; name a new folder") from error
        except OSError as error:
            raise Stop(f"{error.filename or out}: {error.strerror or error}") from error


def _run_simulation(patients: int, out: Path, seed: int, form: Form, visits: int | None) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from myoresist.cohort.simulate import prepare, write

    prepare(out)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("drawing", total=patients)
        write(out, patients, seed, form, visits, lambda more: progress.advance(task, more))
    say(f"{patients} synthetic patients in {out}; README.txt says what they are")

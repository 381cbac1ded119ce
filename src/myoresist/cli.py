"""The command line. Heavy imports wait until a command needs them, so that --help is instant."""

from __future__ import annotations

import gc
import io
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoresist.report.printable import SPELT, printable
from myoresist.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from myoresist.assessment import Assessment
    from myoresist.case.model import Case
    from myoresist.cohort.simulate import Form
    from myoresist.diagnosis.differential.evaluate import Setting
    from myoresist.library import Knowledge
    from myoresist.report.builder import Depth

app = typer.Typer(
    help="A sourced second opinion for treatment-resistant myositis.",
    epilog="Example: myoresist demo",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
knowledge_app = typer.Typer(
    help="Look into the knowledge: every rule in plain words, with its sources.",
    epilog="Example: myoresist knowledge list",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
app.add_typer(knowledge_app, name="knowledge")
registry_app = typer.Typer(
    help="Ask the answers of `myoresist cohort`: Table 1, work list, response, trial screening, changes.",
    epilog="Example: myoresist registry table1 answers/ --by site",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)
app.add_typer(registry_app, name="registry")

Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write to this file instead of the terminal.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]
Full = Annotated[
    bool,
    typer.Option(
        "--full", help="Add the appendix: what is behind each line, the four questions, sources."
    ),
]
Everything = Annotated[
    bool,
    typer.Option("--all", help="With all that is settled: sets not met, every study, the record."),
]
Html = Annotated[
    Path | None, typer.Option("--html", help="Write one HTML file that needs no network.")
]
Pdf = Annotated[Path | None, typer.Option("--pdf", help="Write a PDF.")]
Markdown = Annotated[Path | None, typer.Option("--markdown", help="Write Markdown.")]
Phenopacket = Annotated[
    Path | None, typer.Option("--phenopacket", help="Write the case as a phenopacket, version 2.")
]
Fhir = Annotated[Path | None, typer.Option("--fhir", help="Write a FHIR R4 document.")]
EXAMPLES = Path(__file__).parent / "examples"
DEMO = "anti_srp_refractory"
FILE_WIDTH = 110


class Stop(Exception):
    """Something that the user can mend; the message is shown as it is."""


@contextmanager
def _user_errors() -> Iterator[None]:
    """Turn what a user can mend into lines on standard error and exit code 2."""
    from myoresist.document import DocumentError

    try:
        yield
    except DocumentError as error:
        _complain(*map(str, error.problems))
        raise typer.Exit(2) from None
    except Stop as error:
        _complain(str(error))
        raise typer.Exit(2) from None


def _say(text: str) -> None:
    """Print for a reader. That the reader has seen enough and closes the pipe is no error."""
    with _output():
        print(text, flush=True)


def _hand_over(text: str) -> None:
    """Print for a machine: UTF-8, whatever the terminal speaks."""
    with _output():
        typer.echo(text.encode(), nl=False)


def _hand_over_json(data: object) -> None:
    _hand_over(_as_json(data))


@contextmanager
def _output() -> Iterator[None]:
    """Say in one line why standard output takes nothing; that a reader closes the pipe is no error."""
    if sys.stdout is None:
        _complain("standard output: is closed")
        raise typer.Exit(2)
    try:
        yield
    except BrokenPipeError:
        _stop_writing()
        raise typer.Exit from None
    except OSError as error:
        _stop_writing()
        _complain(f"standard output: {error.strerror}")
        raise typer.Exit(2) from None


def _stop_writing() -> None:
    # Python would complain once more when it closes standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(*messages: str) -> None:
    """Print errors, one line each, whatever the case or the command line put into them."""
    for message in messages:
        print(printable(message), file=sys.stderr)


def _version(wanted: bool) -> None:
    if wanted:
        from myoresist.knowledge import version

        _say(f"myoresist {__version__}, knowledge {version()}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print versions.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: myoresist assess patient.yaml --html report.html --pdf report.pdf")
def assess(
    case: Annotated[
        str,
        typer.Argument(
            help="A case file (YAML or JSON), a FHIR bundle, a phenopacket, or - for standard input."
        ),
    ],
    json: Json = False,
    text: Annotated[bool, typer.Option("--text", help="Print text; this is the default.")] = False,
    full: Full = False,
    everything: Everything = False,
    setting: Annotated[
        Path | None,
        typer.Option(
            help="A YAML file that says which diseases are commoner here, or all there are."
        ),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Date of the visit from which a response is judged.")
    ] = None,
    html: Html = None,
    pdf: Pdf = None,
    markdown: Markdown = None,
    fhir: Fhir = None,
    phenopacket: Phenopacket = None,
    output: Output = None,
) -> None:
    """Assess one patient: one page of what to do and why; --full adds the reasons.

    With --html, --pdf, --markdown, --fhir or --phenopacket only these files are written, unless --text,
    --json or -o asks for more.
    """
    from myoresist.assessment import assess as assess_case
    from myoresist.document import DocumentError

    with _user_errors():
        if json and text:
            raise Stop("--json and --text exclude each other; leave one out")
        known = _read(case, json)
        forms = (html, pdf, markdown, fhir, phenopacket)
        for path in (output, *forms):
            if path and setting and path.exists() and path.samefile(setting):
                raise Stop(f"{path}: is the setting; write the report to another file")
            if path and case != "-" and path.exists() and path.samefile(case):
                raise Stop(f"{path}: is the case itself; write the report to another file")
        try:
            found = assess_case(known, setting=_setting(setting), baseline=baseline)
        except DocumentError:  # a fault of the knowledge, not of the date
            raise
        except ValueError as error:
            raise Stop(f"--baseline: {error}") from error
        if output and output.resolve() in {x.resolve() for x in forms if x}:
            raise Stop(f"{output}: is asked for twice; name a file for each form")
        if len({x.resolve() for x in forms if x}) < sum(x is not None for x in forms):
            raise Stop("two forms of the report have the same file; name one for each")
        files, failed = _files(found, full or everything, html, pdf, markdown)
        if fhir:
            files[fhir] = _as_fhir(known, found)
        if phenopacket:
            files[phenopacket] = _as_phenopacket(known)
        if not any(forms) or text or json or output:
            _show(found, json, _depth(full, everything), output)
        _write_all(files, failed)


def _read(name: str, json: bool) -> Case:
    """Read a case, or say what is wrong with it; as JSON where that is asked for."""
    from myoresist.case.reading import CaseError
    from myoresist.document import checked
    from myoresist.exchange.door import check

    case, problems = check(name)
    if case is not None:
        return case
    if json:
        _hand_over_json(checked(name, problems))
        raise typer.Exit(2)
    raise CaseError(problems)


@app.command(epilog="Example: myoresist validate patient.yaml")
def validate(
    cases: Annotated[list[str], typer.Argument(help="Case files, or - for standard input.")],
    json: Json = False,
) -> None:
    """Check case files; every mistake is one line with file, line, field and what to write.

    What could not be used, contradicts itself or is beyond any usual dose is said too, and is no mistake.
    """
    from myoresist.assessment import doubts
    from myoresist.document import checked
    from myoresist.exchange.door import check

    told, wrong = [], False
    for name in cases:
        case, problems = check(name)
        wrong = wrong or bool(problems)
        noted = doubts(case) if case else ()
        if json:
            told.append(checked(name, problems, noted))
            continue
        _complain(*map(str, problems))
        if not problems:
            _say("\n".join(map(printable, (f"{name}: ok", *(f"    note: {x}" for x in noted)))))
    if json:
        _hand_over_json(told)
    if wrong:
        raise typer.Exit(2)


@app.command(epilog="Example: myoresist read letter.txt --yaml > patient.yaml")
def read(
    letters: Annotated[
        list[str],
        typer.Argument(help="Letters as text or PDF with text, or - for standard input."),
    ],
    yaml: Annotated[
        bool, typer.Option("--yaml", help="Print what stands without doubt as a case file.")
    ] = False,
    json: Json = False,
    output: Output = None,
) -> None:
    """Read clinic letters and reports in English: statements to confirm, each with its words.

    Nothing is sent anywhere. What the letter leaves open, says twice differently or says of somebody else
    is asked about and written to no case file.
    """
    from myoresist.letters import LetterError

    with _user_errors():
        if yaml and json:
            raise Stop("--yaml and --json exclude each other; leave one out")
        if yaml and len(letters) > 1:
            raise Stop("--yaml writes one case file; give one letter")
        try:
            text = _read_letters(letters, yaml, json)
        except LetterError as error:
            raise Stop(str(error)) from error
        if output:
            _write(output, text)
        elif yaml or json:
            _hand_over(text)
        else:
            _say(text.removesuffix("\n"))


def _read_letters(names: list[str], yaml: bool, json: bool) -> str:
    """Return what letters say, in the form that is asked for."""
    from json import dumps

    from myoresist.exchange.door import record
    from myoresist.letters import read as read_letter
    from myoresist.letters.source import text_of
    from myoresist.report.letter import lines

    received = record(names[0]) if len(names) == 1 else None
    if received:
        return received.json() if json else received.yaml()
    found = []
    for name in names:
        source = "letter" if name == "-" else Path(name).stem
        found.append(read_letter(text_of(name), source=source))
    if yaml:
        return found[0].yaml()
    if json:
        data = [one.model_dump(mode="json") for one in found]
        return dumps(data, indent=2, ensure_ascii=False) + "\n"
    return "\n\n".join("\n".join(lines(one)) for one in found) + "\n"


@app.command(epilog="Example: myoresist mcp")
def mcp() -> None:
    """Offer the engine to an assistant, by the Model Context Protocol on standard input and output.

    The assistant starts this command itself; see docs/mcp.md. Nothing is kept and nothing is sent elsewhere.
    """
    with _user_errors():
        try:
            from myoresist.assistants import server
        except ImportError as error:
            raise Stop("mcp needs an extra: pip install 'myoresist[mcp]'") from error
        server().run("stdio")


@app.command(epilog="Example: myoresist template > patient.yaml")
def template(output: Output = None) -> None:
    """Print a commented empty case file; -o writes it, as some shells change what they redirect."""
    from myoresist.case.template import template as text

    if output is None:
        _hand_over(text())
        return
    with _user_errors():
        if output.exists():
            raise Stop(f"{output}: is there already; name a new file")
        _write(output, text())


@app.command(epilog="Example: myoresist schema case > case.schema.json")
def schema(
    what: Annotated[str, typer.Argument(help="case, assessment or questionnaire")] = "case",
) -> None:
    """Print the JSON Schema of the case file or of the assessment, or the form as FHIR Questionnaire."""
    with _user_errors():
        if what == "case":
            from myoresist.case.words import case_schema

            _hand_over_json(case_schema())
        elif what == "assessment":
            from myoresist.assessment import assessment_schema

            _hand_over_json(assessment_schema())
        elif what == "questionnaire":
            from myoresist.exchange.fhir.form import questionnaire

            _hand_over_json(questionnaire())
        else:
            raise Stop(f"{what} has no schema; write case, assessment or questionnaire")


@app.command(epilog="Example: myoresist demo anti_srp_refractory")
def demo(
    name: Annotated[str, typer.Argument(help="A bundled case; --list names them.")] = DEMO,
    listed: Annotated[bool, typer.Option("--list", help="Name the bundled cases.")] = False,
    json: Json = False,
    full: Full = False,
    everything: Everything = False,
    html: Html = None,
    pdf: Pdf = None,
    markdown: Markdown = None,
    output: Output = None,
) -> None:
    """Assess a bundled published case."""
    from myoresist.assessment import assess as assess_case
    from myoresist.case.reading import read_case

    names = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
    with _user_errors():
        if listed:
            _say("\n".join(names))
            return
        if name not in names:
            raise Stop(f"no bundled case is called {name}; there are {', '.join(names)}")
        assessment = assess_case(read_case(EXAMPLES / f"{name}.yaml"))
        files, failed = _files(assessment, full or everything, html, pdf, markdown)
        _show(assessment, json, _depth(full, everything), output)
        _write_all(files, failed)


@app.command(epilog="Example: myoresist evaluate cases/ --plot reliability.svg")
def evaluate(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="A folder of published cases, one JSON file a case, or of refractory ones with truth.yaml; "
            "or consult and a folder with its truth.yaml, which scores page one."
        ),
    ],
    recoding: Annotated[
        Path | None, typer.Option(help="A CSV file with findings that the case files lack.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Score children, thin cases and weak diagnoses, too.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Write a reliability plot (SVG) to this file.")
    ] = None,
    output: Output = None,
) -> None:
    """Score the differential diagnosis, or page one, on cases for which the answer is known."""
    from rich.console import Console
    from rich.progress import Progress

    from myoresist.evaluation import subjects
    from myoresist.evaluation.evaluate import evaluate as score
    from myoresist.evaluation.published import read_cases
    from myoresist.evaluation.refractory import TRUTH, read_pairs
    from myoresist.library import Knowledge
    from myoresist.report.evaluation import lines, reliability_plot

    with _user_errors():
        knowledge = Knowledge.load()
        if str(folders[0]) == "consult":
            _evaluate_consult(folders[1:], knowledge, output)
            return
        if len(folders) > 1:
            raise Stop(f"give one folder, or consult and a folder; not {folders[1]}")
        folder = folders[0]
        if (folder / TRUTH).is_file():
            pairs = read_pairs(folder)
            asked, total = subjects.refractory(pairs, knowledge), len(pairs)
        else:
            cases = read_cases(folder, knowledge.catalogue, recoding)
            asked, total = subjects.published(cases, knowledge, everything), len(cases)
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("scoring", total=len(asked))
            scored = score(asked, knowledge.differential, total, lambda: progress.advance(task))
        text = "\n".join(lines(scored)) + "\n"
        if plot:
            _write(plot, reliability_plot(scored))
        if output:
            _write(output, text)
        else:
            _say(text.removesuffix("\n"))


def _evaluate_consult(folders: list[Path], knowledge: Knowledge, output: Path | None) -> None:
    """Score page one on the cases of a folder, looked for in further ones, too."""
    from myoresist.evaluation.consult import evaluate as score
    from myoresist.evaluation.consult import lines

    if not folders:
        raise Stop("give a folder with truth.yaml after consult")
    text = "\n".join(lines(score(folders[0], folders[1:], knowledge))) + "\n"
    if output:
        _write(output, text)
    else:
        _say(text.removesuffix("\n"))


@app.command(epilog="Example: myoresist cohort registry/ --out answers/")
def cohort(
    source: Annotated[
        Path,
        typer.Argument(
            help="A folder of tables, a DuckDB or SQLite file, or an OMOP CDM in DuckDB; see docs/cohort.md."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the answers; a run that was ended goes on."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="A YAML file that says what foreign columns and values are here."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what can be used and what cannot.")
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

    with _user_errors():
        if engine not in ("embedded", "spark"):
            raise Stop(f"--engine {engine}: write embedded or spark")
        if check == (out is not None):
            raise Stop("give either --out FOLDER or --check")
        try:
            if out is None:
                check_registry(source, mapping, _say)
            else:
                run_registry(source, out, mapping, engine, master, workers, batch, _say, _complain)
        except EndedError as error:
            _complain(str(error))
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

    with _user_errors():
        try:
            yield
        except SourceError as error:
            raise Stop(str(error)) from error
        except OSError as error:
            raise Stop(f"{error.filename}: {error.strerror or error}") from error


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
        command.hand_over(found, output, _say, _complain)
        command.tell_withheld(found, least, _complain)


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
        command.hand_over(found, output, _say, _complain)
        command.tell_withheld(found, least, _complain)


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
        command.hand_over(found, output, _say, _complain)
        command.tell_withheld(found, least, _complain)


@registry_app.command(epilog="Example: myoresist registry events answers/ -o times.csv")
def events(answers: Answers, least: Least = None, output: Csv = None) -> None:
    """Time to first response, retention of drugs, glucocorticoid spared: Kaplan-Meier by drug.

    The table `events` of the answers holds a row a patient, for any survival package.
    """
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.events(answers, least)
        command.hand_over(found, output, _say, _complain)
        command.tell_withheld(found, least, _complain)


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
        command.hand_over(
            command.worklist(answers, source, rules, mapping), output, _say, _complain
        )


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
        command.hand_over(steps, output, _say, _complain)
        command.tell_withheld(steps, least, _complain)
        if patients:
            command.hand_over(listed, patients, _say, _complain)


@registry_app.command(epilog="Example: myoresist registry quality registry/ -o quality.csv")
def quality(
    source: Annotated[Path, typer.Argument(help="Where the tables of the registry are.")],
    mapping: Annotated[Path | None, typer.Option(help="The mapping file of the registry.")] = None,
    by: Annotated[
        str | None, typer.Option(help="A column that the mapping file keeps, such as the site.")
    ] = None,
    least: Least = None,
    output: Csv = None,
) -> None:
    """Quality of what was entered, by variable: complete, unusable and why, far out, days between visits."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        found = command.quality(source, mapping, by, least)
        command.hand_over(found, output, _say, _complain)
        command.tell_withheld(found, least, _complain)


@registry_app.command(
    epilog="Example: myoresist registry export answers/ --out stata/ --short-names"
)
def export(
    answers: Answers,
    out: Annotated[Path, typer.Option("--out", help="A new folder, or a new DuckDB file.")],
    form: Annotated[str, typer.Option("--format", help="csv, parquet, arrow or duckdb.")] = "csv",
    short_names: Annotated[
        bool, typer.Option("--short-names", help="Names that Stata and SAS can take; 0 and 1.")
    ] = False,
    pseudonyms: Annotated[
        Path | None, typer.Option(help="A file with a key of 16 bytes or more, to hide the ids.")
    ] = None,
) -> None:
    """Write the answers for another tool: one file a table, or one database."""
    from myoresist.cohort.freeze import command

    with _registry_errors():
        command.export(answers, out, form, short_names, pseudonyms)
        _say(f"{out}: written")


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
            _complain(note)
        _say(command.as_text(found.summary()))
        if output:
            command.hand_over(found.rows(), output, _say, _complain)


@registry_app.command(
    epilog="Example: myoresist registry page registry/ --patient synthetic-0000017"
)
def page(
    source: Annotated[Path, typer.Argument(help="Where the tables of the registry are.")],
    patient: Annotated[str, typer.Option(help="The id of the patient.")],
    mapping: Annotated[Path | None, typer.Option(help="The mapping file of the registry.")] = None,
    full: Full = False,
    html: Html = None,
) -> None:
    """Show the page of one patient of a registry, as `assess` does of a case file."""
    from myoresist.assessment import assess as assess_case
    from myoresist.cohort.freeze.one_patient import case_of

    with _registry_errors():
        found = assess_case(case_of(source, patient, mapping))
        files, failed = _files(found, full, html, None, None)
        if not html:
            _show(found, False, _depth(full, False), None)
        _write_all(files, failed)


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
    with _user_errors():
        if form not in ("parquet", "csv"):
            raise Stop(f"--format {form}: write parquet or csv")
        try:
            _run_simulation(patients, out, seed, "csv" if form == "csv" else "parquet", visits)
        except FileExistsError as error:
            raise Stop(f"{out}: is not empty; name a new folder") from error
        except OSError as error:
            raise Stop(f"{error.filename or out}: {error.strerror or error}") from error


@app.command(epilog="Example: myoresist evidence ivig --subset DM --plot ivig.svg")
def evidence(
    drug: Annotated[str, typer.Argument(help="A treatment or a drug, such as ivig or prednisone.")],
    subset: Annotated[
        str | None, typer.Option(help="Only studies of this subset, such as DM, IMNM or IBM.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a forest plot (SVG) to this file.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what studies found on a treatment, and what may be put together."""
    from myoresist.report.charts.drawing import on_paper
    from myoresist.report.charts.forest import forest
    from myoresist.report.evidence import lines
    from myoresist.treatment.evidence import UnknownName
    from myoresist.treatment.evidence import evidence as find

    with _user_errors():
        try:
            found = find(drug, subset)
        except UnknownName as error:
            raise Stop(str(error)) from error
        if plot:
            _write(plot, on_paper(forest(found), "system-ui, sans-serif"))
        if json:
            _hand_over_json(found.model_dump(mode="json"))
        else:
            _say("\n".join(map(printable, lines(found))))


def _list_words(what: str, json: bool) -> None:
    from myoresist.case.reading import packaged_terms
    from myoresist.case.words import WORDS, words

    if what not in WORDS:
        raise Stop(f"{what} is no list of words; write {', '.join(WORDS)}")
    listed = words(packaged_terms(), what)
    if json:
        _hand_over_json({one: list(others) for one, others in listed.items()})
    else:
        rows = ((f"{', '.join(others)}", one) for one, others in listed.items())
        _say("\n".join(f"{said}  [{one}]" if said else f"[{one}]" for said, one in rows))


@knowledge_app.command("list", epilog="Example: myoresist knowledge list")
def knowledge_list(
    what: Annotated[
        str | None,
        typer.Argument(help="drugs, findings, labs, antibodies or routes: the words of a case."),
    ] = None,
    recall: Annotated[
        bool,
        typer.Option(
            "--recall",
            help="List what was never compared with a publication, gravest consequences first.",
        ),
    ] = False,
    seed: Annotated[
        bool,
        typer.Option(
            "--seed", help="List what each work of the review stands behind that all started from."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List what is covered, since when, and verified against what; or the words that a case may use."""
    from myoresist.knowledge.schema import Coverage, load_list
    from myoresist.library import Knowledge

    with _user_errors():
        if recall and seed:
            raise Stop("--recall and --seed exclude each other; leave one out")
        if what is not None:
            _list_words(what, json)
            return
        knowledge = Knowledge.load()
        if recall or seed:
            _take_stock(knowledge, recall, json)
            return
        coverage = load_list(knowledge.folder / "coverage.yaml", Coverage)
        if json:
            _hand_over_json([one.model_dump() for one in coverage])
            return
        from myoresist.report.entries.show import listing

        _say("\n".join(listing(knowledge, coverage)))


def _take_stock(knowledge: Knowledge, recall: bool, json: bool) -> None:
    from myoresist.knowledge.inventory import Inventory, seed
    from myoresist.report.entries import inventory as stock

    held, numbered = Inventory.of(knowledge.folder), seed(knowledge.folder)
    if json:
        _hand_over_json(stock.recalled(held) if recall else stock.behind(held, numbered))
    elif recall:
        _say("\n".join(stock.recall_lines(held)))
    else:
        _say("\n".join(stock.seed_lines(held, numbered, knowledge.references)))


@knowledge_app.command("check", epilog="Example: myoresist knowledge check my-knowledge/")
def knowledge_check(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="A knowledge folder, or one that holds only what differs from ours; ours when left out."
        ),
    ] = None,
) -> None:
    """Check knowledge: that every file can be used, and that every worked example agrees.

    What is wrong is one line with file, line and field, or with example, what it expects and what came out;
    the exit code is then 2.
    """
    from rich.console import Console
    from rich.progress import Progress

    from myoresist.knowledge import folder as packaged
    from myoresist.worked_examples.check import check

    console = Console(stderr=True)
    with (
        _user_errors(),
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("running examples", total=None)
        try:
            found = check(
                folder or packaged(),
                lambda done, of: progress.update(task, completed=done, total=of),
            )
        except OSError as error:
            raise Stop(f"{error.filename or folder}: {error.strerror or error}") from error
    _complain(*map(str, found.problems))
    _complain(*(line for one in found.disagreeing for line in str(one).splitlines()))
    _say(str(found))
    if not found.right:
        raise typer.Exit(2)


@knowledge_app.command("show", epilog="Example: myoresist knowledge show eular_acr_2017")
def knowledge_show(
    name: Annotated[
        str,
        typer.Argument(
            help="A criteria set, disease, treatment, finding or work; consult is page one."
        ),
    ],
    json: Json = False,
) -> None:
    """Show one entry with its rules in plain words and its sources."""
    from myoresist.library import Knowledge
    from myoresist.report.entries.show import UnknownEntry, describe, entry

    with _user_errors():
        try:
            if json:
                _hand_over_json(entry(Knowledge.load(), name))
            else:
                _say("\n".join(describe(Knowledge.load(), name)))
        except UnknownEntry as error:
            raise Stop(str(error.args[0])) from error


@app.command(epilog="Example: myoresist serve --port 8000")
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; others reach 0.0.0.0.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8080,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Name under which others reach this server; may be given again."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are cores when left out.")
    ] = None,
    hooks: Annotated[
        Path | None,
        typer.Option(
            help="Settings of CDS Hooks: which record systems may ask; see docs/hooks.md."
        ),
    ] = None,
    hooks_open: Annotated[
        bool,
        typer.Option("--hooks-open", help="CDS Hooks for everything on this machine, to try it."),
    ] = False,
) -> None:
    """Open a page on this machine on which a patient is entered and the answer stands beside it.

    Nothing of a patient is stored, logged or sent on. It has no login: see docs/serve.md before others can
    reach it.
    """
    with _user_errors():
        try:
            from myoresist.service.run import ServeError
            from myoresist.service.run import serve as run
        except ImportError as error:
            raise Stop(f"serve needs {error.name}: pip install 'myoresist[service]'") from error
        try:
            run(host, port, allow_host or (), workers, browser, _say, hooks, hooks_open)
        except ServeError as error:
            raise Stop(str(error)) from error


def _run_simulation(patients: int, out: Path, seed: int, form: Form, visits: int | None) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from myoresist.cohort.simulate import prepare, write

    prepare(out)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("drawing", total=patients)
        write(out, patients, seed, form, visits, lambda more: progress.advance(task, more))
    _say(f"{patients} synthetic patients in {out}; README.txt says what they are")


def _setting(path: Path | None) -> Setting | None:
    """Read where the patient is seen, and refuse what the differential does not know."""
    if path is None:
        return None
    from myoresist.diagnosis.differential.evaluate import SettingError, read_setting
    from myoresist.library import Knowledge

    setting = read_setting(path)
    try:
        Knowledge.load().differential.within(setting)
    except SettingError as error:
        raise Stop(f"{path}: {error}") from error
    return setting


def _depth(full: bool, everything: bool) -> Depth:
    """Return how much of the report is asked for."""
    return "all" if everything else "full" if full else "page"


def _files(
    assessment: Assessment, full: bool, html: Path | None, pdf: Path | None, markdown: Path | None
) -> tuple[dict[Path, str | bytes], list[str]]:
    """Return the written forms that are asked for, by file, and why one of them cannot be made.

    HTML always holds the appendix, folded unless it is asked for.
    """
    if not (html or pdf or markdown):
        return {}, []
    from myoresist.report.builder import build_report

    files: dict[Path, str | bytes] = {}
    failed: list[str] = []
    report = build_report(assessment, "all" if full else "page")
    if markdown:
        from myoresist.report.markdown import render as as_markdown

        files[markdown] = as_markdown(report)
    if pdf:
        from myoresist.report.pdf import NoTypst, PdfError
        from myoresist.report.pdf import render as as_pdf

        try:
            files[pdf] = as_pdf(report)
        except NoTypst as error:
            failed.append(str(error))
        except PdfError as error:
            failed.append(f"{pdf}: {error}")
    if html:
        from myoresist.report.html import render as as_page

        files[html] = as_page(build_report(assessment), full)
    return files, failed


def _as_fhir(case: Case, assessment: Assessment) -> str:
    """Return the consult as a FHIR document, made now."""
    from myoresist.exchange.fhir.opinion import document

    return _as_json(document(case, assessment, _now()))


def _as_phenopacket(case: Case) -> str:
    """Return the case as a phenopacket, made now."""
    from myoresist.exchange.phenopacket_out import phenopacket

    return _as_json(phenopacket(case, _now()))


def _as_json(data: object) -> str:
    from json import dumps

    return dumps(data, indent=2, ensure_ascii=False) + "\n"


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _write_all(files: dict[Path, str | bytes], failed: list[str]) -> None:
    """Write what could be made, and then say what could not."""
    for path, content in files.items():
        _write(path, content)
    if failed:
        raise Stop("; ".join(failed))


def _show(assessment: Assessment, json: bool, depth: Depth, output: Path | None) -> None:
    if json:
        text = assessment.model_dump_json(indent=2) + "\n"
        if output is None:
            _hand_over(text)
        else:
            _write(output, text)
        return
    from rich.console import Console

    from myoresist.report.builder import build_report
    from myoresist.report.terminal import render

    report = build_report(assessment, depth)
    if output is None:
        console = Console(highlight=False)
        # What is captured keeps its colours.
        with _output(), console.capture() as shown:
            render(report, console)
        _say(shown.get().removesuffix("\n"))
        return
    held = io.StringIO()
    render(report, Console(file=held, width=FILE_WIDTH, highlight=False))
    _write(output, held.getvalue())


def _write(path: Path, content: str | bytes) -> None:
    """Write beside the file and then replace it, so that no half file is ever left."""
    data = content.encode() if isinstance(content, str) else content
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.is_dir():
            raise Stop(f"{path}: is a folder; name a file in it")
        if path.exists() and not path.is_file():
            # A device or a pipe is written to, and never replaced by a file.
            path.write_bytes(data)
        else:
            beside.write_bytes(data)
            if target.exists():
                # Who may read the file stays as somebody has set it.
                beside.chmod(target.stat().st_mode & 0o777)
            beside.replace(target)
    except OSError as error:
        raise Stop(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            beside.unlink()
    _complain(f"wrote {path}")


def main() -> None:
    """Run the command line; an unexpected error is one line, unless MYORESIST_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SPELT)
    # What knowledge is read into stays; walking through it over and over took a seventh of the time.
    gc.set_threshold(100_000, 20, 100)
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get("MYORESIST_DEBUG"):
            raise
        lines = str(error).splitlines() or [""]
        hint = "set MYORESIST_DEBUG=1 to see where"
        _complain(f"myoresist: unexpected error: {type(error).__name__}: {lines[0]} ({hint})")
        sys.exit(1)

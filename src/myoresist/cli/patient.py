"""Commands about one patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoresist.cli.apps import app
from myoresist.cli.forms import (
    Everything,
    Fhir,
    Full,
    Html,
    Markdown,
    Pdf,
    Phenopacket,
    as_fhir,
    as_phenopacket,
    depth_of,
    show,
    written_forms,
)
from myoresist.cli.terminal import (
    Json,
    Output,
    Stop,
    complain,
    hand_over,
    hand_over_json,
    say,
    user_errors,
    write,
    write_all,
)
from myoresist.report.printable import printable

if TYPE_CHECKING:
    from myoresist.case.model import Case
    from myoresist.diagnosis.differential.evaluate import Setting


EXAMPLES = Path(__file__).parents[1] / "examples"
DEMO = "anti_srp_refractory"


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

    with user_errors():
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
        files, failed = written_forms(found, full or everything, html, pdf, markdown)
        if fhir:
            files[fhir] = as_fhir(known, found)
        if phenopacket:
            files[phenopacket] = as_phenopacket(known)
        if not any(forms) or text or json or output:
            show(found, json, depth_of(full, everything), output)
        write_all(files, failed)


def _read(name: str, json: bool) -> Case:
    """Read a case, or say what is wrong with it; as JSON where that is asked for."""
    from myoresist.case.reading import CaseError
    from myoresist.document import checked
    from myoresist.exchange.door import check

    case, problems = check(name)
    if case is not None:
        return case
    if json:
        hand_over_json(checked(name, problems))
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
        complain(*map(str, problems))
        if not problems:
            say("\n".join(map(printable, (f"{name}: ok", *(f"    note: {x}" for x in noted)))))
    if json:
        hand_over_json(told)
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

    with user_errors():
        if yaml and json:
            raise Stop("--yaml and --json exclude each other; leave one out")
        if yaml and len(letters) > 1:
            raise Stop("--yaml writes one case file; give one letter")
        try:
            text = _read_letters(letters, yaml, json)
        except LetterError as error:
            raise Stop(str(error)) from error
        if output:
            write(output, text)
        elif yaml or json:
            hand_over(text)
        else:
            say(text.removesuffix("\n"))


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


@app.command(epilog="Example: myoresist template > patient.yaml")
def template(output: Output = None) -> None:
    """Print a commented empty case file; -o writes it, as some shells change what they redirect."""
    from myoresist.case.template import template as text

    if output is None:
        hand_over(text())
        return
    with user_errors():
        if output.exists():
            raise Stop(f"{output}: is there already; name a new file")
        write(output, text())


@app.command(epilog="Example: myoresist schema case > case.schema.json")
def schema(
    what: Annotated[
        str,
        typer.Argument(
            help="case, assessment, questionnaire, redcap, cql, or a mapping: imacs, euromyositis, juvenile."
        ),
    ] = "case",
    name: Annotated[
        str | None, typer.Argument(help="With cql: a criteria set, or findings.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="With cql: a folder for all libraries."),
    ] = None,
) -> None:
    """Print the JSON Schema of the case file or of the assessment, the form, or criteria as CQL.

    The form is a Questionnaire for FHIR, and the data dictionary of a project for REDCap; a mapping is a file
    for `myoresist cohort`, to be changed.
    """
    with user_errors():
        if what != "cql" and (name or output):
            raise Stop("only cql takes a name or a folder")
        if what == "case":
            from myoresist.case.words import case_schema

            hand_over_json(case_schema())
        elif what == "assessment":
            from myoresist.assessment import assessment_schema

            hand_over_json(assessment_schema())
        elif what == "questionnaire":
            from myoresist.exchange.fhir.form import questionnaire

            hand_over_json(questionnaire())
        elif what == "redcap":
            from myoresist.case.reading import packaged_terms
            from myoresist.cohort.redcap_project import dictionary
            from myoresist.cohort.schema import Schema

            say(dictionary(Schema(packaged_terms())).removesuffix("\n"))
        elif what == "cql":
            _cql(name, output)
        else:
            from myoresist.cohort.ready import listed

            ready = listed()
            if what not in ready:
                names = ", ".join(("case", "assessment", "questionnaire", "redcap", "cql", *ready))
                raise Stop(f"{what} has no schema; write one of {names}")
            say(ready[what].read_text(encoding="utf-8").removesuffix("\n"))


def _cql(name: str | None, output: Path | None) -> None:
    """Print one criteria set as a library of CQL, or write all of them into a folder."""
    from myoresist.exchange.cql import FINDINGS, libraries, title
    from myoresist.library import Knowledge

    criteria = Knowledge.load().criteria
    texts = libraries(criteria)
    if output is not None and name is None:
        output.mkdir(parents=True, exist_ok=True)
        for library, text in texts.items():
            write(output / f"{library}.cql", text)
        return
    sets = {"findings": FINDINGS} | {one.id: title(one.id) for one in criteria.implemented}
    if name not in sets:
        raise Stop(f"name a criteria set or a folder (-o); there are {', '.join(sets)}")
    if output is not None:
        raise Stop("-o writes all libraries; leave out the name")
    hand_over(texts[sets[name]])


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
    with user_errors():
        if listed:
            say("\n".join(names))
            return
        if name not in names:
            raise Stop(f"no bundled case is called {name}; there are {', '.join(names)}")
        assessment = assess_case(read_case(EXAMPLES / f"{name}.yaml"))
        files, failed = written_forms(assessment, full or everything, html, pdf, markdown)
        show(assessment, json, depth_of(full, everything), output)
        write_all(files, failed)


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

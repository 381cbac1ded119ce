"""In which forms an assessment is shown and written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoresist.cli.terminal import as_json, hand_over, say, standard_output, write

if TYPE_CHECKING:
    from myoresist.assessment import Assessment
    from myoresist.case.model import Case
    from myoresist.report.builder import Depth


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
FILE_WIDTH = 110


def depth_of(full: bool, everything: bool) -> Depth:
    """Return how much of the report is asked for."""
    return "all" if everything else "full" if full else "page"


def written_forms(
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


def as_fhir(case: Case, assessment: Assessment) -> str:
    """Return the consult as a FHIR document, made now."""
    from myoresist.exchange.fhir.opinion import document

    return as_json(document(case, assessment, _now()))


def as_phenopacket(case: Case) -> str:
    """Return the case as a phenopacket, made now."""
    from myoresist.exchange.phenopacket_out import phenopacket

    return as_json(phenopacket(case, _now()))


def _now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def show(assessment: Assessment, json: bool, depth: Depth, output: Path | None) -> None:
    """Print an assessment, or write it to a file."""
    if json:
        text = assessment.model_dump_json(indent=2) + "\n"
        if output is None:
            hand_over(text)
        else:
            write(output, text)
        return
    from rich.console import Console

    from myoresist.report.builder import build_report
    from myoresist.report.terminal import render

    report = build_report(assessment, depth)
    if output is None:
        console = Console(highlight=False)
        # What is captured keeps its colours.
        with standard_output(), console.capture() as shown:
            render(report, console)
        say(shown.get().removesuffix("\n"))
        return
    held = io.StringIO()
    render(report, Console(file=held, width=FILE_WIDTH, highlight=False))
    write(output, held.getvalue())

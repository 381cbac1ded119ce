"""Commands about the knowledge, and how well it answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoresist.cli.apps import app, knowledge_app
from myoresist.cli.terminal import (
    Json,
    Output,
    Stop,
    complain,
    hand_over_json,
    say,
    user_errors,
    write,
)
from myoresist.report.printable import printable

if TYPE_CHECKING:
    from myoresist.library import Knowledge


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

    with user_errors():
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
            write(plot, reliability_plot(scored))
        if output:
            write(output, text)
        else:
            say(text.removesuffix("\n"))


def _evaluate_consult(folders: list[Path], knowledge: Knowledge, output: Path | None) -> None:
    """Score page one on the cases of a folder, looked for in further ones, too."""
    from myoresist.evaluation.consult import evaluate as score
    from myoresist.evaluation.consult import lines

    if not folders:
        raise Stop("give a folder with truth.yaml after consult")
    text = "\n".join(lines(score(folders[0], folders[1:], knowledge))) + "\n"
    if output:
        write(output, text)
    else:
        say(text.removesuffix("\n"))


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

    with user_errors():
        try:
            found = find(drug, subset)
        except UnknownName as error:
            raise Stop(str(error)) from error
        if plot:
            write(plot, on_paper(forest(found), "system-ui, sans-serif"))
        if json:
            hand_over_json(found.model_dump(mode="json"))
        else:
            say("\n".join(map(printable, lines(found))))


def _list_words(what: str, json: bool) -> None:
    from myoresist.case.reading import packaged_terms
    from myoresist.case.words import WORDS, words

    if what not in WORDS:
        raise Stop(f"{what} is no list of words; write {', '.join(WORDS)}")
    listed = words(packaged_terms(), what)
    if json:
        hand_over_json({one: list(others) for one, others in listed.items()})
    else:
        rows = ((f"{', '.join(others)}", one) for one, others in listed.items())
        say("\n".join(f"{said}  [{one}]" if said else f"[{one}]" for said, one in rows))


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

    with user_errors():
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
            hand_over_json([one.model_dump() for one in coverage])
            return
        from myoresist.report.entries.show import listing

        say("\n".join(listing(knowledge, coverage)))


def _take_stock(knowledge: Knowledge, recall: bool, json: bool) -> None:
    from myoresist.knowledge.inventory import Inventory, seed
    from myoresist.report.entries import inventory as stock

    held, numbered = Inventory.of(knowledge.folder), seed(knowledge.folder)
    if json:
        hand_over_json(stock.recalled(held) if recall else stock.behind(held, numbered))
    elif recall:
        say("\n".join(stock.recall_lines(held)))
    else:
        say("\n".join(stock.seed_lines(held, numbered, knowledge.references)))


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
        user_errors(),
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
    complain(*map(str, found.problems))
    complain(*(line for one in found.disagreeing for line in str(one).splitlines()))
    say(str(found))
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

    with user_errors():
        try:
            if json:
                hand_over_json(entry(Knowledge.load(), name))
            else:
                say("\n".join(describe(Knowledge.load(), name)))
        except UnknownEntry as error:
            raise Stop(str(error.args[0])) from error

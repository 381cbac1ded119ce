"""The command line and its groups of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from myoresist.cli.terminal import say
from myoresist.version import __version__

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


def _version(wanted: bool) -> None:
    if wanted:
        from myoresist.knowledge import version

        say(f"myoresist {__version__}, knowledge {version()}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print versions.")
    ] = False,
) -> None:
    pass

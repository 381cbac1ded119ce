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


def _group(name: str, about: str, example: str) -> typer.Typer:
    """Return a group of commands, as part of the command line."""
    group = typer.Typer(
        help=about,
        epilog=f"Example: {example}",
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
    )
    app.add_typer(group, name=name)
    return group


knowledge_app = _group(
    "knowledge",
    "Look into the knowledge: every rule in plain words, with its sources.",
    "myoresist knowledge list",
)
registry_app = _group(
    "registry",
    "Ask the answers of `myoresist cohort`: Table 1, work list, response, trial screening, changes.",
    "myoresist registry table1 answers/ --by site",
)


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

"""Commands that wait for requests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from myoresist.cli.apps import app
from myoresist.cli.terminal import Stop, say, user_errors


@app.command(epilog="Example: myoresist mcp")
def mcp() -> None:
    """Offer the engine to an assistant, by the Model Context Protocol on standard input and output.

    The assistant starts this command itself; see docs/mcp.md. Nothing is kept and nothing is sent elsewhere.
    """
    with user_errors():
        try:
            from myoresist.assistants import server
        except ImportError as error:
            raise Stop("mcp needs an extra: pip install 'myoresist[mcp]'") from error
        server().run("stdio")


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
    smart: Annotated[
        Path | None,
        typer.Option(
            help="Settings of SMART App Launch: which record systems may open the page; see docs/smart.md."
        ),
    ] = None,
) -> None:
    """Open a page on this machine on which a patient is entered and the answer stands beside it.

    Nothing of a patient is stored, logged or sent on. It has no login: see docs/serve.md before others can
    reach it.
    """
    with user_errors():
        try:
            from myoresist.service.run import ServeError
            from myoresist.service.run import serve as run
        except ImportError as error:
            raise Stop(f"serve needs {error.name}: pip install 'myoresist[service]'") from error
        try:
            run(host, port, allow_host or (), workers, browser, say, hooks, hooks_open, smart)
        except ServeError as error:
            raise Stop(str(error)) from error

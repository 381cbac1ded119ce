"""What the command line says, where, and how a fault ends it."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myoresist.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator


Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write to this file instead of the terminal.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


class Stop(Exception):
    """Something that the user can mend; the message is shown as it is."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn what a user can mend into lines on standard error and exit code 2."""
    from myoresist.document import DocumentError

    try:
        yield
    except DocumentError as error:
        complain(*map(str, error.problems))
        raise typer.Exit(2) from None
    except Stop as error:
        complain(str(error))
        raise typer.Exit(2) from None


def say(text: str) -> None:
    """Print for a reader. That the reader has seen enough and closes the pipe is no error."""
    with standard_output():
        print(text, flush=True)


def hand_over(text: str) -> None:
    """Print for a machine: UTF-8, whatever the terminal speaks."""
    with standard_output():
        typer.echo(text.encode(), nl=False)


def hand_over_json(data: object) -> None:
    """Print data for a machine."""
    hand_over(as_json(data))


@contextmanager
def standard_output() -> Iterator[None]:
    """Say in one line why standard output takes nothing; that a reader closes the pipe is no error."""
    if sys.stdout is None:
        complain("standard output: is closed")
        raise typer.Exit(2)
    try:
        yield
    except BrokenPipeError:
        _stop_writing()
        raise typer.Exit from None
    except OSError as error:
        _stop_writing()
        complain(f"standard output: {error.strerror}")
        raise typer.Exit(2) from None


def _stop_writing() -> None:
    # Python would complain once more when it closes standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(*messages: str) -> None:
    """Print errors, one line each, whatever the case or the command line put into them."""
    for message in messages:
        print(printable(message), file=sys.stderr)


def as_json(data: object) -> str:
    """Return data as text that people can read, too."""
    from json import dumps

    return dumps(data, indent=2, ensure_ascii=False) + "\n"


def write_all(files: dict[Path, str | bytes], failed: list[str]) -> None:
    """Write what could be made, and then say what could not."""
    for path, content in files.items():
        write(path, content)
    if failed:
        raise Stop("; ".join(failed))


def write(path: Path, content: str | bytes) -> None:
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
    complain(f"wrote {path}")

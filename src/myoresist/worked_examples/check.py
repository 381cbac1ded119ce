"""Check a knowledge folder: that it can be used, and that every worked example agrees with its rules."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from myoresist import knowledge as packaged
from myoresist.document import DocumentError, Problem, did_you_mean
from myoresist.library import Knowledge
from myoresist.worked_examples.run import Examples, Outcome, files
from myoresist.worked_examples.topics import TOPICS

WHOLE = "knowledge.yaml"
"""The file that a folder has when it holds all knowledge, and not only what differs from ours."""
ENDINGS = {".yaml", ".csv", ".json"}
NAMED = ("criteria/*/criteria.yaml", "treatments/options/*.yaml")
"""Files that a folder may hold any number of, beside those that ours holds and the worked examples."""
CODE = shutil.ignore_patterns("*.py", "__pycache__", "py.typed")


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        problems: what cannot be used; with any of these no example was run.
        outcomes: every worked example.
    """

    problems: tuple[Problem, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def disagreeing(self) -> tuple[Outcome, ...]:
        """Return the examples with which the knowledge does not agree."""
        return tuple(one for one in self.outcomes if one.differences)

    def __str__(self) -> str:
        """Return how many problems there are, or how many examples agree."""
        if self.problems:
            count = len(self.problems)
            problems = "1 problem" if count == 1 else f"{count} problems"
            return f"{problems}; the worked examples were not run"
        where = len({one.file for one in self.outcomes})
        wrong = len(self.disagreeing)
        agree = len(self.outcomes) - wrong
        return (
            f"{len(self.outcomes)} worked examples in {where} files: {agree} agree, {wrong} do not"
        )

    @property
    def right(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems and not self.disagreeing


def check(folder: Path, progress: Callable[[int, int], None] | None = None) -> Checked:
    """Check a knowledge folder.

    A folder without ``knowledge.yaml`` holds only what differs from the packaged knowledge, file by file; it
    is checked as if it were laid over that.

    Args:
        folder: the folder.
        progress: called with the number of files of examples that were run, and of all.

    Raises:
        OSError: if the folder cannot be read.
    """
    strange = tuple(_strange(folder))
    with _whole(folder) as (whole, place):
        problems: dict[Problem, None] = dict.fromkeys(strange)
        try:
            knowledge = Knowledge.load(whole, check=True)
        except DocumentError as error:
            problems |= dict.fromkeys(_placed(error.problems, place))
        examples: list[Examples] = []
        for file in files(whole):
            try:
                examples.append(Examples.read(file, whole))
            except DocumentError as error:
                problems |= dict.fromkeys(_placed(error.problems, place))
        if problems:
            return Checked(tuple(sorted(problems, key=_by_place)), ())
        outcomes: list[Outcome] = []
        for number, one in enumerate(examples, 1):
            try:
                ran = list(one.run(knowledge))
            except DocumentError as error:
                return Checked(tuple(_placed(error.problems, place)), ())
            outcomes += [replace(outcome, file=place(outcome.file)) for outcome in ran]
            if progress:
                progress(number, len(examples))
    return Checked((), tuple(outcomes))


@contextmanager
def _whole(folder: Path) -> Iterator[tuple[Path, Callable[[Path], Path]]]:
    """Give a whole folder, and what says where a file of it really stands."""
    if (folder / WHOLE).exists():
        yield folder, lambda file: file
        return
    with TemporaryDirectory() as temporary:
        laid = Path(temporary).resolve()
        shutil.copytree(packaged.folder(), laid, ignore=CODE, dirs_exist_ok=True)
        for file in _held(folder):
            target = laid / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file, target)

        def place(file: Path) -> Path:
            if not file.is_relative_to(laid):
                return file
            inside = file.relative_to(laid)
            own = folder / inside
            return own if own.exists() else packaged.folder() / inside

        yield laid, place


def _held(folder: Path) -> Iterator[Path]:
    """Yield the knowledge files of a folder, relative to it; nothing but topics is looked into."""
    topics = {one.name for one in packaged.folder().iterdir()}
    for entry in sorted(folder.iterdir()):
        inside = entry.rglob("*") if entry.is_dir() and entry.name in topics else [entry]
        for file in inside:
            if file.suffix in ENDINGS and file.is_file():
                yield file.relative_to(folder)


def _strange(folder: Path) -> Iterator[Problem]:
    """Yield what a knowledge folder holds that nothing would read."""
    ours = packaged.folder()
    known = {one.relative_to(ours).as_posix() for one in ours.rglob("*") if one.suffix in ENDINGS}
    patterns = (*NAMED, *(one.files for one in TOPICS))
    held = [one.as_posix() for one in _held(folder)]
    for name in held:
        depth = name.count("/")
        named = any(
            pattern.count("/") == depth and Path(name).match(pattern) for pattern in patterns
        )
        if name not in known and not named:
            message = (
                f"nothing reads a file of this name here{did_you_mean(name, [*known, *patterns])}"
            )
            yield Problem(str(folder / name), None, "", message)
    topics = {one.name for one in ours.iterdir() if one.is_dir() and not one.name.startswith("_")}
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name not in topics and not entry.name.startswith((".", "_")):
            yield Problem(str(entry), None, "", f"is no topic{did_you_mean(entry.name, topics)}")
    if not held:
        message = f"holds no knowledge; its topics are {', '.join(sorted(topics))}"
        yield Problem(str(folder), None, "", message)


def _placed(problems: Iterable[Problem], place: Callable[[Path], Path]) -> Iterator[Problem]:
    for one in problems:
        yield replace(one, file=str(place(Path(one.file))))


def _by_place(one: Problem) -> tuple[str, int, str]:
    return one.file, one.line or 0, one.field

"""Change every number in the executable knowledge, one at a time: a worked example must notice.

For each number in a condition, a weight, a cut-off or an intercept of ``criteria/<set>/criteria.yaml``, of
``findings/derived.yaml`` and of ``treatments/``, two mutants are made, one step of the last written digit up
and one down (18 -> 17 and 19, 8.7 -> 8.6 and 8.8). A mutant survives when every worked example still passes.
A survivor is a number that no example pins down.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import yaml

from myoresist import Knowledge
from myoresist.diagnosis.criteria.evaluate import Criteria
from myoresist.document import DocumentError
from myoresist.findings.evaluate import Inference, finding_names
from myoresist.treatment.ceilings import Ceilings
from myoresist.treatment.evaluate import Options
from myoresist.worked_examples.run import Examples

CONDITIONS = {"when", "value", "applies_when", "missing_when"}
NUMBERS = {
    "at_least", "probability_at_least", "logistic_intercept", "above", "times", "days", "likely_at",
}  # fmt: skip
NEVER_BELOW_ZERO = {"at_least", "probability_at_least", "points"}
DERIVED = Path("findings", "derived.yaml")
TREATMENTS = "treatments"

# A number in SQL, but no digit of a name; text in quotes is taken first and skipped.
SQL_NUMBER = re.compile(r"'[^']*'|(?<![\w.])(?P<number>\d+(?:\.\d+)?)(?![\w.])")


@dataclass(frozen=True)
class Number:
    """A number as it is written in a knowledge file."""

    file: Path
    line: int
    start: int
    text: str
    entry: str
    key: str

    def mutants(self) -> Iterator[str]:
        """Return the number one step of its last digit down and up, where that can be a value."""
        value = Decimal(self.text)
        step = Decimal(1).scaleb(int(value.as_tuple().exponent))
        for changed in (value - step, value + step):
            if changed >= 0 or self.key not in NEVER_BELOW_ZERO:
                yield str(changed)


@dataclass(frozen=True)
class Mutant:
    """A changed number and what became of it: who noticed, or nobody."""

    number: Number
    text: str
    noticed: str | None
    refused: bool = False

    def __str__(self) -> str:
        """Return place, change and fate on one line."""
        fate = "refused" if self.refused else "killed" if self.noticed else "SURVIVED"
        number = self.number
        change = f"{number.text} -> {self.text}"
        place = f"{number.file}:{number.line}"
        return f"{place}  {number.entry}.{number.key}  {change}  {fate}" + (
            f" by {self.noticed}" if self.noticed else ""
        )


def numbers(folder: Path, file: Path) -> list[Number]:
    """Return every number in an executable place of one knowledge file, in its order."""
    text = (folder / file).read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return list(_walk(root, text, file, "", "")) if root else []


def _walk(node: yaml.Node, text: str, file: Path, entry: str, key: str) -> Iterator[Number]:
    match node:
        case yaml.MappingNode():
            names = {k.value: v.value for k, v in node.value if isinstance(v, yaml.ScalarNode)}
            here = names.get("id") or names.get("class") or entry
            for name, value in node.value:
                # The weights of one item stand below it by variant: {no_biopsy: 1.3, biopsy: 1.5}.
                inner = key if key == "points" else name.value
                yield from _walk(value, text, file, here, inner)
        case yaml.SequenceNode():
            for value in node.value:
                yield from _walk(value, text, file, entry, key)
        case yaml.ScalarNode() if key in NUMBERS or key == "points":
            line, start = node.start_mark.line + 1, node.start_mark.index
            yield Number(file, line, start, node.value, entry, key)
        case yaml.ScalarNode() if key in CONDITIONS:
            start = node.start_mark.index
            raw = text[start : node.end_mark.index]
            for found in SQL_NUMBER.finditer(raw):
                if found["number"]:
                    line = node.start_mark.line + 1 + raw.count("\n", 0, found.start())
                    yield Number(file, line, start + found.start(), found["number"], entry, key)


class Laboratory:
    """A copy of the knowledge in which one number at a time is changed."""

    def __init__(self, folder: Path, copy: Path) -> None:
        """Read the knowledge and make the copy.

        Args:
            folder: the knowledge folder, which stays as it is.
            copy: an empty folder.
        """
        self.folder, self.copy = folder, copy
        shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
        self.knowledge = Knowledge.load(folder, check=False)
        self.names = finding_names(self.knowledge.catalogue)
        self.examples = {
            one.id: Examples.read(folder / "criteria" / one.id / "tests.yaml", folder)
            for one in self.knowledge.criteria.implemented
        }
        self.alone = {one.id: self._alone(one.id) for one in self.knowledge.criteria.implemented}

    def _alone(self, set_id: str) -> Criteria:
        """Compile one set of the copy without the others, which is what makes a run quick."""
        with tempfile.TemporaryDirectory() as only:
            where = Path(only, "criteria", set_id)
            where.mkdir(parents=True)
            shutil.copy(self.copy / "criteria" / set_id / "criteria.yaml", where)
            return Criteria.load(Path(only), self.names)

    def broken(self) -> list[str]:
        """Return the worked examples that fail before anything is changed."""
        inference = self.knowledge.inference
        return [
            str(failure)
            for set_id in self.alone
            for failure in self._failures(set_id, inference, self.alone[set_id])
        ] + [str(failure) for failure in self._untreated()]

    @cached_property
    def treatments(self) -> list[Path]:
        """Return the files of treatments that hold rules, where there are examples beside them."""
        found = sorted((self.folder / TREATMENTS).rglob("*.yaml"))
        files = [path.relative_to(self.folder) for path in found]
        examples = Path(TREATMENTS, "tests.yaml")
        return [one for one in files if one != examples] if examples in files else []

    @cached_property
    def _treated(self) -> Examples:
        return Examples.read(self.folder / TREATMENTS / "tests.yaml", self.folder)

    def _untreated(self) -> Iterator[object]:
        """Yield the examples with which the treatments of the copy do not agree."""
        if not self.treatments:
            return
        known, told = self.knowledge, self.knowledge.resistance
        ceilings = Ceilings.load(self.copy, known.terms)
        options = Options.load(
            self.copy,
            told.names | ceilings.names,
            told.labels | ceilings.labels,
            known.differential.diseases,
            [one.id for one in told.treatments.regimens.trials],
        )
        changed = replace(known)
        # What is read once and kept is put there as changed.
        vars(changed).update(terms=known.terms, resistance=told, options=options, ceilings=ceilings)
        yield from (one for one in self._treated.run(changed) if one.differences)

    def _failures(self, set_id: str, inference: Inference, criteria: Criteria) -> list[object]:
        knowledge = replace(self.knowledge, inference=inference, criteria=criteria)
        return [one for one in self.examples[set_id].run(knowledge) if one.differences]

    def run(self, number: Number) -> Iterator[Mutant]:
        """Make the mutants of one number and say what becomes of each."""
        path = self.copy / number.file
        original = path.read_text(encoding="utf-8")
        end = number.start + len(number.text)
        assert original[number.start : end] == number.text, f"{number} is not where it was found"
        for changed in number.mutants():
            path.write_text(original[: number.start] + changed + original[end:], encoding="utf-8")
            try:
                yield Mutant(number, changed, self._noticed(number.file))
            except DocumentError as error:
                yield Mutant(number, changed, str(error.problems[0].message), refused=True)
            finally:
                path.write_text(original, encoding="utf-8")

    def _noticed(self, file: Path) -> str | None:
        """Return the first worked example that fails."""
        if file.parts[0] == TREATMENTS:
            return next((str(failure) for failure in self._untreated()), None)
        if file == DERIVED:
            inference = Inference.load(self.copy, self.knowledge.catalogue)
            suspects = [(set_id, inference, self.alone[set_id]) for set_id in self.alone]
        else:
            set_id = file.parent.name
            suspects = [(set_id, self.knowledge.inference, self._alone(set_id))]
        for suspect in suspects:
            for failure in self._failures(*suspect):
                return str(failure)
        return None


def main() -> int:
    """Run from the command line; return 1 when too many mutants survive or an example fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, help="the knowledge folder; the packaged one if left out"
    )
    parser.add_argument(
        "--set", action="append", dest="sets", help="only this set, derived or treatments"
    )
    parser.add_argument("--every", type=int, default=1, help="only one number of so many")
    parser.add_argument("--floor", type=float, default=0.0, help="least share that must be killed")
    parser.add_argument("--all", action="store_true", help="list killed mutants as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as copy:
        folder = given.folder or Knowledge.load().folder
        laboratory = Laboratory(folder, Path(copy))
        if broken := laboratory.broken():
            print("These worked examples fail before any number is changed:", *broken, sep="\n")
            return 1
        files = {name: [Path("criteria", name, "criteria.yaml")] for name in laboratory.alone}
        files["derived"] = [DERIVED]
        files[TREATMENTS] = laboratory.treatments
        if unknown := set(given.sets or ()) - files.keys():
            print(f"unknown set {', '.join(sorted(unknown))}; known: {', '.join(files)}")
            return 2
        results: dict[str, list[Mutant]] = {}
        for name in given.sets or files:
            results[name] = []
            found = [one for file in files[name] for one in numbers(folder, file)]
            for number in found[:: given.every]:
                for mutant in laboratory.run(number):
                    results[name].append(mutant)
                    if given.all or not mutant.noticed:
                        print(mutant, flush=True)
    return _report(results, given.floor)


def _report(results: dict[str, list[Mutant]], floor: float) -> int:
    print(f"\n{'':32}{'mutants':>9}{'refused':>9}{'killed':>9}{'survived':>10}{'rate':>8}")
    made = killed = 0
    for name, mutants in results.items():
        tried = [one for one in mutants if not one.refused]
        dead = sum(one.noticed is not None for one in tried)
        made, killed = made + len(tried), killed + dead
        share = f"{dead / len(tried):.0%}" if tried else "-"
        row = (len(mutants), len(mutants) - len(tried), dead, len(tried) - dead)
        print(f"{name:32}" + "".join(f"{n:>9}" for n in row[:3]) + f"{row[3]:>10}{share:>8}")
    if not made:
        print("there is no number to change")
        return 0
    rate = killed / made
    print(
        f"{killed} of {made} mutants killed: {rate:.1%}"
        + (f", at least {floor:.1%} is asked" if floor else "")
    )
    print("Refused mutants, which the rules do not let through, are not counted.")
    return 0 if rate >= floor else 1


if __name__ == "__main__":
    sys.exit(main())

"""Run the official tests of SQL on FHIR, version 2, and write ``docs/sql-on-fhir.md``.

    python scripts/sql_on_fhir.py

A case passes, or its view is refused with a reason; a wrong answer ends with status 1.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from myoresist.exchange.views.view import ViewError, compiled

ROOT = Path(__file__).parents[1]
SUITE = ROOT / "tests" / "exchange" / "sql_on_fhir"
REPORT = ROOT / "docs" / "sql-on-fhir.md"
PASSED, REFUSED, WRONG = "passed", "refused", "WRONG"
HEAD = """\
# Views of SQL on FHIR

Bulk data of FHIR are read through views: files in `src/myoresist/knowledge/exchange/views/`, one a
resource, as [SQL on FHIR, version 2](https://sql-on-fhir.org) defines them (ViewDefinition). A compiler
turns a view into one SELECT of DuckDB. The elements of FHIR R4 and their types are known to it, so a
misspelt one is an error.

It reads `column`, `select`, `forEach`, `forEachOrNull`, `unionAll`, `where` and `constant`; of FHIRPath
elements, `[n]`, `first()`, `where()`, `exists()`, `empty()`, `not()`, `ofType()`, `extension()`, `join()`,
`getResourceKey()`, `getReferenceKey()`, `and`, `or`, `=`, `!=`, and `<`, `<=`, `>`, `>=` between numbers.
Anything else is refused in one line that names view, place and expression. A resource key is `Type/id`.

The official tests are those of [FHIR/sql-on-fhir-v2](https://github.com/FHIR/sql-on-fhir-v2), commit
49fc1ad, in `tests/exchange/sql_on_fhir/` under their licence, MIT; `python scripts/sql_on_fhir.py` runs them:
"""


@dataclass(frozen=True)
class Outcome:
    """How a case of the suite fares."""

    file: str
    title: str
    tag: str
    state: str
    why: str = ""


def outcomes() -> Iterator[Outcome]:
    """Run every case of the suite."""
    for path in sorted(SUITE.glob("*.json")):
        suite = json.loads(path.read_text(encoding="utf-8"))
        for case in suite["tests"]:
            tag = "shareable" if "shareable" in case.get("tags", ()) else "experimental"
            state, why = run(case, suite["resources"])
            yield Outcome(path.name, case["title"], tag, state, why)


def run(case: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Return the state of a case, and why it is not passed."""
    wrong_view = case.get("expectError", False)
    try:
        columns, rows = answers(case["view"], resources)
    except ViewError as error:
        return (PASSED, "") if wrong_view else (REFUSED, str(error).partition(": ")[2])
    except duckdb.Error as error:
        return (PASSED, "") if wrong_view else (WRONG, str(error).splitlines()[0])
    if wrong_view:
        return WRONG, "an error is expected"
    if "expect" in case and in_no_order(rows) != in_no_order(case["expect"]):
        return WRONG, f"{rows}"
    if len(rows) != case.get("expectCount", len(rows)):
        return WRONG, f"{len(rows)} rows"
    return (PASSED, "") if columns == case.get("expectColumns", columns) else (WRONG, f"{columns}")


def answers(
    view: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a view."""
    select = compiled(view).sql("resources")
    connection = opened()
    connection.execute("CREATE OR REPLACE TABLE resources (json VARCHAR)")
    held = [[json.dumps(x)] for x in resources]
    connection.executemany("INSERT INTO resources VALUES (?)", held)
    found = connection.execute(select)
    columns = [one[0] for one in found.description or ()]
    return columns, [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


@cache
def opened() -> duckdb.DuckDBPyConnection:
    """Return a database in memory, opened once."""
    return duckdb.connect(config={"threads": 1})


def in_no_order(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return rows so that two lists of the same ones are equal."""
    return sorted(json.dumps(one, sort_keys=True, default=str) for one in rows)


def report(found: Sequence[Outcome]) -> str:
    """Return the page about the suite."""
    counts = Counter((one.tag, one.state) for one in found)
    lines = [HEAD, "| tests | passed | refused | wrong |", "|---|---|---|---|"]
    for tag in ("shareable", "experimental"):
        numbers = (str(counts[tag, state]) for state in (PASSED, REFUSED, WRONG))
        lines.append(f"| {tag} | {' | '.join(numbers)} |")
    lines += ["", "| file | case | tests | state |", "|---|---|---|---|"]
    for one in found:
        said = f"{one.state}: `{one.why}`" if one.why else one.state
        lines.append(
            f"| {one.file} | {one.title} | {one.tag} | {said.replace('|', chr(92) + '|')} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; return 1 if an answer is wrong."""
    found = list(outcomes())
    REPORT.write_text(report(found), encoding="utf-8")
    wrong = [one for one in found if one.state == WRONG]
    for one in wrong:
        print(one)
    print(dict(Counter((one.tag, one.state) for one in found)))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

"""What would change most, with why; and what an answer has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.assessment import Assessment
from myoresist.case.catalogue import Catalogue, Finding
from myoresist.report.diagnosis import Diagnosis, ordered
from myoresist.report.document import Page
from myoresist.report.questions import questions
from myoresist.report.wording import LITTLE

MOST, MOST_EACH, MOST_SETS, MOST_CHANGES = 6, 3, 4, 8


@dataclass(frozen=True)
class Ask:
    """What to ask or to order.

    Attributes:
        text: the question, or the name of the investigation.
        why: what it would tell.
        finding: what the answer fills, where one answer does.
    """

    text: str
    why: str
    finding: Finding | None = None


@dataclass(frozen=True)
class Change:
    """What differs from the page before: a line that is new or gone, or what has become of the state."""

    sign: str
    text: str


def asks(data: Assessment, catalogue: Catalogue) -> list[Ask]:
    """Return what would change most, what tells most about the disease first."""
    found: dict[str, Ask] = {}
    for group in (_signs(data), _page(data), _tests(data), _criteria(data)):
        for id_, text, why in list(group)[:MOST_EACH]:
            known = catalogue.findings.get(id_)
            answerable = known if known and known.kind in ("bool", "number") else None
            found.setdefault(id_, Ask(text, why, answerable))
    return list(found.values())[:MOST]


def _signs(data: Assessment) -> Iterator[tuple[str, str, str]]:
    said = Diagnosis(data)
    for one in data.differential.questions:
        why = next(said.results(one.results), "")
        if one.gain >= LITTLE and why:
            yield one.finding, data.questions[one.finding], f"{why}."


def _page(data: Assessment) -> Iterator[tuple[str, str, str]]:
    for one in data.consult.ask:
        rule = data.rules[f"consult.{one.rule}"]
        yield one.finding, data.questions.get(one.finding, one.text), f"Nobody has said it. {rule}"


def _tests(data: Assessment) -> Iterator[tuple[str, str, str]]:
    said = Diagnosis(data)
    for one in data.differential.next_tests:
        if one.gain >= LITTLE:
            yield one.id, ordered(data, one), said.gain(one)


def _criteria(data: Assessment) -> Iterator[tuple[str, str, str]]:
    for one in questions(data):
        sets = [x.short for x, _ in one.changes]
        if one.settles:
            more = f" and {len(sets) - MOST_SETS} more" if len(sets) > MOST_SETS else ""
            why = f"An answer would change published criteria: {'; '.join(sets[:MOST_SETS])}{more}."
            yield one.finding, data.questions[one.finding], why


def kept(page: Page) -> str:
    """Return what stands on a page, for the next answer to compare; the page itself holds it."""
    return json.dumps([page.state, *_lines(page)], ensure_ascii=False)


def changes(before: str, page: Page) -> list[Change]:
    """Return how a page differs from the one before.

    Args:
        before: what ``kept`` returned of it; anything else says nothing.
        page: the page of now.
    """
    old = _read(before)
    if not old:
        return []
    now = [page.state, *_lines(page)]
    found = [] if old[0] == now[0] else [Change("→", f"{old[0]} → {now[0]}")]
    found += [Change("+", one) for one in now[1:] if one not in old]
    found += [Change("−", one) for one in old[1:] if one not in now]
    rest = len(found) - MOST_CHANGES
    return found if rest <= 0 else [*found[:MOST_CHANGES], Change("", f"and {rest} more")]


def _lines(page: Page) -> list[str]:
    told = [page.bottom_line.text]
    return told + [f"{x.title}: {line.text}" for x in page.blocks for line in x.lines]


def _read(before: str) -> list[str]:
    try:
        found = json.loads(before)
    except (ValueError, RecursionError):
        return []
    told = isinstance(found, list) and all(isinstance(one, str) for one in found)
    return found if told else []

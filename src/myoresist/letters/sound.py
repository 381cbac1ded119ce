"""Asks about statements that no case file takes together, such as a dose begun after the letter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from myoresist.case.reading import check_case_text
from myoresist.case.terms import Terms
from myoresist.document import Problem
from myoresist.letters.statements import Letter, Statement

_ENTRY = re.compile(r"(labs|autoantibodies|treatments)\[(\d+)\]")
_ROUNDS = 4
_BIRTH = "patient.birth_date"


def sound(letter: Letter, terms: Terms, question: str) -> Letter:
    """Return a letter of which what stands makes a case file that can be read.

    Args:
        letter: what was read.
        terms: the words that a case may use.
        question: what is asked about a statement that cannot be.
    """
    for _ in range(_ROUNDS):
        case, problems = check_case_text(letter.yaml(), letter.source, terms)
        if case is not None:
            break
        blamed = {one.number for problem in problems for one in _blamed(letter, problem)}
        if any("before the birth" in problem.message for problem in problems):
            # One birthday is more likely misread than everything that came before it.
            blamed = {one.number for one in letter.standing if one.about == _BIRTH}
        letter = letter.model_copy(
            update={"statements": tuple(_asked(letter.statements, blamed, question))}
        )
    return letter


def _blamed(letter: Letter, problem: Problem) -> Iterator[Statement]:
    """Yield the statements that a problem of the case file is about."""
    if match := _ENTRY.match(problem.field):
        own = [one for one in letter.standing if one.where == match[1] and one.entry is not None]
        yield from own[int(match[2]) : int(match[2]) + 1]
        return
    last = problem.field.rsplit(".", 1)[-1]
    yield from (one for one in letter.standing if last in (one.about, one.about.split(".")[-1]))


def _asked(statements: Iterable[Statement], blamed: set[int], question: str) -> Iterator[Statement]:
    for one in statements:
        if one.number in blamed:
            one = one.model_copy(
                update={"stands": False, "reason": "impossible", "question": question}
            )
        yield one

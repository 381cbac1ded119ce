"""Where one drug ends: it was stopped, or another one took its place."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from myoresist.letters.course import Course
from myoresist.letters.layout import Sentence


def switched(plain: str, sentence: Sentence, courses: Sequence[Course]) -> None:
    """Take a switch from one drug to another: the first ends when the second begins.

    "Switch methotrexate to mycophenolate" is a plan: the second is not given yet.

    Args:
        plain: the text of the letter.
        sentence: a sentence of it.
        courses: the courses of that sentence, in its order.
    """
    for one, other in itertools.pairwise(courses):
        before = plain[sentence.start : one.start_at]
        between = plain[one.end_at : other.start_at]
        arrow = _ARROW.fullmatch(between) is not None
        if one.drug == other.drug or not (arrow or _TO.search(between)):
            continue
        if arrow or _SWITCHED_FROM.search(before) or _SWITCHED_TO.search(between):
            one.ongoing, one.ended = False, True
            one.stop = one.stop or other.start
            if arrow and one.start == other.start:
                # "May 2023: MTX -> MMF": the day is that of the switch.
                one.start = None
        elif _SWITCH.search(before):
            other.why = other.why or "planned"


def ended_before(plain: str, sentence: Sentence, head: int) -> bool:
    """Tell whether the words before a drug end it: "she stopped azathioprine in March 2019".

    Args:
        plain: the text of the letter.
        sentence: the sentence with the drug.
        head: where the name of the drug begins.
    """
    return bool(_ENDS.search(plain, sentence.start, head))


def ended_behind(plain: str, begin: int, end: int) -> bool:
    """Tell whether the words behind a drug end it: "methotrexate … was discontinued on admission".

    Args:
        plain: the text of the letter.
        begin: where the name of the drug ends.
        end: where the next drug or the sentence begins or ends.
    """
    found = _ENDED_AT_ONCE.match(plain, begin, end) or _ENDED.search(plain, begin, end)
    if found is None or _FOR_A_WHILE.match(plain, found.end(), end):
        return False
    return not _TAKEN_UP.search(plain, found.end(), end)


_ENDED = re.compile(
    r"(?:\b(?:was|were|has been|have been|had been|being|then|later|subsequently|now|since)|[,(:;–-])\s*"
    r"(?:then\s|later\s|subsequently\s|now\s|recently\s|eventually\s|finally\s|therefore\s)?"
    r"(?:stopped|discontinued|withdrawn|ceased|abandoned|terminated|taken off)\b"
    r"(?!\s+(?:smok|drink|work|respond))",
    re.IGNORECASE,
)
_ENDED_AT_ONCE = re.compile(r"\s*(?:stopped|discontinued|withdrawn|ceased)\b", re.IGNORECASE)
_TAKEN_UP = re.compile(
    r"\b(?:resumed|restarted|re-started|reintroduced|re-introduced|recommenced|reinstated)\b",
    re.IGNORECASE,
)
_FOR_A_WHILE = re.compile(
    r"\s*(?:temporarily|briefly|for (?:about |some )?(?:\w+) (?:days?|weeks?|months?))",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"\b(?:stopped|discontinued|withdrew|ceased|abandoned|gave up|came off|took (?:her|him) off|"
    r"taken off|off|ran out of|run out of|weaned off|quit|last took)\s+"
    r"(?:taking\s+|the\s|her\s|his\s|all\s|oral\s)*$",
    re.IGNORECASE,
)
_ARROW = re.compile(r"\s*(?:->|→|=>|>)\s*")
_TO = re.compile(r"\b(?:to|for|by|with)\s+(?:oral\s|IV\s|the\s)*$", re.IGNORECASE)
_SWITCHED_FROM = re.compile(
    r"\b(?:switched|changed|swapped|replaced|converted|moved|transitioned|rotated)\s+"
    r"(?:him\s|her\s|from\s|over\s|the\s|oral\s|IV\s)*$",
    re.IGNORECASE,
)
_SWITCHED_TO = re.compile(
    r"^[^.;]{0,40}\b(?:was|were|been|then|and)\s+(?:then\s)?"
    r"(?:switched|changed|swapped|replaced|converted|substituted)\s+(?:to|for|by|with)\b",
    re.IGNORECASE,
)
_SWITCH = re.compile(
    r"\b(?:switch|change|swap|replace|convert|rotate)\s+(?:him\s|her\s|from\s|over\s|the\s|oral\s|IV\s)*$",
    re.IGNORECASE,
)

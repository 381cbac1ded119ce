"""What values in other languages are called here: drugs, how often they are given, results, diagnoses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from myoresist.cohort.draft.spelling import plain, snake
from myoresist.knowledge.schema import Sourced

_SIGNS = re.compile(r"[^\W\d_]")


class Foreign(Sourced):
    """Values of registries in other languages; see ``registry/foreign.yaml``.

    Attributes:
        values: for each of our tables and columns: for each of our values theirs.
        every: words before the length of a pause, as in "alle 4 Wochen".
        times: words behind a number of doses, as in "2 fois par mois".
        per: words between these and the period.
        periods: for each of our periods theirs.
    """

    values: Mapping[str, Mapping[str, Mapping[str, tuple[str, ...]]]]
    every: tuple[str, ...]
    times: tuple[str, ...]
    per: tuple[str, ...]
    periods: Mapping[str, tuple[str, ...]]

    def find(self, table: str, ours: str, word: str) -> str | None:
        """Return our value for one of theirs in a column of ours."""
        known = self._words.get((table, ours), {})
        found = known.get(_key(word))
        return found or (self._often(word) if ours == "frequency" else None)

    @cached_property
    def _words(self) -> Mapping[tuple[str, str], Mapping[str, str]]:
        return {
            (table, column): {_key(x): ours for ours, several in words.items() for x in several}
            for table, columns in self.values.items()
            for column, words in columns.items()
        }

    def _often(self, word: str) -> str | None:
        """Read how often a drug is given, where it is said with a number."""
        text = snake(word).replace("_", " ")
        every = self._every.fullmatch(text)
        if every:
            return f"every {int(every[1])} {self._period(every[2])}"
        times = self._times.fullmatch(text)
        # A number without a word beside it may be anything.
        if times and (times[2] or times[3] or "/" in word):
            period = self._period(times[4])
            return f"{int(times[1])} times a {period.removesuffix('s')}"
        return None

    def _period(self, word: str) -> str:
        return next(ours for ours, theirs in self.periods.items() if word in theirs)

    @cached_property
    def _every(self) -> re.Pattern[str]:
        return re.compile(rf"{_any(self.every)} ?(\d{{1,3}}) ?({self._lengths})")

    @cached_property
    def _times(self) -> re.Pattern[str]:
        return re.compile(
            rf"(\d{{1,2}}) ?({_any(self.times)})? ?({_any(self.per)})? ?({self._lengths})"
        )

    @property
    def _lengths(self) -> str:
        return "|".join(x for words in self.periods.values() for x in sorted(words, key=len)[::-1])


def _any(words: tuple[str, ...]) -> str:
    return f"(?:{'|'.join(sorted(words, key=len, reverse=True))})"


def _key(word: str) -> str:
    """Return a word without what is written in different ways; one of signs and figures as it is."""
    return plain(word) if _SIGNS.search(word) else "".join(word.split())

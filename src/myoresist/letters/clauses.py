"""Where the clauses of a sentence begin: at a conjunction, a dash, a plus sign, a new subject."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from myoresist.letters.phrases import Hit
from myoresist.letters.tokens import Token


def clauses(
    words: Sequence[Token], marks: Sequence[Hit], verbs: Collection[str], subjects: Collection[str]
) -> list[int]:
    """Return for each word the number of its clause.

    Args:
        words: the words of a sentence.
        marks: the cues in it; some of them end a clause.
        verbs: words that make a clause, as they are compared.
        subjects: words that a new clause may begin with.
    """
    return _Clauses(words, marks, verbs, subjects).numbers()


class _Clauses:
    def __init__(
        self,
        words: Sequence[Token],
        marks: Sequence[Hit],
        verbs: Collection[str],
        subjects: Collection[str],
    ) -> None:
        self._words, self._marks, self._verbs, self._subjects = words, marks, verbs, subjects

    def numbers(self) -> list[int]:
        """Return for each word the number of its clause."""
        begins = {hit.first for hit in self._marks if hit.of.ends}
        number, found = 0, list[int]()
        outer: list[int] = []
        for n in range(len(self._words)):
            if self._words[n].text == "(":
                outer.append(number)
            elif n and self._words[n - 1].text == ")" and outer:
                # What stands in brackets is its own clause; the one around goes on.
                number = number + 1 if n in begins else outer.pop()
            if n and (
                (n in begins and not self._leads(n, found, number))
                or self._words[n - 1].text in (";", "!")
                or self._dash(n - 1)
                or self._arrow(n - 1)
                or self._plus(n)
                or self._subject(n)
            ):
                number += 1
            found.append(number)
        return found

    def _leads(self, n: int, found: list[int], number: int) -> bool:
        """Tell whether "there are" goes on with where something is: "over the knuckles there are …"."""
        if self._words[n].norm != "there" or self._words[n - 1].text == ",":
            return False
        return not any(
            word.norm in self._verbs
            for word, clause in zip(self._words, found, strict=False)
            if clause == number
        )

    def _dash(self, n: int) -> bool:
        word = self._words[n]
        if word.text != "-" or not 0 < n < len(self._words) - 1:
            return False
        return word.start > self._words[n - 1].end and self._words[n + 1].start > word.end

    def _arrow(self, n: int) -> bool:
        return self._words[n].text == ">" and n > 0 and self._words[n - 1].text == "-"

    def _plus(self, n: int) -> bool:
        """Tell whether a sign affirms what follows, as in "no fever, + weight loss"."""
        if self._words[n].text != "+" or n + 1 >= len(self._words):
            return False
        return self._words[n - 1].text in ",:." and self._words[n + 1].start > self._words[n].end

    def _subject(self, n: int) -> bool:
        """Tell whether a new subject with its verb begins at a word."""
        before = self._words[n - 1]
        if before.text not in (",", ":", ")") and before.norm not in ("and", "or", "nor"):
            return False
        if (
            self._words[n].norm not in self._subjects
            and self._words[n].text.lower() not in self._subjects
        ):
            return False
        for word in self._words[n + 1 : n + 8]:
            if word.text in ",;:(":
                return False
            if word.norm in self._verbs:
                return True
        return False

"""Words that look like another and mean something else: what is never suggested for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from pydantic import model_validator

from myoresist.knowledge.schema import Entry

_DENIALS = frozenset({"no", "not", "non", "normal", "without", "absent"})


class Confusion(Entry):
    """Words with what is not meant by them, or with what to write instead."""

    words: tuple[str, ...]
    never: tuple[str, ...] = ()
    say: str | None = None

    @model_validator(mode="after")
    def _something(self) -> Confusion:
        if not self.never and self.say is None:
            raise ValueError("give 'never' or 'say'")
        return self


class Confusions(Entry):
    """The table of known confusions (``findings/sections.yaml``)."""

    confused: tuple[Confusion, ...] = ()

    @cached_property
    def _by_word(self) -> Mapping[str, Confusion]:
        return {_plain(word): one for one in self.confused for word in one.words}

    def said(self, word: str) -> str | None:
        """Return what to write instead of a word that may mean several things, or none of ours."""
        known = self._by_word.get(_plain(word))
        return known.say if known else None

    def allowed(self, word: str, near: Iterable[str]) -> str | None:
        """Return the first of some ids that may be suggested for a word: no antonym, and none it is not."""
        known = self._by_word.get(_plain(word))
        never = known.never if known else ()
        if known and known.say:
            return None
        return next((x for x in near if x not in never and not _denies(word, x)), None)


def _denies(word: str, other: str) -> bool:
    """Tell whether one of two words says that there is nothing, and the other does not."""
    one, two = (set(re.split(r"[\W_]+", text.lower())) for text in (word, other))
    return bool(one & _DENIALS) != bool(two & _DENIALS)


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum()).removeprefix("anti")

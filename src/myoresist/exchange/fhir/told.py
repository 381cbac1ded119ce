"""What only a text says is unsure: it is listed to be confirmed, and leaves open what it could change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from myoresist.case.terms import Terms
from myoresist.exchange.fhir.texts import Text
from myoresist.exchange.received import Draft, Unsure

if TYPE_CHECKING:
    from myoresist.letters import Statement

CODED = ("findings", "exposures", "comorbidities")
WHO = ("patient.sex", "patient.birth_date")
"""What tells whose text it is."""
YES, NO = ("positive", "weak", "moderate", "strong"), ("negative",)
NOT_NOW = ("other", "supposed", "planned", "pending", "no")
"""Why a statement does not stand, where it changes nothing about the patient as he is."""
NEAR = 0.01
MOST_CHARACTERS = 1_000_000
"""Characters of all texts of a record that are read, so that time is bounded."""
SHORT, MOST_SHORT = 400, 2_000
"""Characters of texts that come again and again ("no interstitial lung disease"), and how many are kept."""
SOURCE = "text"
SHOWN = 8
"""How many statements of a text its note names; all of them are listed to be confirmed."""


def read_texts(found: Iterable[Text], draft: Draft, terms: Terms) -> None:
    """Read texts as letters, the newest first, and hold what they say against what stands as data."""
    alike: dict[tuple[str, str], Text] = {}
    for one in sorted(found, key=lambda x: x.date or "", reverse=True):
        alike.setdefault((one.heading, one.body), one)
    left, room = 0, MOST_CHARACTERS
    for one in alike.values():
        room -= len(one.body)
        if room < 0:
            left += 1
        else:
            _Reader(one, draft, terms).read()
    if left:
        draft.note("texts", f"{left} older ones are not read; read them by themselves")
    # What several texts say in the same words is asked once.
    kept: dict[tuple[str, str, str, str], Unsure] = {}
    for each in draft.unsure:
        said = each.said
        kept.setdefault((said.about, said.answer, repr(said.if_yes), said.quote), each)
    draft.unsure = list(kept.values())


class _Reader:
    """Reads one text."""

    def __init__(self, text: Text, draft: Draft, terms: Terms) -> None:
        self.text, self.draft, self.terms = text, draft, terms

    def read(self) -> None:
        """Add what the text says."""
        # A heading tells which examination the words are of; by itself it says nothing.
        heading = f"{self.text.heading.rstrip(':')}:\n"
        whole = heading + self.text.body
        found = _remembered(whole) if len(whole) <= SHORT else _statements(whole)
        if isinstance(found, str):
            self.draft.note(self.text.place, found)
            return
        said = [x for x in found if any(b > len(heading) for _, b in x.spans)]
        if other := next((x for x in said if self._of_another(x)), None):
            self.draft.note(
                self.text.place,
                f"says {other.text}, and the record says otherwise: nothing of it is used",
            )
            return
        left = [x for x in said if x.kind not in ("date", "patient") and not self._known(x)]
        self.draft.unsure += (Unsure(self.text.place, x) for x in left)
        if left:
            more = f"; and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
            named = "; ".join(f"{x.text} ({x.answer})" for x in left[:SHOWN])
            self.draft.note(self.text.place, f"only a text says, to be confirmed: {named}{more}")

    def _of_another(self, one: Statement) -> bool:
        """Tell whether a statement says of the patient what the record says otherwise."""
        if one.about not in WHO or not one.stands:
            return False
        own = self.draft.case["patient"].get(one.about.partition(".")[2])
        said = str(one.entry)
        return own is not None and not (str(own).startswith(said) or said.startswith(str(own)))

    def _known(self, one: Statement) -> bool:
        """Tell whether data say the same; where they say otherwise, or might, that is left open."""
        if one.kind == "finding":
            return self._finding(one)
        if one.kind == "lab":
            return self._lab(one)
        if one.kind == "antibody":
            return self._antibody(one)
        if one.kind == "label":
            return one.answer == "yes" and self.draft.case.get("label") == one.entry
        return False

    def _finding(self, one: Statement) -> bool:
        coded = next(
            (x[one.about] for key in CODED if one.about in (x := self.draft.case.get(key, {}))),
            None,
        )
        if not one.stands or not isinstance(coded, bool):
            return False
        if coded is not (one.answer == "yes"):
            self.draft.note(
                self.text.place,
                f"“{one.quote}”: the record has it otherwise as data; it stays open",
            )
            self.draft.find(one.about, one.answer == "yes")
            return False
        return True

    def _lab(self, one: Statement) -> bool:
        """Leave open what a value could change that stands in a text alone."""
        said = one.if_yes
        value = said.get("value") if isinstance(said, Mapping) else None
        test = self.terms.labs[one.about]
        own = [x for x in self.draft.case.get("labs", ()) if self.terms.lab(str(x["test"])) is test]
        if isinstance(value, int | float) and any(_same(x, said, float(value)) for x in own):
            return True
        entry: dict[str, Any] = {"test": test.synonyms[0], "value": "unknown", "unit": test.unit}
        if isinstance(said, Mapping):
            entry |= {key: said[key] for key in ("unit", "upper_limit", "date") if key in said}
            if isinstance(value, int | float):
                entry["at_most"] = value
        entry.setdefault("date", self.text.date)
        limits = {x.get("upper_limit") for x in own if x.get("unit") == entry["unit"]} - {None}
        if "upper_limit" not in entry and len(limits) == 1:
            entry["upper_limit"] = limits.pop()
        if one.reason not in NOT_NOW:
            self.draft.add("labs", **entry)
        return False

    def _antibody(self, one: Statement) -> bool:
        own = [
            str(x.get("result"))
            for x in self.draft.case.get("autoantibodies", ())
            if x["antibody"] == one.about
        ]
        said = str(one.entry.get("result")) if isinstance(one.entry, Mapping) else ""
        if not one.stands or said not in YES + NO:
            return False
        same, other = (YES, NO) if said in YES else (NO, YES)
        if any(x in other for x in own):
            self.draft.note(
                self.text.place,
                f"“{one.quote}”: the record has it otherwise as data; it stays open",
            )
            told = {key: x for key, x in one.entry.items() if key in ("result", "date", "method")}
            self.draft.add("autoantibodies", antibody=one.about, **told)
            return False
        return any(x in same for x in own)


def _statements(text: str) -> tuple[Statement, ...] | str:
    """Return what a text says, or why it is not read."""
    # The reader of letters takes time to load, and most records hold none.
    from myoresist.letters import LetterError, read

    try:
        return read(text, source=SOURCE).statements
    except LetterError as error:
        return str(error).removeprefix(f"{SOURCE}: ")


_remembered = lru_cache(maxsize=MOST_SHORT)(_statements)


def _same(own: Mapping[str, Any], said: Mapping[str, Any], value: float) -> bool:
    """Tell whether an entry has the value that a text says, at a time that may be the same."""
    held, first, other = own.get("value"), str(own.get("date") or ""), str(said.get("date") or "")
    near = isinstance(held, int | float) and abs(held - value) <= NEAR * abs(value)
    return near and own.get("unit") == said.get("unit") and (
        first.startswith(other) or other.startswith(first)
    )  # fmt: skip

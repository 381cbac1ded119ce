"""Observations: laboratory values, antibodies, findings and measures, each as far as it says one thing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from myoresist.case.cells import may_be_thousands
from myoresist.case.terms import LabTest, Terms
from myoresist.case.units import factor, spelling
from myoresist.exchange.codes import Code, Codes
from myoresist.exchange.fhir.bundle import Resource, listed, place
from myoresist.exchange.fhir.concepts import agreeing
from myoresist.exchange.fhir.datatypes import (
    Limits,
    Quantity,
    codings,
    concept,
    limits,
    misdated,
    named,
    quantity,
    quantity_in,
    when,
    words,
)
from myoresist.exchange.fhir.questions import Questions
from myoresist.exchange.fhir.texts import Text, sentences
from myoresist.exchange.received import Draft

FINAL = ("final", "amended", "corrected")
VOID = ("cancelled", "entered-in-error")
DATES = ("effectiveDateTime", "effectivePeriod", "effectiveInstant")
INTERPRETED = {
    "POS": "positive",
    "NEG": "negative",
    "DET": "positive",
    "ND": "negative",
    "IND": "unknown",
}
WEIGHED = {"N": "negative", "A": "positive", "AA": "positive", "H": "positive", "HH": "positive"}
"""What normal and abnormal mean of a test that is positive or negative, where nothing says more."""
RAISED, LOWERED, NORMAL = {"H", "HH", "HU", "HX"}, {"L", "LL", "LU", "LX"}, {"N"}
TITRES = {"titer", "titre"}
_TITRE = re.compile(r"(?:^|[\s,;(])([<>]=?)?\s*1\s?[:/]\s?(\d{2,6})(?!\d)")
YES, NO = ("positive", "weak", "moderate", "strong"), ("negative",)


class Observations:
    """Reads observations into a draft."""

    def __init__(self, codes: Codes, terms: Terms, draft: Draft) -> None:
        self.codes, self.terms, self.draft = codes, terms, draft
        self._weights: list[tuple[str, float]] = []
        self._texts: list[Text] = []
        self._questions = Questions(codes, draft)

    def read(self, found: list[Resource]) -> list[Text]:
        """Add what observations say, and return the texts that stand where a value would.

        Of several with one identifier the last issued counts.
        """
        for one in _newest(found):
            if one.get("status") in VOID:
                continue
            self._questions.seen(one)
            for part in _parts(one):
                self._one(part)
        self._questions.tell()
        if self._weights:
            self.draft.case["patient"]["weight_kg"] = max(self._weights)[1]
        return self._texts

    def _one(self, one: Resource) -> None:
        what = concept(one.get("code"))
        rows = agreeing(one, what, self.codes, self.terms, self.draft)
        if rows is None:
            for row in self.codes.of(what.codings):
                if row.kind == "lab":
                    self._lab(one, row, usable=False)
            return
        said = [x for x in rows if x.kind != "result"]
        if not said:
            if (text := sentences(one)) and one.get("status") in FINAL:
                self._texts.append(text)
            elif _has_value(one):
                # Of an observation such as "symptom" only the value says which.
                value = one.get("valueCodeableConcept")
                known = [x for x in self.codes.of(codings(value)) if x.kind != "result"]
                told = f" ({named(value)}: to be confirmed)" if known else ""
                left = f"{what.named}: no code that is known here, not used{told}"
                self.draft.note(place(one), left)
            return
        row = said[0]
        usable = one.get("status") in FINAL and not misdated(one, DATES)
        if row.kind == "finding" and self._questions.asked(one, usable):
            return
        if row.relation == "broader":
            self.draft.note(
                place(one), f"{_name(one, row)}: says less than {row.gloss}; to be confirmed"
            )
        elif row.kind == "lab":
            self._lab(one, row, usable)
        elif row.kind == "antibody":
            self._antibody(one, row, usable)
        elif row.kind == "finding":
            self._finding(one, row, usable)
        elif row.kind == "measure" and usable:
            self._measure(one, row)
        else:
            self.draft.note(place(one), f"{_name(one, row)}: not used")

    def _lab(self, one: Resource, row: Code, usable: bool) -> None:
        test = self.terms.labs[row.id]
        read = _measured(one) if usable else None
        if read and not read.units and "valueQuantity" not in one:
            # A value that is sent as text, such as ">8000", has no other place for its unit than its limits.
            read = read._replace(units=_limited_in(one))
        unit = self._unit(read.units, test) if read else None
        entry: dict[str, object] = {"test": test.synonyms[0], "date": when(one, *DATES)}
        if read is None or unit is None or read.comparator not in ("", "<", "<=", ">", ">="):
            why = (
                "not final, or of a day that cannot be"
                if not usable
                else f"no value{_absent(one)}"
                if read is None
                else f"{read.comparator} is no bound"
                if unit
                else "a unit that is not known, or two that differ"
            )
            self.draft.note(place(one), f"{_name(one, row)}: {why}; it stays open")
            self.draft.add("labs", **entry, value="unknown", unit=test.unit)
            return
        value: object = read.value
        if read.comparator:
            value = f"{read.comparator}{read.value:g}"
        elif may_be_thousands(str(value), None):
            # A decimal of JSON has no sign of thousands, and a fourth figure says so.
            value = f"{value}0"
        low, high = self._limits(one, limits(one), unit, test)
        if not read.comparator and _against(read.value, low, high, _interpreted(one)):
            self.draft.note(
                place(one), f"{_name(one, row)}: value and interpretation disagree; it stays open"
            )
            self.draft.add("labs", **entry, value="unknown", unit=test.unit)
            return
        self.draft.add("labs", **entry, value=value, unit=unit, upper_limit=high, lower_limit=low)

    def _unit(self, units: tuple[str, ...], test: LabTest) -> str | None:
        """Return the unit by its code or its text; nothing where these are two that differ."""

        def found() -> str | None:
            own = self.codes.conventions.units
            told = [x for x in (spelling(own.get(x, x), test) for x in units) if x]
            return told[0] if len({factor(x, test) or 1 for x in told}) == 1 else None

        return self.codes.remembered(("unit", test.id, units), found)

    def _limits(
        self, one: Resource, found: Limits | None, unit: str, test: LabTest
    ) -> tuple[float | None, float | None]:
        if found is None:
            return None, None
        if not self._is_unit(found.units, unit, test):
            self.draft.note(place(one), "limits in another unit than the value, not used")
            return None, None
        return (found.low if found.low else None), (found.high if found.high else None)

    def _is_unit(self, units: tuple[str, ...], unit: str, test: LabTest) -> bool:
        """Tell whether limits without a unit of their own, or with the same one, are those of a value."""

        def found() -> bool:
            own = self.codes.conventions.units
            known = (spelling(own.get(x, x), test) for x in units)
            # IU/L and U/L of one test are the same.
            return not units or test.units[unit] in {test.units[x] for x in known if x}

        return self.codes.remembered(("limits", test.id, unit, units), found)

    def _antibody(self, one: Resource, row: Code, usable: bool) -> None:
        entry = {
            "antibody": row.id, "method": words(one.get("method")) or None, "date": when(one, *DATES),
        }  # fmt: skip
        read = _measured(one) if usable else None
        answer = one.get("valueBoolean")
        result = self._result(one) if usable else None
        if usable and isinstance(answer, bool) and not _interpreted(one):
            result = "positive" if answer else "negative"
        high = limits(one)
        titre = _titre(one) if row.id == "ana" and usable else None
        if titre:
            told = one.get("valueString")
            # "Negative at 1:80" says more than its titre.
            alone = not isinstance(told, str) or self.codes.is_figure(told)
            result = result or (self._by_titre(*titre) if alone else None)
            entry["titre"] = f"1:{titre[1]}" if not titre[0] else None
            read = None
        if read and high and high.high and result is None:
            if not read.comparator:
                self.draft.add("autoantibodies", **entry, value=read.value, cut_off=high.high)
                return
            if read.comparator.startswith("<") and read.value <= high.high:
                result = "negative"
            elif read.comparator.startswith(">") and read.value >= high.high:
                result = "positive"
        if (
            read
            and high
            and high.high
            and result in YES + NO
            and (read.value >= high.high) != (result in YES)
        ):
            self.draft.note(
                place(one), f"{_name(one, row)}: value and words disagree; it stays open"
            )
            result = None
        elif result is None:
            why = (
                "no result that can be read" if usable else "not final, or of a day that cannot be"
            )
            self.draft.note(place(one), f"{_name(one, row)}: {why}; it stays open")
        self.draft.add("autoantibodies", **entry, result=result or "unknown")

    def _by_titre(self, comparator: str, titre: int) -> str | None:
        """Return the result that a titre of antinuclear antibodies says by itself."""
        least = self.codes.ana_titre
        if least is None or (comparator.startswith("<") and titre > least):
            return None
        if comparator.startswith("<"):
            return "negative"
        return "positive" if titre >= least else "weak"

    def _finding(self, one: Resource, row: Code, usable: bool) -> None:
        result = self._result(one) if usable else None
        answer = one.get("valueBoolean")
        if usable and isinstance(answer, bool):
            result = "positive" if answer else "negative"
        if result in YES and row.relation == "screening":
            self.draft.note(
                place(one), f"{_name(one, row)}: reactive in a screening test; to be confirmed"
            )
        elif result in ("positive", "moderate", "strong"):
            self.draft.find(row.id, True)
        elif result in NO and row.relation in ("exact", "screening"):
            self.draft.find(row.id, False)
        else:
            self.draft.note(
                place(one), f"{_name(one, row)}: no result that can be read, to be confirmed"
            )

    def _measure(self, one: Resource, row: Code) -> None:
        read, date = quantity(one.get("valueQuantity")), when(one, *DATES)
        if read is None or read.comparator:
            return
        if row.id == "weight":
            kilograms = self.codes.conventions.kilograms
            factor = next((kilograms[x] for x in read.units if x in kilograms), None)
            if factor:
                self._weights.append((date or "", round(read.value * factor, 2)))
        elif date:
            self.draft.add("visits", date=date, **{row.id: read.value})

    def _result(self, one: Resource) -> str | None:
        """Return the result in words; ``None`` where none is read, or value and interpretation disagree."""
        told = set[str]()
        value = one.get("valueCodeableConcept")
        if isinstance(value, dict):
            what = concept(value)
            rows = (x for x in self.codes.of(what.codings) if x.kind == "result")
            first = next((x.id for x in rows), None) or self.codes.result(what.words)
            if first is None:
                return None
            told.add(first)
        text = one.get("valueString")
        if isinstance(text, str):
            first = self.codes.result(text)
            if first is None:
                return None
            told.add(first)
        codes = _interpreted(one)
        interpreted = {INTERPRETED[x] for x in codes if x in INTERPRETED}
        if not told:
            told = interpreted or {WEIGHED[x] for x in _interpreted(one) if x in WEIGHED}
            return next(iter(told)) if len(told) == 1 else None
        (result,) = told if len(told) == 1 else (None,)
        against = NO if result in YES else YES
        plain = ("N",) if result in YES else ("A", "AA") if result in NO else ()
        return None if interpreted & set(against) or codes & set(plain) else result


def _interpreted(one: Resource) -> set[str]:
    """Return the codes of an interpretation."""
    return {x.code for part in listed(one, "interpretation") for x in codings(part)}


def _against(value: float, low: float | None, high: float | None, said: set[str]) -> bool:
    """Tell whether an interpretation says otherwise than value and limits."""
    if not said:
        return False
    over, under = high is not None and value > high, low is not None and value < low
    if said & RAISED:
        return under or (high is not None and value < high)
    if said & LOWERED:
        return over or (low is not None and value > low)
    return bool(said & NORMAL) and (over or under)


def _limited_in(one: Resource) -> tuple[str, ...]:
    """Return the units of the limits of normal."""
    ranges = listed(one, "referenceRange")
    found = (quantity(part.get(key)) for part in ranges for key in ("low", "high"))
    return tuple(dict.fromkeys(x for each in found if each for x in each.units))


def _absent(one: Resource) -> str:
    """Return why a value is missing, as the record says it."""
    why = one.get("dataAbsentReason")
    return f" ({named(why)})" if why else ""


def _measured(one: Resource) -> Quantity | None:
    """Return the value of an observation, as a quantity or as text that is read as one."""
    if one.get("dataAbsentReason"):
        return None
    text = one.get("valueString")
    return quantity(one.get("valueQuantity")) or (
        quantity_in(text) if isinstance(text, str) else None
    )


def _titre(one: Resource) -> tuple[str, int] | None:
    """Return a titre with the sign before it, such as ``<`` and 80 for *<1:80*."""
    ratio, text = one.get("valueRatio"), one.get("valueString")
    if isinstance(ratio, dict):
        first, second = quantity(ratio.get("numerator")), quantity(ratio.get("denominator"))
        if first and second and first.value == 1 and second.value >= 1:
            return first.comparator or second.comparator, int(second.value)
    read = quantity(one.get("valueQuantity"))
    if read and read.value >= 1 and {x.strip("{}").lower() for x in read.units} & TITRES:
        return read.comparator, int(read.value)
    found = _TITRE.search(text) if isinstance(text, str) else None
    return (found[1] or "", int(found[2])) if found else None


def _name(one: Resource, row: Code) -> str:
    """Return how to speak of an observation: its own words, else ours for its code."""
    return words(one.get("code")) or row.gloss


def _has_value(one: Resource) -> bool:
    return any(key.startswith("value") for key in one)


def _parts(one: Resource) -> Iterator[Resource]:
    """Yield an observation, and its components as observations of their own."""
    components = listed(one, "component")
    if not components:
        yield one
        return
    if _has_value(one):
        yield one
    whole = {key: one[key] for key in ("resourceType", "id", "status", *DATES) if key in one}
    yield from ({**whole, **part} for part in components)


def _newest(found: list[Resource]) -> Iterator[Resource]:
    """Yield observations; of those that share an identifier only the last issued."""
    last: dict[tuple[str, ...], Resource] = {}
    for one in found:
        if "identifier" not in one:
            yield one
            continue
        # One number may stand on everything that was ordered together, so that the code is part of the name.
        what = " ".join(f"{x.system}|{x.code}" for x in codings(one.get("code")))
        names = [
            (str(x.get("system")), str(x.get("value")), what)
            for x in listed(one, "identifier")
            if x.get("value")
        ]
        if not names:
            yield one
            continue
        known = last.get(names[0])
        if known is None or str(one.get("issued") or "") >= str(known.get("issued") or ""):
            last[names[0]] = one
    yield from last.values()

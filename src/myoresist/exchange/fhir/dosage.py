"""Dosage instructions: how much, how often and which way, and nothing where they leave any doubt."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.case.doses import DoseWords, Interval
from myoresist.exchange.codes import Codes
from myoresist.exchange.fhir.bundle import Resource, listed
from myoresist.exchange.fhir.datatypes import Concept, code, concept, quantity, words

PERIODS = {"h": "hours", "d": "days", "wk": "weeks", "mo": "months", "a": "years"}
OFTEN = {(1, 1, "d"): "daily", (1, 1, "wk"): "weekly", (1, 1, "mo"): "monthly"}
ABBREVIATED = {
    "QD": "daily", "AM": "daily", "PM": "daily", "BED": "daily", "BID": "2 times daily",
    "TID": "3 times daily", "QID": "4 times daily", "QOD": "every 2 days", "WK": "weekly",
    "MO": "monthly",
}  # fmt: skip
"""Codes of HL7 for how often; "in the morning" and "at bedtime" are once a day."""
SPELLED = {
    "daily": "daily",
    "once daily": "daily",
    "every day": "daily",
    "weekly": "weekly",
    "once weekly": "weekly",
}
"""Words in the place of a code for how often."""
DAYS_OF_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMED = frozenset(("frequency", "period", "periodUnit", "dayOfWeek", "when", "timeOfDay"))
OVER, WHOLE_DAY = "every", 24
SPOKEN = ("text", "patientInstruction")
AS_NEEDED = ("asNeededBoolean", "asNeededCodeableConcept", "asNeeded", "asNeededFor")
_VERB = re.compile(r"(?:take|inject|give|infuse|administer)\s+", re.IGNORECASE)
_PIECE = re.compile(
    r"[\[{(]?(?:tab(?:let)?|cap(?:sule)?|pill|syringe|pen|vial|ml|each|auto-?injector)s?(?:\(s\))?[\]})]?"
    r"(?: \(s\))?",
    re.IGNORECASE,
)
"""A piece or a volume of a product: what one of it holds is said elsewhere."""
_PIECES = re.compile(
    rf"[\d./]+ {_PIECE.pattern} \((\d[\d.]* ?[a-zµμ/]+)(?: total)?\)", re.IGNORECASE
)
"""The words of Epic: 6 tablets (15 mg total)."""
_EACH = re.compile(
    r"(\d+(?:\.\d+)?) (?:tab(?:let)?|cap(?:sule)?|pill)s?\b(.*?) of (\d+(?:\.\d+)?) ?([a-zµμ]+)\b(.*)",
    re.IGNORECASE,
)
"""So many pieces, and what each of them holds: 2 tablets of 2.5 mg, 1 tab PO BID of 500 mg."""
_SUPPLY = re.compile(
    rf" = [\d./]+ {_PIECE.pattern}|,? # ?[\d./]+ {_PIECE.pattern}|,? \d+ refills?(?:\(s\))?"
    r"|,? (?:with|after) (?:food|meals?|breakfast)|[.;,]? indications?: .*",
    re.IGNORECASE,
)
"""The words of Cerner on what is handed out, and of others on meals: nothing of the dose."""
_IN_WORDS = re.compile(r"(\d+) \([a-z]+\)", re.IGNORECASE)
"""Every 7 (seven) days."""
_DIVIDED = re.compile(
    r"(?:(?:divided|split|given)\s+)?over\s+\d+(?:\s*(?:-|to)\s*\d+)?\s+(?:consecutive\s+)?(?:days|hours)",
    re.IGNORECASE,
)
"""How long an infusion takes: 2 g/kg over 2 days every 4 weeks."""
_AMOUNT = re.compile(
    r"(\d+(?:\.\d+)?)\s*([a-zµμ]+(?:/[a-z0-9]+)*)\b[\s,;:]*(.*)", re.IGNORECASE | re.DOTALL
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_ON_A_DAY = re.compile(rf"\s*\(?\s*on\s+(?:an?\s+)?{_DAY}\)?$", re.IGNORECASE)
_EVERY_DAY_OF_WEEK = re.compile(rf"(?:every|each)\s+{_DAY}", re.IGNORECASE)


@dataclass(frozen=True)
class Dose:
    """A dose with its unit and how often it is given, in the words of a case."""

    amount: float
    unit: str
    often: str
    route: str | None = None


def only_dosage(one: Resource) -> Resource:
    """Return the only instruction; of several, which may follow each other, none."""
    found = instructions(one)
    return found[0] if len(found) == 1 else {}


def instructions(one: Resource) -> list[Resource]:
    """Return the instructions of a medicine."""
    dosage = one.get("dosage")
    if isinstance(dosage, dict):
        return [dosage]
    return listed(one, "dosageInstruction") or listed(one, "dosage")


def read_dose(
    dosage: Resource, single: bool, doses: DoseWords, codes: Codes | None = None
) -> tuple[Dose | None, str | None]:
    """Return the dose that an instruction gives, or why none is known.

    Args:
        dosage: the instruction.
        single: whether it was given once.
        doses: the words in which doses are written.
        codes: further words for routes and how often, of other languages too.
    """
    if any(dosage.get(key) for key in AS_NEEDED):
        return None, "only as needed"
    spoken = [x for key in SPOKEN if isinstance(x := dosage.get(key), str) and x.strip()]
    coded = _coded(dosage, single, doses)
    read = [found for x in spoken if (found := _spoken_dose(x, doses, codes))]
    if coded is None:
        # All that is said has to be understood: a second sentence may take the first one back.
        same = len(set(read)) == 1 and len(read) == len(spoken) and not _has_amount(dosage)
        timed = how_often(dosage)
        agreed = same and (
            timed is None or _interval(timed, doses) == _interval(read[0].often, doses)
        )
        return (read[0], None) if agreed and not single else (None, "the dose is not known")
    for text in spoken:
        told = set(_intervals_in(_DIVIDED.sub("", text), doses))
        if told and _interval(coded.often, doses) not in told and not single:
            return None, "its words and its data differ on how often"
    if any((x.amount, x.unit) != (coded.amount, coded.unit) for x in read):
        return None, "its words and its data differ on the dose"
    return coded, None


def _spoken_dose(text: str, doses: DoseWords, codes: Codes | None) -> Dose | None:
    """Return the dose that words give; the same words come again and again."""
    if codes is None:
        return dose_in(text, doses)
    return codes.remembered(("dose", text), lambda: dose_in(text, doses, codes))


def _coded(dosage: Resource, single: bool, doses: DoseWords) -> Dose | None:
    """Return the dose that stands as data, all of it or nothing: half of a dose is none."""
    rates = listed(dosage, "doseAndRate")
    told = [dosage.get("dose")] if single else [x.get("doseQuantity") for x in rates]
    often = "once" if single else how_often(dosage)
    if often is None:
        return None
    found = set()
    for one in told:
        read = quantity(one)
        if read is None or read.comparator:
            return None
        unit = next((x for x in read.units if doses.unit(x)), None)
        # One dose may stand there as ordered, as calculated, and as a number of tablets.
        if unit:
            found.add((read.value, unit))
        elif len(told) == 1 or not _counts(read.units):
            return None
    if len(found) != 1:
        return None
    ((amount, unit),) = found
    return Dose(amount, unit, often)


def _counts(units: tuple[str, ...]) -> bool:
    """Tell whether a unit counts pieces or volumes of a product, of which another part tells the amount."""
    return bool(units) and all(_PIECE.fullmatch(x) for x in units)


def _has_amount(dosage: Resource) -> bool:
    """Tell whether an instruction has data on the amount, which was not understood."""
    return bool(listed(dosage, "doseAndRate")) or "dose" in dosage or "maxDosePerPeriod" in dosage


def dose_in(text: str, doses: DoseWords, codes: Codes | None = None) -> Dose | None:
    """Return the dose that words give, such as ``15 mg orally once weekly``, if every word is understood."""
    plain = " ".join(_VERB.sub("", text.strip().rstrip("."), count=1).split())
    plain = _PIECES.sub(r"\1", _IN_WORDS.sub(r"\1", plain), count=1)
    if pieces := _EACH.fullmatch(plain):
        count, between, holds, unit, rest = pieces.groups()
        plain = f"{float(count) * float(holds):g} {unit}{between}{rest}"
    plain = _DIVIDED.sub("", _SUPPLY.sub("", plain)).rstrip(" .")
    amount = _AMOUNT.fullmatch(plain)
    if not amount or doses.unit(amount[2]) is None or float(amount[1]) <= 0:
        return None
    often, route = _rest(amount[3].lower(), doses, codes)
    return Dose(float(amount[1]), amount[2], often, route) if often else None


def _rest(text: str, doses: DoseWords, codes: Codes | None) -> tuple[str | None, str | None]:
    """Return how often and which way, of words that say both or the first alone."""
    text = _ON_A_DAY.sub("", text).strip(" ,;")
    parts = [x for x in re.split(r"[\s,;]+", text) if x]
    for cut in range(len(parts) + 1):
        first, second = " ".join(parts[:cut]), " ".join(parts[cut:])
        for often, route in ((first, second), (second, first)):
            said = _frequency(often, doses, codes)
            way = route if not route or doses.route(route, ()) else codes and codes.route(route)
            if said and way is not None:
                return said, way or None
    return None, None


def _frequency(text: str, doses: DoseWords, codes: Codes | None) -> str | None:
    if codes and (known := codes.often(text)):
        return known
    if _EVERY_DAY_OF_WEEK.fullmatch(text):
        return "weekly"
    return text if text and doses.frequency(text) else None


def _interval(often: str, doses: DoseWords) -> Interval | None:
    return doses.frequency(often)


def _intervals_in(text: str, doses: DoseWords) -> Iterator[Interval]:
    """Yield how often, wherever words say it; the longest words of one place count."""
    parts = re.findall(r"[\w.]+", text.lower())
    place = 0
    while place < len(parts):
        for size in range(min(5, len(parts) - place), 0, -1):
            said = " ".join(parts[place : place + size]).rstrip(".")
            found = doses.frequency(said)
            if found and found.days is not None:
                yield found
                place += size - 1
                break
        place += 1


def how_often(dosage: Resource) -> str | None:
    """Return how often, in the words of a case; only what says it as data."""
    timing = dosage.get("timing")
    if not isinstance(timing, dict):
        return None
    repeat = timing.get("repeat")
    if not isinstance(repeat, dict) or _TIMED.isdisjoint(repeat):
        return ABBREVIATED.get(code(timing.get("code"))) or SPELLED.get(
            words(timing.get("code")).lower()
        )
    times, period, unit = (repeat.get(x) for x in ("frequency", "period", "periodUnit"))
    if repeat.get("frequencyMax") or repeat.get("periodMax") or repeat.get("count"):
        return None
    for key in ("when", "timeOfDay"):
        # "Morning and night" beside "once a day" says two things.
        given = repeat.get(key)
        if given is not None and (not isinstance(given, list) or len(given) != (times or 1)):
            return None
    days = repeat.get("dayOfWeek")
    if isinstance(days, list) and days:
        return _on_days(days, times, period, unit)
    if not isinstance(unit, str) or unit not in PERIODS:
        return None
    times = 1 if times is None else times
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        return None
    if isinstance(period, bool) or not isinstance(period, int | float):
        return None
    if period < 1 or period != period // 1:
        return None
    if unit == "h":
        if WHOLE_DAY % int(period):
            return None
        times, period, unit = times * WHOLE_DAY // int(period), 1, "d"
    if (times, int(period), unit) in OFTEN:
        return OFTEN[times, int(period), unit]
    if times == 1:
        return f"{OVER} {int(period)} {PERIODS[unit]}"
    return f"{times} times {OFTEN[1, 1, unit]}" if period == 1 and (1, 1, unit) in OFTEN else None


def _on_days(days: list[object], times: object, period: object, unit: object) -> str | None:
    """Return how often a dose is given that is given on some days of the week."""
    named = {x for x in days if isinstance(x, str)}
    if len(named) != len(days) or not named <= set(DAYS_OF_WEEK):
        return None
    once = times in (None, 1) or (unit == "wk" and times == len(named))
    if not once or period not in (None, 1) or unit not in (None, "d", "wk"):
        return None
    if len(named) == len(DAYS_OF_WEEK):
        return "daily"
    return "weekly" if len(named) == 1 else f"{len(named)} times weekly"


def route_of(dosage: Resource, codes: Codes) -> str | None:
    """Return the route that an instruction gives."""
    route = concept(dosage.get("route"))
    return codes.remembered(("route", route), lambda: _route(route, codes))


def _route(route: Concept, codes: Codes) -> str | None:
    said = [*(x.code for x in route.codings), route.words]
    return next((x for x in map(codes.route, said) if x), None)

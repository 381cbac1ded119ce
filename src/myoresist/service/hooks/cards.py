"""The consult as cards: none where nothing has to be said, at most three where something has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from myoresist.assessment import PageOne
from myoresist.exchange.fhir.proposals import ORDERED, service_request
from myoresist.library import Knowledge
from myoresist.report.builder import build_page
from myoresist.report.document import Block, Report
from myoresist.service.hooks.stops import Stop, Why
from myoresist.version import __version__

MOST_CARDS, MOST_SUMMARY, MOST_NAMED, MOST_SUGGESTIONS = 3, 139, 125, 4
QUIET = ("responding", "too_little_known", "deceased")
"""States of the patient in which only what cannot wait is said."""
TOLD = ("other_disease_proven", "other_disease_likely", "steroid_myopathy", "damage", "refractory")
"""States that are worth a card; in the others it takes a change of what is done."""
CHANGES = ("stop", "taper", "reduce", "switch", "optimise", "relabel", "treat")
SOURCE = "myoresist"
SYSTEM = "urn:myoresist:override"
REASONS = {
    "benefit": "The benefit outweighs it here",
    "record": "The record is wrong or out of date",
    "managed": "Known, and taken care of",
    "temporary": "For a short time, or until a change that is planned",
}
"""Why a card may be set aside; feedback with another code counts as one of no kind."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#|~&!])")
Card = dict[str, Any]


def consult_cards(data: PageOne, patient: str, address: str, missing: Iterable[str]) -> list[Card]:
    """Return the cards of a patient who is opened.

    Args:
        data: the consult.
        patient: reference to the patient, for what is proposed.
        address: of this server; it names no patient.
        missing: what of the record could not be had, in words.
    """
    report = build_page(data)
    told = {one.id: one for one in report.page.blocks}
    cards = []
    if data.consult.today:
        today = told.pop("today")
        text = " ".join(one.text for one in today.lines)
        cards.append(_card(text, "warning", _detail(report, [today], missing), address))
    if worth_saying(data.consult.state, (one.verb for one in data.consult.do)):
        blocks = [told[x] for x in ("why", "confirm", "do", "changes") if x in told]
        head = report.page.bottom_line.text
        whole = "" if clipped(head) == head else head
        card = _card(head, "info", _detail(report, blocks, missing, whole), address)
        cards.append(card | _proposed(data, patient))
    return cards


def worth_saying(state: str, verbs: Iterable[str]) -> bool:
    """Tell whether a consult is worth a card, beside what cannot wait."""
    return state in TOLD or (state not in QUIET and any(x in CHANGES for x in verbs))


def stop_cards(
    stops: Iterable[Stop], signing: bool, address: str, missing: Iterable[str]
) -> list[Card]:
    """Return the cards of drugs that are being ordered and that something speaks against.

    Whoever selects a drug is told all of it; whoever signs is stopped only where it must not be.
    """
    library = Knowledge.load()
    listed = [one for one in stops if one.critical or not signing]
    shown, rest = listed[:MOST_CARDS], listed[MOST_CARDS:]
    cards = []
    for number, one in enumerate(shown):
        lines = [f"**{plain(one.name)}**", "", *(_reason(x, library) for x in one.why)]
        if one.by_name:
            lines += ["", "The order was recognised by its name, not by a code."]
        if rest and number == len(shown) - 1:
            lines += ["", f"Also: {plain(', '.join(x.name for x in rest))}."]
        first, more = one.why[0].text, len(one.why) - 1
        told = first.startswith(("Stop ", one.name))
        summary = first if told else f"{one.name}: {first}"
        grave = "critical" if signing else "warning"
        text = f"{summary} (and {more} more)" if more and len(summary) < MOST_NAMED else summary
        card = _card(text, grave, "\n".join((*lines, *_ends(missing))), address)
        cards.append(card | _without(one) | {"overrideReasons": _reasons()})
    return cards


def _reason(why: Why, library: Knowledge) -> str:
    works = [library.references[x] for x in why.cites if x in library.references]
    triggered = f" Here: {plain('; '.join(why.because))}."
    sources = "; ".join(_work(x.short, x.link) for x in works)
    text = f"- {plain(why.text.rstrip('.'))}." + (triggered if why.because else "")
    return f"{text} ({sources})" if sources else text


def plain(text: str) -> str:
    """Return a text that Markdown shows letter by letter, in one line; a record may hold anything."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def clipped(text: str) -> str:
    """Return the summary of a card: one line of fewer than 140 characters, cut between words."""
    line = " ".join(text.split())
    if len(line) <= MOST_SUMMARY:
        return line
    return line[: MOST_SUMMARY - 1].rpartition(" ")[0].rstrip(",;:.") + "…"


def _card(summary: str, indicator: str, detail: str, address: str) -> Card:
    return {
        "uuid": str(uuid4()),
        "summary": clipped(summary),
        "indicator": indicator,
        "detail": detail,
        "source": {"label": f"{SOURCE} {__version__}", "url": f"{address}/"},
        "links": [
            {"label": "Enter more, with all reasons", "url": f"{address}/", "type": "absolute"}
        ],
    }


def _detail(report: Report, blocks: Iterable[Block], missing: Iterable[str], head: str = "") -> str:
    lines = [f"**{plain(head)}**"] if head else []
    for block in blocks:
        lines += ["", f"**{plain(block.title)}**", ""]
        for number, one in enumerate(block.lines, 1):
            works = [report.sources[x - 1] for x in one.cites]
            said = "; ".join(_work(x.short, x.link) for x in works)
            mark = f"{number}." if block.numbered else "-"
            lines.append(f"{mark} {plain(one.text)}" + (f" ({said})" if said else ""))
    doubt = report.page.doubt
    return "\n".join((*lines, *(("", plain(doubt)) if doubt else ()), *_ends(missing))).strip()


def _ends(missing: Iterable[str]) -> tuple[str, ...]:
    told = ", ".join(missing)
    lacking = (f"Not received, so unknown: {plain(told)}.", "") if told else ()
    said = (
        "Research and decision-support tool, not a certified medical device; the physician decides."
    )
    return "", *lacking, f"*{said}*"


def _work(short: str, link: str | None) -> str:
    return f"[{plain(short)}](<{link}>)" if link else plain(short)


def _proposed(data: PageOne, patient: str) -> Card:
    """Return what is to be tested as orders to take up, each a proposal."""
    wanted = [one for one in data.consult.do if one.verb in ORDERED][:MOST_SUGGESTIONS]
    if not wanted:
        return {}
    suggestions = [
        {
            "label": clipped(one.text.rstrip(".")),
            "uuid": str(uuid4()),
            "actions": [
                {
                    "type": "create",
                    "description": clipped(f"Propose: {one.text.rstrip('.')}"),
                    "resource": service_request(one.text, patient),
                }
            ],
        }
        for one in wanted
    ]
    return {"suggestions": suggestions, "selectionBehavior": "any"}


def _without(stop: Stop) -> Card:
    """Return the suggestion to take the order back, where it is known which one it is."""
    if not stop.orders:
        return {}
    label = clipped(f"Take back the order of {stop.name.lower()}")
    actions = [
        {"type": "delete", "description": label, "resourceId": f"MedicationRequest/{x}"}
        for x in stop.orders
    ]
    suggestion = {"label": label, "uuid": str(uuid4()), "actions": actions}
    return {"suggestions": [suggestion], "selectionBehavior": "at-most-one"}


def _reasons() -> list[Card]:
    return [{"code": x, "system": SYSTEM, "display": text} for x, text in REASONS.items()]

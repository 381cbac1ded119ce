"""What was never looked up, and what the works of the first review stand behind, each on one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from textwrap import shorten
from typing import Any

from myoresist.knowledge.inventory import SURENESS, Fact, Inventory, Topic
from myoresist.knowledge.schema import Reference

NAMED = 6
"""Entries of a topic that are named; the rest is counted."""
ENTRY, WIDTH = 46, 110


def recalled(inventory: Inventory) -> dict[str, Any]:
    """Return, most consequential topic first, what of it was never compared with a publication."""
    topics = [_topic(topic, facts) for topic, facts in inventory.by_topic() if facts]
    return {
        "statements": sum(one["statements"] for one in topics),
        "recalled": sum(one["recalled"] for one in topics),
        "in_part": sum(one["in_part"] for one in topics),
        "topics": topics,
    }


def _topic(topic: Topic, facts: list[Fact]) -> dict[str, Any]:
    checked = [one for one in facts if one.check]
    unseen = sorted(
        (one for one in checked if one.recalled),
        key=lambda one: (SURENESS.index(one.sureness), one.recalled, one.file),
    )
    return {
        "topic": topic.topic,
        "statements": len(checked),
        "seen": sum(one.check.startswith("seen") for one in checked),
        "recalled": sum(one.recalled == "whole" for one in unseen),
        "in_part": sum(one.recalled == "part" for one in unseen),
        "sureness": dict(Counter(one.sureness for one in unseen)),
        "entries": [
            {"file": x.file, "entry": x.entry, "sureness": x.sureness, "part": x.recalled == "part"}
            for x in unseen
        ],
    }


def recall_lines(inventory: Inventory) -> Iterator[str]:
    """Yield one page: each topic with its count, and the least sure entries by name."""
    found = recalled(inventory)
    total, whole, part = found["statements"], found["recalled"], found["in_part"]
    yield (
        f"{whole} of {total} statements ({whole / total:.1%}) were never compared with a publication, "
        f"{part} in part."
    )
    yield "Topics with the gravest consequences come first, in each the least sure entries."
    for place, one in enumerate(found["topics"], start=1):
        unseen = one["recalled"] + one["in_part"]
        sure = ", ".join(f"{one['sureness'][x]} {x}" for x in SURENESS if x in one["sureness"])
        confidence = f"; confidence: {sure}" if sure else ""
        yield f"{place}. {one['topic']}: {unseen} of {one['statements']}{confidence}"
        named = list(dict.fromkeys(shorten(x["entry"], ENTRY) for x in one["entries"]))
        if named:
            more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
            yield f"   {shorten('; '.join(named[:NAMED]) + more, 2 * WIDTH)}"


def behind(inventory: Inventory, numbered: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return what each numbered work stands behind and can reach a report."""
    return [
        {
            "number": number,
            "work": key,
            "behind": [{"file": x.file, "entry": x.entry} for x in inventory.citing.get(key, [])],
        }
        for number, key in numbered.items()
    ]


def seed_lines(
    inventory: Inventory, numbered: Mapping[int, str], works: Mapping[str, Reference]
) -> Iterator[str]:
    """Yield each work of the review that the knowledge starts from, with what it stands behind."""
    found = behind(inventory, numbered)
    used = sum(bool(one["behind"]) for one in found)
    yield f"{used} of {len(found)} works of the review stand behind something that can reach a report."
    for one in found:
        yield shorten(f"{one['number']:>2}. {works[one['work']].text}", WIDTH)
        places = Counter(
            x["file"].removesuffix(".yaml").removesuffix(".csv") for x in one["behind"]
        )
        said = "; ".join(
            f"{file} ({count})" if count > 1 else file for file, count in places.items()
        )
        yield f"    {said or 'nothing'}"

"""Criteria sets become rules: a column for each item, class, exclusion, note, leaf and score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from myoresist.diagnosis.criteria.schema import CriteriaSet, Disagreement, Item, Variant
from myoresist.rules.condition import Name
from myoresist.rules.rulebook import Rulebook

EXCLUDED, VARIANT, LEAF, NOTE, CLASS = "excluded", "variant", "leaf", "note", "class"
READING = "reading"


def column(*parts: str) -> str:
    """Return the name of a result column: the set, then what it holds."""
    return ".".join(parts)


def add_set(book: Rulebook, one: CriteriaSet, file: Path) -> None:
    """Add the rules of a set; those of one in outline are none."""
    if one.status == "outline":
        return
    items = {item.id: Name(column(one.id, item.id), "bool") for item in one.items}
    for shadowed in sorted(items.keys() & book.names.keys()):
        book.wrong(file, shadowed, "an item has the name of a finding")
    names = {**book.names, **items}

    def add(name: str, text: str, place: str) -> None:
        book.add(column(one.id, name), text, file, place, names=names)

    for item in one.items:
        add(item.id, item.when, item.id)
    if one.exclusions:
        add(EXCLUDED, one.exclusions.when, "exclusions")
    for way in one.outcomes:
        add(column(CLASS, way.name), way.when, f"outcomes.{way.name}")
    for leaf in one.subgroups.leaves if one.subgroups else ():
        add(column(LEAF, leaf.id), leaf.when, f"subgroups.{leaf.id}")
    for note in one.notes:
        if note.when:
            add(column(NOTE, note.id), note.when, f"notes.{note.id}")
    for variant in one.score.variants if one.score else ():
        _add_variant(book, one, variant, file, names)
    for reached in one.score.variants[-1].classes if one.score else ():
        if reached.when:
            add(column(CLASS, reached.name), reached.when, f"score.{reached.name}")


def _add_variant(
    book: Rulebook, one: CriteriaSet, variant: Variant, file: Path, names: Mapping[str, Name]
) -> None:
    place = f"score.{variant.id}"
    if variant.when:
        name = column(one.id, VARIANT, variant.id)
        book.add(name, variant.when, file, place, names=names)
    for end, text in zip(("score", "score_max"), _sums(one, variant), strict=True):
        name = column(one.id, end, variant.id)
        book.add(name, text, file, place, names=names, kind="number")


def add_disagreement(
    book: Rulebook, clash: Disagreement, sets: Mapping[str, CriteriaSet], file: Path
) -> None:
    """Add the rule that tells whether sets disagree about a patient."""
    book.add(column("disagreement", clash.id), clash.when, file, clash.id)
    for unknown in sorted(set(clash.sets) - sets.keys()):
        book.wrong(file, clash.id, f"unknown set {unknown}")


def scale(one: CriteriaSet, variant: Variant) -> int:
    """Return by what to multiply points so that they are whole: decimals must not be added as floats."""
    numbers = [item.points[variant.id] for item in one.items if variant.id in item.points]
    numbers += [reached.at_least for reached in variant.classes]
    digits = max(-int(number.as_tuple().exponent) for number in numbers)
    return int(10 ** max(digits, 0))


def _sums(one: CriteriaSet, variant: Variant) -> tuple[str, str]:
    """Return SQL for the score with unknown items as zero and for the highest it could still be."""
    factor = scale(one, variant)
    groups: dict[str, list[Item]] = {}
    for item in one.items:
        if variant.id in item.points:
            groups.setdefault(item.group(variant.id), []).append(item)

    def highest_first(items: Iterable[Item], reached: str) -> str:
        ordered = sorted(items, key=lambda item: -item.points[variant.id])
        branches = " ".join(
            f"WHEN {reached.format(item.id)} THEN {int(item.points[variant.id] * factor)}"
            for item in ordered
        )
        return f"CASE {branches} ELSE 0 END"

    now = " + ".join(highest_first(items, "{}") for items in groups.values())
    most = " + ".join(highest_first(items, "COALESCE({}, TRUE)") for items in groups.values())
    return now, most

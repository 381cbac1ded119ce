"""One statement for what a letter says in several places, and a pair for what it says against itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from myoresist.case.catalogue import Catalogue
from myoresist.case.dates import PartialDate
from myoresist.letters.found import Found

_RANK = {"over": 0, "doubt": 1, "weak": 2, "planned": 3, "supposed": 4, "other": 5}


@dataclass
class Settled:
    """What the letter says of one finding in one way: so, not so, or open for one reason.

    Attributes:
        finding: the finding.
        value: whether it is so; ``None`` when it is open.
        why: what leaves it open.
        found: the places that say so.
        against: what says otherwise.
        scene: the examination that is spoken of.
        date: its day, if it is told.
    """

    finding: str
    value: bool | None
    why: str | None
    found: list[Found]
    against: list[Settled] = field(default_factory=list, repr=False)
    scene: str | None = None
    date: PartialDate | None = None

    @property
    def stands(self) -> bool:
        """Tell whether nothing in the letter speaks against it."""
        return self.value is not None and not self.against


def settled(
    found: Iterable[Found],
    dated: Mapping[int, PartialDate],
    catalogue: Catalogue,
    combined: Mapping[str, Mapping[str, Sequence[str]]],
    positive: Collection[str] = (),
) -> list[Settled]:
    """Gather the places of each finding; what is said both ways is set against each other.

    Args:
        found: every answer that a sentence gives.
        dated: the day of which a sentence speaks, by the start of the sentence, where it is an earlier one.
        catalogue: which findings imply or exclude each other.
        combined: findings that are so when they are suggested and one of others is so.
        positive: antibodies that are positive, by their findings.
    """
    groups: dict[tuple[str, bool | None, str | None], Settled] = {}
    for one in found:
        key = (one.finding, one.value, one.why)
        if key not in groups:
            groups[key] = Settled(
                one.finding,
                one.value,
                one.why,
                [],
                scene=one.scene,
                date=dated.get(one.sentence.start),
            )
        groups[key].found.append(one)
        if one.sentence.start not in dated:
            groups[key].date = None
    _combine(groups.values(), combined)
    implied = _implied(catalogue)
    shown = {other for one in positive for other in _reach(one, implied)}
    for group in groups.values():
        if group.value is False and group.finding in shown:
            # "Anti-MDA5 positive, myositis panel negative": the panel is all but the one.
            group.value, group.why = None, "doubt"
    sure = [one for one in groups.values() if one.value is not None]
    for left, right in _clashes(sure, catalogue):
        first = _earlier(left, right)
        if first is not None:
            first.value, first.why = None, "earlier"
        else:
            left.against.append(right)
            right.against.append(left)
    return _without_echoes(list(groups.values()))


def _combine(
    groups: Iterable[Settled], combined: Mapping[str, Mapping[str, Sequence[str]]]
) -> None:
    """Take for said what is only suggested where something else is said that makes it so."""
    told = list(groups)
    said = {one.finding for one in told if one.value}
    named = {one.finding for one in told}
    open_ = {one.finding for one in told if not one.value and one.why != "weak"}
    for one in told:
        rule = combined.get(one.finding)
        if rule is None or one.why != "weak" or one.finding in said | open_:
            continue
        if said & set(rule["with"]) and not named & set(rule["unless"]):
            one.value, one.why = True, None


def _earlier(one: Settled, other: Settled) -> Settled | None:
    """Return which of two is said of an earlier day; ``None`` if neither surely is."""
    if one.date is None or other.date is None:
        return one if one.date is not None else other if other.date is not None else None
    if one.date.latest < other.date.earliest:
        return one
    return other if other.date.latest < one.date.earliest else None


def _without_echoes(groups: Sequence[Settled]) -> list[Settled]:
    """Leave out what is only suggested, supposed or planned where the letter says it outright."""
    said = {one.finding for one in groups if one.value is not None}
    kept: dict[str, list[Settled]] = {}
    for one in groups:
        kept.setdefault(one.finding, []).append(one)
    result: list[Settled] = []
    for finding, ones in kept.items():
        open_ = sorted(
            (o for o in ones if o.value is None), key=lambda o: _RANK.get(o.why or "", 9)
        )
        result += [o for o in ones if o.value is not None]
        if finding in said:
            open_ = [o for o in open_ if o.why in ("doubt", "over", "earlier")]
        result += open_
    return result


def _clashes(sure: Sequence[Settled], catalogue: Catalogue) -> list[tuple[Settled, Settled]]:
    """Return pairs that cannot both be so."""
    implied = _implied(catalogue)
    reach = {one.finding: _reach(one.finding, implied) for one in sure if one.value}
    excluded = {frozenset((link.finding, link.other)) for link in catalogue.exclusions}
    pairs = []
    for n, one in enumerate(sure):
        for other in sure[n + 1 :]:
            yes, no = (one, other) if one.value else (other, one)
            if one.value != other.value:
                if no.finding == yes.finding or no.finding in reach[yes.finding]:
                    pairs.append((one, other))
            elif one.value and any(
                frozenset((a, b)) in excluded
                for a in {one.finding, *reach[one.finding]}
                for b in {other.finding, *reach[other.finding]}
                if a != b
            ):
                pairs.append((one, other))
    return pairs


def _implied(catalogue: Catalogue) -> dict[str, set[str]]:
    """Return what each finding implies directly."""
    implied: dict[str, set[str]] = {}
    for link in catalogue.implications:
        implied.setdefault(link.finding, set()).add(link.other)
    return implied


def _reach(finding: str, implied: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [finding]
    while ahead:
        for other in implied.get(ahead.pop(), ()):
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found


def with_scene(found: Iterable[Found], scenes: Sequence[str | None]) -> list[Found]:
    """Return answers with the examination that their words speak of."""
    return [replace(one, scene=scenes[one.words[0][0]] if one.words else None) for one in found]

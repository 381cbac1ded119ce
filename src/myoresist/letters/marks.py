"""What the phrases of tests, antibodies and drugs stand for in the tree of phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from myoresist.letters.phrases import Hit


@dataclass(frozen=True, slots=True)
class Mark:
    """A name of one kind: a test, an antibody, a drug, or what only looks like one."""

    kind: Literal[
        "lab", "other_lab", "antibody", "other_antibody", "drug", "other_drug", "exposure"
    ]
    id: str
    sure: bool = True


def marks(hits: Sequence[Hit], *kinds: str) -> list[Hit]:
    """Return the marks of some kinds in their order, without those that lie within longer ones."""
    found = [hit for hit in hits if isinstance(hit.of, Mark)]
    kept = [
        hit
        for hit in found
        if hit.of.kind in kinds
        and not any(
            o.first <= hit.first and hit.last <= o.last and o.length > hit.length for o in found
        )
    ]
    seen: dict[tuple[int, int, str, str], Hit] = {}
    for hit in kept:
        seen.setdefault((hit.first, hit.last, hit.of.kind, hit.of.id), hit)
    return sorted(seen.values(), key=lambda hit: (hit.first, hit.last))

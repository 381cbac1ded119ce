"""The catalogue, one search away: by label, synonym, abbreviation, misspelling or HPO id."""

from __future__ import annotations

from functools import cache

from rapidfuzz import fuzz, process, utils

from myoresist.case.catalogue import Finding
from myoresist.library import Knowledge

MOST = 12
LEAST = 62
"""How alike a name must be, of 100; below it stands what only shares letters."""
LONGEST = 100
KINDS = ("bool", "number")


def search(query: str) -> list[Finding]:
    """Return the findings that a word may mean, the most alike first."""
    word = utils.default_process(query[:LONGEST])
    if not word:
        return []
    names = _names()
    scores: dict[str, float] = {}
    for name, ids in names.items():
        if word in (name, name.replace(" ", "")):
            scores.update(dict.fromkeys(ids, 200.0))
        elif f" {word}" in f" {name}":
            scores.update({one: max(scores.get(one, 0), 150.0 - len(name) / 10) for one in ids})
    for name, score, _ in process.extract(word, names.keys(), scorer=_alike, limit=4 * MOST):
        for one in names[name] if score >= LEAST else ():
            scores[one] = max(scores.get(one, 0), score)
    best = sorted(scores, key=lambda one: -scores[one])
    return [Knowledge.load().catalogue[one] for one in best[:MOST]]


def _alike(one: str, other: str, **how: object) -> float:
    """Tell how alike two names are, even if one is part of the other; short words match too much in part."""
    whole = fuzz.token_sort_ratio(one, other)
    return max(whole, 0.9 * fuzz.partial_ratio(one, other)) if len(one) > 4 else whole


@cache
def _names() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in Knowledge.load().catalogue:
        if one.kind in KINDS:
            for name in (one.id, one.label, *one.synonyms, one.hpo or "", one.hpo_name or ""):
                plain = utils.default_process(name.replace("_", " "))
                if plain:
                    found.setdefault(plain, []).append(one.id)
    return found

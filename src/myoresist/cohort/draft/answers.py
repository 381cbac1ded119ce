"""What the answers of a column say, by the words and figures that stand beside each other in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from myoresist.cohort.draft.profile import Profile, is_code
from myoresist.cohort.draft.vocabulary import Vocabulary
from myoresist.cohort.names import code

_CODES = {"0": "no", "1": "yes"}
_READ = ("yes", "no", "true", "false", "unknown")
"""What is read so without a mapping."""
_HALF = 0.5
_OF_RESULT = {"yes": "positive", "no": "negative"}


class Said(NamedTuple):
    """What the values of a column are here, or what has to be asked.

    ``strange`` are values that are not known.
    """

    values: Mapping[str, str]
    asked: str | None = None
    strange: tuple[str, ...] = ()


def yes_no(column: Profile, vocabulary: Vocabulary) -> Said:
    """Return which values of a column say yes and which no."""
    known = vocabulary.said["yes_no"]
    figures, words, strange = _sorted(column, known)
    codes = {x for x in figures if x in _CODES}
    others = figures - codes - {str(x) for x in vocabulary.headers.beside_codes}
    if others or (codes == {"1"} and not words) or (figures and not codes):
        return Said({}, f"which of {', '.join(sorted(figures))} is yes, and which is no?")
    named = {x: known[x.lower()] for x in words} | {x: _CODES[x] for x in codes}
    named |= {x: "unknown" for x in figures - codes}
    return _enough(column, named, strange, "no answers of yes or no that are known")


def result(column: Profile, vocabulary: Vocabulary, ours: Sequence[str]) -> Said:
    """Return which result of an antibody each value of a column is."""
    own = _ours("antibodies", "result", column, vocabulary, ours)
    rest = Profile(
        column.name, {x: n for x, n in column.values.items() if x not in own}, column.missing
    )
    found = yes_no(rest, vocabulary) if rest.said else Said({})
    if found.asked and not own:
        return found
    named = own | {x: _OF_RESULT.get(y, y) for x, y in found.values.items()}
    return Said({x: y for x, y in named.items() if x.lower() != y}, None, found.strange)


def sex(column: Profile, vocabulary: Vocabulary) -> Said:
    """Return which values of a column say female and which male."""
    known = vocabulary.said["sex"]
    figures, words, strange = _sorted(column, known)
    if figures:
        return Said({}, f"which of {', '.join(sorted(figures))} is female, and which is male?")
    return _enough(column, {x: known[x.lower()] for x in words}, strange, "no words for a sex")


def label(column: Profile, vocabulary: Vocabulary) -> Said:
    """Return which label each value of a column is."""
    labels = {
        x: vocabulary.schema.terms.label(x) or vocabulary.translated("patients", "label", x)
        for x in column.said
    }
    strange = {x for x, ours in labels.items() if ours is None}
    figures = sorted(x for x in strange if code(x).isdigit())
    if figures:
        return Said({}, f"which diagnosis is each of {', '.join(figures[:9])}?")
    known = {x: ours for x, ours in labels.items() if ours is not None}
    return _enough(column, known, strange, "no diagnoses that are known here")


def words(
    table: str, name: str, column: Profile, vocabulary: Vocabulary, ours: Sequence[str]
) -> Said:
    """Return which word of a column of ours each value of a column is."""
    known = _ours(table, name, column, vocabulary, ours)
    strange = column.said.keys() - known.keys()
    return _enough(column, known, set(strange), f"none of {', '.join(ours)}")


def listed(table: str, name: str, column: Profile, vocabulary: Vocabulary) -> Said:
    """Return what the words of a list are here that are not read as they are; the others are strange."""
    rest = [x for x in column.said if not vocabulary.reads(table, name, x)]
    found = {x: vocabulary.translated(table, name, x) for x in rest}
    return Said(
        {x: ours for x, ours in found.items() if ours},
        None,
        tuple(sorted(x for x, ours in found.items() if not ours)),
    )


def _ours(
    table: str, name: str, column: Profile, vocabulary: Vocabulary, ours: Sequence[str]
) -> dict[str, str]:
    """Return the values of a column that are words of ours, in whatever language."""
    known = {x.lower(): x for x in ours}
    found = {
        x: known.get(x.lower()) or vocabulary.translated(table, name, x) for x in column.values
    }
    return {
        x: word
        for x, word in found.items()
        if word and (x in column.said or x.lower() not in column.missing)
    }


def _sorted(column: Profile, known: Mapping[str, str]) -> tuple[set[str], set[str], set[str]]:
    """Return the figures of a column, its words that are known, and those that are not."""
    figures = {
        code(x)
        for x in column.values
        if code(x).lstrip("-").isdigit() and x.lower() not in column.missing and not is_code(x)
    }
    words = {x for x in column.values if x.lower() in known}
    strange = {x for x in column.said if code(x) not in figures and x not in words}
    return figures, words, strange


def _enough(column: Profile, named: dict[str, str], strange: set[str], otherwise: str) -> Said:
    """Return what the values are, if most of them are known."""
    counts = column.values
    known = {code(x) for x in named}
    total = sum(n for x, n in counts.items() if code(x) in known)
    lost = sum(counts[x] for x in strange)
    if not named or lost > _HALF * (total + lost):
        return Said({}, otherwise)
    read = {*_READ, *column.missing}
    needed = {x: y for x, y in named.items() if x.lower() not in {*read, y}}
    return Said(needed, None, tuple(sorted(strange)))

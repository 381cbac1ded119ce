"""What letters speak of: signs, structures with their qualities, tests, and their examinations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from myoresist.knowledge.schema import Entry
from myoresist.letters.layout import Sentence
from myoresist.letters.marks import Mark
from myoresist.letters.phrases import Hit
from myoresist.letters.tokens import Token


class Answers(Entry):
    """Findings that are so, that are not so, and that may be so."""

    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


class Thing(Entry):
    """Something that a letter says, and what it means for findings.

    Attributes:
        say: the phrases.
        yes, no, unsure: answers when it is said.
        denied: findings that are not so when it is denied; those of ``yes`` when left out.
        normal, abnormal, high, low, positive, negative, weak, strong, present, absent: answers by the
            quality that the letter gives it.
        over: findings that this only suggests when it is over.
        family: findings that are so when it is said of a relative by blood.
        figure: how a figure behind it is judged: by the limit beside it, or by a figure of ``figures.yaml``.
        when, not_when: scenes in which the words mean this, or do not.
        ever: whether the finding asks about any time, so that what is over counts.
        whole: whether negations within the phrase belong to it.
        named: whether it names a disease, which "no family history of it" does not deny of the patient.
        test: whether it is a test, which may be asked for or not done.
    """

    say: tuple[str, ...]
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    denied: tuple[str, ...] | None = None
    normal: Answers | None = None
    abnormal: Answers | None = None
    high: Answers | None = None
    low: Answers | None = None
    positive: Answers | None = None
    negative: Answers | None = None
    weak: Answers | None = None
    strong: Answers | None = None
    present: Answers | None = None
    absent: Answers | None = None
    over: tuple[str, ...] = ()
    family: tuple[str, ...] = ()
    figure: str | None = None
    when: tuple[str, ...] = ()
    not_when: tuple[str, ...] = ()
    ever: bool = False
    whole: bool = False
    named: bool = False
    test: bool = False

    def quality(self, name: str) -> Answers | None:
        """Return the answers of a quality, if the thing has it."""
        found: Answers | None = getattr(self, name, None)
        return found

    @property
    def has_qualities(self) -> bool:
        """Tell whether the thing is a structure or a test rather than a sign."""
        return any(self.quality(name) is not None for name in QUALITIES)

    def findings(self) -> Iterator[str]:
        """Walk through every finding that it names."""
        yield from (
            *self.yes,
            *self.no,
            *self.unsure,
            *(self.denied or ()),
            *self.over,
            *self.family,
        )
        for name in QUALITIES:
            if answers := self.quality(name):
                yield from (*answers.yes, *answers.no, *answers.unsure)


QUALITIES = (
    "normal", "abnormal", "high", "low", "positive", "negative", "weak", "strong", "present", "absent"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Quality:
    """A quality in the tree of phrases."""

    name: str


@dataclass(frozen=True, slots=True)
class SceneMark:
    """A word that says which examination is spoken of, in the tree of phrases."""

    scene: str


def things_of(sentence: Sentence, hits: Sequence[Hit], scenes: Sequence[str | None]) -> list[Hit]:
    """Return what may be spoken of: things that fit the scene, and do not lie within longer ones.

    Args:
        sentence: the sentence.
        hits: every phrase found in it.
        scenes: the scene at each of its words.
    """
    fit = [hit for hit in hits if isinstance(hit.of, Thing) and _fits(hit.of, scenes[hit.first])]
    # "CA-125" is no calcium.
    others = [hit for hit in hits if isinstance(hit.of, Mark) and hit.of.kind in _OTHERS]
    fit = [hit for hit in fit if not any(_hidden(hit, other) for other in others)]
    alone = [hit for hit in fit if len(hit.parts) == 1]
    fit = [hit for hit in fit if _belongs_together(sentence.words, hit, alone)]
    return [hit for hit in fit if not any(_hidden(hit, other) for other in fit)]


def _fits(thing: Thing, scene: str | None) -> bool:
    return (not thing.when or scene in thing.when) and scene not in thing.not_when


def _belongs_together(words: Sequence[Token], hit: Hit, alone: Sequence[Hit]) -> bool:
    """Tell whether phrases near each other are of one statement."""
    if len(hit.parts) == 1:
        return True
    between = range(min(p[1] for p in hit.parts) + 1, max(p[0] for p in hit.parts))
    if any(words[n].text == ";" or words[n].norm == "but" for n in between):
        return False
    if any(_takes(other, hit, between) for other in alone):
        return False
    commas = [n for n in between if words[n].text == ","]
    labelled = any(words[n].text == ":" for n in between if commas and n < commas[0])
    return not commas or labelled or _goes_on(words, commas[-1])


def _takes(other: Hit, hit: Hit, between: range) -> bool:
    """Tell whether a name holds one of the phrases, or stands between them."""
    if other.first in between and other.last in between:
        return not other.of.has_qualities and bool(other.of.yes)
    held = [other.first <= first and last <= other.last for first, last in hit.parts]
    longer = any(h and other.length > p[1] - p[0] + 1 for h, p in zip(held, hit.parts, strict=True))
    says_other = not other.of.has_qualities and not set(other.of.yes) & set(hit.of.yes)
    return longer and not all(held) and says_other


def _goes_on(words: Sequence[Token], comma: int) -> bool:
    """Tell whether a comma stands within a list that an "and" or "or" closes."""
    for word in words[comma + 1 : comma + 8]:
        if word.norm in ("and", "or"):
            return True
        if word.text in ".;:":
            return False
    return False


def _hidden(hit: Hit, other: Hit) -> bool:
    """Tell whether each part of a hit lies within a longer one."""
    if other.last < hit.first or hit.last < other.first or _size(other) <= _size(hit):
        return False
    return all(
        any(start <= first and last <= end for start, end in other.parts)
        for first, last in hit.parts
    )


_OTHERS = frozenset(("other_lab", "other_drug", "other_antibody"))
"""Names of what the catalogue does not hold."""


def _size(hit: Hit) -> int:
    return sum(last - first + 1 for first, last in hit.parts)

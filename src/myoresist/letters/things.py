"""What letters speak of: signs, structures with their qualities, tests, and their examinations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from myoresist.knowledge.schema import Entry


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

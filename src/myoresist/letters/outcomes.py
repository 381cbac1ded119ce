"""How courses did and why they were stopped, as the words around them tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

from myoresist.letters.context import Context
from myoresist.letters.course import Course
from myoresist.letters.drugs import DrugMark, Mention
from myoresist.letters.layout import Sentence
from myoresist.letters.phrases import Hit

_CAUSE = re.compile(
    r"\b(?:because|due|owing|for|on account|after|secondary|as|since|when|from|following|"
    r"with|by reason)\b|[(:,-]\s*$",
    re.IGNORECASE,
)
_NAMED_CAUSE = re.compile(
    r"\b(?:because|due|owing|for|on account|secondary|as|since|when|reason)\b|\(\s*$", re.IGNORECASE
)
_RESUMED = re.compile(r"\b(?:resumed|restarted|reintroduced|re-started|back on)\b", re.IGNORECASE)
_NOT_TOLERATED = re.compile(r"\b(?:intoler\w*|not|poorly|could|cannot|unable|did)\b", re.IGNORECASE)
_HENCE = re.compile(
    r"[\s,;:.)\d-]*(?:\b(?:and|so|then|therefore|hence|thus|which|it|this|that|led|was|were|had|to|be|been|has|"
    r"having|the|drug|treatment|after|days?|weeks?|months?|\w+th|\w+st|\w+nd)\b[\s,;:.]*)*",
    re.IGNORECASE,
)


class Outcomes:
    """Reads responses and reasons for stopping in one letter, sentence by sentence."""

    def __init__(self, plain: str) -> None:
        """Take the letter."""
        self.plain = plain
        self.cause: tuple[int, str] | None = None

    def judge(
        self,
        sentence: Sentence,
        hits: Sequence[Hit],
        courses: Sequence[Course],
        named: Sequence[Mention],
        context: Context,
    ) -> None:
        """Read how courses did and why they were stopped.

        Args:
            sentence: the sentence.
            hits: every phrase found in it.
            courses: the courses it may speak of, in the order of the letter.
            named: the drugs that it names.
            context: how it is meant.
        """
        said = _longest([hit for hit in hits if isinstance(hit.of, DrugMark)])
        words = sentence.words
        mixed = any(hit.of.kind == "mixed" for hit in said)
        if not named:
            self._stopped_for(sentence, said, courses)
        self.cause = None
        judged: dict[int, str] = {}
        for hit in said:
            at, end = words[hit.first].start, words[hit.last].end
            if hit.of.kind == "response":
                response = _meant(hit, context)
                if response is None:
                    continue
                for course in self._judged(at, end, courses, named):
                    if mixed or judged.setdefault(id(course), response) != response:
                        # "Good effect on the rash, partial on muscle."
                        course.mixed = True
                    elif course.response is None:
                        course.response = response
                        course.places.append((at, end))
            elif hit.of.kind == "reason":
                self._reason(hit, said, sentence, courses)
                self.cause = (end, hit.of.of)

    def _stopped_for(
        self, sentence: Sentence, said: Sequence[Hit], courses: Sequence[Course]
    ) -> None:
        """Take the reason that ends the piece before a stop: "Nausea; abandoned in August"."""
        if self.cause is None or not courses or courses[-1].reason is not None:
            return
        stop = next((hit for hit in said if hit.of.kind == "stopped"), None)
        if stop is None:
            return
        between = self.plain[self.cause[0] : sentence.words[stop.first].start]
        if len(between) <= _NEAR and _HENCE.fullmatch(between):
            _end(courses[-1], self.cause[1])

    def _judged(
        self, at: int, end: int, courses: Sequence[Course], named: Sequence[Mention]
    ) -> list[Course]:
        """Return the courses that a response is about."""
        behind = [
            m
            for m in named
            if 0 <= m.start - end <= _NEAR
            and re.fullmatch(
                r"\s*(?:to|from|with|on|of|under)\s+(?:the\s|a\s|treatment with\s|his\s|her\s)?",
                self.plain[end : m.start],
            )
        ]
        if behind:
            return [c for c in courses if c.drug == behind[0].id][:1]
        before = [c for c in courses if c.end_at <= at]
        if not before:
            return []
        last = before[-1]
        beside = [c for c in before if c.drug != last.drug and self._with(c, last)]
        if beside and len({m.id for m in named}) > 1:
            return []
        return [last]

    def _with(self, one: Course, other: Course) -> bool:
        """Tell whether two drugs are named as one treatment: "prednisolone and methotrexate"."""
        between = self.plain[one.end_at : other.start_at]
        joined = re.fullmatch(r"[^.;,]*\b(?:and|plus|\+)\s*", between)
        return joined is not None and len(between) < 40

    def _reason(
        self, hit: Hit, said: Sequence[Hit], sentence: Sentence, courses: Sequence[Course]
    ) -> None:
        words = sentence.words
        at, end = words[hit.first].start, words[hit.last].end
        text = self.plain[at:end]
        tolerance = "toler" in text.lower() and _NOT_TOLERATED.search(text)
        stops = [h for h in said if h.of.kind == "stopped" and h.last < hit.first]
        after = [
            h
            for h in said
            if h.of.kind == "stopped"
            and h.first > hit.last
            and words[h.first].start - end <= _NEAR
            and _HENCE.fullmatch(self.plain[end : words[h.first].start])
        ]
        if stops:
            gap = self.plain[words[stops[-1].last].end : at]
            caused = _CAUSE.search(gap) and (hit.of.of == "side effect" or _NAMED_CAUSE.search(gap))
            if not caused and not after:
                return
        elif not tolerance and not after:
            return
        if _RESUMED.search(self.plain, at, sentence.end):
            return
        until = words[stops[-1].first].start if stops else at
        before = [c for c in courses if c.start_at <= until]
        if tolerance and not before:
            # "She was unable to tolerate methotrexate."
            before = [c for c in courses if 0 <= c.start_at - end <= _NEAR][:1]
        if stops and not before:
            # "We discontinued azathioprine because of nausea."
            before = [c for c in courses if until <= c.start_at and c.end_at <= at][:1]
        if before and before[-1].reason is None:
            _end(before[-1], hit.of.of)
            before[-1].places.append((at, end))


def _meant(hit: Hit, context: Context) -> str | None:
    """Return the response that words tell of; ``None`` if it is only hoped for or doubted.

    "No clear benefit" and "without a good response" are none.
    """
    said = context.at(hit.first, hit.last)
    response: str = hit.of.of
    before = [word.norm for word in context.words[max(0, hit.first - 2) : hit.first]]
    if {"no", "without", "zero", "nil"} & set(before):
        return "none"
    if said.means & {"if", "doubt", "planned", "other"}:
        return None
    denials = [cue for cue in said.cues if cue.means == "no" and 0 < hit.first - cue.last <= 3]
    return "none" if denials else response


_NEAR = 44
"""Signs between what belongs together."""


def _end(course: Course, reason: str) -> None:
    course.reason = reason
    course.ongoing = False


def _longest(hits: Sequence[Hit]) -> list[Hit]:
    """Return words about drugs without those that lie within longer ones, or within a response."""
    return [
        h
        for h in hits
        if not any(
            o.first <= h.first
            and h.last <= o.last
            and o.length > h.length
            # "Weight gain" is a side effect and no gain.
            and (o.of.kind in (h.of.kind, "response") or h.of.kind == "response")
            for o in hits
        )
    ]

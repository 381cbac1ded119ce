"""What a sentence says about findings: signs, structures that are normal or not, tests that were done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from myoresist.letters.context import Context
from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.marks import Mark
from myoresist.letters.phrases import Hit
from myoresist.letters.said import Cue, Said
from myoresist.letters.things import Answers, Quality, SceneMark, Thing

_FLIP = {
    "normal": "abnormal", "abnormal": "normal", "high": "normal", "low": "normal", "positive": "negative",
    "negative": "positive", "weak": "normal", "strong": "weak", "present": "absent", "absent": "present",
}  # fmt: skip


class Signs:
    """The findings of one sentence."""

    def __init__(
        self,
        sentence: Sentence,
        hits: Sequence[Hit],
        things: Sequence[Hit],
        context: Context,
        figures: Callable[[str, int, int], str | None],
    ) -> None:
        """Take the sentence, its phrases, what may be spoken of, how it is meant, and what judges figures."""
        self.sentence = sentence
        self.figures = figures
        self.words = sentence.words
        self.context = context
        self.things = [hit for hit in things if self._of_one_clause(hit)]
        held = {
            n
            for hit in self.things
            if not hit.of.has_qualities
            for part in hit.parts
            for n in range(part[0], part[1] + 1)
        }
        self.studies = [hit for hit in hits if isinstance(hit.of, SceneMark)]
        names = [hit for hit in hits if isinstance(hit.of, Mark) and hit.length > 1]
        self.qualities = [
            hit
            for hit in _longest(hits)
            if not any(o.first <= hit.first and hit.last <= o.last for o in names)
            and not all(n in held for n in range(hit.first, hit.last + 1))
        ]

    def found(self) -> Iterator[Found]:
        """Yield every answer that the sentence gives."""
        found = list(self._found())
        said = {one.finding for one in found if one.value}
        if any(word.norm in _REST for word in self.words):
            # "Knee jerks gone, other reflexes present" does not take back what it says first.
            found = [one for one in found if one.value is not False or one.finding not in said]
        yield from found

    def _found(self) -> Iterator[Found]:
        for hit in self.things:
            thing: Thing = hit.of
            said = self.context.said(hit)
            if thing.family and self._of_blood(said):
                places = self._places(hit, said)
                value = None if "doubt" in said or "if" in said else "no" not in said
                yield from (
                    Found(x, value, None if value is not None else "doubt", places, self.sentence)
                    for x in thing.family
                )
            quality = self._quality(hit) if thing.has_qualities else None
            if quality is not None:
                yield from self._by_quality(hit, *quality)
            elif thing.figure and (
                name := self.figures(thing.figure, self.words[hit.last].end, self.sentence.end)
            ):
                answers = self._answers_of(thing, name)
                why = _aside(said.means)
                places = self._places(hit, said)
                if answers and why:
                    yield from self._open((*answers.yes, *answers.no), why, places)
                elif answers:
                    yield from self._answers(answers, places)
            elif thing.test:
                yield from self._test(hit, said)
            else:
                yield from self._sign(hit, said)

    def _of_one_clause(self, hit: Hit) -> bool:
        return len({self.context.clause[part[0]] for part in hit.parts}) == 1

    def _sign(self, hit: Hit, said: Said) -> Iterator[Found]:
        thing: Thing = hit.of
        means = set(said.means)
        denials = [cue for cue in said.cues if cue.means == "no"]
        if thing.whole:
            denials = [cue for cue in denials if not hit.first <= cue.first <= hit.last]
        if thing.no and not thing.yes:
            # "No ptosis, tongue normal": what says itself that all is well is not denied by the word before.
            denials = [
                c for c in denials if c.last > hit.first or not self._comma(c.last, hit.first)
            ]
        if not denials:
            means.discard("no")
        if any(self._settles(cue, said) for cue in denials):
            means.discard("doubt")
        if "biopsy" in thing.when:
            # "Necrotic fibers, many of them cleared by macrophages": a slide has no past.
            means.discard("over")
        why = _aside(means)
        if why is None and "no" not in means and not thing.whole:
            why = "doubt" if self._either(hit) else None
            sought = self._sought(hit)
            if sought == "negative":
                means.add("no")
            elif sought == "open":
                why = "planned"
        if "biopsy" in thing.when and self._unstained(hit):
            means.add("no")
        places = self._places(hit, said)
        if why:
            yield from self._open((*thing.yes, *thing.unsure), why, places)
        elif "no" in means:
            denied = thing.yes if thing.denied is None else thing.denied
            if thing.whole or (thing.named and any(w.norm in _OF_KIN for w in self.words)):
                denied = ()
            yield from (Found(x, False, None, places, self.sentence) for x in denied)
            yield from self._open(thing.no if not thing.whole else thing.yes, "doubt", places)
        elif "over" in means and not thing.ever:
            yield from self._open((*thing.yes, *thing.over), "over", places)
        else:
            yield from self._answers(
                Answers(yes=thing.yes, no=thing.no, unsure=thing.unsure), places
            )

    def _unstained(self, hit: Hit) -> bool:
        """Tell whether the word behind a structure on a slide denies it: "C5b-9: capillaries negative"."""
        if len(hit.parts) < 2:
            return False
        last = max(end for _, end in hit.parts)
        return any(
            q.of.name in ("negative", "absent")
            and 0 < q.first - last <= 2
            and all(w.norm in _COPULAS for w in self.words[last + 1 : q.first])
            for q in self.qualities
        )

    def _test(self, hit: Hit, said: Said) -> Iterator[Found]:
        thing: Thing = hit.of
        places = self._places(hit, said)
        to_do = self.sentence.section in ("plan", "pending", "question")
        if "undone" in said:
            denied = thing.yes if thing.denied is None else thing.denied
            yield from (Found(x, False, None, places, self.sentence) for x in denied)
        elif why := _aside(said.means) or (
            "planned" if "planned" in said or (to_do and not self._done()) else None
        ):
            yield from self._open(thing.yes, why, places)
        elif "no" in said and not self._result_follows(hit):
            return
        else:
            yield from self._answers(Answers(yes=thing.yes), places)

    def _done(self) -> bool:
        """Tell whether a sentence among plans tells of something that was done."""
        return any(word.norm in _PAST for word in self.words)

    def _result_follows(self, hit: Hit) -> bool:
        return hit.last + 1 < len(self.words)

    def _by_quality(self, hit: Hit, quality: Hit, name: str) -> Iterator[Found]:
        thing: Thing = hit.of
        said = self.context.said(hit)
        of_quality = self.context.said(quality)
        means = {cue.means for cue in (*said.cues, *of_quality.cues) if not _within(cue, quality)}
        places = (*self._places(hit, said), (quality.first, quality.last))
        flipped = self._turned(quality, of_quality)
        if flipped:
            name = (
                _FLIP[name]
                if thing.quality(_FLIP[name])
                else "normal"
                if name in ("high", "low", "abnormal")
                else name
            )
        answers = self._answers_of(thing, name)
        if answers is None:
            return
        why = _aside(means)
        if why or (flipped and thing.quality(name) is None):
            yield from self._open(
                (*answers.yes, *answers.no, *answers.unsure), why or "doubt", places
            )
        else:
            yield from self._answers(answers, places)

    def _turned(self, quality: Hit, said: Said) -> bool:
        """Tell whether a quality is denied: "not so clear", or "not enlarged" as one phrase."""
        near = [cue for cue in said.cues if 0 < quality.first - cue.last <= 3]
        own = [
            cue
            for cue in self.context.cues
            if cue.first < quality.first and quality.last <= cue.last
        ]
        return any(cue.means == "no" for cue in (*near, *own))

    @staticmethod
    def _answers_of(thing: Thing, name: str) -> Answers | None:
        for one in (name, *_ALIKE.get(name, ())):
            if answers := thing.quality(one):
                return answers
        return None

    def _quality(self, hit: Hit) -> tuple[Hit, str] | None:
        """Return the quality that the sentence gives a thing, and its name."""
        if len(hit.parts) > 1 and any((q.first, q.last) in hit.parts for q in self.qualities):
            # The phrase names its quality itself, as "strong" in "MHC-I … strong".
            return None
        near = [
            (self._distance(hit, quality), quality.last - quality.first, quality)
            for quality in self.qualities
            if self._answers_of(hit.of, quality.of.name)
            # "COX-negative fibres" are not negative.
            and not any(a <= quality.first and quality.last <= b for a, b in hit.parts)
            and self._reaches(quality, hit)
        ]
        if hit.of.quality("positive"):
            # A strong muscle is normal, a strong stain is none.
            strong = {q.first for _, _, q in near if self.words[q.last].norm in _STAINS}
            near = [one for one in near if one[2].of.name == "strong" or one[2].first not in strong]
        if not near:
            return None
        best = min(near, key=lambda one: (one[0], -one[1], _ORDER.index(one[2].of.name)))
        return best[2], best[2].of.name

    @staticmethod
    def _distance(hit: Hit, quality: Hit) -> int:
        return (
            quality.first - hit.last if quality.first > hit.last else hit.first - quality.last + 1
        )

    def _reaches(self, quality: Hit, hit: Hit) -> bool:
        """Tell whether a quality is one of this thing: "reflexes normal", "normal reflexes and sensation"."""
        if quality.first > hit.last:
            if self._compound(quality, hit) or self._attributive(quality, hit):
                return False
            governed = self.context._left(quality.first)
            if hit.last not in governed:
                return False
            # Another thing in between takes the quality, unless both are of one list.
            others = [
                o
                for o in self.things
                if o is not hit
                and o.first > hit.last
                and o.last < quality.first
                and o.of.has_qualities
            ]
            near = quality.first - hit.last - 1 <= 7
            return (near or bool(others)) and (not others or self._listed(hit, others, quality))
        between = [self.words[n] for n in range(quality.last + 1, hit.first)]
        if self.context.clause[quality.last] != self.context.clause[hit.first]:
            return False
        most = 5 if any(word.norm == "of" for word in between) else 2
        if any(word.text in ",;:(" for word in between) or len(between) > most:
            return False
        if any(
            o.first > quality.last and o.last < hit.first and not self._joined(o, hit)
            for o in self.things
            if o is not hit
        ):
            return False
        return not self._predicative(quality)

    def _compound(self, quality: Hit, hit: Hit) -> bool:
        """Tell whether a hyphen ties a quality to another name: "aggregates, COX-negative fibres"."""
        if quality.first - 2 <= hit.last:
            return False
        before, sign, own = self.words[quality.first - 2 : quality.first + 1]
        return sign.text == "-" and before.end == sign.start and sign.end == own.start

    def _attributive(self, quality: Hit, whole: Hit) -> bool:
        """Tell whether a quality is of a part alone: "cranial nerves: normal eye movements"."""
        before = self.words[quality.first - 1] if quality.first else None
        if before is None or before.norm in _COPULAS:
            return False
        said = set(whole.of.normal.no) if whole.of.normal else set()
        return any(
            o.first == quality.last + 1 and o.of.normal and set(o.of.normal.no) < said
            for o in self.things
        )

    def _listed(self, hit: Hit, others: Sequence[Hit], quality: Hit) -> bool:
        """Tell whether only commas, "and" and names stand between a thing and the quality of a list."""
        named = {n for o in others for n in range(o.first, o.last + 1)}
        loose = [
            self.words[n]
            for n in range(hit.last + 1, quality.first)
            if n not in named
            and self.words[n].text not in ",/&+:-()"
            and self.words[n].norm not in _JOINS
        ]
        return len(loose) <= 3

    def _joined(self, one: Hit, other: Hit) -> bool:
        between = [self.words[n] for n in range(one.last + 1, other.first)]
        return all(word.text in ",/&+" or word.norm in ("and", "or") for word in between)

    def _predicative(self, quality: Hit) -> bool:
        """Tell whether a quality belongs to what stands before it: after "is", a colon, or a thing."""
        if quality.first == 0:
            return False
        before = self.words[quality.first - 1]
        if before.norm in _COPULAS or before.text in ":-":
            return any(hit.last < quality.first for hit in self.things)
        return any(hit.last == quality.first - 1 and hit.of.has_qualities for hit in self.things)

    def _comma(self, first: int, last: int) -> bool:
        return any(word.text in ",;" for word in self.words[first + 1 : last])

    def _settles(self, cue: Cue, said: Said) -> bool:
        """Tell whether a denial comes after a doubt and ends it: "suspected, since refuted"."""
        text = {word.norm for word in self.words[cue.first : cue.last + 1]}
        doubts = [other for other in said.cues if other.means == "doubt"]
        return (
            bool(text & _FINAL)
            and "not" not in text
            and bool(doubts)
            and all(d.first < cue.first for d in doubts)
        )

    def _either(self, hit: Hit) -> bool:
        """Tell whether something is named as one of two that it may be: "panniculitis or old injection"."""
        after = self.words[hit.last + 1].norm if hit.last + 1 < len(self.words) else ""
        before = self.words[hit.first - 1].norm if hit.first else ""
        if after in ("or", "versus", "vs"):
            return True
        return before in ("or", "versus", "vs") and any(
            o.last < hit.first and hit.first - o.last <= 4 for o in self.things
        )

    def _sought(self, hit: Hit) -> str | None:
        """Tell what became of something that a study looks for, as in "MRI of the thighs for oedema"."""
        at = max(first for first, _ in hit.parts) - 1
        if at < 1 or self.words[at].norm != "for" or not any(s.last < at for s in self.studies):
            return None
        if any(q.last == at - 1 for q in self.qualities):
            # "Positive for", "strong staining for".
            return None
        clause = self.context.clause
        names = {
            q.of.name
            for q in self.qualities
            if q.first > at + 1 and clause[q.first] == clause[at + 1]
        }
        return "negative" if names & _NOTHING else None if names else "open"

    def _of_blood(self, said: Said) -> bool:
        """Tell whether something is said of a relative by blood, or below the heading of the family."""
        for cue in said.cues:
            if cue.means == "other":
                relation = {word.norm for word in self.words[cue.first : cue.last + 1]}
                return not relation & _NOT_OF_BLOOD
        return self.sentence.section == "family" or any(w.norm in _OF_KIN for w in self.words)

    def _places(self, hit: Hit, said: Said) -> tuple[tuple[int, int], ...]:
        cues = tuple((cue.first, cue.last) for cue in said.cues if cue.means != "neutral")
        return tuple(sorted({*hit.parts, *cues}))

    def _answers(self, answers: Answers, places: tuple[tuple[int, int], ...]) -> Iterator[Found]:
        yield from (Found(x, True, None, places, self.sentence) for x in answers.yes)
        yield from (Found(x, False, None, places, self.sentence) for x in answers.no)
        yield from self._open(answers.unsure, "weak", places)

    def _open(
        self, findings: Sequence[str], why: str, places: tuple[tuple[int, int], ...]
    ) -> Iterator[Found]:
        yield from (Found(x, None, why, places, self.sentence) for x in findings)


_ORDER = (
    "negative", "positive", "absent", "present", "high", "low", "weak", "abnormal", "normal", "strong",
)  # fmt: skip
_ALIKE = {
    "negative": ("normal",), "normal": ("strong",), "strong": ("positive", "normal"),
    "low": ("abnormal",), "high": ("abnormal",), "weak": ("low", "positive", "abnormal"),
    "absent": (), "present": ("positive",), "positive": ("abnormal",), "abnormal": (),
}  # fmt: skip
_STAINS = frozenset(("strong", "strongly", "intense", "intensely"))
_NOTHING = frozenset(["negative", "normal", "absent"])
_REST = frozenset(["otherwise", "other", "rest", "remaining", "elsewhere", "apart", "except"])
_FINAL = frozenset(["ruled", "excluded", "refuted", "out"])
_NOT_OF_BLOOD = frozenset((
    "wife", "husband", "spouse", "partner", "boyfriend", "girlfriend", "stepmother",
    "stepfather", "stepsister", "stepbrother", "law", "friend", "neighbor", "fiance", "fiancee",
    "flatmate",
))  # fmt: skip
_JOINS = frozenset(["and", "or", "both", "all", "the", "of", "were", "was", "are", "is"])
_PAST = frozenset(
    ("was", "were", "showed", "shows", "done", "normal", "clear", "negative", "revealed")
)
_OF_KIN = frozenset(("family", "familial", "fh", "relative", "hereditary"))
_COPULAS = frozenset((
    "is", "are", "was", "were", "be", "been", "being", "look", "looks", "looked", "seem",
    "seemed", "appear", "appeared", "remain", "remains", "remained", "felt", "came",
))  # fmt: skip


def _aside(means: object) -> str | None:
    """Return why a statement does not count for this patient now, or leaves it open."""
    kinds = means if isinstance(means, (set, frozenset)) else set()
    for meaning, why in (
        ("other", "other"),
        ("if", "supposed"),
        ("doubt", "doubt"),
        ("undone", "doubt"),
    ):
        if meaning in kinds:
            return why
    return None


def _within(cue: Cue, quality: Hit) -> bool:
    return quality.first <= cue.first and cue.last <= quality.last


def _longest(hits: Sequence[Hit]) -> list[Hit]:
    """Return the qualities that do not lie within longer ones."""
    found = [hit for hit in hits if isinstance(hit.of, Quality)]
    return [
        hit
        for hit in found
        if not any(
            o.first <= hit.first and hit.last <= o.last and o.length > hit.length for o in found
        )
    ]

"""What a sentence says about strength: muscles and regions with grades, or with a word such as weak."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from myoresist.letters.compared import Item, weaker_than
from myoresist.letters.context import Context
from myoresist.letters.drugs import DrugMark
from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.phrases import Hit
from myoresist.letters.strength_words import MuscleMark, StrengthMark, StrengthWords, precise
from myoresist.letters.things import Thing

_FULL, _WEAK_4 = 5.0, 4.0
_GRADE = re.compile(
    r"(?<![\d./,:])(?P<grade>[0-5])\s?(?P<sign>[+-](?!\d)|"
    r"-(?=/5))?(?:\s?-\s?(?P<upper>[0-5]))?(?P<of>\s?/\s?5(?!\d))?(?![\d.,]*\d|\s?(?:mg|g|"
    r"%|/1|/8|/2|U|kg|week|month|year|day|x\b|st\b|nd\b|rd\b|th\b))"
)
_LIMBS = ("arm", "leg", "limbs")
_OF_SIDES = frozenset(("each", "both", "either", "left", "right", "side"))
_SIDES = ("R", "L", "right", "left")


@dataclass
class Graded:
    """A part and how strong it is; ``grades`` are one, or one a side."""

    part: str
    places: tuple[tuple[int, int], ...]
    grades: tuple[float, ...] = ()
    weak: bool | None = None
    doubt: str | None = None
    item: int = -1


@dataclass
class Strength:
    """Reads the strength that one sentence gives."""

    sentence: Sentence
    hits: Sequence[Hit]
    context: Context
    words: StrengthWords
    examined: bool
    plain: str
    items: list[Item] = field(init=False)

    def __post_init__(self) -> None:
        """Put muscles, grades and words in the order of the sentence."""
        self.items = sorted(
            [*self._marks(), *self._grades()], key=lambda one: (one.first, -one.last)
        )

    def found(self) -> Iterator[Found]:
        """Yield what the strength of the parts says about findings."""
        graded = list(self._graded())
        graded += self._everywhere(graded)
        for one in graded:
            yield from self._answers(one, graded)
        yield from weaker_than(self.sentence, self.items, self.words.comparisons)
        yield from self._symmetry(graded)

    def _everywhere(self, graded: Sequence[Graded]) -> list[Graded]:
        """Return that all is strong where proximal and distal muscles, or arms and legs, are said to be."""
        strong = [
            one for one in graded if one.weak is False or (one.grades and min(one.grades) >= _FULL)
        ]
        if len(strong) < len(graded) or any(one.doubt for one in graded):
            return []
        parts = {one.part for one in strong}
        if (
            parts >= {"proximal", "distal"}
            or parts >= {"arm", "leg"}
            or parts >= {"upper", "lower", "hand", "foot"}
        ):
            return [Graded("all", strong[0].places, weak=False)]
        return []

    def _marks(self) -> Iterator[Item]:
        of = (MuscleMark, StrengthMark)
        marks = list(dict.fromkeys(hit for hit in self.hits if isinstance(hit.of, of)))
        muscles = [hit for hit in marks if isinstance(hit.of, MuscleMark)]
        for hit in marks:
            longer = [
                o
                for o in (muscles if isinstance(hit.of, MuscleMark) else marks)
                if o.first <= hit.first and hit.last <= o.last and o.length > hit.length
            ]
            if longer or (isinstance(hit.of, StrengthMark) and self._of_another(hit)):
                continue
            if isinstance(hit.of, MuscleMark):
                yield Item("muscle", hit.first, hit.last, hit.of.part)
            else:
                yield Item(hit.of.kind, hit.first, hit.last)

    def _of_another(self, hit: Hit) -> bool:
        """Tell whether a word belongs to another phrase: "good response", "facial strength"."""
        power = hit.of.kind == "power"
        return any(
            o.first <= hit.first
            and hit.last <= o.last
            and o.length > hit.length
            and (isinstance(o.of, DrugMark) or (power and isinstance(o.of, Thing)))
            for o in self.hits
            if len(o.parts) == 1
        )

    def _grades(self) -> Iterator[Item]:
        """Yield the grades of the sentence; a bare figure is one only beside a muscle or a side."""
        words = self.sentence.words
        starts = [word.start for word in words]
        start = {place: n for n, place in enumerate(starts)}
        held = {
            n
            for hit in self.hits
            if isinstance(hit.of, MuscleMark)
            for n in range(hit.first, hit.last + 1)
        }
        for match in _GRADE.finditer(self.plain, self.sentence.start, self.sentence.end):
            first = start.get(match.start())
            if first is None or first in held:
                continue
            last = bisect_left(starts, match.end()) - 1
            value = float(match["grade"])
            if match["upper"]:
                value = (value + float(match["upper"])) / 2
            value += {"+": 0.3, "-": -0.3}.get((match["sign"] or "").strip(), 0.0)
            if match["of"] or self._beside(first, last):
                yield Item("grade", first, last, grade=value)

    def _beside(self, first: int, last: int) -> bool:
        """Tell whether a bare figure stands where a grade would: after a muscle, a side, another grade."""
        words = self.sentence.words
        at = first - 1
        while at >= 0 and first - at <= 7:
            word = words[at]
            if any(
                hit.first <= at <= hit.last and isinstance(hit.of, MuscleMark) for hit in self.hits
            ):
                return True
            if word.text in ",;" or (word.text.isalpha() and word.norm not in _BETWEEN):
                return False
            at -= 1
        return False

    def _graded(self) -> Iterator[Graded]:
        """Yield each part with the grades or the word that the sentence gives it."""
        taken: set[int] = set()
        for number, item in enumerate(self.items):
            if item.kind == "grade":
                parts = self._parts_of(number, taken)
                for muscle in parts:
                    yield self._one(muscle, number)
                if not parts and item.grade == _FULL and (self._has("power") or self._has("weak")):
                    yield Graded("all", ((item.first, item.last),), (item.grade,))
            elif item.kind in ("weak", "strong"):
                yield from self._by_word(number)

    def _parts_of(self, number: int, taken: set[int]) -> list[int]:
        """Return the muscles, by their place among the items, that a grade belongs to."""
        words = self.sentence.words
        after = (
            words[self.items[number].last + 1] if self.items[number].last + 1 < len(words) else None
        )
        beyond = self.items[number].last + 2
        sided = any(word.norm in _OF_SIDES for word in words[beyond : beyond + 2])
        if after is not None and after.norm in ("in", "at", "of", "for", "on") and not sided:
            following = self._following(number)
            if following:
                return following
        if self._stands_before(number):
            return self._following(number)
        back: list[int] = []
        for at in range(number - 1, -1, -1):
            item = self.items[at]
            if item.kind == "grade":
                if back or not self._same_muscle(at, number):
                    break
                continue
            if item.kind == "muscle":
                if back and not self._coordinated(item, self.items[back[-1]]):
                    break
                if self._limb_of_grade(at):
                    break
                if item.part != "other":
                    back.append(at)
                continue
        if back and self._distance(back[0], number) <= 12:
            return back
        return self._following(number)

    def _stands_before(self, number: int) -> bool:
        """Tell whether a grade is of the muscle behind it: "3/5 hips, 4-/5 shoulders, 5/5 distal"."""
        words, grade = self.sentence.words, self.items[number]
        behind = self.items[number + 1] if number + 1 < len(self.items) else None
        if behind is None or behind.kind != "muscle" or behind.first != grade.last + 1:
            return False
        return grade.first > 0 and words[grade.first - 1].text == ","

    def _limb_of_grade(self, at: int) -> bool:
        """Tell whether a limb belongs to the grade before it: "proximal power 4/5 upper limbs, …"."""
        if at == 0 or self.items[at].part not in _LIMBS or self.items[at - 1].kind != "grade":
            return False
        between = self.sentence.words[self.items[at - 1].last + 1 : self.items[at].first]
        return all(word.text.isalpha() and word.norm in _BETWEEN for word in between)

    def _distance(self, muscle: int, number: int) -> int:
        return self.items[number].first - self.items[muscle].last

    def _same_muscle(self, earlier: int, later: int) -> bool:
        """Tell whether two grades are of the two sides of one muscle."""
        between = self.sentence.words[self.items[earlier].last + 1 : self.items[later].first]
        return all(
            not word.text.isalpha() or word.norm in _BETWEEN or word.text in _SIDES
            for word in between
        )

    def _coordinated(self, one: Item, other: Item) -> bool:
        between = self.sentence.words[one.last + 1 : other.first]
        return len(between) <= 4 and all(
            word.text in ",/&+-" or word.norm in _BETWEEN or word.norm in ("and", "or")
            for word in between
        )

    def _following(self, number: int) -> list[int]:
        found: list[int] = []
        for at in range(number + 1, len(self.items)):
            item = self.items[at]
            if item.kind == "muscle" and item.part != "other":
                before = self.items[number] if not found else self.items[found[-1]]
                if not self._coordinated(before, item):
                    break
                found.append(at)
            elif item.kind in ("grade", "weak", "strong"):
                break
        return list(reversed(found))

    def _one(self, at: int, number: int) -> Graded:
        item, grade = self.items[at], self.items[number]
        said = self.context.at(item.first, grade.last)
        doubt = next((why for means, why in _DOUBTS if means in said), None)
        places = ((item.first, item.last), (grade.first, grade.last))
        return Graded(self._part(at), places, (grade.grade,), doubt=doubt, item=at)

    def _part(self, at: int) -> str:
        """Return the part of a muscle; a limb beside "proximal" or "distal" is that part of it."""
        item = self.items[at]
        if item.part in ("proximal", "distal") and at + 2 < len(self.items):
            limb = self.items[at + 2]
            if self.items[at + 1].kind == "grade" and self._limb_of_grade(at + 2):
                return f"{item.part}_{limb.part}"
        if item.part not in _LIMBS:
            return item.part
        for other in self.items:
            if (
                other.kind == "muscle"
                and other.part in ("proximal", "distal")
                and abs(other.first - item.first) <= 8
            ):
                return f"{other.part}_{item.part}"
        return item.part

    def _by_word(self, number: int) -> Iterator[Graded]:
        """Yield the parts that a word such as "weak" or "full" is said of."""
        item = self.items[number]
        muscles = [
            at for at, one in enumerate(self.items) if one.kind == "muscle" and one.part != "other"
        ]
        clause = self.context.clause
        power = any(one.kind == "power" for one in self.items)
        if item.kind == "strong" and not power and not self._adjacent(number):
            return
        near = [
            at
            for at in muscles
            if clause[self.items[at].first] == clause[item.first]
            and abs(self.items[at].first - item.first) <= 9
            and not self._blocked(at, number)
            and not self._standard(at)
        ]
        ahead = [at for at in near if self._leads(number, at)]
        if ahead and not self._predicate(item):
            near = self._joined(ahead[0], near)
        else:
            near = [at for at in near if self.items[at].first < item.first] or near
        said = self.context.at(item.first, item.last)
        doubt = next((why for means, why in _DOUBTS if means in said), None)
        weak = (item.kind == "weak") != ("no" in said)
        if not near:
            if power and item.kind == "strong" and not muscles and self._of_power(number):
                places = ((item.first, item.last),)
                yield Graded("all", places, weak=None if doubt else False, doubt=doubt)
            return
        if item.kind == "weak" and not self._objective(number):
            # What somebody complains of is asked about where it is named as a physician names it.
            near = [at for at in near if precise(self.items[at].part)]
            doubt = doubt or "doubt"
        for at in near:
            one = self.items[at]
            if any(i.kind == "grade" and 0 < i.first - one.last <= 6 for i in self.items):
                continue
            yield Graded(
                self._part(at),
                ((one.first, one.last), (item.first, item.last)),
                weak=weak,
                doubt=doubt,
            )

    def _standard(self, at: int) -> bool:
        """Tell whether a part is what others are weaker than: "weaker than the shoulder abductors"."""
        before = self.sentence.words[max(0, self.items[at].first - 3) : self.items[at].first]
        return any(word.norm == "than" for word in before)

    def _leads(self, number: int, at: int) -> bool:
        """Tell whether a word stands before a muscle as its adjective: "weak neck flexors"."""
        item, muscle = self.items[number], self.items[at]
        between = self.sentence.words[item.last + 1 : muscle.first]
        return (
            muscle.first > item.last
            and len(between) <= 4
            and not any(w.text in ",;:." for w in between)
        )

    def _predicate(self, item: Item) -> bool:
        before = self.sentence.words[item.first - 1].norm if item.first else ""
        return before in ("is", "are", "was", "were", "be", "remain", "remains")

    def _joined(self, first: int, near: Sequence[int]) -> list[int]:
        """Return a muscle and those that "and" or a comma joins to it."""
        found = [first]
        for at in near:
            if at > found[-1] and self._coordinated(self.items[found[-1]], self.items[at]):
                found.append(at)
        return found

    def _of_power(self, number: int) -> bool:
        """Tell whether a word such as "normal" is said of power and not of something else."""
        item = self.items[number]
        return (
            any(
                one.kind == "power"
                and self.context.clause[one.first] == self.context.clause[item.first]
                and abs(one.last - item.first) <= 6
                for one in self.items
            )
            or item.last - item.first >= 1
        )

    def _adjacent(self, number: int) -> bool:
        item = self.items[number]
        return any(
            one.kind == "muscle"
            and one.part != "other"
            and (0 < item.first - one.last <= 3 or 0 < one.first - item.last <= 3)
            for one in self.items
        )

    def _blocked(self, at: int, number: int) -> bool:
        """Tell whether another word about strength, or a comma that is not one of a list, stands between."""
        low, high = sorted((self.items[at].first, self.items[number].first))
        if any(
            one.kind in ("weak", "strong", "grade") and low < one.first < high for one in self.items
        ):
            return True
        words = self.sentence.words[low:high]
        commas = sum(word.text == "," for word in words)
        muscles = sum(one.kind == "muscle" and low <= one.first < high for one in self.items)
        return commas > max(0, muscles - (self.items[at].first < self.items[number].first))

    def _objective(self, number: int) -> bool:
        """Tell whether weakness is a finding of examination: examined, or named by its pattern."""
        complaint = any(one.kind == "complaints" for one in self.items)
        pattern = any(one.kind == "muscle" and precise(one.part) for one in self.items)
        return self.examined or (pattern and not complaint)

    def _answers(self, one: Graded, graded: Sequence[Graded]) -> Iterator[Found]:
        answers = self.words.parts.get(one.part)
        if answers is None:
            return
        sides = [o for o in graded if o.item == one.item and o.grades]
        grades = [g for o in sides for g in o.grades] if one.grades else []
        weak = one.weak if not grades else min(grades) < _FULL
        alike = len(set(grades)) <= 1 and not self._has("asymmetric")
        if one.doubt or weak is None:
            open_ = (*answers.weak, *answers.strong_yes)
            yield from (
                Found(x, None, one.doubt or "doubt", one.places, self.sentence) for x in open_
            )
            return
        if weak:
            yes = answers.weak if alike or not answers.one_side else answers.one_side
            if grades and min(grades) <= _WEAK_4:
                yes = (*yes, *answers.grade_4)
            yield from (Found(x, True, None, one.places, self.sentence) for x in yes)
        else:
            yield from (Found(x, False, None, one.places, self.sentence) for x in answers.strong)
            yield from (Found(x, True, None, one.places, self.sentence) for x in answers.strong_yes)

    def _has(self, kind: str) -> bool:
        return any(one.kind == kind for one in self.items)

    def _symmetry(self, graded: Sequence[Graded]) -> Iterator[Found]:
        """Yield that weakness is the same on both sides, or not, where the sentence says so of weakness."""
        weak = any(one.weak or any(g < _FULL for g in one.grades) for one in graded) or any(
            one.kind == "weak" for one in self.items
        )
        for item in self.items:
            if item.kind in ("symmetric", "asymmetric") and (
                weak or (self.examined and len(self.sentence.words) <= 4)
            ):
                said = self.context.at(item.first, item.last)
                if said.means - {"no"}:
                    continue
                name = f"{item.kind}_weakness"
                yield Found(name, "no" not in said, None, ((item.first, item.last),), self.sentence)


_BETWEEN = frozenset((
    "both", "bds", "bil", "side", "bilateral", "bilaterally", "bilat", "bd", "right", "left", "r", "l", "at",
    "is", "was", "were", "are", "of", "the", "a", "grade", "mrc", "about", "approx",
    "approximately", "power", "strength", "on", "each", "either", "in", "muscle", "m", "score",
    "mildly", "slightly", "now", "today", "and", "or",
))  # fmt: skip
_DOUBTS = (("other", "other"), ("if", "supposed"), ("doubt", "doubt"))

"""How a statement of a sentence is meant: denied, in doubt, supposed, over, or said of somebody else.

The idea is that of ConText (Harkema, J Biomed Inform 2009;42:839): a word such as "no" or "possible"
has a reach, and what stands in it is meant so. Here a reach ends where a clause ends, or where the list
ends that the word governs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from myoresist.letters.clauses import clauses
from myoresist.letters.columns import last_cell
from myoresist.letters.cues import RELATION, CueMark, Cues, Reach
from myoresist.letters.forms import answers
from myoresist.letters.layout import Sentence
from myoresist.letters.phrases import Hit
from myoresist.letters.said import Cue, Said
from myoresist.letters.things import Quality
from myoresist.letters.tokens import Token


class Context:
    """The cues of one sentence."""

    def __init__(
        self,
        sentence: Sentence,
        hits: Sequence[Hit],
        cues: Cues,
        things: Sequence[Hit],
        of_kin: bool = False,
    ) -> None:
        """Take the sentence, its phrases, the cue words, what statements may be about, and the subject.

        Args:
            sentence: the sentence.
            hits: every phrase found in it.
            cues: the words that tell how something is meant.
            things: what statements may be about.
            of_kin: whether it goes on with somebody else, as "; her CK was 4,000" may with a sister.
        """
        self.of_kin = of_kin
        self.sentence = sentence
        self.words = sentence.words
        self.known = cues
        self.things = things
        self._verbs, self._degrees = cues.single["verbs"], cues.single["degrees"]
        marks = [hit for hit in hits if isinstance(hit.of, CueMark)]
        self.marks = [hit for hit in marks if not _inside(hit, [*marks, *things])]
        self.clause = clauses(self.words, self.marks, self._verbs, cues.single["subjects"])
        self.thing_at = {
            n for hit in things for first, last in hit.parts for n in range(first, last + 1)
        }
        self.mark_at = {
            n
            for hit in self.marks
            if hit.of.means != "neutral"
            for n in range(hit.first, hit.last + 1)
        }
        self.affirmed_at = {
            n
            for hit in hits
            if isinstance(hit.of, Quality) and hit.of.name in ("present", "positive")
            for n in range(hit.first, hit.last + 1)
        }
        self.cues = tuple(self._cues())

    @property
    def tells_of_kin(self) -> bool:
        """Tell whether a piece that follows a semicolon may still be about somebody else."""
        return self.sentence.closes == ";" and any(cue.means == "other" for cue in self.cues)

    def said(self, hit: Hit) -> Said:
        """Tell how something that was found is meant."""
        found = []
        for cue in self.cues:
            covered = [part for part in hit.parts if _meets(part, cue.governs)]
            within = hit.first <= cue.first and cue.last <= hit.last
            if (
                covered
                and not self._is_part(cue, hit)
                and (within or cue.means != "no" or len(covered) == len(hit.parts))
            ):
                found.append(cue)
        return Said(frozenset(cue.means for cue in found), tuple(found))

    def _is_part(self, cue: Cue, hit: Hit) -> bool:
        """Tell whether a cue is itself what is said, as "absent" is in "reflexes were absent"."""
        return (cue.first, cue.last) in hit.parts or any(
            cue.first <= first
            and last <= cue.last
            and all(word.norm in _GONE for word in self.words[first : last + 1])
            for first, last in hit.parts
        )

    def at(self, first: int, last: int) -> Said:
        """Tell how the words from ``first`` to ``last`` are meant."""
        return self.said(Hit(None, first, last, ((first, last),)))

    def _cues(self) -> Iterator[Cue]:
        for hit in self.marks:
            mark: CueMark = hit.of
            if mark.means == "neutral":
                continue
            if mark is RELATION:
                yield from self._relation(hit)
            elif not self._compares(hit) and not self._stays(hit, mark):
                means = "doubt" if self._carries_doubt(hit) else mark.means
                yield Cue(means, hit.first, hit.last, self._governed(hit, mark))
        if self.of_kin and self.words and self.words[0].norm in _GOES_ON:
            yield Cue("other", 0, 0, range(len(self.words)))
        for answer in answers(self.words, self.sentence.opens, self.things):
            left = self._left(answer.first) if answer.governs is None else answer.governs
            yield Cue(answer.means, answer.at, answer.last, left)
        if self.words and self.words[0].norm == "should" and self.sentence.closes != "?":
            # "Should weight loss be present, CT would be sensible."
            yield Cue("if", 0, 0, range(1, len(self.words)))
        for n, word in enumerate(self.words):
            if word.text == "?":
                yield self._question(n)

    def _carries_doubt(self, hit: Hit) -> bool:
        """Tell whether "nor has" goes on with a doubt: "X is not excluded, nor has Y"."""
        if self.words[hit.first].norm != "nor" or hit.last + 1 >= len(self.words):
            return False
        if self.words[hit.last + 1].norm not in _AUXILIARIES:
            return False
        return any(
            m.of.means == "doubt" and m.of.to == "left" and m.last < hit.first for m in self.marks
        )

    def _stays(self, hit: Hit, mark: CueMark) -> bool:
        """Tell whether "not" says that something is still there: "the rash does not settle"."""
        if mark.means == "over":
            # "The calcinosis has not resolved."
            return any(w.norm in _NOT for w in self.words[max(0, hit.first - 2) : hit.last + 1])
        if mark.means != "no" or mark.to != "right" or self.words[hit.last].norm not in _NOT:
            return False
        after = self.words[hit.last + 1].norm if hit.last + 1 < len(self.words) else ""
        return after in self.known.gone or after.startswith(self.known.subsides)

    def _compares(self, hit: Hit) -> bool:
        """Tell whether "versus" compares with an earlier figure or study, and names no alternative."""
        if self.words[hit.first].norm not in ("vs", "versus") or hit.last + 1 >= len(self.words):
            return False
        after = self.words[hit.last + 1]
        return after.text[0].isdigit() or after.norm in ("previous", "prior", "last", "earlier")

    def _governed(self, hit: Hit, mark: CueMark) -> range:
        if mark.reach == "sentence":
            if mark.to == "left":
                return self._left_sentence(hit)
            return range(hit.last + 1, len(self.words))
        if mark.to == "both":
            number = self.clause[hit.first]
            inside = [n for n, clause in enumerate(self.clause) if clause == number]
            return range(inside[0], inside[-1] + 1)
        if self._prefix(hit):
            # "Non-scarring hair loss" denies the scars.
            return range(hit.last + 2, hit.last + 3)
        if mark.to == "right":
            if self._predicative(hit):
                return range(0)
            return self._right(hit.last, mark.reach, denies=mark.means == "no")
        left = self._left(hit.first)
        if mark.means == "no" and self._goes_on(hit.last):
            return range(left.start, self._right(hit.last, "list").stop)
        return left

    def _predicative(self, hit: Hit) -> bool:
        """Tell whether "absent" is said of what stands before it: "heliotrope absent, Gottron present"."""
        return (
            self.words[hit.last].norm in _GONE and hit.first > 0 and hit.first - 1 in self.thing_at
        )

    def _prefix(self, hit: Hit) -> bool:
        """Tell whether a cue is nothing but the "non-" of one word."""
        after = self.words[hit.last + 1] if hit.last + 1 < len(self.words) else None
        word = self.words[hit.last]
        return word.norm == "non" and after is not None and after.text == "-"

    def _goes_on(self, last: int) -> bool:
        """Tell whether a list goes on behind its denial: "fever is denied, as well as weight loss"."""
        after = [word.norm for word in self.words[last + 1 : last + 4] if word.text != ","]
        return after[:1] == ["as"] and after[1:2] in (["well"], ["is"], ["are"], ["were"], ["wa"])

    def _left_sentence(self, hit: Hit) -> range:
        """Return the words before a cue, back to where another sentence within this one ends."""
        start = hit.first
        while (
            start > 0
            and self.words[start - 1].text != ";"
            and self.words[start - 1].norm not in ("but", "however")
        ):
            start -= 1
        clause = self.clause[hit.first]
        own = [
            n for n in range(start, hit.first) if self.clause[n] == clause and n in self.thing_at
        ]
        if own:
            start = next(n for n in range(start, hit.first) if self.clause[n] == clause)
        return range(start, hit.first)

    def _right(self, last: int, reach: Reach, person: bool = False, denies: bool = False) -> range:
        """Return the words that a cue to their left governs; of a person it goes on over verbs and "who"."""
        end = last + 1
        if end >= len(self.words):
            return range(0)
        clause = (
            self.clause[end]
            if self.words[end].text != ":"
            else self.clause[min(end + 1, len(self.words) - 1)]
        )
        while end < len(self.words):
            word = self.words[end]
            if self.clause[end] != clause and not self._inside(last, end):
                if not person or word.norm in _PATIENT or self.words[end - 1].text == ";":
                    break
                clause = self.clause[end]
            if reach == "item" and word.text == "(" and end > last + 1:
                # "Consider a dystrophy (LGMD, FSHD) or …": the bracket is of the same.
                closed = self._bracket(end).stop + 1
                if closed >= len(self.words) or self.words[closed].norm not in ("or", "and"):
                    return range(last + 1, min(closed, len(self.words)))
                clause = self.clause[closed]
                end = closed
                continue
            if reach == "item" and word.text == "," and self._ends_item(end):
                break
            if word.text == ")" and not self._opened(last, end):
                break
            if denies and (self._affirmed(end) or self._of_a_drug(last, end)):
                break
            if (
                not person
                and word.text == ","
                and end + 1 < len(self.words)
                and self.words[end + 1].norm in self._verbs
            ):
                break
            end += 1
        return range(last + 1, end)

    def _of_a_drug(self, last: int, end: int) -> bool:
        """Tell whether a comma ends what a drug did not do: "no benefit, weight gain of 11 kg"."""
        return (
            end == last + 2
            and self.words[end].text == ","
            and self.words[end - 1].norm in _EFFECTS
            and not self._list_goes_on(end)
        )

    def _affirmed(self, n: int) -> bool:
        """Tell whether "and" begins what is there after all: "no edema and mild fatty change"."""
        if self.words[n].norm not in ("and", ",", "with") or n + 1 >= len(self.words):
            return False
        if self._ends_present(n + 1):
            return True
        return self.words[n + 1].norm in self._degrees and not self._list_goes_on(n)

    def _ends_present(self, first: int) -> bool:
        """Tell whether an item of a list is said to be there: "no heliotrope, Gottron papules present"."""
        for n in range(first, len(self.words)):
            if self.words[n].norm in _SAYS_SO and n > first:
                return True  # "no DM, HTN yes", "no medicines, cocaine once"
            if self.words[n].text in ",;.(" or n in self.mark_at:
                return False
            if n in self.affirmed_at and n > first:
                after = self.words[n + 1].text if n + 1 < len(self.words) else "."
                return self.words[n].norm == "present" or after in ",;.("
        return False

    def _ends_item(self, n: int) -> bool:
        """Tell whether a comma ends what an adjective is about; not one in "possible A, B or C"."""
        return not self._list_goes_on(n)

    def _list_goes_on(self, n: int) -> bool:
        for word in self.words[n + 1 : n + 8]:
            if word.text in ",;.:(":
                return False
            if word.norm == "or":
                return True
        return False

    def _opened(self, last: int, end: int) -> bool:
        return any(word.text == "(" for word in self.words[last + 1 : end])

    def _inside(self, last: int, end: int) -> bool:
        """Tell whether a word stands in brackets that were opened behind another."""
        between = [word.text for word in self.words[last + 1 : end + 1]]
        return between.count("(") > between[:-1].count(")")

    def _left(self, first: int) -> range:
        """Return the words that a cue to their right governs: the list that ends at the cue."""
        if first == 0:
            return range(0)
        at = first - 1
        clause = self.clause[at]
        start = at
        while start > 0 and self.clause[start - 1] == clause:
            start -= 1
        if not any(n in self.thing_at for n in range(start, first)) and start > 0:
            # The subject stands in the clause before: "the papules, of which she spoke, were never seen".
            clause = self.clause[start - 1]
            while start > 0 and self.clause[start - 1] == clause:
                start -= 1
        return range(self._list_start(start, first), first)

    def _list_start(self, start: int, first: int) -> int:
        """Return where the list begins that ends before a cue."""
        end = first
        while end > start and self.words[end - 1].norm in self._verbs:
            end -= 1
        cuts = [n for n in self._open_air(start, end) if self.words[n].text in ",;"]
        if not cuts or not any(n in self.thing_at for n in range(cuts[-1] + 1, end)):
            return start
        last = self.words[cuts[-1] + 1 : first]
        # "Rash on the hands, fever was denied" is no list; "rash, fever and cough were denied" is.
        if end < first and not any(word.norm in _OF_LISTS for word in last):
            return cuts[-1] + 1
        for cut, stop in zip(reversed(cuts), [end, *reversed(cuts)], strict=False):
            if self.words[cut + 1].norm in _STUDIES or not self._is_bare(range(cut + 1, stop)):
                # "EMG myopathic, biopsy perifascicular atrophy absent" is no list of what is absent.
                return cut + 1
        return start if self._is_bare(range(start, cuts[0])) else cuts[0] + 1

    def _open_air(self, start: int, end: int) -> Iterator[int]:
        """Walk through words that do not stand in brackets."""
        depth = 0
        for n in range(start, end):
            depth += (self.words[n].text == "(") - (self.words[n].text == ")")
            if depth <= 0:
                yield n

    def _is_bare(self, chunk: range) -> bool:
        """Tell whether a part of a list is nothing but a name, known or short."""
        places = list(self._open_air(chunk.start, chunk.stop))
        words = [self.words[n] for n in places]
        return (
            (any(n in self.thing_at for n in chunk) or 0 < len(words) <= _SHORT)
            and not any(n in self.mark_at or n in self.affirmed_at for n in chunk)
            and not any(
                (word.norm in self._verbs and word.norm != "all")
                or (word.text.isdigit() and n not in self.thing_at)
                for n, word in zip(places, words, strict=True)
            )
            and sum(n not in self.thing_at for n in chunk) <= 5
        )

    def _relation(self, hit: Hit) -> Iterator[Cue]:
        """Yield what is said of a relative."""
        before = self.words[hit.first - 1] if hit.first else None
        while before is not None and before.norm in _BESIDE:
            index = self.words.index(before)
            before = self.words[index - 1] if index else None
        after = [word.norm for word in self.words[hit.last + 1 : hit.last + 3]]
        speaks, company = self.known.single["speaks"], self.known.single["company"]
        if before is not None and before.text == ":" and not set(after) & speaks:
            # "ILD: mother died of it."
            yield Cue("other", hit.first, hit.last, self._left(self.words.index(before)))
        if before is not None and (before.norm in ("in", "of") or before.text == "("):
            last = self.words.index(before)
            yield Cue("other", hit.first, hit.last, self._left(last))
            if before.text == "(":
                # "Depression (mother: diabetes)": what the bracket holds is never the patient's.
                yield Cue("other", hit.first, hit.last, self._bracket(hit.last))
                return
            if "with" not in after:
                return
        if self._together(before):
            return
        if (
            before is not None
            and before.norm in company
            and not (before.norm == "and" and not set(after) & speaks and after[:1] != [","])
        ):
            return
        if after and (
            after[0] in speaks
            or (
                len(after) > 1
                and after[0] in ("ha", "has", "have", "had", "who", "was", ",")
                and after[1] in speaks
            )
        ):
            return
        yield Cue("other", hit.first, hit.last, self._right(hit.last, "list", person=True))

    def _bracket(self, last: int) -> range:
        """Return the words from one in brackets to where they close."""
        end = last + 1
        while end < len(self.words) and self.words[end].text != ")":
            end += 1
        return range(last + 1, end)

    def _together(self, before: Token | None) -> bool:
        """Tell whether a relative is named with the patient: "he and his partner hope to …"."""
        if before is None or before.norm != "and":
            return False
        at = self.words.index(before)
        return at > 0 and self.words[at - 1].norm in _PATIENT

    def _question(self, n: int) -> Cue:
        """Return what a question mark puts in doubt: what follows it, or what stands before it."""
        word = self.words[n]
        after = self.words[n + 1] if n + 1 < len(self.words) else None
        spaced = n == 0 or self.words[n - 1].end < word.start or self.words[n - 1].text == "("
        if after is not None and spaced and (after.text[0].isalnum()):
            return Cue("doubt", n, n, self._right(n, "item"))
        if self.words and self.words[0].norm in _ASKS and n == len(self.words) - 1:
            return Cue("doubt", n, n, range(n))
        return Cue("doubt", n, n, last_cell(self.words, self._left(n)))


_NOT = frozenset(("not", "never", "hardly", "scarcely", "won't", "doesn't", "didn't", "hasn't"))
_AUXILIARIES = frozenset(("has", "have", "had", "is", "are", "was", "were", "can"))
_BESIDE = frozenset((
    "the", "her", "his", "a", "an", "your", "their", "my", "one", "late", "paternal", "maternal",
    "younger", "older", "elder",
))  # fmt: skip
_GOES_ON = frozenset(("he", "she", "they", "her", "his", "their", "who", "and", "both", "it"))
_EFFECTS = frozenset(("benefit", "effect", "response", "help", "success", "improvement"))
_SAYS_SO = frozenset(("yes", "once", "twice", "occasionally", "sometimes"))
_STUDIES = frozenset(("emg", "biopsy", "mri", "hrct", "ct", "echo", "capillaroscopy", "histology"))
_GONE = frozenset(("absent", "missing", "lacking", "lost", "gone", "unobtainable"))
_OF_LISTS = frozenset(("and", "or", "nor", "were", "are", "have"))
_SHORT = 3
"""Words of a name that is not known, in a list of names."""
_PATIENT = frozenset(["she", "he", "i", "we", "you", "patient", "but", "there"])
_ASKS = frozenset((
    "is", "are", "was", "were", "do", "does", "can", "could", "would", "should", "shall", "may",
    "might", "what", "which", "who", "when", "how", "why", "whether", "has", "have", "will",
))  # fmt: skip


def _inside(hit: Hit, others: Sequence[Hit]) -> bool:
    """Tell whether a phrase lies within a longer one."""
    return any(
        other.first <= hit.first <= other.last
        and any(
            first <= hit.first and hit.last <= last and last - first > hit.last - hit.first
            for first, last in other.parts
        )
        for other in others
    )


def _meets(part: tuple[int, int], governed: range) -> bool:
    return part[0] < governed.stop and governed.start <= part[1]

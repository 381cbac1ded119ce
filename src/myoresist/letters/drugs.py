"""Drugs that a letter names: whether they were given to this patient, and which exposures they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from myoresist.case.terms import Terms
from myoresist.knowledge.schema import Entry
from myoresist.letters.columns import apart
from myoresist.letters.context import Context
from myoresist.letters.found import Found
from myoresist.letters.layout import Sentence
from myoresist.letters.marks import Mark, marks
from myoresist.letters.phrases import Hit, Phrases
from myoresist.letters.said import Cue


class Exposure(Entry):
    """Drugs that are an exposure, and the findings that any use and use at the moment answer."""

    say: tuple[str, ...]
    ever: str | None = None
    now: str | None = None


class Sides(Entry):
    """Words with what they are about on their right or on their left."""

    right: tuple[str, ...]
    left: tuple[str, ...]


class DrugWords(Entry):
    """The words of ``drugs.yaml``."""

    names: Mapping[str, tuple[str, ...]]
    taken_for: Mapping[str, str]
    exposures: tuple[Exposure, ...]
    also: Mapping[str, str]
    others: tuple[str, ...]
    local: tuple[str, ...]
    often: Mapping[str, tuple[str, ...]]
    routes: Mapping[str, tuple[str, ...]]
    response: Mapping[str, tuple[str, ...]]
    mixed: tuple[str, ...]
    stopped: tuple[str, ...]
    reasons: Mapping[str, tuple[str, ...]]
    given: tuple[str, ...]
    continues: tuple[str, ...]
    before_stop: tuple[str, ...]
    withheld: Sides

    def grow(self, phrases: Phrases, terms: Terms) -> None:
        """Add drugs and the words about them to the tree of phrases."""
        for drug in terms.drugs.values():
            for phrase in (drug.label, *drug.synonyms, *self.names.get(drug.id, ())):
                if phrase.lower() not in ("exercise", "exercise training", "exercise programme"):
                    phrases.add(phrase, Mark("drug", drug.id))
        for number, exposure in enumerate(self.exposures):
            for phrase in exposure.say:
                phrases.add(phrase, Mark("exposure", str(number)))
        for phrase in self.others:
            phrases.add(phrase, Mark("other_drug", phrase))
        for kind, say in (
            ("stopped", self.stopped),
            ("mixed", self.mixed),
            ("local", self.local),
            ("continues", self.continues),
        ):
            for phrase in say:
                phrases.add(phrase, DrugMark(kind))
        for side in ("right", "left"):
            for phrase in getattr(self.withheld, side):
                phrases.add(phrase, DrugMark("withheld", side))
        for kind, groups in (("response", self.response), ("reason", self.reasons)):
            for name, say in groups.items():
                for phrase in say:
                    phrases.add(phrase, DrugMark(kind, name))


@dataclass(frozen=True, slots=True)
class DrugMark:
    """A word about drugs in the tree of phrases."""

    kind: str
    of: str = ""


@dataclass
class Mention:
    """A drug in a sentence.

    Attributes:
        hit: its name.
        id: the drug, or the number of the exposure.
        kind: drug, exposure or other_drug.
        why: what says that it was not given to this patient: other, supposed, withheld, no, doubt; ``None``
            if given.
    """

    hit: Hit
    id: str
    kind: str
    sentence: Sentence
    why: str | None = None
    never: bool = False

    @property
    def start(self) -> int:
        """Return where its name begins in the plain text."""
        return self.sentence.words[self.hit.first].start

    @property
    def end(self) -> int:
        """Return where its name ends in the plain text."""
        return self.sentence.words[self.hit.last].end


_NEVER = re.compile(
    r"\b(?:never|not been on|has not had|no history of|was not on|were not on|no prior|no previous|"
    r"no (?:known )?(?:statin )?(?:exposure|use)|no \w+ (?:at any time|ever(?! again))|"
    r"no (?:\w+ )?exposure|not been exposed|not exposed)\b",
    re.IGNORECASE,
)


class Drugs:
    """Reads which drugs the sentences of one letter speak of."""

    def __init__(self, plain: str, words: DrugWords) -> None:
        """Take the letter and the words about drugs."""
        self.plain, self.words = plain, words

    def mentions(
        self, sentence: Sentence, hits: Sequence[Hit], context: Context, things: Sequence[Hit]
    ) -> list[Mention]:
        """Return the drugs of a sentence, each with what says that it was not given."""
        found = []
        for hit in marks(hits, "drug", "exposure", "other_drug"):
            if any(
                t.first <= hit.first
                and hit.last <= t.last
                and t.length > hit.length
                and len(t.parts) == 1
                for t in things
            ):
                continue
            if sentence.words[hit.last].norm in _CLASSES and _CAUSES.match(
                self.plain, sentence.words[hit.last].end
            ):
                continue
            mention = Mention(hit, hit.of.id, hit.of.kind, sentence)
            mention.why = self._why(mention, hits, context)
            found.append(mention)
        return found

    def _why(self, mention: Mention, hits: Sequence[Hit], context: Context) -> str | None:
        hit, sentence = mention.hit, mention.sentence
        said = context.at(hit.first, hit.last)
        if sentence.section == "family" or "other" in said:
            return "other"
        if any(cue.means == "if" and not self._prevents(cue, context) for cue in said.cues):
            return "supposed"
        tail = self.plain[sentence.words[hit.last].end : sentence.words[hit.last].end + 12]
        if re.match(r"\s*:\s*(?:no|none|never|not)\b", tail, re.IGNORECASE):
            return "withheld"
        if _NOT_GIVEN.match(self.plain, sentence.words[hit.last].end):
            return "withheld"
        if _NEVER_TAKEN.match(self.plain, sentence.words[hit.last].end):
            mention.never = True
            return "withheld"
        if self._withheld(hit, hits, context):
            return "withheld"
        denials = [cue for cue in said.cues if cue.means == "no"]
        if denials and not all(self._of_effect(cue, hit, context) for cue in denials):
            mention.never = bool(_NEVER.search(self.plain[sentence.start : sentence.end]))
            return "no"
        if "doubt" in said and any(
            cue.means == "doubt" and context.words[cue.first].text == "?" for cue in said.cues
        ):
            return "doubt"
        if sentence.section in ("question", "plan") and sentence.closes == "?":
            return "doubt"
        if sentence.section == "pending":
            return "supposed"
        if sentence.section == "plan" and not _GIVEN_IN_PLAN.search(
            self.plain[sentence.start : sentence.end]
        ):
            return "withheld"
        return None

    @staticmethod
    def _prevents(cue: Cue, context: Context) -> bool:
        """Tell whether what is supposed is an illness that a drug prevents: "as prophylaxis"."""
        words = context.words[cue.first : cue.last + 1]
        return any(word.norm.startswith("prophyla") for word in words)

    @staticmethod
    def _of_effect(cue: Cue, hit: Hit, context: Context) -> bool:
        """Tell whether what is denied is what the drug did: "did not get better on azathioprine".

        So is the "none" of a later column: "azathioprine   03/2016   none".
        """
        if context.words[cue.first].norm == "none" and cue.first > hit.last + 1:
            return apart(context.words, cue.first)
        between = [word.norm for word in context.words[cue.first : hit.first]]
        return (
            bool(between)
            and between[-1] in _UNDER
            and any(word.startswith(_EFFECTS) for word in between)
        )

    def _withheld(self, hit: Hit, hits: Sequence[Hit], context: Context) -> bool:
        """Tell whether a word says that the drug was thought of, asked for or refused, but not given."""
        cues = [one for one in hits if isinstance(one.of, DrugMark) and one.of.kind == "withheld"]
        for cue in cues:
            if any(
                o.first <= cue.first
                and cue.last <= o.last
                and o.length > cue.length
                and isinstance(o.of, DrugMark)
                for o in hits
            ):
                continue
            if (
                cue.of.of == "right"
                and hit.first in context._right(cue.last, "list")
                and not self._past(cue, context)
            ):
                return True
            if cue.of.of == "left" and self._of_route(cue, context):
                continue
            if cue.of.of == "left" and (
                hit.last in self._left(cue, context)
                or self._remark(hit, cue, hits, context)
                or self._in_bracket(hit, cue, hits, context)
            ):
                return True
        return False

    def _of_route(self, cue: Hit, context: Context) -> bool:
        """Tell whether a cue speaks of another route alone: "15 mg po weekly; s/c never tried"."""
        words = context.words
        start = words[cue.first].start
        return bool(_ROUTE_ALONE.search(self.plain, context.sentence.start, start))

    @staticmethod
    def _in_bracket(hit: Hit, cue: Hit, hits: Sequence[Hit], context: Context) -> bool:
        """Tell whether a cue stands in the bracket behind a drug: "azathioprine (never started)"."""
        words = [word.text for word in context.words[hit.last + 1 : cue.first]]
        if "(" not in words or ")" in words:
            return False
        between = [one for one in marks(hits, "drug") if hit.last < one.first < cue.first]
        return words.index("(") <= _BEFORE_BRACKET and not between

    @staticmethod
    def _remark(hit: Hit, cue: Hit, hits: Sequence[Hit], context: Context) -> bool:
        """Tell whether a cue begins a later cell in the row of a drug: "rituximab | 1 g | - | planned"."""
        if cue.first <= hit.last or context.words[cue.first - 1].text != "|":
            return False
        return all(one.of.id == hit.of.id for one in marks(hits, "drug") if one.first < cue.first)

    def _left(self, cue: Hit, context: Context) -> range:
        """Return the words that a cue to their right is about: the subject of its sentence."""
        governed = context._left(cue.first)
        if any(n in context.thing_at for n in governed):
            return governed
        return range(governed.start, cue.first)

    @staticmethod
    def _past(cue: Hit, context: Context) -> bool:
        """Tell whether a word such as "add" or "start" is told of the past: "did add", "have to start"."""
        if cue.first == 0:
            return False
        return context.words[cue.first - 1].norm in ("did", "do", "had")

    def exposures(self, mentions: Sequence[Mention]) -> Iterator[Found]:
        """Yield what the drugs of the letter say about exposures."""
        for number, exposure in enumerate(self.words.exposures):
            own = [m for m in mentions if m.kind == "exposure" and m.id == str(number)]
            for mention in own:
                yield from self._exposure(exposure, mention)

    def _exposure(self, exposure: Exposure, mention: Mention) -> Iterator[Found]:
        sentence, hit = mention.sentence, mention.hit
        places = ((hit.first, hit.last),)
        text = self.plain[sentence.start : sentence.end]
        behind = self.plain[sentence.words[hit.first].start : sentence.end]
        stopped = bool(_STOPPED.search(behind)) or bool(
            _STOP_BEFORE.search(self.plain[sentence.start : sentence.words[hit.first].start])
        )
        if mention.why in ("other", "supposed", "doubt"):
            open_ = [x for x in (exposure.ever, exposure.now) if x]
            yield from (Found(x, None, mention.why, places, sentence) for x in open_)
        elif mention.why in ("no", "withheld"):
            if exposure.now and exposure.ever:
                yield Found(exposure.now, False, None, places, sentence)
            if exposure.ever and (
                mention.never or re.search(r"\b(?:was not on|never)\b", text, re.IGNORECASE)
            ):
                yield Found(exposure.ever, False, None, places, sentence)
        else:
            if exposure.ever:
                yield Found(exposure.ever, True, None, places, sentence)
            if exposure.now and stopped:
                if exposure.ever:
                    yield Found(exposure.now, False, None, places, sentence)
                else:
                    yield Found(exposure.now, None, "over", places, sentence)
            elif exposure.now and (sentence.section == "medication" or _NOW.search(text)):
                yield Found(exposure.now, True, None, places, sentence)


_CLASSES = frozenset(("steroid", "glucocorticoid", "corticosteroid", "cortisone"))
_CAUSES = re.compile(
    r"[\s-]?(?:induced|related|associated|responsive|refractory|resistant|sparing|free|na[iï]ve)\b",
    re.IGNORECASE,
)
"""Behind a class of drugs, these make it a word about something else: "steroid-induced diabetes"."""
_ROUTE_ALONE = re.compile(
    r"[;:,(]\s*(?:s/?c|s\.c\.|subcut\w*|iv|i\.v\.|intravenous\w*|parenteral\w*|injections?|oral(?:ly)?|p\.?o\.?)"
    r"\s*(?:form\s|route\s|was\s|were\s)*$",
    re.IGNORECASE,
)
_NOT_GIVEN = re.compile(
    r"\s*(?:,\s*)?(?:we|i|one|they|you)\s+(?:would|will|do|did|can|could|should|have|had)\s+"
    r"(?:rather\s|therefore\s|still\s)?(?:not|never)\b",
    re.IGNORECASE,
)
"""Behind a drug that is named first: "Rituximab we would not give"."""
_NEVER_TAKEN = re.compile(
    r"\s*[,:-]?\s*(?:use|exposure|therapy|treatment)?\s*[,:-]?\s*(?:never|none|nil|no)\s*(?:[.;,)|\n]|$)",
    re.IGNORECASE,
)
"""Behind a drug: "Statin never."."""
_BEFORE_BRACKET = 3
"""Words of a dose that may stand between a drug and its bracket."""
_UNDER = frozenset(("on", "with", "to", "under", "from", "despite", "by"))
_EFFECTS = (
    "better", "improv", "respon", "benefit", "help", "control", "settl", "recover", "remission",
    "stronger", "relief", "worse",
)  # fmt: skip
_GIVEN_IN_PLAN = re.compile(
    r"\b(?:started|given|gave|received|on|continu\w+|stay|stays|remain\w*|since|was|were|"
    r"been|have|had|tolerat\w+|stopped|held|increased|raised|"
    r"reduced|restarted|now|currently|shows|completed|carry on|maintain\w*)\b",
    re.IGNORECASE,
)
_STOPPED = re.compile(
    r"\b(?:stopped|discontinued|withdrawn|none since|until|till|not taken since|no longer|"
    r"ceased|last dose|off|held|paused|withheld|suspended)\b|\d{4}\s?-\s?\d{4}|\bfrom \d{4} to \d{4}",
    re.IGNORECASE,
)
_STOP_BEFORE = re.compile(
    r"\b(?:stopped|stop|off|no more|discontinued|discontinue|not taking|came off|past|"
    r"previous|do not rechallenge with any)\b[^.;]{0,25}$",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"\b(?:on|takes|taking|take|current|currently|under|uses|continues)\b", re.IGNORECASE
)

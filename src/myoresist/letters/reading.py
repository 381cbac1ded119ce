"""Read a letter: from its text to statements to confirm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from myoresist.case.dates import PartialDate
from myoresist.letters.antibodies import Antibodies, highest
from myoresist.letters.antibody_words import POSITIVE, AntibodyResult
from myoresist.letters.cancer import Cancer
from myoresist.letters.context import Context
from myoresist.letters.course import Course, merged
from myoresist.letters.courses import Courses
from myoresist.letters.dates import DateReader
from myoresist.letters.drugs import Drugs, Mention
from myoresist.letters.figures import Figures
from myoresist.letters.found import Found
from myoresist.letters.lab_value import LabValue, completed
from myoresist.letters.labs import Labs
from myoresist.letters.layout import Layout, Sentence
from myoresist.letters.marks import Mark
from myoresist.letters.measures import Measured, Measures
from myoresist.letters.numbers import decimal_commas
from myoresist.letters.old import Old, of_past_course
from myoresist.letters.onset import Onset
from myoresist.letters.person import Fact, Person
from myoresist.letters.phrases import Hit
from myoresist.letters.scenes import of_letter, scenes
from myoresist.letters.settle import Settled, settled, with_scene
from myoresist.letters.signs import Signs
from myoresist.letters.spelling import Spelling
from myoresist.letters.strength import Strength
from myoresist.letters.tables import Tables
from myoresist.letters.text import Text, prepared
from myoresist.letters.things import Quality, things_of
from myoresist.letters.words import Words


@dataclass(frozen=True)
class Read:
    """Everything that was read in a letter, before it is put into statements."""

    text: Text
    facts: tuple[Fact, ...]
    findings: tuple[Settled, ...]
    labs: tuple[LabValue, ...]
    multiples: tuple[tuple[str, float, int, int], ...]
    antibodies: tuple[AntibodyResult, ...]
    courses: tuple[Course, ...]
    mentions: tuple[Mention, ...]
    measures: tuple[Measured, ...]


def gathered(raw: str, words: Words) -> Read:
    """Gather everything that a letter says.

    Args:
        raw: its text.
        words: what the reader knows.
    """
    return _Reader(prepared(raw), words).read()


class _Reader:
    """Walks once through a letter."""

    def __init__(self, text: Text, words: Words) -> None:
        self.text, self.words = text, words
        plain = self.plain = text.plain
        self.layout = Layout(plain, words.headings)
        commas = decimal_commas(plain)
        lines = [(line.start, line.end) for line in self.layout.lines]
        day = Person(plain, words.person, DateReader.of(plain), commas).today(lines)
        today = day.value if day and isinstance(day.value, PartialDate) else None
        dates = self.dates = DateReader.of(plain, today)
        self.tables = Tables(plain, self.layout.lines, words.terms, words.lab_names, dates, commas)
        self.values = [words.labs.usual(value) for value in self.tables.values()]
        self.sentences = [s for s in self.layout.sentences if not _within(s, self.tables.spans)]
        spelling = Spelling(words)
        self.hits = [words.phrases.find(s.words, spelling.fixed(s.words)) for s in self.sentences]
        report = of_letter(self.hits) is not None
        self.person = Person(plain, words.person, dates, commas, report)
        self.onset = Onset(plain, words.person, dates, report)
        self.labs = Labs(plain, words.terms, words.labs, dates, commas)
        self.antibodies = Antibodies(
            plain, dates, commas, words.figures.ana_titre, words.antibodies.links
        )
        self.drugs = Drugs(plain, words.drugs)
        infused = {id_ for id_, drug in words.terms.drugs.items() if drug.drug_class == "biologic"}
        self.courses = Courses(plain, words.drugs, dates, commas, infused)
        self.figures = Figures(plain, words.figures, self.labs, commas).judged
        self.measures = Measures(plain, dates, commas, words.ranges)
        self.cancer = Cancer(plain, words.cancer, dates, words.figures.cancer_years)
        self.day = day
        self.earlier = self._earlier(self.sentences)
        self.old = Old(plain, dates, words.figures, words.done, self.earlier)
        self.examined, self.paragraph = False, 0
        self.found: list[Found] = []
        self.mentions: list[Mention] = []
        self.taken: list[Course] = []
        self.results: list[AntibodyResult] = []
        self.measured: list[Measured] = []
        self.multiples: list[tuple[str, float, int, int]] = []
        self.contexts: list[Context] = []

    def read(self) -> Read:
        following = [*self.sentences[1:], None][: len(self.sentences)]
        around = scenes(self.sentences, self.hits)
        for sentence, after, hits, scene in zip(
            self.sentences, following, self.hits, around, strict=True
        ):
            self._sentence(sentence, after, hits, scene)
        self.found += self.drugs.exposures(self.mentions)
        found = [self._of_family(one) for one in self.found]
        catalogue = self.words.terms.catalogue
        antibodies = tuple(highest(self.results))
        positive = [x.antibody for x in antibodies if x.result in POSITIVE and x.why is None]
        return Read(
            text=self.text,
            facts=tuple(self._facts()),
            findings=tuple(settled(found, self.earlier, catalogue, self.words.combined, positive)),
            labs=tuple(_once(completed(self.values))),
            multiples=tuple(self.multiples),
            antibodies=antibodies,
            courses=tuple(merged(self.taken)),
            mentions=tuple(self.mentions),
            measures=(*self.measured, *self.measures.weights()),
        )

    def _facts(self) -> Iterator[Fact]:
        read = list(zip(self.sentences, self.hits, self.contexts, strict=True))
        yield from self.person.who(self.sentences)
        if self.day:
            yield self.day
        if label := self.person.label(read):
            yield label
        yield from self.onset.read(read)

    def _sentence(
        self,
        sentence: Sentence,
        after: Sentence | None,
        hits: Sequence[Hit],
        scene: Sequence[str | None],
    ) -> None:
        """Read one sentence."""
        things = things_of(sentence, hits, scene)
        named = [*things, *(hit for hit in hits if isinstance(hit.of, Mark))]
        of_kin = bool(self.contexts) and self.contexts[-1].tells_of_kin
        context = Context(sentence, hits, self.words.cues, named, of_kin)
        self.contexts.append(context)
        self.examined = self._examined(sentence, self.examined)
        self.paragraph = sentence.paragraph
        drugs = self.drugs.mentions(sentence, hits, context, things)
        found = with_scene(Signs(sentence, hits, things, context, self.figures).found(), scene)
        if not found and self._repeat(sentence, hits):
            self._normal_since(sentence)
        before = len(self.found)
        self.found += found
        if self._of_strength(sentence, scene):
            strength = Strength(
                sentence, hits, context, self.words.strength, self.examined, self.plain
            ).found()
            once = any(drug.kind == "drug" for drug in drugs) and sentence.section != "exam"
            # That strength was normal on a drug does not say how it is today.
            self.found += [x for x in strength if not once or (x.value and not _all_strong(x))]
        self.found += self.cancer.read(sentence, after, hits, context)
        self.found[before:] = self.old.asked(self.found[before:], sentence, things)
        self.values += self.labs.read(sentence, hits, context)
        self.multiples += self.labs.times_limit(sentence, hits)
        self.results += self.antibodies.read(sentence, hits, context)
        self.mentions += drugs
        courses = list(self.courses.read(sentence, hits, drugs, context))
        self.found[before:] = of_past_course(self.found[before:], sentence, drugs, courses)
        self.taken += courses
        self.measured += self.measures.read(sentence, hits)
        self.found += self.measures.weight_changes(sentence)

    def _of_strength(self, sentence: Sentence, scene: Sequence[str | None]) -> bool:
        """Tell whether a sentence may tell of strength, and not of a study."""
        if "/5" in self.plain[sentence.start : sentence.end]:
            return True
        return not {"emg", "mri", "biopsy", "skin_biopsy"} & set(scene)

    def _repeat(self, sentence: Sentence, hits: Sequence[Hit]) -> bool:
        """Tell whether a sentence says that a test was repeated and was normal."""
        if not any(word.norm in _AGAIN for word in sentence.words[:4]):
            return False
        return any(isinstance(hit.of, Quality) and hit.of.name == "normal" for hit in hits)

    def _normal_since(self, sentence: Sentence) -> None:
        """Take back what the sentence before found in a test that was normal when repeated."""
        before = [one for one in self.found if one.sentence.end <= sentence.start]
        last = before[-1].sentence if before else None
        if last is None or self.plain[last.end : sentence.start].strip():
            return
        own = [one for one in self.found if one.sentence is last and one.value]
        self.found = [one for one in self.found if one not in own]
        places = ((0, len(sentence.words) - 1),)
        self.found += [Found(one.finding, False, None, places, sentence, one.scene) for one in own]

    def _examined(self, sentence: Sentence, before: bool) -> bool:
        """Tell whether a sentence tells what was found on examination."""
        text = self.plain[sentence.start : sentence.end].lower()
        if sentence.section == "exam" or any(word in text for word in _EXAMINATION):
            return True
        return before and (not sentence.opens or sentence.paragraph == self.paragraph)

    @staticmethod
    def _of_family(one: Found) -> Found:
        """Return an answer below a heading "family history" as one about somebody else."""
        if one.sentence.section != "family" or one.finding in (
            "family_history_muscle_disease",
            "consanguinity",
        ):
            return one
        return replace(one, value=None, why="other")

    def _begins_with_date(self, sentence: Sentence) -> PartialDate | None:
        """Return the date with which a line of a course of events begins."""
        for hit in self.dates.find(self.plain, sentence.start, sentence.end):
            lead = self.plain[sentence.start : hit.start].strip(" -*\n")
            day = hit.date
            return (
                day
                if not lead and self.dates.today and day.latest < self.dates.today.earliest
                else None
            )
        return None

    def _earlier(self, sentences: Sequence[Sentence]) -> dict[int, PartialDate]:
        """Return the day of which sentences speak that tell of an earlier examination."""
        found: dict[int, PartialDate] = {}
        now: tuple[int, PartialDate] | None = None
        line: PartialDate | None = None
        for sentence in sentences:
            if sentence.opens:
                line = self._begins_with_date(sentence)
            if line:
                found[sentence.start] = line
                continue
            text = self.plain[sentence.start : sentence.end].lower()
            if now and sentence.paragraph != now[0]:
                now = None
            if "today" in text or "now" in text.split():
                now = None
            if (
                "examination in" in text
                or "examination on" in text
                or "examined in" in text
                or "examination of" in text
            ):
                hits = list(self.dates.find(self.plain, sentence.start, sentence.end))
                if hits and self.dates.today and hits[0].date.latest < self.dates.today.earliest:
                    now = (sentence.paragraph, hits[0].date)
            if now:
                found[sentence.start] = now[1]
        return found


_EXAMINATION = (
    "examin", "o/e", "on exam", "objective", "status", "neurology found", "power", "strength", "mrc",
)  # fmt: skip
_AGAIN = frozenset(("repeat", "repeated", "repetition", "second"))


def _all_strong(one: Found) -> bool:
    return one.finding == "no_objective_weakness"


def _within(sentence: Sentence, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= sentence.start < end for start, end in spans)


def _once(values: Sequence[LabValue]) -> Iterator[LabValue]:
    """Leave out a value that the letter repeats."""
    seen: set[tuple[object, ...]] = set()
    for value in values:
        key = (value.test, value.value, value.unit, value.date, value.why)
        if key not in seen:
            seen.add(key)
            yield value

"""Read a letter: from its text to statements to confirm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from myoresist.case.dates import PartialDate
from myoresist.letters.antibodies import Antibodies, highest
from myoresist.letters.antibody_words import AntibodyResult
from myoresist.letters.cancer import Cancer
from myoresist.letters.context import Context
from myoresist.letters.course import Course, merged
from myoresist.letters.courses import Courses
from myoresist.letters.dates import DateReader
from myoresist.letters.drugs import Drugs, Mention
from myoresist.letters.figures import Figures
from myoresist.letters.found import Found
from myoresist.letters.labs import Labs, LabValue, completed
from myoresist.letters.layout import Layout, Sentence
from myoresist.letters.marks import Mark
from myoresist.letters.measures import Measured, Measures
from myoresist.letters.numbers import decimal_commas
from myoresist.letters.person import Fact, Person
from myoresist.letters.phrases import Hit
from myoresist.letters.scenes import of_letter, scenes
from myoresist.letters.settle import Settled, settled, with_scene
from myoresist.letters.signs import Signs, things_of
from myoresist.letters.spelling import Spelling
from myoresist.letters.strength import Strength
from myoresist.letters.tables import Tables
from myoresist.letters.text import Text, prepared
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
        self.plain = text.plain
        self.layout = Layout(self.plain, words.headings)
        self.commas = decimal_commas(self.plain)
        lines = [(line.start, line.end) for line in self.layout.lines]
        self.day = Person(self.plain, words.person, DateReader.of(self.plain), self.commas).today(
            lines
        )
        today = self.day.value if self.day and isinstance(self.day.value, PartialDate) else None
        self.dates = DateReader.of(self.plain, today)

    def read(self) -> Read:
        plain, words, dates, commas = self.plain, self.words, self.dates, self.commas
        tables = Tables(plain, self.layout.lines, words.terms, words.lab_names, dates, commas)
        values = tables.values()
        sentences = [s for s in self.layout.sentences if not _within(s, tables.spans)]
        spelling = Spelling(words)
        fixed = [spelling.fixed(s.words) for s in sentences]
        hits = [words.phrases.find(s.words, f) for s, f in zip(sentences, fixed, strict=True)]
        around = scenes(sentences, hits)
        labs, antibodies = (
            Labs(plain, words.terms, words.labs, dates, commas),
            Antibodies(plain, dates, commas, words.figures.ana_titre),
        )
        drugs, courses = Drugs(plain, words.drugs), Courses(plain, words.drugs, dates, commas)
        figures = Figures(plain, words.figures, labs, commas).judged
        measures = Measures(plain, dates, commas, words.ranges)
        cancer = Cancer(plain, words.cancer, dates, words.figures.cancer_years)
        following = [*sentences[1:], None]
        found: list[Found] = []
        mentions: list[Mention] = []
        taken: list[Course] = []
        results: list[AntibodyResult] = []
        measured: list[Measured] = []
        multiples: list[tuple[str, float, int, int]] = []
        read: list[tuple[Sentence, Sequence[Hit], Context]] = []
        examined = False
        for sentence, after, own, scene in zip(sentences, following, hits, around, strict=True):
            things = things_of(sentence, own, scene)
            named = [*things, *(hit for hit in own if isinstance(hit.of, Mark))]
            context = Context(sentence, own, words.cues, named)
            read.append((sentence, own, context))
            examined = self._examined(sentence, examined)
            found += with_scene(Signs(sentence, own, things, context, figures).found(), scene)
            if (
                not {"emg", "mri", "biopsy", "skin_biopsy"} & set(scene)
                or "/5" in plain[sentence.start : sentence.end]
            ):
                found += Strength(sentence, own, context, words.strength, examined, plain).found()
            found += cancer.read(sentence, after, own, context)
            values += labs.read(sentence, own, context)
            multiples += labs.times_limit(sentence, own)
            results += antibodies.read(sentence, own, context)
            here = drugs.mentions(sentence, own, context, things)
            mentions += here
            taken += courses.read(sentence, own, here)
            measured += measures.read(sentence, own)
            found += measures.weight_changes(sentence)
        found += drugs.exposures(mentions)
        found = [self._of_family(one) for one in found]
        person = Person(plain, words.person, dates, commas, of_letter(hits) is not None)
        facts = [*person.who(sentences), *([self.day] if self.day else [])]
        label = person.label(read)
        facts += [*([label] if label else []), *person.onset(read)]
        return Read(
            text=self.text,
            facts=tuple(facts),
            findings=tuple(settled(found, self._earlier(sentences), words.terms.catalogue)),
            labs=tuple(_once(completed(values))),
            multiples=tuple(multiples),
            antibodies=tuple(highest(results)),
            courses=tuple(merged(taken)),
            mentions=tuple(mentions),
            measures=(*measured, *measures.weights()),
        )

    def _examined(self, sentence: Sentence, before: bool) -> bool:
        """Tell whether a sentence tells what was found on examination."""
        text = self.plain[sentence.start : sentence.end].lower()
        if sentence.section == "exam" or any(
            word in text
            for word in (
                "examin",
                "o/e",
                "on exam",
                "objective",
                "status",
                "neurology found",
                "power",
                "strength",
                "mrc",
            )
        ):
            return True
        return before and not sentence.opens

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

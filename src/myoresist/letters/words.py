"""The words of letters, as the knowledge gives them: findings, cues, headings, scenes, strength."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from myoresist.case.terms import Terms
from myoresist.knowledge.schema import load, load_list
from myoresist.letters.antibody_words import AntibodyWords
from myoresist.letters.cancer import CancerWords
from myoresist.letters.cues import Cues
from myoresist.letters.drugs import DrugWords
from myoresist.letters.figures import FigureRules
from myoresist.letters.lab_words import LabWords
from myoresist.letters.languages import Languages
from myoresist.letters.person import PersonWords
from myoresist.letters.phrases import Phrases
from myoresist.letters.strength_words import StrengthWords
from myoresist.letters.things import Quality, SceneMark, Thing
from myoresist.letters.tokens import normal, tokens
from myoresist.library import Knowledge


@dataclass(frozen=True)
class Words:
    """Everything that the reader of letters knows."""

    terms: Terms
    phrases: Phrases
    cues: Cues
    headings: Mapping[str, str]
    strength: StrengthWords
    labs: LabWords
    antibodies: AntibodyWords
    drugs: DrugWords
    person: PersonWords
    figures: FigureRules
    cancer: CancerWords
    languages: Languages
    questions: Mapping[str, str]
    combined: Mapping[str, Mapping[str, Sequence[str]]]
    not_misspelt: frozenset[str]
    done: frozenset[str]

    @cached_property
    def lab_names(self) -> Mapping[str, str]:
        """Return the names of laboratory tests, as they are compared, with the test."""
        names = {
            _norm(name): id_
            for id_, test in self.terms.labs.items()
            for name in (test.label, *test.synonyms)
        }
        return names | {
            _norm(name): id_
            for id_, test in self.labs.tests.items()
            if test.beside is None
            for name in test.also
        }

    @cached_property
    def long_words(self) -> tuple[str, ...]:
        """Return the words of the phrases that are long enough to be known when misspelt."""
        return tuple(
            sorted(word for word in self.phrases.words if len(word) >= 6 and word.isalpha())
        )

    @cached_property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Return between what each measure of a visit lies."""
        return {
            one.id: (float(one.minimum), float(one.maximum))
            for one in self.terms.measures.of_visit()
        }


def load_mapping(path: Path) -> dict[str, Any]:
    """Read a file of the knowledge whose keys are free."""

    class _Any(BaseModel):
        model_config = {"extra": "allow"}

    return load(path, _Any).model_dump()


def words_of(knowledge: Knowledge) -> Words:
    """Return the words of a knowledge folder, read once."""
    return _load_folder(knowledge.folder)


@lru_cache(maxsize=4)
def _load_folder(folder: Path) -> Words:
    return load_words(folder, Knowledge.load(folder).terms)


def load_words(folder: Path, terms: Terms) -> Words:
    """Read the words of letters from a knowledge folder.

    Raises:
        DocumentError: naming file, line and field of whatever cannot be used.
    """
    where = folder / "letters"
    phrases = Phrases(load_mapping(where / "classes.yaml"))
    cues = load(where / "cues.yaml", Cues)
    strength = load(where / "strength.yaml", StrengthWords)
    person = load(where / "person.yaml", PersonWords)
    labs = load(where / "labs.yaml", LabWords)
    antibodies = load(where / "antibodies.yaml", AntibodyWords)
    drugs = load(where / "drugs.yaml", DrugWords)
    cancer = load(where / "cancer.yaml", CancerWords)
    things = _things(where / "things", terms)
    for thing in things:
        for phrase in thing.say:
            phrases.add(phrase, thing)
    for name, say in load_mapping(where / "qualities.yaml").items():
        for phrase in say:
            phrases.add(phrase, Quality(name))
    for name, say in load_mapping(where / "scenes.yaml")["scenes"].items():
        for phrase in say:
            phrases.add(phrase, SceneMark(name))
    for own in (cues, strength, person, labs, cancer):
        own.grow(phrases)
    antibodies.grow(phrases, terms)
    drugs.grow(phrases, terms)
    return Words(
        terms=terms,
        phrases=phrases,
        cues=cues,
        headings=_headings(where / "headings.yaml"),
        strength=strength,
        labs=labs,
        antibodies=antibodies,
        drugs=drugs,
        person=person,
        figures=load(where / "figures.yaml", FigureRules),
        cancer=cancer,
        questions=load_mapping(where / "questions.yaml"),
        combined=load_mapping(where / "combined.yaml"),
        languages=load(where / "languages.yaml", Languages),
        not_misspelt=frozenset(
            normal(word) for word in load_mapping(where / "spelling.yaml")["not_misspelt"]
        ),
        done=frozenset(finding for thing in things if thing.test for finding in thing.yes),
    )


def _things(folder: Path, terms: Terms) -> list[Thing]:
    """Return what letters speak of: the things of the folder, then the findings by their own names."""
    things = [x for file in sorted(folder.glob("*.yaml")) for x in load_list(file, Thing)]
    said = {_norm(phrase) for thing in things for phrase in thing.say}
    for finding in terms.catalogue:
        if finding.kind == "bool" and finding.group not in _READ_ELSEWHERE:
            own = tuple(word for word in finding.synonyms if _norm(word) not in said)
            if own:
                things.append(Thing(say=own, yes=(finding.id,)))
    return things


def _headings(path: Path) -> dict[str, str]:
    sections = load_mapping(path)
    return {_norm(phrase): section for section, say in sections.items() for phrase in say}


# Their words stand for drugs, antibodies and the patient, which have readers of their own.
_READ_ELSEWHERE = ("antibody", "demographics", "exposure", "treatment", "cancer")


def _norm(phrase: str) -> str:
    return " ".join(word.norm for word in tokens(phrase) if word.text.isalnum())

"""How good page one is, on cases for which experts said what they would accept.

A folder holds case files, in itself or in ``cases/``, and ``truth.yaml``: for each case which ``state`` and
``diseases`` are right; of ``today`` and ``do`` what has to stand there (``any``), what may (``also``) and
what must not (``never``); what may be looked for first (``first_test``); which reasons have to be given and
which must not (``why``); what should be asked (``ask``) and what must not be said (``never_words``). Pairs of
verb and object count as the same where ``same_verbs`` and ``same`` (or ``same_as`` of ``new_objects``) say
so. A case that rests on free text (``text_only``) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from myoresist.assessment import consult
from myoresist.case.reading import read_case
from myoresist.consult.results import Action, ConsultResult
from myoresist.document import DocumentError, Problem, read_document
from myoresist.knowledge.schema import validated
from myoresist.library import Knowledge

TRUTH, CASES = "truth.yaml", "cases"
LOOKS = ("test", "examine", "exclude", "ask")
FIRST = 3
Pair = tuple[str, str]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Actions(_Model):
    """What has to stand in a section, and what must not."""

    any: tuple[Pair, ...] = ()
    never: tuple[Pair, ...] = ()


class Reasons(_Model):
    """Which reasons have to be given, and which must not."""

    any: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


class Truth(_Model):
    """What experts accept for one case."""

    case: str
    state: tuple[str, ...]
    diseases: tuple[str, ...] = ()
    open_ok: bool = False
    today: Actions = Actions()
    do: Actions = Actions()
    first_test: tuple[Pair, ...] | None = None
    why: Reasons = Reasons()
    ask: tuple[str, ...] = ()
    never_words: tuple[str, ...] = ()
    text_only: tuple[str, ...] = ()


class _Object(_Model):
    id: str
    same_as: tuple[str, ...] = ()


class Truths(_Model):
    """The truth of a folder, and what counts as the same."""

    cases: tuple[Truth, ...]
    same_verbs: tuple[tuple[str, ...], ...] = ()
    same: tuple[tuple[str, ...], ...] = ()
    new_objects: tuple[_Object, ...] = ()

    @cached_property
    def verbs(self) -> Mapping[str, str]:
        """Return for each verb the one that stands for it."""
        return {verb: group[0] for group in self.same_verbs for verb in group}

    @cached_property
    def objects(self) -> Mapping[str, str]:
        """Return for each object the one that stands for it; sameness is passed on."""
        found: dict[str, str] = {}
        groups = [*self.same, *((one.id, *one.same_as) for one in self.new_objects)]
        for group in groups:
            roots = {found.get(x, x) for x in group}
            root = min(roots)
            found |= {x: root for x, y in found.items() if y in roots}
            found |= dict.fromkeys((*group, *roots), root)
        return found

    def object(self, name: str) -> str:
        """Return the object that stands for one."""
        return self.objects.get(name, name)

    def pairs(self, rows: Iterable[Pair]) -> set[Pair]:
        """Return pairs of verb and object with what stands for each."""
        return {(self.verbs.get(verb, verb), self.object(thing)) for verb, thing in rows}


@dataclass
class Scores:
    """How often page one did what was asked, by measure, and where it did not.

    Attributes:
        hits: for each measure whether each case met it.
        misses: measure, case and what was wrong.
        words: how many words each page has.
    """

    hits: dict[str, list[bool]] = field(default_factory=dict)
    misses: list[tuple[str, str, str]] = field(default_factory=list)
    words: list[int] = field(default_factory=list)

    def note(self, measure: str, case: str, met: bool, wrong: str) -> None:
        """Note whether a case met a measure."""
        self.hits.setdefault(measure, []).append(met)
        if not met:
            self.misses.append((measure, case, wrong))

    def share(self, measure: str) -> float:
        """Return the share of cases that met a measure."""
        found = self.hits[measure]
        return sum(found) / len(found)


def read_truths(folder: Path) -> Truths:
    """Read ``truth.yaml`` of a folder.

    Raises:
        DocumentError: naming file, line and field of whatever is wrong.
    """
    document = read_document(folder / TRUTH)
    return validated(Truths, document.data, document)


def evaluate(
    folder: Path,
    more: Sequence[Path] = (),
    knowledge: Knowledge | None = None,
    advance: Callable[[int], object] = lambda of: None,
) -> Scores:
    """Score page one on the cases of a folder.

    Args:
        folder: where ``truth.yaml`` is.
        more: further folders in which case files are looked for; a case that is in none is left out.
        knowledge: what medicine knows; the packaged knowledge when left out.
        advance: called after each case with the number of cases.

    Raises:
        DocumentError: naming file, line and field of whatever is wrong.
    """
    truths, base = read_truths(folder), knowledge or Knowledge.load()
    places = (folder, folder / CASES, *more)
    found = [
        (one, path)
        for one in truths.cases
        if not one.text_only and (path := _first(x / one.case for x in places))
    ]
    if not found:
        raise DocumentError([Problem(str(folder), None, "", "holds no case that truth.yaml names")])
    scores = Scores()
    for one, path in found:
        compare(one, consult(read_case(path, base.terms), base), truths, scores)
        advance(len(found))
    return scores


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def compare(truth: Truth, page: ConsultResult, truths: Truths, scores: Scores) -> None:
    """Compare the page of one case with what is accepted."""

    def said(actions: Sequence[Action]) -> list[Pair]:
        return [next(iter(truths.pairs([(one.verb, one.object)]))) for one in actions]

    def check(measure: str, met: object, wrong: str) -> None:
        scores.note(measure, truth.case, bool(met), wrong)

    today, do = said(page.today), said(page.do)
    why = {truths.object(one.explanation) for one in page.why}
    check("state", page.state in truth.state, f"{page.state}, not {', '.join(truth.state)}")
    led, right = ({truths.object(x) for x in held} for held in (page.diseases, truth.diseases))
    accepted = led & right if led else truth.open_ok or not right
    check("disease", accepted, f"{_listed(led) or 'open'}, not {_listed(right) or 'open'}")
    if truth.today.any:
        check("today", truths.pairs(truth.today.any) & set(today), f"{_pairs(today)}")
    if truth.do.any:
        stands = {*do[:FIRST], *today}
        check("action", truths.pairs(truth.do.any) & stands, f"{_pairs(do[:FIRST])}")
    bad = truths.pairs(truth.do.never) & {*do, *today}
    bad |= truths.pairs(truth.today.never) & set(today)
    check("never", not bad, f"forbidden: {_pairs(bad)}")
    looks = {truths.verbs.get(verb, verb) for verb in LOOKS}
    if do and do[0][0] in looks and truth.first_test is not None:
        first = truths.pairs(truth.first_test) | truths.pairs(truth.do.any)
        check("first test", do[0] in first, _pairs(do[:1]))
    if truth.why.any:
        check("why", {truths.object(x) for x in truth.why.any} & why, f"{_listed(why)}")
    wrong = {truths.object(x) for x in truth.why.never} & why
    check("why never", not wrong, f"{_listed(wrong)}")
    if truth.ask:
        asked = {truths.object(one.finding) for one in page.ask}
        asked |= {thing for verb, thing in (*do, *today) if verb in looks}
        check("ask", {truths.object(x) for x in truth.ask} & asked, f"{_listed(asked)}")
    text = " ".join([page.bottom_line, *(one.text for one in page.lines())])
    scores.words.append(len(text.split()))
    unsaid = [x for x in truth.never_words if x.lower() in text.lower()]
    check("words", not unsaid, f"says {_listed(unsaid)}")


def lines(scores: Scores, misses: bool = True) -> Iterator[str]:
    """Say how good page one was, line by line."""
    for measure, found in scores.hits.items():
        yield f"{measure:10} {sum(found):4} of {len(found):4}  {scores.share(measure):4.0%}"
    words = sorted(scores.words)
    yield f"{'page':10} {words[len(words) // 2]} words (median), {words[-1]} at most"
    if misses and scores.misses:
        yield ""
        yield from (f"{measure:10} {case}: {wrong}" for measure, case, wrong in scores.misses)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _pairs(pairs: Iterable[Pair]) -> str:
    return "; ".join(f"{verb} {thing}" for verb, thing in pairs) or "nothing"

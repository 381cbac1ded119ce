"""Criteria sets as libraries of Clinical Quality Language (CQL 1.5), which keeps unknown apart from false.

A library asks ``Findings`` for what is recorded: one Observation a finding, told by a code of
``urn:myoresist:finding``. A site that holds its data otherwise replaces that library and leaves the others.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from myoresist.diagnosis.criteria.compile import (
    CLASS,
    EXCLUDED,
    LEAF,
    NOTE,
    READING,
    VARIANT,
    column,
    scale,
)
from myoresist.diagnosis.criteria.evaluate import NOT_MET, UNDETERMINED, Criteria
from myoresist.diagnosis.criteria.schema import CriteriaSet, Score, ScoreClass, Variant
from myoresist.knowledge import version
from myoresist.rules.nodes import (
    Arithmetic,
    AtLeast,
    Between,
    Case,
    Coalesce,
    Column,
    Compare,
    Constant,
    IsUnknown,
    Node,
    Not,
    NullIf,
    OneOf,
    Signed,
    walk,
)

FINDINGS = "Findings"
READ = {"bool": "Present", "number": "Amount", "category": "Word", "date": "Word"}
HELD = {"Present": "present", "Amount": "amounts", "Word": "words"}
FINDINGS_LIBRARY = """\
// The findings of one patient, read from FHIR R4 Observations: one Observation a finding, told by its code.
// A finding without an Observation is unknown, which CQL writes null. A site that records otherwise replaces
// this library; what it has to give is Recorded.
library Findings version '1.0.0'

using FHIR version '4.0.1'

context Patient

// A define is evaluated anew wherever it is named, so everything is read once, into lists of the same order.
define Recorded:
  (Tuple {
    observations: [Observation] O
      where O.status.value in { 'final', 'amended', 'corrected' }
      return all Tuple {
        id: First(O.code.coding C
          where C.system.value = 'urn:myoresist:finding'
          return all C.code.value),
        present: (O.value as FHIR.boolean).value,
        amount: (O.value as FHIR.Quantity).value.value,
        word: (O.value as FHIR.string).value
      }
  }) R
    return Tuple {
      ids: R.observations O return all O.id,
      present: R.observations O return all O.present,
      amounts: R.observations O return all O.amount,
      words: R.observations O return all O.word
    }

// IndexOf gives -1 for what is not recorded, and a list has null there.
define function Present(ids List<String>, present List<Boolean>, id String):
  present[IndexOf(ids, id)]

define function Amount(ids List<String>, amounts List<Decimal>, id String):
  amounts[IndexOf(ids, id)]

define function Word(ids List<String>, words List<String>, id String):
  words[IndexOf(ids, id)]

// Count skips nulls, and a query without "all" drops repeated values: so a one is counted for every item.
define function Certain(items List<Boolean>):
  Count(items I where I return all 1)

define function Possible(items List<Boolean>):
  Count(items I where I is not false return all 1)

// At least so many are true: unknown while the unknown ones decide.
define function AtLeast(wanted Integer, certain Integer, possible Integer):
  case
    when certain >= wanted then true
    when possible < wanted then false
    else null as Boolean
  end

define function State(met Boolean, open Boolean):
  if met then 'met' else if open then 'undetermined' else 'not_met'
"""


def libraries(criteria: Criteria) -> dict[str, str]:
    """Return the text of every library by its name, that of the findings first."""
    sets = {title(one.id): library(criteria, one) for one in criteria.implemented}
    return {FINDINGS: FINDINGS_LIBRARY, **sets}


def title(name: str) -> str:
    """Return what the library of a set is called: ``BohanPeter1975`` for ``bohan_peter_1975``."""
    return "".join(x.capitalize() for x in name.split("_"))


def library(criteria: Criteria, one: CriteriaSet) -> str:
    """Return a criteria set as the text of a library, whose define ``Answers`` is named like our results.

    Args:
        criteria: the sets, compiled.
        one: the set; one in outline has no library.
    """
    return _Library(criteria, one).text()


class _Library:
    def __init__(self, criteria: Criteria, one: CriteriaSet) -> None:
        self.one = one
        self.rules = {
            name: rule.node
            for name, rule in criteria.program.rules.items()
            if name.startswith(f"{one.id}.")
        }
        self.lets: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.said = {item.id: item.text for item in one.items}

    def text(self) -> str:
        """Return the library."""
        one = self.one
        shown = [item.id for item in one.items]
        shown += [EXCLUDED] if one.exclusions else []
        shown += [column(NOTE, x.id) for x in one.notes if x.when]
        shown += [
            name.removeprefix(f"{one.id}.")
            for name in self.rules
            if name.startswith(f"{one.id}.{CLASS}.")
        ]
        for name in shown:
            self.answers[name] = self._rule(name)
        if one.score:
            (self._read if one.score.readings else self._score)(one.score)
        else:
            self._reach()
        if one.subgroups:
            self._descend()
        lets = ",\n".join(
            f"      {self._comment(name)}{name}: {x}" for name, x in self.lets.items()
        )
        answers = ",\n".join(f'      "{name}": {x}' for name, x in self.answers.items())
        return (
            f"// {_plain(one.title)}. Sources: {', '.join(one.cites)} of the knowledge of myoresist.\n"
            f"library {title(one.id)} version '{version()}'\n\nusing FHIR version '4.0.1'\n\n"
            f"include {FINDINGS} version '1.0.0' called {FINDINGS}\n\ncontext Patient\n\n"
            f"define Answers:\n  {FINDINGS}.Recorded R\n    let\n{lets}\n"
            f"    return Tuple {{\n{answers}\n    }}\n"
        )

    def _comment(self, name: str) -> str:
        said = self.said.get(name)
        return f"// {_plain(said)}\n      " if said else ""

    def _let(self, name: str, text: str) -> str:
        """Name an expression, so that it is written once."""
        known = "".join(x if x.isalnum() else "_" for x in name)
        self.lets.setdefault(known, text)
        return known

    def _rule(self, *parts: str) -> str:
        """Return the name of a rule of the set, after everything that it reads."""
        full = column(self.one.id, *parts)
        name = column(*parts)
        key = "".join(x if x.isalnum() else "_" for x in name)
        if key not in self.lets:
            self._let(name, self._said(self.rules[full]))
        return key

    def _said(self, node: Node) -> str:
        for inner in walk(node):
            if isinstance(inner, Column):
                self._column(inner)
        return _cql(node, self._column)

    def _column(self, node: Column) -> str:
        if node.name in self.rules:
            return self._rule(node.name.removeprefix(f"{self.one.id}."))
        how = READ[node.kind]
        return self._let(f"f_{node.name}", f"{FINDINGS}.{how}(R.ids, R.{HELD[how]}, '{node.name}')")

    def _reach(self) -> None:
        """Take the first class that is true; one that is unknown leaves the outcome open."""
        classes = [(way, self._rule(CLASS, way.name)) for way in self.one.outcomes]
        cases = [(truth, _word(way.name)) for way, truth in classes]
        open_ = " or ".join(f"{truth} is null" for _, truth in classes)
        outcome = _case([*cases, (open_, _word(UNDETERMINED))], _word(NOT_MET))
        self.answers["outcome"] = self._let("outcome", outcome)
        meeting = [truth for way, truth in classes if way.meets]
        met = self._let("met", " or ".join(meeting) if meeting else "false")
        self.answers["state"] = f"{FINDINGS}.State({met}, {met} is null)"

    def _score(self, score: Score) -> None:
        """Score with the variant that applies: unknown items count zero, or as if they were true."""
        variants = score.variants
        applies = [self._rule(VARIANT, x.id) for x in variants[:-1]]

        def chosen(name: str, value: Callable[[Variant], str]) -> None:
            *earlier, last = (value(x) for x in variants)
            cases = list(zip(applies, earlier, strict=True))
            self.answers[name] = self._let(name, _case(cases, last) if cases else last)

        chosen(VARIANT, lambda x: _word(x.id))
        for end, suffix in (("score", ""), ("score_max", "_max")):
            chosen(end, lambda x, end=end: self._points(x, end))  # type: ignore[misc]
            chosen(f"probability{suffix}", lambda x, end=end: self._probability(x, end))  # type: ignore[misc]
            chosen(f"outcome{suffix}", lambda x, end=end: self._class(x, end))  # type: ignore[misc]
        chosen("outcome_by_probability", self._by_probability)
        self._score_state([way for x in variants for way in x.classes])

    def _read(self, score: Score) -> None:
        """Score by every reading: the lowest counts, and the highest is what is possible."""
        last = score.variants[-1]
        self.answers[VARIANT] = _word(last.id)
        factor = scale(self.one, last)
        for end, suffix, taken in (("score", "", "Min"), ("score_max", "_max", "Max")):
            each = {x.id: self._rule(end, x.id) for x in score.variants}
            whole = self._let(f"all_{end}", f"{taken}({{ {', '.join(each.values())} }})")
            for prefix, points in [
                *((column(READING, x, ""), y) for x, y in each.items()),
                ("", whole),
            ]:
                self.answers[f"{prefix}{end}"] = f"{points} / {factor}"
                name = f"{prefix}outcome{suffix}"
                self.answers[name] = self._let(
                    name, self._classed(last.classes, points, end, factor)
                )
            self.answers[f"probability{suffix}"] = "null as Decimal"
        self.answers["outcome_by_probability"] = "outcome"
        self._score_state(last.classes)

    def _points(self, variant: Variant, end: str) -> str:
        return f"{self._rule(end, variant.id)} / {scale(self.one, variant)}"

    def _probability(self, variant: Variant, end: str) -> str:
        if variant.logistic_intercept is None:
            return "null as Decimal"
        return f"1 / (1 + Exp(-({self._points(variant, end)} + {variant.logistic_intercept})))"

    def _by_probability(self, variant: Variant) -> str:
        value = self._probability(variant, "score")
        cases = [
            (f"{value} >= {way.probability_at_least}", _word(way.name))
            for way in variant.classes
            if way.probability_at_least is not None and variant.logistic_intercept is not None
        ]
        return _case(cases, _word(NOT_MET)) if cases else _word(NOT_MET)

    def _class(self, variant: Variant, end: str) -> str:
        points = self._rule(end, variant.id)
        return self._classed(variant.classes, points, end, scale(self.one, variant))

    def _classed(self, classes: tuple[ScoreClass, ...], points: str, end: str, factor: int) -> str:
        """Return the first class that is reached; an unknown condition holds for the highest score only."""
        cases = []
        for way in classes:
            enough = f"{points} >= {_figure(float(way.at_least * Decimal(factor)))}"
            if way.when:
                truth = self._rule(CLASS, way.name)
                holds = truth if end == "score" else f"Coalesce({truth}, true)"
                enough = f"({enough} and {holds})"
            cases.append((enough, _word(way.name)))
        return _case(cases, _word(NOT_MET))

    def _score_state(self, classes: tuple[ScoreClass, ...] | list[ScoreClass]) -> None:
        meeting = dict.fromkeys(way.name for way in classes if way.meets)

        def among(name: str) -> str:
            return "(" + " or ".join(f"{name} = {_word(x)}" for x in meeting) + ")"

        self.answers["state"] = f"{FINDINGS}.State({among('outcome')}, {among('outcome_max')})"

    def _descend(self) -> None:
        """Walk the tree from the top: an unknown leaf leaves everything below it undetermined."""
        assert self.one.subgroups is not None
        reached = " or ".join(f"outcome = {_word(x)}" for x in self.one.subgroups.requires)
        cases = [(f"not ({reached})", "null as String")]
        for leaf in self.one.subgroups.leaves:
            truth = self._rule(LEAF, leaf.id)
            cases += [(f"{truth} is null", _word(UNDETERMINED)), (truth, _word(leaf.id))]
        self.answers["subgroup"] = _case(cases, _word(NOT_MET))


def _cql(node: Node, column: Callable[[Column], str]) -> str:
    """Return a condition as CQL; unknown is null in both."""

    def said(inner: Node) -> str:
        return _cql(inner, column)

    match node:
        case Column():
            return column(node)
        case Constant(value=bool(value)):
            return "true" if value else "false"
        case Constant(value=float(value)):
            return _figure(value)
        case Constant(value=str(value)):
            return _word(value)
        case AtLeast(least=least, parts=parts):
            each = [said(x) for x in parts]
            if node.is_and or node.is_or:
                return f"({(' and ' if node.is_and else ' or ').join(each)})"
            listed = f"{{ {', '.join(each)} }}"
            counted = f"{FINDINGS}.Certain({listed}), {FINDINGS}.Possible({listed})"
            return f"{FINDINGS}.AtLeast({least}, {counted})"
        case Not(part=part):
            return f"(not {said(part)})"
        case IsUnknown(part=part):
            return f"({said(part)} is null)"
        case Compare(relation=sign, left=left, right=right):
            return f"({said(left)} {'!=' if sign == '<>' else sign} {said(right)})"
        case Arithmetic(operation=sign, left=left, right=right):
            return f"({said(left)} {sign} {said(right)})"
        case Between(part=part, low=low, high=high):
            return f"({said(part)} >= {said(low)} and {said(part)} <= {said(high)})"
        case OneOf(part=part, options=options):
            return "(" + " or ".join(f"{said(part)} = {said(x)}" for x in options) + ")"
        case Coalesce(parts=parts):
            return f"Coalesce({', '.join(said(x) for x in parts)})"
        case NullIf(part=part, value=value):
            return f"(if {said(part)} = {said(value)} then null else {said(part)})"
        case Signed(sign="absolute", part=part):
            return f"Abs({said(part)})"
        case Signed(part=part):
            return f"(-{said(part)})"
        case Case(branches=branches, otherwise=otherwise):
            cases = [(said(x.when), said(x.then)) for x in branches]
            return _case(cases, said(otherwise) if otherwise is not None else "null")
    raise TypeError(f"{node} is no CQL by itself")


def _case(cases: list[tuple[str, str]], otherwise: str) -> str:
    """Return the value of the first case that is true; null counts as false here, as in SQL."""
    ways = " ".join(f"when {when} then {then}" for when, then in cases)
    return f"case {ways} else {otherwise} end"


def _figure(value: float) -> str:
    """Return a number as a Decimal of CQL, which mixes badly with its Integer."""
    return repr(float(value))


def _word(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _plain(text: str) -> str:
    return " ".join(text.split())

"""Results of autoantibody tests: which antibody, what result, by which method, with which figure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from myoresist.letters.antibody_words import (
    DISEASE,
    ERROR,
    NO_RESULT,
    AntibodyResult,
    MethodMark,
    ResultMark,
)
from myoresist.letters.context import Context
from myoresist.letters.dates import DateReader
from myoresist.letters.layout import Sentence
from myoresist.letters.marks import marks
from myoresist.letters.numbers import AMOUNT, number
from myoresist.letters.phrases import Hit
from myoresist.letters.tokens import Token, normal

_FIGURE = re.compile(
    rf"\s*(?:[:=.]*\s*)?(?P<cmp>[<>])?\s?(?P<num>{AMOUNT})(?![\d/:]|\s?%)[ \t]*(?P<unit>(?:U|"
    "IU|CU|AU|RU|kU|EU|IE|nmol|units?)(?:/(?:mL|L|l|ml))?(?![A-Za-z]))?",
    re.IGNORECASE,
)
_CUT_OFF = re.compile(
    r"\(?\s*(?:cut-?\s?off|limit|ref\.?|reference|normal|positive|nl|"
    rf"ref range)?\s*[:=]?\s*(?P<sign>[<>≥≤])?\s?(?P<num>{AMOUNT})",
    re.IGNORECASE,
)
_LIMIT_FOLLOWS = re.compile(
    r"\s*(?:range|value|limit|if)?\s*[:=]?\s*(?:[<>≤≥]|up to|under|below|over|above|from)\s*\d",
    re.IGNORECASE,
)
_TITRE = re.compile(r"1\s?[:/]\s?(\d[\d ,.]{0,6}\d)")
_TITRE_AFTER = re.compile(rf"[ :=(,]*{_TITRE.pattern}")
_LEGEND = re.compile(
    rf"(?:0\s?-\s?({AMOUNT})\s*(?:=\s*)?neg|neg(?:ative)?\s*(?:<|under)\s*({AMOUNT}))",
    re.IGNORECASE,
)


class Antibodies:
    """Reads the results of one letter, sentence by sentence."""

    def __init__(
        self,
        plain: str,
        dates: DateReader,
        commas: bool,
        positive_from: int,
        links: Iterable[str],
    ) -> None:
        """Take the letter, how dates and decimals are written, an ANA's titre, words within lists."""
        self.links = frozenset(map(normal, links))
        self.plain, self.dates, self.commas, self.positive_from = (
            plain,
            dates,
            commas,
            positive_from,
        )
        legend = _LEGEND.search(plain)
        self.legend = None
        if legend:
            value = number(legend[1] or legend[2], commas)
            self.legend = value + 1 if value is not None and legend[1] else value
        self.method: tuple[int, str] | None = None

    def read(
        self, sentence: Sentence, hits: Sequence[Hit], context: Context
    ) -> Iterator[AntibodyResult]:
        """Yield the results of a sentence."""
        names = marks(hits, "antibody", "other_antibody")
        method = self._method(sentence, hits)
        if not names:
            return
        results = [hit for hit in _results(hits, names) if not self._of_limit(hit, sentence)]
        if any(hit.of.kind == ERROR for hit in results):
            return
        taken: set[int] = set()
        for hit in results:
            if hit.of.kind == DISEASE:
                continue
            for at in self._governed(hit, names, results, sentence, taken):
                taken.add(at)
                lost = self._lost(hit, results, names, sentence)
                yield from self._one(names[at], hit, sentence, context, method, lost)
        for at, name in enumerate(names):
            if at not in taken and name.of.kind == "antibody":
                yield from self._without_word(name, at, names, results, sentence, context, method)

    def _of_limit(self, result: Hit, sentence: Sentence) -> bool:
        """Tell whether a word is that of a limit and no result: "187 CU (normal <20)"."""
        words = sentence.words
        said = self.plain[words[result.first].start : words[result.last].end].lower()
        behind = self.plain[words[result.last].end : sentence.end]
        if said in ("normal", "negative", "neg", "positive", "pos"):
            return _LIMIT_FOLLOWS.match(behind) is not None
        return False

    def _method(self, sentence: Sentence, hits: Sequence[Hit]) -> str | None:
        found = [(hit.first, hit.of.method) for hit in hits if isinstance(hit.of, MethodMark)]
        named = marks(hits, "antibody")
        # "HMGCR IgG (ELISA)": what stands behind a name is of that one alone.
        if found and (not named or (sentence.opens and found[0][0] < named[0].first)):
            self.method = (sentence.paragraph, found[0][1])
        if found:
            return found[-1][1]
        if self.method and self.method[0] == sentence.paragraph:
            return self.method[1]
        return None

    def _governed(
        self,
        result: Hit,
        names: Sequence[Hit],
        results: Sequence[Hit],
        sentence: Sentence,
        taken: set[int],
    ) -> list[int]:
        """Return which names a result is about: the list before it, or else the one after it."""
        words = sentence.words
        others = [r for r in results if r is not result and r.of.kind != DISEASE]
        before = [n for n, name in enumerate(names) if name.last < result.first and n not in taken]
        chosen: list[int] = []
        edge = result.first
        for n in reversed(before):
            if any(names[n].last < r.first < edge for r in others) and not chosen:
                break
            gap = words[names[n].last + 1 : edge]
            if not self._list_like(gap, first=not chosen):
                break
            if chosen and gap and _TITRE.search(self.plain, gap[0].start, gap[-1].end):
                # "ANA 1:160, ENA negative": a name with a titre of its own is none of the list.
                break
            if any(names[n].last < r.first < result.first for r in others):
                break
            chosen.append(n)
            edge = names[n].first
        if chosen:
            chosen += self._also(result, names, sentence, taken)
            return chosen
        edge = result.last
        for n, name in enumerate(names):
            if name.first <= result.last or n in taken:
                continue
            gap = words[edge + 1 : name.first]
            if not chosen and result.first and any(word.text == "." for word in gap):
                # "Panel neg. cN1A pos": what stands before the stop has its result.
                break
            if not self._list_like(gap, first=not chosen) or any(
                edge < r.first < name.first for r in others
            ):
                break
            chosen.append(n)
            edge = name.last
        # "positive Jo-1 negative": what follows has a result of its own.
        follows = [r for r in others if r.first > edge]
        if (
            chosen
            and follows
            and self._list_like(words[names[chosen[-1]].last + 1 : follows[0].first], first=True)
            and follows[0].first - names[chosen[-1]].last <= 2
        ):
            return []
        return chosen

    def _list_like(self, gap: Sequence[Token], first: bool) -> bool:
        """Tell whether words may stand between the names of a list, or between the list and its result."""
        most = 14 if first else 6
        if sum(word.text != "." for word in gap) > most or any(word.text == ";" for word in gap):
            return False
        signs = "".join(word.text for word in gap)
        if "(-)" in signs or "(−)" in signs or "(–)" in signs:
            # "Anti-Jo-1 (-), anti-SRP (+)": a name with a sign of its own is none of the list.
            return False
        depth = 0
        for word in gap:
            depth += (word.text == "(") - (word.text == ")")
            link = word.silent or word.norm in self.links or not word.text.isalpha()
            if depth <= 0 and not link:
                return False
        return True

    def _also(
        self, result: Hit, names: Sequence[Hit], sentence: Sentence, taken: set[int]
    ) -> list[int]:
        """Return the names of "…, as were Jo-1 and SRP" behind a result."""
        words = sentence.words
        behind = [word.norm for word in words[result.last + 1 : result.last + 4]]
        if "as" not in behind or not {"were", "was", "are", "is"} & set(behind):
            return []
        return [n for n, name in enumerate(names) if name.first > result.last and n not in taken]

    def _one(
        self,
        name: Hit,
        result: Hit,
        sentence: Sentence,
        context: Context,
        method: str | None,
        lost: bool,
    ) -> Iterator[AntibodyResult]:
        if name.of.kind != "antibody":
            return
        words = sentence.words
        said = context.at(*sorted((name.first, result.last)))
        own = context.at(name.first, name.last)
        why = None
        if "other" in own or "other" in context.at(result.first, result.last):
            why = "other"
        elif "if" in own:
            why = "supposed"
        elif result.of.kind != NO_RESULT and any(
            c.last < name.first
            or words[c.first].text == "?"
            or any(word.norm in _TAKEN_BACK for word in words[c.first : c.last + 1])
            for c in own.cues
            if c.means == "doubt"
        ):
            why = "doubt"
        elif lost and result.of.kind != "negative" and name.last < result.first:
            # "Positive in 2015, negative on repeat": two days in one sentence.
            why = "doubt"
        start = words[min(name.first, result.first)].start
        end = words[max(name.last, result.last)].end
        kind = None if result.of.kind == NO_RESULT else result.of.kind
        if kind and any(
            c.means == "no" and c.last < result.first and result.first - c.last <= 2
            for c in said.cues
        ):
            kind = {"negative": "positive"}.get(kind, "negative")
        found = AntibodyResult(
            name.of.id,
            kind,
            start,
            end,
            name=" ".join(word.text for word in words[name.first : name.last + 1]),
            method=method,
            why=why or ("pending" if kind is None else None),
        )
        yield self._figures(found, name, sentence)

    @staticmethod
    def _lost(
        result: Hit, results: Sequence[Hit], names: Sequence[Hit], sentence: Sentence
    ) -> bool:
        """Tell whether a second result behind the first one takes it back: "but negative on repeat"."""
        words = sentence.words
        return any(
            other.of.kind == "negative"
            and other.first > result.last
            and any(word.norm in _AGAIN for word in words[result.last + 1 : other.last + 5])
            and not any(result.last < name.first < other.first for name in names)
            for other in results
        )

    def _without_word(
        self,
        name: Hit,
        at: int,
        names: Sequence[Hit],
        results: Sequence[Hit],
        sentence: Sentence,
        context: Context,
        method: str | None,
    ) -> Iterator[AntibodyResult]:
        """Yield the result of a name without a word for it: a figure with its limit, a titre, a diagnosis."""
        words = sentence.words
        said = context.at(name.first, name.last)
        why = next(
            (
                w
                for means, w in (
                    ("other", "other"),
                    ("if", "supposed"),
                    ("doubt", "doubt"),
                    ("planned", "pending"),
                )
                if means in said
            ),
            None,
        )
        start, end = words[name.first].start, words[name.last].end
        found = self._figures(
            AntibodyResult(name.of.id, None, start, end, method=method, why=why), name, sentence
        )
        if found.value is not None and found.cut_off is not None:
            yield replace(found, result="positive" if found.value >= found.cut_off else "negative")
            return
        titre = _TITRE_AFTER.match(self.plain, end)
        if name.of.id == "ana" and titre:
            value = int(re.sub(r"\D", "", titre[1]))
            yield replace(
                found,
                result="positive" if value >= self.positive_from else "weak",
                titre=f"1:{value}",
                value=None,
                end=titre.end(),
            )
            return
        if why is None and any(
            cue.means == "no" and words[cue.first].norm in _NONE for cue in said.cues
        ):
            yield replace(found, result="negative", value=None)
        elif why is None and "no" not in said and self._names_a_disease(name, results, sentence):
            yield replace(found, result="positive", value=None)
        elif why is not None:
            yield replace(found, why=why)

    def _names_a_disease(self, name: Hit, results: Sequence[Hit], sentence: Sentence) -> bool:
        """Tell whether an antibody stands beside a disease as its mark: "anti-SRP myopathy"."""
        words = sentence.words
        for hit in results:
            if hit.of.kind != DISEASE:
                continue
            low, high = (
                (name.last + 1, hit.first) if hit.first > name.last else (hit.last + 1, name.first)
            )
            gap = words[low:high]
            if len(gap) <= 5 and not any(
                w.text in ".;?" or w.norm in ("for", "not", "no", "or", "to", "if", "suggest")
                for w in gap
            ):
                return True
        return False

    def _figures(self, found: AntibodyResult, name: Hit, sentence: Sentence) -> AntibodyResult:
        """Add the figure and the limit that stand behind a name."""
        begin = sentence.words[name.last].end
        stop = sentence.end
        gap = re.match(
            r"(?:\s*(?:\([^)]*\)|IgG|antibod(?:y|ies)|Ab|,?\s*(?:ELISA|chemiluminescence|"
            r"RIA|CLIA)|was|is|by|:|\.|\(?\d{1,2}/\d{2,4}\)?(?=\s*:)))*",
            self.plain[begin:stop],
        )
        at = begin + (gap.end() if gap else 0)
        match = _FIGURE.match(self.plain, at, stop)
        titre = _TITRE.search(self.plain, begin, min(stop, begin + 30))
        if titre and found.antibody in ("ana",):
            found = replace(found, titre=f"1:{re.sub(r'[^0-9]', '', titre[1])}")
        inside = re.search(
            rf"\(\s*(?P<num>{AMOUNT})\s?(?P<unit>U|IU|CU|AU)?(?:/m?l)?\s*[,;]\s*(?:limit|"
            rf"cut-?off|ref)\s*[<:]?\s*(?P<cut>{AMOUNT})",
            self.plain[begin:stop],
            re.IGNORECASE,
        )
        if inside and inside.start() < 60:
            return replace(
                found,
                value=number(inside["num"], self.commas),
                cut_off=number(inside["cut"], self.commas),
                unit=inside["unit"],
            )
        if match is None or (titre and titre.start() <= match.start("num") <= titre.end()):
            return found
        value = number(match["num"], self.commas)
        cut = _CUT_OFF.match(self.plain[match.end() : stop].lstrip(" ,"))
        limit = (
            number(cut["num"], self.commas)
            if cut
            and ("(" in cut[0] or cut["sign"] or "ut" in cut[0])
            # "98 CU (>200 in 2024)" is an earlier figure and no limit.
            and not (cut["sign"] in (">", "≥") and not re.search("pos|ut|limit|ref", cut[0]))
            else None
        )
        if match["cmp"]:
            above = match["cmp"] == ">"
            if limit is not None and found.result is None:
                return replace(
                    found,
                    result=None,
                    value=limit if above else 0.0,
                    cut_off=limit,
                    unit=match["unit"],
                )
            return found
        if limit is None and self.legend is not None and not match["unit"]:
            limit = self.legend
        if match["unit"] is None and limit is None:
            return found
        return replace(found, value=value, cut_off=limit, unit=match["unit"])


def _results(hits: Sequence[Hit], names: Sequence[Hit]) -> list[Hit]:
    """Return the words of results in their order, without those within longer ones or within a name."""
    found = [hit for hit in hits if isinstance(hit.of, ResultMark)]
    kept = [
        hit
        for hit in found
        if not any(
            o.first <= hit.first and hit.last <= o.last and o.length > hit.length for o in found
        )
        and not any(n.first <= hit.first and hit.last <= n.last for n in names)
    ]
    return sorted(kept, key=lambda hit: hit.first)


_NONE = frozenset(("no", "without", "absence", "neither"))
"""Words that deny an antibody without a word for its result; "not" may be "not tested"."""
_TAKEN_BACK = frozenset(("false", "falsely", "another"))
_AGAIN = frozenset(
    ("repeat", "repeated", "retest", "retested", "again", "later", "subsequently", "since")
)
_STRENGTH = ("negative", "weak", "positive", "moderate", "strong")


def highest(results: Sequence[AntibodyResult]) -> list[AntibodyResult]:
    """Keep of the parts of one antigen, such as PM-Scl 75 and 100, the highest result."""
    kept: list[AntibodyResult] = []
    for result in results:
        parts = [
            n
            for n, one in enumerate(kept)
            if one.antibody == result.antibody
            and one.method == result.method
            and one.result
            and result.result
            and one.why is None
            and result.why is None
            and _number_in(one.name) != _number_in(result.name)
        ]
        if not parts:
            kept.append(result)
        elif _STRENGTH.index(result.result or "") > _STRENGTH.index(kept[parts[0]].result or ""):
            kept[parts[0]] = replace(result, value=None, cut_off=None)
    return kept


def _number_in(name: str) -> str:
    """Return what tells the parts of an antigen apart: a last number, or a Greek letter."""
    match = re.search(
        r"(75|100|alpha|beta|54|[aαbβ]|1|2)\s*$", name.replace("kDa", "").strip(), re.IGNORECASE
    )
    return match[1].lower() if match else ""

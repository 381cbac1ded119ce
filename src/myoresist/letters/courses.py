"""Courses of treatment: dose, route, how often, when, how it did and why it was stopped."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from myoresist.letters.columns import between_days
from myoresist.letters.context import Context
from myoresist.letters.course import Course
from myoresist.letters.dates import DateHit, DateReader
from myoresist.letters.dose import BEFORE_DOSE, DOSE, NEVER_A_DOSE, unit_of
from myoresist.letters.drugs import DrugWords, Mention
from myoresist.letters.layout import Sentence
from myoresist.letters.numbers import NUMBERS, number
from myoresist.letters.often import Often
from myoresist.letters.outcomes import Outcomes
from myoresist.letters.phrases import Hit
from myoresist.letters.switches import ended_before, ended_behind, switched

_STEP = re.compile(
    r"\b(?:by|below|under|above|over|than|within|aim|target|max|maximum|beyond|"
    r"between [\d.,]+ (?:and|to))\s*(?:about |a |around )?$",
    re.IGNORECASE,
)
_OF_THE_DRUG = frozenset(("of", "with", "c", "s", "m", "v", "i"))
_PLANNED = re.compile(
    r"\b(?:increase|raise|reduce|taper|decrease|lower|wean|cut|drop|go up|step up|"
    "from tomorrow|next (?:week|month|visit)|tomorrow|will|would|should|could|please|"
    r"to be (?:reduced|increased|tapered))\b",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"\b(?:stopped|after (?:a\s)?taper\w*|tapered from)\b"
    r"|\b(?:have|has|had|was|were|been|we)\s+(?:\w+\s+)?(?:increased|raised|reduced|"
    r"tapered|lowered|put|restarted|started)\b",
    re.IGNORECASE,
)
_NUMBERS = NUMBERS | {"a": 1, "an": 1}
_SPAN = re.compile(
    r"\b(?:for|after|x|over|within|lasting|another|about|approximately)\s+(?:about |"
    r"most of |nearly |almost |only |a further )?(?P<n>\d+(?:[.,]\d+)?|"
    + "|".join(_NUMBERS)
    + r")[\s-](?P<unit>weeks?|wks?|months?|years?|days?)\b",
    re.IGNORECASE,
)
_WEEKS = {"w": 1.0, "m": 52 / 12, "y": 52.0, "d": 1 / 7}


_Dose = tuple[re.Match[str], Mention]


class Courses:
    """Reads the courses of one letter, sentence by sentence."""

    def __init__(
        self,
        plain: str,
        words: DrugWords,
        dates: DateReader,
        commas: bool,
        infused: Collection[str] = (),
    ) -> None:
        """Take the letter, the words about drugs, how dates and decimals are written, and what is infused.

        Of what is infused "2 x 1 g" is a course, and not a dose twice a day.
        """
        self.infused = infused
        self.plain, self.words, self.dates, self.commas = plain, words, dates, commas
        self.often = Often(words)
        self.outcomes = Outcomes(plain)
        self.between = between_days(plain)
        self.last: tuple[int, Mention, list[Course]] | None = None
        self.past = False
        self.proposal: int | None = None

    def read(
        self,
        sentence: Sentence,
        hits: Sequence[Hit],
        mentions: Sequence[Mention],
        context: Context,
    ) -> Iterator[Course]:
        """Yield the courses of a sentence."""
        named = [m for m in mentions if m.kind == "drug"]
        if sentence.opens and self.last and sentence.item:
            self.last = None
        if sentence.opens or sentence.label:
            self.past = _OF_THE_PAST.search(sentence.label or "") is not None
        carried = None
        if (
            not named
            and self.last
            and self.last[0] == sentence.paragraph
            and not any(m.kind != "drug" for m in mentions)
        ):
            carried = self.last[1]
        proposed = self._proposed(sentence)
        dated = list(self.dates.find(self.plain, sentence.start, sentence.end))
        doses = self._doses(sentence, mentions, carried)
        found: list[Course] = []
        for mention in named:
            own = [d for d in doses if d[1] is mention]
            found += self._of(mention, own, mentions, sentence, dated)
        for dose in (d for d in doses if d[1] is carried):
            found += self._of(dose[1], [dose], mentions, sentence, dated, carried=True)
        if proposed:
            found = [replace(one, why=one.why or "planned") for one in found]
        switched(self.plain, sentence, found)
        earlier = self.last[2] if carried is not None and self.last else []
        if earlier and found and found[0].why is None:
            # "20 mg since November. Down to 7.5 mg in August": the first dose is taken no longer.
            earlier[-1].ongoing = False
        self.outcomes.judge(sentence, hits, found if named else [*earlier, *found], named, context)
        if carried is not None and not found:
            self._carry_dates(sentence, hits, dated, earlier)
        if named:
            self.last = (
                sentence.paragraph,
                named[-1],
                [c for c in found if c.drug == named[-1].id],
            )
        elif carried is not None and self.last:
            self.last = (sentence.paragraph, carried, [*earlier, *found])
        elif any(m.kind == "other_drug" for m in mentions):
            self.last = None
        yield from found

    def _proposed(self, sentence: Sentence) -> bool:
        """Tell whether a piece goes on with a proposal: "I would stop tacrolimus; MMF 500 mg bd"."""
        goes_on = (
            self.proposal is not None and not self.plain[self.proposal : sentence.start].strip()
        )
        text = self.plain[sentence.start : sentence.end]
        begins = _PROPOSES.search(text) is not None
        self.proposal = sentence.end if sentence.closes == ";" and (begins or goes_on) else None
        return goes_on and _DONE.search(text) is None and _NOW.search(text) is None

    def _doses(
        self, sentence: Sentence, mentions: Sequence[Mention], carried: Mention | None
    ) -> list[_Dose]:
        """Return the doses of a sentence, each with the drug that it is of."""
        found: list[_Dose] = []
        for match in DOSE.finditer(self.plain, sentence.start, sentence.end):
            if NEVER_A_DOSE.match(self.plain, match.end()) or _STEP.search(
                self.plain, max(0, match.start() - 24), match.start()
            ):
                continue
            before = [m for m in mentions if m.end <= match.start()]
            behind = [m for m in mentions if m.start >= match.end()]
            adjacent = bool(before) and not self.plain[before[-1].end : match.start()].strip(
                " ,:(-"
            )
            if (
                behind
                and not adjacent
                and re.fullmatch(
                    r"\s*(?:daily |a day |per day |once )?(?:of\s+|oral\s+|IV\s+)*",
                    self.plain[match.end() : behind[0].start],
                )
            ):
                found.append((match, behind[0]))
            elif before and self._near(before[-1], match):
                found.append((match, before[-1]))
            elif not before and carried is not None and self._continues(sentence, match):
                found.append((match, carried))
        return found

    def _near(self, mention: Mention, match: re.Match[str]) -> bool:
        """Tell whether a dose is of the drug before it and not of another that is not known."""
        gap = self.plain[mention.end : match.start()]
        last = re.search(r"([A-Za-z]+)[^A-Za-z]*$", gap)
        return (
            last is None
            or last[1].lower() in BEFORE_DOSE
            or bool(re.search(r"[A-Za-z]+\s*\([^)]*$", gap) and len(gap) < 40)
        )

    def _continues(self, sentence: Sentence, match: re.Match[str]) -> bool:
        """Tell whether a dose without a drug goes on with the drug of the sentence before."""
        gap = self.plain[sentence.start : match.start()]
        last = re.search(r"([A-Za-z]+)[^A-Za-z]*$", gap)
        return not last or last[1].lower() in BEFORE_DOSE - _OF_THE_DRUG

    def _of(
        self,
        mention: Mention,
        own: Sequence[_Dose],
        mentions: Sequence[Mention],
        sentence: Sentence,
        dated: Sequence[DateHit],
        carried: bool = False,
    ) -> list[Course]:
        """Return the courses of one drug in a sentence: one a dose, or one without a dose."""
        begin = sentence.start if carried else mention.start
        name = self.plain[mention.start : mention.end]
        stop = min(
            [m.start for m in mentions if m.start > begin and m is not mention] + [sentence.end]
        )
        if not own:
            course = Course(mention.id, begin, mention.end, why=mention.why, name=name)
            self._when(course, mention.end, stop, begin, sentence, dated)
            self._how(course, mention.end, stop)
            return [] if carried else [course]
        found: list[Course] = []
        cuts = [m.start() for m, _ in own] + [max(stop, own[-1][0].end())]
        for n, (match, _) in enumerate(own):
            amount = number(match["num"], self.commas)
            if amount is None or amount <= 0:
                continue
            course = Course(
                mention.id,
                min(begin, match.start()) if n == 0 else match.start(),
                match.end(),
                why=mention.why,
                name=name,
            )
            course.places = [(mention.start, mention.end)]
            course.dose, course.unit = amount, unit_of(match)
            if self._planned(sentence, match):
                course.why = course.why or "planned"
            if found and self._same(match, found[-1]):
                continue
            self._how(course, match.end(), cuts[n + 1])
            if n == 0 and course.frequency is None:
                # "IVIG monthly 2 g/kg"
                between = self.plain[mention.end : match.start()]
                course.frequency = self.often.often(between, course.unit)
            if match["times"] == "2" and not course.frequency and mention.id not in self.infused:
                course.frequency = "twice daily"
            self._when(
                course,
                match.end(),
                cuts[n + 1],
                begin if n == 0 else match.start(),
                sentence,
                dated,
            )
            between = self.plain[found[-1].end_at : match.start()] if found else ""
            if _LEFT_BEHIND.search(between) or _SINCE.search(between):
                # "40 mg from October, now 10 mg": the first dose is taken no longer.
                found[-1].ongoing = False
                if _AT_PRESENT.search(between) and course.start == found[-1].start:
                    course.start, course.ongoing = None, not course.ended
            found.append(course)
        return found

    def _same(self, match: re.Match[str], before: Course) -> bool:
        """Tell whether a dose in brackets is the one before in another unit: "1 mg/kg (60 mg)"."""
        inside = self.plain[before.end_at : match.start()].strip() == "("
        if inside and before.unit and "/" in before.unit and not match["per"]:
            amount = number(match["num"], self.commas)
            if amount is not None:
                before.dose, before.unit, before.end_at = amount, unit_of(match), match.end()
        return inside

    def _planned(self, sentence: Sentence, match: re.Match[str]) -> bool:
        """Tell whether a dose is one to come."""
        low = max(self.plain.rfind(sign, sentence.start, match.start()) for sign in (";", ".", "("))
        low = max(low, sentence.start)
        high = min(
            [
                x
                for x in (
                    self.plain.find(sign, match.end(), sentence.end)
                    for sign in (";", "(", ")", ",")
                )
                if x >= 0
            ]
            + [sentence.end]
        )
        clause = self.plain[low:high]
        return bool(_PLANNED.search(clause)) and not _DONE.search(clause)

    def _how(self, course: Course, begin: int, end: int) -> None:
        """Read how often and by which route, behind a dose."""
        text = self.plain[begin : min(end, begin + 60)]
        # The stop of "s.c." ends no sentence.
        stop = re.search(r"(?<!\.[A-Za-z])[.;](?:\s|$)", text)
        text = text[: stop.start()] if stop else text
        course.frequency = self.often.often(text, course.unit)
        course.route = self.often.route(text) or course.route
        if course.route == "intra-articular":
            course.frequency = "once"

    def _when(
        self,
        course: Course,
        begin: int,
        end: int,
        head: int,
        sentence: Sentence,
        dated: Sequence[DateHit],
    ) -> None:
        """Read from when to when, in the words around a dose."""
        own = [d for d in dated if head <= d.start < end]
        for n, hit in enumerate(own):
            before = self.plain[max(head, hit.start - 34) : hit.start]
            if n == 0 and ended_before(self.plain, sentence, head) and _THEN.search(before):
                course.stop, course.ongoing = hit.date, False
            elif _GIVEN_BEFORE.search(before) and not course.start:
                course.start = hit.date
            elif ((_UNTIL.search(before) or _STOPPED.search(before)) and not course.stop) or (
                n
                and not course.stop
                and re.fullmatch(self.between, self.plain[own[n - 1].end : hit.start])
            ):
                course.stop = hit.date
            elif course.start is None and not _OTHER_DATE.search(before):
                course.start = hit.date
        if course.start is None and not own:
            self._from_line(course, head, sentence, dated)
        text = _OF_THE_NEXT.sub("", self.plain[head:end])
        span = _SPAN.search(text)
        if span and _PAUSED.search(text, 0, span.start()):
            span = None
        if span and not (course.start and course.stop):
            amount = _NUMBERS.get(span["n"].lower()) or number(span["n"], self.commas)
            if (amount and not re.match(r"(?:after|within)", span[0], re.IGNORECASE)) or (
                amount and re.search(r"\bstopped|abandoned|withdrawn|discontinued|ended", text)
            ):
                course.weeks = round(float(amount or 0) * _WEEKS[span["unit"][0].lower()])
        if course.stop is None and (_NOW.search(text) or sentence.section == "medication"):
            lead = self.plain[sentence.start : head]
            course.ongoing = not _FORMER.search(lead) and not _HALTED.search(text)
        elif (
            course.stop is None
            and len(own) == 1
            and _SINCE_THEN.search(self.plain, head, own[0].start)
        ):
            # "Tacrolimus 3 mg bd since 14/8" is taken on the day of the letter.
            course.ongoing = not _HALTED.search(text)
        lead = self.plain[max(sentence.start, head - _BESIDE) : head]
        past = self.past and not _NOW.search(lead + text) and not _SINCE.search(text)
        course.ongoing = course.ongoing and not past
        course.halted = _HALTED.search(text) is not None
        over = ended_behind(self.plain, begin, end)
        course.ongoing = course.ongoing and not over
        if over and not own and course.stop is None:
            # "Jan 2022: AZA stopped"
            course.start, course.stop = None, course.start
        course.ended = past or over or (not own and ended_before(self.plain, sentence, head))
        if _TODAY.search(text) and course.start is None and self.dates.today:
            course.start = self.dates.today

    def _from_line(
        self, course: Course, head: int, sentence: Sentence, dated: Sequence[DateHit]
    ) -> None:
        """Take the date with which a line or a clause begins."""
        before = [d for d in dated if d.end <= head]
        if not before:
            return
        lead = self.plain[sentence.start : before[-1].start]
        gap = self.plain[before[-1].end : head]
        if "(" in gap and ")" not in gap:
            # "In remission since 2023 (had methotrexate)"
            return
        if not lead.strip(" -*") or (
            re.search(r"\b(?:since|from|in|on|starting|of)\s*(?:the\s)?$", lead, re.IGNORECASE)
            and len(gap.split()) <= 4
        ):
            course.start = before[-1].date

    def _carry_dates(
        self,
        sentence: Sentence,
        hits: Sequence[Hit],
        dated: Sequence[DateHit],
        earlier: Sequence[Course],
    ) -> None:
        """Take a stop date from a sentence without a drug: "Stopped March 2021."."""
        if not earlier or not dated:
            return
        before = self.plain[sentence.start : dated[0].start]
        if (
            _STOPPED.search(before)
            and not earlier[-1].stop
            and not re.search(
                r"resumed|restarted|weeks in", self.plain[sentence.start : sentence.end]
            )
        ):
            earlier[-1].stop, earlier[-1].ongoing = dated[0].date, False


_LEFT_BEHIND = re.compile(
    r"\b(?:now|currently|at present|tapered to|reduced to|down to)\s*(?:on\s*)?$", re.IGNORECASE
)
_PROPOSES = re.compile(
    r"\b(?:i|we) (?:would|suggest|recommend|propose|advise|plan)\b", re.IGNORECASE
)
_AT_PRESENT = re.compile(r"\b(?:now|currently|at present)\s*(?:on\s*)?$", re.IGNORECASE)
_FORMER = re.compile(
    r"\b(?:previously|formerly|previous|past|ex)\W*(?:on |had |taken |took )?\s*$", re.IGNORECASE
)
_OF_THE_PAST = re.compile(
    r"\b(?:past|previous|prior|former|stopped|discontinued|ceased)\b", re.IGNORECASE
)
_HALTED = re.compile(
    r"\b(?:on hold|held|paused|suspended|withheld|now stopped|now off|discontinued)\b"
    r"(?!.*\b(?:restarted|resumed)\b)",
    re.IGNORECASE,
)
_OF_THE_NEXT = re.compile(
    r"[,;:.]?\s*(?:and\s|then\s)?(?:now|currently|at present)(?:\s(?:on|taking))?\s*$",
    re.IGNORECASE,
)
"""What stands before the next drug is of that one: "methylprednisolone 1 g x3, now prednisolone"."""
_PAUSED = re.compile(
    r"\b(?:stabili[sz]ed|stable|better|improved|well|benefit|effect|remission|lasted|stopped|held|"
    r"paused|interrupted|suspended|withheld|off (?:it|treatment|the drug))\s*$",
    re.IGNORECASE,
)
"""Before a span, these say that it is not that of taking the drug: "stopped for", "FVC stable for a year"."""
_GIVEN_BEFORE = re.compile(
    r"\b(?:from|since|starting(?: in)?|started(?: in| on)?|begun(?: in| on)?|began(?: in|"
    " on)?|added(?: in)?|commenced(?: in| on)?|substituted in|given(?: in)?|"
    r"restarted(?: on| in)?)\s*(?:the\s(?:spring of\s)?|mid\s|early\s|late\s)?\(?$",
    re.IGNORECASE,
)
_UNTIL = re.compile(r"\b(?:until|till|to|through|up to)\s*(?:the\s)?$", re.IGNORECASE)
_STOPPED = re.compile(
    r"\b(?:stopped|discontinued|withdrawn|given up|abandoned|ended|off|ceased|finished|"
    r"finishing|stop|weaned off|d/c|dc'd|d/c'd)(?!\w)[^.;,]{0,24}$",
    re.IGNORECASE,
)
_THEN = re.compile(
    r"\b(?:in|on|at|since|from|by)\s*(?:the\s|early\s|mid\s|late\s|about\s|around\s)*$|\(\s*$",
    re.IGNORECASE,
)
_OTHER_DATE = re.compile(
    r"\b(?:relapse[sd]?|flare[sd]?|last in|last one in|trough|level|CK|diagnosed|onset|by|"
    r"the last in|shingles)\b(?:[^.;]|\.(?=\d)){0,16}$",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"\b(?:currently|ongoing|now|at present|continues|is continuing|till today|"
    r"until today|to date|(?:-|–|to)\s?present|still takes?|at the moment|throughout|presently|continuing)\b",
    re.IGNORECASE,
)
_BESIDE = 14
"""Letters before a dose in which "currently" may stand."""
_SINCE_THEN = re.compile(r"\bsince\s*(?:the\s|early\s|mid[\s-]|late\s|about\s)*$", re.IGNORECASE)
_SINCE = re.compile(r"\bsince\b", re.IGNORECASE)
_TODAY = re.compile(r"\b(?:from today|today|started today)\b", re.IGNORECASE)

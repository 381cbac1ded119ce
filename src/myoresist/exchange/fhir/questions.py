"""Observations whose code is a question, such as smoking: the newest answer counts, for its time."""

from __future__ import annotations

from datetime import date, timedelta

from myoresist.case.dates import PartialDate
from myoresist.exchange.codes import Codes, Question
from myoresist.exchange.fhir.bundle import Resource, place
from myoresist.exchange.fhir.datatypes import codings, named, when
from myoresist.exchange.received import Draft

DATES = ("effectiveDateTime", "effectivePeriod", "effectiveInstant")


class Questions:
    """Gathers answers of one patient."""

    def __init__(self, codes: Codes, draft: Draft) -> None:
        self.codes, self.draft = codes, draft
        self._newest: dict[str, tuple[date, bool | None, Question, Resource]] = {}
        self.last = date.min

    def seen(self, one: Resource) -> None:
        """Take the day of an observation: an answer is judged as of the newest of them."""
        told = when(one, *DATES)
        if told:
            self.last = max(self.last, PartialDate.parse(told).earliest)

    def asked(self, one: Resource, usable: bool) -> bool:
        """Take an observation, if its code is a question; tell whether it is."""
        question = self.codes.question(codings(one.get("code")))
        if question is None:
            return False
        told = when(one, *DATES)
        day = PartialDate.parse(told).earliest if told else date.min
        answer = self.codes.answered(question, codings(one.get("valueCodeableConcept")))
        if usable and day >= self._newest.get(question.finding, (date.min,))[0]:
            self._newest[question.finding] = (day, answer, question, one)
        return True

    def tell(self) -> None:
        """Add the answers that still hold; what else was answered is to be confirmed."""
        for day, answer, question, one in self._newest.values():
            most = question.days.get("yes" if answer else "no")
            holds = most is None or (day > date.min and day + timedelta(days=most) >= self.last)
            if answer is not None and holds:
                self.draft.find(question.finding, answer)
                continue
            said = f"{named(one.get('code'))}: {named(one.get('valueCodeableConcept'))}"
            self.draft.note(
                place(one), f"{said}, {day if day > date.min else 'undated'}; to be confirmed"
            )

"""Page one of one patient, each line with what triggered it and the works that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

from myoresist.consult.choose import Chosen
from myoresist.consult.compile import (
    BARRED,
    DISPUTED,
    EACH,
    LEAD,
    LISTED,
    OTHERWISE,
    SAID,
    STATE,
    WAITING,
)
from myoresist.consult.given import FAILED, HARMED, OF_TREATMENT, PARTLY
from myoresist.consult.leading import FAMILY, LABEL, LEADS, PROVEN_OF
from myoresist.consult.pages import Pages
from myoresist.consult.results import Action, Change, ConsultResult, Question, Reason, Said
from myoresist.consult.schema import Verb
from myoresist.consult.texts import ALLERGIC, Page
from myoresist.rules.reasons import Verdict
from myoresist.rules.reasons import explain as reasons_of
from myoresist.treatment.columns import LEVELS

MOST_CITED = 2
_BARE = (SAID, DISPUTED, LEADS, PROVEN_OF, *OF_TREATMENT, "adequate_", "early_", "low_")
"""What is told of something: the page gives the thing itself as the reason."""
_ANOTHER: tuple[Verb, ...] = ("start", "switch")
_SILENT = (
    STATE, LABEL, FAMILY, LISTED, WAITING, OTHERWISE, "disease_", "n_", "myositis_probability",
    *(f"{level}_" for level in LEVELS),
)  # fmt: skip
"""Columns that are no reason by themselves."""


def consult_of(pages: Pages, row: int) -> ConsultResult:
    """Return the page of one patient."""
    found, page, held = pages.found, pages.page(row), pages.lines(row)
    said = _Reasons(page)
    texts = {section: page.written(section, lines) for section, lines in held.items()}
    lines = {
        section: [said.of(*one) for one in zip(lines, texts[section], strict=True)]
        for section, lines in held.items()
    }
    state = found.state_of(row)
    return ConsultResult(
        state=state.id,
        state_text=state.text,
        bottom_line=page.bottom,
        certainty=found.certainty_of(row),
        diseases=found.diseases_of(row),
        words=sum(len(x.split()) for x in (page.bottom, *chain.from_iterable(texts.values()))),
        **cast(Any, lines),
    )


@dataclass(frozen=True)
class _Reasons:
    """What the lines of one page rest on; they share most rules, whose verdicts are kept."""

    page: Page
    seen: dict[str, Verdict] = field(default_factory=dict)

    def of(self, one: Chosen, text: str) -> Said:
        """Return a line with its reasons and sources."""
        held: dict[str, Any] = {
            "rule": one.rule,
            "text": text,
            "because": tuple(dict.fromkeys(self._because(one))) or self._otherwise(),
            "cites": self._cites(one),
        }
        match one.section:
            case "today" | "do":
                verb = cast(Verb, one.verb)
                return Action(verb=verb, object=one.object, instead_of=one.instead_of, **held)
            case "why":
                return Reason(explanation=one.object, **held)
            case "changes":
                return Change(finding=one.object, **held)
        return Question(finding=one.object, **held)

    def _otherwise(self) -> tuple[str, ...]:
        """Return the reason of a line that rests on the disease and the state alone."""
        found, row = self.page.found, self.page.row
        return found.diseases_of(row) or (found.state_of(row).id,)

    def _because(self, one: Chosen) -> Iterator[str]:
        if one.section == "do" and one.verb in _ANOTHER:
            yield from self._failed()
        rules = [one.rule]
        if one.line.each and one.line.each != LEAD:
            rules.append(f"{EACH}{one.line.each}.{one.object}")
            if one.line.each == BARRED:
                yield from self.page.against(one.object)
            if one.line.each == ALLERGIC:
                yield from self.page.allergies()
        program = self.page.found.consult.reasoned
        for rule in rules:
            for name in sorted(reasons_of(rule, program, self.page.values, self.seen).because):
                # What is told counts where it is so: that other things are not so is no reason.
                if self.page.values.get(name) in (None, False) or name.startswith(_SILENT):
                    continue
                prefix = next((x for x in _BARE if name.startswith(x)), "")
                yield name.removeprefix(prefix)

    def _failed(self) -> Iterator[str]:
        """Return what did not do, or was not borne: why another treatment is given."""
        for treatment in self.page.found.consult.given.treatments:
            if any(self.page.values.get(x + treatment) for x in (FAILED, PARTLY, HARMED)):
                yield treatment

    def _cites(self, one: Chosen) -> tuple[str, ...]:
        """Return the works of a line; where it has none, those of its dose or of its treatment."""
        keys = [key for part in (one.line, *self.page.doses(one.object)) for key in part.cites]
        if one.line.each == BARRED:
            keys = self.page.against_cites(one.object)
        option = self.page.found.consult.options.data.options.get(one.object)
        if not keys and option:
            keys = [*(key for x in option.guidelines for key in x.cites), *option.safety_cites]
        return tuple(dict.fromkeys(keys))[:MOST_CITED]

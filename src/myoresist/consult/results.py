"""Page one as data: what a specialist would write, each line with its reasons and its sources."""

from __future__ import annotations

from collections.abc import Iterator

from myoresist.consult.schema import Certainty, Verb
from myoresist.result import Result


class Said(Result):
    """A line of the page.

    Attributes:
        rule: the id of its rule, as ``knowledge show consult`` prints it.
        text: what stands on the page.
        because: findings, diseases and treatments that triggered it.
        cites: keys of the works that it rests on.
    """

    rule: str
    text: str
    because: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()


class Action(Said):
    """What to do: a verb and its object.

    Attributes:
        instead_of: the treatment whose place a new one takes.
    """

    verb: Verb
    object: str
    instead_of: str | None = None


class Reason(Said):
    """Why it did not respond."""

    explanation: str


class Change(Said):
    """What would change the page."""

    finding: str


class Question(Said):
    """What nobody recorded and would matter."""

    finding: str


class ConsultResult(Result):
    """The first page.

    Attributes:
        state: the first state of ``knowledge/consult/states.yaml`` whose rule is true.
        bottom_line: what it is, in one sentence.
        certainty: how sure the first of ``diseases`` is.
        diseases: what the page acts on; empty while it is open.
        today: what cannot wait.
        why: why it did not respond, the most telling first.
        do: what to do, in the order in which to do it.
        changes: what would change this.
        ask: what nobody recorded and would matter.
        words: how many words stand on the page.
    """

    state: str
    state_text: str
    bottom_line: str
    certainty: Certainty
    diseases: tuple[str, ...]
    today: tuple[Action, ...]
    why: tuple[Reason, ...]
    do: tuple[Action, ...]
    changes: tuple[Change, ...]
    ask: tuple[Question, ...]
    words: int

    def lines(self) -> Iterator[Said]:
        """Walk through the lines of the page."""
        yield from (*self.today, *self.why, *self.do, *self.changes, *self.ask)

    def sources(self) -> Iterator[str]:
        """Return the keys of all works that it cites."""
        for one in self.lines():
            yield from one.cites

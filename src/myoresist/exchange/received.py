"""A case while it is put together from a foreign record, with what of the record could not be used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from myoresist.case.model import Case
from myoresist.case.reading import check_case_text
from myoresist.document import DocumentError, Problem

if TYPE_CHECKING:
    from myoresist.letters import Statement

_ENTRY = re.compile(r"(\w+)\[(\d+)\]")
UNREAD: dict[str, dict[str, Any]] = {
    "labs": {"value": "unknown"},
    "autoantibodies": {"result": "unknown"},
}
"""What stays of an entry that cannot be used: that something was said here which could not be read."""
KEPT = {
    "labs": ("test", "unit", "date"), "autoantibodies": ("antibody", "date"), "treatments": ("drug",),
}  # fmt: skip
AGAIN = "comorbidities"
"""Where a second answer to a finding stands, so that the case contradicts itself, if it may stand there."""
ALONE = ("patient", "onset")
"""Of whom a part can be left out by itself."""
MOST_TRIES = 20


@dataclass(frozen=True)
class Unsure:
    """What only a text of a record says, for a person to confirm or refuse.

    Attributes:
        place: where the text stands.
        said: the statement; its offsets belong to the text below its heading.
    """

    place: str
    said: Statement

    def told(self) -> dict[str, Any]:
        """Return it as JSON: place, words, answer, and what would be written where if it is so or not."""
        fields = {
            "kind",
            "about",
            "text",
            "answer",
            "question",
            "where",
            "if_yes",
            "if_no",
            "quote",
        }
        return {"place": self.place, **self.said.model_dump(mode="json", include=fields)}


@dataclass
class Draft:
    """What has been read so far, as a case file would say it.

    Attributes:
        case: sections of a case file.
        notes: what of the record was not used, each with its place.
        named: drugs of which the record tells only the name.
        unsure: what only texts say.
    """

    case: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    unsure: list[Unsure] = field(default_factory=list)

    def note(self, place: str, text: str) -> None:
        """Keep what could not be used."""
        self.notes.append(f"{place}: {text}")

    def add(self, section: str, **entry: Any) -> None:
        """Add an entry to a list; what is ``None`` is left out."""
        told = {key: value for key, value in entry.items() if value is not None}
        self.case.setdefault(section, []).append(told)

    def find(self, name: str, answer: bool) -> None:
        """Note a finding; where statements differ both stay, so that the case contradicts itself."""
        first = self.case.setdefault("findings", {})
        if first.setdefault(name, answer) is not answer:
            self.case.setdefault(AGAIN, {})[name] = answer


@dataclass(frozen=True)
class Received:
    """A case that came from elsewhere.

    Attributes:
        case: the case, which carries the notes as remarks.
        written: the same as a case file would say it.
        notes: what of the record was not used, each with its place.
        unsure: what only texts say, to be confirmed.
    """

    case: Case
    written: dict[str, Any]
    notes: tuple[str, ...]
    unsure: tuple[Unsure, ...] = ()

    def yaml(self) -> str:
        """Return a case file, with what was not used as comments."""
        text = yaml.safe_dump(self.written, sort_keys=False, allow_unicode=True, width=100)
        said = (
            f"{x.place}: {x.said.text} ({x.said.answer}): “{x.said.quote}”" for x in self.unsure
        )
        left = [f"not used: {x}" for x in self.notes] + [f"to confirm: {x}" for x in said]
        return text + "".join(f"# {_on_one_line(one)}\n" for one in left)

    def json(self) -> str:
        """Return the case and what was not used as JSON."""
        unsure = [x.told() for x in self.unsure]
        told = {"case": self.written, "not_used": list(self.notes), "to_confirm": unsure}
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def grouped(notes: Iterable[str]) -> list[str]:
    """Return notes, each thing that is said of several resources of a kind once, with the first place."""
    places: dict[tuple[str, str], dict[str, None]] = {}
    for one in notes:
        place, _, said = one.partition(": ")
        places.setdefault((place.partition("/")[0], said), {})[place] = None
    return [
        f"{next(iter(known))}{f' and {len(known) - 1} more' if len(known) > 1 else ''}: {said}"
        for (_, said), known in places.items()
    ]


def _on_one_line(text: str) -> str:
    return " ".join("".join(x if x.isprintable() else " " for x in text).split())


def received(draft: Draft, name: str) -> Received:
    """Check a draft as a case file is checked; of an entry that cannot be used stays that it was there.

    Raises:
        DocumentError: what is wrong where no entry can be blamed, such as a patient without a name.
    """
    for _ in range(MOST_TRIES):
        case, problems = check_case_text(json.dumps(draft.case), name)
        if case is not None:
            notes = tuple(grouped(draft.notes))
            case.remarked(notes, tuple(dict.fromkeys(draft.named)))
            return Received(case, draft.case, notes, tuple(draft.unsure))
        if not _opened(draft, problems):
            break
    raise DocumentError(Problem(name, None, one.field, one.message) for one in problems)


def _opened(draft: Draft, problems: Iterable[Problem]) -> bool:
    """Replace the entries that are wrong by what stays of them; tell whether there was any."""
    wrong: dict[tuple[str, int], str] = {}
    both = False
    for one in problems:
        section, _, name = one.field.partition(".")
        if section == AGAIN and name in draft.case.get(section, {}):
            both = True
            del draft.case[section][name]
            draft.case["findings"][name] = "unknown"
            draft.note(name, "said to be so and not to be so; it stays open")
        elif section in ALONE and name in draft.case.get(section, {}):
            both = True
            draft.note(f"{section}.{name}", f"{draft.case[section].pop(name)}: {one.message}")
        place = _ENTRY.match(one.field)
        if place and place[1] in draft.case:
            wrong.setdefault((place[1], int(place[2])), one.message)
    for (section, index), message in sorted(wrong.items(), reverse=True):
        entries = draft.case[section]
        entry = entries[index]
        kept = {key: entry[key] for key in KEPT.get(section, ()) if key in entry}
        left = {**kept, **UNREAD.get(section, {})}
        draft.note(next(iter(map(str, entry.values())), section), message)
        if not left or left == entry:
            del entries[index]
        else:
            entries[index] = left
    return bool(wrong) or both

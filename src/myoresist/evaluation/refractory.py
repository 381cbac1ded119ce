"""Published refractory cases: a folder of case files, two a patient, and what the source says of each.

``ID-….before.yaml`` is what was known when treatment had failed, ``ID-….after.yaml`` what was known in the
end. ``truth.yaml`` lists for each ``id`` the ``final_diagnosis``, further diagnoses that count as right
(``also_accept``) and the investigations that settled it (``decisive_test``); a diagnosis that the
differential does not list may stand there in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from myoresist.case.model import Case
from myoresist.case.reading import read_case
from myoresist.document import DocumentError, Problem, read_document
from myoresist.knowledge.schema import validated

TRUTH = "truth.yaml"


class Truth(BaseModel):
    """What the source of a case says; keys that are not listed here are of no use for an evaluation."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    final_diagnosis: str
    also_accept: tuple[str, ...] = ()
    decisive_test: tuple[str, ...] = ()


class _Truths(BaseModel):
    truths: tuple[Truth, ...]


@dataclass(frozen=True)
class Pair:
    """A patient before and after the answer was found."""

    truth: Truth
    before: Case
    after: Case


def read_pairs(folder: Path) -> Sequence[Pair]:
    """Read a folder of refractory cases.

    Raises:
        DocumentError: naming file, line and field of whatever is wrong.
    """
    document = read_document(folder / TRUTH)
    said = validated(_Truths, {"truths": document.data}, document)
    return [
        Pair(one, _case(folder, one.id, "before"), _case(folder, one.id, "after"))
        for one in said.truths
    ]


def _case(folder: Path, identity: str, when: str) -> Case:
    found = sorted(folder.glob(f"{identity}-*.{when}.yaml"))
    if len(found) != 1:
        reason = f"has {len(found)} files {identity}-….{when}.yaml; one is needed"
        raise DocumentError([Problem(str(folder / TRUTH), None, identity, reason)])
    return read_case(found[0])

"""Antibody results as a table: one row a result, with its method and its strength.

Results are counted in numbers: each word is looked up once a table and stands for its place in the alphabet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist.arrays.kleene import TRUE, UNKNOWN, rows_of
from myoresist.arrays.planes import unpack
from myoresist.arrays.table import Table
from myoresist.arrays.words import Words
from myoresist.case.catalogue import Names
from myoresist.case.model import AntibodyTest, Case
from myoresist.case.terms import Terms
from myoresist.serology.schema import POSITIVE, SerologyKnowledge

Small: TypeAlias = NDArray[np.int16]
RESULTS: Mapping[str, type[pl.DataType]] = {
    "patient_id": pl.String,
    "antibody": pl.String,
    "method": pl.String,
    "strength": pl.String,
    "place": pl.String,
}
"""Columns of a table of results: patient, finding id of the antibody, method as written (NULL when it is not
stated), ``negative``, ``weak``, ``positive`` (not graded), ``moderate`` or ``strong`` (NULL is unknown), and
where the record says so."""
STRENGTHS = ("negative", *POSITIVE)
UNSTATED = "unstated"
_UNKNOWN = "unknown"
FINDINGS = "findings"
"""The place of a result that is no more than a finding."""


def _strength(test: AntibodyTest) -> str | None:
    measured = None
    if test.value is not None and test.cut_off is not None:
        measured = "positive" if test.value >= test.cut_off else "negative"
    if test.result is None or test.result == "unknown":
        return measured
    if measured is not None and (measured == "negative") != (test.result == "negative"):
        return None
    return test.result


@dataclass(frozen=True)
class Results:
    """Results of some patients as arrays, one entry a result.

    Attributes:
        row: the row of the patient.
        antibody: its number in ``Vocabulary.antibodies``.
        method: its number in ``Vocabulary.methods``.
        strength: its number in ``Vocabulary.strengths``.
        place: where the record says so.
    """

    row: NDArray[np.int64]
    antibody: NDArray[np.int16]
    method: NDArray[np.int16]
    strength: NDArray[np.int16]
    place: NDArray[np.object_]

    @classmethod
    def of_case(cls, case: Case, terms: Terms, words: Vocabulary) -> Results:
        """Return the known results of one case.

        A value counts by its cut-off and is not graded; where it and the word beside it differ, the result
        is unknown.
        """
        found = []
        for index, test in enumerate(case.autoantibodies):
            finding, strength = terms.antibody(test.antibody), _strength(test)
            if finding is not None and strength is not None and finding.id in words.numbers:
                number = words.numbers[finding.id]
                method = words.method_of(test.method)
                place = f"autoantibodies[{index}]"
                found.append((number, method, words.strength(strength), place))
        numbers = np.array([one[:3] for one in found], np.int16).reshape(-1, 3)
        places = np.array([one[3] for one in found], object)
        return cls(np.zeros(len(found), np.int64), *_columns(numbers), places)

    @classmethod
    def none(cls) -> Results:
        """Return no result."""
        nothing = np.empty(0, np.int16)
        return cls(np.empty(0, np.int64), nothing, nothing, nothing, np.empty(0, object))

    def taken(self, rows: NDArray[np.int64]) -> Results:
        """Return some of the results, in this order."""
        return Results(
            self.row[rows],
            self.antibody[rows],
            self.method[rows],
            self.strength[rows],
            self.place[rows],
        )

    def followed_by(self, others: Results) -> Results:
        """Return these results and then the others."""
        return Results(
            np.concatenate([self.row, others.row]),
            np.concatenate([self.antibody, others.antibody]),
            np.concatenate([self.method, others.method]),
            np.concatenate([self.strength, others.strength]),
            np.concatenate([self.place, others.place]),
        )


@dataclass(frozen=True)
class Vocabulary:
    """The words of results in the order of the alphabet: sorted by number is sorted by word."""

    knowledge: SerologyKnowledge

    @cached_property
    def antibodies(self) -> pl.Enum:
        """Return the ids of the antibodies."""
        return pl.Enum(sorted(self.knowledge.antibodies))

    @cached_property
    def methods(self) -> pl.Enum:
        """Return the ids of the methods."""
        return pl.Enum(sorted(one.id for one in self.knowledge.confidence.methods))

    @cached_property
    def strengths(self) -> pl.Enum:
        """Return the strengths."""
        return pl.Enum(sorted(STRENGTHS))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Return the number of each antibody."""
        return {name: number for number, name in enumerate(self.antibodies.categories)}

    def strength(self, word: str) -> int:
        """Return the number of a strength."""
        return list(self.strengths.categories).index(word)

    def method_of(self, written: str | None) -> int:
        """Return the number of a method, however its name is written."""
        return self._method(written or UNSTATED)

    def method(self, word: str) -> int:
        """Return the number of a method."""
        return list(self.methods.categories).index(word)

    def of_kind(self, kind: str) -> NDArray[np.bool_]:
        """Return for each antibody whether it is of a kind."""
        antibodies = self.knowledge.antibodies
        return np.array([antibodies[x].kind == kind for x in self.antibodies.categories])

    def written(self, methods: pl.Series) -> NDArray[np.int16]:
        """Return the number of each method, however its name is written."""
        unstated = self.method(UNSTATED)
        found = Words.of(methods).map(self._method, pl.Int16)
        return found.fill_null(unstated).to_numpy()

    def _method(self, word: str) -> int:
        return self.method(self._names.find(word) or UNSTATED)

    @cached_property
    def _names(self) -> Names:
        return self.knowledge.confidence.method_names()


def usable(results: pl.DataFrame, patients: pl.Series, words: Vocabulary) -> Results:
    """Return the known results of known antibodies.

    Args:
        results: rows with the columns ``RESULTS``; ``method`` and ``place`` may be missing.
        patients: the id of every patient, by row.
        words: which antibodies and methods there are.

    Raises:
        ValueError: for a missing column, an unknown word for the strength, or a patient without row.
    """
    missing = {"patient_id", "antibody", "strength"} - set(results.columns)
    if missing:
        raise ValueError(f"antibody results without column {', '.join(sorted(missing))}")
    strength = _strengths(results["strength"], words)
    antibody = _numbers(results["antibody"], words.antibodies)
    ids = results["patient_id"].cast(patients.dtype)
    row = places_of(ids, patients)
    kept = (strength >= 0) & (antibody >= 0)
    strange = kept & (row < 0)
    if strange.any():
        first = ids.filter(strange).sort()[0]
        raise ValueError(f"results of patient {first}, who has no row")
    nothing = pl.repeat(None, len(results), dtype=pl.String, eager=True)
    method = words.written(results["method"] if "method" in results.columns else nothing)
    place = results["place"].cast(pl.String) if "place" in results.columns else nothing
    found = Results(row, antibody, method, strength, place.to_numpy())
    return found if kept.all() else found.taken(np.flatnonzero(kept))


def places_of(ids: pl.Series, patients: pl.Series) -> NDArray[np.int64]:
    """Return the row of the patient of each entry, -1 for none."""
    entries = Words.of_runs(ids)
    places = pl.DataFrame({"id": patients}).with_row_index("row")
    found = (
        entries.texts.rename("id")
        .to_frame()
        .join(places, on="id", how="left", maintain_order="left")["row"]
        .cast(pl.Int64)
        .fill_null(-1)
    )
    return entries.read(found).to_numpy()


def from_findings(known: Table, given: Results, words: Vocabulary) -> Results:
    """Return a result for each antibody finding of which there is no result.

    Tables of registries often hold no more than positive and negative; findings may say that the one
    myositis-specific antibody was a weak or strong band of a blot.

    Args:
        known: the findings.
        given: the results that there are.
        words: which antibodies there are.
    """
    how = words.knowledge.confidence.from_findings
    names = words.antibodies.categories.to_list()
    flags = rows_of(known, names)
    specific = words.of_kind("msa")
    only = (flags[specific] == TRUE).sum(axis=0) == 1
    present = flags.T.ravel()
    open_ = present != UNKNOWN
    open_[given.row * len(names) + given.antibody] = False
    cells = np.flatnonzero(open_)
    row, antibody = np.divmod(cells, len(names))
    found = present[cells] == TRUE
    graded = found & only[row] & specific[antibody]
    weak, strong, blot = (
        graded & unpack(known.truth(x).t, known.size)[row]
        for x in (how.weak, how.strong, how.by_blot)
    )
    number = words.strength
    strength = np.select(
        [~found, weak, strong],
        [number("negative"), number("weak"), number("strong")],
        number("positive"),
    )
    method = np.where(blot, words.method(how.blot), words.method(UNSTATED))
    numbers = np.stack([antibody, method, strength], axis=1).astype(np.int16)
    return Results(row, *_columns(numbers), np.full(len(cells), FINDINGS, object))


def _columns(numbers: Small) -> tuple[Small, Small, Small]:
    """Return the three columns of an array."""
    return numbers[:, 0], numbers[:, 1], numbers[:, 2]


def in_order(given: Results, noted: Results) -> Results:
    """Return all results, sorted by patient, antibody, method, strength and place."""
    both = given.followed_by(noted)
    key = both.row
    for numbers in (both.antibody, both.method, both.strength):
        # Fewer than 2**10 antibodies, methods or strengths, and 2**33 patients.
        key = (key << 10) | numbers
    order = np.argsort(key, kind="stable")
    key = key[order]
    same = key[1:] == key[:-1]
    if same.any():
        # Few results differ in nothing but their place, and only for them it has to be looked at.
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        places = both.place[order[tied]]
        by = sorted(range(len(tied)), key=lambda one: (key[tied[one]], str(places[one] or "")))
        order[tied] = order[tied][by]
    return both.taken(order)


def _strengths(written: pl.Series, words: Vocabulary) -> NDArray[np.int16]:
    """Return the number of each strength, -1 where it is not known."""
    known = words.strengths.categories.to_list()
    numbers = _numbers(written, pl.Enum([*known, _UNKNOWN]))
    if (numbers < 0).sum() > written.null_count():
        strange = set(written.drop_nulls().unique().cast(pl.String)) - {*known, _UNKNOWN}
        raise ValueError(f"strength {min(strange)}: use one of {', '.join(STRENGTHS)}, {_UNKNOWN}")
    return np.where(numbers < len(known), numbers, np.int16(-1))


def _numbers(written: pl.Series, kind: pl.Enum) -> NDArray[np.int16]:
    """Return the number of each word, -1 for one that is missing or not known."""
    if isinstance(written.dtype, pl.Enum) and written.dtype != kind:
        # Looked up once a word, not once a result; what is missing finds the entry behind the last word.
        numbers = _numbers(written.dtype.categories, kind)
        place = written.to_physical().cast(pl.Int64).fill_null(len(numbers))
        found: NDArray[np.int16] = np.append(numbers, np.int16(-1))[place.to_numpy()]
        return found
    return written.cast(kind, strict=False).to_physical().cast(pl.Int16).fill_null(-1).to_numpy()

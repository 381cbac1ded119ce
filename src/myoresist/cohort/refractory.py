"""Definitions of refractory disease in long form: state, and what would have to be known to decide it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from myoresist.answers import Answers
from myoresist.arrays.grids import alike
from myoresist.arrays.planes import unpack
from myoresist.diagnosis.criteria.compile import CLASS, column
from myoresist.diagnosis.criteria.evaluate import MET, NOT_MET, STATES, UNDETERMINED
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import PATIENT
from myoresist.rules.blocking import Blocking

KIND, DRUG = "refractory-definition", "immunosuppressant"
PARTED = "; "
EVERY = "*"
"""Stands in the id of a column for the drug, where the same is not known of several drugs."""


def refractory_table(answers: Answers) -> pl.DataFrame:
    """Return one row a patient and definition of refractory disease.

    Returns:
        ``patient_id``, ``definition``, ``state`` (met, not_met, undetermined), ``met_since`` (the day on
        which the last treatment that it needs had lasted long enough; NULL if not known), and ``blocking``:
        what is not known and leaves it undetermined, parted by semicolons.
    """
    ids, size = answers.patients.ids, len(answers.patients.ids)
    base = answers.library
    names, states, items = [], [], []
    since = answers.refractory_since
    days = []
    for name, state, blocking in _defined(answers):
        names.append(name)
        states.append(state)
        days.append(since.get(name, np.full(size, np.nan)))
        items.append(_joined(blocking, base, state == STATES.index(UNDETERMINED)))
    count = len(names)
    table = pl.DataFrame(
        {
            PATIENT: pl.concat([ids] * count) if count else ids.clear(),
            "definition": pl.Series(np.repeat(np.arange(count, dtype=np.uint8), size)).cat.to(
                pl.Enum(names)
            ),
            "state": pl.Series(
                np.concatenate(states) if count else np.zeros(0, np.uint8), dtype=pl.UInt8
            ).cat.to(pl.Enum(STATES)),
            "met_since": pl.Series(np.concatenate(days) if count else [], dtype=pl.Float64)
            .fill_nan(None)
            .cast(pl.Int32)
            .cast(pl.Date),
            "blocking": pl.concat(items) if count else pl.Series([], dtype=pl.String),
        }
    )
    # Patient by patient, whose places rise.
    rows = np.arange(table.height).reshape(count, size).T.ravel()
    return table.select(pl.all().gather(rows))


def _defined(answers: Answers) -> Iterator[tuple[str, np.ndarray, Mapping[str, int]]]:
    """Yield each definition with the place of its state in ``STATES``, and what leaves it open in whom."""
    size = answers.refractory.size
    for name in answers.refractory:
        truth = answers.refractory.truth(name)
        met, no = unpack(truth.t, size), unpack(truth.f, size)
        state = np.where(met, STATES.index(MET), np.where(no, STATES.index(NOT_MET), 2))
        yield name, state.astype(np.uint8), answers.blocking[name]
    sets = answers.library.criteria
    asked = [one for one in sets.implemented if one.kind == KIND]
    classes = {one.id: [column(one.id, CLASS, x.name) for x in one.outcomes] for one in asked}
    program = Blocking(sets.program, tuple(x for some in classes.values() for x in some))
    open_ = program.of(answers.findings) if asked else {}
    for one in asked:
        said = answers.criteria.word(column(one.id, "state"))
        places = np.array([STATES.index(x) for x in said.words], np.uint8)
        found: dict[str, int] = {}
        for name in classes[one.id]:
            for item, bits in open_[name].items():
                found[item] = found.get(item, 0) | bits
        yield one.id, places.take(said.codes), found


def _joined(blocking: Mapping[str, int], base: Knowledge, open_: np.ndarray) -> pl.Series:
    """Return for each patient what leaves a definition open, parted by semicolons; empty for nothing."""
    size = len(open_)
    unknown: dict[str, int] = {}
    for item, bits in blocking.items():
        name = of_every_drug(item, base)
        unknown[name] = unknown.get(name, 0) | bits
    if not unknown or not open_.any():
        return pl.Series([None], dtype=pl.String).new_from_index(0, size)
    named = sorted(unknown)
    flags = np.stack([unpack(unknown[x], size) & open_ for x in named])
    # Patients of whom the same is not known share their words.
    first, places = alike(np.packbits(flags, axis=0).astype(np.int64), size)
    texts = [
        PARTED.join(x for x, yes in zip(named, row, strict=True) if yes) or None
        for row in flags[:, first].T.tolist()
    ]
    return pl.Series(texts, dtype=pl.String).gather(places)


def of_every_drug(item: str, base: Knowledge) -> str:
    """Return the id of a column, with ``*`` for the drug where it asks the same of many drugs."""
    known = base.resistance.treatments.columns.columns.get(item)
    if known is None or known.others is None:
        return item
    drugs = (x.id for x in base.resistance.treatments.regimens.trials if x.kind == DRUG)
    own = [x for x in drugs if f"_{x}_" in item]
    return item.replace(max(own, key=len), EVERY) if own else item


def said_of(item: str, base: Knowledge) -> str:
    """Return what an item that leaves a definition open is called."""
    columns = base.resistance.treatments.columns
    if item in columns.catalogue:
        return columns.catalogue[item].label
    if item in columns.columns:
        return columns.columns[item].label
    for name, one in columns.columns.items():
        if one.others and of_every_drug(name, base) == item:
            return one.others
    return base.resistance.labels.get(item) or item.replace("_", " ")

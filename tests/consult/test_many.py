"""Page one of many patients at once says of each what a plain reading of one after the other says."""

from __future__ import annotations

import numpy as np
from one_by_one import OnePage

from myoresist.arrays.planes import of_flags
from myoresist.arrays.table import Codes, Table
from myoresist.consult.compile import DOSE
from myoresist.consult.evaluate import Consults, Listed
from myoresist.consult.given import columns_of
from myoresist.consult.leading import CERTAINTIES, RENAMED, Leading
from myoresist.consult.pages import Pages
from myoresist.consult.table import consult_table, said
from myoresist.library import Knowledge

BASE = Knowledge.load()
SIZE = 100
OFTEN = 0.12
"""How often a column is true."""


def drawn(seed: int) -> Pages:
    """Return pages of patients of whom anything may be true, whether it can be together or not."""
    rng, rules = np.random.default_rng(seed), BASE.consult
    names = (
        *rules.lines.rules,
        *rules.before.rules,
        *columns_of(tuple(rules.given.treatments)),
        RENAMED,
    )
    truths = {x: of_flags(rng.random(SIZE) < OFTEN) for x in names}
    truths |= {x: of_flags(rng.random(SIZE) < 0.7) for x in names if x.startswith(DOSE)}
    diseases, labels = rules.diseases, [None, *rules.diseases.labels]
    shape = len(diseases.names), SIZE
    leading = Leading(
        diseases,
        rng.integers(-1, len(diseases.names), SIZE),
        Codes(rng.integers(0, len(CERTAINTIES), SIZE, np.int32), CERTAINTIES),
        np.zeros(shape),
        rng.random(shape) < 0.1,
        np.zeros(SIZE),
        tuple(labels[x] for x in rng.integers(0, len(labels), SIZE)),
    )
    options = tuple(rules.options.data.options)
    order = rng.permuted(np.tile(np.arange(len(options)), (SIZE, 1)), axis=1).T
    shown = rng.random(order.shape) < 0.5
    listed = Listed(options, np.where(shown, order, -1), *(rng.random((2, *order.shape)) < 0.1))
    state = rng.integers(0, len(rules.data.states), SIZE)
    return Pages(Consults(rules, Table(SIZE, truths), leading, state, listed), BASE.names)


def test_all_at_once_is_one_after_the_other() -> None:
    pages = drawn(seed=1)
    rows = consult_table(pages).to_dicts()
    trimmed = 0
    for row in range(SIZE):
        one = OnePage(pages, row)
        lines = one.lines()
        assert pages.lines(row) == lines
        trimmed += sum(map(len, one.chosen().values())) > sum(map(len, lines.values()))
        told = {x: "; ".join(said(line) for line in held) for x, held in lines.items()}
        told["diseases"] = "; ".join(pages.found.diseases_of(row))
        assert rows[row] == rows[row] | told
    # Both pages that fit and pages that are too long are among them.
    assert 0 < trimmed < SIZE

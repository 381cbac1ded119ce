"""Whatever the order of the rows, each goes once into the bucket of its patient, in its order."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myoresist.cohort import spool

IDS = st.lists(st.one_of(st.none(), st.text("abř", max_size=3)), max_size=40)


def table(ids: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"patient_id": ids}, {"patient_id": pl.String}).with_row_index("row", 1)


def cut(
    tables: dict[str, pl.DataFrame], folder: Path, buckets: int
) -> list[dict[str, pl.DataFrame]]:
    begins = spool.boundaries(tables["patients"].lazy().select("patient_id"), buckets, 40)
    spool.write({name: [frame] for name, frame in tables.items()}, folder, begins)
    return [spool.read(folder, one) for one in range(buckets)]


@settings(deadline=None, max_examples=60)
@given(IDS, IDS, st.integers(1, 6), st.booleans())
def test_every_row_is_once_in_the_bucket_of_its_patient(
    patients: list[str | None], visits: list[str | None], buckets: int, in_order: bool
) -> None:
    if in_order:
        visits = sorted(visits, key=lambda one: one or "")
    tables = {"patients": table(patients), "visits": table(visits)}
    with TemporaryDirectory() as folder:
        found = cut(tables, Path(folder), buckets)
    place: dict[str | None, int] = {}
    for number, parts in enumerate(found):
        assert parts.keys() == tables.keys()
        for frame in parts.values():
            assert frame.schema == tables["patients"].schema
            assert frame["row"].is_sorted()
            for one in frame["patient_id"]:
                assert place.setdefault(one, number) == number
    for name, frame in tables.items():
        every = pl.concat([parts[name] for parts in found])
        assert every.sort("row").equals(frame), name


def test_chunks_are_put_together_again_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "CHUNK", 500)
    ids = [f"{one * 7919 % 100:03}" for one in range(1000)]
    told: list[int] = []
    frame = table(ids)
    begins = spool.boundaries(pl.LazyFrame({"patient_id": ids}), 5, 1000)
    spool.write({"patients": frame.iter_slices(7)}, tmp_path, begins, told.append)
    found = [spool.read(tmp_path, one)["patients"] for one in range(5)]
    assert pl.concat(found).sort("row").equals(frame)
    assert all(one["row"].is_sorted() for one in found)
    assert sum(told) == 1000
    # Buckets are of about the same size, and follow each other.
    assert min(one.height for one in found) >= 150
    ends = [(one["patient_id"].min(), one["patient_id"].max()) for one in found]
    assert all(str(one[1]) < str(other[0]) for one, other in pairwise(ends))

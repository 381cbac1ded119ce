"""Who should be looked at again first, by site: why, the next step, and the command to the page."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import polars as pl

from myoresist.cohort.freeze.folder import LABEL, Freeze
from myoresist.cohort.registry import CONSULT, DIFFERENTIAL
from myoresist.consult.table import ACTIONS, PARTED, action_of
from myoresist.knowledge import folder
from myoresist.knowledge.schema import Entry, load_list
from myoresist.resistance.response.visits import PATIENT
from myoresist.rules.condition import Name
from myoresist.rules.frames import run_frame
from myoresist.rules.program import Program
from myoresist.rules.rulebook import Rulebook

NAMES = {
    "today": Name("today", "bool"), "stops": Name("stops", "bool"), "state": Name("state", "category"),
    "outranked": Name("outranked", "bool"), "label_probability": Name("label_probability", "number"),
}  # fmt: skip
DECEASED = "deceased"
COLUMNS = (
    "rank",
    "reason",
    "because",
    "next_step",
    LABEL,
    "leading",
    "label_probability",
    "command",
)


class Reason(Entry):
    """Why a patient should be looked at again."""

    id: str
    text: str
    when: str


class Worklist:
    """Reasons to look at a patient again, in the order of how much they press."""

    def __init__(self, file: Path | None = None) -> None:
        """Read the reasons; the packaged ones without a file."""
        self.file = file or folder() / "registry" / "worklist.yaml"
        self.reasons = load_list(self.file, Reason)

    @cached_property
    def program(self) -> Program:
        """Return the conditions."""
        book = Rulebook(NAMES)
        for one in self.reasons:
            book.add(one.id, one.when, self.file, one.id)
        return book.program()

    def deceased(self, freeze: Freeze) -> int:
        """Return how many patients have died, who are not on the list."""
        states = freeze.scan(CONSULT).select((pl.col("state").cast(pl.String) == DECEASED).sum())
        return int(states.collect().item())

    def rows(self, freeze: Freeze, source: str = "SRC", mapping: str | None = None) -> pl.DataFrame:
        """Return one row a patient who lives and should be looked at again, what presses most first.

        Args:
            freeze: the answers.
            source: where the tables of the registry are, for the command.
            mapping: its mapping file, for the command.

        Returns:
            ``patient_id``, the columns that were kept, ``rank``, ``reason``, ``because`` and ``next_step``
            (as page one says them), ``label``, ``leading`` disease, ``label_probability`` and ``command``.
        """
        pages = freeze.scan(CONSULT).select(PATIENT, *freeze.kept, "state", *ACTIONS, "why", "ask")
        beside = freeze.scan(DIFFERENTIAL).select(
            PATIENT, LABEL, "label_probability", outranked="label_outranked",
            leading="differential.leading",
        )  # fmt: skip
        pages = pages.filter(pl.col("state").cast(pl.String) != DECEASED)
        whole = pages.join(beside, on=PATIENT, how="left").collect().sort(PATIENT)
        lines = {x: pl.col(x).fill_null("").str.split(PARTED) for x in ACTIONS}
        stops = pl.any_horizontal(
            one.list.eval(action_of(pl.element()).str.starts_with("stop ")).list.any()
            for one in lines.values()
        )
        asked = whole.select(
            (pl.col("today").fill_null("") != "").alias("today"), stops.alias("stops"),
            pl.col("state").cast(pl.String), "outranked", "label_probability",
        )  # fmt: skip
        told = run_frame(self.program, asked)
        place = pl.coalesce(
            *(pl.when(one.id).then(pl.lit(n, pl.Int64)) for n, one in enumerate(self.reasons, 1))
        )
        texts = {n: one.text for n, one in enumerate(self.reasons, 1)}
        found = whole.with_columns(told.select(place.alias("rank"))).drop_nulls("rank")
        step = pl.coalesce(*(pl.when(pl.col(x) != "").then(x) for x in (*ACTIONS, "ask")))
        told_of = pl.coalesce(pl.when(pl.col("why") != "").then("why"), pl.col("state"))
        more = f" --mapping {mapping}" if mapping else ""
        begin = pl.lit(f"myoresist registry page {source}{more} --patient ")
        command = pl.concat_str(begin, pl.col(PATIENT))
        named = found.with_columns(
            pl.col("rank").replace_strict(texts, return_dtype=pl.String).alias("reason"),
            told_of.alias("because"), step.alias("next_step"), command.alias("command"),
        )  # fmt: skip
        order = [*freeze.kept[:1], "rank", "label_probability", PATIENT]
        return named.sort(order, nulls_last=True).select(PATIENT, *freeze.kept, *COLUMNS)

"""How many patients of a simulated registry get a card by CDS Hooks: alert fatigue is a hazard.

    python benchmarks/hooks.py 10000

The patients are drawn as treatment-resistant myositis and its mimics, so something has to be said of most.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from myoresist.service.hooks.cards import worth_saying

DRUGS = (
    "methotrexate",
    "azathioprine",
    "mycophenolate",
    "ciclosporin",
    "rituximab",
    "ivig",
    "jak_inhibitor",
)
BY_DEFAULT = 10_000


def main(patients: int) -> None:
    """Draw patients, answer, and print the shares."""
    with TemporaryDirectory() as folder:
        registry, answers = f"{folder}/registry", f"{folder}/answers"
        for words in (
            ("simulate", str(patients), "--out", registry),
            ("cohort", registry, "--out", answers),
        ):
            subprocess.run(
                [sys.executable, "-m", "myoresist", *words], check=True, stdout=subprocess.DEVNULL
            )
        consult = pl.read_parquet(Path(answers) / "consult" / "*.parquet")
        options = pl.read_parquet(Path(answers) / "options" / "*.parquet")
    today = [bool(x) for x in consult["today"].fill_null("")]
    rest = [
        worth_saying(state, (one.partition(" ")[0] for one in (do or "").split("; ")))
        for state, do in zip(consult["state"], consult["do"], strict=True)
    ]
    cards = [a + b for a, b in zip(today, rest, strict=True)]
    print(f"patient-view, {patients:,} patients:", end=" ")
    print(", ".join(f"{cards.count(n) / patients:.1%} with {n}" for n in (0, 1, 2)))
    print(f"what cannot wait {sum(today) / patients:.1%}, the consult {sum(rest) / patients:.1%}")
    each = options.unique(["patient_id", "option"])
    for drug in DRUGS:
        own = each.filter(pl.col("option") == drug)
        barred = own["contraindicated"].fill_null(False)
        avoided = own["to_avoid"].fill_null(False) & ~barred
        signed, selected = (float(sum(x)) / len(x) for x in (barred, barred | avoided))
        print(f"{drug}: critical when signed {signed:.1%}, a warning when selected {selected:.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BY_DEFAULT)

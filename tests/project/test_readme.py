"""The counts in the README are those of the knowledge."""

from __future__ import annotations

import re
from pathlib import Path

from myoresist import Knowledge

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BASE = Knowledge.load()


def count(words: str) -> int:
    """Return the number that stands in the README before some words."""
    found = re.search(rf"([\d,]+)\s+{words}", README)
    assert found, words
    return int(found[1].replace(",", ""))


def test_the_counts_are_those_of_the_knowledge() -> None:
    computed = len(BASE.criteria.implemented)
    regimens = BASE.resistance.treatments.regimens.trials
    assert {
        "sets computed": computed,
        "listed in outline": len(BASE.criteria.sets) - computed,
        "diseases": len(BASE.differential.diseases),
        "other diseases": len(BASE.differential.diseases) - 1,
        "antibodies": len(BASE.serology.knowledge.antibodies),
        "regimens that count as a trial": sum(one.completes for one in regimens),
        "explanations": len(BASE.resistance.explanations.entries),
        "options": len(BASE.options.data.options),
        "safety checks": len(BASE.options.data.checks),
    } == {
        words: count(words)
        for words in (
            "sets computed",
            "listed in outline",
            "diseases",
            "other diseases",
            "antibodies",
            "regimens that count as a trial",
            "explanations",
            "options",
            "safety checks",
        )
    }


def test_the_frequencies_are_rounded_to_the_thousand() -> None:
    base = BASE.differential.base
    assert count("frequencies") == round(base.frequencies.height, -3)
    assert count("published, the others marked") == round(base.published, -3)

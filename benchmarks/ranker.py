"""The differential diagnosis as a ranker among others: a record in, scored diseases out.

The others know no priors, so ours are made equal here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from hpo_peers import Record

from myoresist.arrays.table import Table
from myoresist.diagnosis.differential.evaluate import Differential, Setting
from myoresist.evaluation.published import table
from myoresist.library import Knowledge


@cache
def knowledge() -> Knowledge:
    """Return the packaged knowledge."""
    return Knowledge.load()


@cache
def equal_priors() -> Differential:
    """Return the differential diagnosis with every disease as common as the others."""
    differential = knowledge().differential
    power = differential.base.method.prior_power
    diseases = differential.base.diseases.values()
    return differential.within(Setting(multiply={x.id: x.prior**-power for x in diseases}))


def rank(record: Record) -> Iterator[tuple[str, float]]:
    """Yield each disease with its probability; HPO terms that no finding stands for are not read."""
    base, differential = knowledge(), equal_priors()
    values = dict.fromkeys(record.present, True) | dict.fromkeys(record.absent, False)
    known = {k: v for k, v in {**values, **record.numbers}.items() if k in base.catalogue}
    findings = base.inference.known(Table.of_frame(table([known], base.catalogue))).findings
    yield from zip(differential.diseases, differential.posterior(findings)[0].tolist(), strict=True)

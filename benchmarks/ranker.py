"""The differential diagnosis as a ranker among others: a record in, scored diseases out.

The others know no priors, so ours are made equal here. Lists of terms are read as ``myoresist evaluate``
reads them: what a finding stands for as that finding, the rest by annotations.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from hpo_peers import Record

from myoresist.arrays.table import Table
from myoresist.diagnosis.differential.annotations import Annotations
from myoresist.diagnosis.differential.evaluate import Differential, Setting
from myoresist.evaluation.published import table
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.ontology import packaged_ontology
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


@cache
def beyond_findings() -> Annotations:
    """Return what terms say that no finding stands for."""
    base, ontology = knowledge().differential.base, packaged_ontology()
    assert ontology is not None, "the peers need it, too"
    return Annotations.of(base.diseases.values(), ontology.annotated, base.method)


def rank(record: Record) -> Iterator[tuple[str, float]]:
    """Yield each disease with its probability."""
    base, differential = knowledge(), equal_priors()
    codes, ontology = packaged_codes(), packaged_ontology()
    assert ontology is not None, "the peers need it, too"
    values = ontology.findings(record.terms_present, record.terms_absent, codes)
    values |= dict.fromkeys(record.present, True) | dict.fromkeys(record.absent, False)
    left = ontology.beyond(record.terms_present, codes)
    beside = beyond_findings().log_ratio(left, ontology.upwards) if left else None
    known = {k: v for k, v in {**values, **record.numbers}.items() if k in base.catalogue}
    findings = base.inference.known(Table.of_frame(table([known], base.catalogue))).findings
    probability = differential.posterior(findings, beside)[0]
    yield from zip(differential.diseases, probability.tolist(), strict=True)

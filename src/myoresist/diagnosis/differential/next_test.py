"""In which order investigations are proposed: what must be known now, what proves, and what decides.

First what the patient needs whatever the disease. Then, for what it takes, what could prove the diseases that
are likely, a treatable one counting for more, and what tells most about which of them it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from myoresist.arrays.planes import Flags, Planes, value_at
from myoresist.arrays.table import Numbers, Table
from myoresist.diagnosis.differential.evaluate import Differential
from myoresist.diagnosis.differential.evidence import Observations
from myoresist.diagnosis.differential.investigations import DIGITS, Gain, gains
from myoresist.diagnosis.differential.proof import Proofs
from myoresist.diagnosis.differential.schema import CONFIRMED, ENOUGH, FIRST, NEEDED, Investigation

ANALYTES = 3
"""Analytes that are named of an investigation."""


@dataclass(frozen=True)
class Proposal:
    """An investigation that is proposed.

    Attributes:
        gain: what it is expected to tell.
        proof: how likely it is to prove a disease that is believed, weighed by what is lost if it is missed.
        needed: whether the patient needs it now, whatever the disease.
        analytes: what of it matters most, for the diseases that are believed.
        value: by which proposals are put in order.
    """

    gain: Gain
    proof: float
    needed: bool
    analytes: tuple[str, ...]
    value: float

    @property
    def investigation(self) -> Investigation:
        """Return which investigation it is."""
        return self.gain.investigation


def propose(
    differential: Differential, known: Observations, posterior: Numbers, labelled: Flags
) -> list[Proposal]:
    """Return the investigations that are worth proposing for one patient, the best first.

    Args:
        differential: the diseases.
        known: what is known of the patient.
        posterior: the probability of each disease now, (D,).
        labelled: which diseases the patient's label stands for, (D,).
    """
    method = differential.base.method.next_test
    read = _read_by_rules(differential, known)
    confirmed, rules = (
        program.run(read) for program in (differential.base.confirmed, differential.base.needed)
    )
    leading = int(np.argmax(posterior))
    proven = value_at(confirmed.truth(CONFIRMED + differential.diseases[leading]), 0) is True
    tests = [one.id for one in differential.base.investigations]
    needed, enough = (
        {one for one in tests if value_at(rules.truth(column + one), 0)}
        for column in (NEEDED, ENOUGH)
    )
    found = [
        _proposal(differential.proofs, gain, posterior, needed, enough, proven)
        for gain in gains(differential, known, posterior, labelled, needed)
    ]
    # Rounded, so that the last digits, which differ between machines, do not decide.
    found.sort(key=lambda one: (-round(one.value, DIGITS), one.investigation.id))
    shown: list[Proposal] = []
    later: list[Proposal] = []
    for one in found:
        if one.value <= method.least:
            continue
        # What is not begun at the bedside goes first or is asked; it takes no place among what is ordered.
        aside = one.investigation.bedside and bool(shown)
        waits = one.needed and not proven and sum(x.needed for x in shown) >= method.urgent
        (later if waits or aside else shown).append(one)
    return shown + later


def ask_first(differential: Differential, known: Observations) -> frozenset[str]:
    """Return what is to be asked or looked for before anything else."""
    rules = differential.base.needed.run(_read_by_rules(differential, known))
    return frozenset(
        name
        for one in differential.base.investigations
        if value_at(rules.truth(FIRST + one.id), 0)
        for name in one.ask_first
    )


def _read_by_rules(differential: Differential, known: Observations) -> Table:
    """Return what confirmation, and the need for an investigation, are judged by, of the patients."""
    likelihoods = differential.likelihoods
    truths = {
        name: Planes(known.present[row], known.absent[row])
        for name, row in likelihoods.rows.items()
        if name in likelihoods.asks
    }
    return known.further.with_truths(truths)


def _proposal(
    proofs: Proofs,
    gain: Gain,
    posterior: Numbers,
    needed: Collection[str],
    enough: Collection[str],
    proven: bool,
) -> Proposal:
    method, rows = proofs.base.method.next_test, proofs.likelihoods.rows
    open_ = [name for name in gain.unknown if name in rows]
    proves = proofs.proves[[rows[name] for name in open_]]
    weight = proofs.lost * posterior
    best = proves.max(axis=0, initial=0.0)
    # Nothing more is to be proved of a patient whose disease is proven; what it makes necessary remains.
    proof = 0.0 if proven else float(best @ weight)
    name, urgent = gain.investigation.id, gain.investigation.id in needed
    wanted = 0.0
    if gain.unknown and name not in enough:
        wanted = float(proofs.necessary(gain.investigation) @ posterior)
    value = np.sqrt(proof + wanted) + (0.0 if proven else method.bits * gain.differential)
    return Proposal(
        gain=gain,
        proof=proof,
        needed=urgent,
        analytes=() if proven else _analytes(open_, proves * posterior),
        value=float(value / method.step_cost[gain.invasiveness] + method.needed * urgent),
    )


def _analytes(names: Sequence[str], weight: Numbers) -> tuple[str, ...]:
    """Return the findings that prove most of what is believed."""
    total = weight.sum(axis=1)
    order = np.argsort(-total, kind="stable").tolist()
    return tuple(names[place] for place in order[:ANALYTES] if total[place] > 0)

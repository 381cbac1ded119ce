"""The differential diagnosis: how probable each disease is, and how sure that is, patient by patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from myoresist.arrays.planes import unpack
from myoresist.arrays.table import Numbers, Table
from myoresist.diagnosis.differential.evidence import Evidence
from myoresist.diagnosis.differential.likelihood import Likelihoods
from myoresist.diagnosis.differential.proof import Proofs
from myoresist.diagnosis.differential.reading import read_diseases
from myoresist.diagnosis.differential.schema import Diseases
from myoresist.findings.evaluate import Inference, finding_names
from myoresist.knowledge.schema import Entry, load

CHUNK = 1 << 17
"""Patients worked on at a time, so that a large table needs little memory."""
PREFIX = "differential."
DIGITS = 9
"""Decimals of a probability in a table."""
DRAWN = 256
"""Patients drawn for at a time."""
OUTER = (0.025, 0.975)


class Setting(Entry):
    """Where the patient is seen, and what that changes: some diseases are commoner, others do not occur."""

    text: str = "as set by the user"
    multiply: Mapping[str, float] = Field(
        {}, description="How many times as common a disease, or each disease of a family, is."
    )
    only: tuple[str, ...] = Field(
        (), description="Diseases or families to which the list is restricted."
    )
    cites: tuple[str, ...] = ()


USUAL = Setting(text="refractory myositis at a centre")


class SettingError(ValueError):
    """A setting that names something unknown, or leaves nothing."""


@dataclass(frozen=True)
class Differential:
    """The diseases, their likelihoods and their priors in one setting."""

    base: Diseases
    likelihoods: Likelihoods
    setting: Setting = field(default=USUAL)

    @classmethod
    def load(cls, folder: Path, inference: Inference) -> Differential:
        """Read ``diseases/`` of a knowledge folder.

        Raises:
            DocumentError: naming file and entry of whatever cannot be used.
        """
        base = read_diseases(folder, finding_names(inference.catalogue))
        return cls(base, Likelihoods.of(base, inference))

    def within(self, setting: Setting) -> Differential:
        """Return the same in another setting.

        Raises:
            SettingError: for an unknown disease or family, a factor that is not positive, or an empty list.
        """
        known = {*self.base.diseases, *self.base.families.families}
        for name in (*setting.multiply, *setting.only):
            if name not in known:
                raise SettingError(f"{name} is neither a disease nor a family of the differential")
        for name, factor in setting.multiply.items():
            if not (factor > 0 and np.isfinite(factor)):
                raise SettingError(f"{name}: {factor:g} is no factor; write a number above 0")
        return Differential(self.base, self.likelihoods, setting)

    @property
    def diseases(self) -> tuple[str, ...]:
        """Return the ids of the diseases, in the order of every array."""
        return self.likelihoods.diseases

    @cached_property
    def log_prior(self) -> Numbers:
        """Return the logarithm of the prior of each disease, -inf for one that is left out, (D,)."""
        method = self.base.method
        prior = np.array([one.prior for one in self.base.diseases.values()])
        logs: Numbers = method.prior_power * np.log(prior)
        only = set(self.setting.only)
        for index, one in enumerate(self.base.diseases.values()):
            for name in (one.id, one.family):
                logs[index] += np.log(self.setting.multiply.get(name, 1.0))
            if only and not only & {one.id, one.family}:
                logs[index] = -np.inf
        return logs

    def posterior(self, known: Table, beside: Numbers | None = None) -> Numbers:
        """Return the probability of each disease, (N, D), rows summing to 1.

        Args:
            known: findings as ``Inference.known`` returns them, and what antibody tests are worth, as
                ``Serology.with_tests`` adds it.
            beside: the logarithm of a likelihood ratio of its own for each disease, the same for all, (D,).
        """
        return np.concatenate(
            [self.given(self.evidence(part), beside) for part in self._parts(known, CHUNK)]
        )

    def _parts(self, known: Table, size: int) -> Iterator[Table]:
        if known.size <= size:
            yield known
            return
        read = known.select(self.likelihoods.reads)
        for start in range(0, known.size, size):
            yield read.take(slice(start, start + size))

    def evidence(self, known: Table) -> Evidence:
        """Return what may be counted of each patient."""
        return self.likelihoods.count(self.likelihoods.observe(known))

    def given(self, evidence: Evidence, beside: Numbers | None = None) -> Numbers:
        """Return the probability of each disease given what may be counted, (N, D)."""
        found = np.empty((len(self.diseases), evidence.size))
        for part, logs in self._logs(evidence, beside):
            found[:, part] = softmax(logs, axis=0)
        self._hold(found, evidence)
        return found.T

    def _hold(self, found: Numbers, evidence: Evidence) -> None:
        """State no disease that rests on estimates as surer than the ceiling allows, unless it is confirmed.

        What is taken from it is given to the others, each in its proportion: the order stays.

        Args:
            found: probabilities, (D, N) or (D, N, draws), changed in their place.
            evidence: of the N patients.
        """
        most = self.base.method.ceiling.at_most
        for place, plane in evidence.unproven.items():
            over = found[place] > most
            if over.any():
                over &= unpack(plane, evidence.size).reshape(-1, *[1] * (over.ndim - 1))
                rest = 1 - found[place][over]
                found[:, over] *= (1 - most) / rest
                found[place][over] = most

    def _logs(
        self, evidence: Evidence, beside: Numbers | None = None
    ) -> Iterator[tuple[slice, Numbers]]:
        """Yield the logarithm of each probability, up to a constant, of some patients at a time, (D, n)."""
        first = self.log_prior if beside is None else self.log_prior + beside
        for part, logs in self.likelihoods.log_ratio(evidence).blocks():
            logs /= self._temperature
            logs += first[:, None]
            # The order is that of the logarithms; how sure it is to be said is another thing.
            logs /= self.base.method.stated_temperature
            yield part, logs

    def table(self, known: Table) -> pl.DataFrame:
        """Return the probabilities as a frame: ``differential.<disease>`` and ``differential.leading``.

        They are rounded: the last digit of a matrix product depends on who else is in the table.

        Args:
            known: as for ``posterior``.
        """
        probability = self.posterior(known).round(DIGITS)
        leading = pl.Series(PREFIX + "leading", self.diseases)
        columns = np.asfortranarray(probability)
        return pl.DataFrame(columns, [PREFIX + name for name in self.diseases]).with_columns(
            leading.gather(probability.argmax(axis=1))
        )

    def interval(self, known: Table) -> tuple[Numbers, Numbers]:
        """Return the 95 % credible interval of each probability, two arrays of shape (N, D).

        Args:
            known: as for ``posterior``.
        """
        draws = (self.draws(self.evidence(part)) for part in self._parts(known, DRAWN))
        low, high = np.concatenate([np.quantile(one, OUTER, axis=-1) for one in draws], axis=1)
        return low, high

    def draws(self, evidence: Evidence) -> Numbers:
        """Return draws of the probabilities, (N, D, draws), as frequencies and priors are uncertain.

        The seed is fixed: the same patient has the same draws in every table.
        """
        variance = self.likelihoods.log_variance(evidence) / self._temperature**2
        spread = np.sqrt(variance + self._prior_variance) / self.base.method.stated_temperature
        found = spread[..., None] * self._normal
        for part, logs in self._logs(evidence):
            found[part] += logs.T[..., None]
        softmax(found, axis=1)
        self._hold(found.swapaxes(0, 1), evidence)
        return found

    def source(self, finding: str, disease: str, measured: bool) -> tuple[str | None, str | None]:
        """Return the work on which a frequency or a distribution rests, and how it was checked."""
        return self._sources[measured].get((disease, finding), (None, None))

    @cached_property
    def _sources(self) -> tuple[dict[tuple[str, str], tuple[str | None, str | None]], ...]:
        return tuple(
            {
                (disease, finding): (source, check)
                for disease, finding, source, check in table.select(
                    "disease", "finding", "source", "check"
                ).iter_rows()
            }
            for table in (self.base.frequencies, self.base.numbers)
        )

    @cached_property
    def _normal(self) -> Numbers:
        """Return draws of the normal distribution, (D, draws)."""
        method = self.base.method
        generator = np.random.default_rng(method.seed)
        drawn = generator.standard_normal((method.draws, len(self.diseases)))
        return np.ascontiguousarray(drawn.T)

    @cached_property
    def _prior_variance(self) -> Numbers:
        """Return the variance of the logarithm of each prior, (D,)."""
        method = self.base.method
        factors = [method.prior_factor[one.prior_confidence] for one in self.base.diseases.values()]
        return np.square(method.prior_power * np.log(factors))

    @property
    def _temperature(self) -> float:
        return self.base.method.temperature

    @cached_property
    def proofs(self) -> Proofs:
        """Return what proves each disease, and what each makes necessary."""
        return Proofs(self.base, self.likelihoods)

    def families(self, probability: Numbers) -> Numbers:
        """Return the summed probability of each family, (N, families), in the order of the file."""
        names = list(self.base.families.families)
        member = np.zeros((len(self.diseases), len(names)))
        for row, one in enumerate(self.base.diseases.values()):
            member[row, names.index(one.family)] = 1
        return probability @ member

    def labelled(self, label: str | None) -> NDArray[np.bool_]:
        """Return which diseases a label stands for, (D,); none for an unknown label."""
        ids = {*self.base.families.labels.get(label or "", ()), label}
        return np.array([one in ids for one in self.diseases])


def softmax(logs: Numbers, axis: int = -1) -> Numbers:
    """Turn logarithms, up to a constant, into probabilities along an axis, in their place."""
    logs -= logs.max(axis=axis, keepdims=True)
    np.exp(logs, out=logs)
    logs /= logs.sum(axis=axis, keepdims=True)
    return logs


def read_setting(path: Path) -> Setting:
    """Read a setting from a YAML file with ``multiply`` and ``only``.

    Raises:
        DocumentError: naming file, line and field of whatever is wrong.
    """
    return load(path, Setting)

"""Made-up patients: a registry drawn from the knowledge, for tests, teaching and measuring speed.

Diseases are drawn by their priors, findings by their frequencies, independently but for what implies or
excludes what. Nothing can be learnt from them about real patients.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from myoresist import knowledge as packaged
from myoresist.arrays.table import Table
from myoresist.case.cells import CODES
from myoresist.case.terms import DECIMALS, LabTest
from myoresist.case.units import converted
from myoresist.cohort.assumptions import Assumptions, Between
from myoresist.cohort.schema import SYNTHETIC
from myoresist.diagnosis.differential.likelihood import AGE, ONSET
from myoresist.diagnosis.differential.schema import BACKGROUND
from myoresist.library import Knowledge
from myoresist.resistance.adequacy.schema import Regimen
from myoresist.resistance.response.visits import DATE, PATIENT, value_column
from myoresist.version import __version__

_EPOCH = date(1970, 1, 1)
PART = 50_000
"""Patients that are drawn together."""
DURATION = "weakness_duration_months"
WITHIN = 1.001
DAYS_PER_MONTH, MONTHS_PER_YEAR = 30.44, 12
RASH, CURRENT = "dm_rash", "glucocorticoid_current"
DM, PM, UNSPECIFIED = "dermatomyositis", "polymyositis", "myositis_unspecified"
LABELS_LEFT_OUT = ("juvenile_dermatomyositis", UNSPECIFIED)
TOLD_ELSEWHERE = ("treatment", "outcome")
"""Groups of findings about which the tables of treatments and visits speak."""
Form = Literal["parquet", "csv"]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class _Streams:
    """Random numbers by name: how many patients are drawn does not change those of the first ones."""

    def __init__(self, seed: int, part: int, patients: int) -> None:
        self._entropy, self.patients = (seed, part), patients

    def _generator(self, name: str) -> np.random.Generator:
        return np.random.default_rng([*self._entropy, zlib.crc32(name.encode())])

    def even(self, name: str, columns: int) -> NDArray[np.float32]:
        """Return even numbers from 0 to 1, one row a patient."""
        return self._generator(name).random((self.patients, columns), dtype=np.float32)

    def one(self, name: str) -> Floats:
        """Return one even number from 0 to 1 a patient."""
        return self._generator(name).random(self.patients)

    def normal(self, name: str, columns: int = 1) -> Floats:
        """Return standard normal numbers, one row a patient."""
        return self._generator(name).standard_normal((self.patients, columns))


@dataclass(frozen=True)
class _Drawn:
    """Patients as they are, before anything is written down; findings as columns."""

    disease: Whole
    present: Mapping[str, Flags]
    numbers: Mapping[str, Floats]
    seen: Mapping[str, Flags]
    thin: Flags
    improves: Flags
    weight: Floats
    assessed: Whole
    span: Whole


@dataclass(frozen=True)
class Simulator:
    """Draws patients with one knowledge and one set of assumptions."""

    knowledge: Knowledge
    seed: int = 0
    visits: int | None = None

    @cached_property
    def assumed(self) -> Assumptions:
        """Return the assumptions beside the knowledge."""
        return Assumptions.load(self.knowledge.folder)

    def part(self, number: int, first: int, patients: int) -> dict[str, pl.DataFrame]:
        """Return some patients as the tables of docs/cohort.md.

        Args:
            number: number of the part, which with the seed decides every patient in it.
            first: number of its first patient, from 1.
            patients: how many.
        """
        draw = _Streams(self.seed, number, patients)
        drawn = self._patients(draw)
        numbers = pl.int_range(first, first + patients, eager=True).cast(pl.String)
        ids = SYNTHETIC + numbers.str.zfill(7)
        visits, level = self._visits(draw, drawn)
        tables = {
            "patients": self._possible(self._table(draw, drawn), visits),
            "findings": self._long(drawn),
            "labs": self._labs(draw, drawn, visits, level),
            "antibodies": self._antibodies(draw, drawn),
            "treatments": self._treatments(draw, drawn),
            "visits": visits.drop("at"),
        }
        named = {}
        for name, table in tables.items():
            whose = ids if name == "patients" else ids.gather(table["patient"])
            named[name] = table.drop("patient", strict=False).insert_column(
                0, whose.rename(PATIENT)
            )
        return named

    # --- who they are ---

    @cached_property
    def _diseases(self) -> tuple[str, ...]:
        return tuple(self.knowledge.differential.base.diseases)

    @cached_property
    def _findings(self) -> tuple[str, ...]:
        """Return the findings to draw, broad ones first and among those what excludes most."""
        base, catalogue = self.knowledge.differential.base, self.knowledge.catalogue
        inference = self.knowledge.inference
        exposures = {f"{one}_exposure" for one in self.assumed.regimens}
        found = [
            x
            for x in base.frequencies["finding"].unique(maintain_order=True).to_list()
            if x not in inference.derivations
            and x not in exposures
            and x != CURRENT
            and catalogue[x].group not in TOLD_ELSEWHERE
        ]
        drawn = set(found)

        def order(name: str) -> tuple[int, int]:
            above = inference.parents.get(name, frozenset())
            return len(drawn & above), -len(inference.partners.get(name, {}))

        return tuple(sorted(found, key=order))

    @cached_property
    def share(self) -> Mapping[str, Floats]:
        """Return how often each finding is drawn in each disease, as published or estimated, from 0 to 1.

        Where a disease has no figure it is that of the background, and 0 for a finding of which as a rule one
        only is found, such as a variant of a gene: the others' background comes from other diseases.
        """
        base = self.knowledge.differential.base
        wide = base.frequencies.pivot(
            on="disease",
            index="finding",
            values="percent",
            on_columns=[*self._diseases, BACKGROUND],
        )
        rows = dict(zip(wide["finding"], wide.drop("finding").to_numpy() / 100, strict=True))
        alone = {x for group in self._alone for x in group}
        found = {}
        for name in self._findings:
            usual = 0.0 if name in alone else np.nan_to_num(rows[name][-1])
            found[name] = np.where(np.isnan(rows[name][:-1]), usual, rows[name][:-1])
        return found

    @cached_property
    def _alone(self) -> tuple[tuple[str, ...], ...]:
        """Return groups of findings of which one patient has one at most."""
        groups = self.knowledge.differential.base.groups
        return tuple(
            tuple(x for x in one.findings if x in self._findings)
            for one in groups
            if one.kind == "exclusive"
        )

    def _patients(self, draw: _Streams) -> _Drawn:
        assumed, base = self.assumed, self.knowledge.differential.base
        prior = np.cumsum([one.prior for one in base.diseases.values()])
        disease = np.searchsorted(prior / prior[-1], draw.one("disease"), side="right")
        disease = np.minimum(disease, len(prior) - 1)
        numbers = self._numbers(draw, disease)
        thin = draw.one("thin") < assumed.thin_share
        days = (assumed.assessed_to - assumed.assessed_from).days
        start = (assumed.assessed_from - _EPOCH).days
        assessed = start + np.floor(draw.one("assessed") * days).astype(np.int64)
        months = numbers[DURATION] if DURATION in numbers else np.zeros(draw.patients)
        lasts = assumed.span_days
        span = np.clip(np.floor(months * DAYS_PER_MONTH), lasts.least, lasts.most)
        heavy = assumed.weight_kg
        weight = heavy.middle * np.exp(heavy.spread * draw.normal("weight")[:, 0])
        return _Drawn(
            disease=disease,
            present=self._present(draw, disease),
            numbers=numbers,
            seen=self._seen(draw, thin),
            thin=thin,
            improves=draw.one("improves") < assumed.improves,
            weight=np.clip(weight, heavy.least, heavy.most).round(),
            assessed=assessed,
            span=span.astype(np.int64),
        )

    def _present(self, draw: _Streams, disease: Whole) -> dict[str, Flags]:
        """Draw findings: a narrow one only with its broad ones, and none with what excludes it."""
        inference = self.knowledge.inference
        even = draw.even("findings", len(self._findings))
        column = {name: index for index, name in enumerate(sorted(self._findings))}
        present: dict[str, Flags] = {}
        alone = {x: group for group in self._alone for x in group}
        taken = {group: np.zeros(len(disease)) for group in self._alone}
        for name in self._findings:
            above = [x for x in inference.parents.get(name, ()) if x in present]
            share = self.share[name]
            allowed = np.ones(len(disease), bool)
            given = np.ones_like(share)
            for parent in above:
                allowed &= present[parent]
                given = np.minimum(given, self.share[parent])
            barred = {x for x in inference.partners.get(name, {}) if x in present}
            for parent in inference.parents.get(name, ()):
                barred |= {x for x in inference.partners.get(parent, {}) if x in present}
            for partner in barred:
                allowed &= ~present[partner]
                if not any(partner in inference.partners.get(x, {}) for x in above):
                    given = given - self.share[partner]
            # What is left of its patients once those are gone who cannot have it.
            chance = np.where(given > 0, np.minimum(share / np.maximum(given, 1e-9), 1), 0)[disease]
            if name in alone:
                # One number decides for all of a group, so that they share it out among them.
                group = alone[name]
                low = taken[group]
                point = even[:, column[group[0]]]
                drawn = (point >= low) & (point < low + chance)
                taken[group] = low + np.where(allowed, chance, 0)
            else:
                drawn = even[:, column[name]] < chance
            present[name] = drawn & allowed
        return present

    def _numbers(self, draw: _Streams, disease: Whole) -> dict[str, Floats]:
        """Draw measured findings from their published quantiles."""
        likelihoods, catalogue = self.knowledge.differential.likelihoods, self.knowledge.catalogue
        order = np.argsort(disease, kind="stable")
        starts = np.searchsorted(disease[order], np.arange(len(self._diseases) + 1))
        found = {}
        for name, table in zip(likelihoods.numbers, likelihoods.distributions, strict=True):
            even = draw.one(name)
            value = np.empty(len(disease))
            grid = table.low + table.step * np.arange(len(table.below))
            for one in np.unique(disease):
                rows = order[starts[one] : starts[one + 1]]
                value[rows] = np.interp(even[rows], table.below[:, one], grid)
            value = value if table.linear else np.exp(value)
            found[name] = np.clip(value, catalogue[name].minimum, catalogue[name].maximum)
        return found

    def _seen(self, draw: _Streams, thin: Flags) -> dict[str, Flags]:
        """Draw what was looked for and written down; a thin record has less of everything."""
        assumed = self.assumed
        names = sorted({*self._findings, *self.knowledge.differential.likelihoods.numbers})
        even = draw.even("written", len(names))
        written = np.where(thin, assumed.written_when_thin, assumed.written)
        seen = {name: even[:, index] < written for index, name in enumerate(names)}
        for one in self.knowledge.differential.base.investigations:
            share = (assumed.done_when_thin[one.invasiveness], assumed.done[one.invasiveness])
            done = draw.one(f"done {one.id}") < np.where(thin, *share)
            for name in one.resolves:
                if self._investigated.get(name) == one.id:
                    seen[name] &= done
        return seen

    @cached_property
    def _investigated(self) -> Mapping[str, str]:
        """Return for each finding the first investigation that answers it."""
        found: dict[str, str] = {}
        drawn = {*self._findings, *self.knowledge.differential.likelihoods.numbers}
        for one in self.knowledge.differential.base.investigations:
            for name in one.resolves:
                if name in drawn:
                    found.setdefault(name, one.id)
        return found

    # --- what is written of them ---

    @cached_property
    def _long_findings(self) -> tuple[str, ...]:
        kind = {x.id: x.invasiveness for x in self.knowledge.differential.base.investigations}
        return tuple(
            x
            for x in self._findings
            if x in self._investigated and kind[self._investigated[x]] == self.assumed.long_form
        )

    @cached_property
    def _tested(self) -> tuple[str, ...]:
        """Return the antibodies that stand in the table of antibodies."""
        known = self.knowledge.serology.knowledge.antibodies
        return tuple(x for x in self._findings if x in known)

    def _table(self, draw: _Streams, drawn: _Drawn) -> pl.DataFrame:
        terms, assumed = self.knowledge.terms, self.assumed
        sections = terms.sections
        female = drawn.present[sections.sex_finding]
        words = {value: name for name, value in sections.sex.items()}
        tempo = pl.lit(None, pl.String)
        frame = pl.DataFrame({x: drawn.present[x] for x in sections.tempo.values()})
        for word, finding in sections.tempo.items():
            tempo = pl.when(finding).then(pl.lit(word)).otherwise(tempo)
        onset = np.floor(drawn.numbers[ONSET])
        months = np.floor(drawn.numbers[DURATION])
        age = np.maximum(np.floor(onset + months / MONTHS_PER_YEAR), assumed.youngest)
        age = np.minimum(age, terms.catalogue[AGE].maximum or np.inf)
        elsewhere = {
            sections.sex_finding, *sections.tempo.values(), *self._tested, *self._long_findings,
        }  # fmt: skip
        columns: dict[str, pl.Series] = {
            DATE: _dates(drawn.assessed),
            "label": self._labels(draw, drawn),
            "final_diagnosis": pl.Series(self._diseases).gather(drawn.disease),
            "sex": pl.Series(np.where(female, words[True], words[False])),
            "tempo": _where(
                drawn.seen[next(iter(sections.tempo.values()))], frame.select(tempo).to_series()
            ),
            "weight_kg": _where(~drawn.thin, pl.Series(drawn.weight)),
            "treatments_complete": pl.Series(draw.one("complete") < assumed.list_complete),
            AGE: pl.Series(age),
            ONSET: _where(drawn.seen[ONSET], pl.Series(onset)),
            DURATION: _where(drawn.seen[DURATION], pl.Series(months)),
        }
        muscle = sections.tissue["muscle"]
        if muscle.done:
            stains = [x for x in self._findings if terms.catalogue[x].group in muscle.groups]
            taken = np.any([drawn.seen[x] for x in stains], axis=0)
            columns[muscle.done] = _where(taken, pl.Series(taken))
        for name in self._findings:
            if name not in elsewhere:
                columns[name] = _where(drawn.seen[name], pl.Series(drawn.present[name]))
        return pl.DataFrame(columns)

    def _possible(self, table: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
        """Return the patients without the columns that cannot be true beside others or their last visit."""
        sections, impossible = self.knowledge.terms.sections, self.knowledge.inference.impossible
        known = [x for x in table.columns if x in self.knowledge.catalogue]
        columns = {
            finding: value_column(self.knowledge.terms.measures[measure])
            for measure, finding in sections.visits.items()
        }
        last = visits.group_by("patient", maintain_order=True).agg(
            pl.col(column).drop_nulls().last().alias(finding)
            for finding, column in columns.items()
            if column in visits.columns
        )
        frame = table.select(
            *known,
            pl.col("label").alias("diagnosis_label"),
            pl.col("sex").replace_strict(sections.sex).alias(sections.sex_finding),
        )
        recorded = Table.of_frame(frame.hstack(last.drop("patient")))
        kept = impossible.without(recorded, impossible.found(recorded)).frame(known)
        return table.with_columns(kept.select(pl.col(x).cast(table.schema[x]) for x in known))

    def _labels(self, draw: _Streams, drawn: _Drawn) -> pl.Series:
        """Return dermatomyositis or polymyositis by the skin; some carry the name of their disease."""
        stands_for = self.knowledge.differential.base.families.labels
        rule = self.knowledge.inference.program.rules[RASH]
        rash = np.any([drawn.present[x] for x in rule.alternatives], axis=0)
        rash |= np.isin(drawn.disease, [self._diseases.index(x) for x in stands_for[DM]])
        usual = np.where(rash, DM, PM)
        written = self.knowledge.catalogue["diagnosis_label"].choices
        own = np.full(len(self._diseases), "", dtype=object)
        for label, diseases in stands_for.items():
            if label in written and label not in LABELS_LEFT_OUT:
                for one in diseases:
                    own[self._diseases.index(one)] = label
        named = own[drawn.disease]
        wears = (draw.one("own label") < self.assumed.own_label) & (named != "")
        said = pl.Series(np.where(wears, named, usual).astype(str))
        return _where(draw.one("no label") >= self.assumed.no_label, said)

    def _long(self, drawn: _Drawn) -> pl.DataFrame:
        parts = []
        for name in self._long_findings:
            rows = np.flatnonzero(drawn.seen[name])
            value = pl.Series(drawn.present[name][rows])
            parts.append(
                pl.DataFrame({"patient": rows, "value": value}).with_columns(finding=pl.lit(name))
            )
        table = pl.concat(parts).sort("patient", maintain_order=True)
        said = pl.when("value").then(pl.lit("yes")).otherwise(pl.lit("no"))
        return table.select("patient", "finding", value=said)

    def _antibodies(self, draw: _Streams, drawn: _Drawn) -> pl.DataFrame:
        assumed, catalogue = self.assumed, self.knowledge.catalogue
        even = draw.even("antibodies", 2 * len(self._tested))
        method = _chosen(draw.one("method"), assumed.methods)
        again = list(assumed.methods)[-1]
        order = sorted(self._tested)
        parts = []
        for name in self._tested:
            place = order.index(name)
            strength, confirmed = even[:, 2 * place], even[:, 2 * place + 1]
            rows = np.flatnonzero(drawn.seen[name])
            there = drawn.present[name][rows]
            weak = strength[rows] < assumed.weak_when_absent
            band = _chosen(strength[rows], assumed.strengths)
            result = np.where(there, band, np.where(weak, "weak", "negative"))
            first = pl.DataFrame({"patient": rows, "method": method[rows], "result": result})
            sure = there & (confirmed[rows] < assumed.confirmed) & (method[rows] != again)
            second = pl.DataFrame({"patient": rows[sure]}).with_columns(
                method=pl.lit(again), result=pl.lit("positive")
            )
            parts += [x.with_columns(antibody=pl.lit(catalogue[name].id)) for x in (first, second)]
        table = pl.concat(parts, how="vertical_relaxed").sort("patient", maintain_order=True)
        return table.select("patient", "antibody", "method", "result")

    def _labs(
        self, draw: _Streams, drawn: _Drawn, visits: pl.DataFrame, level: Floats
    ) -> pl.DataFrame:
        """Write measured findings as samples; of the enzyme of the visits, one sample a visit."""
        parts = []
        last = visits.group_by("patient", maintain_order=True).agg(pl.col(DATE).last())[DATE]
        for test in self.knowledge.terms.labs.values():
            name, limited = self._number_of(test)
            if name is None or name not in drawn.numbers:
                continue
            value, seen = drawn.numbers[name], drawn.seen[name]
            if test.id == self.assumed.followed:
                whose = visits["patient"].to_numpy()
                share = level / np.maximum.reduceat(level, np.flatnonzero(visits["at"] == 0))[whose]
                rows, dates = whose, visits[DATE]
            else:
                whose = np.arange(len(value))
                rows, share, dates = whose, np.ones(len(value)), last
            kept = seen[whose]
            rows, share, dates = rows[kept], share[kept], dates.filter(pl.Series(kept))
            measured = value[rows] * share
            limit = None
            if limited:
                given = np.array(self.assumed.upper_limits[test.id])
                pick = np.floor(draw.one(f"limit {test.id}") * len(given)).astype(np.int64)
                limit = given[pick][rows]
                measured = measured * limit
            # So far from what is possible at most that no rounding goes beyond.
            measured = np.clip(measured, test.minimum * WITHIN, test.maximum / WITHIN)
            foreign = draw.one(f"unit {test.id}")[rows] < self.assumed.other_unit
            unit, factor = _other_unit(test)
            scale = np.where(foreign, factor, 1.0)
            written = _significant(measured / scale)
            if test.whole:
                # With three decimals it could be thousands.
                written = np.where(scale < DECIMALS, written.round(2), written)
            # What is a usual code for a missing value is not drawn.
            written = np.where(np.isin(written, CODES), written - 1, written)
            parts.append(
                pl.DataFrame(
                    {
                        "patient": rows,
                        "test": pl.Series([test.synonyms[0]]).new_from_index(0, len(rows)),
                        "value": written,
                        "unit": np.where(foreign, unit, test.unit),
                        "upper_limit": _significant(limit / scale)
                        if limit is not None
                        else pl.Series([None], dtype=pl.Float64).new_from_index(0, len(rows)),
                        DATE: dates,
                    }
                )
            )
        return pl.concat(parts).sort("patient", maintain_order=True)

    def _number_of(self, test: LabTest) -> tuple[str | None, bool]:
        """Return the measured finding that a laboratory test gives, and whether as multiple of its limit."""
        rules = self.knowledge.inference.program.rules
        for use in test.findings:
            if use.upper_limit is None:
                return use.value, False
            for name, rule in rules.items():
                if rule.reads == {use.value, use.upper_limit}:
                    return name, True
        return None, False

    def _visits(self, draw: _Streams, drawn: _Drawn) -> tuple[pl.DataFrame, Floats]:
        """Return visits with their measures, and the activity of the disease at each."""
        assumed, measures = self.assumed, self.knowledge.terms.measures
        least, most = int(assumed.visits.least), int(assumed.visits.most)
        if self.visits is None:
            number = least + np.floor(draw.one("visits") * (most - least + 1)).astype(np.int64)
        else:
            least, most = self.visits, self.visits
            number = np.full(draw.patients, most)
        wide = max(int(assumed.visits.most), most)
        begin = _between(draw.one("begins"), assumed.begins)
        gain = -begin * _between(draw.one("gain"), assumed.gain)
        change = np.where(drawn.improves, gain, _between(draw.one("drift"), assumed.drift))
        noise = draw.normal("wavering", wide)
        patient = np.repeat(np.arange(draw.patients), number)
        at = np.arange(len(patient)) - np.repeat(np.cumsum(number) - number, number)
        waver = np.zeros_like(noise)
        fresh = np.sqrt(1 - assumed.memory**2)
        for step in range(wide):
            before = waver[:, step - 1] * assumed.memory if step else 0
            waver[:, step] = before + (fresh if step else 1) * noise[:, step]
        when = at / np.maximum(number[patient] - 1, 1)
        level = begin[patient] + change[patient] * when + assumed.wavering * waver[patient, at]
        level = np.clip(level, assumed.calmest, 1)
        ago = np.floor((1 - when) * np.maximum(drawn.span, wide)[patient]).astype(np.int64)
        columns: dict[str, pl.Series] = {
            "patient": pl.Series(patient),
            "at": pl.Series(at),
            DATE: _dates(drawn.assessed[patient] - ago),
            "on_treatment": pl.Series(at > 0),
        }
        for name, scale in assumed.measures.items():
            one = measures[name]
            apart = assumed.measure_spread * draw.normal(f"measure {name}", wide)[patient, at]
            used = np.clip(level + apart, 0, 1) * scale.reach * (one.maximum - one.minimum)
            value = one.minimum + used if one.better < 0 else one.maximum - used
            stepped = (np.round(value / scale.step) * scale.step).round(3)
            kept = draw.even(f"missing {name}", wide)[patient, at] >= scale.missing
            columns[value_column(one)] = _where(kept, pl.Series(stepped))
        return pl.DataFrame(columns), level

    # --- what they were given ---

    def _treatments(self, draw: _Streams, drawn: _Drawn) -> pl.DataFrame:
        """Return a glucocorticoid that is tapered, then one regimen after the other."""
        steroid, rest = self._glucocorticoid(draw, drawn), self._others(draw, drawn)
        table = pl.concat([steroid, rest]).sort("patient", "from", maintain_order=True)
        # Which rows are vague is told from the row's own number within the patient.
        place = table.select(pl.int_range(pl.len()).over("patient")).to_series().to_numpy()
        whose = table["patient"].to_numpy()
        wide = int(self._most_courses)
        vague = draw.even("vague", wide)[whose, place]
        stated = draw.even("stated", wide)[whose, place]
        answer = draw.even("answer", wide)[whose, place]
        why = draw.even("why", wide)[whose, place]
        assumed = self.assumed
        by_outcome = np.where(
            drawn.improves[whose],
            _chosen(answer, assumed.responses.improves),
            _chosen(answer, assumed.responses.does_not),
        )
        response = _where(stated >= assumed.no_response_stated, pl.Series(by_outcome))
        reason = _where(~table["ongoing"].to_numpy() & table["last_step"].to_numpy(),
                        pl.Series(_chosen(why, assumed.reasons)))  # fmt: skip
        year = assumed.vague_year
        length = (
            pl.when(pl.Series(vague < year))
            .then(4)
            .when(pl.Series(vague < year + assumed.vague_month))
            .then(7)
            .otherwise(10)
        )
        undated = pl.Series(vague > 1 - assumed.undated) & ~table["ongoing"]

        def day(column: str) -> pl.Expr:
            text = pl.from_epoch(pl.col(column), "d").cast(pl.String).str.slice(0, length)
            return pl.when(~undated).then(text)

        return table.select(
            "patient",
            "drug",
            "dose",
            "unit",
            "frequency",
            "route",
            start=day("from"),
            stop=pl.when(~pl.col("ongoing")).then(day("to")),
            ongoing=pl.when("ongoing").then(pl.lit(True)),
            weeks=pl.when(undated & (pl.col("to") > pl.col("from"))).then(
                ((pl.col("to") - pl.col("from")) / pl.lit(7.0)).ceil()
            ),
            response=response,
            reason_stopped=reason,
        )

    @property
    def _most_courses(self) -> int:
        return max(self.assumed.courses) + len(self.assumed.glucocorticoid.taper)

    def _glucocorticoid(self, draw: _Streams, drawn: _Drawn) -> pl.DataFrame:
        given, assumed = self.assumed.glucocorticoid, self.assumed
        least = self._regimens[given.regimen].doses[0]
        factor = np.array(given.doses)[_index(draw.one("steroid dose"), len(given.doses))]
        first = np.minimum((least.at_least or 0) * factor * drawn.weight, given.at_most)
        drug = _chosen(draw.one("steroid"), given.drugs)
        goes_on = draw.one("steroid goes on") < given.goes_on
        begin = drawn.assessed - drawn.span
        # Whoever stops has done so before the assessment.
        time = drawn.span * np.where(goes_on, 1, draw.one("steroid time"))
        time = np.maximum(time, assumed.shortest_days * len(given.taper))
        parts, spent = [], 0.0
        for number, (share, part) in enumerate(given.taper.items(), 1):
            final = number == len(given.taper)
            start = begin + np.floor(time * spent).astype(np.int64)
            spent += part
            stop = begin + np.floor(time * min(spent, 1.0)).astype(np.int64) - 1
            stop = np.maximum(np.minimum(stop, drawn.assessed), start)
            dose = np.maximum(np.round(first * share / given.rounded_to), 1) * given.rounded_to
            parts.append(
                _courses(drug, dose, "mg", "daily", "oral", start, stop, goes_on & final, final)
            )
        return pl.concat(parts)

    def _others(self, draw: _Streams, drawn: _Drawn) -> pl.DataFrame:
        assumed = self.assumed
        names = list(assumed.regimens)
        weights = np.array([assumed.regimens[x] for x in names])
        # The smallest of exponential times by weight: a draw without putting back.
        waits = -np.log1p(-draw.even("regimens", len(names)).astype(np.float64)) / weights
        most = max(assumed.courses)
        chosen = np.argsort(waits, axis=1)[:, :most]
        wanted = _chosen(draw.one("courses"), {str(k): v for k, v in assumed.courses.items()})
        number = wanted.astype(np.int64)
        weeks = np.array([self._regimens[x].weeks or 0 for x in names])[chosen]
        factor = _between(draw.even("time", most).astype(np.float64), assumed.times)
        days = np.maximum(np.round(weeks * 7 * factor), assumed.shortest_days)
        used = np.arange(most) < number[:, None]
        pauses = assumed.pause_days * (number - 1)
        total = (days * used).sum(axis=1)
        room = np.maximum(drawn.span - pauses, assumed.shortest_days * number)
        days = np.maximum(
            np.floor(days * np.minimum(1, room / total)[:, None]), assumed.shortest_days
        )
        length = days + assumed.pause_days
        before = np.cumsum(length * used, axis=1) - length * used
        whole = (length * used).sum(axis=1) - assumed.pause_days
        begin = (drawn.assessed - whole)[:, None] + before
        goes_on = draw.one("goes on") < assumed.goes_on
        dose_factor = np.array(assumed.doses)[_index(draw.even("dose", most), len(assumed.doses))]
        parts = []
        for place in range(most):
            for index, name in enumerate(names):
                rows = np.flatnonzero(used[:, place] & (chosen[:, place] == index))
                least = self._regimens[name].doses[0]
                unit, often = self._written(least.unit)
                # Three digits behind a point could be thousands.
                dose = ((least.at_least or 0) * dose_factor[rows, place]).round(2)
                start = begin[rows, place].astype(np.int64)
                stop = start + days[rows, place].astype(np.int64)
                last = goes_on[rows] & (number[rows] == place + 1) & (often is not None)
                drug = np.full(len(rows), least.drugs[0])
                route = least.routes[0] if least.routes else None
                if often is None:
                    stop = start
                table = _courses(
                    drug, dose, unit, often or self._single, route, start, stop, last, True
                )
                parts.append(table.with_columns(patient=pl.Series(rows)))
        return pl.concat(parts).sort("patient", "from", maintain_order=True)

    @cached_property
    def _regimens(self) -> Mapping[str, Regimen]:
        return {x.id: x for x in self.knowledge.resistance.treatments.regimens.regimens}

    @property
    def _single(self) -> str:
        return self.knowledge.terms.doses.single[0]

    def _written(self, unit: str) -> tuple[str, str | None]:
        """Return a unit without its time, and the frequency that the time stands for."""
        words = self.knowledge.terms.doses
        known = words.unit(unit)
        amount = unit
        if known is None or known.days is None:
            return amount, None
        amount = "/".join(unit.split("/")[: 1 + (known.body is not None)])
        often = next(x for x in words.frequencies if x.times == 1 and x.days == known.days)
        return amount, often.words[0]


def parts(
    patients: int,
    seed: int = 0,
    knowledge: Knowledge | None = None,
    visits: int | None = None,
    size: int = PART,
) -> Iterator[dict[str, pl.DataFrame]]:
    """Draw patients part by part, so that any number needs the memory of one part.

    Args:
        patients: how many.
        seed: with the number of the part, it decides every patient; fewer patients are the first of more.
        knowledge: from which to draw; the packaged knowledge when left out.
        visits: visits of each patient; drawn, when left out.
        size: patients of a part.

    Yields:
        The tables of docs/cohort.md.
    """
    simulator = Simulator(knowledge or Knowledge.load(), seed, visits)
    for number, first in enumerate(range(0, patients, size)):
        yield simulator.part(number, first + 1, min(size, patients - first))


def simulate(
    patients: int, seed: int = 0, knowledge: Knowledge | None = None
) -> dict[str, pl.DataFrame]:
    """Draw patients that fit into memory, as the tables of docs/cohort.md; see ``parts``."""
    drawn = list(parts(patients, seed, knowledge))
    return {name: pl.concat([one[name] for one in drawn]) for name in drawn[0]}


def prepare(folder: Path) -> None:
    """Make a folder to write to, if it is not there.

    Raises:
        FileExistsError: if there is anything in it.
        OSError: if it cannot be made.
    """
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder}: is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)


def write(
    folder: Path,
    patients: int,
    seed: int = 0,
    form: Form = "parquet",
    visits: int | None = None,
    told: Callable[[int], object] | None = None,
    size: int = PART,
) -> None:
    """Write a registry of made-up patients: a folder of parts for each table, and what it is.

    Args:
        folder: where to; it is made, and it is empty if it is there.
        patients: how many.
        seed: see ``parts``.
        form: of the files.
        visits: of each patient; drawn when left out.
        told: is called with the number of patients after each part.
        size: patients of a part.

    Raises:
        FileExistsError: if there is anything in the folder.
        OSError: if it cannot be written.
    """
    prepare(folder)
    # First, so that a folder that is half written says what it holds, too.
    (folder / "README.txt").write_text(_about(patients, seed, form, visits), encoding="utf-8")
    for number, tables in enumerate(parts(patients, seed, visits=visits, size=size)):
        for name, table in tables.items():
            (folder / name).mkdir(exist_ok=True)
            file = folder / name / f"{name}-{number:05}.{form}"
            if form == "csv":
                table.write_csv(file)
            else:
                table.write_parquet(file)
        if told:
            told(tables["patients"].height)


def _about(patients: int, seed: int, form: Form, visits: int | None) -> str:
    often = "" if visits is None else f" --visits {visits}"
    command = f"myoresist simulate {patients} --out FOLDER --seed {seed} --format {form}{often}"
    return (
        "SYNTHETIC DATA. No patient of this folder exists.\n\n"
        f"{patients} patients were drawn from the knowledge of myoresist ({packaged.version()}) by\n"
        f"myoresist {__version__} with seed {seed}:\n\n    {command}\n\n"
        "Diseases follow the priors and findings the frequencies of the differential diagnosis, which are\n"
        "partly estimates, independently of each other except where one implies or excludes another. What\n"
        "is missing, treatments and visits rest on assumptions (knowledge/simulation.yaml). The data serve\n"
        "to test and to teach; nothing about real patients, nor how good a diagnosis is, follows from them.\n"
        "final_diagnosis is the disease that was drawn.\n"
    )


def _courses(
    drug: NDArray[np.str_],
    dose: Floats,
    unit: str,
    frequency: str,
    route: str | None,
    start: Whole,
    stop: Whole,
    ongoing: Flags,
    last_step: bool,
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "patient": np.arange(len(drug)), "drug": drug, "dose": dose, "from": start, "to": stop,
            "ongoing": ongoing,
        }
    ).with_columns(
        unit=pl.lit(unit),
        frequency=pl.lit(frequency),
        route=pl.lit(route, pl.String),
        last_step=pl.lit(last_step),
    )  # fmt: skip


def _other_unit(test: LabTest) -> tuple[str, float]:
    """Return a unit in which a value differs from the usual one, and how much one of it is in that."""
    for unit in test.units:
        factor = converted(1.0, unit, test)
        if factor != 1:
            return unit, factor
    return test.unit, 1.0


def _chosen(even: NDArray[np.floating], shares: Mapping[str, float]) -> NDArray[np.str_]:
    """Return for each even number the word into whose share it falls."""
    words = np.array(list(shares))
    ends = np.cumsum(list(shares.values()))
    found: NDArray[np.str_] = words[
        np.minimum(np.searchsorted(ends, even, "right"), len(words) - 1)
    ]
    return found


def _index(even: NDArray[np.floating], number: int) -> Whole:
    found: Whole = np.minimum(np.floor(even * number), number - 1).astype(np.int64)
    return found


def _between(even: Floats, bounds: Between) -> Floats:
    return bounds.least + (bounds.most - bounds.least) * even


def _where(kept: Flags, values: pl.Series) -> pl.Series:
    """Return values, and nothing where they are not known."""
    return pl.select(pl.when(pl.Series(kept)).then(values)).to_series()


def _dates(days: Whole) -> pl.Series:
    return pl.Series(days).cast(pl.Int32).cast(pl.Date)


def _significant(values: Floats) -> Floats:
    """Round to four digits, as a laboratory would."""
    with np.errstate(divide="ignore"):
        digits = 3 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(digits), digits, 0)
    rounded: Floats = np.round(values * scale) / scale
    return rounded

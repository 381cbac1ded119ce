"""What is written down of patients: the tables of patients and of findings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from myoresist.arrays.table import Table
from myoresist.cohort.synthetic.assumptions import Assumptions
from myoresist.cohort.synthetic.people import DURATION, Drawn, People
from myoresist.cohort.synthetic.population import Population
from myoresist.cohort.synthetic.streams import Streams, dates, where, whole
from myoresist.diagnosis.differential.likelihood import AGE, ONSET
from myoresist.library import Knowledge
from myoresist.resistance.response.visits import DATE, value_column

_RASH = "dm_rash"
_DM, _PM, _UNSPECIFIED = "dermatomyositis", "polymyositis", "myositis_unspecified"
_JUVENILE = {_DM: "juvenile_dermatomyositis", _PM: "juvenile_polymyositis"}
_LEFT_OUT = (*_JUVENILE.values(), _UNSPECIFIED)
SITE, ANCESTRY = "site", "ancestry"
CARRIED = (SITE, ANCESTRY)
"""Columns that the registry keeps, and that no question needs."""


@dataclass(frozen=True)
class Records:
    """Writes the patients down."""

    knowledge: Knowledge
    assumed: Assumptions
    people: People

    @property
    def population(self) -> Population:
        """Return what the patients are drawn from."""
        return self.people.population

    @cached_property
    def long_findings(self) -> tuple[str, ...]:
        """Return the findings that stand in the long table."""
        kind = {x.id: x.invasiveness for x in self.knowledge.differential.base.investigations}
        by, form = self.people.investigated, self.assumed.records.long_form
        return tuple(x for x in self.population.findings if x in by and kind[by[x]] == form)

    @cached_property
    def tested(self) -> tuple[str, ...]:
        """Return the antibodies that stand in the table of antibodies."""
        known = self.knowledge.serology.knowledge.antibodies
        return tuple(x for x in self.population.findings if x in known)

    def patients(self, draw: Streams, drawn: Drawn) -> pl.DataFrame:
        """Return one row a patient, with the columns that are carried through."""
        terms, findings = self.knowledge.terms, self.population.findings
        sections = terms.sections
        words = {value: name for name, value in sections.sex.items()}
        tempo = pl.lit(None, pl.String)
        frame = pl.DataFrame({x: drawn.present[x] for x in sections.tempo.values()})
        for word, finding in sections.tempo.items():
            tempo = pl.when(finding).then(pl.lit(word)).otherwise(tempo)
        elsewhere = {
            sections.sex_finding, *sections.tempo.values(), *self.tested, *self.long_findings,
        }  # fmt: skip
        female = drawn.present[sections.sex_finding]
        columns: dict[str, pl.Series] = {
            SITE: pl.Series([x.id for x in self.assumed.sites.centres]).gather(drawn.site),
            ANCESTRY: where(drawn.seen[ONSET], pl.Series(drawn.ancestry)),
            DATE: dates(drawn.assessed),
            "label": self._labels(draw, drawn),
            "final_diagnosis": pl.Series(self.population.diseases).gather(drawn.disease),
            "sex": pl.Series(np.where(female, words[True], words[False])),
            "tempo": where(
                drawn.seen[next(iter(sections.tempo.values()))], frame.select(tempo).to_series()
            ),
            "weight_kg": where(~drawn.thin, whole(drawn.weight)),
            "treatments_complete": pl.Series(
                draw.one("complete") < self.assumed.records.list_complete
            ),
            AGE: whole(drawn.age),
            ONSET: where(drawn.seen[ONSET], whole(drawn.numbers[ONSET])),
            DURATION: where(drawn.seen[DURATION], whole(drawn.numbers[DURATION])),
        }
        told = self.assumed.records
        written = draw.one("subtype") < told.subtype_written
        columns[told.subtype_finding] = where(written, columns["label"] == told.subtype)
        muscle = sections.tissue["muscle"]
        if muscle.done:
            stains = [x for x in findings if terms.catalogue[x].group in muscle.groups]
            taken = np.any([drawn.seen[x] for x in stains], axis=0)
            columns[muscle.done] = where(taken, pl.Series(taken))
        for name in findings:
            if name not in elsewhere:
                columns[name] = where(drawn.seen[name], pl.Series(drawn.present[name]))
        return pl.DataFrame(columns)

    def possible(self, table: pl.DataFrame, visits: pl.DataFrame) -> pl.DataFrame:
        """Return the patients without the cells that cannot be true beside others or their last visit."""
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

    def _labels(self, draw: Streams, drawn: Drawn) -> pl.Series:
        """Return dermatomyositis or polymyositis by the skin; some carry the name of their disease."""
        told, diseases = self.assumed.records, self.population.diseases
        stands_for = self.knowledge.differential.base.families.labels
        rule = self.knowledge.inference.program.rules[_RASH]
        rash = np.any([drawn.present[x] for x in rule.alternatives], axis=0)
        rash |= np.isin(drawn.disease, [diseases.index(x) for x in stands_for[_DM]])
        usual = np.where(rash, _DM, _PM)
        written = self.knowledge.catalogue["diagnosis_label"].choices
        own = np.full(len(diseases), "", dtype=object)
        for label, some in stands_for.items():
            if label in written and label not in _LEFT_OUT:
                for one in some:
                    own[diseases.index(one)] = label
        named = own[drawn.disease]
        wears = (draw.one("own label") < told.own_label) & (named != "")
        # What begins in childhood goes by another name.
        early = np.zeros(len(drawn.disease), bool)
        for name in self.assumed.children.share:
            early |= drawn.disease == diseases.index(name)
        early &= drawn.numbers[ONSET] < max(self.assumed.children.younger.values())
        juvenile = np.where(usual == _DM, _JUVENILE[_DM], _JUVENILE[_PM])
        said = np.where(early, juvenile, np.where(wears, named, usual)).astype(str)
        return where(draw.one("no label") >= told.no_label, pl.Series(said))

    def findings(self, drawn: Drawn) -> pl.DataFrame:
        """Return the findings of long form, one row each."""
        parts = []
        for name in self.long_findings:
            rows = np.flatnonzero(drawn.seen[name])
            value = pl.Series(drawn.present[name][rows])
            parts.append(
                pl.DataFrame({"patient": rows, "value": value}).with_columns(finding=pl.lit(name))
            )
        table = pl.concat(parts).sort("patient", maintain_order=True)
        said = pl.when("value").then(pl.lit("yes")).otherwise(pl.lit("no"))
        return table.select("patient", "finding", value=said)

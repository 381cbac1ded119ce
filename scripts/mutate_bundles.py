"""Mutate FHIR bundles at random: no traceback, and nothing is concluded from what was spoilt.

    python scripts/mutate_bundles.py [BUNDLES] [SEED] [--jobs N] [--assess SHARE]

Bundles drawn from the bundled cases, and one that holds every kind of resource that is read, are changed:
bytes, structure, values, units, codes, statuses, references, dates, numbers. Each is read or refused in one
line. What is read may say less than before, or say that it does not know; a *no*, a label, a drug or a value
that the unspoilt bundle does not say has to stand in what was written into it. Some are assessed as well.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

from myoresist import Knowledge, assess
from myoresist.case.reading import read_case
from myoresist.case.record import record
from myoresist.document import DocumentError
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.fhir.datatypes import codings
from myoresist.exchange.fhir.written import written
from myoresist.exchange.received import Received

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "src" / "myoresist" / "examples").glob("*.yaml"))
SECTIONS = ("findings", "exposures", "comorbidities")
JUNK: tuple[Any, ...] = (
    None, "", " ", "x", "\0", "unknown", "entered-in-error", "refuted", "cancelled", "final", "active", "NaN",
    "-1", "1e400", "< 7", ">", "<>", "±", ".", "NEG", "POS", "H", "N", True, False, 0, -1, 1e308, 10**400,
       [], {}, [None], [[]], {"coding": [None]}, {"coding": [{}]}, {"value": 1}, {"reference": "#x"},
    {"reference": 7}, "9999-12-31", "0000", "2016", "2016-13-45", "2016-02-30T25:61:00+99:00", "U/L", "mg/dL",
    "[IU]/L", "kg", "wk", "d", "Patient/other", "http://loinc.org", "http://snomed.info/sct", "urn:uuid:0",
    "History of", "?", "x" * 10_000, "\ud800", "ř́",
)  # fmt: skip
RENAMED = ("modifierExtension", "status", "value", "code", "valueString")
DENIALS = ("refuted", "260385009", "260415000", "NEG", "ND", "false", "negative", "not detected")
ASSESSED = 0.05
SLOW = 10.0
"""Seconds of a processor that no bundle may take."""
Resource = dict[str, Any]


def everything() -> list[Resource]:
    """Return a patient with one resource of every kind that is read."""
    subject = {"reference": "Patient/patient"}
    text = base64.b64encode(
        b"She has dysphagia. No arthralgia. CK 8000 U/L on 2024-02-01."
    ).decode()

    def coded(system: str, code: str) -> Resource:
        return {"coding": [{"system": system, "code": code}]}

    sure = coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed")
    active = coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")
    snomed, loinc = "http://snomed.info/sct", "http://loinc.org"
    dose = {
        "text": "15 mg once weekly",
        "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}},
        "doseAndRate": [{"doseQuantity": {"value": 15, "unit": "mg"}}],
    }
    mtx = coded("http://www.nlm.nih.gov/research/umls/rxnorm", "6851")
    own: list[Resource] = [
        {"resourceType": "Condition", "code": coded(snomed, "31384009"), "verificationStatus": sure,
         "clinicalStatus": active, "onsetDateTime": "2022-03"},
        {"resourceType": "Condition", "code": coded(snomed, "40739000"), "clinicalStatus": active,
         "verificationStatus": coded("http://x/condition-ver-status", "refuted")},
        {"resourceType": "Observation", "status": "final", "code": coded(loinc, "2157-6"),
         "effectiveDateTime": "2023-01-02", "valueQuantity": {"value": 6800, "unit": "U/L", "code": "U/L"},
         "referenceRange": [{"high": {"value": 170, "unit": "U/L"}}]},
        {"resourceType": "Observation", "status": "final", "code": coded(loinc, "8076-2"),
         "valueCodeableConcept": coded(snomed, "260385009")},
        {"resourceType": "Observation", "status": "final", "code": coded(loinc, "29463-7"),
         "valueQuantity": {"value": 61, "unit": "kg"}},
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order",
         "medicationCodeableConcept": mtx, "dosageInstruction": [dose]},
        {"resourceType": "MedicationAdministration", "status": "completed", "medicationCodeableConcept": mtx,
         "effectiveDateTime": "2023-02-01", "dosage": {"dose": {"value": 20, "unit": "mg"}}},
        {"resourceType": "AllergyIntolerance", "code": mtx, "clinicalStatus": active,
         "verificationStatus": sure},
        {"resourceType": "Procedure", "status": "completed", "code": coded(snomed, "20720000"),
         "performedDateTime": "2023-03-01"},
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "zoster"}},
        {"resourceType": "FamilyMemberHistory", "status": "completed", "relationship": {"text": "mother"},
         "condition": [{"code": coded(snomed, "40739000")}]},
        {"resourceType": "DocumentReference", "status": "current",
         "content": [{"attachment": {"contentType": "text/plain", "data": text}}]},
        {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "Muscle biopsy"},
         "conclusion": "Perifascicular atrophy.", "result": [{"reference": "Observation/r2"}]},
        {"resourceType": "Composition", "status": "final", "section": [
            {"title": "History", "text": {"status": "additional", "div": "<div>No rash.</div>"}}]},
    ]  # fmt: skip
    about = [{"id": f"r{number}", "subject": subject, **one} for number, one in enumerate(own)]
    return [
        {"resourceType": "Patient", "id": "patient", "gender": "female", "birthDate": "1960-05"},
        *about,
    ]


@cache
def bundles() -> tuple[str, ...]:
    """Return the bundles that are changed, as JSON."""
    drawn = [everything()]
    for path in EXAMPLES:
        form = "QuestionnaireResponse"
        drawn.append([x for x in written(read_case(path)) if x["resourceType"] != form])
    return tuple(
        json.dumps(
            {
                "resourceType": "Bundle",
                "type": "collection",
                "entry": [{"resource": x} for x in own],
            }
        )
        for own in drawn
    )


@cache
def unspoilt(number: int) -> Received:
    """Return what an unspoilt bundle says."""
    return read_fhir(bundles()[number])


def changed(dice: random.Random, text: str) -> bytes | str:
    """Return a bundle with one to four changes."""
    if dice.random() < 0.15:
        raw = bytearray(text.encode())
        for _ in range(dice.randint(1, 4)):
            place = dice.randrange(len(raw))
            raw[place : place + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        return bytes(raw)
    data = json.loads(text)
    for _ in range(dice.randint(1, 4)):
        _change(dice, data)
    return json.dumps(data)


def _change(dice: random.Random, data: Any) -> None:
    """Change one place: replace, remove, repeat, rename, move, or take from elsewhere."""
    places = list(_places(data))
    held, key = dice.choice(places)
    how = dice.randrange(7)
    if how <= 2:
        held[key] = dice.choice(JUNK)
    elif how == 3:
        del held[key]
    elif how == 4 and isinstance(held, list):
        held.append(held[key])
    elif how == 5 and isinstance(held, dict):
        held[dice.choice((*RENAMED, f"_{key}"))] = held.pop(key)
    else:
        other, name = dice.choice(places)
        held[key] = json.loads(json.dumps(other[name]))


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    keys = data.keys() if isinstance(data, dict) else range(len(data))
    for key in list(keys):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from _places(data[key])


def invented(before: Received, after: Received, text: str) -> list[str]:
    """Return what a spoilt bundle says though neither the unspoilt one nor its own words do."""
    old, new = before.written, after.written
    found = []
    known = {name: value for x in SECTIONS for name, value in old.get(x, {}).items()}
    said = {name: value for x in SECTIONS for name, value in new.get(x, {}).items()}
    for name, answer in said.items():
        if answer is False and known.get(name) is not False and not _denied(name, text):
            found.append(f"{name}: no")
    if new.get("label") not in (None, old.get("label")) and new["label"] not in _labels(text):
        found.append(f"label {new['label']}")
    drugs = {x["drug"] for x in old.get("treatments", ())}
    found += [f"drug {x['drug']}" for x in new.get("treatments", ()) if x["drug"] not in drugs]
    values = {x.get("value") for x in old.get("labs", ())}
    for lab in new.get("labs", ()):
        value = lab.get("value")
        if (
            isinstance(value, int | float)
            and value not in values
            and repr(value).removesuffix(".0") not in text
        ):
            found.append(f"value {value}")
    return found


def _denied(name: str, text: str) -> bool:
    """Tell whether a resource with the code of a finding holds a word that denies it."""
    return any(
        name in _said(one, "finding") and any(x in json.dumps(one) for x in DENIALS)
        for held, key in _places(json.loads(text))
        if isinstance(one := held[key], dict) and "code" in one
    )


def _labels(text: str) -> set[str]:
    return _said(json.loads(text), "label")


def _said(data: Any, kind: str) -> set[str]:
    """Return what codes anywhere within say."""
    found: set[str] = set()
    for held, key in _places(data):
        if key == "coding":
            found |= {x.id for x in packaged_codes().of(codings(held)) if x.kind == kind}
    return found


def tried(seed: int, share: float) -> tuple[str, str]:
    """Read one spoilt bundle, and return what became of it, with what was wrong."""
    dice = random.Random(seed)
    number = dice.randrange(len(bundles()))
    text = changed(dice, bundles()[number])
    begun = time.process_time()
    try:
        read = read_fhir(text)
    except DocumentError as error:
        wrong = "" if len(error.problems) >= 1 else "refused without a word"
        return "refused", wrong
    plain = text if isinstance(text, str) else text.decode("utf-8", "replace")
    wrong = "; ".join(invented(unspoilt(number), read, plain))
    record(read.case)
    read.yaml()
    read.json()
    if dice.random() < share:
        assess(read.case, Knowledge.load())
    if time.process_time() - begun > SLOW:
        wrong += " slow"
    return "read", wrong


def some(seeds: range, share: float) -> tuple[Counter[str], list[str]]:
    """Try the bundles of some seeds, and return the counts and what was wrong, each with its seed."""
    counts: Counter[str] = Counter()
    wrong = []
    bundles()
    for number in range(len(bundles())):
        unspoilt(number)
    for seed in seeds:
        try:
            kind, said = tried(seed, share)
        except Exception as error:
            kind, said = "crashed", f"{type(error).__name__}: {error}"
        counts[kind] += 1
        if said:
            wrong.append(f"seed {seed}: {said[:300]}")
    return counts, wrong


def main() -> int:
    """Mutate bundles and print what came out; 1 if anything was wrong."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("bundles", nargs="?", type=int, default=1000)
    asked.add_argument("seed", nargs="?", type=int, default=1)
    asked.add_argument("--jobs", type=int, default=1)
    asked.add_argument("--assess", type=float, default=ASSESSED, help="the share that is assessed")
    given = asked.parse_args()
    first = given.seed * 10_000_000
    parts = [range(first + x, first + given.bundles, given.jobs) for x in range(given.jobs)]
    if given.jobs == 1:
        results = [some(parts[0], given.assess)]
    else:
        with ProcessPoolExecutor(given.jobs) as pool:
            results = list(pool.map(some, parts, repeat(given.assess)))
    counts = sum((x for x, _ in results), Counter[str]())
    wrong = [y for _, x in results for y in x]
    print(json.dumps({**counts, "wrong": len(wrong)}))
    print(*wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())

"""What speaks against a drug that is being ordered, in this patient."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from myoresist.assessment import PageOne, page_one
from myoresist.case.model import Case
from myoresist.case.terms import Terms
from myoresist.exchange.codes import packaged_codes
from myoresist.exchange.fhir import read_fhir
from myoresist.exchange.fhir.bundle import listed
from myoresist.exchange.fhir.datatypes import concept
from myoresist.exchange.fhir.dosage import AS_NEEDED, how_often, only_dosage
from myoresist.exchange.fhir.medications import product
from myoresist.exchange.fhir.versions import as_r4
from myoresist.exchange.received import Draft, Received, received
from myoresist.library import Knowledge
from myoresist.report.wording import found, named
from myoresist.service.hooks.request import misasked
from myoresist.treatment.columns import ALLERGY

ORDERED = ("draft", "active")
MOST_ORDERS = 50
KEPT = ("drug", "dose", "unit", "frequency", "route")
BARRED = "today.contraindicated"
BEYOND = "above any usual dose"


@dataclass(frozen=True)
class Order:
    """A drug that is being ordered.

    Attributes:
        id: under which the record system knows the draft; none if it gave none.
        course: the course that it would be.
        treatment: the id of the treatment to which the drug belongs.
        by_name: whether only its name told the drug, not a code. Enough to warn, never to know a dose.
    """

    id: str | None
    course: Mapping[str, Any]
    treatment: str
    by_name: bool = False


@dataclass(frozen=True)
class Why:
    """Why a drug is to be stopped: the reason, what of the record triggered it, and keys of works."""

    text: str
    because: tuple[str, ...]
    cites: tuple[str, ...]


@dataclass(frozen=True)
class Stop:
    """A drug to stop, or not to begin.

    Attributes:
        treatment: id of the treatment.
        name: its name.
        critical: whether it must not be; else it is best avoided.
        why: the gravest reason first.
        orders: ids of the drafts that it is about.
        by_name: whether one of them was told by its name alone.
    """

    treatment: str
    name: str
    critical: bool
    why: tuple[Why, ...]
    orders: tuple[str, ...] = ()
    by_name: bool = False


def orders(
    bundle: Mapping[str, Any], patient: Mapping[str, Any], library: Knowledge
) -> list[Order]:
    """Return the drugs that are being ordered and are known here; a draft counts as given.

    Raises:
        DocumentError: for an order that is not FHIR R4.
        Refusal: for an order for somebody else, and for more orders than are looked at.
    """
    entries = bundle.get("entry")
    resources = [
        one["resource"]
        for one in (entries if isinstance(entries, list) else ())
        if isinstance(one, Mapping) and isinstance(one.get("resource"), Mapping)
    ]
    resources = [as_r4(x)[0] for x in resources]
    medicines = [x for x in resources if x.get("resourceType") == "Medication"]
    drafts = [x for x in resources if x.get("resourceType") == "MedicationRequest"]
    given = library.consult.given
    names = dict(zip(library.terms.drugs, given.of_drug, strict=True))
    treatments = list(given.treatments)
    told: list[Order] = []
    if len(drafts) > MOST_ORDERS:
        raise misasked(f"context.draftOrders holds more than {MOST_ORDERS} drugs.")
    for one in drafts:
        if not _is_for(one, patient):
            raise misasked("context.draftOrders holds an order for another patient.")
        if one.get("doNotPerform") is True or one.get("status", "draft") not in ORDERED:
            continue
        courses = list(_courses(one, medicines, patient))
        by_name = not courses
        frequency = _frequency(one)
        for course in courses or _named(one, medicines, library.terms):
            name = one.get("id")
            owner = treatments[names[course["drug"]]]
            told.append(
                Order(
                    name if isinstance(name, str) else None, {**frequency, **course}, owner, by_name
                )
            )
    return told


def _is_for(one: Mapping[str, Any], patient: Mapping[str, Any]) -> bool:
    """Tell whether an order is for the patient; one that names nobody is."""
    subject = one.get("subject")
    reference = subject.get("reference") if isinstance(subject, Mapping) else None
    return reference is None or str(reference).rpartition("Patient/")[2] == patient["id"]


def _courses(
    one: Mapping[str, Any], medicines: list[Mapping[str, Any]], patient: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the course that a draft would be, as the reader of FHIR reads an order."""
    given = {
        **one,
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient['id']}"},
    }
    entries = [{"resource": x} for x in (patient, *medicines, given)]
    read = read_fhir(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    for course in read.written.get("treatments", ()):
        yield {**{key: course[key] for key in KEPT if key in course}, "ongoing": True}


def _frequency(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return how often it is to be taken, which alone may be the mistake, though a dose in pills is none."""
    dosage = only_dosage(one)
    often = None if any(dosage.get(x) for x in AS_NEEDED) else how_often(dosage)
    return {"frequency": often} if often else {}


def _named(
    one: Mapping[str, Any], medicines: list[Mapping[str, Any]], terms: Terms
) -> Iterator[Mapping[str, Any]]:
    """Yield the course of an order that names a product, such as *Methotrexate 2.5 MG Oral Tablet*."""
    what = one.get("medicationCodeableConcept")
    reference = one.get("medicationReference")
    if isinstance(reference, Mapping):
        contained = listed(one, "contained")
        place = str(reference.get("reference")).removeprefix("#").rpartition("/")[2]
        named = [x for x in (*contained, *medicines) if x.get("id") == place]
        what = named[0].get("code") if named else {"text": reference.get("display")}
    drug = product(concept(what), terms, packaged_codes())
    if drug:
        yield {"drug": drug, "ongoing": True}


def with_orders(record: Received, ordered: Iterable[Order]) -> Case:
    """Return the case with what is ordered as given."""
    courses = [*record.written.get("treatments", ()), *(dict(x.course) for x in ordered)]
    case = {**record.written, "treatments": courses}
    return received(Draft(case, list(record.notes)), "record").case


def stops(record: Received, ordered: list[Order], selected: Iterable[str] | None) -> Iterator[Stop]:
    """Yield what speaks against the drugs that are ordered, the gravest first.

    Args:
        record: what is known of the patient.
        ordered: what is being ordered.
        selected: ids of the orders that are asked about; all where none are named.
    """
    asked = set(selected) if selected is not None else {x.id for x in ordered}
    own = {x.treatment for x in ordered if x.id in asked}
    if not own:
        return
    after = page_one(with_orders(record, ordered))
    told = [
        *_allergies(after, ordered),
        *_today(after),
        *_given(after),
        *_doses(after, record, ordered),
    ]
    new = _new(told, own, lambda: page_one(record.case))
    for one in sorted(new, key=lambda x: not x.critical):
        about = tuple(x.id for x in ordered if x.treatment == one.treatment and x.id)
        by_name = any(x.by_name for x in ordered if x.treatment == one.treatment)
        yield replace(one, orders=about, by_name=by_name)


def _new(said: list[Stop], own: set[str], before: Callable[[], PageOne]) -> list[Stop]:
    """Keep what is about a drug that is ordered or that only the order brings about; each drug once."""
    if any(x.treatment not in own for x in said):
        data = before()
        old = {(x.treatment, x.why) for x in (*_today(data), *_given(data))}
        said = [x for x in said if x.treatment in own or (x.treatment, x.why) not in old]
    kept: dict[str, Stop] = {}
    for one in said:
        held = kept.get(one.treatment, replace(one, why=()))
        critical = held.critical or one.critical
        kept[one.treatment] = replace(held, critical=critical, why=(*held.why, *one.why))
    return list(kept.values())


def _allergies(data: PageOne, ordered: list[Order]) -> Iterator[Stop]:
    """Yield the orders of drugs to which an allergy or a grave intolerance is recorded."""
    library = Knowledge.load()
    known = {x.id for x in data.record if x.value is True}
    for one in ordered:
        finding = library.terms.drugs[one.course["drug"]].allergy
        if finding in known:
            why = Why("Allergy or intolerance recorded", _because(data, [finding]), ())
            name = library.consult.given.treatments[one.treatment]
            yield Stop(one.treatment, name, True, (why,))


def _given(data: PageOne) -> Iterator[Stop]:
    for one in data.treatment.given:
        # An allergy is told by the drug that is ordered.
        against = [x for x in one.against if not any(y.startswith(ALLERGY) for y in x.because)]
        why = tuple(Why(x.text, _because(data, x.because), x.cites) for x in against)
        if why:
            yield Stop(one.option, one.name, against[0].level == "contraindicated", why)


def _today(data: PageOne) -> Iterator[Stop]:
    names = Knowledge.load().consult.given.treatments
    given = {one.option for one in data.treatment.given}
    for one in data.consult.today:
        # What is contraindicated is told with its reasons by those.
        if one.verb == "stop" and not (one.rule == BARRED and one.object in given):
            why = Why(one.text.rstrip("."), _because(data, one.because), one.cites)
            yield Stop(one.object, names.get(one.object, one.object), True, (why,))


def _doses(data: PageOne, record: Received, ordered: list[Order]) -> Iterator[Stop]:
    """Yield the orders whose dose no regimen reaches."""
    names = Knowledge.load().consult.given.treatments
    first = len(record.written.get("treatments", ()))
    for number, order in enumerate(ordered, first):
        place = f"treatments[{number}]: "
        for said in data.remarks:
            if said.startswith(place) and BEYOND in said:
                why = Why(said.removeprefix(place).rstrip("."), (), ())
                yield Stop(order.treatment, names[order.treatment], True, (why,))


def _because(data: PageOne, names: Iterable[str]) -> tuple[str, ...]:
    facts = {one.id: f"{one.label}: {found(one)}" for one in data.record}
    return tuple(dict.fromkeys(facts.get(x) or named(data, x) for x in names))

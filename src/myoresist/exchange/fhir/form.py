"""The case file as a form of FHIR: a Questionnaire made from the catalogue, and its response, in and out.

The response holds the whole case, letter by letter. ``linkId`` is the place in the case file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from myoresist.case.catalogue import Catalogue, Finding
from myoresist.case.model import SCHEMA_VERSION, Case, Patient, Treatment, Visit
from myoresist.case.reading import packaged_terms
from myoresist.exchange.codes import Codes, packaged_codes
from myoresist.exchange.fhir.bundle import Resource, listed, place
from myoresist.exchange.received import Draft

URL = "urn:myoresist:case"
ANSWER = "urn:myoresist:answer"
ANSWERS: Mapping[str, bool | str] = {"yes": True, "no": False, "unknown": "unknown"}
FINDINGS = ("findings", "exposures", "comorbidities", "biopsies", "imaging", "emg")
"""Sections whose answers are yes, no, unknown or a value."""
ASKED_ONCE = "findings"
FILLED = ("completed", "amended")
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
Item = dict[str, Any]


def questionnaire() -> dict[str, Any]:
    """Return the form: every field of a case file and every finding of the catalogue."""
    catalogue, codes = packaged_terms().catalogue, packaged_codes()
    return {
        "resourceType": "Questionnaire",
        "url": URL,
        "version": SCHEMA_VERSION,
        "status": "active",
        "subjectType": ["Patient"],
        "title": "Treatment-resistant myositis: what is known of the patient",
        "description": "What is left out is unknown, never absent.",
        "item": list(_questions(Case, "", catalogue, codes)),
    }


def _questions(
    model: type[BaseModel], place: str, catalogue: Catalogue, codes: Codes
) -> Iterator[Item]:
    for name, field in model.model_fields.items():
        link = f"{place}{name}"
        item: Item = {
            "linkId": link,
            "text": field.description or name.replace("_", " ").capitalize(),
        }
        inner = _model(field.annotation)
        if link == ASKED_ONCE:
            yield item | {"type": "group", "item": [_asked(x, codes) for x in catalogue]}
        elif name in FINDINGS and inner is None:
            yield item | {"type": "group", "item": [_elsewhere(link)]}
        elif inner is not None:
            many = {"repeats": True} if _is_list(field) else {}
            parts = list(_questions(inner, f"{link}.", catalogue, codes))
            yield item | {"type": "group", **many, "item": parts}
        else:
            yield item | _typed(field, link)


def _elsewhere(link: str) -> Item:
    """Return a line for a group whose entries are named as they are answered; FHIR has no empty group."""
    said = "Answered by entries of their own, each with the id of what is answered."
    return {"linkId": f"{link}.*", "type": "display", "text": said}


def _asked(one: Finding, codes: Codes) -> Item:
    """Return the question about a finding, with the codes that say the same."""
    item: Item = {"linkId": f"{ASKED_ONCE}.{one.id}", "text": one.question}
    same = [*codes.saying("finding", one.id)]
    if same:
        item["code"] = [{"system": x.system, "code": x.code} for x in same]
    if one.kind == "number":
        return item | {"type": "decimal"}
    options = one.choices or tuple(ANSWERS)
    if one.choices:
        return item | {"type": "choice", "answerOption": [{"valueString": x} for x in options]}
    coded = [{"valueCoding": {"system": ANSWER, "code": x, "display": x}} for x in options]
    return item | {"type": "choice", "answerOption": coded}


def _typed(field: FieldInfo, link: str) -> Item:
    told = str(field.annotation)
    words = next((get_args(x) for x in _flat(field.annotation) if get_origin(x) is Literal), ())
    many = {"repeats": True} if _is_list(field) else {}
    if words:
        return {"type": "choice", "answerOption": [{"valueString": x} for x in words]}
    if "Mapping" in told:
        return {"type": "group", "item": [_elsewhere(link)]}
    kind = next((kind for word, kind in (("When", "date"), ("float", "decimal"), ("bool", "boolean"))
                 if word in told), "string")  # fmt: skip
    return {"type": kind, **many}


def _flat(annotation: Any) -> Iterator[Any]:
    yield annotation
    if get_origin(annotation) is not Literal:
        for one in get_args(annotation):
            yield from _flat(one)


def _model(annotation: Any) -> type[BaseModel] | None:
    found = (x for x in _flat(annotation) if isinstance(x, type) and issubclass(x, BaseModel))
    return next(found, None)


def _is_list(field: FieldInfo) -> bool:
    return any(get_origin(x) is tuple for x in _flat(field.annotation))


@cache
def _lists() -> frozenset[str]:
    """Return the places of a case file that hold several entries."""
    models: dict[str, type[BaseModel]] = {"": Case}
    models |= {"treatments.": Treatment, "visits.": Visit}
    return frozenset(
        f"{before}{name}"
        for before, model in models.items()
        for name, field in model.model_fields.items()
        if _is_list(field)
    )


def response(case: Case, subject: str, **more: Any) -> dict[str, Any]:
    """Return a case as the filled-in form; ``subject`` is a reference to the patient."""
    said = case.model_dump(mode="json", exclude_defaults=True)
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{URL}|{SCHEMA_VERSION}",
        "status": "completed",
        "subject": {"reference": subject},
        "item": [x for key, value in said.items() for x in _items(key, value)],
        **more,
    }


def _items(link: str, value: object) -> Iterator[Item]:
    if isinstance(value, Mapping):
        parts = [x for key, inner in value.items() for x in _items(f"{link}.{key}", inner)]
        yield {"linkId": link, **({"item": parts} if parts else {})}
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for one in value:
            yield from _items(link, one)
    elif isinstance(value, list):
        yield {"linkId": link, **({"answer": [_answer(link, x) for x in value]} if value else {})}
    else:
        yield {"linkId": link, "answer": [_answer(link, value)]}


def _answer(link: str, value: object) -> Item:
    section, _, rest = link.partition(".")
    of_finding = section in FINDINGS and (rest.startswith("findings.") or "." not in rest)
    if of_finding and (value is None or value is True or value is False or value == "unknown"):
        code = "unknown" if not isinstance(value, bool) else "yes" if value else "no"
        return {"valueCoding": {"system": ANSWER, "code": code}}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int | float):
        return {"valueDecimal": value}
    if isinstance(value, str) and _DATE.fullmatch(value):
        return {"valueDate": value}
    return {"valueString": str(value)}


def read_response(one: Resource, draft: Draft) -> bool:
    """Add what a filled-in form says; tell whether it is one of ours that is finished."""
    if str(one.get("questionnaire")).partition("|")[0] != URL or one.get("status") not in FILLED:
        return False
    said = {
        key: value
        for key, value in _read(listed(one, "item"), "").items()
        if _known(key, value, one, draft)
    }
    # The id of a resource is no more than a name within its server.
    draft.case["patient"] |= {key: x for key, x in said.get("patient", {}).items() if key == "id"}
    for key, value in said.items():
        held = draft.case.get(key)
        if isinstance(value, list) and isinstance(held, list):
            held.extend(value)
        elif isinstance(value, dict) and isinstance(held, dict):
            for name, inner in value.items():
                if held.setdefault(name, inner) != inner:
                    draft.note(
                        place(one), f"{key}.{name}: stands otherwise in the record, not used"
                    )
        elif key not in draft.case:
            draft.case[key] = value
        elif held != value:
            draft.note(place(one), f"{key}: stands otherwise in the record, not used")
    return True


def _known(key: str, value: Any, one: Resource, draft: Draft) -> bool:
    """Tell whether a part belongs to a case; what of it does not is taken out and told."""
    if key not in Case.model_fields:
        draft.note(place(one), f"{key}: no part of a case, not used")
        return False
    own: Mapping[str, object] | None = None
    if key == "patient":
        own = Patient.model_fields
    elif key in FINDINGS[:3]:
        own = packaged_terms().catalogue.findings
    if own is not None and isinstance(value, dict):
        for name in [x for x in value if x not in own]:
            draft.note(place(one), f"{key}.{name}: not known here, not used")
            del value[name]
    return True


def _read(items: list[Resource], before: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        link = str(item.get("linkId"))
        name = link.removeprefix(before)
        answers = [_value(x) for x in listed(item, "answer")]
        value: Any = _read(listed(item, "item"), f"{link}.") if not answers else answers[0]
        if link in _lists():
            own = answers if answers else [value] if value else []
            found.setdefault(name, []).extend(own)
        elif answers or value:
            found.setdefault(name, value)
    return found


def _value(answer: Resource) -> Any:
    coded = answer.get("valueCoding")
    if isinstance(coded, Mapping):
        return ANSWERS.get(str(coded.get("code")), coded.get("code"))
    quantity = answer.get("valueQuantity")
    if isinstance(quantity, Mapping):
        return quantity.get("value")
    return next((value for key, value in answer.items() if key.startswith("value")), None)

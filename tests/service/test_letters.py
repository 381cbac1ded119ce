"""A letter in the page: every word stays visible, and nothing counts that nobody confirmed or let count."""

from __future__ import annotations

import re
from html import unescape

import pytest
from pages_of_html import valid
from starlette.testclient import TestClient
from typer.testing import CliRunner

from myoresist.cli import app
from myoresist.letters import read
from myoresist.service.letters import pieces, taken

LETTER = """\
Re: 58 year old woman with polymyositis since 2021.

On examination proximal but not distal weakness. No heliotrope rash. Her mother had psoriasis.
Gottron papules cannot be excluded. CK 5200 U/L (upper limit 200) on 2023-05-17.
Anti-SRP positive (line blot).
She was given prednisone 60 mg daily for 16 weeks without effect.
"""


def test_the_api_reads_a_letter_as_the_command_line_does(client: TestClient) -> None:
    told = client.post("/api/read-letter", content=LETTER.encode())
    assert told.text == CliRunner().invoke(app, ["read", "-", "--json"], input=LETTER).stdout
    for nothing in (b"", b"\0\1", b"%PDF-1.7 damaged"):
        refused = client.post("/api/read-letter", content=nothing)
        assert refused.status_code == 422
        assert refused.json()["type"] == "urn:myoresist:problem:letter"


def test_every_word_of_a_letter_stays_in_its_place() -> None:
    assert "".join(one.text for one in pieces(read(LETTER))) == LETTER


def test_a_letter_is_shown_with_what_it_says(client: TestClient) -> None:
    page = client.post("/letter", data={"letter": LETTER, "patient.id": "P7"}).text
    valid(page)
    assert (
        'class="mark yes"' in page and 'class="mark no"' in page and 'class="mark unsure"' in page
    )
    assert not re.search(r'value="(yes|no)" checked', page)
    words = re.search(r'<div class="words">(.*?)</div>', page, re.DOTALL)
    assert words
    bare = re.sub(r'<span class="sign">.</span>|<[^>]+>', "", words[1])
    assert unescape(bare).split() == LETTER.split()


def test_nothing_counts_that_nobody_confirmed(client: TestClient) -> None:
    letter = read(LETTER)
    assert taken(letter, {}, {}).entries == {"patient.id": "P1"}
    one = next(x for x in letter.statements if x.about == "heliotrope_rash")
    doubt = next(x for x in letter.statements if x.about == "gottron_papules")
    sent = {f"s.{one.number}": "no", f"s.{doubt.number}": "yes"}
    entries = taken(letter, sent, {"patient.id": "P7"}).entries
    assert entries == {
        "patient.id": "P7", "findings.heliotrope_rash": "no", "findings.gottron_papules": "yes",
    }  # fmt: skip
    page = client.post(
        "/letter/take", data={"letter": LETTER, "form": "patient.id=P7", **sent}
    ).text
    valid(page)
    assert 'name="findings.heliotrope_rash" value="no" checked' in page
    assert "not confirmed" not in page


def test_what_counts_unconfirmed_is_said_on_the_page_and_in_every_form_of_it(
    client: TestClient,
) -> None:
    letter = read(LETTER)
    done = taken(letter, {"all": "yes"}, {"rest": "source: {citation: a case report}"})
    assert (
        done.entries["labs.0.value"] == "5200" and done.entries["treatments.0.drug"] == "prednisone"
    )
    assert "findings.gottron_papules" not in done.entries
    assert "a case report; Read from a letter; not confirmed" in " ".join(
        done.entries["rest"].split()
    )
    page = client.post("/letter/take", data={"letter": LETTER, "all": "yes"}).text
    valid(page)
    assert 'class="unconfirmed"' in page
    for form in ("/page.html", "/page.md"):
        assert "not confirmed by a physician" in client.post(form, data=done.entries).text


def test_what_was_entered_goes_before_what_the_letter_says(client: TestClient) -> None:
    entries = {"patient.age": "60", "findings.heliotrope_rash": "yes"}
    done = taken(read(LETTER), {"all": "yes"}, entries)
    assert done.entries["patient.age"] == "60"
    assert done.entries["findings.heliotrope_rash"] == "yes"
    assert {"patient.age", "findings.heliotrope_rash"} <= set(done.kept)
    form = "patient.age=60&findings.heliotrope_rash=yes"
    page = client.post("/letter/take", data={"letter": LETTER, "all": "yes", "form": form}).text
    assert "patient.age: the letter says otherwise; what was entered stays" in page


def test_a_letter_may_be_opened_like_a_file(client: TestClient) -> None:
    sent = {"form": "patient.id=P7"}
    page = client.post("/open", files={"file": ("a.txt", LETTER.encode())}, data=sent).text
    assert "What the letter says" in page and 'name="form" value="patient.id=P7"' in page
    scan = client.post("/open", files={"file": ("a.pdf", b"%PDF-1.4 damaged")}, data=sent).text
    assert "save it anew, or as text" in scan and 'value="P7"' in scan


@pytest.mark.parametrize("answer", ["yes", "no", "maybe", ""])
def test_any_answer_to_any_statement_is_taken(client: TestClient, answer: str) -> None:
    letter = read(LETTER)
    sent = {f"s.{one.number}": answer for one in letter.statements}
    assert client.post("/letter/take", data={"letter": LETTER, **sent}).status_code == 200

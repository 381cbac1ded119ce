"""The tools of an assistant, through the client of the protocol's own package."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from mcp import StdioServerParameters
from mcp.client.client import Client
from serving import served

from myoresist.assessment import assess
from myoresist.assistants import server
from myoresist.case.reading import packaged_terms, read_case
from myoresist.case.words import WORDS, words

EXAMPLE = Path(__file__).parents[2] / "src/myoresist/examples/anti_srp_refractory.yaml"
CASE = EXAMPLE.read_text(encoding="utf-8")
TOOLS = {"schema", "validate", "assess", "read_letter", "evidence", "knowledge"}


@asynccontextmanager
async def within() -> AsyncIterator[Client]:
    """Yield a client beside the server, in this process."""
    async with Client(server()) as client:
        yield client


def told(result: Any) -> Any:
    """Return what a tool answered as data."""
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


def call(tool: str, **arguments: Any) -> Any:
    async def ask() -> Any:
        async with within() as client:
            return await client.call_tool(tool, arguments)

    return anyio.run(ask)


def test_every_tool_is_listed_with_what_it_takes_and_only_reads() -> None:
    async def ask() -> Any:
        async with within() as client:
            return (await client.list_tools()).tools

    tools = {one.name: one for one in anyio.run(ask)}
    assert set(tools) == TOOLS
    assert all(one.description and one.annotations.read_only_hint for one in tools.values())


def test_the_page_is_that_of_the_case() -> None:
    answer = told(call("assess", case=CASE))
    found = assess(read_case(EXAMPLE))
    assert answer["consult"] == found.consult.model_dump(mode="json")
    assert found.consult.bottom_line in answer["page"]
    assert "rules" not in answer


def test_a_case_given_as_data_is_answered_like_its_text() -> None:
    asked = [told(call("assess", case=x)) for x in (CASE, yaml.safe_load(CASE))]
    assert asked[0]["consult"] == asked[1]["consult"]


def test_reasons_name_the_rule_and_the_works_of_every_line() -> None:
    answer = told(call("assess", case=CASE, detail="reasons"))
    lines = [
        x for part in ("today", "why", "do", "changes", "ask") for x in answer["consult"][part]
    ]
    assert {x["rule"] for x in lines} == set(answer["rules"])
    assert {key for x in lines for key in x["cites"]} == set(answer["sources"])


def test_everything_is_the_assessment() -> None:
    answer = told(call("assess", case=CASE, detail="all"))
    assert answer == json.loads(assess(read_case(EXAMPLE)).model_dump_json())


def test_a_mistake_is_an_error_with_line_and_field_and_validate_says_it_too() -> None:
    wrong = CASE + "\nno_such_section: 1\n"
    refused = call("assess", case=wrong)
    assert refused.is_error
    assert "no_such_section" in refused.content[0].text
    checked = told(call("validate", case=wrong))
    assert not checked["ok"]
    assert checked["mistakes"][0]["field"] == "no_such_section"
    assert checked["mistakes"][0]["line"]
    assert told(call("validate", case=CASE))["ok"]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("knowledge", {"entry": "nothing_of_the_kind"}, "nothing_of_the_kind"),
        ("evidence", {"treatment": "nothing_of_the_kind"}, "nothing_of_the_kind"),
        ("assess", {"case": ""}, "empty"),
        ("assess", {"case": "x" * 2_000_001}, "longer"),
        ("read_letter", {"text": "x" * 2_000_001}, "longer"),
        ("assess", {"case": CASE, "detail": "everything"}, "detail"),
    ],
)
def test_what_cannot_be_answered_is_an_error_that_says_why(
    tool: str, arguments: dict[str, Any], said: str
) -> None:
    answer = call(tool, **arguments)
    assert answer.is_error
    assert said in answer.content[0].text


def test_knowledge_evidence_and_letters_are_told() -> None:
    assert "Page one" in call("knowledge", entry="consult").content[0].text
    assert "IVIg" in call("evidence", treatment="ivig").content[0].text
    letter = told(call("read_letter", text="She has dysphagia. No rash."))
    assert yaml.safe_load(letter["case"])["findings"]["dysphagia"] is True
    assert letter["statements"]


def test_the_words_of_a_case_are_resources() -> None:
    async def ask() -> dict[str, str]:
        async with within() as client:
            listed = [str(one.uri) for one in (await client.list_resources()).resources]
            return {x: (await client.read_resource(x)).contents[0].text for x in listed}

    found = anyio.run(ask)
    for what in WORDS:
        own = {name: list(others) for name, others in words(packaged_terms(), what).items()}
        assert json.loads(found[f"myoresist://words/{what}"]) == own
    assert yaml.safe_load(found["myoresist://template"])
    assert "dysphagia: " in found["myoresist://catalogue"]


def test_the_service_offers_the_same_over_http(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1") as started:

        async def ask() -> Any:
            async with Client(f"{started.address}/mcp") as client:
                names = {one.name for one in (await client.list_tools()).tools}
                return names, await client.call_tool("assess", {"case": CASE})

        names, answer = anyio.run(ask)
    assert names == TOOLS
    assert told(answer)["consult"]["state"] == "refractory"


def test_the_command_speaks_the_protocol_and_prints_nothing_else() -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "myoresist", "mcp"], env=dict(os.environ)
    )

    async def ask() -> Any:
        async with Client(command) as client:
            return await client.call_tool("assess", {"case": CASE})

    assert told(anyio.run(ask))["consult"]["state"] == "refractory"

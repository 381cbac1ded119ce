"""The engine as tools of an assistant, by the Model Context Protocol.

An assistant may write the case; what is concluded from it, and on which sources, is decided here. What a
tool refuses is said as an error of the tool, so that the assistant can mend the case and ask again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from myoresist.assessment import NOTICE, Assessment, doubts
from myoresist.assessment import assess as assess_case
from myoresist.assessment import assessment_schema as whole_schema
from myoresist.case.model import Case
from myoresist.case.reading import check_case_text, packaged_terms
from myoresist.case.template import template
from myoresist.case.words import WORDS, case_schema, words
from myoresist.document import Problem, checked
from myoresist.letters import LetterError
from myoresist.letters import read as letter_of
from myoresist.library import Knowledge
from myoresist.report.builder import build_report
from myoresist.report.entries.show import UnknownEntry, describe
from myoresist.report.evidence import lines as evidence_lines
from myoresist.report.markdown import render
from myoresist.treatment.evidence import UnknownName
from myoresist.treatment.evidence import evidence as studies_of
from myoresist.version import __version__

Detail = Literal["page", "reasons", "all"]
Written = str | dict[str, Any]
CASE = "case"
LARGEST = 2_000_000
"""Letters of a case or of a clinic letter; a whole patient takes some thousands."""
INSTRUCTIONS = f"""\
A sourced second opinion on treatment-resistant myositis. {NOTICE}
Write what is known of the patient as a case (the tool `schema`, the resource `myoresist://template`),
check it with `validate`, then call `assess`. Write down only what the record says: what is not
mentioned is unknown, and is left out, never entered as absent. Pass on what the page says with its
sources; add no advice of your own.
"""
_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)


def server() -> MCPServer:
    """Return the server with its tools and resources; it keeps nothing between two calls."""
    found = MCPServer(
        "myoresist", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR"
    )
    for tool in (schema, validate, assess, read_letter, evidence, knowledge):
        found.tool(annotations=_READS)(tool)
    found.resource("myoresist://template", mime_type="application/yaml")(_template)
    found.resource("myoresist://catalogue", mime_type="text/plain")(catalogue)
    for what in WORDS:
        about = f"The words that a case may use for {what}, each with its synonyms."
        found.resource(
            f"myoresist://words/{what}", name=what, description=about, mime_type="application/json"
        )(_lister(what))
    return found


def schema(of: Literal["case", "assessment"] = "case") -> dict[str, Any]:
    """Return the JSON Schema of a case, or of the whole assessment."""
    return case_schema() if of == "case" else whole_schema()


def validate(case: Written) -> dict[str, Any]:
    """Check a case, given as YAML or JSON: mistakes with line and field, and what could not be used."""
    read, problems = _checked(case)
    return checked(CASE, problems, doubts(read) if read else ())


def assess(case: Written, detail: Detail = "page") -> dict[str, Any]:
    """Assess one patient, given as YAML or JSON.

    `page` gives page one as text and as data; `reasons` adds the rule, the trigger and the sources
    of each line; `all` gives the whole assessment: criteria, differential, antibodies, adequacy of
    treatments, options.
    """
    read, problems = _checked(case)
    if read is None:
        raise ToolError(json.dumps(checked(CASE, problems), ensure_ascii=False))
    found = assess_case(read)
    if detail == "all":
        return found.model_dump(mode="json")
    page = {
        "page": render(build_report(found, "page")),
        "consult": found.consult.model_dump(mode="json"),
        "contradictions": [one.text for one in found.contradictions],
        "not_used": list(found.remarks),
        "notice": found.notice,
    }
    return page if detail == "page" else {**page, **_reasons(found)}


def read_letter(text: str) -> dict[str, Any]:
    """Read a clinic letter or report in English into statements to confirm, each with its words in the text.

    Nothing of it counts before a person has confirmed it. `case` is what stands without doubt, as a case.
    """
    if len(text) > LARGEST:
        raise ToolError(f"The letter is longer than {LARGEST:,} letters; give a part of it.")
    try:
        found = letter_of(text)
    except LetterError as error:
        raise ToolError(str(error)) from error
    return {**found.model_dump(mode="json"), "case": found.yaml()}


def evidence(treatment: str, subset: str | None = None) -> str:
    """Say what studies found on a treatment such as ivig or rituximab; `subset` is one such as DM or IBM."""
    try:
        return "\n".join(evidence_lines(studies_of(treatment, subset)))
    except UnknownName as error:
        raise ToolError(str(error)) from error


def knowledge(entry: str) -> str:
    """Show one entry of the knowledge in plain words with its sources.

    A criteria set, disease, treatment, finding or work by its id; `consult` shows the rules of page one.
    """
    try:
        return "\n".join(describe(Knowledge.load(), entry))
    except UnknownEntry as error:
        raise ToolError(str(error.args[0])) from error


def catalogue() -> str:
    """Return every finding that may be asked for: its id and its question."""
    return "\n".join(f"{one.id}: {one.question}" for one in Knowledge.load().catalogue)


def _template() -> str:
    """A commented empty case."""
    return template()


def _lister(what: str) -> Callable[[], str]:
    """Return what tells the words of one list; the handler of a fixed resource takes nothing."""
    return lambda: json.dumps(words(packaged_terms(), what), ensure_ascii=False)


def _checked(case: Written) -> tuple[Case | None, list[Problem]]:
    text = case if isinstance(case, str) else json.dumps(case, ensure_ascii=False, indent=1)
    if len(text) > LARGEST:
        return None, [Problem(CASE, None, "", f"is longer than {LARGEST:,} letters")]
    return check_case_text(text, CASE)


def _reasons(found: Assessment) -> dict[str, Mapping[str, str]]:
    """Return the rules of page one in plain words, and the works behind its lines."""
    lines = tuple(found.consult.lines())
    cited = dict.fromkeys(key for one in lines for key in one.cites)
    works = {key: found.references[key] for key in cited}
    return {
        "rules": {one.rule: found.rules[f"consult.{one.rule}"] for one in lines},
        "sources": {key: f"{x.text} {x.link or ''}".strip() for key, x in works.items()},
    }

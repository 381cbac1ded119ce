"""The API: the same answers as the command line, over HTTP."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request, Response

from myoresist.service import tasks
from myoresist.service.described import SCHEMAS
from myoresist.service.problems import MEDIA_TYPE
from myoresist.service.tasks import JSON, Reply
from myoresist.service.workers import Workers

CASE = {
    "requestBody": {
        "required": True,
        "description": "A case file as YAML or JSON, a FHIR R4 bundle or a phenopacket, in UTF-8.",
        "content": {
            "application/json": {"schema": {"$ref": f"{SCHEMAS}Case"}},
            "application/yaml": {"schema": {"type": "string"}},
        },
    }
}

LETTER = {
    "requestBody": {
        "required": True,
        "description": "A letter in English as text in UTF-8, or as PDF with text.",
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


def _answers(said: str, schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Return what a route answers, for its documentation."""
    refusals = {
        400: "The request cannot be read.",
        403: "The request came by a way that it should not.",
        413: "The request is too large.",
        422: "It cannot be used as it is written; each error names the field and the fix.",
        500: "An unexpected error; nothing of the request was kept.",
        503: "Too many requests at once, or the answer took too long.",
    }
    problem = {"content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}Problem"}}}}
    return {
        200: {"description": said, "content": {JSON: {"schema": schema}}},
        **{status: {"description": text, **problem} for status, text in refusals.items()},
    }


def respond(reply: Reply) -> Response:
    """Return a reply as a response."""
    headers = {"Content-Disposition": f'attachment; filename="{reply.file}"'} if reply.file else {}
    return Response(reply.body, reply.status, headers, media_type=reply.media)


def routes(workers: Workers) -> APIRouter:
    """Return the routes of the API."""
    api = APIRouter(prefix="/api", default_response_class=Response)
    assessed = _answers("As `myoresist assess --json` prints it.", {"$ref": f"{SCHEMAS}Assessment"})
    checked = _answers("As `myoresist validate --json` prints it.", {"$ref": f"{SCHEMAS}Checked"})
    read = _answers("As `myoresist read --json` prints it.", {"type": "array"})
    schema = _answers("As `myoresist schema` prints it.", {"type": "object"})

    @api.post("/assess", summary="Assess one patient", openapi_extra=CASE, responses=assessed)
    async def assess(request: Request) -> Response:
        return respond(await workers.run(tasks.assess_json, await request.body()))

    @api.post("/validate", summary="Check a case file", openapi_extra=CASE, responses=checked)
    async def validate(request: Request) -> Response:
        return respond(await workers.run(tasks.validate_json, await request.body()))

    @api.post("/read-letter", summary="Read a clinic letter", openapi_extra=LETTER, responses=read)
    async def read_letter(request: Request) -> Response:
        return respond(await workers.run(tasks.letter_json, await request.body()))

    @api.get("/schema", summary="The schema of a case file or an assessment", responses=schema)
    async def read_schema(of: Literal["case", "assessment"] = "case") -> Response:
        return respond(await workers.run(tasks.schema_json, of))

    @api.post("/schema", summary="The same", responses=schema)
    async def post_schema(of: Literal["case", "assessment"] = "case") -> Response:
        return respond(await workers.run(tasks.schema_json, of))

    return api

"""The addresses of SMART App Launch: where a launch begins, and where it ends."""

from __future__ import annotations

import json
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from myoresist.service import tasks
from myoresist.service.api import respond
from myoresist.service.problems import Refusal
from myoresist.service.smart.launch import BEGIN, CALLBACK, LONGEST, Begun, Launches
from myoresist.service.workers import Workers


def routes(workers: Workers, launches: Launches) -> APIRouter:
    """Return the routes.

    Args:
        workers: what answers.
        launches: the launches of this server.
    """
    api = APIRouter(include_in_schema=False, default_response_class=Response)
    systems = tuple(
        (one.name, f"{BEGIN}?iss={quote(one.address, safe='')}")
        for one in launches.settings.systems
    )

    async def refused(refusal: Refusal) -> Response:
        said = (refusal.status, refusal.title, refusal.detail)
        return respond(await workers.run(tasks.told, *said, systems))

    @api.get(BEGIN)
    async def launch(request: Request) -> Response:
        asked = request.query_params
        iss, given = asked.get("iss"), asked.get("launch")
        if iss is None:
            title = "Open a patient of a record system"
            detail = "You log in there and choose the patient; nothing is written there."
            return respond(await workers.run(tasks.told, 200, title, detail, systems))
        try:
            begun = await launches.begin(iss, given)
        except Refusal as refusal:
            return await refused(refusal)
        answer = Response(status_code=303, headers={"Location": begun.address})
        _keep(answer, begun, launches)
        return answer

    @api.get(CALLBACK)
    async def callback(request: Request) -> Response:
        asked = request.query_params
        state, code = asked.get("state", ""), asked.get("code")
        if "error" in asked or not 0 < len(code or "") <= LONGEST:
            code = None
        try:
            opened = await launches.end(state, code, request.cookies)
        except Refusal as refusal:
            return await refused(refusal)
        text = json.dumps(opened.bundle).encode()
        return respond(
            await workers.run(
                tasks.launched, text, opened.system, opened.missing, opened.banner,
                gone=request.is_disconnected,
            )
        )  # fmt: skip

    return api


def _keep(answer: Response, begun: Begun, launches: Launches) -> None:
    """Let the browser be known again when it comes back; the cookie says nothing of a patient."""
    answer.set_cookie(
        begun.cookie, begun.value, max_age=launches.settings.launch_seconds, path=CALLBACK,
        secure=launches.settings.address.startswith("https:"), httponly=True, samesite="lax",
    )  # fmt: skip

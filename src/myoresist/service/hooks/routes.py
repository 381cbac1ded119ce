"""The addresses of CDS Hooks: what is offered, the calls, and what became of the cards."""

from __future__ import annotations

import json
import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

from fastapi import APIRouter, Request, Response

from myoresist.service.api import respond
from myoresist.service.hooks import answer
from myoresist.service.hooks.doors import Doors
from myoresist.service.hooks.record import TEMPLATES, gather
from myoresist.service.hooks.request import Call, Feedback, Hook, misasked, read
from myoresist.service.hooks.settings import PATH, Issuer
from myoresist.service.hooks.tokens import StrangerError
from myoresist.service.problems import Refusal
from myoresist.service.tasks import JSON
from myoresist.service.workers import Workers

if TYPE_CHECKING:
    from myoresist.service.smart.launch import Launches

log = logging.getLogger("myoresist.service.hooks")

TITLES = {
    "patient-view": (
        "Second opinion on a myositis",
        "What cannot wait, and what may be done next where a myositis does not respond.",
    ),
    "order-select": (
        "Drugs in a myositis: what speaks against the order",
        "What in the record speaks against a drug that was just selected.",
    ),
    "order-sign": (
        "Drugs in a myositis: what speaks against the order",
        "What in the record speaks against a drug before its order is signed.",
    ),
}
HOOKS = get_args(Hook)
KNOWN = ("benefit", "record", "managed", "temporary")
UNKNOWN = Refusal(404, "address", "There is no such service", f"See {PATH} for those there are.")
UNTYPED = Refusal(415, "media", "The body is of another type", "Send application/json.")


def routes(workers: Workers, doors: Doors, launches: Launches | None = None) -> APIRouter:
    """Return the routes of CDS Hooks.

    Args:
        workers: what answers.
        doors: who is let in.
        launches: by which a card can open the page with its patient.
    """
    api = APIRouter(prefix=PATH, include_in_schema=False, default_response_class=Response)

    @api.get("")
    async def discovery() -> Response:
        return Response(json.dumps({"services": list(map(_service, HOOKS))}), media_type=JSON)

    @api.post("/{service}")
    async def call(service: str, request: Request) -> Response:
        try:
            issuer = await _let_in(doors, service, request)
        except StrangerError:
            return Response(status_code=401)
        asked = read(Call, await request.body())
        if asked.hook != service:
            raise misasked(f"This service answers {service}.")
        if service != "patient-view" and asked.context.draftOrders is None:
            raise misasked("Missing or wrong: context.draftOrders.")
        record = await gather(asked, issuer, doors.seconds)
        told = await workers.run(
            answer.cards, service, _bytes(record.bundle), _bytes(asked.context.draftOrders),
            asked.context.selections, record.missing, doors.address,
            launches.offered(asked.fhirServer) if launches else None, gone=request.is_disconnected,
        )  # fmt: skip
        return respond(told)

    @api.post("/{service}/feedback")
    async def feedback(service: str, request: Request) -> Response:
        try:
            await _let_in(doors, service, request)
        except StrangerError:
            return Response(status_code=401)
        told = read(Feedback, await request.body())
        counted = Counter(_kind(one.outcome, one.overrideReason) for one in told.feedback)
        for kind, number in sorted(counted.items()):
            log.info("feedback on %s: %s, %d", service, kind, number)
        return Response()

    return api


def _service(hook: str) -> dict[str, Any]:
    title, text = TITLES[hook]
    return {"hook": hook, "id": hook, "title": title, "description": text, "prefetch": TEMPLATES}


async def _let_in(doors: Doors, service: str, request: Request) -> Issuer | None:
    """Return who calls, once it is known that they may and that they ask for something that there is."""
    issuer = await doors.let_in(request.headers.getlist("authorization"), request.url.path)
    if service not in HOOKS:
        raise UNKNOWN
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise UNTYPED
    return issuer


def _bytes(bundle: dict[str, Any] | None) -> bytes:
    return json.dumps(bundle or {}).encode()


def _kind(outcome: str, reason: Any) -> str:
    """Return what became of a card, in words of our own and no others."""
    code = reason.reason.code if reason and reason.reason else None
    return outcome if code not in KNOWN else f"{outcome}, {code}"

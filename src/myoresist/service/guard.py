"""What holds for every request: who may ask, how much and how long, and what stands in every response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from myoresist.document import MAX_BYTES
from myoresist.service.problems import MEDIA_TYPE, Refusal, failed, stranger, too_large, too_slow

if TYPE_CHECKING:
    from myoresist.service.hooks.doors import Doors

log = logging.getLogger("myoresist.service")

MOST_BYTES = MAX_BYTES + 100_000
"""A case of the largest size that is read, and what a form adds to it."""
MOST_CALL_BYTES = 8_000_000
"""How large a call of CDS Hooks may be; the record of a patient comes with it."""
SECONDS = 30.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
OWN = ("same-origin", "none")
"""What a browser says of a request from the page itself, or from the hand of its user."""

PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True)
class Guard:
    """Wraps the whole application.

    Attributes:
        app: what answers.
        hosts: names under which a request may come, or ``None`` for any. A page of somebody else whose name
            is made to point here has another one.
        most_bytes: how large a request may be.
        seconds: how long it may take, with the time to send it.
        doors: who may ask by CDS Hooks; nobody where there are none.
    """

    app: ASGIApp
    hosts: frozenset[str] | None = LOOPBACK
    most_bytes: int = MOST_BYTES
    seconds: float = SECONDS
    doors: Doors | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False
        doors = self.doors if self.doors and self.doors.leads(scope["path"]) else None
        origin = Headers(scope=scope).get("origin")

        async def told(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.update(dict(doors.headers(origin)) if doors else {})
            await send(message)

        try:
            most = self._let_in(scope, doors)
            if doors and scope["method"] == "OPTIONS":
                await _preflight(told)
                return
            async with asyncio.timeout(self.seconds):
                await self.app(scope, _limited(receive, most), told)
        except Refusal as error:
            refusal = error
        except TimeoutError:
            refusal = too_slow(self.seconds)
        except ClientDisconnect:  # whoever has hung up waits for no answer
            return
        except Exception as error:
            # Its message may hold what somebody wrote of a patient; where it happened does not.
            log.error("unexpected %s at %s", type(error).__name__, place_of(error))
            refusal = failed()
        else:
            return
        if not begun:
            await _refuse(refusal, told)

    def _let_in(self, scope: Scope, doors: Doors | None) -> int:
        """Return how large the request may be, once it is known that it may be asked."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").rpartition(":")
        name = host[0] if host[2].isdecimal() else headers.get("host", "")
        if self.hosts is not None and name.lower() not in self.hosts:
            raise stranger("The address is none under which this server answers; see --allow-host.")
        origin = headers.get("origin")
        if doors and origin is not None:
            if not doors.knows(origin):
                raise stranger(
                    "It was sent in the name of a page that is not known; see docs/hooks.md."
                )
        elif (
            scope["method"] not in ("GET", "HEAD")
            and headers.get("sec-fetch-site", "none") not in OWN
        ):
            raise stranger("Another page sent it; open this server's own page.")
        most = MOST_CALL_BYTES if doors else self.most_bytes
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            raise too_large(most)
        return most


def _limited(receive: Receive, most: int) -> Receive:
    held = 0

    async def received() -> MutableMapping[str, Any]:
        nonlocal held
        message = await receive()
        held += len(message.get("body", b""))
        if held > most:
            raise too_large(most)
        return message

    return received


async def _preflight(send: Send) -> None:
    """Tell a browser what a page that is known may ask; the page itself stands in the headers of all."""
    raw = [(name.lower().encode(), value.encode()) for name, value in PREFLIGHT.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})


def place_of(error: BaseException) -> str:
    """Return the module and line in which an error was raised."""
    place = "?"
    trace = error.__traceback__
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = refusal.body
    headers = {
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
        **refusal.headers,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})

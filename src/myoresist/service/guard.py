"""What holds for every request: who may ask, how much and how long, and what stands in every response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from myoresist.document import MAX_BYTES
from myoresist.service.problems import MEDIA_TYPE, Refusal, failed, stranger, too_large, too_slow

log = logging.getLogger("myoresist.service")

MOST_BYTES = MAX_BYTES + 100_000
"""A case of the largest size that is read, and what a form adds to it."""
SECONDS = 30.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
OWN = ("same-origin", "none")
"""What a browser says of a request from the page itself, or from the hand of its user."""

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
    """

    app: ASGIApp
    hosts: frozenset[str] | None = LOOPBACK
    most_bytes: int = MOST_BYTES
    seconds: float = SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def told(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            self._let_in(scope)
            async with asyncio.timeout(self.seconds):
                await self.app(scope, self._limited(receive), told)
        except Refusal as error:
            refusal = error
        except TimeoutError:
            refusal = too_slow(self.seconds)
        except Exception as error:
            # Its message may hold what somebody wrote of a patient; where it happened does not.
            log.error("unexpected %s at %s", type(error).__name__, place_of(error))
            refusal = failed()
        else:
            return
        if not begun:
            await _refuse(refusal, told)

    def _let_in(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").rpartition(":")
        name = host[0] if host[2].isdecimal() else headers.get("host", "")
        if self.hosts is not None and name.lower() not in self.hosts:
            raise stranger("The address is none under which this server answers; see --allow-host.")
        if (
            scope["method"] not in ("GET", "HEAD")
            and headers.get("sec-fetch-site", "none") not in OWN
        ):
            raise stranger("Another page sent it; open this server's own page.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.most_bytes:
            raise too_large(self.most_bytes)

    def _limited(self, receive: Receive) -> Receive:
        held = 0

        async def received() -> MutableMapping[str, Any]:
            nonlocal held
            message = await receive()
            held += len(message.get("body", b""))
            if held > self.most_bytes:
                raise too_large(self.most_bytes)
            return message

        return received


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

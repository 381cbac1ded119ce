"""The application: routes behind a guard, and one form of answer for whatever goes wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from myoresist.service import api, site, tasks
from myoresist.service.guard import LOOPBACK, Guard
from myoresist.service.problems import MEDIA_TYPE, Refusal, failed
from myoresist.service.workers import Workers
from myoresist.version import __version__

if TYPE_CHECKING:
    from myoresist.service.hooks.doors import Doors
    from myoresist.service.smart.launch import Launches

ABOUT = (
    "A sourced second opinion for treatment-resistant myositis. Nothing of a request is stored, logged or "
    "sent on. Research and decision-support tool, not a certified medical device."
)


def create_app(
    workers: Workers, hosts: frozenset[str] | None = LOOPBACK, doors: Doors | None = None,
    launches: Launches | None = None,
) -> Guard:  # fmt: skip
    """Return the application.

    Args:
        workers: what answers; they start and end with it.
        hosts: names under which it may be asked; any where ``None``.
        doors: who may ask by CDS Hooks; without them it is not there.
        launches: those of SMART App Launch; without them it is not there.
    """
    assistants = _assistants()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if assistants:
                await stack.enter_async_context(assistants.router.lifespan_context(assistants))
            await workers.start()
            yield
            workers.stop()

    app = FastAPI(
        title="myoresist", version=__version__, description=ABOUT, lifespan=lifespan,
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.include_router(api.routes(workers))
    app.include_router(site.routes(workers, launches is not None))
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _no_such)
    app.add_exception_handler(RequestValidationError, _misasked)
    app.add_exception_handler(Exception, _failed)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return api.respond(await workers.run(tasks.described, app.openapi()))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return api.respond(await workers.run(tasks.docs, app.openapi()))

    if assistants:
        app.router.routes.extend(assistants.routes)
    if doors:
        from myoresist.service.hooks.routes import routes

        app.include_router(routes(workers, doors, launches))
    if launches:
        from myoresist.service.smart import routes as smart

        app.include_router(smart.routes(workers, launches))
    return Guard(app, hosts, doors=doors)


def _assistants() -> Starlette | None:
    """Return the tools of assistants over HTTP, at ``/mcp``; ``None`` without their extra.

    Each request stands alone. Who may ask is the business of the guard, which knows the names allowed.
    """
    if not find_spec("mcp"):
        return None
    from mcp.server.transport_security import TransportSecuritySettings

    from myoresist.assistants import server

    return server().streamable_http_app(
        json_response=True,
        stateless_http=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )


def _problem(refusal: Refusal) -> Response:
    return Response(refusal.body, refusal.status, refusal.headers, MEDIA_TYPE)


async def _refused(_request: Request, error: Exception) -> Response:
    return _problem(error if isinstance(error, Refusal) else failed())


async def _failed(_request: Request, _error: Exception) -> Response:
    return _problem(failed())


async def _no_such(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    known = {
        400: ("request", "The request cannot be read", "Send a case file in UTF-8 as the body."),
        404: ("address", "Nothing stands at this address", "See /docs for the addresses."),
        405: ("method", "This address is asked in another way", "See the header Allow."),
    }
    kind, title, detail = known.get(
        status, ("request", "The request cannot be answered", "See /docs.")
    )
    return _problem(Refusal(status, kind, title, detail, headers=headers))


async def _misasked(_request: Request, error: Exception) -> Response:
    wrong = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in wrong)
    return _problem(Refusal(422, "request", "The request cannot be used as it is written", detail))

"""The routes of the page. What is said of a patient stands in the body of a request, never in an address."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from myoresist.service import tasks
from myoresist.service.api import respond
from myoresist.service.guard import MOST_BYTES
from myoresist.service.workers import Workers

Section = Literal["labs", "autoantibodies", "treatments", "visits"]


def routes(workers: Workers, launches: bool = False) -> APIRouter:
    """Return the routes of the page.

    Args:
        workers: what answers.
        launches: whether record systems can open it.
    """
    site = APIRouter(include_in_schema=False, default_response_class=Response)

    @site.get("/")
    async def start() -> Response:
        return respond(await workers.run(tasks.page, b"", launches))

    @site.post("/")
    async def page(request: Request) -> Response:
        return respond(await workers.run(tasks.page, await request.body()))

    @site.post("/answer")
    async def answer(request: Request) -> Response:
        form = await request.body()
        # Whoever types on does not wait for what was entered before.
        return respond(await workers.run(tasks.answered, form, gone=request.is_disconnected))

    @site.post("/asks")
    async def asks(request: Request) -> Response:
        form = await request.body()
        return respond(await workers.run(tasks.asked, form, gone=request.is_disconnected))

    @site.post("/open")
    async def open_file(request: Request) -> Response:
        file, form = await _file(request)
        return respond(await workers.run(tasks.opened, file, form))

    @site.post("/letter")
    async def letter(request: Request) -> Response:
        return respond(await workers.run(tasks.lettered, b"", await request.body()))

    @site.post("/letter/take")
    async def take(request: Request) -> Response:
        return respond(await workers.run(tasks.taken, await request.body()))

    @site.post("/search")
    async def search(request: Request) -> Response:
        query = parse_qs((await request.body()).decode(errors="replace")).get("q", [""])[0]
        return respond(await workers.run(tasks.found, query))

    @site.post("/rows/{section}")
    async def rows(section: Section, request: Request) -> Response:
        return respond(await workers.run(tasks.table, section, await request.body()))

    @site.post("/page.{kind}")
    async def export(kind: Literal["html", "pdf", "md", "txt"], request: Request) -> Response:
        return respond(await workers.run(tasks.exported, kind, await request.body()))

    @site.post("/report")
    async def reasons(request: Request) -> Response:
        return respond(await workers.run(tasks.exported, "reasons", await request.body()))

    @site.post("/case.{kind}")
    async def save(kind: Literal["yaml", "json"], request: Request) -> Response:
        return respond(await workers.run(tasks.saved, kind, await request.body()))

    @site.get("/static/{name}")
    async def static(name: Literal["serve.css", "serve.js", "icon.svg"]) -> Response:
        return respond(await workers.run(tasks.static, name))

    return site


async def _file(request: Request) -> tuple[bytes, bytes]:
    """Return the file of a form, which never leaves memory, and what was entered before."""
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=4)
    parser.spool_max_size = 2 * MOST_BYTES
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise HTTPException(400) from error
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise HTTPException(400)
    try:
        before = form.get("form")
        return await file.read(), before.encode() if isinstance(before, str) else b""
    finally:
        await form.close()

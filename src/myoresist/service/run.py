"""Start the server, and say where it is and who can reach it."""

from __future__ import annotations

import os
import socket
import webbrowser
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from myoresist.service.app import create_app
from myoresist.service.guard import LOOPBACK
from myoresist.service.workers import Workers

if TYPE_CHECKING:
    from myoresist.service.hooks.doors import Doors
    from myoresist.service.smart.launch import Launches

MOST_CONNECTIONS = 256
BESIDES = "Nothing of a patient is stored, logged or sent on. Ctrl+C ends it."
OPEN = (
    "Whoever reaches this address can use it: it has no login, and what is sent to it is not encrypted. "
    "Put it behind a proxy that has both; docs/serve.md shows how."
)


TRIAL = ", open to everything on this machine, to try it with patients who do not exist"


class ServeError(Exception):
    """The server cannot start; the message says why."""


class _Server(uvicorn.Server):
    """Says where it is once it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._ready()


def serve(
    host: str,
    port: int,
    names: Iterable[str],
    workers: int | None,
    browser: bool,
    say: Callable[[str], None],
    hooks: Path | None = None,
    hooks_open: bool = False,
    smart: Path | None = None,
) -> None:
    """Answer until somebody ends it.

    Args:
        host: address to listen on.
        port: its port; 0 takes a free one.
        names: further names under which it may be asked.
        workers: how many processes answer; as many as there are cores when ``None``.
        browser: whether to open the page.
        say: what prints a line for the user.
        hooks: settings of CDS Hooks; without them it is off.
        hooks_open: whether everything on this machine may ask by CDS Hooks, to try it.
        smart: settings of SMART App Launch; without them it is off.

    Raises:
        ServeError: where it cannot listen there, or others could reach what is only to be tried.
        DocumentError: for settings that cannot be used.
    """
    own = is_loopback(host)
    if hooks_open and (hooks or not own):
        raise ServeError("--hooks-open is to try it on 127.0.0.1; give --hooks for anything else")
    try:
        doors, launches = _doors(hooks), _launches(smart)
    except ImportError as error:
        raise ServeError(
            f"CDS Hooks needs {error.name}: pip install 'myoresist[service]'"
        ) from error
    allowed = frozenset(one.lower() for one in names) | _names(doors, launches)
    # On another address the names are those of the proxy, which are only known where they are given.
    hosts = LOOPBACK | allowed | {host} if own or allowed else None
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}/"

    if hooks_open:
        doors = _trial(address)

    def ready() -> None:
        say(f"myoresist answers at {address}")
        say(BESIDES if own else f"{OPEN} {BESIDES}")
        if doors:
            say(f"CDS Hooks at {doors.address}/cds-services{TRIAL if hooks_open else ''}")
        if launches:
            say(f"SMART App Launch at {launches.settings.address}/launch")
        if browser and own:
            webbrowser.open(address)

    config = uvicorn.Config(
        create_app(Workers(workers or os.cpu_count() or 1), hosts, doors, launches),
        access_log=False, log_level="error", server_header=False, proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS, timeout_graceful_shutdown=5, lifespan="on",
    )  # fmt: skip
    server = _Server(config, ready)
    with listening:
        server.run([listening])


def _doors(path: Path | None) -> Doors | None:
    if path is None:
        return None
    from myoresist.service.hooks.doors import Doors

    return Doors.read(path)


def _launches(path: Path | None) -> Launches | None:
    if path is None:
        return None
    from myoresist.service.smart.launch import Launches
    from myoresist.service.smart.settings import read_settings

    return Launches(read_settings(path))


def _names(doors: Doors | None, launches: Launches | None) -> frozenset[str]:
    """Return the names under which record systems call and browsers come back."""
    told = ([doors.address] if doors else []) + ([launches.settings.address] if launches else [])
    return frozenset(urlsplit(x).hostname or "" for x in told)


def _trial(address: str) -> Doors:
    from myoresist.service.hooks.doors import Doors

    return Doors.trial(address)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        hint = "; name another --port" if port else ""
        raise ServeError(f"{host}:{port}: cannot listen there: {error.strerror}{hint}") from error

"""Fetching from places that the settings name, and from no others.

A name is looked up once, and the connection goes to the address that was checked, so that a name cannot lead
to one place when it is checked and to another when it is called. Redirects are not followed, no proxy of the
environment is used, and size, pages and time are bounded.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx2

from myoresist.service.hooks.settings import FhirServer, Issuer

for _name in ("httpx2", "httpcore2"):
    # They would write the address of every request into a log, and an address names a patient.
    logging.getLogger(_name).setLevel(logging.CRITICAL)

MOST_BYTES, MOST_PAGES, MOST_KEY_BYTES = 5_000_000, 10, 100_000
PORTS = {"https": 443, "http": 80}
FHIR, KEYS = "application/fhir+json", "application/json"
UNSAFE = ("..", "//", "\\", "%")
"""What no path under the base of a server may hold."""


class UnreachableError(Exception):
    """Something could not be fetched. The message names no patient."""


def server_of(issuer: Issuer, address: object) -> FhirServer | None:
    """Return the server of an issuer at an address; ``None`` where it is none that is allowed."""
    if not isinstance(address, str):
        return None
    plain = address.rstrip("/")
    return next((one for one in issuer.fhir_servers if one.address == plain), None)


async def key_set(issuer: Issuer) -> bytes | None:
    """Return the JWK Set of an issuer from its ``jku``; ``None`` if it cannot be had."""
    if issuer.jku is None:
        return None
    try:
        async with _client(5) as client:
            return await _get(client, issuer.jku, issuer.private, {"Accept": KEYS}, MOST_KEY_BYTES)
    except UnreachableError:
        return None


async def told(
    server: FhirServer, address: str, seconds: float, fields: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what a server tells at an address as JSON; ``fields`` are sent as a form.

    Raises:
        UnreachableError: if it tells nothing that can be used, in time.
    """
    headers = {"Accept": KEYS}
    body = None
    if fields is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(fields).encode()
    try:
        async with _client(seconds) as client, asyncio.timeout(seconds):
            text = await _get(client, address, server.private, headers, MOST_KEY_BYTES, body)
    except TimeoutError as error:
        raise UnreachableError from error
    found = _parsed(text)
    if not isinstance(found, dict):
        raise UnreachableError
    return found


class Fetcher:
    """Fetches what is missing of one patient from one server, within one time and one size."""

    def __init__(self, server: FhirServer, token: str, seconds: float) -> None:
        self.server = server
        self._headers = {"Accept": FHIR, "Authorization": f"Bearer {token}"}
        self._client = _client(seconds)
        self._left, self._seconds = MOST_BYTES, seconds

    async def all(self, queries: Iterable[str]) -> list[list[dict[str, Any]] | None]:
        """Return for each query the resources or pages that it gives; ``None`` where it gives none."""

        async def one(query: str) -> list[dict[str, Any]] | None:
            try:
                return await self._pages(query)
            except UnreachableError:
                return None

        try:
            async with self._client, asyncio.timeout(self._seconds):
                return await asyncio.gather(*map(one, queries))
        except TimeoutError:
            return []

    async def _pages(self, query: str) -> list[dict[str, Any]]:
        base = f"{self.server.address}/"
        address: str | None = base + query
        found: list[dict[str, Any]] = []
        while address is not None:
            path = urlsplit(address).path.removeprefix(urlsplit(base).path)
            if not address.startswith(base) or any(x in path for x in UNSAFE):
                raise UnreachableError
            if len(found) >= MOST_PAGES:
                raise UnreachableError
            text = await _get(self._client, address, self.server.private, self._headers, self._left)
            self._left -= len(text)
            page = _resource(text)
            found.append(page)
            address = _next(page, address)
        return found


def _client(seconds: float) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        follow_redirects=False, trust_env=False, timeout=seconds, limits=httpx2.Limits(max_connections=4)
    )  # fmt: skip


async def _get(
    client: httpx2.AsyncClient, address: str, private: bool, headers: dict[str, str], most: int,
    sent: bytes | None = None,
) -> bytes:  # fmt: skip
    """Return what stands at an address, or what is answered there to what is sent."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    own = {**headers, "Host": parts.netloc, "Accept-Encoding": "identity"}
    for checked in await _checked(host, parts.port or PORTS[parts.scheme], private):
        shown = f"[{checked}]" if ":" in checked else checked
        place = parts._replace(netloc=shown + port).geturl()
        try:
            return await _body(client, place, host, own, most, sent)
        except httpx2.ConnectError:
            continue  # one of several addresses of a name may be out of reach
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise UnreachableError from error
    raise UnreachableError


async def _body(
    client: httpx2.AsyncClient, place: str, host: str, headers: dict[str, str], most: int,
    sent: bytes | None,
) -> bytes:  # fmt: skip
    """Return what stands at an address; its certificate must be that of the name."""
    how: dict[str, Any] = {
        "headers": headers,
        "extensions": {"sni_hostname": host},
        "content": sent,
    }
    async with client.stream("GET" if sent is None else "POST", place, **how) as answer:
        if answer.status_code != httpx2.codes.OK:
            raise UnreachableError
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise UnreachableError  # what is packed has no size that is known
        held = bytearray()
        async for part in answer.aiter_raw():
            held += part
            if len(held) > most:
                raise UnreachableError
        return bytes(held)


async def _checked(host: str, port: int, private: bool) -> list[str]:
    """Return the addresses of a host; if asked, each of them must be one of the public network."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError from error
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not (private or all(_public(one) for one in addresses)):
        raise UnreachableError
    return list(dict.fromkeys(addresses))


def _public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)


def _resource(text: bytes) -> dict[str, Any]:
    found = _parsed(text)
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        raise UnreachableError
    if found["resourceType"] == "OperationOutcome":
        raise UnreachableError
    return found


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreachableError from error


def _next(page: dict[str, Any], address: str) -> str | None:
    links = page.get("link")
    for one in links if isinstance(links, list) else ():
        if (
            isinstance(one, dict)
            and one.get("relation") == "next"
            and isinstance(one.get("url"), str)
        ):
            return urljoin(address, str(one["url"]))
    return None


def filled(template: str, patient: str) -> str:
    """Return a query about a patient."""
    return template.replace("{{context.patientId}}", quote(patient, safe=""))

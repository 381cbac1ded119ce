"""Whether a call comes from a record system that is known: a signed token, made for this call, used once.

A token is refused without a word of why. Nothing of it is ever logged.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from myoresist.document import DocumentError, Problem
from myoresist.service.hooks.settings import Issuer, Settings

ALGORITHMS = {"EC": "ES384", "RSA": "RS384"}
"""The algorithm that goes with each kind of key; a token cannot choose another."""
CLAIMS = ("iss", "aud", "exp", "iat", "jti")
MOST_TOKEN, MOST_KEYS, MOST_JTI, MOST_KNOWN = 8_000, 50, 200, 100_000
LEAST_RSA_BITS = 2048
FRESH_SECONDS, AGAIN_SECONDS = 3600.0, 60.0
PRIVATE = ("d", "p", "q", "k")

Keys = Mapping[str, jwt.PyJWK]
Fetch = Callable[[Issuer], Awaitable[bytes | None]]


class StrangerError(Exception):
    """A call that is not let in; it says nothing, since whoever asks shall learn nothing."""


def public_keys(data: object) -> Keys:
    """Return the usable public keys of a JWK Set by their names; whatever else stands in it is left out."""
    listed = data.get("keys") if isinstance(data, Mapping) else None
    found: dict[str, jwt.PyJWK] = {}
    for one in (listed if isinstance(listed, list) else [])[:MOST_KEYS]:
        if not isinstance(one, Mapping) or not isinstance(one.get("kid"), str):
            continue
        algorithm = ALGORITHMS.get(str(one.get("kty")))
        public = {key: value for key, value in one.items() if key not in PRIVATE}
        if (
            algorithm is None
            or one.get("use", "sig") != "sig"
            or one.get("alg", algorithm) != algorithm
        ):
            continue
        try:
            key = jwt.PyJWK(public, algorithm=algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if _strong(key.key) and one["kid"] not in found:
            found[one["kid"]] = key
    return found


def _strong(key: object) -> bool:
    if isinstance(key, EllipticCurvePublicKey):
        return isinstance(key.curve, SECP384R1)
    return isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS


def read_keys(path: Path) -> Keys:
    """Read the public keys of a file.

    Raises:
        DocumentError: if it holds none, or a private one, which has no business here.
    """
    try:
        data = json.loads(path.read_bytes())
    except OSError as error:
        said = f"cannot be read: {error.strerror}"
        raise DocumentError([Problem(str(path), None, "", said)]) from error
    except (ValueError, RecursionError) as error:
        raise DocumentError([Problem(str(path), None, "", "is not JSON")]) from error
    listed = data.get("keys") if isinstance(data, dict) else None
    told = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if any(key in one for one in told for key in PRIVATE):
        said = "holds a private key; give the public ones alone"
        raise DocumentError([Problem(str(path), None, "", said)])
    found = public_keys(data)
    if not found:
        said = "holds no key that can be used: EC P-384 or RSA from 2048 bits, each with its kid"
        raise DocumentError([Problem(str(path), None, "", said)])
    return found


@dataclass
class _Fetched:
    """Keys that came from elsewhere, when they came, and when they were last asked for."""

    keys: Keys = field(default_factory=dict)
    at: float = float("-inf")
    tried: float = float("-inf")


@dataclass
class Doorkeeper:
    """Lets in who is known.

    Attributes:
        settings: who is.
        fetch: returns the JWK Set of an issuer from its ``jku``.
        keys: the keys that were read from files, by issuer.
    """

    settings: Settings
    fetch: Fetch
    keys: Mapping[str, Keys]
    _fetched: dict[str, _Fetched] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _used: dict[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, fetch: Fetch) -> Doorkeeper:
        """Return one that has read the files of the settings.

        Raises:
            DocumentError: for a file without a usable key.
        """
        keys = {one.issuer: read_keys(one.keys) for one in settings.issuers if one.keys}
        return cls(settings, fetch, keys)

    async def let_in(self, authorization: list[str], path: str) -> Issuer:
        """Return the record system that calls.

        Args:
            authorization: every header of that name.
            path: the path that is called.

        Raises:
            StrangerError: where it is not known, for whatever reason.
        """
        token = _bearer(authorization)
        header, issuer = self._claimed(token)
        key = await self._key(issuer, str(header["kid"]))
        if key is None or header.get("alg") != key.algorithm_name:
            raise StrangerError
        try:
            claims = jwt.decode(
                token, key.key, [key.algorithm_name], {"require": list(CLAIMS)},
                audience=self.settings.address + path, issuer=issuer.issuer,
                leeway=self.settings.clock_skew_seconds,
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise StrangerError from error
        self._once(issuer.issuer, claims)
        return issuer

    def _claimed(self, token: str) -> tuple[dict[str, Any], Issuer]:
        """Return header and issuer as an unverified token names them, if it names nothing odd."""
        try:
            header = jwt.get_unverified_header(token)
            said = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise StrangerError from error
        named = {one.issuer: one for one in self.settings.issuers}
        issuer = named.get(said["iss"]) if isinstance(said.get("iss"), str) else None
        usual = (
            issuer is not None
            and header.get("alg") in ALGORITHMS.values()
            and str(header.get("typ")).upper() == "JWT"
            and isinstance(header.get("kid"), str)
            and not {"crit", "b64", "zip"} & header.keys()
        )
        if not usual or issuer is None:
            raise StrangerError
        place = header.get("jku")
        if place is not None and (issuer.jku is None or str(place).rstrip("/") != issuer.jku):
            raise StrangerError
        return header, issuer

    async def _key(self, issuer: Issuer, name: str) -> jwt.PyJWK | None:
        """Return a key; those of a ``jku`` are fetched now and then, for a new name, but not often."""
        if issuer.issuer in self.keys:
            return self.keys[issuer.issuer].get(name)
        async with self._lock:
            held = self._fetched.setdefault(issuer.issuer, _Fetched())
            now = time.monotonic()
            if now - held.at > FRESH_SECONDS:
                held.keys = {}
            if name not in held.keys and now - held.tried > AGAIN_SECONDS:
                held.tried = now
                text = await self.fetch(issuer)
                if text is not None:
                    held.at, held.keys = now, public_keys(_parsed(text))
            return held.keys.get(name)

    def _once(self, issuer: str, claims: Mapping[str, Any]) -> None:
        """Refuse a token that is valid for too long, or was used before."""
        name, since, until = claims["jti"], claims["iat"], claims["exp"]
        if not isinstance(name, str) or not 0 < len(name) <= MOST_JTI:
            raise StrangerError
        if type(since) not in (int, float) or type(until) not in (int, float):
            raise StrangerError
        if until - since > self.settings.longest_token_seconds:
            raise StrangerError
        now, skew = time.time(), self.settings.clock_skew_seconds
        if len(self._used) >= MOST_KNOWN:
            self._used = {key: end for key, end in self._used.items() if end >= now}
        if (issuer, name) in self._used or len(self._used) >= MOST_KNOWN:
            raise StrangerError
        self._used[issuer, name] = until + skew + 1


def _bearer(authorization: list[str]) -> str:
    """Return the token of the only header."""
    if len(authorization) != 1 or len(authorization[0]) > MOST_TOKEN:
        raise StrangerError
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != "bearer" or not token or not token.isascii():
        raise StrangerError
    return token


def _parsed(text: bytes | None) -> object:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None

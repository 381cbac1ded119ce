"""A launch, from the record system to the record: who may open, for whom, with which leave.

What is under way is kept in memory, for as long as logging in may take, and a token no longer than it takes
to fetch the record. Nothing of either is ever logged or shown.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from myoresist.service.hooks.fetch import Fetcher, UnreachableError, filled, told
from myoresist.service.hooks.record import IN_WORDS, TEMPLATES, together
from myoresist.service.hooks.request import ID
from myoresist.service.problems import Refusal, busy
from myoresist.service.smart.settings import RecordSystem, Settings

BEGIN, CALLBACK = "/launch", "/callback"
CONFIGURATION = "/.well-known/smart-configuration"
RESOURCES = tuple(dict.fromkeys(x.partition("?")[0].partition("/")[0] for x in TEMPLATES.values()))
WORDS = {
    **IN_WORDS, "conditions": "conditions", "laboratory": "laboratory values", "orders": "orders of drugs",
}  # fmt: skip
MOST_UNDER_WAY, LONGEST = 1_000, 2_000
V1 = {"read": "rs", "*": "rs", "write": ""}
"""What permissions of the first version are in the letters of the second."""


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Configuration(_Read):
    """What a record system says of how it is asked for leave."""

    authorization_endpoint: str = Field(max_length=LONGEST, pattern=r"^[!-~]+$")
    token_endpoint: str = Field(max_length=LONGEST, pattern=r"^[!-~]+$")
    code_challenge_methods_supported: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()


class Token(_Read):
    """The leave that a record system gives, and for whom."""

    access_token: str = Field(min_length=1, max_length=8000, repr=False, pattern=r"^[!-~]+$")
    token_type: Literal["bearer"]
    expires_in: int | None = None
    scope: str = Field("", max_length=8000)
    patient: str | None = Field(None, pattern=ID)
    need_patient_banner: bool = True

    @field_validator("token_type", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


@dataclass(frozen=True)
class UnderWay:
    """A launch that waits for somebody to have logged in.

    Attributes:
        system: the record system.
        tokens: where it hands out tokens.
        verifier: what proves that whoever brings the code began the launch.
        browser: what the browser that began it was given.
        until: when it is over, by the monotonic clock.
    """

    system: RecordSystem
    tokens: str
    verifier: str = field(repr=False)
    browser: str = field(repr=False)
    until: float


@dataclass(frozen=True)
class Begun:
    """A launch that has begun: where the browser goes, and the cookie by which it is known again."""

    address: str
    cookie: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """A record that was opened.

    Attributes:
        system: what it is called.
        bundle: the record.
        missing: what of it could not be had, in words.
        banner: whether the page has to say whose it is.
    """

    system: str
    bundle: dict[str, Any]
    missing: tuple[str, ...]
    banner: bool


@dataclass
class Launches:
    """The launches of a server.

    Attributes:
        settings: who may begin one.
        clock: the monotonic clock.
    """

    settings: Settings
    clock: Callable[[], float] = time.monotonic
    _under_way: dict[str, UnderWay] = field(default_factory=dict)

    @property
    def callback(self) -> str:
        """Return where a launch ends."""
        return self.settings.address + CALLBACK

    def offered(self, server: str | None) -> str | None:
        """Return where a record system begins a launch; ``None`` for one that is not listed."""
        known = server is not None and self.settings.system(server) is not None
        return self.settings.address + BEGIN if known else None

    async def begin(self, iss: str, launch: str | None) -> Begun:
        """Begin a launch.

        Args:
            iss: the record system, as the launch names it.
            launch: what it was given by the record system; ``None`` where it begins here.

        Raises:
            Refusal: for a system that is not listed, which is not called, or that cannot do what is needed.
        """
        system = self.settings.system(iss)
        if system is None:
            raise _refused(
                403, "This record system is not known here", "The settings do not name it."
            )
        if launch is not None and not 0 < len(launch) <= LONGEST:
            raise _refused(400, "The launch cannot be read", "Begin it again in the record system.")
        said = await self._configuration(system)
        now = self.clock()
        self._under_way = {x: y for x, y in self._under_way.items() if y.until > now}
        if len(self._under_way) >= MOST_UNDER_WAY:
            raise busy()
        state, verifier, browser = (secrets.token_urlsafe(32) for _ in range(3))
        until = now + self.settings.launch_seconds
        self._under_way[state] = UnderWay(system, said.token_endpoint, verifier, browser, until)
        asked = {
            "response_type": "code", "client_id": system.client_id, "redirect_uri": self.callback,
            "scope": " ".join(scopes(said.capabilities, launch is not None)), "state": state,
            "aud": system.address, "code_challenge": challenge(verifier), "code_challenge_method": "S256",
            **({"launch": launch} if launch is not None else {}),
        }  # fmt: skip
        joint = "&" if urlsplit(said.authorization_endpoint).query else "?"
        return Begun(said.authorization_endpoint + joint + urlencode(asked), cookie(state), browser)

    async def _configuration(self, system: RecordSystem) -> Configuration:
        """Return how a record system is asked for leave, at places that it may name."""
        wrong = "It does not say how it is asked for leave"
        try:
            data = await told(system, system.address + CONFIGURATION, self.settings.fetch_seconds)
            said = Configuration.model_validate(data)
        except (UnreachableError, ValidationError) as error:
            raise _refused(502, wrong, "The record system did not answer as SMART asks.") from error
        for place in (said.authorization_endpoint, said.token_endpoint):
            if not _allowed(system, place):
                raise _refused(
                    502, wrong, "It names a place to log in that the settings do not list."
                )
        if "S256" not in said.code_challenge_methods_supported:
            raise _refused(502, wrong, "It does not support PKCE with S256.")
        return said

    async def end(self, state: str, code: str | None, cookies: Mapping[str, str]) -> Opened:
        """Return the record for which somebody has logged in.

        Args:
            state: by which the launch is known; it serves once.
            code: what a token is given for; ``None`` if the record system refused.
            cookies: those of the browser.

        Raises:
            Refusal: for a launch that is not under way in this browser, or does not end with a record.
        """
        found = self._under_way.get(state)
        held = cookies.get(cookie(state), "")
        if found is None or not hmac.compare_digest(found.browser.encode(), held.encode()):
            said = "It was begun elsewhere, has ended, or took too long. Begin it again."
            raise _refused(400, "This launch is not under way here", said)
        del self._under_way[state]
        if found.until < self.clock():
            raise _refused(400, "Logging in took too long", "Begin the launch again.")
        if code is None:
            raise _refused(403, "The record system gave no leave", "Nothing was read.")
        return await self._read(found.system, await self._token(found, code))

    async def _token(self, launch: UnderWay, code: str) -> Token:
        fields = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.callback,
            "client_id": launch.system.client_id, "code_verifier": launch.verifier,
        }  # fmt: skip
        try:
            data = await told(launch.system, launch.tokens, self.settings.fetch_seconds, fields)
            token = Token.model_validate(data)
        except (UnreachableError, ValidationError) as error:
            said = "It did not accept the log-in. Begin the launch again."
            raise _refused(502, "The record system gave no leave", said) from error
        if token.expires_in is not None and token.expires_in <= 0:
            raise _refused(502, "The leave has expired", "Begin the launch again.")
        return token

    async def _read(self, system: RecordSystem, token: Token) -> Opened:
        """Fetch what was allowed of the patient, and put it together."""
        if token.patient is None:
            said = "The record system did not say which; open one there first."
            raise _refused(400, "No patient was chosen", said)
        leave = Leave.of(token.scope)
        asked = [x for x, query in TEMPLATES.items() if leave.allows(query)]
        fetcher = Fetcher(system, token.access_token, self.settings.fetch_seconds)
        pages = await fetcher.all([filled(TEMPLATES[x], token.patient) for x in asked])
        parts: dict[str, list[Mapping[str, Any]]] = {
            name: list(some) for name, some in zip(asked, pages, strict=False) if some is not None
        }
        if not parts.get("patient"):
            said = "The leave does not reach, or the server did not answer."
            raise _refused(502, "The patient could not be read", said)
        try:
            bundle = together(token.patient, system.address, parts)
        except Refusal as error:
            said = "What came is about another patient, or is too much. Nothing of it is shown."
            raise _refused(502, "The record cannot be used", said) from error
        missing = [WORDS[x] for x in TEMPLATES if x not in parts]
        missing += [f"a part of what is called {x} in FHIR" for x in leave.partly]
        return Opened(system.name, bundle, tuple(missing), token.need_patient_banner)


@dataclass(frozen=True)
class Leave:
    """What a token allows of a patient.

    Attributes:
        letters: for each kind of resource, or ``*``, what may be done; ``None`` where nothing is said, which
            means all that was asked for.
        partly: kinds of which only a part was allowed.
    """

    letters: Mapping[str, set[str]] | None
    partly: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Leave:
        """Return what scopes of either version allow."""
        if not text.strip():
            return cls(None)
        letters: dict[str, set[str]] = {}
        partly: dict[str, None] = {}
        for one in text.split():
            level, _, rest = one.partition("/")
            kind, _, done = rest.partition(".")
            if level not in ("patient", "user", "system") or not done:
                continue
            done, _, narrower = done.partition("?")
            letters.setdefault(kind, set()).update(V1.get(done, done))
            if narrower:
                partly[kind] = None
        return cls(letters, tuple(partly))

    def allows(self, query: str) -> bool:
        """Tell whether a query may be asked: a search, or one resource by its id."""
        if self.letters is None:
            return True
        kind = query.partition("?")[0].partition("/")[0]
        needed = "s" if "?" in query else "r"
        return any(needed in self.letters.get(x, ()) for x in (kind, "*"))


def scopes(capabilities: Iterable[str], given: bool) -> list[str]:
    """Return what is asked for: the second version, unless the record system knows only the first.

    Args:
        capabilities: of the record system.
        given: whether it opened the page, and so knows the patient.
    """
    old = "permission-v1" in capabilities and "permission-v2" not in capabilities
    done = "read" if old else "rs"
    return ["launch" if given else "launch/patient", *(f"patient/{x}.{done}" for x in RESOURCES)]


def challenge(verifier: str) -> str:
    """Return what is told of a verifier before it is shown (S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def cookie(state: str) -> str:
    """Return the name of the cookie of a launch; each has one, so that two may be under way."""
    return f"launch-{hashlib.sha256(state.encode()).hexdigest()[:12]}"


def _allowed(system: RecordSystem, place: str) -> bool:
    """Tell whether a place is at the record system itself, or at one at which it may log in."""
    try:
        parts = urlsplit(place)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
    except ValueError:
        return False
    own = urlsplit(system.address)
    known = {f"{own.scheme}://{own.netloc}".lower(), *system.login}
    return origin in known and not parts.fragment and not parts.username


def _refused(status: int, title: str, detail: str) -> Refusal:
    """Return the refusal of a launch; it quotes nothing of it."""
    return Refusal(status, "launch", title, detail)

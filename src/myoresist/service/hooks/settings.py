"""Who may ask by CDS Hooks, and where what is missing may be fetched; one file says it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from myoresist.document import DocumentError, Problem, read_document
from myoresist.knowledge.schema import Entry, validated

PATH = "/cds-services"
LOCAL = ("localhost", "127.0.0.1", "[::1]", "::1")


def _address(text: str) -> str:
    """Check an address that is called or compared: encrypted but on this machine, and nothing but a place."""
    parts = urlsplit(text)
    local = parts.hostname in LOCAL
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("give an address that begins with https://")
    if not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("give a plain address, without a name, a password, ? or #")
    return text.rstrip("/")


def _origin(text: str) -> str:
    plain = _address(text)
    if urlsplit(plain).path:
        raise ValueError("give scheme and host only, such as https://ehr.example")
    return plain.lower()


Address = Annotated[str, AfterValidator(_address)]
Origin = Annotated[str, AfterValidator(_origin)]


class FhirServer(Entry):
    """A server from which what is missing may be fetched.

    Attributes:
        address: its base, under which everything that is fetched lies.
        private: whether it may stand at an address of an inner network, or on this machine.
    """

    address: Address
    private: bool = False


class Issuer(Entry):
    """A record system that may ask.

    Attributes:
        issuer: the ``iss`` of its tokens, letter by letter.
        keys: a JWK Set with its public keys, beside the settings.
        jku: where it keeps its keys; a token may name no other place. Without ``keys`` it is asked.
        private: whether ``jku`` may stand at an address of an inner network, or on this machine.
        fhir_servers: its FHIR servers.
    """

    issuer: str = Field(min_length=1, max_length=500)
    keys: Path | None = None
    jku: Address | None = None
    private: bool = False
    fhir_servers: tuple[FhirServer, ...] = ()

    @model_validator(mode="after")
    def _has_keys(self) -> Issuer:
        if self.keys is None and self.jku is None:
            raise ValueError("give keys, a file, or jku, the address of its keys")
        return self


class Settings(Entry):
    """Settings of CDS Hooks.

    Attributes:
        address: under which this server is called; tokens must name it as their audience.
        issuers: who may ask; nobody on ``open_trial``, where everybody on this machine may.
        origins: pages in whose name a browser may ask.
        clock_skew_seconds: by how much clocks may differ.
        longest_token_seconds: for how long a token may be valid.
        fetch_seconds: how long fetching may take in all.
    """

    address: Address
    issuers: tuple[Issuer, ...] = Field(min_length=1)
    origins: tuple[Origin, ...] = ()
    clock_skew_seconds: int = Field(30, ge=0, le=120)
    longest_token_seconds: int = Field(300, ge=10, le=3600)
    fetch_seconds: float = Field(5, gt=0, le=20)

    @model_validator(mode="after")
    def _each_once(self) -> Settings:
        names = [one.issuer for one in self.issuers]
        if len(set(names)) != len(names):
            raise ValueError("an issuer stands twice")
        return self


def read_settings(path: Path) -> Settings:
    """Read the settings; files are named beside them.

    Raises:
        DocumentError: with one problem for everything that is wrong.
    """
    document = read_document(path)
    if not isinstance(document.data, dict):
        said = "gives address: and issuers:; see docs/hooks.md"
        raise DocumentError([Problem(document.name, 1, "", said)])
    found = validated(Settings, document.data, document)
    beside = tuple(
        one.model_copy(update={"keys": path.parent / one.keys}) if one.keys else one
        for one in found.issuers
    )
    return found.model_copy(update={"issuers": beside})

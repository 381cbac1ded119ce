"""Which record systems may open the page with a patient; one file says it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator

from myoresist.document import DocumentError, Problem, read_document
from myoresist.knowledge.schema import Entry, validated
from myoresist.service.hooks.settings import Address, FhirServer, Origin


class RecordSystem(FhirServer):
    """A record system, by the base of its FHIR server, the ``iss`` of a launch.

    Attributes:
        name: what the page calls it.
        client_id: under which myoresist is registered there, as a public client.
        login: further places, by scheme and host, at which it may log in and hand out tokens.
    """

    name: str = Field(min_length=1, max_length=100)
    client_id: str = Field(min_length=1, max_length=500)
    login: tuple[Origin, ...] = ()


class Settings(Entry):
    """Settings of SMART App Launch.

    Attributes:
        address: under which browsers reach this server; a launch ends at its ``/callback``.
        systems: the record systems that may open it.
        launch_seconds: how long logging in may take.
        fetch_seconds: how long fetching the record may take in all.
    """

    address: Address
    systems: tuple[RecordSystem, ...] = Field(min_length=1)
    launch_seconds: int = Field(600, ge=1, le=3600)
    fetch_seconds: float = Field(10, gt=0, le=20)

    @model_validator(mode="after")
    def _each_once(self) -> Settings:
        names = [one.address for one in self.systems]
        if len(set(names)) != len(names):
            raise ValueError("a record system stands twice")
        return self

    def system(self, iss: str) -> RecordSystem | None:
        """Return the record system of a launch; ``None`` for one that is not listed."""
        plain = iss.rstrip("/")
        return next((one for one in self.systems if one.address == plain), None)


def read_settings(path: Path) -> Settings:
    """Read the settings.

    Raises:
        DocumentError: with one problem for everything that is wrong.
    """
    document = read_document(path)
    if not isinstance(document.data, dict):
        said = "gives address: and systems:; see docs/smart.md"
        raise DocumentError([Problem(document.name, 1, "", said)])
    return validated(Settings, document.data, document)

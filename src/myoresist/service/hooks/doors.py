"""Who is let in: systems with a token of theirs, pages of known origin; or, to try it, this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from myoresist.service.hooks.fetch import key_set
from myoresist.service.hooks.settings import LOCAL, PATH, Issuer, Settings, read_settings
from myoresist.service.hooks.tokens import Doorkeeper


@dataclass(frozen=True)
class Doors:
    """Who is let in.

    Attributes:
        keeper: looks at tokens; ``None`` on a trial, where nobody needs one and nothing is fetched.
        address: of this server, as record systems know it.
        origins: pages in whose name a browser may ask; on a trial those of this machine.
        seconds: how long fetching may take.
    """

    keeper: Doorkeeper | None
    address: str
    origins: frozenset[str] = frozenset()
    seconds: float = 0

    @classmethod
    def of(cls, settings: Settings) -> Doors:
        """Return those of settings.

        Raises:
            DocumentError: for a file of keys that cannot be used.
        """
        return cls(
            Doorkeeper.of(settings, key_set), settings.address, frozenset(settings.origins),
            settings.fetch_seconds,
        )  # fmt: skip

    @classmethod
    def read(cls, path: Path) -> Doors:
        """Return those of a file of settings; see ``of``."""
        return cls.of(read_settings(path))

    @classmethod
    def trial(cls, address: str) -> Doors:
        """Return those of a trial, for a server that only this machine can reach."""
        return cls(None, address.rstrip("/"))

    async def let_in(self, authorization: list[str], path: str) -> Issuer | None:
        """Return who calls; see ``Doorkeeper``."""
        return await self.keeper.let_in(authorization, path) if self.keeper else None

    def knows(self, origin: str) -> bool:
        """Tell whether a browser may ask in the name of a page."""
        if self.keeper is not None:
            return origin.lower() in self.origins
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and parts.hostname in LOCAL

    @staticmethod
    def leads(path: str) -> bool:
        """Tell whether a path is one of CDS Hooks."""
        return path == PATH or path.startswith(f"{PATH}/")

    def headers(self, origin: str | None) -> Iterator[tuple[str, str]]:
        """Yield what a response says to a browser about who may read it."""
        yield "Vary", "Origin"
        if origin is not None and self.knows(origin):
            yield "Access-Control-Allow-Origin", origin

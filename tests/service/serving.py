"""How tests ask the service: in this process, or as a server that a user has started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import NamedTuple

from starlette.testclient import TestClient

from myoresist.service.app import create_app
from myoresist.service.workers import Workers

HOME = "http://127.0.0.1"


class Started(NamedTuple):
    """A server that runs, where it is, and where it may leave temporary files and what it prints."""

    process: subprocess.Popen[bytes]
    address: str
    temporary: Path
    out: Path
    errors: Path

    def end(self) -> tuple[str, str]:
        """End it with all its processes, as systemd does, and return what it printed and complained of."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(timeout=30)
        return self.out.read_text(), self.errors.read_text()


@contextmanager
def asked(workers: Workers | None = None) -> Iterator[TestClient]:
    """Ask the application in this process; threads answer, unless others are given."""
    own = workers or Workers(2, ThreadPoolExecutor)
    with TestClient(create_app(own), base_url=HOME, raise_server_exceptions=False) as client:
        yield client


@contextmanager
def served(folder: Path, *words: str) -> Iterator[Started]:
    """Start ``myoresist serve`` on a free port, and end it."""
    temporary, out, errors = folder / "temporary", folder / "out", folder / "errors"
    temporary.mkdir()
    with out.open("wb") as printed, errors.open("wb") as complained:
        process = subprocess.Popen(
            [sys.executable, "-m", "myoresist", "serve", "--port", "0", "--no-browser", *words],
            stdout=printed,
            stderr=complained,
            env={**os.environ, "TMPDIR": str(temporary)},
            start_new_session=True,
        )
    try:
        while not (said := re.search(r"http://\S+/", out.read_text())):
            assert process.poll() is None, errors.read_text()
            sleep(0.1)
        yield Started(process, said[0].rstrip("/"), temporary, out, errors)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)

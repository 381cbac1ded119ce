from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Started, asked, served
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    with asked() as one:
        yield one


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with served(tmp_path_factory.mktemp("temporary"), "--workers", "2") as one:
        yield one

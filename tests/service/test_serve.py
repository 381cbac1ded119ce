"""``myoresist serve`` says where it is, who can reach it, and why it cannot start."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import httpx2
import pytest
from serving import served
from typer.testing import CliRunner

from myoresist.cli import app
from myoresist.service.run import is_loopback


def test_it_answers_where_it_says(tmp_path: Path) -> None:
    with served(tmp_path, "--workers", "1") as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert httpx2.get(f"{server.address}/api/schema").status_code == 200
        out, errors = server.end()
    assert "Nothing of a patient is stored, logged or sent on" in out
    assert "login" not in out
    assert not errors


def test_another_address_says_what_that_means(tmp_path: Path) -> None:
    with served(
        tmp_path, "--workers", "1", "--host", "0.0.0.0", "--allow-host", "clinic.example"
    ) as server:
        port = server.address.rpartition(":")[2]
        own = f"http://127.0.0.1:{port}/api/schema"
        for host, status in (("clinic.example", 200), ("rebound.example", 403)):
            assert httpx2.get(own, headers={"host": host}).status_code == status
        out, _ = server.end()
    assert "no login" in out and "not encrypted" in out and "docs/serve.md" in out


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["serve", "--port", port])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1 and f"127.0.0.1:{port}: cannot listen there" in done.stderr


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "myoresist.service.run", raising=False)
    done = CliRunner().invoke(app, ["serve"])
    assert done.exit_code == 2
    assert done.stderr == "serve needs uvicorn: pip install 'myoresist[service]'\n"


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("127.3.2.1", True), ("0.0.0.0", False),
     ("192.168.1.2", False), ("clinic.example", False)],
)  # fmt: skip
def test_which_addresses_are_this_machine_alone(host: str, own: bool) -> None:
    assert is_loopback(host) is own

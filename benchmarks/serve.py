"""What the server carries: assessments a second, waiting times, memory, and how long a click takes.

    python benchmarks/serve.py                     # half a minute of load, then clicks in Chromium
    python benchmarks/serve.py --requests 5000     # memory over as many assessments, too

It starts a server of its own on a free port and ends it. Nothing is written.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from threading import Lock

EXAMPLES = sorted((Path(__file__).parents[1] / "src" / "myoresist" / "examples").glob("*.yaml"))
PARTS = 5
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
CLICKED = """([name, value]) => new Promise(done => {
  performance.clearMarks()
  const box = document.querySelector(`#case input[name="${name}"][value="${value}"]`)
  const from = performance.now()
  new PerformanceObserver((list, watching) => {
    watching.disconnect()
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - from)))
  }).observe({ entryTypes: ['mark'] })
  box.click()
})"""


@contextmanager
def server(workers: int) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start the server as a user does, and yield its port and process."""
    words = ["serve", "--port", "0", "--no-browser", "--workers", str(workers)]
    command = [sys.executable, "-m", "myoresist", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r":(\d+)/", process.stdout.readline())
        assert found is not None
        try:
            yield int(found[1]), process
        finally:
            process.terminate()


def ask(port: int, case: bytes) -> float:
    """Assess one case, and return how many seconds it took."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    connection.request("POST", "/api/assess", case)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the server answered {answer.status}")
    return time.perf_counter() - started


def load(
    port: int, cases: Sequence[bytes], clients: int, seconds: float
) -> tuple[float, list[float]]:
    """Let clients ask one after the other for some seconds; return answers a second, and their times."""
    source, lock, until = cycle(cases), Lock(), time.perf_counter() + seconds

    def run(_: int) -> list[float]:
        taken = []
        while time.perf_counter() < until:
            with lock:
                case = next(source)
            taken.append(ask(port, case))
        return taken

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        taken = [one for some in pool.map(run, range(clients)) for one in some]
    return len(taken) / (time.perf_counter() - started), sorted(taken)


def memory(process: int) -> float:
    """Return the MB that a process and those that it started hold; on Linux only."""
    whole = 0.0
    for one in [process, *children(process)]:
        status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        whole += int(found[1]) / 1024 if found else 0
    return whole


def children(process: int) -> list[int]:
    """Return the processes that a process has started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [int(one) for one in text.split()]


def processor(process: int) -> float:
    """Return the seconds of processor that a process and those that it started have used; on Linux only."""
    fields = (
        Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        for one in [process, *children(process)]
    )
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def clicks(port: int, number: int) -> list[float]:
    """Answer findings in Chromium; return the milliseconds from each click to the page that answers it."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{port}/")
        page.set_input_files("#open input[type=file]", EXAMPLES[1])
        page.wait_for_selector("#page .state >> text=Active despite")
        taken = [
            float(page.evaluate(CLICKED, ["findings.gottron_papules", "yes" if n % 2 else "no"]))
            for n in range(number + 2)
        ]
        browser.close()
    return sorted(taken[2:])


def told(taken: Sequence[float], unit: float = 1000) -> str:
    """Return the middle of some times and the one that 99 % do not pass, in milliseconds."""
    last = taken[min(len(taken) - 1, int(0.99 * len(taken)))]
    return f"median {statistics.median(taken) * unit:.0f} ms, p99 {last * unit:.0f} ms"


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=10, help="for each number of clients")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument(
        "--requests", type=int, default=0, help="assessments over which memory is told"
    )
    parser.add_argument("--clicks", type=int, default=20)
    asked = parser.parse_args()
    cases = [one.read_bytes() for one in EXAMPLES]
    with server(asked.workers) as (port, process):
        load(port, cases, asked.workers, 3)
        for clients in asked.clients:
            before = processor(process.pid)
            rate, taken = load(port, cases, clients, asked.seconds)
            each = 1000 * (processor(process.pid) - before) / len(taken)
            print(
                f"{clients} clients: {rate:.1f} assessments/s, {told(taken)}; "
                f"{each:.0f} ms of processor for each",
                flush=True,
            )
        if asked.clicks:
            print(f"from a click to the page: {told(clicks(port, asked.clicks), 1)}", flush=True)
        for step in range(PARTS if asked.requests else 0):
            with ThreadPoolExecutor(asked.workers) as pool:
                numbers = range(asked.requests // PARTS)
                list(pool.map(lambda n: ask(port, cases[n % len(cases)]), numbers))
            done = (step + 1) * (asked.requests // PARTS)
            print(f"after {done} assessments: {memory(process.pid):.0f} MB", flush=True)


if __name__ == "__main__":
    main()

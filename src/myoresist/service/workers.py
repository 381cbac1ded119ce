"""Processes that answer, so that one patient does not wait for another.

Each holds the whole knowledge, read once when it starts. What it is asked and what it answers passes through
memory only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from threading import Thread, current_thread, main_thread
from types import FrameType

from myoresist.service.guard import place_of
from myoresist.service.problems import busy, failed, too_slow
from myoresist.service.tasks import Reply, begin

log = logging.getLogger("myoresist.service")

SECONDS, GRACE = 15.0, 5.0
ENDING = (signal.SIGINT, signal.SIGTERM)
"""Signals by which a server is told to end."""
MOST_WAITING = 64
"""Requests that may wait for a process; the next one is told to come again."""


class _OvertimeError(BaseException):
    """A task took too long; no handler for mistakes of a case may catch it."""


class _TaskError(Exception):
    """A task failed; it names the kind of error and the place, never the message."""


def processes(count: int) -> Executor:
    """Return ``count`` processes with the knowledge read."""
    return ProcessPoolExecutor(count, get_context("spawn"), initializer=_begin)


def _begin() -> None:
    # The parent decides when to end; without it nobody would. A service manager tells all of them.
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    parent = parent_process()
    if parent is not None:
        Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    begin()


@contextmanager
def _deaf() -> Iterator[None]:
    """Hold back what tells to end, so that processes that begin meanwhile do not hear it before they can."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """End what takes longer, where the system can."""
    if not hasattr(signal, "setitimer") or current_thread() is not main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        raise _OvertimeError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _run(seconds: float, task: Callable[..., Reply], args: tuple[object, ...]) -> Reply:
    try:
        with _at_most(seconds):
            return task(*args)
    except Exception as error:
        raise _TaskError(f"{type(error).__name__} at {place_of(error)}") from None


class Workers:
    """Some processes that answer, one request each at a time."""

    def __init__(
        self,
        count: int,
        make: Callable[[int], Executor] = processes,
        seconds: float = SECONDS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Plan them.

        Args:
            count: how many there are.
            make: returns them.
            seconds: how long one may take for an answer.
            most_waiting: how many requests may wait.
        """
        self.count, self.seconds, self.most_waiting = count, seconds, most_waiting
        self._make = make
        self._executor: Executor | None = None
        self._free = asyncio.Semaphore(count)
        self._waiting = 0

    async def start(self) -> None:
        """Start them, and wait until all have read the knowledge."""
        self._executor = self._make(self.count)
        loop = asyncio.get_running_loop()
        with _deaf():
            begun = [loop.run_in_executor(self._executor, begin) for _ in range(self.count)]
        await asyncio.gather(*begun)

    def stop(self) -> None:
        """End them; whoever waits gets no answer."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    async def run(
        self,
        task: Callable[..., Reply],
        *args: object,
        gone: Callable[[], Awaitable[bool]] | None = None,
    ) -> Reply:
        """Return what a task of ``tasks`` answers.

        Args:
            task: the task.
            args: what it is asked.
            gone: tells whether whoever asked has gone when its turn comes; then nothing is computed.

        Raises:
            Refusal: where too many wait, where it takes too long, and where it fails.
        """
        if self._waiting >= self.most_waiting:
            raise busy()
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            if gone is not None and await gone():
                return Reply()
            return await self._answer(task, args)
        finally:
            self._free.release()

    async def _answer(self, task: Callable[..., Reply], args: tuple[object, ...]) -> Reply:
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(self._executor, _run, self.seconds, task, args)
        try:
            return await asyncio.wait_for(answer, self.seconds + GRACE)
        except _OvertimeError:
            raise too_slow(self.seconds) from None
        except TimeoutError:
            self._renew()
            raise too_slow(self.seconds) from None
        except BrokenProcessPool:
            log.error("a process has ended unexpectedly; others take its place")
            self._renew()
            raise failed() from None
        except _TaskError as error:
            log.error("unexpected %s", error)
            raise failed() from None

    def _renew(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._make(self.count)

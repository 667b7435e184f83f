"""Transactions of many conversations, gathered into one.

While one is on its way to the disk, what comes meanwhile gathers for the next: who is alone does not wait, and where
many are busy, each pays its part of a few statements and of one commit. Whoever asked goes on after the commit.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.db import close_old_connections

from conversations.database import in_thread, one_thread
from conversations.errors import ConversationsError, FenceLost
from conversations.unit import unit_of_work

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")

logger = logging.getLogger(__name__)

MAX_GATHERED = 64
# Where several are busy: a ninth less CPU a turn than without, and a first word that comes sooner (performance.md).
GATHER_SECONDS = 0.005
EXPECTED = (ConversationsError, FenceLost)
_Asked = tuple[Any, asyncio.Future[Any]]


@dataclass(eq=False)
class _Work:
    """One transaction's part. `outcome` is what it returned, or an expected error, or None: to be done alone."""

    key: uuid.UUID | str
    carry_out: Callable[[], Any]
    done: asyncio.Future[tuple[Any] | Exception | None]
    outcome: tuple[Any] | Exception | None = None


def gathered(
    function: Callable[P, R], find_key: Callable[..., uuid.UUID | str]
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return a service as a coroutine function whose transaction is carried out together with others'.

    Args:
        function: Works in a `unit_of_work`, on one conversation, and raises an expected error before it writes.
        find_key: Takes the same arguments, and returns the conversation's id or thread.
    """
    alone = in_thread(function)

    async def together(*args: P.args, **kwargs: P.kwargs) -> R:
        carry_out = partial(function, *args, **kwargs)
        outcome = await _gatherer().ask(find_key(*args, **kwargs), carry_out)
        if outcome is None:
            return await alone(*args, **kwargs)
        if isinstance(outcome, Exception):
            raise outcome
        result: R = outcome[0]
        return result

    return together


def together(function: Callable[[list[A]], Sequence[R]]) -> Callable[[A], Coroutine[Any, Any, R]]:
    """Return what does for many at once as a coroutine function for one, carried out with others that come meanwhile.

    Args:
        function: Takes a list, and returns what each of it comes to, in order. When it fails, each is tried alone.
    """
    carry_out = in_thread(function)
    queues: WeakKeyDictionary[asyncio.AbstractEventLoop, list[_Asked]] = WeakKeyDictionary()
    tasks: set[asyncio.Task[None]] = set()

    async def work_off(queue: list[_Asked]) -> None:
        while queue:
            taken = queue[:MAX_GATHERED]
            outcomes: Sequence[tuple[R] | None]
            try:
                outcomes = [(one,) for one in await carry_out([argument for argument, _ in taken])]
            except Exception as error:
                logger.debug("gathered work broke off (%s)", type(error).__name__)
                outcomes = [None] * len(taken)
            del queue[: len(taken)]
            for (_, done), outcome in zip(taken, outcomes, strict=True):
                if not done.done():
                    done.set_result(outcome)

    async def one(argument: A) -> R:
        loop = asyncio.get_running_loop()
        queue = queues.setdefault(loop, [])
        done: asyncio.Future[tuple[R] | None] = loop.create_future()
        queue.append((argument, done))
        if len(queue) == 1:
            tasks.add(task := loop.create_task(work_off(queue)))
            task.add_done_callback(tasks.discard)
        outcome = await done
        [result] = outcome or await carry_out([argument])
        return result

    return one


class _Gatherer:
    """What waits in one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Work] = []
        self._working: asyncio.Task[None] | None = None
        self._is_busy = False

    async def ask(
        self, key: uuid.UUID | str, carry_out: Callable[[], Any]
    ) -> tuple[Any] | Exception | None:
        loop = asyncio.get_running_loop()
        work = _Work(key, carry_out, loop.create_future())
        self._waiting.append(work)
        if self._working is None:
            self._working = loop.create_task(self._work_off())
        return await work.done

    async def _work_off(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self._is_busy:
                await asyncio.sleep(GATHER_SECONDS)
            works = self._take()
            self._is_busy = len(works) > 1
            try:
                await loop.run_in_executor(one_thread, self._carry_out, works)
            except Exception as error:  # an error of one would be everybody's: each tries alone
                logger.debug("gathered transactions broke off (%s)", type(error).__name__)
                for work in works:
                    work.outcome = None
            for work in works:
                if not work.done.done():
                    work.done.set_result(work.outcome)
        self._working = None

    def _take(self) -> list[_Work]:
        """Take one of each conversation; what else it has comes with the next."""
        taken: dict[uuid.UUID | str, _Work] = {}
        left = []
        for work in self._waiting:
            if work.key in taken or len(taken) == MAX_GATHERED:
                left.append(work)
            else:
                taken[work.key] = work
        self._waiting = left
        return list(taken.values())

    def _carry_out(self, works: list[_Work]) -> None:
        """In the database thread: all of it, or nothing."""
        is_whole = False
        try:
            with unit_of_work() as unit:
                held = unit.hold([work.key for work in works])
                for work in works:
                    if work.key in held:
                        try:
                            work.outcome = (work.carry_out(),)
                        except EXPECTED as error:
                            work.outcome = error
            is_whole = True
        finally:
            # Kept while there is work: to check it each time is a query. But not one that may be broken.
            if not (is_whole and self._waiting):
                close_old_connections()


_gatherers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gatherer] = WeakKeyDictionary()


def _gatherer() -> _Gatherer:
    loop = asyncio.get_running_loop()
    if loop not in _gatherers:
        _gatherers[loop] = _Gatherer()
    return _gatherers[loop]

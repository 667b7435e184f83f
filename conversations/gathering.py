"""Transactions of many conversations, gathered into one.

While one is on its way to the disk, what comes meanwhile gathers for the next: who is alone does not wait, and where
many are busy, each pays its part of a few statements and of one commit. Whoever asked goes on after the commit.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from abc import ABC, abstractmethod
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


@dataclass(eq=False)
class _Work:
    """One part. `outcome` is what it returned, or an expected error, or None: to be done alone.

    Attributes:
        key: Of two with the same, the second is carried out with the next.
        given: What is carried out, or what it is carried out for.
    """

    key: Any
    given: Any
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

    async def one(*args: P.args, **kwargs: P.kwargs) -> R:
        carry_out = partial(function, *args, **kwargs)
        outcome = await _gatherer().ask(find_key(*args, **kwargs), carry_out)
        if outcome is None:
            return await alone(*args, **kwargs)
        if isinstance(outcome, Exception):
            raise outcome
        result: R = outcome[0]
        return result

    return one


def together(function: Callable[[list[A]], Sequence[R]]) -> Callable[[A], Coroutine[Any, Any, R]]:
    """Return what does for many at once as a coroutine function for one, carried out with others that come meanwhile.

    Args:
        function: Takes a list, and returns what each of it comes to, in order. When it fails, each is tried alone.
    """
    carry_out = in_thread(function)
    queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lists] = WeakKeyDictionary()

    async def one(argument: A) -> R:
        loop = asyncio.get_running_loop()
        if loop not in queues:
            queues[loop] = _Lists(carry_out)
        outcome = await queues[loop].ask(object(), argument)
        [result] = outcome or await carry_out([argument])
        return result

    return one


class _Queue(ABC):
    """What waits in one event loop while something is carried out."""

    pause_seconds = 0.0  # for more to come, where several are busy

    def __init__(self) -> None:
        self._waiting: list[_Work] = []
        self._working: asyncio.Task[None] | None = None
        self._is_busy = False

    @abstractmethod
    async def carry_out(self, works: list[_Work]) -> None:
        """Give each its outcome. When it raises, each is done alone: an error of one would be everybody's."""

    async def ask(self, key: Any, given: Any) -> Any:
        """Have it carried out with what else waits; return its outcome."""
        loop = asyncio.get_running_loop()
        work = _Work(key, given, loop.create_future())
        self._waiting.append(work)
        if self._working is None:
            self._working = loop.create_task(self._work_off())
        return await work.done

    async def _work_off(self) -> None:
        while self._waiting:
            if self._is_busy and self.pause_seconds:
                await asyncio.sleep(self.pause_seconds)
            works = self._take()
            self._is_busy = len(works) > 1
            try:
                await self.carry_out(works)
            except Exception as error:
                logger.debug("gathered work broke off (%s)", type(error).__name__)
                for work in works:
                    work.outcome = None
            for work in works:
                if not work.done.done():
                    work.done.set_result(work.outcome)
        self._working = None

    def _take(self) -> list[_Work]:
        """Take one of each key; what else it has comes with the next."""
        taken: dict[Any, _Work] = {}
        left = []
        for work in self._waiting:
            if work.key in taken or len(taken) == MAX_GATHERED:
                left.append(work)
            else:
                taken[work.key] = work
        self._waiting = left
        return list(taken.values())


class _Lists(_Queue):
    """What a function does for many at once."""

    def __init__(self, function: Callable[[list[Any]], Coroutine[Any, Any, Sequence[Any]]]) -> None:
        super().__init__()
        self._function = function

    async def carry_out(self, works: list[_Work]) -> None:
        results = await self._function([work.given for work in works])
        for work, result in zip(works, results, strict=True):
            work.outcome = (result,)


class _Gatherer(_Queue):
    """Transactions: the keys are conversations."""

    pause_seconds = GATHER_SECONDS

    async def carry_out(self, works: list[_Work]) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(one_thread, self._carry_out, works)

    def _carry_out(self, works: list[_Work]) -> None:
        """In the database thread: all of it, or nothing."""
        is_whole = False
        try:
            with unit_of_work() as unit:
                held = unit.hold([work.key for work in works])
                for work in works:
                    if work.key in held:
                        try:
                            work.outcome = (work.given(),)
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

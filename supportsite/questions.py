"""Asking what may not answer: for a bounded time, and never twice at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import close_old_connections

TIMEOUT_SECONDS = 2.0

Given = TypeVar("Given")


class Question(Generic[Given]):
    """Something asked in a thread of its own. Who asks while it is unanswered waits for the same answer.

    So a database that hangs costs one thread, however often a balancer comes by.

    Args:
        name: The thread's.
        ask: What blocks, returns the answer, or raises.
    """

    def __init__(self, name: str, ask: Callable[[], Given]) -> None:
        self._ask = ask
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._asked: Future[Given] | None = None

    async def answer(self) -> Given:
        """Return the answer.

        Raises:
            TimeoutError: There is none yet, after `TIMEOUT_SECONDS`.
        """
        waited = asyncio.wrap_future(self._start())
        waited.add_done_callback(lambda f: f.cancelled() or f.exception())  # it may come too late
        done, _ = await asyncio.wait({waited}, timeout=TIMEOUT_SECONDS)
        if not done:
            raise TimeoutError("no answer in time")
        return waited.result()

    def _start(self) -> Future[Given]:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(self._ask_with_connection)
            return self._asked

    def _ask_with_connection(self) -> Given:
        close_old_connections()
        try:
            return self._ask()
        finally:
            close_old_connections()

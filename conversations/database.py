"""The database from async code: its clock, and threads that keep their connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection

P = ParamSpec("P")
R = TypeVar("R")

# On PostgreSQL this bounds a process's connections.
_threads = ThreadPoolExecutor(max_workers=12, thread_name_prefix="database")
# SQLite has one writer at a time, and whoever waits for it sleeps up to 100 ms before it looks again: the p95 of a turn
# was 2 s with 16 conversations (bench/results). In front of one thread transactions wait in order, and no longer than
# needed.
_short = (
    ThreadPoolExecutor(max_workers=1, thread_name_prefix="database-short")
    if connection.vendor == "sqlite"
    else _threads
)


def in_thread(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return `function` as a coroutine function that runs in a database thread; for what takes milliseconds.

    Not in asgiref's one shared thread, in which all async ORM calls of a process queue behind each other (FACTS).
    """
    return _in(_short, function)


def in_long_thread(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return `function` likewise; for tools, which may wait for others."""
    return _in(_threads, function)


def _in(
    executor: ThreadPoolExecutor, function: Callable[P, R]
) -> Callable[P, Coroutine[Any, Any, R]]:

    @wraps(function)
    def with_connection(*args: P.args, **kwargs: P.kwargs) -> R:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(with_connection, thread_sensitive=False, executor=executor)


def database_now() -> datetime:
    """Return the database's time, aware UTC: machines' clocks differ, the database is one."""
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now.astimezone(UTC)

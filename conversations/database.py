"""The database from async code: its clock, and threads that keep their connection."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

CLOCK_SQL = "SELECT clock_timestamp()"  # now() stands still throughout a transaction
READ_ONLY_SQLSTATE = "25006"  # PostgreSQL, appendix "Error Codes": read_only_sql_transaction

# On PostgreSQL this bounds a process's connections.
_threads = ThreadPoolExecutor(max_workers=12, thread_name_prefix="database")
# SQLite has one writer at a time, and whoever waits for it sleeps up to 100 ms before it looks again: the p95 of a turn
# was 2 s with 16 conversations (bench/results). In front of one thread transactions wait in order, and no longer than
# needed.
one_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database-short")
_short = one_thread if connection.vendor == "sqlite" else _threads


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


class WriteRefused(Exception):  # noqa: N818 - says what happened
    """Something was to be written where only reads may happen."""


@contextmanager
def read_only() -> Iterator[None]:
    """Let the database itself refuse every write.

    Raises:
        WriteRefused: Something was to be written.
    """
    try:
        if connection.vendor == "postgresql":
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
                yield
        else:
            with _query_only():
                yield
    except DatabaseError as error:
        if _is_refused_write(error):
            raise WriteRefused(str(error)) from error
        raise


@contextmanager
def _query_only() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA query_only = OFF")


def _is_refused_write(error: DatabaseError) -> bool:
    if connection.vendor == "postgresql":
        return getattr(error.__cause__, "sqlstate", None) == READ_ONLY_SQLSTATE
    return "readonly database" in str(error)


def read_clock(rows: list[tuple[datetime]]) -> datetime:
    """Return what `CLOCK_SQL` gave, aware UTC."""
    return rows[0][0].astimezone(UTC)


def database_now() -> datetime:
    """Return the database's time, aware UTC: machines' clocks differ, the database is one."""
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(CLOCK_SQL)
        return read_clock(cursor.fetchall())

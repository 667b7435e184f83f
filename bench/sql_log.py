"""Writes down every statement that Django sends, and every commit."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')


def describe(sql: str) -> str:
    """Return the verb and the table: "SELECT conversations_run"; other statements shortened."""
    found = TABLE.search(sql)
    verb = sql.split(None, 1)[0]
    if found:
        return f"{verb} {found[1]}"
    return verb if "SAVEPOINT" in sql else sql[:60]


def write_to(path: str) -> None:
    """Append one line of JSON a statement to `path`, from every connection made from now on."""
    file = open(path, "a", buffering=1)  # noqa: SIM115 - open as long as the process lives

    def note(sql: str, seconds: float) -> None:
        file.write(json.dumps({"sql": sql, "seconds": seconds}) + "\n")

    def execute(run: Callable[..., Any], sql: str, *args: Any) -> Any:
        began = time.perf_counter()
        try:
            return run(sql, *args)
        finally:
            note(sql, time.perf_counter() - began)

    def on_connection(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
        if (
            execute in connection.execute_wrappers
        ):  # a pool connects the same wrapper again and again
            return
        connection.execute_wrappers.append(execute)
        commit = connection._commit

        def noted_commit() -> None:
            began = time.perf_counter()
            commit()
            note("COMMIT", time.perf_counter() - began)

        connection._commit = noted_commit

    connection_created.connect(on_connection, weak=False)

"""Copies of conversations, made inside PostgreSQL: every row of every table that belongs to one, under ids of its own.

The id of a copy is the MD5 of the original's and the copy's number, so that references fit without a look-up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, models

from conversations.models import (
    Checkpoint,
    Conversation,
    Effect,
    Event,
    Interrupt,
    Message,
    Run,
    Usage,
    Visitor,
)
from escalation.models import Escalation, Note, Rating, WebhookAttempt, WebhookDelivery

COPIED: tuple[type[models.Model], ...] = (
    Visitor, Conversation, Checkpoint, Run, Message, Interrupt, Effect, Event, Usage,
    Escalation, Note, Rating, WebhookDelivery, WebhookAttempt,
)  # fmt: skip
TABLES = tuple(model._meta.db_table for model in COPIED)
SLICE = 5_000
SPREAD = "interval '365 days'"


def count_rows() -> dict[str, int]:
    return {table: _ask(f"SELECT count(*) FROM {table}") for table in TABLES}


def count_bytes() -> dict[str, dict[str, int]]:
    """Return what each table takes on disk: its rows with what is stored beside them, and its indexes."""
    return {
        table: {
            "rows": _ask(f"SELECT pg_table_size('{table}')"),
            "indexes": _ask(f"SELECT pg_indexes_size('{table}')"),
        }
        for table in TABLES
    }


def multiply(times: int) -> None:
    """Copy all that is there so many times."""
    statements = [_copy(model) for model in COPIED]
    _execute("SET synchronous_commit = off")
    _execute("SET maintenance_work_mem = '1GB'")
    with _originals(), _without_indexes():
        for first in range(1, times + 1, SLICE):
            last = min(first + SLICE - 1, times)
            for statement in statements:
                _execute(statement.format(first=first, last=last, times=times))
    _execute("VACUUM ANALYZE")


def _copy(model: type[models.Model]) -> str:
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(_value(field) for field in fields)
    table = model._meta.db_table
    numbers = "generate_series({first}, {last}) AS n"
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM original_{table} o, {numbers}"


def _value(field: models.Field[object, object]) -> str:
    column = f'o."{field.column}"'
    target = field.related_model if field.is_relation else field.model
    is_id = field.primary_key or field.is_relation
    if is_id and target in COPIED:
        return f"md5({column}::text || n)::uuid"
    if field.unique and isinstance(field, models.CharField):
        return f"{column} || '-' || n"
    if isinstance(field, models.DateTimeField):
        return f"{column} - {SPREAD} * n / {{times}}"
    return column


@contextmanager
def _originals() -> Iterator[None]:
    for table in TABLES:
        _execute(f"CREATE TABLE original_{table} AS TABLE {table}")
    yield
    for table in TABLES:
        _execute(f"DROP TABLE original_{table}")


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Fill tables first and index them then: random keys one by one would take hours."""
    names = ", ".join(f"'{table}'" for table in TABLES)
    keys = _list(
        "SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)"
        f" FROM pg_constraint WHERE conrelid::regclass::text IN ({names})"
        " AND contype IN ('f', 'p', 'u') ORDER BY contype"  # foreign keys first: they rest on the others
    )
    for table, name, _, _ in keys:
        _execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    indexes = _list(f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({names})")
    for name, _ in indexes:
        _execute(f'DROP INDEX "{name}"')
    yield
    for table, name, kind, definition in reversed(keys):
        later = " NOT VALID" if kind == "f" else ""
        _execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}{later}')
    for _, definition in indexes:
        _execute(definition)


def _list(statement: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[str, ...]] = cursor.fetchall()
        return rows


def _ask(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)

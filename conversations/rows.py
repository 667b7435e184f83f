"""Rows of a turn, past Django's ORM: many in one statement, composed once a process.

To compose a query costs the ORM more than to send it and to read its rows (docs/explanation/performance.md). What is
asked in every turn is written here; everything else asks the ORM.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def read(
    model: type[M],
    column: str,
    values: Sequence[Any],
    *,
    also: str = "",
    params: Sequence[Any] = (),
    defer: tuple[str, ...] = (),
) -> list[M]:
    """Return the rows whose column has one of these values.

    Args:
        model: What to read.
        column: A field's name, as `conversation`.
        values: At least one.
        also: SQL behind the condition.
        params: Its parameters, text or numbers.
        defer: Fields that are not read.
    """
    field = _field(model, column)
    given: list[Any] = [field.get_db_prep_value(value, connection) for value in values]
    if connection.vendor == "postgresql":
        among, given = f"= ANY(%s::{field.db_type(connection)}[])", [given]
    else:
        among = f"IN ({', '.join(['%s'] * len(given))})"
    selection, names, converters = _selection(model, defer, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(f"{selection} WHERE {field.column} {among} {also}", [*given, *params])
        rows = cursor.fetchall()
    if converters:
        rows = [_converted(row, converters) for row in rows]
    return [model.from_db(connection.alias, names, row) for row in rows]


def insert(rows: Sequence[models.Model], *, also: str = "") -> None:
    """Insert rows of one model. A number that the database gives is not read back.

    Args:
        rows: At least one.
        also: SQL behind it, as ON CONFLICT.
    """
    model = type(rows[0])
    fields = _insertable(model)
    for field in fields:
        if getattr(field, "auto_now_add", False):
            for row in rows:
                field.pre_save(row, True)
    _execute(f"{_insertion(model, connection.vendor)} {also}", fields, rows)


def update(rows: Sequence[models.Model], names: tuple[str, ...]) -> None:
    """Update these fields of rows of one model."""
    model = type(rows[0])
    fields = _fields(model, ("pk", *names))
    _execute(_change(model, names, connection.vendor), fields, rows)


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _fields(model: type[models.Model], names: Sequence[str]) -> list[Any]:
    return [_field(model, name) for name in names]


@lru_cache(maxsize=64)
def _insertable(model: type[models.Model]) -> list[Any]:
    return [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]


@lru_cache(maxsize=64)
def _selection(
    model: type[models.Model], deferred: tuple[str, ...], vendor: str
) -> tuple[str, list[str], dict[int, tuple[list[Any], Any]]]:
    """Return SQL, the fields' attributes, and what makes a database's values into Python's."""
    fields = [f for f in model._meta.concrete_fields if f.name not in deferred]
    converters: dict[int, tuple[list[Any], Any]] = {}
    for at, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        ours = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        if ours:
            converters[at] = (ours, column)
    names = ", ".join(str(field.column) for field in fields)
    sql = f"SELECT {names} FROM {model._meta.db_table}"  # noqa: S608 - no value in it
    return sql, [field.attname for field in fields], converters


def _converted(row: Sequence[Any], converters: dict[int, tuple[list[Any], Any]]) -> list[Any]:
    values = list(row)
    for at, (functions, column) in converters.items():
        for function in functions:
            values[at] = function(values[at], column, connection)
    return values


@lru_cache(maxsize=64)
def _insertion(model: type[models.Model], vendor: str) -> str:
    fields = _insertable(model)
    names = ", ".join(str(field.column) for field in fields)
    return f"INSERT INTO {model._meta.db_table} ({names}) {_given(fields, vendor)}"


@lru_cache(maxsize=64)
def _change(model: type[models.Model], names: tuple[str, ...], vendor: str) -> str:
    fields = _fields(model, ("pk", *names))
    table = model._meta.db_table
    columns = [field.column for field in fields]
    changes = ", ".join(f"{column} = given.{column}" for column in columns[1:])
    return (
        f"WITH given ({', '.join(columns)}) AS ({_given(fields, vendor)}) "  # noqa: S608
        f"UPDATE {table} SET {changes} FROM given WHERE {table}.{columns[0]} = given.{columns[0]}"
    )


def _given(fields: Sequence[Any], vendor: str) -> str:
    """Return SQL for as many rows as come; on SQLite `_execute` puts them in."""
    if vendor != "postgresql":
        return "VALUES {rows}"
    arrays = ", ".join(f"%s::{field.db_type(connection)}[]" for field in fields)
    return f"SELECT * FROM unnest({arrays})"  # noqa: S608


def _execute(sql: str, fields: Sequence[Any], rows: Sequence[models.Model]) -> None:
    columns = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows]
        for field in fields
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(sql, columns)
        else:
            row = f"({', '.join(['%s'] * len(fields))})"
            values = [value for given in zip(*columns, strict=True) for value in given]
            cursor.execute(sql.replace("{rows}", ", ".join([row] * len(rows))), values)

"""Rows of a turn, past Django's ORM: many in one statement, and several statements in one round trip.

To compose a query costs the ORM more than to send it and to read its rows (docs/explanation/performance.md). What is
asked in every turn is written here; everything else asks the ORM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

import orjson
from django.db import connection, models

T = TypeVar("T")
M = TypeVar("M", bound=models.Model)

Row = tuple[Any, ...]
Converters = dict[int, tuple[list[Any], Any]]


@dataclass(frozen=True)
class Statement(Generic[T]):
    """SQL, its parameters, and what is made of the rows that it gives."""

    sql: str
    params: Sequence[Any]
    make: Callable[[list[Row]], T]


@dataclass(frozen=True)
class Of:
    """What a field holds in those rows of a model whose column has one of these values."""

    model: type[models.Model]
    name: str
    column: str
    values: Sequence[Any]


def execute(*statements: Statement[Any]) -> list[Any]:
    """Carry statements out in their order, on PostgreSQL in one round trip; return what each of them gives."""
    together = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if together:
            sql = ";\n".join(statement.sql for statement in statements)
            cursor.execute(sql, [value for one in statements for value in one.params])
        results = []
        for statement in statements:
            if not together:
                cursor.execute(statement.sql, statement.params)
            results.append(statement.make(cursor.fetchall() if cursor.description else []))
            if together:
                cursor.nextset()
        return results


# --- reading ---


def read(model: type[M], column: str, values: Sequence[Any], **more: Any) -> list[M]:
    """Return the rows whose column has one of these values; `more` as in `selection`."""
    rows: list[M]
    [rows] = execute(selection(model, column, values, **more))
    return rows


def selection(
    model: type[M],
    column: str,
    values: Sequence[Any] | Of,
    *,
    also: str = "",
    params: Sequence[Any] = (),
    defer: tuple[str, ...] = (),
) -> Statement[list[M]]:
    """Return the statement that reads the rows whose column has one of these values.

    Args:
        model: What to read.
        column: A field's name, as `conversation`.
        values: At least one, or what other rows hold.
        also: SQL behind the condition.
        params: Its parameters, text or numbers.
        defer: Fields that are not read.
    """
    condition, given = _condition(model, column, values)
    sql, names, converters = _selected(model, defer, connection.vendor)
    make = partial(_make, model, names, converters)
    return Statement(f"{sql} WHERE {condition} {also}", [*given, *params], make)


def which(model: type[models.Model], column: str, values: Sequence[Any]) -> Statement[set[Any]]:
    """Return the statement that tells which of these values a column, of text or numbers, has anywhere."""
    condition, given = _condition(model, column, values)
    sql = f"SELECT {column} FROM {model._meta.db_table} WHERE {condition}"  # noqa: S608 - no value in it
    return Statement(sql, given, lambda rows: {row[0] for row in rows})


def _condition(
    model: type[models.Model], column: str, values: Sequence[Any] | Of
) -> tuple[str, list[Any]]:
    field = _field(model, column)
    if isinstance(values, Of):
        condition, given = _condition(values.model, values.column, values.values)
        held, table = _field(values.model, values.name).column, values.model._meta.db_table
        return f"{field.column} IN (SELECT {held} FROM {table} WHERE {condition})", given  # noqa: S608
    given = [field.get_db_prep_value(value, connection) for value in values]
    if connection.vendor == "postgresql":
        return f"{field.column} = ANY(%s::{field.db_type(connection)}[])", [given]
    return f"{field.column} IN ({', '.join(['%s'] * len(given))})", given


@lru_cache(maxsize=64)
def _selected(
    model: type[models.Model], deferred: tuple[str, ...], vendor: str
) -> tuple[str, list[str], Converters]:
    """Return SQL, the fields' attributes, and what makes a database's values into Python's."""
    fields = [f for f in model._meta.concrete_fields if f.name not in deferred]
    converters: Converters = {}
    for at, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        ours = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        if ours:
            converters[at] = (ours, column)
    names = ", ".join(str(field.column) for field in fields)
    sql = f"SELECT {names} FROM {model._meta.db_table}"  # noqa: S608 - no value in it
    return sql, [field.attname for field in fields], converters


def _make(model: type[M], names: Sequence[str], converters: Converters, rows: list[Row]) -> list[M]:
    return [model.from_db(connection.alias, names, _converted(row, converters)) for row in rows]


def _converted(row: Row, converters: Converters) -> Sequence[Any]:
    values = list(row)
    for at, (functions, column) in converters.items():
        for function in functions:
            values[at] = function(values[at], column, connection)
    return values


# --- writing ---


def insert(rows: Sequence[models.Model], *, also: str = "") -> None:
    """Insert rows of one model; `also` as in `insertion`."""
    execute(insertion(rows, also=also))


def insertion(rows: Sequence[models.Model], *, also: str = "") -> Statement[None]:
    """Return the statement that inserts rows of one model. A number that the database gives is not read back.

    Args:
        rows: At least one.
        also: SQL behind it, as ON CONFLICT.
    """
    model = type(rows[0])
    fields = [f for f in model._meta.concrete_fields if not isinstance(f, models.AutoField)]
    for field in fields:
        if getattr(field, "auto_now_add", False):
            for row in rows:
                field.pre_save(row, True)
    columns, given, params = _given(model, fields, rows)
    sql = f"INSERT INTO {model._meta.db_table} ({columns}) {given} {also}"
    return Statement(sql, params, _nothing)


def change(rows: Sequence[models.Model], names: tuple[str, ...]) -> Statement[None]:
    """Return the statement that updates these fields of rows of one model."""
    model = type(rows[0])
    key, *changed = fields = [_field(model, name) for name in ("pk", *names)]
    columns, given, params = _given(model, fields, rows)
    table = model._meta.db_table
    changes = ", ".join(f"{field.column} = given.{field.column}" for field in changed)
    sql = (
        f"WITH given ({columns}) AS ({given}) UPDATE {table} SET {changes} "  # noqa: S608
        f"FROM given WHERE {table}.{key.column} = given.{key.column}"
    )
    return Statement(sql, params, _nothing)


def _given(
    model: type[models.Model], fields: Sequence[Any], rows: Sequence[models.Model]
) -> tuple[str, str, list[Any]]:
    """Return the columns, SQL for the rows' values, and its parameters."""
    columns = ", ".join(str(field.column) for field in fields)
    if connection.vendor == "postgresql":
        # One parameter, whose types are those of the table. psycopg would make an array of each column value by value.
        values = [{field.column: getattr(row, field.attname) for field in fields} for row in rows]
        table = model._meta.db_table
        sql = f"SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)"  # noqa: S608
        return columns, sql, [orjson.dumps(values, default=_as_json).decode()]
    group = f"({', '.join(['%s'] * len(fields))})"
    params = [
        field.get_db_prep_save(getattr(row, field.attname), connection)
        for row in rows
        for field in fields
    ]
    return columns, f"VALUES {', '.join([group] * len(rows))}", params


def _as_json(value: Any) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)


def _nothing(_rows: list[Row]) -> None:
    return None

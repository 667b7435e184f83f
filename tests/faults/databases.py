"""A fresh database for each trial: a copy of one that was migrated and filled once.

Read and changed here by plain SQL, past Django: the process that forks holds no connection, and the checker trusts no
code of the product.
"""

import json
import os
import shutil
import sqlite3
import uuid
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from tests.faults import forks

LONG_AGO = "2001-01-01 00:00:00"


class Copy:
    """One trial's database.

    Attributes:
        folder: For its files, such as logs.
    """

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.log = folder / "log"

    def use(self):
        """Let Django, in this forked process, work on it."""
        from django.db import connections

        connections.settings["default"]["NAME"] = self.name
        connections["default"].settings_dict["NAME"] = self.name

    def value(self, sql, *params):
        [row] = self.rows(sql, *params)
        [value] = row.values()
        return value

    def pass_time(self):
        """Let leases lapse, and make what waits to be taken up old enough for the sweep."""
        self.run(
            f"UPDATE conversations_run SET lease_expires_at = '{LONG_AGO}' WHERE status = 'running'"
        )
        self.run(f"UPDATE conversations_run SET ready_at = '{LONG_AGO}' WHERE status = 'pending'")

    def dump(self):
        """Return all that the platform and the shop keep, table by table, to be compared."""
        tables = [
            name for name in self.tables() if name.startswith(("conversations_", "ecommerce_"))
        ]
        return {
            table: sorted(repr(sorted(row.items())) for row in self.rows(f"SELECT * FROM {table}"))
            for table in sorted(tables)
        }

    def read_state(self, conversation_id):
        """Return the messages of a conversation's checkpoint."""
        from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

        rows = self.rows("SELECT conversation_id, content FROM conversations_checkpoint")
        for row in rows:
            if as_hex(row["conversation_id"]) == conversation_id:
                kept = JsonPlusSerializer().loads_typed(("msgpack", bytes(row["content"])))
                return kept[0]["channel_values"].get("messages", [])
        return []


class SqliteCopy(Copy):
    def rows(self, sql, *params):
        connection = sqlite3.connect(self.name, timeout=20)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, params)]
        finally:
            connection.close()

    def run(self, sql, *params):
        connection = sqlite3.connect(self.name, timeout=20)
        try:
            with connection:
                connection.execute(sql, params)
        finally:
            connection.close()

    def tables(self):
        return [r["name"] for r in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]

    def drop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresCopy(Copy):
    def __init__(self, folder, name, server):
        super().__init__(folder, name)
        self.url = f"{server}/{name}"

    def rows(self, sql, *params):
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(sql.replace("?", "%s"), params or None).fetchall()

    def run(self, sql, *params):
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.replace("?", "%s"), params or None)

    def tables(self):
        return [
            r["tablename"]
            for r in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]

    def drop(self):
        with psycopg.connect(self.url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        shutil.rmtree(self.folder, ignore_errors=True)


class Databases:
    """Makes copies of a seed."""

    def __init__(self, folder, fill):
        self.folder = Path(folder)
        self.server = os.environ.get("TEST_DATABASE_URL", "").rpartition("/")[0]
        self.vendor = "postgres" if self.server else "sqlite"
        self._seed = self._open("seed", template=None)
        forks.run(_fill, self._seed, fill, seconds=120)

    def make(self):
        return self._open(f"trial_{uuid.uuid4().hex[:12]}", template=self._seed)

    def _open(self, name, *, template):
        folder = self.folder / name
        folder.mkdir(parents=True)
        if self.vendor == "sqlite":
            file = folder / "support.sqlite3"
            if template:
                shutil.copy(template.name, file)
            return SqliteCopy(folder, str(file))
        with psycopg.connect(self.server + "/postgres", autocommit=True) as server:
            end = f" TEMPLATE {template.name}" if template else ""
            server.execute(f"CREATE DATABASE {name}{end}")
        return PostgresCopy(folder, name, self.server)

    def close(self):
        self._seed.drop()


def _fill(seed, fill):
    from django.core.management import call_command
    from django.db import connection

    seed.use()
    call_command("migrate", verbosity=0)
    fill()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # copies take one file
    connection.close()


def as_json(value):
    """Return a JSON column's value: SQLite keeps text."""
    return json.loads(value) if isinstance(value, str) else value


def as_hex(value):
    """Return a UUID column's value: SQLite keeps 32 hexadecimal digits."""
    return str(value).replace("-", "") if value is not None else None

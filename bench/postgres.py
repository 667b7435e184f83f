"""A PostgreSQL for measuring: TEST_DATABASE_URL's, or Debian's programs on data and a socket of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from supportsite.valkey import free_port

PROGRAMS = Path("/usr/lib/postgresql")
UNPRIVILEGED = ("postgres", "nobody")
READY_SECONDS = 20


def find_programs() -> Path | None:
    """Return the folder of the newest installed PostgreSQL's programs."""
    found = [path.parent for path in PROGRAMS.glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def is_available() -> bool:
    return bool(os.environ.get("TEST_DATABASE_URL") or find_programs())


class Server:
    """A server on which databases can be made: `url` names one that is there. `pid` is its first process, when ours."""

    def __init__(self, url: str, pid: int | None = None) -> None:
        self.url = url
        self._server = url.rpartition("/")[0]
        self.pid = pid

    def execute(self, statement: str) -> None:
        with psycopg.connect(f"{self._server}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def count_writes(self) -> int:
        """Return how many transactions have written so far; those that only read have no number."""
        with psycopg.connect(f"{self._server}/postgres", autocommit=True) as connection:
            row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").fetchone()
        assert row is not None
        return int(row[0])

    def create(self, *, copy_of: str | None = None) -> str:
        """Return the URL of a new database."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        template = f" TEMPLATE {copy_of.rpartition('/')[2]}" if copy_of else ""
        self.execute(f"CREATE DATABASE {name}{template}")
        return f"{self._server}/{name}"

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")


@contextmanager
def open_server() -> Iterator[Server]:
    """Give a server; one of our own is stopped and removed at the end."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield Server(url)
        return
    programs = find_programs()
    if programs is None:
        raise RuntimeError("no PostgreSQL: set TEST_DATABASE_URL or install Debian's postgresql")
    folder = Path(tempfile.mkdtemp(prefix="bench-postgres-"))
    user = give_away(folder)
    data, port = folder / "data", free_port()
    initdb = [programs / "initdb", "-D", data, "-U", "bench", "--auth=trust", "--no-sync"]
    subprocess.run(initdb, check=True, user=user, capture_output=True, cwd=folder)
    options = ["-D", data, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
    process = subprocess.Popen(
        [programs / "postgres", *options],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        server = Server(f"postgres://bench@127.0.0.1:{port}/postgres", process.pid)
        _wait_until_ready(server)
        yield server
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def give_away(folder: Path) -> int | None:
    """Give the folder to somebody without rights, when we are root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    uid = next(names[name] for name in UNPRIVILEGED if name in names)
    os.chown(folder, uid, -1)
    return uid


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            return server.execute("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)

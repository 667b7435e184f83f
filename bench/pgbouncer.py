"""A pgbouncer in transaction mode, where it is installed: a few connections for all that many processes hold open."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from bench.postgres import give_away
from supportsite.valkey import free_port

READY_SECONDS = 20
CONFIGURATION = """\
[databases]
* = host={host} port={server_port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 1000
logfile = {folder}/log
"""


def find_program() -> str | None:
    """Return the program, or None; Debian keeps it off the PATH of whoever is not root."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def open_pooler(server_url: str, *, connections: int = 10) -> Iterator[str]:
    """Run one in front of a server that trusts this machine; yield its host and port, to stand in the server's place.

    Args:
        connections: To the server, for each database.
    """
    program, server = find_program(), urlsplit(server_url)
    assert program is not None
    folder, port = Path(tempfile.mkdtemp(prefix="pgbouncer-")), free_port()
    user = give_away(folder)
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(
            host=server.hostname,
            server_port=server.port or 5432,
            user=server.username,
            port=port,
            connections=connections,
            folder=folder,
        )
    )
    process = subprocess.Popen(
        [program, "-q", file],
        user=user,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(process, port)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def through(pooler: str, database_url: str) -> str:
    """Return a database's address by way of a pooler."""
    parts = urlsplit(database_url)
    user = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=f"{user}{pooler}").geturl()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("pgbouncer did not start")

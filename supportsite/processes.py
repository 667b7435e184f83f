"""Child processes that share one terminal, and die with whoever started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from typing import IO, TextIO

MAX_LINE_BYTES = 65_536
COLOURS = {"valkey": 35, "setup": 33, "web": 36, "worker": 34}


class Terminal:
    """Writes whole lines, each with the name of the process that said it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._is_coloured = stream.isatty() and not os.environ.get("NO_COLOR")

    def say(self, text: str) -> None:
        """Print lines of the runner's own."""
        # The terminal may be gone, as after SIGHUP: stopping must go on without it.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(text + "\n")
            self._stream.flush()

    def pass_on(self, name: str, source: IO[bytes]) -> None:
        """Print what a process says until it has nothing more to say."""
        prefix = f"{name:<6} | "
        if self._is_coloured:
            prefix = f"\x1b[{COLOURS.get(name, 37)}m{prefix}\x1b[0m"
        while line := source.readline(MAX_LINE_BYTES):
            self.say(prefix + line.decode(errors="replace").rstrip())


class Part:
    """One child process, the leader of a session of its own, so that Ctrl-C reaches only the runner."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], terminal: Terminal) -> None:
        self.name = name
        self.process = process
        self._reader = threading.Thread(target=self._read, args=(terminal,), daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        env: dict[str, str],
        cwd: os.PathLike[str],
        terminal: Terminal,
        pass_fds: Iterable[int] = (),
    ) -> Part:
        """Start `command` and show what it prints."""
        process = subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        return cls(name, process, terminal)

    def _read(self, terminal: Terminal) -> None:
        if self.process.stdout:
            terminal.pass_on(self.name, self.process.stdout)

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def signal(self, sign: signal.Signals) -> None:
        """Signal the process and those that it started; they may outlive it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, sign)

    def finish_reading(self) -> None:
        """Wait a moment for its last lines."""
        self._reader.join(0.3)


def stop_parts(parts: Sequence[Part], *, wait_seconds: float) -> None:
    """Ask processes to end, all at once, and end those that have not after `wait_seconds`."""
    for part in parts:
        if not part.has_ended:
            # Only the leader: it ends its own helpers in its own order.
            part.process.terminate()
    deadline = time.monotonic() + wait_seconds
    for part in parts:
        with contextlib.suppress(subprocess.TimeoutExpired):
            part.process.wait(max(0.0, deadline - time.monotonic()))
    for part in parts:
        part.signal(signal.SIGKILL)
        part.process.wait()
        part.finish_reading()


class Watchdog:
    """Ends the parts when the runner is gone without having done so, as after kill -9.

    A shell that waits for the end of its input, which only the runner holds open. It works on each Unix; Linux's
    parent-death signal would reach the parts but not the processes that they start.
    """

    SCRIPT = (
        'while read -r group; do groups="$groups -$group"; done; '
        '[ -z "$groups" ] || kill -s KILL -- $groups 2>/dev/null'
    )

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", self.SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """End the process group that `pid` leads, too."""
        assert self.process.stdin  # noqa: S101 - it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{pid}\n".encode())
            self.process.stdin.flush()

    def dismiss(self) -> None:
        """End the watchdog: everything has been stopped."""
        self.process.kill()
        self.process.wait()


def python(*arguments: str) -> list[str]:
    """Return a command for this same Python."""
    return [sys.executable, *arguments]

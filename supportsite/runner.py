"""`make run`: the whole site in one terminal, started in order and ended together.

Exit codes: 0 after Ctrl-C, SIGTERM or SIGHUP; 1 when a part of the site has died; 2 when it could not be started as
asked, with one line that says why.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import http.client
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import IO

from supportsite.env import ROOT, Environment, check_data_dir, read_environment
from supportsite.processes import Part, Terminal, Watchdog, python, stop_parts
from supportsite.valkey import Valkey, ValkeyFailedError, start_valkey

TICK_SECONDS = 0.05
# uvicorn gives its sockets 1 s and runs 1.5 s; with Valkey's turn after it, all ends well within 5 s.
STOP_SECONDS = 3.0
# What a part may take of that for running answers; uvicorn waits 1 s for its sockets besides.
GRACE_SECONDS = 1.5
BACKLOG = 2048
ENDING_SIGNALS = sum(1 << (sign - 1) for sign in (signal.SIGINT, signal.SIGHUP))


class CannotStartError(Exception):
    """What was asked for is not possible; the text is the one line that says why."""


class Stop(Exception):  # noqa: N818 - a reason to end, not a fault
    """Ends the run.

    Attributes:
        code: The exit code.
    """

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


def lock_data_dir(path: Path) -> IO[str]:
    """Return a lock that this process holds until it ends; two sites on one folder would share one database."""
    lock = (path / "run.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        raise CannotStartError(
            f"DATA_DIR={path}: in use by the site that process {lock.read().strip() or '?'} runs; "
            "stop that one, or choose another folder"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Bound here, so that a taken port is found before anything is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            reason = f"another program listens there; choose another: make run PORT={port + 1}"
        raise CannotStartError(f"PORT={port}: {reason}") from None


class Parent:
    """`make`, which passes on neither its own death nor an interrupt that was sent to it alone."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._caught = self._get_caught_signals()

    @property
    def is_gone(self) -> bool:
        return os.getppid() != self._pid

    @property
    def is_interrupted(self) -> bool:
        """Whether it got SIGINT or SIGHUP: it then waits for its child, in silence, with that signal's handler off."""
        return bool(self._caught & ~self._get_caught_signals())

    def _get_caught_signals(self) -> int:
        with contextlib.suppress(OSError):  # no /proc, no help: a Ctrl-C in a terminal reaches both
            status = Path(f"/proc/{self._pid}/status").read_text()
            if found := re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.M):
                return int(found[1], 16) & ENDING_SIGNALS
        return 0


class Runner:
    """Starts the parts, watches them, and stops them.

    Attributes:
        parts: What runs, in the order of its start; Valkey is stopped after all others.
    """

    def __init__(self, env: Environment, listener: socket.socket, *, has_to_watch_parent: bool):
        self.env = env
        self.listener = listener
        self.terminal = Terminal(sys.stdout)
        self.parts: list[Part] = []
        self.valkey: Valkey | None = None
        self._signal: signal.Signals | None = None
        self._parent = Parent() if has_to_watch_parent else None
        self._watchdog = Watchdog()
        self._children_env = {
            **os.environ,
            "DATA_DIR": str(env.DATA_DIR),
            "PORT": str(env.PORT),
            "PYTHONUNBUFFERED": "1",
            "STOP_GRACE_SECONDS": str(GRACE_SECONDS),
            "DJANGO_SETTINGS_MODULE": "supportsite.settings",
        }

    def run(self) -> int:
        """Run the site until something ends it, and return the exit code."""
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._on_signal)
        code = 1
        try:
            self._start()
            while True:
                self._tick()
        except Stop as stop:
            code = stop.code
            self.terminal.say(f"{stop} Stopping ...")
        finally:
            self._stop()
        return code

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signal = signal.Signals(number)

    def _tick(self) -> None:
        """Wait a moment, and raise Stop when there is a reason to."""
        if self._signal:
            raise Stop(f"{self._signal.name} received.", 0)
        for part in self.parts:
            if part.has_ended:
                raise Stop(f"The {part.name} process has ended ({_ending(part)}).", 1)
        if self._watchdog.process.poll() is not None:
            raise Stop("The watchdog process has ended.", 1)
        if self._parent and self._parent.is_gone:
            raise Stop("The process that started this one is gone.", 1)
        if self._parent and self._parent.is_interrupted:
            raise Stop("The process that started this one was interrupted.", 0)
        time.sleep(TICK_SECONDS)

    def _start(self) -> None:
        self.terminal.say("Starting smart-support ...")
        if not self.env.REDIS_URL:
            self._start_valkey()
        gate = self._start_web()
        login = self._prepare()
        os.close(gate)
        address = self.listener.getsockname()[:2]
        self.listener.close()
        while not _is_answering(*address):
            self._tick()
        # After the first page: both need a core for their imports.
        self._add("worker", python("-m", "supportsite.worker"))
        self.terminal.say(_welcome(self.env, login))

    def _start_valkey(self) -> None:
        try:
            self.valkey = start_valkey()
        except ValkeyFailedError as error:
            raise Stop(f"{error}.", 1) from None
        self._watchdog.watch(self.valkey.process.pid)
        self.parts.append(Part("valkey", self.valkey.process, self.terminal))
        self._children_env["REDIS_URL"] = self.valkey.url

    def _start_web(self) -> int:
        """Let the web server do its imports beside the setup; it serves when the returned pipe is closed."""
        gate, keeper = os.pipe()
        fds = [self.listener.fileno(), gate]
        self._add(
            "web",
            python("-m", "supportsite.web", f"--fd={fds[0]}", f"--gate-fd={gate}"),
            pass_fds=fds,
        )
        os.close(gate)
        return keeper

    def _prepare(self) -> str:
        """Migrate, load and make the staff login; return that login, as a line."""
        reader, writer = os.pipe()
        part = self._add(
            "setup",
            python("manage.py", "prepare_site", "--collect-static", f"--fd={writer}"),
            pass_fds=[writer],
        )
        os.close(writer)
        self.parts.remove(part)
        try:
            while not part.has_ended:
                self._tick()
        except Stop:
            self.parts.append(part)  # to be stopped with the others
            raise
        part.finish_reading()
        if part.process.returncode != 0:
            raise Stop("The site could not be set up (see above).", part.process.returncode)
        with os.fdopen(reader) as pipe:
            return pipe.read().strip()

    def _add(self, name: str, command: list[str], *, pass_fds: list[int] | None = None) -> Part:
        part = Part.start(
            name,
            command,
            env=self._children_env,
            cwd=ROOT,
            terminal=self.terminal,
            pass_fds=pass_fds or [],
        )
        self._watchdog.watch(part.process.pid)
        self.parts.append(part)
        return part

    def _stop(self) -> None:
        stop_parts(
            [part for part in self.parts if part.name != "valkey"], wait_seconds=STOP_SECONDS
        )
        if self.valkey:
            self.valkey.stop(wait_seconds=0.5)
        self._watchdog.dismiss()


def _ending(part: Part) -> str:
    code = part.process.returncode
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _is_answering(host: str, port: int) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(host, port, timeout=0.25)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _welcome(env: Environment, login: str) -> str:
    url = f"http://localhost:{env.PORT}"
    return (
        "\nsmart-support is up; Ctrl-C ends it.\n"
        f"  chat   {url}/\n"
        f"  admin  {url}/admin/\n"
        f"  staff  {login}\n"
        f"  data   {env.DATA_DIR}\n"
    )


def main() -> int:
    """Check what can be checked before anything is started, then run."""
    parser = argparse.ArgumentParser(prog="python -m supportsite.runner", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="end when the parent process is gone"
    )
    options = parser.parse_args()
    env = read_environment()
    check_data_dir(env.DATA_DIR)
    try:
        lock = lock_data_dir(env.DATA_DIR)
        listener = listen(options.host, env.PORT)
    except CannotStartError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with lock:
        return Runner(env, listener, has_to_watch_parent=options.stop_with_parent).run()


if __name__ == "__main__":
    sys.exit(main())

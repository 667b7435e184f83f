"""Forked processes: each runs one function, and gives back what it returned, or how it died."""

import os
import pickle
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass

_to_parent = None  # this process's own pipe, which its children must not hold open


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        value: What its function returned.
        error: The traceback of what it raised, or "it did not end within …".
        signal: The signal that killed it; 0 for none.
    """

    value: object = None
    error: str = ""
    signal: int = 0


class Fork:
    """One forked process that runs `function(*args)`."""

    def __init__(self, function, *args, log=os.devnull):
        global _to_parent
        sys.stdout.flush()
        sys.stderr.flush()
        self._pipe, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._pipe)
            if _to_parent is not None:
                os.close(_to_parent)
            _to_parent = writing
            _run(function, args, writing, log)
        os.close(writing)
        self._data = b""
        self._status = None

    @property
    def fileno(self):
        return self._pipe

    def kill(self):
        """End it as a power cut would."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)

    def signal(self, sign):
        os.kill(self.pid, sign)

    def wait_until_stopped(self, seconds):
        """Return whether it stopped itself (SIGSTOP), and did not end, within this time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)
            if pid:
                if os.WIFSTOPPED(status):
                    return True
                self._status = status
                return False
            time.sleep(0.005)
        return False

    def wait(self, seconds):
        """Return how it ended; one that is late is killed."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._pipe], [], [], left)[0]:
                self.kill()
                self._reap()
                return Ended(error=f"it did not end within {seconds} s", signal=signal.SIGKILL)
            piece = os.read(self._pipe, 65_536)
            if not piece:
                break
            self._data += piece
        self._reap()
        if os.WIFSIGNALED(self._status):
            return Ended(signal=os.WTERMSIG(self._status))
        if not self._data:
            return Ended(error=f"it ended with status {self._status} and gave nothing back")
        return pickle.loads(self._data)

    def _reap(self):
        os.close(self._pipe)
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)


def _run(function, args, writing, log):
    """Run the child's function, and leave without what the parent has registered for its own end."""
    code = 1
    try:
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.SIG_DFL)
        _redirect(log)
        try:
            ended = Ended(value=function(*args))
        except BaseException:
            ended = Ended(error=traceback.format_exc())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(pickle.dumps(ended))
        code = 0
    finally:
        os._exit(code)


def _redirect(log):
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def run(function, *args, seconds=60, log=os.devnull):
    """Run a function in a process of its own and return what it returns; raises what it raised, as text."""
    ended = Fork(function, *args, log=log).wait(seconds)
    if ended.error or ended.signal:
        raise RuntimeError(ended.error or f"killed by signal {ended.signal}")
    return ended.value


def run_all(works, *, at_once, seconds):
    """Run functions in processes of their own, some at once; yields (place in the list, `Ended`) as they end."""
    waiting = list(enumerate(works))[::-1]
    running = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            at, (function, *args) = waiting.pop()
            fork = Fork(function, *args)
            running[fork.fileno] = (at, fork, time.monotonic() + seconds)
        ready, _, _ = select.select(list(running), [], [], 0.5)
        late = [fd for fd, (_, _, deadline) in running.items() if time.monotonic() > deadline]
        for fd in {*ready, *late}:
            at, fork, deadline = running.pop(fd)
            yield at, fork.wait(max(0.01, deadline - time.monotonic()))

"""What a process tells of its conversations: counts and times for /metrics, and ids for its log lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prometheus_client import Counter, Histogram

from agents import tracing

TURN_SECONDS = Histogram(
    "smart_support_turn_seconds",
    "One run, from its claim to its end or to a pause.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
FIRST_TEXT_SECONDS = Histogram(
    "smart_support_first_text_seconds",
    "From the claim of a run to its first text on a socket.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
)
RUNS_ENDED = Counter("smart_support_runs_ended", "Runs that are over, by how.", ["status"])
INTERRUPTS_RESOLVED = Counter(
    "smart_support_interrupts_resolved", "Interrupts that are over, by how.", ["outcome"]
)
LEASE_TAKEOVERS = Counter(
    "smart_support_lease_takeovers", "Runs taken back from a process that has died."
)

# The frame of a fact → its counter, and the field that labels it.
_COUNTED = {
    "message_complete": (RUNS_ENDED, "status"),
    "interrupt_resolved": (INTERRUPTS_RESOLVED, "outcome"),
}

_ids: ContextVar[dict[str, str]] = ContextVar("log_ids", default={})  # noqa: B039 - it is never changed in place


def get_log_ids() -> dict[str, str]:
    """Return what the current log line is about: run_id, conversation_id, thread_id, as far as known."""
    return _ids.get()


def set_log_ids(**ids: str | None) -> None:
    """Let each log line of this task, from now on, say what it is about; of None it says nothing."""
    _ids.set({name: value for name, value in ids.items() if value is not None})


@contextmanager
def _log_ids(**ids: str) -> Iterator[None]:
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


@contextmanager
def observe_turn(*, run_id: str, conversation_id: str, thread_id: str) -> Iterator[None]:
    """Time a run, span it, and name it in the log."""
    with (
        _log_ids(run_id=run_id, conversation_id=conversation_id, thread_id=thread_id),
        tracing.turn(thread_id, run_id),
        TURN_SECONDS.time(),
    ):
        yield


class FirstText:
    """Times a run's first text; all after it costs one look at a flag."""

    def __init__(self) -> None:
        self._began_at: float | None = time.perf_counter()

    def note(self) -> None:
        if self._began_at is not None:
            FIRST_TEXT_SECONDS.observe(time.perf_counter() - self._began_at)
            self._began_at = None


def count_facts(frames: list[dict[str, Any]]) -> None:
    """Count what a transaction has made true."""
    for frame in frames:
        if counted := _COUNTED.get(frame["type"]):
            counter, field = counted
            counter.labels(frame[field]).inc()

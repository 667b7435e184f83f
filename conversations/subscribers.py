"""Every reaction to the facts of a conversation, in one list."""

from __future__ import annotations

import logging
from typing import Any

from agents import fault_points
from conversations import runs, tasks
from conversations.events import (
    HandoffChanged,
    InterruptResolved,
    subscribe_after_commit,
)
from conversations.live import announce, hub
from conversations.models import Conversation
from conversations.telemetry import count_facts

logger = logging.getLogger(__name__)

STARTS_WORK = {InterruptResolved.type, HandoffChanged.type}


def show(conversation: Conversation, frames: list[dict[str, Any]]) -> None:
    """Bring new events to open sockets."""
    announce(conversation, frames)


def silence(conversation: Conversation, frames: list[dict[str, Any]]) -> None:
    """Stop what this process generates for a conversation that a person has taken, or closed."""
    if conversation.is_without_agents and hub.loop is not None:
        hub.loop.call_soon_threadsafe(runs.stop, conversation.pk)


def wake(conversation: Conversation, frames: list[dict[str, Any]]) -> None:
    """Start the run that a decision has queued: here if sockets are served here, else in a worker."""
    if STARTS_WORK.isdisjoint(frame["type"] for frame in frames):
        return
    fault_points.reach("nudge.before")
    loop = hub.loop
    if loop is not None:
        loop.call_soon_threadsafe(runs.wake, conversation.pk)
    else:
        tasks.continue_conversation.apply_async([str(conversation.pk)], retry=False)


def count(conversation: Conversation, frames: list[dict[str, Any]]) -> None:
    """Count what has happened, for /metrics."""
    count_facts(frames)


def connect() -> None:
    subscribe_after_commit(show)
    subscribe_after_commit(silence)
    subscribe_after_commit(wake)
    subscribe_after_commit(count)

"""Facts of a conversation: stored as numbered events, sent as frames, told to subscribers.

`publish` runs inside the transaction of the fact. In-transaction subscribers run with it; what leaves the process
happens after the commit, and may be lost: a client that lacks an event reads it from the table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from conversations.models import Conversation, Event, Run
from conversations.unit import written_at_once


@dataclass(frozen=True)
class Fact:
    """Something that happened. Fields become the frame's fields; those that are None are left out.

    A fact with the empty type is no frame: it is not stored, and the conversation's views do not hear of it.
    Subscribers in the transaction do.
    """

    type: ClassVar[str]  # the frame's type
    name: ClassVar[str]  # noun.past_tense

    def payload(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class ConversationCreated(Fact):
    """A customer has begun a conversation."""

    type, name = "", "conversation.created"


@dataclass(frozen=True)
class MessageAccepted(Fact):
    """A customer's message is stored; from here on a crash loses nothing."""

    type, name = "message_accepted", "message.accepted"
    message_id: str
    content: str
    created_at: str
    client_message_id: str | None = None


@dataclass(frozen=True)
class PlanMade(Fact):
    """The agents that will act, in order."""

    type, name = "routing", "plan.made"
    agents: list[str]


@dataclass(frozen=True)
class ToolCalled(Fact):
    """An agent uses a tool."""

    type, name = "tool_call", "tool.called"
    agent: str
    tool: str
    args: dict[str, Any]
    tool_call_id: str


@dataclass(frozen=True)
class ToolEnded(Fact):
    """A tool call has its result."""

    type, name = "tool_result", "tool.ended"
    tool: str
    tool_call_id: str
    status: str


@dataclass(frozen=True)
class InterruptCreated(Fact):
    """A write waits for approval."""

    type, name = "interrupt", "interrupt.created"
    interrupt_id: str
    action: str
    params: dict[str, Any]
    message: str
    approver: str
    expires_at: str
    tool_call_id: str


@dataclass(frozen=True)
class InterruptResolved(Fact):
    """An interrupt was decided, by whom, and how."""

    type, name = "interrupt_resolved", "interrupt.resolved"
    interrupt_id: str
    outcome: str
    by: str


@dataclass(frozen=True)
class InterruptExpired(Fact):
    """The retry prompt: it was not done, and how to ask again."""

    type, name = "interrupt_expired", "interrupt.expired"
    interrupt_id: str
    action: str
    params: dict[str, Any]
    message: str


@dataclass(frozen=True)
class Clarified(Fact):
    """The request was ambiguous; this asks."""

    type, name = "clarification", "clarification.asked"
    message: str
    message_id: str


@dataclass(frozen=True)
class MessageSaid(Fact):
    """A whole answer; `html` is sanitised."""

    type, name = "message", "message.said"
    message_id: str
    role: str
    content: str
    html: str
    agent: str | None = None
    author: str | None = None


@dataclass(frozen=True)
class RunEnded(Fact):
    """A run is over."""

    type, name = "message_complete", "run.ended"
    run_id: str
    status: str
    usage: dict[str, Any] | None = None


@dataclass(frozen=True)
class StatusChanged(Fact):
    """The conversation's state."""

    type, name = "status", "status.changed"
    status: str


@dataclass(frozen=True)
class HandoffChanged(Fact):
    """Where the person is: asked for, there, or gone again."""

    type, name = "handoff", "handoff.changed"
    status: str
    created_at: str
    agent_name: str | None = None


@dataclass(frozen=True)
class FeedbackGiven(Fact):
    """The customer has rated the conversation; a later rating takes its place."""

    type, name = "feedback", "feedback.given"
    rating: int
    comment: str | None = None
    message_id: str | None = None


@dataclass(frozen=True)
class PersonWanted(Fact):
    """A person is wanted, and none was until now."""

    type, name = "", "person.wanted"
    reason: str
    summary: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class EffectDone(Fact):
    """A write was done under its approval."""

    type, name = "", "effect.done"
    effect_id: str
    tool: str
    args: dict[str, Any]


@dataclass(frozen=True)
class EffectUnknown(Fact):
    """Whether a write in a foreign system was done, nobody can tell; staff have to look."""

    type, name = "", "effect.unknown"
    effect_id: str
    tool: str
    args: dict[str, Any]


FACTS: tuple[type[Fact], ...] = tuple(Fact.__subclasses__())
FRAMES: tuple[type[Fact], ...] = tuple(fact for fact in FACTS if fact.type)

InTransaction = Callable[[Conversation, Any], None]
AfterCommit = Callable[[Conversation, list[dict[str, Any]]], None]
_in_transaction: list[tuple[InTransaction, tuple[type[Fact], ...]]] = []
_after_commit: list[AfterCommit] = []


def subscribe(function: InTransaction, *to: type[Fact]) -> InTransaction:
    """Call `function` in the transaction of these facts; when it fails, the fact never happened.

    What the transaction writes may not be written yet: `unit.flush`.
    """
    if (function, to) not in _in_transaction:
        _in_transaction.append((function, to))
    return function


def subscribe_after_commit(function: AfterCommit) -> AfterCommit:
    """Call `function` with the frames of a transaction, after its commit."""
    # Apps get ready again when a test changes which are installed.
    if function not in _after_commit:
        _after_commit.append(function)
    return function


def frame(event: Event, thread_id: str) -> dict[str, Any]:
    """Return a stored event as it goes over the wire."""
    return {"type": event.type, "thread_id": thread_id, "seq": event.seq, **event.payload}


def publish(
    conversation: Conversation, facts: Sequence[Fact], *, now: datetime, run: Run | None = None
) -> list[dict[str, Any]]:
    """Store facts as the conversation's next events and return their frames.

    Args:
        conversation: Locked by this transaction (`select_for_update`); its changed fields are saved with it.
        facts: In order.
        now: Aware UTC time.
        run: The run they belong to.
    """
    events = [
        Event(
            conversation_id=conversation.pk,
            run_id=run.pk if run else None,
            seq=conversation.last_seq + offset,
            type=fact.type,
            payload=fact.payload(),
            created_at=now,
        )
        for offset, fact in enumerate((fact for fact in facts if fact.type), start=1)
    ]
    conversation.last_seq += len(events)
    conversation.last_activity_at = now
    with written_at_once() as unit:
        unit.add(*events)
        unit.change(conversation)
    frames = [frame(event, conversation.thread_id) for event in events]
    # Before the subscribers, who may publish themselves: views get events in their order.
    for listener in _after_commit if frames else ():
        transaction.on_commit(lambda listener=listener: listener(conversation, frames), robust=True)  # type: ignore[misc]
    for fact in facts:
        for function, to in _in_transaction:
            if isinstance(fact, to):
                function(conversation, fact)
    return frames

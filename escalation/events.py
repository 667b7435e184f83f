"""Facts of people at work. None is a frame of its own: what a customer may know goes out as `handoff` and `status`."""

from __future__ import annotations

from dataclasses import dataclass

from conversations.events import Fact


@dataclass(frozen=True)
class EscalationRequested(Fact):
    """A person is needed. Times are ISO 8601, aware UTC."""

    type, name = "", "escalation.requested"
    escalation_id: str
    reason: str
    priority: str
    summary: str
    respond_by: str
    resolve_by: str


@dataclass(frozen=True)
class EscalationAssigned(Fact):
    """A person has taken over."""

    type, name = "", "escalation.assigned"
    escalation_id: str
    assignee_id: str
    assignee_name: str


@dataclass(frozen=True)
class ConversationResolved(Fact):
    """Staff have settled and closed the conversation."""

    type, name = "", "conversation.resolved"
    escalation_id: str
    resolved_by_id: str
    resolved_by_name: str


@dataclass(frozen=True)
class CsatReceived(Fact):
    """The customer has rated the conversation, from 1 to 5."""

    type, name = "", "csat.received"
    rating: int
    comment: str

"""A person is wanted."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from conversations.errors import SessionExpired
from conversations.events import HandoffChanged, PersonWanted, publish
from conversations.models import Conversation, Run
from conversations.services.sessions import expire_if_idle, open_conversation
from conversations.unit import unit_of_work


def want_person(
    conversation: Conversation,
    reason: str,
    *,
    now: datetime,
    run: Run | None = None,
    summary: str = "",
) -> None:
    """Ask for a person in a locked conversation; once, until one has come.

    Args:
        conversation: Locked by this transaction.
        reason: Why: "customer", "agent", "routing", "failed", "budget", "unknown_effect", "clarifications" or
            "staff_approval_expired".
        now: Aware UTC time.
        run: The run in which it came up.
        summary: What it is about, in the words of whoever asks.
    """
    if conversation.wants_person or conversation.status == Conversation.Status.HANDED_OFF:
        return
    conversation.wants_person = True
    wanted = PersonWanted(reason, summary or None, str(run.pk) if run else None)
    requested = HandoffChanged("requested", now.isoformat())
    publish(conversation, [requested, wanted], now=now, run=run)


@dataclass(frozen=True)
class Requested:
    """A request for a person. `after_seq`: the number of the last event before it."""

    conversation_id: uuid.UUID
    after_seq: int


def request_handoff(
    *, visitor_id: uuid.UUID, thread_id: str, template: str, reason: str = ""
) -> Requested:
    """Let the customer ask for a person, past every model. Asking again changes nothing.

    Args:
        visitor_id: Who asks.
        thread_id: The conversation; made when it does not exist.
        template: The slug with which a new conversation begins.
        reason: In the customer's words.

    Raises:
        Forbidden: Another visitor's thread.
        SessionExpired: The conversation is over.
    """
    with unit_of_work() as unit:
        conversation = open_conversation(unit, visitor_id, thread_id, template)
        now = unit.now()
        after_seq = conversation.last_seq
        is_over = expire_if_idle(conversation, now)
        if not is_over:
            want_person(conversation, "customer", now=now, summary=reason.strip())
    if is_over:  # raised after the commit, which keeps that it has expired
        raise SessionExpired
    return Requested(conversation.pk, after_seq)

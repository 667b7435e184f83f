"""A person is needed: the record of it, its clocks, and the customer's answer."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from agents.selectors import get_spec
from conversations.events import PersonWanted, publish
from conversations.models import Conversation
from conversations.services.notices import say
from escalation.events import EscalationRequested
from escalation.models import Escalation
from escalation.services.clocks import add_business_time
from escalation.services.summaries import extract_summary
from escalation.services.words import what_happens_next

Priority, Reason = Escalation.Priority, Escalation.Reason

# What may have gone wrong in the world comes before what went wrong in the chat, and that before a wish.
PRIORITIES: dict[str, str] = {
    Reason.UNKNOWN_EFFECT: Priority.URGENT,
    Reason.FAILED: Priority.HIGH,
    Reason.STAFF_APPROVAL_EXPIRED: Priority.HIGH,
}


def answer_wish(conversation: Conversation, wanted: PersonWanted, *, now: datetime) -> None:
    """Open an escalation for a locked conversation, and tell the customer at once what happens next."""
    open_escalation(
        conversation, wanted.reason, now=now, run_id=wanted.run_id, said=wanted.summary or ""
    )
    spec = get_spec(conversation.version)
    text = what_happens_next(spec, wanted.reason, now)
    if text is not None:
        # A moment later, so that it stands after what a run has said in the same transaction.
        said_at = now + timedelta(milliseconds=1)
        said = say(conversation, text, now=said_at)
        publish(conversation, [said], now=now)


def open_escalation(
    conversation: Conversation,
    reason: str,
    *,
    now: datetime,
    run_id: str | None = None,
    said: str = "",
) -> Escalation:
    """Store that a person is needed; none is open yet.

    Args:
        conversation: Locked by this transaction.
        reason: One of `Escalation.Reason`.
        now: When its clocks begin.
        run_id: The run in which it came up.
        said: What it is about, in the words of whoever asks.
    """
    support = get_spec(conversation.version).support
    priority = PRIORITIES.get(reason, Priority.NORMAL)
    target = getattr(support.targets, priority)
    respond_by, resolve_by = (
        add_business_time(support, now, timedelta(minutes=minutes))
        for minutes in (target.respond_minutes, target.resolve_minutes)
    )
    # A model's summary is whole; what customers say of their reason, and nobody at all, is completed from the rows.
    is_whole = reason == Reason.AGENT and said
    row = Escalation.objects.create(
        conversation=conversation,
        run_id=run_id,
        reason=reason,
        priority=priority,
        summary=said if is_whole else extract_summary(conversation, said),
        is_summary_due=not (is_whole or settings.USES_OFFLINE_MODEL),
        created_at=now,
        respond_by=respond_by,
        resolve_by=resolve_by,
        due_at=respond_by,
    )
    fact = EscalationRequested(
        escalation_id=str(row.pk),
        reason=reason,
        priority=priority,
        summary=row.summary,
        respond_by=respond_by.isoformat(),
        resolve_by=resolve_by.isoformat(),
    )
    publish(conversation, [fact], now=now)
    return row

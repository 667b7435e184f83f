"""How long a conversation stays open."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from conversations.database import database_now
from conversations.events import StatusChanged, publish
from conversations.models import Conversation, Interrupt
from conversations.selectors import conversations_to_lock

CLOSED = (Conversation.Status.CLOSED, Conversation.Status.EXPIRED)


def expire_if_idle(conversation: Conversation, now: datetime) -> bool:
    """Close a locked conversation that has been idle too long; a pending interrupt keeps it open.

    Returns:
        Whether it is over.
    """
    if conversation.status in CLOSED:
        return True
    idle = now - conversation.last_activity_at
    if idle <= timedelta(seconds=settings.SESSION_TTL_SECONDS):
        return False
    if conversation.interrupts.filter(status=Interrupt.Status.PENDING, expires_at__gt=now).exists():
        return False
    conversation.status = Conversation.Status.EXPIRED
    publish(conversation, [StatusChanged(conversation.status)], now=now)
    return True


def is_over(conversation_id: uuid.UUID) -> bool:
    """Return whether nothing more can be said here: closed, or idle too long."""
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=conversation_id)
        return expire_if_idle(conversation, database_now())

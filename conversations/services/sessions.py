"""Conversations: opened, and how long they stay open."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from agents.models import TemplateVersion
from agents.selectors import get_current_version
from conversations.errors import Forbidden
from conversations.events import ConversationCreated, StatusChanged, publish
from conversations.models import Conversation, Interrupt
from conversations.unit import Unit, unit_of_work

CLOSED = (Conversation.Status.CLOSED, Conversation.Status.EXPIRED)


def open_conversation(
    unit: Unit, visitor_id: uuid.UUID, thread_id: str, template: str
) -> Conversation:
    """Return the visitor's conversation, locked; made with the template's current version when there is none.

    Raises:
        Forbidden: Another visitor's thread.
    """
    conversation = unit.find_thread(thread_id)
    if conversation is None:
        conversation = _create(unit, visitor_id, thread_id, template)
    if conversation.visitor_id != visitor_id:
        raise Forbidden
    return conversation


def _create(unit: Unit, visitor_id: uuid.UUID, thread_id: str, template: str) -> Conversation:
    now = unit.now()
    version: TemplateVersion = unit.once(get_current_version, template)
    conversation = Conversation(
        thread_id=thread_id, visitor_id=visitor_id, version=version, last_activity_at=now
    )
    if unit.is_gathered:
        unit.add(conversation)
    else:
        try:
            with transaction.atomic():
                conversation.save(force_insert=True)
        except IntegrityError:  # the same thread, from another tab at the same moment
            existing = unit.find_thread(thread_id)
            if existing is None:
                raise
            return existing
    unit.hold_new(conversation)
    publish(conversation, [ConversationCreated()], now=now)
    return conversation


def expire_if_idle(conversation: Conversation, now: datetime) -> bool:
    """Close a locked conversation that has been idle too long.

    A pending interrupt keeps it open, and so does a person: one who has it, and one who was promised.

    Returns:
        Whether it is over.
    """
    if conversation.status in CLOSED:
        return True
    if conversation.status == Conversation.Status.HANDED_OFF or conversation.wants_person:
        return False
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
    with unit_of_work() as unit:
        return expire_if_idle(unit.lock(conversation_id), unit.now())

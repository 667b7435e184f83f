"""Reads of conversations."""

from __future__ import annotations

import uuid

from conversations.models import Conversation, Event

PAGE = 500


def find_conversation(thread_id: str) -> Conversation | None:
    """Return the thread's conversation."""
    return Conversation.objects.filter(thread_id=thread_id).first()


def list_events(conversation_id: uuid.UUID, after_seq: int) -> list[Event]:
    """Return the next events after a number, at most `PAGE`, in order."""
    events = Event.objects.filter(conversation_id=conversation_id, seq__gt=after_seq)
    return list(events.select_related("conversation").order_by("seq")[:PAGE])

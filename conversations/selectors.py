"""Reads of conversations."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from conversations.models import Conversation, Event

PAGE = 500


def conversations_to_lock() -> QuerySet[Conversation]:
    """Return conversations, locked when read, each with its version but for the content.

    The content is 30 kB of JSON to be parsed; `get_spec` knows it already.
    """
    locked = Conversation.objects.select_for_update(of=("self",))
    return locked.select_related("version").defer("version__spec")


def find_conversation(thread_id: str) -> Conversation | None:
    """Return the thread's conversation."""
    return Conversation.objects.filter(thread_id=thread_id).first()


def list_events(conversation_id: uuid.UUID, after_seq: int) -> list[Event]:
    """Return the next events after a number, at most `PAGE`, in order."""
    events = Event.objects.filter(conversation_id=conversation_id, seq__gt=after_seq)
    return list(events.select_related("conversation").order_by("seq")[:PAGE])

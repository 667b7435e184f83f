"""Reads of conversations."""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet

from conversations.models import Conversation, Event, Message, Visitor
from conversations.rows import execute, selection

PAGE = 500
RECENT = 2_000
MAX_FOUND = 1_000


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
    """Return the next events after a number, at most `PAGE`, in order, with their conversation."""
    also, params = "AND seq > %s ORDER BY seq LIMIT %s", [after_seq, PAGE]
    events: list[Event]
    events, conversations = execute(
        selection(Event, "conversation", [conversation_id], also=also, params=params),
        selection(Conversation, "pk", [conversation_id]),
    )
    for event in events:
        event.conversation = conversations[0]
    return events


def search_conversations(text: str) -> set[uuid.UUID]:
    """Return conversations, at most `MAX_FOUND` each, by thread, by customer, and by what was said of late.

    In three steps: asked for at once, the database would read all messages there ever were.
    """
    people = Visitor.objects.filter(
        Q(customer_id__startswith=text) | Q(name__icontains=text) | Q(email__icontains=text)
    )
    recent = Conversation.objects.order_by("-last_activity_at").values_list("pk", flat=True)
    said = Message.objects.filter(conversation__in=list(recent[:RECENT]))
    for word in text.split():
        said = said.filter(content__icontains=word)
    theirs = list(people.values_list("pk", flat=True)[:MAX_FOUND])
    return {
        *recent.filter(thread_id__startswith=text)[:MAX_FOUND],
        *recent.filter(visitor__in=theirs)[:MAX_FOUND],
        *said.order_by().values_list("conversation", flat=True).distinct()[:MAX_FOUND],
    }

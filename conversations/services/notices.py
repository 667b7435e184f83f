"""What a person, or the platform itself, says: messages outside any run."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser

from conversations.events import MessageSaid
from conversations.markdown import to_html
from conversations.models import Conversation, Message


def say(
    conversation: Conversation, text: str, *, now: datetime, by: AbstractBaseUser | None = None
) -> MessageSaid:
    """Store a message in a locked conversation; return the fact to publish.

    Args:
        conversation: Locked by this transaction. Agents get to know what a person says in it with the next message.
        text: What is said.
        now: Aware UTC time.
        by: The member of staff who says it; None for the platform.
    """
    role, author = Message.Role.SYSTEM, ""
    if by is not None:
        role, author = Message.Role.STAFF, name_of(by)
        conversation.people_spoke_at = now
    message = Message.objects.create(
        conversation=conversation, role=role, author=author, content=text, created_at=now
    )
    return MessageSaid(str(message.pk), role, text, to_html(text), author=author or None)


def name_of(user: AbstractBaseUser) -> str:
    """Return a person's name as customers read it: the full name, or the login where none is set."""
    full_name = getattr(user, "get_full_name", str)()
    return full_name or user.get_username()

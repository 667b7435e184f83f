"""What the customer thinks of the conversation."""

from __future__ import annotations

import uuid

from django.db import transaction

from conversations.database import database_now
from conversations.events import FeedbackGiven, publish
from conversations.selectors import conversations_to_lock


def give_feedback(
    conversation_id: uuid.UUID, rating: int, *, comment: str = "", message_id: str | None = None
) -> None:
    """Store a rating; also of a conversation that is over, as most are when they are rated.

    Args:
        conversation_id: The customer's own.
        rating: 1 to 5. Of several the last one counts.
        comment: In the customer's words.
        message_id: The message that is meant, when it is one.
    """
    with transaction.atomic():
        conversation = conversations_to_lock().get(pk=conversation_id)
        given = FeedbackGiven(rating, comment.strip() or None, message_id)
        publish(conversation, [given], now=database_now())

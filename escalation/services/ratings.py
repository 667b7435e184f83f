"""What customers think of it: CSAT."""

from __future__ import annotations

from datetime import datetime

from conversations.events import FeedbackGiven, publish
from conversations.models import Conversation
from escalation.events import CsatReceived
from escalation.models import Rating


def keep_rating(conversation: Conversation, given: FeedbackGiven, *, now: datetime) -> None:
    """Keep a rating in the transaction in which it was given; it takes the place of an earlier one."""
    comment = given.comment or ""
    Rating.objects.update_or_create(
        conversation=conversation,
        defaults={
            "rating": given.rating,
            "comment": comment,
            "message_id": given.message_id or "",
            "created_at": now,
        },
    )
    publish(conversation, [CsatReceived(given.rating, comment)], now=now)

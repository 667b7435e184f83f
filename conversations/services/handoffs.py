"""A person is wanted."""

from __future__ import annotations

from datetime import datetime

from conversations.models import Conversation, Run


def want_person(
    conversation: Conversation, reason: str, *, now: datetime, run: Run | None = None
) -> None:
    """Mark a locked conversation for people.

    Args:
        conversation: Locked by this transaction.
        reason: Why: "customer", "agent", "routing", "failed", "budget", "unknown_effect", "clarifications" or
            "staff_approval_expired".
        now: Aware UTC time.
        run: The run in which it came up.
    """
    conversation.wants_person = True
    conversation.save(update_fields=["wants_person"])

"""How long conversations are kept: those that are old enough are deleted, in small batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from conversations.database import database_now
from conversations.services import purge

BATCH = 200
SWEEP = 1_000


@dataclass(frozen=True)
class Purged:
    """What was deleted."""

    conversations: int
    visitors: int


def kept_since(days: float, *, now: datetime) -> datetime:
    """Return since when something must have happened in a conversation that is kept, if only to answer its customer."""
    return now - max(timedelta(days=days), timedelta(seconds=settings.SESSION_TTL_SECONDS))


def purge_due() -> None:
    """Delete what is due by `RETENTION_DAYS`, as much as one sweep does; without it nothing is."""
    if settings.RETENTION_DAYS is not None:
        now = database_now()
        purge_before(kept_since(settings.RETENTION_DAYS, now=now), at_most=SWEEP)


def purge_before(before: datetime, *, at_most: int) -> Purged:
    """Delete conversations in which nothing has happened since then, the oldest first. Two at once do no harm."""
    conversations = visitors = 0
    while conversations < at_most:
        ids = purge.list_due(before, limit=min(BATCH, at_most - conversations))
        deleted = purge.delete(ids, before=before)
        conversations += deleted.conversations
        visitors += deleted.visitors
        if not deleted.conversations:
            break
    visitors += purge.delete_silent_visitors(before, limit=at_most)
    return Purged(conversations, visitors)

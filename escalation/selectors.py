"""Reads of escalations."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Q, QuerySet

from escalation.models import Escalation
from escalation.models.escalations import OPEN

Person = AbstractBaseUser | AnonymousUser

IS_OPEN = Q(status__in=OPEN)
IS_WAITING = Q(status=Escalation.Status.REQUESTED)


def list_queue(
    rows: QuerySet[Escalation], show: str, *, user: Person, now: datetime
) -> QuerySet[Escalation]:
    """Return what a queue shows: "open", "waiting", "mine", "overdue" or "all"."""
    queues = {**_queues(user, now), "all": Q()}
    return rows.filter(queues.get(show, IS_OPEN))


def count_queue(user: Person, *, now: datetime) -> dict[str, int]:
    """Return how many escalations are in each queue but "all". One query."""
    counts = {name: Count("pk", filter=where) for name, where in _queues(user, now).items()}
    found: dict[str, int] = Escalation.objects.filter(IS_OPEN).aggregate(**counts)
    return found


def count_waiting() -> int:
    """Return how many customers wait for somebody to take over."""
    return Escalation.objects.filter(IS_WAITING).count()


def _queues(user: Person, now: datetime) -> dict[str, Q]:
    return {
        "open": IS_OPEN,
        "waiting": IS_WAITING,
        "mine": IS_OPEN & Q(assignee_id=user.pk),
        "overdue": IS_OPEN & Q(due_at__lt=now),
    }

"""Reads of escalations and webhooks."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from conversations.rows import Statement, execute
from conversations.unit import written_at_once
from escalation.models import Escalation, WebhookDelivery, WebhookEndpoint
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


def open_escalations() -> QuerySet[Escalation]:
    """Return the escalations with which somebody is not done."""
    return Escalation.objects.filter(IS_OPEN)


# --- webhooks ---

Status = WebhookDelivery.Status


def open_deliveries() -> QuerySet[WebhookDelivery]:
    """Return the deliveries that are not through: on their way, or dead and not seen to."""
    on_their_way = Q(status__in=[Status.PENDING, Status.SENDING])
    return WebhookDelivery.objects.filter(on_their_way | Q(status=Status.DEAD, dismissed_at=None))


def list_subscribers(event_type: str) -> list[uuid.UUID]:
    """Return the enabled endpoints that want this event type."""
    # Asked with every fact, mostly for nothing.
    with written_at_once() as unit:
        if not unit.once(has_endpoints):
            return []
    rows = WebhookEndpoint.objects.filter(is_enabled=True).order_by()
    return [pk for pk, wanted in rows.values_list("pk", "event_types") if event_type in wanted]


# 350 µs of CPU by the ORM, 20 so.
ANY_ENDPOINT = Statement(
    "SELECT 1 FROM escalation_webhookendpoint WHERE is_enabled LIMIT 1", (), bool
)


def has_endpoints() -> bool:
    """Return whether any endpoint is enabled."""
    found: bool
    [found] = execute(ANY_ENDPOINT)
    return found


def list_due_endpoints(now: datetime) -> list[uuid.UUID]:
    """Return the enabled endpoints for which a delivery is due."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), status=Status.PENDING, next_attempt_at__lte=now
    )
    rows = WebhookEndpoint.objects.filter(Exists(due), is_enabled=True)
    return list(rows.values_list("pk", flat=True))


def list_dead() -> QuerySet[WebhookDelivery]:
    """Return the dead letters that nobody has seen to, the newest first."""
    return WebhookDelivery.objects.filter(status=Status.DEAD, dismissed_at=None).order_by(
        "-created_at"
    )


def list_disabled() -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that were disabled for a reason, not by staff."""
    return WebhookEndpoint.objects.filter(is_enabled=False).exclude(disabled_reason="")

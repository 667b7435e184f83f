"""Reads of webhooks."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from escalation.models import WebhookDelivery, WebhookEndpoint

Status = WebhookDelivery.Status


def list_subscribers(event_type: str) -> list[uuid.UUID]:
    """Return the enabled endpoints that want this event type."""
    if not _has_endpoints():
        return []
    rows = WebhookEndpoint.objects.filter(is_enabled=True).order_by()
    return [pk for pk, wanted in rows.values_list("pk", "event_types") if event_type in wanted]


def _has_endpoints() -> bool:
    # Asked in every message's transaction, mostly for nothing: 350 µs of CPU by the ORM, 20 so.
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM escalation_webhookendpoint WHERE is_enabled LIMIT 1")
        return cursor.fetchone() is not None


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

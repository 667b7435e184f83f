"""Deliveries: queued with the fact, sent again by staff."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from conversations.models import Conversation
from escalation.errors import CannotSend
from escalation.models import WebhookDelivery, WebhookEndpoint
from escalation.selectors import list_subscribers
from escalation.webhooks.schemas import EVENT_TYPES, TEST, EventType, make_event

Status = WebhookDelivery.Status


def queue_event(
    event_type: str,
    values: Mapping[str, Any],
    *,
    now: datetime,
    conversation: Conversation | None = None,
) -> int:
    """Store a delivery for each endpoint that wants this event, in the transaction of the fact.

    Args:
        event_type: A key of EVENT_TYPES.
        values: What the event's part says.
        now: Aware UTC time of the fact.
        conversation: Where it happened.

    Returns:
        How many were stored.

    Raises:
        pydantic.ValidationError: The values do not fit the event's schema.
    """
    endpoints = list_subscribers(event_type)
    if endpoints:
        body = _encode(EVENT_TYPES[event_type], values, conversation, now)
        rows = [_make(pk, event_type, body, conversation, now) for pk in endpoints]
        WebhookDelivery.objects.bulk_create(rows)
    return len(endpoints)


def _encode(
    event_type: EventType,
    values: Mapping[str, Any],
    conversation: Conversation | None,
    now: datetime,
) -> bytes:
    event = make_event(
        event_type, values, _describe(conversation) if conversation else None, at=now
    )
    # A lone surrogate, which JSON can spell and UTF-8 cannot, must not undo the fact.
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _describe(conversation: Conversation) -> dict[str, Any]:
    return {
        "id": str(conversation.pk),
        "thread_id": conversation.thread_id,
        "template": conversation.version.template.slug,
        "customer_id": conversation.visitor.customer_id,
    }


def _make(
    endpoint_id: uuid.UUID,
    event_type: str,
    body: bytes,
    conversation: Conversation | None,
    now: datetime,
) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint_id=endpoint_id,
        conversation=conversation,
        event_type=event_type,
        body=body,
        next_attempt_at=now,
        created_at=now,
    )


def send_test(endpoint: WebhookEndpoint, *, now: datetime) -> WebhookDelivery:
    """Queue a test event for an endpoint, whatever it subscribes to.

    Raises:
        CannotSend: The endpoint is disabled.
    """
    if not endpoint.is_enabled:
        raise CannotSend(f"{endpoint} is disabled; enable it before you send a test event")
    body = _encode(TEST, TEST.example, None, now)
    delivery = _make(endpoint.pk, TEST.name, body, None, now)
    delivery.save()
    return delivery


def send_again(rows: QuerySet[WebhookDelivery], *, now: datetime) -> int:
    """Queue finished deliveries once more: the same bytes under the same `webhook-id`, with all tries before them.

    Returns:
        How many. What is under way already, or goes to a disabled endpoint, is left as it is.
    """
    again = rows.filter(status__in=[Status.DEAD, Status.DELIVERED], endpoint__is_enabled=True)
    return (
        WebhookDelivery.objects.filter(pk__in=list(again.values_list("pk", flat=True)))
        .filter(status__in=[Status.DEAD, Status.DELIVERED])
        .update(
            status=Status.PENDING,
            tries=0,
            error="",
            next_attempt_at=now,
            finished_at=None,
            dismissed_at=None,
        )
    )


def dismiss(rows: QuerySet[WebhookDelivery], *, now: datetime) -> int:
    """Take dead letters off the list of those that somebody has to see to. Returns how many."""
    return rows.filter(status=Status.DEAD, dismissed_at=None).update(dismissed_at=now)

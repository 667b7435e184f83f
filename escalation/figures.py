"""What the rows of escalations and webhooks say about how the site does, for /metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min
from prometheus_client.core import GaugeMetricFamily, Metric

from conversations.figures import age_seconds
from escalation.models import Escalation, WebhookDelivery
from escalation.selectors import IS_OPEN, IS_WAITING, list_dead, list_disabled


def collect(now: datetime) -> Iterator[Metric]:
    """Read the figures.

    Args:
        now: The database's time.
    """
    # By IS_OPEN, too, which has an index.
    waiting = Escalation.objects.filter(IS_OPEN & IS_WAITING).order_by()
    found = waiting.aggregate(count=Count("pk"), oldest=Min("created_at"))
    yield GaugeMetricFamily(
        "smart_support_escalations_waiting",
        "Customers who wait for a person to take over.",
        value=found["count"],
    )
    yield GaugeMetricFamily(
        "smart_support_escalations_oldest_seconds",
        "How long the first of them has waited; 0 when nobody does.",
        value=age_seconds(found["oldest"], now),
    )
    yield GaugeMetricFamily(
        "smart_support_escalations_overdue",
        "Open escalations of which something is late.",
        value=Escalation.objects.filter(IS_OPEN, due_at__lt=now).count(),
    )
    due = WebhookDelivery.objects.filter(
        status=WebhookDelivery.Status.PENDING, next_attempt_at__lte=now, endpoint__is_enabled=True
    ).order_by()
    found = due.aggregate(count=Count("pk"), oldest=Min("next_attempt_at"))
    yield GaugeMetricFamily(
        "smart_support_webhooks_due",
        "Webhooks that should be on their way.",
        value=found["count"],
    )
    yield GaugeMetricFamily(
        "smart_support_webhooks_oldest_due_seconds",
        "How late the first of them is; 0 when none is due.",
        value=age_seconds(found["oldest"], now),
    )
    yield GaugeMetricFamily(
        "smart_support_webhooks_dead",
        "Webhooks that were given up, and that staff have not dismissed.",
        value=list_dead().count(),
    )
    yield GaugeMetricFamily(
        "smart_support_webhook_endpoints_disabled",
        "Endpoints that were disabled because they failed.",
        value=list_disabled().count(),
    )

"""What the rows of conversations say about how the site does, for /metrics. Each is one look at a small index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, Min, OuterRef
from prometheus_client.core import GaugeMetricFamily, Metric

from conversations.models import Effect, Interrupt, Run

APPROVERS = (Interrupt.Approver.CUSTOMER, Interrupt.Approver.STAFF)


def collect(now: datetime) -> Iterator[Metric]:
    """Read the figures.

    Args:
        now: The database's time.
    """
    # One by one: each status has a partial index, all three together have none.
    runs = GaugeMetricFamily("smart_support_runs", "Runs that are not over.", labels=["status"])
    for status in Run.UNFINISHED:
        runs.add_metric([status], Run.objects.filter(status=status).count())
    yield runs
    yield GaugeMetricFamily(
        "smart_support_queue_oldest_seconds",
        "How long the oldest run waits that could be worked on; 0 when none does.",
        value=age_seconds(_find_oldest_ready(), now),
    )
    lapsed = Run.objects.filter(status=Run.Status.RUNNING, lease_expires_at__lt=now)
    yield GaugeMetricFamily(
        "smart_support_lapsed_leases",
        "Running runs whose process has died, and which nobody has taken back yet.",
        value=lapsed.count(),
    )
    pending = Interrupt.objects.filter(status=Interrupt.Status.PENDING)
    waiting = GaugeMetricFamily(
        "smart_support_interrupts_pending",
        "Approvals that are waited for, by who may give them.",
        labels=["approver"],
    )
    for approver in APPROVERS:
        waiting.add_metric([approver], pending.filter(approver=approver).count())
    yield waiting
    yield GaugeMetricFamily(
        "smart_support_interrupts_overdue",
        "Approvals that have run out and are not expired yet.",
        value=pending.filter(expires_at__lt=now).count(),
    )
    yield GaugeMetricFamily(
        "smart_support_effects_unknown",
        "Changes in foreign systems of which nobody knows whether they were made.",
        value=Effect.objects.filter(status=Effect.Status.UNKNOWN).count(),
    )


def _find_oldest_ready() -> datetime | None:
    active = Run.objects.filter(conversation=OuterRef("conversation"), status__in=Run.ACTIVE)
    ready = Run.objects.filter(~Exists(active), status=Run.Status.PENDING)
    oldest: datetime | None = ready.aggregate(at=Min("ready_at"))["at"]
    return oldest


def age_seconds(at: datetime | None, now: datetime) -> float:
    """Return how long ago that was; 0 for what never was."""
    return max((now - at).total_seconds(), 0) if at else 0

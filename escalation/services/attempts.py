"""Attempts: claimed under a lease, recorded if the claim still holds, taken up again when their process died."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from conversations.database import database_now
from escalation.alerts import DeliveryDied, announce
from escalation.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from escalation.services.endpoints import disable
from escalation.webhooks.retries import Answer, Verdict, judge, next_attempt_at

AT_ONCE = 2
MAX_DEAD_IN_A_ROW = 20
PROCESS_ENDED = "The process that sent it has ended; whether it arrived is not known."

Status = WebhookDelivery.Status
SETTLED_FIELDS = ("status", "error", "next_attempt_at", "finished_at", "lease_expires_at")


@dataclass(frozen=True)
class Claim:
    """An attempt that this process has to make.

    Attributes:
        delivery_id: What is sent.
        endpoint_id: Where to.
        number: The attempt's, in this delivery; whoever claims it next has a higher one.
        url: The endpoint's.
        webhook_id: The header.
        body: The exact bytes.
        stored_secrets: Encrypted, the current one first.
        now: When it was claimed.
    """

    delivery_id: uuid.UUID
    endpoint_id: uuid.UUID
    number: int
    url: str
    webhook_id: str
    body: bytes
    stored_secrets: tuple[str, ...]
    now: datetime


def claim_next(endpoint_id: uuid.UUID) -> Claim | None:
    """Claim the delivery that is due longest for an endpoint, unless two are under way, and store its attempt.

    The attempt's row is committed before anything is sent: a crash costs a try, so that a webhook which brings
    processes down comes to an end as well.
    """
    with transaction.atomic():
        return _claim_next(_lock(endpoint_id), database_now())


def _lock(endpoint_id: uuid.UUID) -> WebhookEndpoint:
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)


def _claim_next(endpoint: WebhookEndpoint, now: datetime) -> Claim | None:
    rows = endpoint.deliveries
    if not endpoint.is_enabled:
        return None
    if rows.filter(status=Status.SENDING, lease_expires_at__gt=now).count() >= AT_ONCE:
        return None
    due = rows.filter(status=Status.PENDING, next_attempt_at__lte=now)
    delivery = due.order_by("next_attempt_at").first()
    return _claim(endpoint, delivery, now) if delivery else None


def _claim(endpoint: WebhookEndpoint, delivery: WebhookDelivery, now: datetime) -> Claim | None:
    number = delivery.attempt_count + 1
    won = WebhookDelivery.objects.filter(
        pk=delivery.pk, status=Status.PENDING, attempt_count=delivery.attempt_count
    ).update(
        status=Status.SENDING,
        tries=F("tries") + 1,
        attempt_count=number,
        lease_expires_at=now + timedelta(seconds=settings.WEBHOOK_LEASE_SECONDS),
    )
    if not won:
        return None
    WebhookAttempt.objects.create(delivery=delivery, number=number, started_at=now)
    return Claim(
        delivery_id=delivery.pk,
        endpoint_id=endpoint.pk,
        number=number,
        url=endpoint.url,
        webhook_id=delivery.webhook_id,
        body=bytes(delivery.body),
        stored_secrets=tuple(endpoint.list_stored_secrets(now)),
        now=now,
    )


def record(claim: Claim, answer: Answer) -> bool:
    """Store what came of an attempt, and what becomes of its delivery.

    Returns:
        False when the claim no longer held: its lease had run out, and another process has gone on.
    """
    with transaction.atomic():
        endpoint = _lock(claim.endpoint_id)
        return _settle(endpoint, claim.delivery_id, claim.number, answer, database_now())


def record_and_claim(claim: Claim, answer: Answer) -> Claim | None:
    """Do what `record` and `claim_next` do, in one transaction: half the commits while a queue is worked off."""
    with transaction.atomic():
        endpoint = _lock(claim.endpoint_id)
        now = database_now()
        _settle(endpoint, claim.delivery_id, claim.number, answer, now)
        return _claim_next(endpoint, now)


def _settle(
    endpoint: WebhookEndpoint, delivery_id: uuid.UUID, number: int, answer: Answer, now: datetime
) -> bool:
    rows = WebhookDelivery.objects.filter(
        pk=delivery_id, status=Status.SENDING, attempt_count=number
    )
    delivery = rows.defer("body").first()
    if delivery is None:
        return False
    _complete_attempt(delivery, answer)
    verdict = judge(answer)
    delivery.lease_expires_at = None
    delivery.error = answer.error or f"The receiver answered {answer.status_code}."
    again_at = _find_next_time(endpoint, delivery, answer, now)
    if verdict is Verdict.DELIVERED:
        delivery.status, delivery.error, delivery.finished_at = Status.DELIVERED, "", now
        _count_dead(endpoint, 0)
    elif again_at:
        delivery.status, delivery.next_attempt_at = Status.PENDING, again_at
    else:
        delivery.status, delivery.finished_at = Status.DEAD, now
        _bury(endpoint, delivery, is_gone=verdict is Verdict.GONE)
    delivery.save(update_fields=SETTLED_FIELDS)
    return True


def _complete_attempt(delivery: WebhookDelivery, answer: Answer) -> None:
    # PostgreSQL stores no NUL in texts.
    text = answer.body.decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    delivery.attempts.filter(number=delivery.attempt_count).update(
        duration_ms=answer.duration_ms,
        status_code=answer.status_code,
        answer=text,
        error=answer.error,
    )


def _find_next_time(
    endpoint: WebhookEndpoint, delivery: WebhookDelivery, answer: Answer, now: datetime
) -> datetime | None:
    """Return when a failed delivery is tried again; None when it is not."""
    if judge(answer) is not Verdict.RETRY or not endpoint.is_enabled:
        return None
    if answer.is_ours:
        return now if next_attempt_at(delivery.tries, now=now) else None
    return next_attempt_at(delivery.tries, now=now, retry_after_seconds=answer.retry_after_seconds)


def _count_dead(endpoint: WebhookEndpoint, dead_in_a_row: int) -> None:
    if endpoint.dead_in_a_row != dead_in_a_row:
        endpoint.dead_in_a_row = dead_in_a_row
        endpoint.save(update_fields=["dead_in_a_row"])


def _bury(endpoint: WebhookEndpoint, delivery: WebhookDelivery, *, is_gone: bool) -> None:
    """Count a dead delivery, say so, and disable an endpoint that is gone or takes nothing."""
    _count_dead(endpoint, endpoint.dead_in_a_row + 1)
    text = f"{endpoint}: {delivery.event_type} could not be delivered. {delivery.error}"
    announce(DeliveryDied(text, delivery_id=str(delivery.pk), endpoint_id=str(endpoint.pk)))
    if not endpoint.is_enabled:
        return
    if is_gone:
        disable(endpoint, "It answered 410: it is gone.")
    elif endpoint.dead_in_a_row >= MAX_DEAD_IN_A_ROW:
        disable(endpoint, f"{endpoint.dead_in_a_row} deliveries in a row have failed for good.")


def recover_lapsed(*, limit: int = 200) -> int:
    """Take up deliveries whose process died while it sent them. Two at once do no harm. Returns how many.

    They are due at once: it was no fault of the receiver's. The try counts.
    """
    lapsed = WebhookDelivery.objects.filter(
        status=Status.SENDING, lease_expires_at__lte=database_now()
    )
    rows = lapsed.order_by("lease_expires_at").values_list("pk", "endpoint_id", "attempt_count")
    count = 0
    for delivery_id, endpoint_id, number in list(rows[:limit]):
        with transaction.atomic():
            answer = Answer(error=PROCESS_ENDED, is_ours=True)
            count += _settle(_lock(endpoint_id), delivery_id, number, answer, database_now())
    return count

"""Endpoints: their address, their secret, and whether they get anything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from escalation.alerts import EndpointDisabled, announce
from escalation.errors import RotationUnderway
from escalation.models import WebhookDelivery, WebhookEndpoint
from escalation.webhooks import vault
from escalation.webhooks.signing import make_secret
from escalation.webhooks.urls import check_url

ROTATION = timedelta(hours=24)


def create_endpoint(
    *, url: str, event_types: Sequence[str], description: str = "", is_enabled: bool = True
) -> tuple[WebhookEndpoint, str]:
    """Store an endpoint with a new secret.

    Returns:
        The endpoint and its secret in clear, which is nowhere else: it can be shown once.

    Raises:
        UrlRefused, AddressRefused: The URL is not one that may be called.
    """
    secret = make_secret()
    endpoint = WebhookEndpoint.objects.create(
        url=check_url(url),
        event_types=list(event_types),
        description=description,
        is_enabled=is_enabled,
        secret=vault.encrypt(secret),
    )
    return endpoint, secret


def change_endpoint(
    endpoint: WebhookEndpoint,
    *,
    url: str,
    event_types: Sequence[str],
    description: str,
    is_enabled: bool,
) -> None:
    """Change what staff may change. What is disabled keeps nothing in its queue: that becomes dead, and visible.

    Raises:
        UrlRefused, AddressRefused: The URL is not one that may be called.
    """
    with transaction.atomic():
        row = lock(endpoint)
        row.url = check_url(url)
        row.event_types = list(event_types)
        row.description = description
        if is_enabled and not row.is_enabled:
            row.dead_in_a_row = 0
            row.disabled_reason = ""
        was_enabled, row.is_enabled = row.is_enabled, is_enabled
        row.save()
        if was_enabled and not is_enabled:
            bury_pending(row, "Staff have disabled the endpoint.")
    endpoint.refresh_from_db()


def lock(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return the endpoint's row, locked by this transaction."""
    # no_key: messages that queue deliveries hold its key until they commit, and must not wait for us, nor we for them.
    return WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def rotate_secret(endpoint: WebhookEndpoint, *, now: datetime) -> str:
    """Give an endpoint a new secret; the one before signs as well for 24 hours.

    Returns:
        The new secret in clear, which can be shown once.

    Raises:
        RotationUnderway: The secret before the current one is still valid.
    """
    with transaction.atomic():
        row = lock(endpoint)
        if row.is_rotating(now):
            raise RotationUnderway(
                f"Two secrets are valid until {row.previous_secret_expires_at:%Y-%m-%d %H:%M} UTC; "
                "forget the old one first"
            )
        secret = make_secret()
        row.previous_secret, row.secret = row.secret, vault.encrypt(secret)
        row.previous_secret_expires_at = now + ROTATION
        row.save()
    endpoint.refresh_from_db()
    return secret


def forget_previous_secret(endpoint: WebhookEndpoint) -> None:
    """Let the secret before the current one sign no longer."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        previous_secret="", previous_secret_expires_at=None
    )


def disable(row: WebhookEndpoint, reason: str) -> None:
    """Send nothing more to an endpoint, and say so.

    Args:
        row: Locked by this transaction.
        reason: Why, as a sentence.
    """
    row.is_enabled = False
    row.disabled_reason = reason
    row.save(update_fields=["is_enabled", "disabled_reason"])
    bury_pending(row, f"The endpoint was disabled: {reason}")
    announce(EndpointDisabled(f"{row}: disabled. {reason}", endpoint_id=str(row.pk)))


def bury_pending(row: WebhookEndpoint, error: str) -> None:
    """Make dead letters of what waits for an endpoint that gets nothing any more: visible, and to be sent again."""
    waiting = row.deliveries.filter(status=WebhookDelivery.Status.PENDING)
    waiting.update(status=WebhookDelivery.Status.DEAD, error=error)

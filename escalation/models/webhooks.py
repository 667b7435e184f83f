"""Webhooks: who wants to hear, what is to be said, and what came of each attempt."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q


def new_id() -> uuid.UUID:
    return uuid.uuid4()


class WebhookEndpoint(models.Model):
    """An address of another system, and what it wants to hear."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    url = models.CharField("URL", max_length=2000)
    description = models.CharField(max_length=200, blank=True)
    event_types = models.JSONField(default=list)
    is_enabled = models.BooleanField("enabled", default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    dead_in_a_row = models.PositiveIntegerField(default=0)
    secret = models.TextField(help_text="Encrypted.")
    previous_secret = models.TextField(blank=True, help_text="Encrypted.")
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        verbose_name = "webhook endpoint"

    def __str__(self) -> str:
        return self.description or self.url

    def is_rotating(self, now: datetime) -> bool:
        """Return whether the secret before the current one is still valid."""
        return self.previous_secret_expires_at is not None and self.previous_secret_expires_at > now

    def list_stored_secrets(self, now: datetime) -> list[str]:
        """Return the secrets that sign at this moment, encrypted, the current one first."""
        return [self.secret, self.previous_secret] if self.is_rotating(now) else [self.secret]


class WebhookDelivery(models.Model):
    """One fact for one endpoint: the exact bytes, and whether they have arrived."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        DELIVERED = "delivered"
        DEAD = "dead"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Not cascading: what died here has to stay visible. An endpoint that is no longer wanted is disabled.
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.PROTECT, related_name="deliveries"
    )
    # Cascading: when a conversation is purged, so is what was said about it.
    conversation = models.ForeignKey(
        "conversations.Conversation",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    event_type = models.CharField(max_length=40)
    body = models.BinaryField(help_text="The exact bytes that are signed and sent.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    tries = models.PositiveIntegerField(
        default=0, help_text="Attempts since it was queued, or sent again by staff."
    )
    attempt_count = models.PositiveIntegerField("attempts", default=0)
    error = models.TextField(blank=True, help_text="Why it is dead, or not delivered yet.")
    next_attempt_at = models.DateTimeField()
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(
        null=True, blank=True, help_text="Staff have seen that it is dead, and left it so."
    )

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(status="pending"),
                name="delivery_pending_by_time",
            ),
            models.Index(
                fields=["endpoint", "lease_expires_at"],
                condition=Q(status="sending"),
                name="delivery_sending_by_lease",
            ),
            models.Index(
                fields=["-created_at"],
                condition=Q(status="dead", dismissed_at=None),
                name="delivery_dead_by_age",
            ),
            models.Index(fields=["-created_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return self.webhook_id

    @property
    def webhook_id(self) -> str:
        """The header `webhook-id`: the same for every attempt."""
        return f"msg_{self.id.hex}"


class WebhookAttempt(models.Model):
    """One HTTP request. The row is there before the request goes out, so that a crash cannot hide one."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    status_code = models.PositiveIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="The first 1 KiB.")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["delivery", "number"]
        verbose_name = "webhook attempt"
        constraints = [
            models.UniqueConstraint(
                fields=["delivery", "number"], name="attempt_number_once_a_delivery"
            ),
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number}"

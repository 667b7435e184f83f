"""Escalations, and what belongs to them: notes, prepared replies, ratings."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q


class Escalation(models.Model):
    """The record that a person is needed in a conversation; at most one is open at a time."""

    class Status(models.TextChoices):
        REQUESTED = "requested", "waits for a person"
        ASSIGNED = "assigned", "with a person"
        RELEASED = "released", "given back"
        RESOLVED = "resolved"

    class Reason(models.TextChoices):
        CUSTOMER = "customer", "the customer asked"
        AGENT = "agent", "an agent asked"
        ROUTING = "routing", "a wish for a person"
        FAILED = "failed", "an answer failed"
        BUDGET = "budget", "budget used up"
        UNKNOWN_EFFECT = "unknown_effect", "outcome of a change unknown"
        CLARIFICATIONS = "clarifications", "not understood three times"
        STAFF_APPROVAL_EXPIRED = "staff_approval_expired", "approval by staff ran out"
        STAFF = "staff", "staff stepped in"

    class Priority(models.TextChoices):
        URGENT = "urgent"
        HIGH = "high"
        NORMAL = "normal"
        LOW = "low"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.CASCADE, related_name="escalations"
    )
    run = models.ForeignKey(
        "conversations.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.REQUESTED)
    reason = models.CharField(max_length=30, choices=Reason.choices)
    priority = models.CharField(max_length=10, choices=Priority.choices)
    summary = models.TextField(blank=True)
    is_summary_due = models.BooleanField(
        default=False, help_text="A model has still to put the summary into words."
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    respond_by = models.DateTimeField(help_text="A person's first word is due.")
    resolve_by = models.DateTimeField(help_text="It should be settled.")
    due_at = models.DateTimeField(help_text="What is due next of the two.")
    assigned_at = models.DateTimeField(null=True, blank=True)
    responded_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(status__in=["requested", "assigned"]),
                name="one_open_escalation_a_conversation",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=Q(status__in=["requested", "assigned"]),
                name="escalation_open_by_due",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(is_summary_due=True),
                name="escalation_summary_due",
            ),
        ]
        permissions = [("take_over", "Can take over conversations, and answer customers")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()}: {self.summary[:60]}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def is_overdue(self, now: datetime) -> bool:
        """Return whether what is due next is late."""
        return self.is_open and self.due_at < now


OPEN = (Escalation.Status.REQUESTED, Escalation.Status.ASSIGNED)

# Status → where an escalation may go from there. What is over stays over: the next request is a new one.
MOVES: dict[str, frozenset[str]] = {
    Escalation.Status.REQUESTED: frozenset(
        {Escalation.Status.ASSIGNED, Escalation.Status.RESOLVED}
    ),
    Escalation.Status.ASSIGNED: frozenset({Escalation.Status.RELEASED, Escalation.Status.RESOLVED}),
    Escalation.Status.RELEASED: frozenset(),
    Escalation.Status.RESOLVED: frozenset(),
}


class Note(models.Model):
    """What staff write for each other; no customer and no agent ever reads it."""

    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.CASCADE, related_name="notes"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.text[:60]


class CannedReply(models.Model):
    """A reply that staff have ready."""

    title = models.CharField(max_length=100, unique=True)
    text = models.TextField(max_length=8_000)

    class Meta:
        ordering = ["title"]
        verbose_name_plural = "canned replies"

    def __str__(self) -> str:
        return self.title


class Rating(models.Model):
    """CSAT of a conversation, 1 to 5. One row each: of several ratings the last one counts."""

    conversation = models.OneToOneField(
        "conversations.Conversation", on_delete=models.CASCADE, related_name="csat"
    )
    rating = models.PositiveSmallIntegerField()
    comment = models.TextField(blank=True)
    message_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(rating__gte=1, rating__lte=5), name="rating_from_1_to_5"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} of 5"

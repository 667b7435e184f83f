"""The service's rows. Amounts are Decimal in the workspace's currency, VAT included."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from agents.verticals.saas.rules import INVITATION_DAYS, PAYOUT_DAYS, REFUND_DAYS

ZERO = Decimal("0.00")


def _money(**kwargs: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(max_digits=10, decimal_places=2, **kwargs)


class Plan(models.Model):
    class Name(models.TextChoices):
        FREE = "Free", "Free"
        BASIC = "Basic", "Basic"
        TEAM = "Team", "Team"
        BUSINESS = "Business", "Business"

    name = models.CharField(max_length=20, choices=Name, unique=True)
    price = _money(help_text="A seat and month.")
    max_seats = models.PositiveIntegerField()
    max_api_keys = models.PositiveIntegerField("max API keys")
    answer_hours = models.PositiveIntegerField(
        "answers tickets within",
        null=True,
        blank=True,
        help_text="Working hours; empty: the plan has no tickets.",
    )
    has_urgent_tickets = models.BooleanField("urgent tickets", default=False)
    features = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["price"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0) & Q(max_seats__gte=1), name="saas_plan_sane"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Workspace(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="workspaces")
    seats = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, default="EUR")
    period_start = models.DateField("period began on")
    renews_on = models.DateField("renews on")
    next_plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The plan from the next period on.",
    )
    next_seats = models.PositiveIntegerField(
        null=True, blank=True, help_text="The seats from the next period on."
    )
    cancelled_at = models.DateTimeField(
        null=True, blank=True, help_text="The subscription then ends with the period."
    )
    cancel_reason = models.CharField(max_length=20, blank=True)
    card = models.CharField(max_length=40, blank=True, help_text="As in: Visa ending in 4242")
    card_expires_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(seats__gte=1) & (Q(next_seats=None) | Q(next_seats__gte=1)),
                name="saas_at_least_one_seat",
            ),
            models.CheckConstraint(
                condition=Q(period_start__lt=F("renews_on")), name="saas_period_has_days"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def coming_plan(self) -> Plan:
        """The plan of the next period."""
        return self.next_plan or self.plan

    @property
    def coming_seats(self) -> int:
        """The seats of the next period."""
        return self.next_seats or self.seats

    def has_card(self, today: date) -> bool:
        """Return whether there is a card that has not expired."""
        return bool(self.card) and self.card_expires_on is not None and today < self.card_expires_on


class Member(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", "owner"
        ADMIN = "admin", "admin"
        MEMBER = "member", "member"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    ref = models.SlugField(
        "reference", max_length=64, unique=True, null=True, blank=True, help_text="Empty: invited."
    )
    name = models.CharField(max_length=120, blank=True)
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    has_mfa = models.BooleanField("two-factor", default=False)
    invited_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True, help_text="Empty: invited.")

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                F("workspace"), Lower("email"), name="saas_email_once_a_workspace"
            ),
            models.CheckConstraint(
                condition=Q(role__in=["owner", "admin", "member"]), name="saas_role_known"
            ),
            models.CheckConstraint(
                condition=Q(joined_at__isnull=False) | Q(has_mfa=False),
                name="saas_no_two_factor_before_joining",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_invited(self) -> bool:
        return self.joined_at is None

    @property
    def is_admin(self) -> bool:
        """Whether they may change what concerns the whole workspace; owners may too."""
        return self.role in (self.Role.OWNER, self.Role.ADMIN)

    @property
    def invited_until(self) -> datetime | None:
        return self.invited_at and self.invited_at + timedelta(days=INVITATION_DAYS)


class Invoice(models.Model):
    class Status(models.TextChoices):
        PAID = "paid", "paid"
        FAILED = "failed", "payment failed"
        VOID = "void", "void"

    class Failure(models.TextChoices):
        NO_FUNDS = "no_funds", "the bank reported insufficient funds"
        DECLINED = "declined", "the bank declined the card"
        EXPIRED = "expired", "the card has expired"

    number = models.CharField(max_length=12, unique=True)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="invoices")
    status = models.CharField(max_length=10, choices=Status)
    issued_on = models.DateField()
    paid_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("payment attempts", default=1)
    failure = models.CharField(max_length=10, choices=Failure, blank=True)
    total = _money()
    refunded_amount = _money(verbose_name="refunded", default=ZERO)

    class Meta:
        ordering = ["-issued_on", "-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["paid", "failed", "void"]), name="saas_invoice_status_known"
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0) & Q(refunded_amount__lte=F("total")),
                name="saas_refunded_within_total",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount=0) | Q(status="paid"), name="saas_only_paid_is_refunded"
            ),
            models.CheckConstraint(
                condition=~Q(status="paid") | Q(paid_at__isnull=False), name="saas_paid_has_time"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def refundable(self) -> Decimal:
        """What is left of a paid total."""
        return self.total - self.refunded_amount if self.status == self.Status.PAID else ZERO

    @property
    def refund_until(self) -> datetime | None:
        """The end of the refund period, or None while nothing is paid."""
        return self.paid_at and self.paid_at + timedelta(days=REFUND_DAYS)

    def is_refundable(self, now: datetime) -> bool:
        until = self.refund_until
        return self.refundable > 0 and until is not None and now <= until


class InvoiceLine(models.Model):
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    text = models.CharField(max_length=120)
    amount = _money(help_text="Negative for a credit.")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text


class Refund(models.Model):
    class Reason(models.TextChoices):
        CHARGED_TWICE = "charged_twice", "charged twice"
        UNUSED = "unused", "not used"
        OUTAGE = "outage", "outage"
        OTHER = "other", "other"

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="refunds")
    amount = _money()
    reason = models.CharField(max_length=20, choices=Reason, default=Reason.OTHER)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True, help_text="When the bank confirmed it.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="saas_refund_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} for {self.invoice}"

    @property
    def expected_at(self) -> datetime:
        return self.created_at + timedelta(days=PAYOUT_DAYS)


class BalanceEntry(models.Model):
    """What the next invoice adds or takes off."""

    class Kind(models.TextChoices):
        PRORATION = "proration", "proration"
        CREDIT = "credit", "credit"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="balance")
    kind = models.CharField(max_length=10, choices=Kind)
    amount = _money(help_text="Negative for a credit.")
    text = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="The invoice that it went onto.",
    )

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "balance entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="proration", amount__gt=0) | Q(kind="credit", amount__lt=0),
                name="saas_credits_are_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class ApiKey(models.Model):
    """An API key's public side: the secret is kept by the service that issues keys."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60)
    hint = models.CharField("ends in", max_length=4)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    old_key_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when the key before it works."
    )

    class Meta:
        ordering = ["name"]
        verbose_name = "API key"
        constraints = [
            models.UniqueConstraint(F("workspace"), Lower("name"), name="saas_key_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Ticket(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", "open"
        WAITING = "waiting", "waiting for you"
        SOLVED = "solved", "solved"

    class Priority(models.TextChoices):
        LOW = "low", "low"
        NORMAL = "normal", "normal"
        URGENT = "urgent", "urgent"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tickets")
    opened_by = models.ForeignKey(
        Member, on_delete=models.SET_NULL, related_name="tickets", null=True, blank=True
    )
    problem = models.TextField()
    priority = models.CharField(max_length=10, choices=Priority, default=Priority.NORMAL)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    note = models.CharField(max_length=200, blank=True, help_text="The customer reads it.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"T-{self.pk}"


class Component(models.Model):
    class Status(models.TextChoices):
        OPERATIONAL = "operational", "operational"
        DEGRADED = "degraded", "slower than usual"
        DOWN = "down", "down"

    name = models.CharField(max_length=60, unique=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPERATIONAL)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Incident(models.Model):
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="incidents")
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True)
    started_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return self.title


class HelpArticle(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    body = models.TextField()
    keywords = models.CharField(max_length=200, blank=True, help_text="Other words people use.")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

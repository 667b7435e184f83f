"""The bank's rows. Amounts are Decimal; a card is known by its last four digits, and a PIN is nowhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from agents.verticals.fintech.rules import CURRENCY, DISPUTE_DAYS, FEE_REFUND_DAYS

ZERO = Decimal("0.00")


def _money(**kwargs: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(max_digits=12, decimal_places=2, **kwargs)


def _rate(**kwargs: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(max_digits=12, decimal_places=6, **kwargs)


class Customer(models.Model):
    class Identity(models.TextChoices):
        NOT_STARTED = "not_started", "not started"
        IN_REVIEW = "in_review", "in review"
        ACTION_NEEDED = "action_needed", "action needed"
        VERIFIED = "verified", "verified"

    ref = models.SlugField("reference", max_length=64, unique=True)
    name = models.CharField(max_length=120)
    email = models.EmailField()
    address = models.CharField(max_length=200, blank=True)
    identity_status = models.CharField(
        "identity", max_length=15, choices=Identity, default=Identity.NOT_STARTED
    )
    identity_note = models.CharField(
        max_length=200, blank=True, help_text="What is missing, in words for the customer."
    )
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    identity_status__in=["not_started", "in_review", "action_needed", "verified"]
                ),
                name="fintech_identity_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A customer's current account, in the bank's own currency."""

    customer = models.OneToOneField(Customer, on_delete=models.CASCADE, related_name="account")
    iban = models.CharField("IBAN", max_length=34, unique=True)
    currency = models.CharField(max_length=3, default=CURRENCY)
    balance = _money(default=ZERO, help_text="What can be spent: without what is reserved.")
    payments_limit = _money(help_text="Card payments a day.")
    withdrawals_limit = _money(help_text="Cash a day.")
    transfers_limit = _money(help_text="Transfers a day.")

    class Meta:
        ordering = ["iban"]
        constraints = [
            models.CheckConstraint(
                condition=Q(payments_limit__gte=0)
                & Q(withdrawals_limit__gte=0)
                & Q(transfers_limit__gte=0),
                name="fintech_limits_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.iban


class Card(models.Model):
    class Kind(models.TextChoices):
        PHYSICAL = "physical", "physical"
        VIRTUAL = "virtual", "virtual"

    class Status(models.TextChoices):
        ORDERED = "ordered", "ordered"
        ACTIVE = "active", "active"
        FROZEN = "frozen", "frozen"
        CANCELLED = "cancelled", "cancelled"

    class CancelReason(models.TextChoices):
        LOST = "lost", "lost"
        STOLEN = "stolen", "stolen"
        COMPROMISED = "compromised", "compromised"
        REPLACED = "replaced", "replaced"

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="cards")
    ending = models.CharField(
        "last four digits",
        max_length=4,
        validators=[RegexValidator(r"^\d{4}$", "Four digits; more of a number is never kept.")],
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PHYSICAL)
    scheme = models.CharField(max_length=20, default="Visa")
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    expires_on = models.DateField()
    ordered_at = models.DateTimeField(null=True, blank=True)
    arrives_on = models.DateField(null=True, blank=True)
    frozen_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=11, choices=CancelReason, blank=True)
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replacement"
    )

    class Meta:
        ordering = ["ending"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "ending"], name="fintech_ending_once_a_customer"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["ordered", "active", "frozen", "cancelled"]),
                name="fintech_card_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="frozen") | Q(frozen_at__isnull=False),
                name="fintech_frozen_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled")
                | (Q(cancelled_at__isnull=False) & ~Q(cancel_reason="")),
                name="fintech_cancelled_has_time_and_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"••{self.ending}"

    @property
    def is_in_use(self) -> bool:
        """Whether it is in the customer's hands and not cancelled."""
        return self.status in (self.Status.ACTIVE, self.Status.FROZEN)


class Transaction(models.Model):
    """One booking on the account: money out is positive, only a refund is money in."""

    class Kind(models.TextChoices):
        CARD_PAYMENT = "card_payment", "card payment"
        CASH_WITHDRAWAL = "cash_withdrawal", "cash withdrawal"
        DIRECT_DEBIT = "direct_debit", "direct debit"
        FEE = "fee", "fee"
        REFUND = "refund", "refund"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        COMPLETED = "completed", "completed"
        DECLINED = "declined", "declined"
        REVERTED = "reverted", "reverted"

    reference = models.CharField(max_length=10, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="transactions")
    card = models.ForeignKey(
        Card, on_delete=models.SET_NULL, null=True, blank=True, related_name="transactions"
    )
    kind = models.CharField(max_length=15, choices=Kind)
    status = models.CharField(max_length=9, choices=Status, default=Status.COMPLETED)
    description = models.CharField(max_length=80, help_text="The merchant, the machine, the fee.")
    made_at = models.DateTimeField()
    expected_on = models.DateField(
        "expected on", null=True, blank=True, help_text="When what is pending should be settled."
    )
    amount = _money(help_text="In the account's currency.")
    original_amount = _money(null=True, blank=True)
    original_currency = models.CharField(max_length=3, blank=True)
    exchange_rate = _rate(
        null=True, blank=True, help_text="Original currency for one of the account's."
    )
    note = models.CharField(
        max_length=200, blank=True, help_text="Why it was declined or reverted, for the customer."
    )
    belongs_to = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="followers",
        help_text="The payment that a fee or a refund is for.",
    )
    pays_back_fee = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="fee_refund"
    )

    class Meta:
        ordering = ["-made_at", "-reference"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["card_payment", "cash_withdrawal", "direct_debit", "fee", "refund"]
                ),
                name="fintech_transaction_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "completed", "declined", "reverted"]),
                name="fintech_transaction_status_known",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="fintech_transaction_amount_positive"
            ),
            models.CheckConstraint(
                condition=Q(original_amount__isnull=True, exchange_rate__isnull=True)
                | (Q(original_amount__gt=0) & Q(exchange_rate__gt=0) & ~Q(original_currency="")),
                name="fintech_foreign_amount_whole",
            ),
            models.CheckConstraint(
                condition=Q(pays_back_fee__isnull=True) | Q(kind="refund"),
                name="fintech_fee_refund_is_a_refund",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def dispute_until(self) -> datetime:
        return self.made_at + timedelta(days=DISPUTE_DAYS)

    def is_disputable(self, now: datetime) -> bool:
        """Whether its kind, state and age allow a dispute; there may be one already."""
        return (
            self.kind in (self.Kind.CARD_PAYMENT, self.Kind.CASH_WITHDRAWAL, self.Kind.DIRECT_DEBIT)
            and self.status == self.Status.COMPLETED
            and now <= self.dispute_until
        )

    def is_fee_refundable(self, now: datetime) -> bool:
        """Whether it is a fee that can be paid back; it may have been already."""
        return (
            self.kind == self.Kind.FEE
            and self.status == self.Status.COMPLETED
            and now <= self.made_at + timedelta(days=FEE_REFUND_DAYS)
        )


class Dispute(models.Model):
    class Status(models.TextChoices):
        OPEN = "open", "open"
        WON = "won", "decided for the customer"
        LOST = "lost", "decided against the customer"

    class Reason(models.TextChoices):
        NOT_RECOGNISED = "not_recognised", "not recognised"
        CHARGED_TWICE = "charged_twice", "charged twice"
        WRONG_AMOUNT = "wrong_amount", "wrong amount"
        NOT_RECEIVED = "not_received", "not received"
        OTHER = "other", "other"

    transaction = models.OneToOneField(
        Transaction, on_delete=models.CASCADE, related_name="dispute"
    )
    status = models.CharField(max_length=4, choices=Status, default=Status.OPEN)
    reason = models.CharField(max_length=14, choices=Reason, default=Reason.OTHER)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-opened_at"]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"D-{self.transaction.reference.removeprefix('TX-')}"


class Transfer(models.Model):
    class Direction(models.TextChoices):
        OUTGOING = "outgoing", "outgoing"
        INCOMING = "incoming", "incoming"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        COMPLETED = "completed", "completed"
        CANCELLED = "cancelled", "cancelled"
        FAILED = "failed", "failed"
        DECLINED = "declined", "declined"

    reference = models.CharField(max_length=10, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="transfers")
    direction = models.CharField(max_length=8, choices=Direction, default=Direction.OUTGOING)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    counterparty = models.CharField("to or from", max_length=80)
    amount = _money()
    fee = _money(default=ZERO)
    currency = models.CharField(max_length=3, default=CURRENCY)
    created_at = models.DateTimeField()
    expected_on = models.DateField("expected on", null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(
        max_length=200, blank=True, help_text="Why it failed or was declined, for the customer."
    )

    class Meta:
        ordering = ["-created_at", "-reference"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "completed", "cancelled", "failed", "declined"]),
                name="fintech_transfer_status_known",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(fee__gte=0) & Q(fee__lte=F("amount")),
                name="fintech_transfer_amount_positive",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(completed_at__isnull=False),
                name="fintech_completed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled")
                | (Q(cancelled_at__isnull=False) & Q(direction="outgoing")),
                name="fintech_cancelled_transfer_was_ones_own",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def is_cancellable(self) -> bool:
        return self.status == self.Status.PENDING and self.direction == self.Direction.OUTGOING


class TopUp(models.Model):
    class Method(models.TextChoices):
        CARD = "card", "card"
        BANK_TRANSFER = "bank_transfer", "bank transfer"
        CASH = "cash", "cash"
        CHEQUE = "cheque", "cheque"

    class Status(models.TextChoices):
        PENDING = "pending", "pending"
        COMPLETED = "completed", "completed"
        FAILED = "failed", "failed"
        REVERTED = "reverted", "reverted"

    reference = models.CharField(max_length=10, unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="top_ups")
    method = models.CharField(max_length=13, choices=Method, default=Method.CARD)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    amount = _money()
    currency = models.CharField(max_length=3, default=CURRENCY)
    made_at = models.DateTimeField()
    expected_on = models.DateField("expected on", null=True, blank=True)
    note = models.CharField(
        max_length=200, blank=True, help_text="Why it failed or was reverted, for the customer."
    )

    class Meta:
        ordering = ["-made_at", "-reference"]
        verbose_name = "top-up"
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "completed", "failed", "reverted"]),
                name="fintech_top_up_status_known",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="fintech_top_up_amount_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class ExchangeRate(models.Model):
    """What one unit of the bank's own currency is worth."""

    currency = models.CharField(max_length=3, unique=True)
    name = models.CharField(max_length=40)
    rate = _rate(help_text=f"Of this currency for 1 {CURRENCY}.")
    as_of = models.DateTimeField("as of")

    class Meta:
        ordering = ["currency"]
        constraints = [
            models.CheckConstraint(condition=Q(rate__gt=0), name="fintech_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"1 {CURRENCY} = {self.rate.normalize():f} {self.currency}"


class HelpArticle(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    body = models.TextField()
    keywords = models.CharField(max_length=200, blank=True, help_text="Other words people use.")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

"""The shop's rows. Amounts are Decimal in the order's currency, VAT included."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from agents.verticals.ecommerce.rules import REFUND_DAYS, RETURN_DAYS

ZERO = Decimal("0.00")


def _money(**kwargs: Any) -> models.DecimalField[Any, Decimal]:
    return models.DecimalField(max_digits=10, decimal_places=2, **kwargs)


class Customer(models.Model):
    ref = models.SlugField("reference", max_length=64, unique=True)
    name = models.CharField(max_length=120)
    email = models.EmailField()
    address = models.CharField(max_length=200, blank=True)
    has_newsletter = models.BooleanField("newsletter", default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="ecommerce_email_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    sku = models.SlugField("SKU", max_length=40, unique=True)
    name = models.CharField(max_length=120, unique=True)
    description = models.TextField(blank=True)
    price = _money()
    currency = models.CharField(max_length=3, default="EUR")
    is_active = models.BooleanField("on sale", default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gt=0), name="ecommerce_price_positive"),
        ]

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    class Status(models.TextChoices):
        PROCESSING = "processing", "processing"
        SHIPPED = "shipped", "shipped"
        DELIVERED = "delivered", "delivered"
        CANCELLED = "cancelled", "cancelled"

    number = models.CharField(max_length=10, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    status = models.CharField(max_length=10, choices=Status, default=Status.PROCESSING)
    placed_at = models.DateTimeField()
    shipped_at = models.DateTimeField(null=True, blank=True)
    expected_on = models.DateField("expected on", null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    shipping_address = models.CharField(max_length=200)
    carrier = models.CharField(max_length=40, blank=True)
    tracking_number = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    delivery_fee = _money(default=ZERO)
    discount_percent = models.PositiveSmallIntegerField(default=0)
    discount_amount = _money(default=ZERO)
    total = _money(help_text="Lines and delivery fee, less the discount.")
    refunded_amount = _money(
        verbose_name="refunded",
        default=ZERO,
        help_text="Of the total; a discount's money is not counted here.",
    )

    class Meta:
        ordering = ["-placed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["processing", "shipped", "delivered", "cancelled"]),
                name="ecommerce_order_status_known",
            ),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0) & Q(refunded_amount__lte=F("total")),
                name="ecommerce_refunded_within_total",
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__lte=100) & Q(discount_amount__gte=0),
                name="ecommerce_discount_within_bounds",
            ),
            models.CheckConstraint(
                condition=Q(delivery_fee__gte=0), name="ecommerce_delivery_fee_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(status="delivered") | Q(delivered_at__isnull=False),
                name="ecommerce_delivered_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Order {self.number}"

    @property
    def refundable(self) -> Decimal:
        """What is left of the total."""
        return self.total - self.refunded_amount

    @property
    def return_until(self) -> datetime | None:
        """The end of the return period, or None while nothing has been delivered."""
        return self.delivered_at and self.delivered_at + timedelta(days=RETURN_DAYS)

    def is_cancellable(self) -> bool:
        return self.status == self.Status.PROCESSING

    def is_returnable(self, now: datetime) -> bool:
        until = self.return_until
        return self.status == self.Status.DELIVERED and until is not None and now <= until


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="order_lines")
    name = models.CharField(max_length=120, help_text="As it was called when it was bought.")
    unit_price = _money()
    quantity = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "product"], name="ecommerce_product_once_an_order"
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=1) & Q(unit_price__gte=0),
                name="ecommerce_line_counts_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"

    @property
    def amount(self) -> Decimal:
        return self.unit_price * self.quantity


class ReturnRequest(models.Model):
    class Status(models.TextChoices):
        REQUESTED = "requested", "requested"
        RECEIVED = "received", "received"
        CLOSED = "closed", "closed"

    class Reason(models.TextChoices):
        DAMAGED = "damaged", "damaged"
        WRONG_ITEM = "wrong_item", "wrong item"
        NOT_AS_DESCRIBED = "not_as_described", "not as described"
        CHANGED_MIND = "changed_mind", "changed my mind"
        OTHER = "other", "other"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="returns")
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    reason = models.CharField(max_length=20, choices=Reason, default=Reason.OTHER)
    requested_at = models.DateTimeField()

    class Meta:
        ordering = ["-requested_at"]
        verbose_name = "return"
        constraints = [
            models.UniqueConstraint(
                fields=["order"],
                condition=~Q(status="closed"),
                name="ecommerce_one_open_return_an_order",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return f"R-{self.order.number}"


class Refund(models.Model):
    class Reason(models.TextChoices):
        CANCELLED = "cancelled", "order cancelled"
        DISCOUNT = "discount", "discount"
        DAMAGED = "damaged", "damaged"
        MISSING = "missing", "missing item"
        RETURNED = "returned", "returned"
        OTHER = "other", "other"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    amount = _money()
    reason = models.CharField(max_length=12, choices=Reason, default=Reason.OTHER)
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True, help_text="When the bank confirmed it.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="ecommerce_refund_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.order.currency} for {self.order}"

    @property
    def expected_at(self) -> datetime:
        return self.created_at + timedelta(days=REFUND_DAYS)


class Coupon(models.Model):
    code = models.CharField(max_length=20, unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="coupons")
    percent = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=1) & Q(percent__lte=100),
                name="ecommerce_coupon_percent_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Review(models.Model):
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="reviews")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="reviews")
    rating = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "product"], name="ecommerce_one_review_a_product"
            ),
            models.CheckConstraint(
                condition=Q(rating__gte=1) & Q(rating__lte=5), name="ecommerce_one_to_five_stars"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.rating} of 5"


class DeliveryOption(models.Model):
    name = models.CharField(max_length=60, unique=True)
    price = _money()
    currency = models.CharField(max_length=3, default="EUR")
    min_days = models.PositiveSmallIntegerField()
    max_days = models.PositiveSmallIntegerField()
    note = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField("offered", default=True)

    class Meta:
        ordering = ["price"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0) & Q(min_days__lte=F("max_days")),
                name="ecommerce_delivery_option_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class HelpArticle(models.Model):
    slug = models.SlugField(max_length=60, unique=True)
    title = models.CharField(max_length=120)
    body = models.TextField()
    keywords = models.CharField(max_length=200, blank=True, help_text="Other words people use.")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

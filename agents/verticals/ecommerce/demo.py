"""The demo shop's data, from `demo.yaml`."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.verticals.ecommerce.models import (
    Coupon,
    Customer,
    DeliveryOption,
    HelpArticle,
    Order,
    OrderLine,
    Product,
    Refund,
    Review,
)

Row = dict[str, Any]


def load() -> None:
    """Create what is missing of the demo shop; whatever is there stays as it is."""
    data = _data()
    now = timezone.now()
    with transaction.atomic():
        for row in data["products"]:
            Product.objects.get_or_create(sku=row["sku"], defaults=row)
        for row in data["delivery_options"]:
            DeliveryOption.objects.get_or_create(name=row["name"], defaults=row)
        for row in data["articles"]:
            HelpArticle.objects.get_or_create(slug=row["slug"], defaults=row)
        for row in data["customers"]:
            Customer.objects.get_or_create(ref=row["ref"], defaults=row)
        for row in data["orders"]:
            _load_order(row, now)
        for row in data["reviews"]:
            _load_review(row, now)


def reset() -> None:
    """Put the demo shop back to how it is first loaded. Rows of other customers stay."""
    data = _data()
    refs = [row["ref"] for row in data["customers"]]
    with transaction.atomic():
        numbers = [row["number"] for row in data["orders"]]
        Order.objects.filter(Q(customer__ref__in=refs) | Q(number__in=numbers)).delete()
        Review.objects.filter(customer__ref__in=refs).delete()
        Coupon.objects.filter(customer__ref__in=refs).delete()
        for row in data["customers"]:
            Customer.objects.filter(ref=row["ref"]).update(**{"has_newsletter": False, **row})
        for row in data["products"]:
            Product.objects.filter(sku=row["sku"]).update(**{"is_active": True, **row})
        for row in data["delivery_options"]:
            DeliveryOption.objects.filter(name=row["name"]).update(**{"is_active": True, **row})
        for row in data["articles"]:
            HelpArticle.objects.filter(slug=row["slug"]).update(**row)
        load()


@cache
def _data() -> dict[str, list[Row]]:
    text = (Path(__file__).parent / "demo.yaml").read_text(encoding="utf-8")
    data: dict[str, list[Row]] = yaml.safe_load(text)
    return data


def _load_order(row: Row, now: datetime) -> None:
    goods = [(Product.objects.get(sku=line["sku"]), line["quantity"]) for line in row["lines"]]
    customer = Customer.objects.get(ref=row["customer"])
    expected = row.get("expected_in_days")
    fee = Decimal(row.get("delivery_fee", "0.00"))
    order, is_new = Order.objects.get_or_create(
        number=row["number"],
        defaults={
            "customer": customer,
            "status": row["status"],
            "placed_at": now - timedelta(days=row["placed_days"]),
            "shipped_at": _ago(now, row.get("shipped_days")),
            "delivered_at": _ago(now, row.get("delivered_days")),
            "cancelled_at": _ago(now, row.get("cancelled_days")),
            "expected_on": None if expected is None else (now + timedelta(days=expected)).date(),
            "shipping_address": customer.address,
            "carrier": row.get("carrier", ""),
            "tracking_number": row.get("tracking_number", ""),
            "delivery_fee": fee,
            "total": sum((product.price * quantity for product, quantity in goods), fee),
            "refunded_amount": Decimal(row.get("refunded", "0.00")),
        },
    )
    if is_new:
        _load_rows_of(order, goods)


def _load_rows_of(order: Order, goods: list[tuple[Product, int]]) -> None:
    for product, quantity in goods:
        OrderLine.objects.create(
            order=order,
            product=product,
            name=product.name,
            unit_price=product.price,
            quantity=quantity,
        )
    if order.refunded_amount and order.cancelled_at:
        Refund.objects.create(
            order=order,
            amount=order.refunded_amount,
            reason=Refund.Reason.CANCELLED,
            created_at=order.cancelled_at,
        )


def _load_review(row: Row, now: datetime) -> None:
    Review.objects.get_or_create(
        customer=Customer.objects.get(ref=row["customer"]),
        product=Product.objects.get(sku=row["sku"]),
        defaults={
            "rating": row["rating"],
            "comment": row["comment"],
            "created_at": now - timedelta(days=row["days"]),
        },
    )


def _ago(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)

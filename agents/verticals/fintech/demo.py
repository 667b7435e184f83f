"""The demo bank's data, from `demo.yaml`."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.verticals.fintech.models import (
    Account,
    Card,
    Customer,
    Dispute,
    ExchangeRate,
    HelpArticle,
    TopUp,
    Transaction,
    Transfer,
)

Row = dict[str, Any]


def load() -> None:
    """Create what is missing of the demo bank; whatever is there stays as it is."""
    data = _data()
    now = timezone.now()
    with transaction.atomic():
        for row in data["customers"]:
            _load_customer(row, now)
        for row in data["cards"]:
            _load_card(row, now)
        for row in data["transactions"]:
            _load_transaction(row, now)
        for row in data["transfers"]:
            _load_transfer(row, now)
        for row in data["top_ups"]:
            _load_top_up(row, now)
        for row in data["rates"]:
            hour = now.replace(minute=0, second=0, microsecond=0)
            ExchangeRate.objects.get_or_create(
                currency=row["currency"], defaults={**row, "as_of": hour}
            )
        for row in data["articles"]:
            HelpArticle.objects.get_or_create(slug=row["slug"], defaults=row)


def reset() -> None:
    """Put the demo bank back to how it is first loaded. Rows of other customers stay."""
    data = _data()
    refs = [row["ref"] for row in data["customers"]]
    with transaction.atomic():
        Transaction.objects.filter(_demo(data["transactions"], refs)).delete()
        Transfer.objects.filter(_demo(data["transfers"], refs)).delete()
        TopUp.objects.filter(_demo(data["top_ups"], refs)).delete()
        ibans = [row["iban"] for row in data["customers"]]
        Account.objects.filter(Q(customer__ref__in=refs) | Q(iban__in=ibans)).delete()
        Customer.objects.filter(ref__in=refs).delete()
        ExchangeRate.objects.filter(
            currency__in=[row["currency"] for row in data["rates"]]
        ).delete()
        HelpArticle.objects.filter(slug__in=[row["slug"] for row in data["articles"]]).delete()
        load()


def _demo(rows: list[Row], refs: list[str]) -> Q:
    """Return what is the demo customers', or bears a reference that the demo needs."""
    references = [row["reference"] for row in rows]
    return Q(account__customer__ref__in=refs) | Q(reference__in=references)


@cache
def _data() -> dict[str, list[Row]]:
    text = (Path(__file__).parent / "demo.yaml").read_text(encoding="utf-8")
    data: dict[str, list[Row]] = yaml.safe_load(text)
    return data


def _load_customer(row: Row, now: datetime) -> None:
    customer, _ = Customer.objects.get_or_create(
        ref=row["ref"],
        defaults={
            "name": row["name"],
            "email": row["email"],
            "address": row["address"],
            "identity_status": row["identity_status"],
            "identity_note": row.get("identity_note", ""),
            "verified_at": _days_ago(now, row.get("verified_days")),
        },
    )
    Account.objects.get_or_create(
        customer=customer,
        defaults={
            "iban": row["iban"],
            "balance": row["balance"],
            **{f"{kind}_limit": limit for kind, limit in row["limits"].items()},
        },
    )


def _load_card(row: Row, now: datetime) -> None:
    customer = Customer.objects.get(ref=row["customer"])
    Card.objects.get_or_create(
        customer=customer,
        ending=row["ending"],
        defaults={
            "kind": row.get("kind", Card.Kind.PHYSICAL),
            "scheme": row["scheme"],
            "status": row.get("status", Card.Status.ACTIVE),
            "expires_on": now.date().replace(year=now.year + row["valid_years"], day=1),
            "ordered_at": _days_ago(now, row.get("ordered_days")),
            "arrives_on": _in_days(now, row.get("arrives_in_days")),
            "frozen_at": _days_ago(now, row.get("frozen_days")),
            "cancelled_at": _days_ago(now, row.get("cancelled_days")),
            "cancel_reason": row.get("cancel_reason", ""),
            "replaces": customer.cards.filter(ending=row.get("replaces", "")).first(),
        },
    )


def _load_transaction(row: Row, now: datetime) -> None:
    account = Account.objects.get(customer__ref=row["customer"])
    booked, is_new = Transaction.objects.get_or_create(
        reference=row["reference"],
        defaults={
            "account": account,
            "card": Card.objects.filter(
                customer=account.customer, ending=row.get("card", "")
            ).first(),
            "kind": row["kind"],
            "status": row.get("status", Transaction.Status.COMPLETED),
            "description": row["description"],
            "made_at": now - timedelta(hours=row["hours"]),
            "expected_on": _in_days(now, row.get("expected_in_days")),
            "amount": row["amount"],
            "original_amount": row.get("original_amount"),
            "original_currency": row.get("original_currency", ""),
            "exchange_rate": row.get("exchange_rate"),
            "note": row.get("note", ""),
            "belongs_to": _booked(row.get("belongs_to")),
            "pays_back_fee": _booked(row.get("pays_back_fee")),
        },
    )
    if is_new and (dispute := row.get("dispute")):
        opened_at = now - timedelta(days=dispute["days"])
        Dispute.objects.create(transaction=booked, reason=dispute["reason"], opened_at=opened_at)


def _booked(reference: str | None) -> Transaction | None:
    return Transaction.objects.filter(reference=reference).first() if reference else None


def _load_transfer(row: Row, now: datetime) -> None:
    completed_hours = row.get("completed_hours")
    Transfer.objects.get_or_create(
        reference=row["reference"],
        defaults={
            "account": Account.objects.get(customer__ref=row["customer"]),
            "direction": row.get("direction", Transfer.Direction.OUTGOING),
            "status": row["status"],
            "counterparty": row["counterparty"],
            "amount": row["amount"],
            "fee": row.get("fee", "0.00"),
            "created_at": now - timedelta(hours=row["hours"]),
            "expected_on": _in_days(now, row.get("expected_in_days")),
            "completed_at": (
                None if completed_hours is None else now - timedelta(hours=completed_hours)
            ),
            "note": row.get("note", ""),
        },
    )


def _load_top_up(row: Row, now: datetime) -> None:
    TopUp.objects.get_or_create(
        reference=row["reference"],
        defaults={
            "account": Account.objects.get(customer__ref=row["customer"]),
            "method": row["method"],
            "status": row["status"],
            "amount": row["amount"],
            "made_at": now - timedelta(hours=row["hours"]),
            "expected_on": _in_days(now, row.get("expected_in_days")),
            "note": row.get("note", ""),
        },
    )


def _days_ago(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)


def _in_days(now: datetime, days: int | None) -> date | None:
    return None if days is None else (now + timedelta(days=days)).date()

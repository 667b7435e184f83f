"""The demo service's data, from `demo.yaml`."""

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

from agents.verticals.saas.models import (
    ApiKey,
    BalanceEntry,
    Component,
    HelpArticle,
    Incident,
    Invoice,
    InvoiceLine,
    Member,
    Plan,
    Refund,
    Ticket,
    Workspace,
)

Row = dict[str, Any]


def load() -> None:
    """Create what is missing of the demo service; whatever is there stays as it is."""
    data = _data()
    now = timezone.now()
    with transaction.atomic():
        for row in data["plans"]:
            Plan.objects.get_or_create(name=row["name"], defaults=row)
        for row in data["articles"]:
            HelpArticle.objects.get_or_create(slug=row["slug"], defaults=row)
        for row in data["components"]:
            Component.objects.get_or_create(name=row["name"], defaults=row)
        for row in data["incidents"]:
            _load_incident(row, now)
        for row in data["workspaces"]:
            _load_workspace(row, data, now)


def reset() -> None:
    """Put the demo service back to how it is first loaded. Rows of other workspaces stay."""
    data = _data()
    slugs = [row["slug"] for row in data["workspaces"]]
    refs = [row["ref"] for row in data["members"] if "ref" in row]
    numbers = [row["number"] for row in data["invoices"]]
    with transaction.atomic():
        BalanceEntry.objects.filter(
            Q(workspace__slug__in=slugs) | Q(invoice__number__in=numbers)
        ).delete()
        Invoice.objects.filter(Q(workspace__slug__in=slugs) | Q(number__in=numbers)).delete()
        Member.objects.filter(ref__in=refs).delete()
        Workspace.objects.filter(slug__in=slugs).delete()
        for row in data["plans"]:
            Plan.objects.filter(name=row["name"]).update(**{"has_urgent_tickets": False, **row})
        for row in data["articles"]:
            HelpArticle.objects.filter(slug=row["slug"]).update(**row)
        for row in data["components"]:
            Component.objects.filter(name=row["name"]).update(**{"status": "operational", **row})
        Incident.objects.filter(title__in=[row["title"] for row in data["incidents"]]).delete()
        load()


@cache
def _data() -> dict[str, list[Row]]:
    text = (Path(__file__).parent / "demo.yaml").read_text(encoding="utf-8")
    data: dict[str, list[Row]] = yaml.safe_load(text)
    return data


def _load_incident(row: Row, now: datetime) -> None:
    started = now - timedelta(minutes=row["started_minutes"])
    Incident.objects.get_or_create(
        title=row["title"],
        component=Component.objects.get(name=row["component"]),
        defaults={
            "text": row["text"],
            "started_at": started,
            "resolved_at": started + timedelta(minutes=row["lasted_minutes"]),
        },
    )


def _load_workspace(row: Row, data: dict[str, list[Row]], now: datetime) -> None:
    today = now.date()
    workspace, is_new = Workspace.objects.get_or_create(
        slug=row["slug"],
        defaults={
            "name": row["name"],
            "plan": Plan.objects.get(name=row["plan"]),
            "seats": row["seats"],
            "period_start": today - timedelta(days=row["period_started_days"]),
            "renews_on": today + timedelta(days=row["renews_in_days"]),
            "card": row["card"],
            "card_expires_on": today + timedelta(days=row["card_valid_days"]),
        },
    )
    # What was removed from a workspace that is there was removed on purpose. An invoice never is.
    if is_new:
        for member in _of(row, data["members"]):
            _load_member(workspace, member, now)
        for key in _of(row, data["api_keys"]):
            _load_api_key(workspace, key, now)
        for ticket in _of(row, data["tickets"]):
            _load_ticket(workspace, ticket, now)
    for invoice in _of(row, data["invoices"]):
        _load_invoice(workspace, invoice, now)
    if is_new:
        for credit in _of(row, data["credits"]):
            _load_credit(workspace, credit, now)


def _of(workspace: Row, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["workspace"] == workspace["slug"]]


def _load_member(workspace: Workspace, row: Row, now: datetime) -> None:
    Member.objects.create(
        workspace=workspace,
        ref=row.get("ref"),
        name=row.get("name", ""),
        email=row["email"],
        role=row["role"],
        has_mfa=row.get("has_mfa", False),
        invited_at=_ago(now, row.get("invited_days")),
        joined_at=_ago(now, row.get("joined_days")),
    )


def _load_api_key(workspace: Workspace, row: Row, now: datetime) -> None:
    ApiKey.objects.create(
        workspace=workspace,
        name=row["name"],
        hint=row["hint"],
        created_at=now - timedelta(days=row["created_days"]),
        last_used_at=_ago(now, row["used_days"]),
    )


def _load_ticket(workspace: Workspace, row: Row, now: datetime) -> None:
    Ticket.objects.create(
        workspace=workspace,
        opened_by=workspace.members.get(email=row["member"]),
        problem=row["problem"],
        status=row["status"],
        note=row["note"],
        created_at=now - timedelta(days=row["days"]),
    )


def _load_invoice(workspace: Workspace, row: Row, now: datetime) -> None:
    refunds = row.get("refunds", [])
    invoice, is_new = Invoice.objects.get_or_create(
        number=row["number"],
        defaults={
            "workspace": workspace,
            "status": row["status"],
            "issued_on": (now - timedelta(days=row["issued_days"])).date(),
            "paid_at": _ago(now, row.get("paid_days")),
            "attempts": row.get("attempts", 1),
            "failure": row.get("failure", ""),
            "total": sum(Decimal(line["amount"]) for line in row["lines"]),
            "refunded_amount": sum(Decimal(refund["amount"]) for refund in refunds),
        },
    )
    if is_new:
        for line in row["lines"]:
            InvoiceLine.objects.create(invoice=invoice, **line)
        for refund in refunds:
            Refund.objects.create(
                invoice=invoice,
                amount=refund["amount"],
                reason=refund["reason"],
                created_at=now - timedelta(days=refund["days"]),
            )


def _load_credit(workspace: Workspace, row: Row, now: datetime) -> None:
    BalanceEntry.objects.create(
        workspace=workspace,
        kind=BalanceEntry.Kind.CREDIT,
        amount=-Decimal(row["amount"]),
        text=row["text"],
        created_at=now - timedelta(days=row["days"]),
        invoice=Invoice.objects.get(number=row["invoice"]),
    )


def _ago(now: datetime, days: int | None) -> datetime | None:
    return None if days is None else now - timedelta(days=days)

"""What admin's pages of this app need to say things in words and colours.

Nothing of `conversations.admin` may be imported here: unfold loads all template libraries while it is imported itself.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

from conversations.models import Conversation, Effect, Interrupt, Run

register = template.Library()


TONES: dict[str, str] = {
    Conversation.Status.OPEN: "info",
    Conversation.Status.WAITING: "warning",
    Conversation.Status.HANDED_OFF: "primary",
    Interrupt.Status.PENDING: "warning",
    Interrupt.Status.APPROVED: "success",
    Interrupt.Status.REJECTED: "danger",
    Effect.Status.STARTED: "info",
    Effect.Status.DONE: "success",
    Effect.Status.REFUSED: "warning",
    Effect.Status.FAILED: "danger",
    Run.Status.RUNNING: "info",
    Run.Status.COMPLETED: "success",
    # How a tool call ended on the wire; the other outcomes stay grey.
    "ok": "success",
    "error": "danger",
    "unknown": "danger",
}


def tone(status: str) -> str:
    """Return the colour of a status: info, success, warning, danger, primary, or "" for grey."""
    return TONES.get(status, "")


@register.filter("decided_by")
def who_decided(interrupt: Interrupt) -> str:
    """Return who decided, as staff say it: a person's login, "the customer", "nobody in time"."""
    if interrupt.status == Interrupt.Status.EXPIRED:
        return "nobody in time"
    if interrupt.status == Interrupt.Status.SUPERSEDED:
        return "another message instead"
    if interrupt.decided_by_user is not None:
        return interrupt.decided_by_user.get_username()
    if interrupt.approver == Interrupt.Approver.NONE:
        return "the template's policy"
    if interrupt.decided_by == Interrupt.By.CUSTOMER:
        return "the customer"
    return interrupt.get_decided_by_display() or "nobody"


@register.filter
def is_decidable(interrupt: Interrupt) -> bool:
    """Return whether staff can still decide this; the service has the last word."""
    return (
        interrupt.status == Interrupt.Status.PENDING
        and interrupt.approver == Interrupt.Approver.STAFF
        and interrupt.expires_at > timezone.now()
    )


@register.inclusion_tag("unfold/helpers/label.html")
def status_label(status: str, text: str) -> dict[str, Any]:
    return {"type": tone(status), "text": text, "size": "md"}


@register.filter
def pairs(args: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return a mapping's items; in a page `args.items` would be the argument called "items"."""
    return list(args.items())


@register.filter
def as_text(value: Any) -> str:
    """Return an argument's value: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def result_fields(result: str) -> dict[str, Any]:
    """Return what a tool gave back, field by field; empty when it is no JSON object, as when it was cut."""
    try:
        fields = json.loads(result)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


@register.filter
def usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"${amount:.4f}"


@register.filter
def duration(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    return f"{(run.finished_at - run.started_at).total_seconds():.1f} s"

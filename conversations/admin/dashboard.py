"""The first page of admin: what waits for people, and what was said lately."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from conversations.admin.effects import unknown_effects
from conversations.admin.interrupts import may_decide, waiting_for_staff
from conversations.models import Conversation

SHOWN = 10


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the index page's context with what this person may see (unfold's DASHBOARD_CALLBACK)."""
    user = request.user
    if user.has_perm("conversations.view_interrupt"):
        waiting = waiting_for_staff().select_related("conversation")
        context["approvals"] = list(waiting[: SHOWN + 1])
    if user.has_perm("conversations.view_conversation"):
        conversations = Conversation.objects.select_related("visitor", "version__template")
        ended = (Conversation.Status.CLOSED, Conversation.Status.EXPIRED)
        wanting = conversations.filter(wants_person=True).exclude(status__in=ended)
        context["wanting_person"] = list(wanting[: SHOWN + 1])
        context["recent"] = list(conversations[:SHOWN])
    if user.has_perm("conversations.view_effect"):
        unknown = unknown_effects().select_related("interrupt")
        context["unknown_effects"] = list(unknown[: SHOWN + 1])
    context.update(may_decide=may_decide(request), shown=SHOWN, now=timezone.now())
    return context


def count_approvals() -> int:
    """Return how many approvals wait for staff."""
    return waiting_for_staff().count()

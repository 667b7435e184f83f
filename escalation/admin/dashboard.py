"""What this app adds to admin's first page: what went wrong with webhooks, above everything else."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from escalation.selectors import list_dead, list_disabled


def add_webhook_trouble(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the index page's context with dead letters and disabled endpoints, for those who may see them."""
    if request.user.has_perm("escalation.view_webhookdelivery"):
        context["dead_webhooks"] = count_dead()
    if request.user.has_perm("escalation.view_webhookendpoint"):
        context["disabled_endpoints"] = list(list_disabled()[:5])
    return context


def count_dead() -> int:
    """Return how many dead letters wait for somebody to see to them."""
    return list_dead().count()

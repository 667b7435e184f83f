"""How admin is arranged: its name, its first page and its sidebar."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "smart-support",
    "SITE_HEADER": "smart-support",
    "SITE_SYMBOL": "support_agent",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("conversations/icon.svg"),
        }
    ],
    "SITE_URL": reverse_lazy("home"),
    "SHOW_HISTORY": True,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "supportsite.unfold.add_dashboard",
    "SIDEBAR": {"show_search": True, "navigation": "supportsite.unfold.list_navigation"},
}

# Model → icon of its entry. What is in none of these groups is listed after them, app by app.
GROUPS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "Support",
        {
            "escalation.Escalation": "support_agent",
            "conversations.Conversation": "forum",
            "conversations.Interrupt": "approval",
            "conversations.Visitor": "person",
            "escalation.CannedReply": "quickreply",
        },
    ),
    (
        "Records",
        {
            "conversations.Effect": "bolt",
            "conversations.Run": "directions_run",
            "escalation.Rating": "star",
        },
    ),
    (
        "Webhooks",
        {"escalation.WebhookEndpoint": "webhook", "escalation.WebhookDelivery": "outbox"},
    ),
    (
        "Agents",
        {"agents.AgentTemplate": "smart_toy", "agents.TemplateVersion": "history"},
    ),
)
LAST_GROUP = ("Access", {"auth.User": "badge", "auth.Group": "group"})


def list_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar: support first, then each vertical's data, as far as this person may see it.

    A vertical's models appear because its `admin.py` registers them, without an edit here.
    """
    apps = admin.site.get_app_list(request)
    models = {
        f"{app['app_label']}.{model['object_name']}": model
        for app in apps
        for model in app["models"]
        if model["admin_url"]
    }
    groups = [_group(request, title, icons, models) for title, icons in GROUPS]
    grouped = {key for _, icons in (*GROUPS, LAST_GROUP) for key in icons}
    for app in apps:
        keys = [f"{app['app_label']}.{model['object_name']}" for model in app["models"]]
        icons = {key: "table_rows" for key in keys if key not in grouped}
        groups.append(_group(request, app["name"], icons, models))
    groups.append(_group(request, *LAST_GROUP, models))
    groups[0]["items"].insert(
        0, {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    )
    return [group for group in groups if group["items"]]


def _group(
    request: HttpRequest, title: str, icons: dict[str, str], models: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    items = [
        {"title": models[key]["name"], "icon": icon, "link": models[key]["admin_url"]}
        for key, icon in icons.items()
        if key in models
    ]
    for item in items:
        item.update(_badge(item["link"]))
    return {"title": title, "items": items}


def _badge(link: str) -> dict[str, str]:
    """Return how many wait, for the entries behind which somebody does."""
    # Not at the top: the settings import this file before the apps are there.
    from conversations.admin.dashboard import count_approvals
    from escalation.admin.dashboard import count_dead
    from escalation.selectors import count_waiting

    counters = {
        reverse("admin:conversations_interrupt_changelist"): (count_approvals, "warning"),
        reverse("admin:escalation_escalation_changelist"): (count_waiting, "warning"),
        reverse("admin:escalation_webhookdelivery_changelist"): (count_dead, "danger"),
    }
    if link not in counters:
        return {}
    count, variant = counters[link][0](), counters[link][1]
    return {"badge": str(count), "badge_variant": variant} if count else {}


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the index page's context with what each app has to show there (unfold's DASHBOARD_CALLBACK)."""
    from conversations.admin import dashboard as conversations
    from escalation.admin import dashboard as escalation

    context = conversations.add_dashboard(request, context)
    return escalation.add_webhook_trouble(request, context)

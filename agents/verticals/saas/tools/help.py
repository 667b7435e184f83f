"""What the service tells everybody, signed in or not."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from agents.tools import ToolContext, search_articles, support_tool
from agents.verticals.saas.models import Component, HelpArticle, Incident
from agents.verticals.saas.rules import INCIDENT_DAYS
from agents.verticals.saas.wording import bullets, day, minute

Query = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=2, max_length=200),
    Field(description="A few key words, for example export data"),
]


@support_tool(effect="read")
async def service_status(ctx: ToolContext) -> dict[str, Any]:
    """Tell which parts of the service work right now, and what went wrong in the last two weeks."""
    components = [row async for row in Component.objects.order_by("position", "name")]
    since = ctx.now - timedelta(days=INCIDENT_DAYS)
    rows = Incident.objects.filter(started_at__gt=since).select_related("component")
    incidents = [row async for row in rows.order_by("-started_at")]
    bad = [row for row in components if row.status != Component.Status.OPERATIONAL]
    if bad:
        now = bullets([f"**{row.name}**: {row.get_status_display()}" for row in bad])
        head = f"Not everything works at the moment:\n\n{now}"
    else:
        names = ", ".join(row.name for row in components)
        head = f"Everything works at the moment: {names}." if names else "Everything works."
    past = [f"{day(row.started_at)}, {row.title} ({_end_of(row)})" for row in incidents]
    tail = f"\n\nIn the last {INCIDENT_DAYS} days:\n\n{bullets(past)}" if past else ""
    return {
        "is_all_well": not bad,
        "components": [{"name": row.name, "status": row.status} for row in components],
        "incidents": [
            {
                "component": row.component.name,
                "title": row.title,
                "text": row.text,
                "started": minute(row.started_at),
                "resolved": minute(row.resolved_at) or None,
            }
            for row in incidents
        ],
        "summary": head + tail,
    }


def _end_of(incident: Incident) -> str:
    if incident.resolved_at is None:
        return "we are working on it"
    minutes = round((incident.resolved_at - incident.started_at).total_seconds() / 60)
    return f"resolved after {minutes} minutes"


@support_tool(effect="read")
async def search_help(ctx: ToolContext, query: Query) -> dict[str, Any]:
    """Search the help pages: sign-in, members, plans, billing, export, sync, mail filter, API.

    Use it for every question about how the service works; do not answer such questions from memory.
    """
    return search_articles([article async for article in HelpArticle.objects.all()], query)

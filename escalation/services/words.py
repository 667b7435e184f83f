"""What a customer is told about when a person comes."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from agents.spec import SupportSpec, TemplateSpec, render
from escalation.services import clocks

# Words of the template say themselves that a person will answer; when people are there, nothing is to be added.
ANSWERED_BY_TEMPLATE = ("routing", "agent", "unknown_effect")


def what_happens_next(spec: TemplateSpec, reason: str, now: datetime) -> str | None:
    """Return the sentence for a customer who waits for a person; None when it has been said already."""
    opens = clocks.find_opening(spec.support, now)
    if opens is not None and opens <= now:
        return None if reason in ANSWERED_BY_TEMPLATE else spec.texts.person_comes
    if opens is None:
        return spec.texts.person_comes
    return render(spec.texts.person_later, {"opens": say_when(spec.support, opens, now)})


def say_when(support: SupportSpec, at: datetime, now: datetime) -> str:
    """Return a time as people say it: "tomorrow at 09:00 (Europe/Berlin)"."""
    zone = ZoneInfo(support.time_zone)
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    day = {0: "today", 1: "tomorrow"}.get(days) or f"on {local:%A}, {local.day} {local:%B}"
    return f"{day} at {local:%H:%M} ({support.time_zone})"

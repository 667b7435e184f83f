"""API keys. No secret ever comes near this process, so none can be shown in a chat."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import selectors
from agents.verticals.saas.models import ApiKey
from agents.verticals.saas.rules import KEY_GRACE_HOURS
from agents.verticals.saas.tools.arguments import GraceHours, KeyName
from agents.verticals.saas.wording import bullets, count, day, minute

SEE = "see its API keys"
ROTATE = "rotate API keys"
WHERE = "Settings > API keys"
# A result may have 4 kB.
LISTED = 15

KeyEnding = Annotated[
    str | None,
    Field(max_length=4, description="Leave it out: the server fills in which key is meant"),
]


@support_tool(effect="read")
async def list_api_keys(ctx: ToolContext) -> dict[str, Any]:
    """List the workspace's API keys: name, last four characters, last use. Never the key itself."""
    workspace = (await selectors.get_admin(ctx, SEE)).workspace
    keys = [_as_row(key, ctx.now) async for key in workspace.api_keys.order_by("name")[:LISTED]]
    lines = [
        f"**{row['key_name']}**, ending in {row['ends_in']}, last used: {row['last_used']}"
        for row in keys
    ]
    if len(keys) == LISTED:
        lines.append(f"All others are under {WHERE}")
    limit = (
        f"Plan {workspace.plan.name} has room for {count(workspace.plan.max_api_keys, 'API key')}."
    )
    return {
        "keys": keys,
        "max_keys": workspace.plan.max_api_keys,
        "summary": f"{bullets(lines) if lines else 'There are no API keys yet.'}\n\n{limit}",
    }


def _as_row(key: ApiKey, now: datetime) -> dict[str, Any]:
    is_old_valid = key.old_key_until is not None and key.old_key_until > now
    return {
        "key_name": key.name,
        "ends_in": key.hint,
        "created": day(key.created_at),
        "last_used": day(key.last_used_at) or "never",
        "rotated": day(key.rotated_at) or None,
        "old_key_until": minute(key.old_key_until) if is_old_valid else None,
    }


async def _prepare_rotate(
    ctx: ToolContext,
    key_name: str,
    grace_hours: int = KEY_GRACE_HOURS,
    ends_in: str | None = None,
) -> Proposal:
    workspace = (await selectors.get_admin(ctx, ROTATE)).workspace
    key = await selectors.get_api_key(workspace, key_name)
    _refuse_unless_rotatable(ctx, key, grace_hours)
    hours = f"The old one goes on working for {count(grace_hours, 'hour')}."
    ends = hours if grace_hours else "The old one stops working at once."
    return Proposal(
        message=(
            f"Rotate the API key {key.name} (ending in {key.hint}) of {workspace.name}. {ends} The "
            f"new one is shown once, under {WHERE}, and not in this chat."
        ),
        args={"key_name": key.name, "grace_hours": grace_hours, "ends_in": key.hint},
    )


@support_tool(effect="write", prepare=_prepare_rotate)
async def rotate_api_key(
    ctx: ToolContext,
    key_name: KeyName,
    grace_hours: GraceHours = KEY_GRACE_HOURS,
    ends_in: KeyEnding = None,
) -> dict[str, Any]:
    """Replace an API key by a new one; the old one goes on working for 24 hours unless told otherwise.

    The new key is never shown in the chat: owners and admins see it once, under Settings > API keys.
    """
    workspace = (await selectors.get_admin(ctx, ROTATE, lock=True)).workspace
    key = await selectors.get_api_key(workspace, key_name)
    _refuse_unless_rotatable(ctx, key, grace_hours)
    if ends_in is not None and ends_in != key.hint:
        raise Refusal(
            f"The API key {key.name} was rotated in the meantime, so I have not done it again. If "
            "you still want it, just ask me again."
        )
    # Here the service that issues keys would be called; it keeps the secret and gives this.
    key.hint = secrets.token_hex(2)
    key.rotated_at = ctx.now
    key.last_used_at = None
    key.old_key_until = ctx.now + timedelta(hours=grace_hours)
    await key.asave(update_fields=["hint", "rotated_at", "last_used_at", "old_key_until"])
    until = (
        f"The old one works until {minute(key.old_key_until)}."
        if grace_hours
        else "The old one does not work any more."
    )
    return {
        "key_name": key.name,
        "ends_in": key.hint,
        "old_key_until": key.old_key_until.isoformat(),
        "where": WHERE,
        "summary": (
            f"The API key {key.name} is rotated; the new one ends in {key.hint}. {until} You find "
            f"the new key under {WHERE}, where it is shown once."
        ),
    }


def _refuse_unless_rotatable(ctx: ToolContext, key: ApiKey, grace_hours: int) -> None:
    """Refuse a second rotation that would cut short the time which the first one promised."""
    if grace_hours and key.old_key_until and key.old_key_until > ctx.now:
        raise Refusal(
            f"The API key {key.name} was rotated on {day(key.rotated_at)}, and the key before it "
            f"works until {minute(key.old_key_until)}; it can be rotated again after that. If it "
            "has leaked, ask me to rotate it with 0 hours, and all old ones stop at once."
        )

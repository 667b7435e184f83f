"""Reads on behalf of one customer. What belongs to another workspace reads as what does not exist."""

from __future__ import annotations

from django.db.models import Prefetch

from agents.tools import Refusal, ToolContext
from agents.verticals.saas.models import ApiKey, Invoice, InvoiceLine, Member, Workspace


async def get_member(ctx: ToolContext, *, lock: bool = False) -> Member:
    """Return the member whose call it is, with their workspace, or refuse.

    Args:
        lock: Hold the workspace until the transaction ends. Every write begins so, therefore of two
            changes in one workspace the second sees the first. SQLite has no row locks, but its
            write transactions run one after the other.
    """
    ref = ctx.require_customer()
    if lock:
        # Ordered, so that a customer of two workspaces could not lock them crosswise.
        held = Workspace.objects.select_for_update(of=("self",)).filter(members__ref=ref)
        await held.order_by("pk").afirst()
    rows = Member.objects.select_related(
        "workspace", "workspace__plan", "workspace__next_plan"
    ).filter(ref=ref)
    member = await rows.afirst()
    if member is None:
        raise Refusal("I cannot find your account. A colleague can look into it.")
    return member


async def get_admin(ctx: ToolContext, what: str, *, lock: bool = False) -> Member:
    """Return the member whose call it is if they are owner or admin, or refuse.

    Args:
        what: What only those may do: "change the plan".
        lock: See `get_member`.
    """
    member = await get_member(ctx, lock=lock)
    if not member.is_admin:
        raise Refusal(
            f"Only an owner or admin of {member.workspace.name} can {what}. "
            f"Please ask {await _names_of_owners(member.workspace)}."
        )
    return member


async def get_owner(ctx: ToolContext, what: str, *, lock: bool = False) -> Member:
    """Return the member whose call it is if they own the workspace, or refuse; see `get_admin`."""
    member = await get_member(ctx, lock=lock)
    if member.role != Member.Role.OWNER:
        raise Refusal(
            f"Only an owner of {member.workspace.name} can {what}. "
            f"Please ask {await _names_of_owners(member.workspace)}."
        )
    return member


async def _names_of_owners(workspace: Workspace) -> str:
    owners = workspace.members.filter(role=Member.Role.OWNER).order_by("name")
    return " or ".join([str(owner) async for owner in owners]) or "a colleague of ours"


async def get_invoice(workspace: Workspace, number: str) -> Invoice:
    """Return an invoice of this workspace with its lines, or refuse."""
    lines = Prefetch("lines", queryset=InvoiceLine.objects.order_by("id"))
    invoice = await workspace.invoices.prefetch_related(lines).filter(number=number).afirst()
    if invoice is None:
        raise Refusal(
            f"I cannot find an invoice {number} among the invoices of {workspace.name}. "
            "Please check the number, or ask me to list your invoices."
        )
    return invoice


async def get_colleague(workspace: Workspace, email: str) -> Member:
    """Return a member of this workspace by email, or refuse."""
    member = await workspace.members.filter(email__iexact=email).afirst()
    if member is None:
        raise Refusal(
            f"I cannot find {email} among the members of {workspace.name}. "
            "Please check the address, or ask me to list the members."
        )
    return member


async def get_api_key(workspace: Workspace, name: str) -> ApiKey:
    """Return the one API key of this workspace that is meant, or refuse; a part of its name will do."""
    keys = [key async for key in workspace.api_keys.order_by("name")]
    wanted = name.casefold()
    exact = [key for key in keys if key.name.casefold() == wanted]
    near = exact or [key for key in keys if wanted in key.name.casefold()]
    if len(near) == 1:
        return near[0]
    if near:
        raise Refusal(f"Which key do you mean: {', '.join(key.name for key in near)}?")
    names = ", ".join(key.name for key in keys)
    known = f"The keys there are: {names}." if names else "There are no API keys yet."
    raise Refusal(f"I cannot find an API key {name} in {workspace.name}. {known}")


async def count_seats(workspace: Workspace) -> int:
    """Return how many seats are taken; an invitation takes one too."""
    return await workspace.members.acount()

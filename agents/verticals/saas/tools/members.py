"""Who is in the workspace, and their second factor."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import selectors
from agents.verticals.saas.models import Member, Workspace
from agents.verticals.saas.rules import INVITATION_DAYS
from agents.verticals.saas.tools.arguments import MemberEmail, NewRole, Search
from agents.verticals.saas.wording import bullets, count, day, yes_or_no

INVITE = "invite people"
REMOVE = "remove people"
# A result may have 4 kB.
LISTED = 12


@support_tool(effect="read")
async def list_members(ctx: ToolContext, search: Search | None = None) -> dict[str, Any]:
    """List the workspace's members and invitations: name, email, role, two-factor, seats taken.

    At most 12 are shown; give `search` to find one by a part of the name or email.
    """
    me = await selectors.get_member(ctx)
    rows = [member async for member in me.workspace.members.order_by("name", "email")]
    owners = sum(member.role == Member.Role.OWNER for member in rows)
    wanted = (search or "").casefold()
    found = [member for member in rows if wanted in f"{member.name} {member.email}".casefold()]
    members = [_as_row(me, member, owners) for member in found[:LISTED]]
    lines = [
        f"{row['person']}: {row['role']}"
        + (f", {row['status']}" if row["status"] != "active" else "")
        for row in members
    ]
    if len(found) > LISTED:
        lines.append(f"and {len(found) - LISTED} more, under Settings > Members")
    head = f"{len(rows)} of {count(me.workspace.seats, 'seat')} are taken"
    return {
        "members": members,
        "seats": me.workspace.seats,
        "seats_taken": len(rows),
        "summary": f"{head}:\n\n{bullets(lines)}",
    }


def _as_row(me: Member, member: Member, owners: int) -> dict[str, Any]:
    is_me = member.pk == me.pk
    may = me.is_admin and not is_me and not _is_above(me, member)
    is_last = member.role == Member.Role.OWNER and owners == 1
    return {
        "email": member.email,
        "person": f"{member.name} ({member.email})" if member.name else member.email,
        "role": member.role,
        "who": "myself" if is_me else member.role,
        "status": "invited" if member.is_invited else "active",
        "two_factor": "on" if member.has_mfa else "off",
        "can_remove": yes_or_no(may and not is_last),
        "can_reset_mfa": yes_or_no(member.has_mfa and (is_me or may)),
    }


def _is_above(me: Member, member: Member) -> bool:
    return member.role == Member.Role.OWNER and me.role != Member.Role.OWNER


async def _prepare_invite(ctx: ToolContext, email: str, role: str = "member") -> Proposal:
    workspace = (await selectors.get_admin(ctx, INVITE)).workspace
    used = await _refuse_unless_free(workspace, email)
    rights = "as an admin, who can manage members, plan and invoices" if role == "admin" else ""
    return Proposal(
        message=(
            f"Invite {email} to {workspace.name}{' ' + rights if rights else ' as a member'}. Then "
            f"{used + 1} of {count(workspace.seats, 'seat')} are taken. The invitation is valid for "
            f"{INVITATION_DAYS} days."
        )
    )


@support_tool(effect="write", prepare=_prepare_invite)
async def invite_member(
    ctx: ToolContext, email: MemberEmail, role: NewRole = "member"
) -> dict[str, Any]:
    """Invite a person to the workspace by email; the invitation takes a seat and is valid for 7 days.

    When all seats are taken, offer change_seats or remove_member first.
    """
    workspace = (await selectors.get_admin(ctx, INVITE, lock=True)).workspace
    used = await _refuse_unless_free(workspace, email)
    member = await Member.objects.acreate(
        workspace=workspace, email=email, role=role, invited_at=ctx.now
    )
    return {
        "email": email,
        "role": role,
        "seats_taken": used + 1,
        "summary": (
            f"{email} is invited to {workspace.name} and gets an email with a link, which is valid "
            f"until {day(member.invited_until)}. {used + 1} of {count(workspace.seats, 'seat')} are "
            "taken now."
        ),
    }


async def _refuse_unless_free(workspace: Workspace, email: str) -> int:
    """Return how many seats are taken, if one is left for this address."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refusal(f"{email} is not a valid email address. Please check it.") from error
    known = await workspace.members.filter(email__iexact=email).afirst()
    if known is not None and known.is_invited:
        raise Refusal(
            f"{email} was already invited on {day(known.invited_at)}. You can send the email again "
            "under Settings > Members."
        )
    if known is not None:
        raise Refusal(f"{email} is already a member of {workspace.name}.")
    used = await selectors.count_seats(workspace)
    if used >= workspace.seats:
        raise Refusal(
            f"All {count(workspace.seats, 'seat')} of {workspace.name} are taken. I can add a seat "
            "or remove a member first."
        )
    if used >= workspace.coming_seats:
        raise Refusal(
            f"From {day(workspace.renews_on)} on {workspace.name} has "
            f"{count(workspace.coming_seats, 'seat')}, and all of them are taken. I can raise the "
            "seats again, or remove a member first."
        )
    return used


async def _prepare_remove(ctx: ToolContext, email: str) -> Proposal:
    me = await selectors.get_admin(ctx, REMOVE)
    member = await selectors.get_colleague(me.workspace, email)
    await _refuse_unless_removable(me, member)
    if member.is_invited:
        text = f"Withdraw the invitation of {member.email} to {me.workspace.name}."
    else:
        text = (
            f"Remove {member} ({member.email}) from {me.workspace.name}. They lose access at once; "
            "what they made stays in the workspace."
        )
    return Proposal(message=text, args={"email": member.email})


@support_tool(effect="write", prepare=_prepare_remove)
async def remove_member(ctx: ToolContext, email: MemberEmail) -> dict[str, Any]:
    """Remove a person from the workspace, or withdraw their invitation. The last owner cannot go.

    The seat stays paid for until the period ends; change_seats gives it up.
    """
    me = await selectors.get_admin(ctx, REMOVE, lock=True)
    member = await selectors.get_colleague(me.workspace, email)
    await _refuse_unless_removable(me, member)
    name = str(member)
    await member.adelete()
    used = await selectors.count_seats(me.workspace)
    return {
        "email": email,
        "name": name,
        "seats_taken": used,
        "summary": (
            f"{name} is removed from {me.workspace.name} and has no access any more. {used} of "
            f"{count(me.workspace.seats, 'seat')} are taken now."
        ),
    }


async def _refuse_unless_removable(me: Member, member: Member) -> None:
    owners = me.workspace.members.filter(role=Member.Role.OWNER)
    if member.role == Member.Role.OWNER and await owners.acount() == 1:
        raise Refusal(
            f"{member} is the only owner of {me.workspace.name}, and a workspace cannot be without "
            "one. Make somebody else an owner under Settings > Members first."
        )
    if _is_above(me, member):
        raise Refusal(
            f"{member} is an owner of {me.workspace.name}, whom only an owner can remove."
        )
    if member.pk == me.pk:
        raise Refusal(
            "I cannot remove you from your own workspace. You can leave it under "
            "Settings > General, or another admin can remove you."
        )


async def _prepare_reset(ctx: ToolContext, email: str) -> Proposal:
    me = await selectors.get_member(ctx)
    member = await _get_resettable(me, email)
    whose = "your own account" if member.pk == me.pk else f"{member}"
    return Proposal(
        message=(
            f"Switch off two-factor sign-in for {whose} ({member.email}), after a colleague has "
            "checked who is asking. It is set up anew at the next sign-in, and all sessions end."
        ),
        args={"email": member.email},
    )


@support_tool(effect="write", prepare=_prepare_reset)
async def reset_mfa(ctx: ToolContext, email: MemberEmail) -> dict[str, Any]:
    """Reset the two-factor sign-in (2FA, MFA, authenticator) of one member who has lost their device.

    Members may ask for themselves, owners and admins for others. A colleague checks the identity.
    """
    me = await selectors.get_member(ctx, lock=True)
    member = await _get_resettable(me, email)
    member.has_mfa = False
    await member.asave(update_fields=["has_mfa"])
    return {
        "email": member.email,
        "summary": (
            f"Two-factor sign-in is reset for {member.email}. At the next sign-in the password is "
            "enough, and a new device is set up right after it."
        ),
    }


async def _get_resettable(me: Member, email: str) -> Member:
    member = await selectors.get_colleague(me.workspace, email)
    if member.pk != me.pk and (not me.is_admin or _is_above(me, member)):
        raise Refusal(
            f"You can have your own two-factor sign-in reset, but not that of {member.email}. They "
            "can ask us themselves."
        )
    if not member.has_mfa:
        raise Refusal(
            f"Two-factor sign-in is not on for {member.email}, so there is nothing to reset. For a "
            'forgotten password choose "Forgot your password?" on the sign-in page.'
        )
    return member

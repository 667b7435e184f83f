"""Problems for the engineers."""

from __future__ import annotations

from typing import Any

from django.utils.text import Truncator

from agents.tools import Proposal, Refusal, ToolContext, support_tool
from agents.verticals.saas import selectors
from agents.verticals.saas.models import Member, Ticket
from agents.verticals.saas.tools.arguments import Priority, Problem
from agents.verticals.saas.wording import bullets, count, day

# A result may have 4 kB.
LISTED = 6
SHOWN = 100


async def _prepare_ticket(ctx: ToolContext, problem: str, priority: str = "normal") -> Proposal:
    member = await selectors.get_member(ctx)
    hours = await _refuse_unless_possible(member, problem, priority)
    kind = "an urgent" if priority == "urgent" else "a"
    return Proposal(
        message=(
            f'Open {kind} ticket with our engineers: "{problem}" They answer within '
            f"{count(hours, 'working hour')}."
        )
    )


@support_tool(effect="write", prepare=_prepare_ticket)
async def open_ticket(
    ctx: ToolContext, problem: Problem, priority: Priority = "normal"
) -> dict[str, Any]:
    """Open a ticket with the engineers for a bug or a technical problem that nothing here solves.

    Look at service_status and search_help first. Never make up what the customer did not say.
    """
    member = await selectors.get_member(ctx, lock=True)
    hours = await _refuse_unless_possible(member, problem, priority)
    ticket = await Ticket.objects.acreate(
        workspace=member.workspace,
        opened_by=member,
        problem=problem,
        priority=priority,
        created_at=ctx.now,
    )
    return {
        "ticket_number": ticket.number,
        "status": ticket.status,
        "priority": ticket.priority,
        "answer_hours": hours,
        "summary": (
            f"Ticket {ticket.number} is open. Our engineers answer within "
            f"{count(hours, 'working hour')}, by email to {member.email}."
        ),
    }


async def _refuse_unless_possible(member: Member, problem: str, priority: str) -> int:
    """Return within how many working hours the plan promises an answer, or refuse."""
    workspace = member.workspace
    plan = workspace.plan
    if plan.answer_hours is None:
        raise Refusal(
            f"Plan {plan.name} has no tickets. I can look in our help pages for you, or move "
            f"{workspace.name} to a plan with tickets."
        )
    if priority == "urgent" and not plan.has_urgent_tickets:
        raise Refusal(
            f"Plan {plan.name} has no urgent tickets. I can open a normal one, which is answered "
            f"within {count(plan.answer_hours, 'working hour')}."
        )
    open_ones = workspace.tickets.exclude(status=Ticket.Status.SOLVED)
    same = await open_ones.filter(problem__iexact=problem).afirst()
    if same is not None:
        raise Refusal(
            f"Ticket {same.number} about this is already open, since {day(same.created_at)}. If "
            "there is something to add, answer the email about it."
        )
    return plan.answer_hours


@support_tool(effect="read")
async def list_tickets(ctx: ToolContext) -> dict[str, Any]:
    """List the workspace's tickets with the engineers, newest first: number, state, what it is about."""
    workspace = (await selectors.get_member(ctx)).workspace
    rows = [ticket async for ticket in workspace.tickets.order_by("-created_at")[:LISTED]]
    tickets = [
        {
            "ticket_number": ticket.number,
            "problem": Truncator(ticket.problem).chars(SHOWN),
            "status": ticket.status,
            "priority": ticket.priority,
            "opened": day(ticket.created_at),
        }
        for ticket in rows
    ]
    lines = [
        f"**{row['ticket_number']}** of {row['opened']}, {ticket.get_status_display()}: "
        f"{row['problem']}{f' ({ticket.note})' if ticket.note else ''}"
        for row, ticket in zip(tickets, rows, strict=True)
    ]
    return {
        "tickets": tickets,
        "summary": bullets(lines) if lines else "There are no tickets of your workspace yet.",
    }

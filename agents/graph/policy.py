"""From a model's wish to a write that may be approved."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from langchain_core.messages import ToolCall
from pydantic import ValidationError

from agents.compiled import CompiledAgent
from agents.context import ProposedWrite, RunContext
from agents.spec import Approver, ToolUse
from agents.tools import Proposal, Refusal, SupportTool

logger = logging.getLogger(__name__)

IN_FORCE = (
    "The same is already waiting for approval, under way or done, so I have not asked for it again."
)


def check_call(agent: CompiledAgent, call: ToolCall) -> SupportTool:
    """Return the tool that a model calls, or refuse: unknown, not this agent's, or with arguments that do not fit."""
    tool = agent.tools.get(call["name"])
    if tool is None:
        raise Refusal(
            f'There is no tool "{call["name"]}" here. Known tools: {", ".join(agent.tools) or "none"}.'
        )
    try:
        tool.parse(call["args"])
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'arguments'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise Refusal(f"The arguments do not fit: {problems}.") from error
    return tool


async def propose(
    ctx: RunContext, agent: CompiledAgent, tool: SupportTool, call: ToolCall
) -> ProposedWrite:
    """Make a write ready for approval: complete arguments, a sentence, an approver. Raises Refusal."""
    given = tool.canonical(call["args"])
    proposal = await ctx.ledger.prepare(tool, given)
    args = tool.canonical(proposal.args) if proposal.args is not None else given
    use = agent.uses[tool.name]
    measure = measure_of(use, args, proposal)
    key = tool.key(args) if tool.key else None
    if key and await ctx.ledger.is_in_force(key):
        raise Refusal(IN_FORCE)
    return ProposedWrite(
        tool_call_id=call["id"] or "",
        agent=agent.spec.name,
        tool=tool.name,
        args=args,
        message=proposal.message,
        approver=approver_for(use, measure),
        measure="" if measure is None else str(measure),
        key=key,
    )


def refuse_twin(write: ProposedWrite, others: Iterable[dict[str, Any]]) -> None:
    """Refuse a write that the same answer proposes under the same key already."""
    if write.key and any(other["key"] == write.key for other in others):
        raise Refusal(IN_FORCE)


def measure_of(use: ToolUse, args: dict[str, Any], proposal: Proposal) -> Decimal | None:
    """Return the number that the policy's limits look at; None without limits; raises Refusal when it is missing."""
    if use.limits is None:
        return None
    name = use.limits.measure
    try:
        return proposal.measures[name] if name in proposal.measures else Decimal(str(args[name]))
    except (KeyError, InvalidOperation):
        logger.error("tool %s: the limits need the measure %r, which is missing", use.name, name)
        raise Refusal("This cannot be done here. A colleague has to look at it.") from None


def approver_for(use: ToolUse, measure: Decimal | None) -> Approver:
    """Return who may approve this write under the template's policy; raises Refusal when nobody may."""
    approver = use.approver_for(measure)
    if approver is None:
        limits = use.limits
        highest = limits and (limits.staff or limits.customer or limits.none)
        name = limits and limits.measure
        raise Refusal(f"That is more than our rules allow: the {name} may be {highest} at most.")
    return approver

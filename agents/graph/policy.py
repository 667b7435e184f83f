"""From a model's wish to a write that may be approved."""

from __future__ import annotations

import logging
from decimal import Decimal, InvalidOperation
from typing import Any

from langchain_core.messages import ToolCall
from pydantic import ValidationError

from agents.compiled import CompiledAgent
from agents.context import ProposedWrite, RunContext
from agents.spec import Approver, ToolUse
from agents.tools import Proposal, Refusal, SupportTool

logger = logging.getLogger(__name__)


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
    return ProposedWrite(
        tool_call_id=call["id"] or "",
        agent=agent.spec.name,
        tool=tool.name,
        args=args,
        message=proposal.message,
        approver=approver_for(agent.uses[tool.name], args, proposal),
    )


def approver_for(use: ToolUse, args: dict[str, Any], proposal: Proposal) -> Approver:
    """Return who may approve this write under the template's policy; raises Refusal when nobody may.

    It fails closed: limits on a measure that cannot be read refuse the write.
    """
    if use.limits is None:
        return use.approver or "customer"
    name = use.limits.measure
    try:
        measure = proposal.measures[name] if name in proposal.measures else Decimal(str(args[name]))
    except (KeyError, InvalidOperation):
        logger.error("tool %s: the limits need the measure %r, which is missing", use.name, name)
        raise Refusal("This cannot be done here. A colleague has to look at it.") from None
    approver = use.limits.approver_for(measure)
    if approver is None:
        highest = use.limits.staff or use.limits.customer or use.limits.none
        raise Refusal(f"That is more than our rules allow: the {name} may be {highest} at most.")
    return approver

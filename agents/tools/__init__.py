"""What a vertical needs to offer tools: this module is the only part of `agents` that it imports.

from agents.tools import Proposal, Refusal, ToolContext, support_tool

@support_tool(effect="read")
async def get_order(ctx: ToolContext, order_number: OrderNumber) -> dict[str, Any]:
    \"\"\"Look up one order of the customer: its state, items and total.\"\"\"
"""

from agents.tools.base import (
    Proposal,
    Refusal,
    SupportTool,
    ToolContext,
    support_tool,
)
from agents.tools.help import search_articles

__all__ = [
    "Proposal",
    "Refusal",
    "SupportTool",
    "ToolContext",
    "search_articles",
    "support_tool",
]

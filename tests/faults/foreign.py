"""A foreign system: a file to which each call that reached it adds a line. Nothing of ours can roll it back."""

import os
from pathlib import Path

from agents import fault_points, registry
from agents.tools import ToolContext, support_tool

_file = None
_get_tool = registry.get_tool


@support_tool(external="idempotent")
async def pay_out(ctx: ToolContext, amount: int) -> dict:
    """Pay out, in a system that knows a call by its key."""
    return _take(ctx, "pay_out")


@support_tool(external="once")
async def send_out(ctx: ToolContext, amount: int) -> dict:
    """Send something, in a system that does it again each time."""
    return _take(ctx, "send_out")


TOOLS = {"pay_out": pay_out, "send_out": send_out}
AGENT = {
    "name": "outside",
    "label": "Outside",
    "description": "Asks other systems.",
    "prompt": "You ask other systems.",
    "tools": [{"name": name, "approver": "customer"} for name in TOOLS],
}


def _take(ctx, tool):
    fault_points.reach("foreign.before_change")
    file = os.open(_file, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(file, f"{tool} {ctx.idempotency_key}\n".encode())
    os.close(file)
    fault_points.reach("foreign.after_change")
    return {"taken": True}


def use(copy):
    """Make the system known in this forked process."""
    global _file
    _file = file_of(copy)
    registry.get_tool = lambda name, vertical: TOOLS.get(name) or _get_tool(name, vertical)


def file_of(copy) -> Path:
    return copy.folder / "foreign"

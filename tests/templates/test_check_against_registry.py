"""A template may say about a tool only what the tool is."""

from decimal import Decimal
from typing import Any

import pytest

from agents.errors import TemplateInvalid
from agents.loading import check_against_registry, read_template
from agents.tools import Proposal, ToolContext, support_tool
from tests.templates.conftest import SHOP


@support_tool(effect="read")
async def get_order(ctx: ToolContext, number: str) -> dict[str, Any]:
    """Look up an order."""
    return {}


@support_tool(effect="read")
async def list_orders(ctx: ToolContext, limit: int = 5) -> dict[str, Any]:
    """List orders."""
    return {}


@support_tool()
async def refund_order(
    ctx: ToolContext, number: str, amount: Decimal | None = None
) -> dict[str, Any]:
    """Refund an order."""
    return {}


async def _prepare(ctx: ToolContext, **args: Any) -> Proposal:
    return Proposal("")


@support_tool(prepare=_prepare)
async def cancel_order(ctx: ToolContext, number: str) -> dict[str, Any]:
    """Cancel an order."""
    return {}


TOOLS = {tool.name: tool for tool in (get_order, list_orders, refund_order, cancel_order)}

LOOKUP = "{tool: TOOL, items: orders, field: number, label: x}"

GOOD = [
    "{name: refund_order, approver: staff, hidden: [number], ask: {number: Which one?}}",
    "{name: refund_order, limits: {measure: amount, customer: 10.50, staff: 50}}",
    "{name: cancel_order, limits: {measure: total, customer: 10}}",
    f"{{name: cancel_order, find: {{number: {LOOKUP.replace('TOOL', 'list_orders')}}}}}",
]

BAD = [
    (
        "{name: refnd_order}",
        "agents[0].tools[2].name: unknown tool 'refnd_order'; did you mean 'refund_order'? "
        "known tools are cancel_order, get_order, list_orders, refund_order",
    ),
    ("{name: track}", "unknown tool 'track'; known tools are cancel_order"),
    (
        "{name: refund_order, limits: {measure: amont, staff: 5}}",
        "agents[0].tools[2].limits.measure: 'refund_order' has no number 'amont'; did you mean 'amount'? "
        "known measures are amount",
    ),
    (
        "{name: refund_order, hidden: [nmber]}",
        "agents[0].tools[2].hidden[0]: 'refund_order' has no argument 'nmber'; did you mean 'number'?",
    ),
    (
        "{name: refund_order, ask: {colour: Which?}}",
        "agents[0].tools[2].ask.colour: 'refund_order' has no",
    ),
    (
        f"{{name: refund_order, find: {{colour: {LOOKUP.replace('TOOL', 'list_orders')}}}}}",
        "agents[0].tools[2].find.colour: 'refund_order' has no argument 'colour'",
    ),
    (
        f"{{name: refund_order, find: {{number: {LOOKUP.replace('TOOL', 'list_ordrs')}}}}}",
        "find.number.tool: 'list_ordrs' is no tool of the agent 'orders'; did you mean 'list_orders'?",
    ),
    (
        f"{{name: refund_order, find: {{number: {LOOKUP.replace('TOOL', 'refund_order')}}}}}",
        "find.number.tool: 'refund_order' is a write; values are looked up by a read",
    ),
    (
        f"{{name: refund_order, find: {{number: {LOOKUP.replace('TOOL', 'get_order')}}}}}",
        "find.number.tool: 'get_order' cannot be called without its argument 'number'",
    ),
]


def _template(use: str) -> str:
    tool = "      - name: get_order\n"
    return SHOP.replace(tool, f"{tool}      - name: list_orders\n      - {use}\n")


@pytest.mark.parametrize("use", GOOD)
def test_right_use_of_a_tool_is_accepted(use):
    assert read_template(_template(use), source="x.yaml", tools=TOOLS)


@pytest.mark.parametrize(("use", "message"), BAD)
def test_wrong_use_of_a_tool_is_refused(use, message):
    with pytest.raises(TemplateInvalid) as caught:
        read_template(_template(use), source="x.yaml", tools=TOOLS)
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.yaml:12:")


@pytest.mark.parametrize("policy", ["approver: staff", "limits: {measure: number, staff: 1}"])
def test_a_read_has_no_policy(policy):
    text = SHOP.replace("- name: get_order", f"- name: get_order\n        {policy}")
    with pytest.raises(TemplateInvalid, match=r"x\.yaml:11:9: .*'get_order' only reads, so nobody"):
        read_template(text, source="x.yaml", tools=TOOLS)


def test_a_template_that_came_from_elsewhere_is_checked_too():
    spec = read_template(_template("{name: refnd_order}"), source="x.yaml")
    with pytest.raises(
        TemplateInvalid, match=r"^admin: agents\[0\]\.tools\[2\]\.name: unknown tool"
    ):
        check_against_registry(spec, TOOLS, source="admin")

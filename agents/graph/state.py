"""What travels from node to node, and through checkpoints: messages and plain JSON only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.graph.message import add_messages

from agents.context import Heard
from agents.spec import STAFF


class PlanStep(TypedDict):
    """One agent's part: who, and what is asked of them."""

    agent: str
    request: str


class GraphState(TypedDict, total=False):
    """One conversation.

    Attributes:
        messages: Everything said, with tool calls and their results.
        plan: The agents of the current message, in order.
        step: Which of them acts.
        proposals: Prepared writes by tool call id (ProposedWrite as a dict).
        transfers: Transfers in this run.
        outcome: How the run ended: "completed", "interrupted", "handed_off" or "stopped".
        handoff: Why an agent asks for a person (Handoff as a dict); empty when none does.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    plan: list[PlanStep]
    step: int
    proposals: dict[str, dict[str, Any]]
    transfers: int
    outcome: str
    handoff: dict[str, str]


def new_turn(message_id: str, text: str, heard: Sequence[Heard] = ()) -> GraphState:
    """Return the input for a customer's message, with what was said before it in the agents' absence."""
    before: list[AnyMessage] = [_as_message(one) for one in heard]
    return {
        "messages": [*before, HumanMessage(content=text, id=message_id)],
        "plan": [],
        "step": 0,
        "proposals": {},
        "transfers": 0,
        "outcome": "completed",
        "handoff": {},
    }


def _as_message(heard: Heard) -> AnyMessage:
    """Return a message for the history. A person's word is data, like the customer's: never a system text."""
    if heard.staff is None:
        return HumanMessage(content=heard.text, id=heard.id)
    # Not every provider passes a name on, so that the text itself says whose word it was.
    text = f"[{heard.staff} of our team, a person, wrote:] {heard.text}"
    return AIMessage(content=text, id=heard.id, name=STAFF)


def count_said(messages: list[AnyMessage], message_id: str) -> int:
    """Return how many messages for the customer follow theirs."""
    ids = [message.id for message in messages]
    after = messages[ids.index(message_id) :] if message_id in ids else []
    return sum(isinstance(message, AIMessage) and bool(message.text.strip()) for message in after)


def current_step(state: GraphState) -> PlanStep:
    return state["plan"][state["step"]]


def open_calls(messages: list[AnyMessage]) -> list[ToolCall]:
    """Return the tool calls of the last model message that have no result yet."""
    answered = set()
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        elif isinstance(message, AIMessage):
            return [call for call in message.tool_calls if call["id"] not in answered]
        else:
            break
    return []


def last_results(messages: list[AnyMessage]) -> list[ToolMessage]:
    """Return the results of the last model message's tool calls."""
    results: list[ToolMessage] = []
    for message in reversed(messages):
        if not isinstance(message, ToolMessage):
            break
        results.append(message)
    return results[::-1]

"""What of a conversation a model gets to see."""

from __future__ import annotations

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agents.spec import STAFF

ROUTER_MESSAGES = 12
AGENT_MESSAGES = 40


def for_router(messages: list[AnyMessage]) -> list[AnyMessage]:
    """Return the recent history without tool calls and results: who said what."""
    spoken: list[AnyMessage] = []
    for message in messages:
        if isinstance(message, AIMessage) and message.text:
            spoken.append(_without_calls(message))
        elif isinstance(message, HumanMessage):
            spoken.append(message)
    return spoken[-ROUTER_MESSAGES:]


def _without_calls(message: AIMessage) -> AIMessage:
    if not message.tool_calls:
        return message
    return AIMessage(
        content=message.text, name=message.name, additional_kwargs=message.additional_kwargs
    )


def for_agent(messages: list[AnyMessage]) -> list[AnyMessage]:
    """Return the recent history, from a customer's or a person's message on; every tool call in it has a result.

    A provider answers 400 to every later turn when one result is missing (FACTS); a run that failed between call and
    result must not poison the conversation.
    """
    recent = messages[-AGENT_MESSAGES:]
    while recent and not isinstance(recent[0], HumanMessage) and recent[0].name != STAFF:
        recent = recent[1:]
    answered = {m.tool_call_id for m in recent if isinstance(m, ToolMessage)}
    history: list[AnyMessage] = []
    for message in recent:
        history.append(message)
        if isinstance(message, AIMessage):
            history.extend(
                ToolMessage(
                    content="This was not done.", tool_call_id=call["id"] or "", status="error"
                )
                for call in message.tool_calls
                if call["id"] not in answered
            )
    return history


def start_of_step(messages: list[AnyMessage]) -> int:
    """Return where the current agent's own tool calls and results begin, at the end of the history."""
    at = len(messages)
    while at and (
        isinstance(messages[at - 1], ToolMessage)
        or (isinstance(messages[at - 1], AIMessage) and messages[at - 1].tool_calls)  # type: ignore[union-attr]
    ):
        at -= 1
    return at

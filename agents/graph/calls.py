"""Calls of a language model: two tries, a time limit, and not a word of a failed try left standing."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage
from langchain_core.runnables import Runnable

from agents.context import RunContext
from agents.errors import ModelFailed
from agents.routing import RouteDecision

logger = logging.getLogger(__name__)
TRIES = 2


async def route(ctx: RunContext, messages: list[AnyMessage]) -> tuple[RouteDecision, AIMessage]:
    """Ask the router. Returns its decision and the raw message; raises ModelFailed."""
    template = ctx.template
    for attempt in range(TRIES):
        try:
            async with asyncio.timeout(settings.LLM_TIMEOUT_SECONDS):
                answer = await template.router.ainvoke(messages)
        except Exception as error:
            _note(template.router_model_name, attempt, error)
            continue
        raw: AIMessage = answer["raw"]
        ctx.meter.add("router", template.router_model_name, _usage(raw))
        if isinstance(answer["parsed"], RouteDecision):
            return answer["parsed"], raw
        _note(template.router_model_name, attempt, answer["parsing_error"])
    raise ModelFailed("the router gave no usable decision")


async def answer(
    ctx: RunContext, agent: str, messages: list[AnyMessage], say: Callable[[str], None]
) -> AIMessage:
    """Stream an agent's answer.

    Args:
        ctx: The run.
        agent: The agent's name.
        messages: System text and history.
        say: Called with each piece of text for the customer.

    Returns:
        The whole message; cut short when the run was stopped.

    Raises:
        ModelFailed: Both tries failed, or one did after something had been said.
    """
    compiled = ctx.template.agents[agent]
    for attempt in range(TRIES):
        chunks: list[AIMessageChunk] = []
        try:
            async with asyncio.timeout(settings.LLM_TIMEOUT_SECONDS):
                await _stream(ctx.stop, compiled.model, messages, chunks, say)
        except Exception as error:
            _note(compiled.model_name, attempt, error)
            if any(chunk.text.strip() for chunk in chunks):
                raise ModelFailed("the model broke off in the middle of its answer") from error
            continue
        # One sum at the end: adding chunk by chunk copies the text each time.
        whole = chunks[0] + chunks[1:] if chunks else AIMessageChunk(content="")
        ctx.meter.add(agent, compiled.model_name, _usage(whole))
        if ctx.stop.is_set():
            return AIMessage(content=whole.text, name=agent)
        if whole.text.strip() or whole.tool_calls or whole.invalid_tool_calls:
            return _finished(whole, agent, _call_ids(messages))
        _note(compiled.model_name, attempt, ValueError("an empty answer"))
    raise ModelFailed("the model gave no usable answer")


async def _stream(
    stop: asyncio.Event,
    model: Runnable[Any, Any],
    messages: list[AnyMessage],
    chunks: list[AIMessageChunk],
    say: Callable[[str], None],
) -> None:
    """Collect the stream in `chunks` until it ends or `stop` is set, also while the model is silent."""

    async def collect() -> None:
        unsaid, has_said = "", False
        async for chunk in model.astream(messages):
            chunks.append(chunk)
            unsaid += chunk.text
            # White space alone is no message: some models send it before a tool call.
            if unsaid and (has_said or unsaid.strip()):
                say(unsaid)
                unsaid, has_said = "", True

    collecting = asyncio.ensure_future(collect())
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({collecting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if collecting.done():
            collecting.result()
    finally:
        stopped.cancel()
        collecting.cancel()


def _call_ids(messages: list[AnyMessage]) -> set[str | None]:
    return {call["id"] for m in messages if isinstance(m, AIMessage) for call in m.tool_calls}


def _finished(whole: AIMessageChunk, agent: str, known_ids: set[str | None]) -> AIMessage:
    """Return the message as it is kept. Arguments that were no JSON stay a call, which `review` then refuses."""
    calls = list(whole.tool_calls) + [
        {
            "name": bad["name"] or "",
            "args": {"invalid_json": bad["args"]},
            "id": bad["id"],
            "type": "tool_call",
        }
        for bad in whole.invalid_tool_calls
    ]
    taken = {None, "", *known_ids}
    for call in calls:
        # Approval and result belong to an id, and some servers count theirs from 0 in each answer.
        if call["id"] in taken:
            call["id"] = f"call_{uuid.uuid4().hex}"
        taken.add(call["id"])
    return AIMessage(
        content=whole.text,
        name=agent,
        tool_calls=calls,
        additional_kwargs={k: v for k, v in whole.additional_kwargs.items() if k == "offline"},
        id=whole.id,
    )


def _usage(message: AIMessage) -> dict[str, Any] | None:
    return dict(message.usage_metadata) if message.usage_metadata else None


def _note(model: str, attempt: int, error: BaseException | None) -> None:
    # The type and not the text: a provider's error may quote the customer or the key.
    logger.warning(
        "model %s failed on try %d of %d: %s", model, attempt + 1, TRIES, type(error).__name__
    )

"""Calls of a language model: two tries and a fallback, a time limit, and not a word of a failed try left standing."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from django.conf import settings
from langchain_core.messages import AIMessage, AIMessageChunk, AnyMessage
from langchain_core.messages.tool import ToolCallChunk
from langchain_core.runnables import Runnable

from agents import fault_points, model_health, tracing
from agents.compiled import Model
from agents.context import RunContext
from agents.errors import ModelFailed
from agents.metrics import MODEL_CALL_SECONDS
from agents.model_faults import ModelFault, find_fault
from agents.routing import RouteDecision
from agents.speech import Speech, mend

logger = logging.getLogger(__name__)

# A provider that asks for more is not asked again: the customer waits.
MAX_WAIT_SECONDS = 5.0
WAIT_SECONDS = 0.5
# An answer with more is a model that runs wild; nobody can be asked about hundreds of writes.
MAX_CALLS = 20
MAX_ARGUMENT_CHARS = 32_768
MAX_ARGUMENT_DEPTH = 32
KEPT_OF_INVALID = 1_000
# An id goes into rows, frames and pages. 100 is the longest that a row of an approval holds.
_CALL_ID = re.compile(r"[A-Za-z0-9_.:|-]{1,100}")

Given = TypeVar("Given")


async def route(ctx: RunContext, messages: list[AnyMessage]) -> tuple[RouteDecision, AIMessage]:
    """Ask the router.

    Returns:
        Its decision and the raw message.

    Raises:
        ModelFailed: No try gave a usable decision.
        ModelFault: The router declined to read the message.
    """

    async def ask(model: Model) -> tuple[RouteDecision, AIMessage]:
        fault_points.reach("router.before_model")
        answer = await model.runnable.ainvoke(messages)
        fault_points.reach("router.after_model")
        raw: AIMessage = answer["raw"]
        ctx.meter.add("router", model.name, _usage(raw))
        if not isinstance(answer["parsed"], RouteDecision):
            raise ModelFault("model_failed", "no decision")
        return answer["parsed"], raw

    return await _try_in_turn(ctx.stop, "route", ctx.template.router, ask, has_said=lambda: False)


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
        The whole message; cut short when the run was stopped; a sentence of the template's where the model declined.

    Raises:
        ModelFailed: All tries failed, or one did after something had been said.
    """
    talk = _Talk(say)

    async def ask(model: Model) -> AIMessage:
        return await _listen(ctx, agent, model, messages, talk)

    try:
        return await _try_in_turn(
            ctx.stop,
            "answer",
            ctx.template.agents[agent].models,
            ask,
            has_said=lambda: bool(talk.text),
        )
    except ModelFault as fault:
        ctx.meter.note_fault(fault.code)
        talk.add_sentence(ctx.template.spec.texts.cannot_answer)
        return AIMessage(content=talk.text, name=agent)


# --- tries ---


async def _try_in_turn(
    stop: asyncio.Event,
    use: str,
    models: Sequence[Model],
    ask: Callable[[Model], Awaitable[Given]],
    *,
    has_said: Callable[[], bool],
) -> Given:
    """Ask the first model, if need be once more, and then its fallback.

    Raises:
        ModelFault: A model declined; the next one is not asked, because the provider's rules hold for it, too.
        ModelFailed: No try helped, or something had been said.
    """
    faults: list[tuple[Model, ModelFault]] = []
    for model in (models[0], *models):
        again = faults[-1][1] if faults and faults[-1][0] is model else None
        if again and not _is_worth_another_try(again):
            continue
        try:
            async with asyncio.timeout(settings.LLM_TIMEOUT_SECONDS):
                await _wait(stop, again)
                with (
                    MODEL_CALL_SECONDS.labels(model.name, use).time(),
                    tracing.chat(model.name, use),
                ):
                    given = await ask(model)
        except Exception as error:
            fault = find_fault(error)
            model_health.note(model.name, use, fault)
            if fault.kind.is_declined:
                logger.warning("model %s: %s", model.name, fault)
                raise fault from error
            faults.append((model, fault))
            if has_said():
                break
        else:
            model_health.note(model.name, use, None)
            _tell_of_recovery(model, faults)
            return given
    raise _failed(faults)


def _is_worth_another_try(fault: ModelFault) -> bool:
    # The wait is part of the call's time, and has to leave some for the answer.
    longest = min(MAX_WAIT_SECONDS, settings.LLM_TIMEOUT_SECONDS / 2)
    return fault.kind.is_retried and (fault.retry_after or 0) <= longest


async def _wait(stop: asyncio.Event, fault: ModelFault | None) -> None:
    """Give an API that is busy or broken the time that it asks for, unless the customer stops the run."""
    if fault is None:
        return
    seconds = fault.retry_after
    if seconds is None and fault.code in ("model_busy", "model_unavailable"):
        seconds = WAIT_SECONDS
    if seconds:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def _describe(faults: list[tuple[Model, ModelFault]]) -> str:
    parts: dict[str, None] = {}
    for model, fault in faults:
        parts[f"model {model.name}: {fault}"] = None
    return "; ".join(parts)


def _tell_of_recovery(model: Model, faults: list[tuple[Model, ModelFault]]) -> None:
    if any(not fault.kind.is_configuration for _, fault in faults):
        logger.warning("model %s answered after %s", model.name, _describe(faults))


def _failed(faults: list[tuple[Model, ModelFault]]) -> ModelFailed:
    # What is wrong with the model that was meant to answer is what has to be mended.
    code = next(fault.code for model, fault in reversed(faults) if model is faults[0][0])
    is_reported = all(fault.kind.is_configuration for _, fault in faults)
    return ModelFailed(_describe(faults), code, is_reported=is_reported)


# --- an answer ---


class _Talk:
    """What the customer hears of an answer: `text` is exactly what `say` was given, over all tries."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Start a try; what an earlier one kept back is forgotten."""
        self._speech = Speech()
        self._unsaid = ""

    def hear(self, text: str) -> None:
        self._pass_on(self._speech.feed(text))

    def end(self) -> None:
        self._pass_on(self._speech.end())

    def _pass_on(self, text: str) -> None:
        self._unsaid += text
        # White space alone is no message: some models send it before a tool call.
        if self._unsaid and (self._said or self._unsaid.strip()):
            self._say(self._unsaid)
            self._said.append(self._unsaid)
            self._unsaid = ""

    def add_sentence(self, text: str) -> None:
        """Say something of ours, apart from what the model has said."""
        self._pass_on(f"\n\n{text}" if self._said else text)

    @property
    def text(self) -> str:
        return "".join(self._said)


async def _listen(
    ctx: RunContext, agent: str, model: Model, messages: list[AnyMessage], talk: _Talk
) -> AIMessage:
    """Stream one try."""
    talk.begin()
    chunks: list[AIMessageChunk] = []
    fault_points.reach("agent.before_model")
    await _stream(ctx.stop, model.runnable, messages, chunks, talk)
    fault_points.reach("agent.after_model")
    # One sum at the end: adding chunk by chunk copies the text each time.
    whole = chunks[0] + chunks[1:] if chunks else AIMessageChunk(content="")
    ctx.meter.add(agent, model.name, _usage(whole))
    if ctx.stop.is_set():
        return AIMessage(content=talk.text, name=agent)
    talk.end()
    ending = whole.response_metadata.get("finish_reason")
    if whole.additional_kwargs.get("refusal"):
        raise ModelFault("model_refused")
    if ending == "content_filter":
        raise ModelFault("model_filtered")
    if ending == "length" and (whole.tool_call_chunks or not talk.text):
        # Which of its tool calls are whole, nobody can tell.
        raise ModelFault("model_answer_cut")
    if not talk.text and not whole.tool_call_chunks:
        raise ModelFault("model_failed", "an empty answer")
    if ending == "length":
        logger.warning("model %s: %s", model.name, ModelFault("model_answer_cut"))
        ctx.meter.note_fault("model_answer_cut")
        talk.add_sentence(ctx.template.spec.texts.cut_short)
    return _finished(whole, talk.text, agent, _call_ids(messages))


async def _stream(
    stop: asyncio.Event,
    model: Runnable[Any, Any],
    messages: list[AnyMessage],
    chunks: list[AIMessageChunk],
    talk: _Talk,
) -> None:
    """Collect the stream in `chunks` until it ends or `stop` is set, also while the model is silent."""

    async def collect() -> None:
        async for chunk in model.astream(messages):
            chunks.append(chunk)
            talk.hear(chunk.text)

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


def _finished(
    whole: AIMessageChunk, text: str, agent: str, known_ids: set[str | None]
) -> AIMessage:
    """Return the message as it is kept. Arguments that were no JSON stay a call, which `review` then refuses."""
    if len(whole.tool_call_chunks) > MAX_CALLS:
        logger.warning(
            "agent %s: %d calls in one answer; the first %d are kept",
            agent,
            len(whole.tool_call_chunks),
            MAX_CALLS,
        )
    calls = [_read_call(chunk) for chunk in whole.tool_call_chunks[:MAX_CALLS]]
    taken = set(known_ids)
    for call in calls:
        # Approval and result belong to an id, and some servers count theirs from 0 in each answer.
        if call["id"] in taken or not _CALL_ID.fullmatch(call["id"] or ""):
            call["id"] = f"call_{uuid.uuid4().hex}"
        taken.add(call["id"])
    # Without the model's own id for it: a message with a known id would take that one's place in the history.
    return AIMessage(
        content=text,
        name=agent,
        tool_calls=calls,
        additional_kwargs={k: v for k, v in whole.additional_kwargs.items() if k == "offline"},
    )


def _read_call(chunk: ToolCallChunk) -> dict[str, Any]:
    """Return a tool call with its arguments.

    Not from `tool_calls`, which LangChain reads leniently: there '{"amount": "10' is ten, although "100" was cut.
    """
    args = read_arguments(chunk["args"] or "{}")
    return {
        "name": mend(chunk["name"] or ""),
        "args": {"invalid_json": mend(chunk["args"] or "")[:KEPT_OF_INVALID]}
        if args is None
        else args,
        "id": chunk["id"],
        "type": "tool_call",
    }


def read_arguments(text: str) -> dict[str, Any] | None:
    """Return a tool call's arguments, or None when they are no JSON object that can be stored."""
    if len(text) > MAX_ARGUMENT_CHARS:
        return None
    try:
        args = json.loads(
            text, parse_constant=_refuse_constant, parse_int=_read_int, parse_float=_read_float
        )
        is_whole = mend(stored := json.dumps(args, ensure_ascii=False)) == stored
        is_flat = _depth(args) <= MAX_ARGUMENT_DEPTH
    except (ValueError, RecursionError):
        return None
    # dumps escapes NUL, which PostgreSQL refuses in that form, too.
    can_be_stored = is_whole and is_flat and "\\u0000" not in stored
    return args if isinstance(args, dict) and can_be_stored else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _read_int(digits: str) -> int:
    # Neither checkpoints nor every JSON column hold more than 64 bits.
    if len(digits) > 20 or not -(2**63) <= (number := int(digits)) < 2**63:
        raise ValueError("a number too large to be stored")
    return number


def _read_float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} overflows")
    return number


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)


def _usage(message: AIMessage) -> dict[str, Any] | None:
    return dict(message.usage_metadata) if message.usage_metadata else None

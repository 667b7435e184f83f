"""The offline model as LangChain sees it: the same graph runs with it and with a real one."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agents.lean_model import LeanChatModel, Structured
from agents.routing import RouteDecision
from agents.spec import TemplateSpec

if TYPE_CHECKING:
    from agents.offline.brain import Brain

OFFLINE_MODEL_NAME = "offline-demo"
ROUTER = "router"
WORDS_A_PIECE = 3
CHARACTERS_A_TOKEN = 4

_PIECE = re.compile(rf"(?:\S+\s*){{1,{WORDS_A_PIECE}}}|\s+")


def warm_up(template: TemplateSpec, cache_dir: Path) -> None:
    """Load what was learned from a template, or learn it now; otherwise the first message waits for it."""
    from agents.offline.cache import get_brain

    get_brain(template, cache_dir).read("hello")


class OfflineChatModel(LeanChatModel):
    """Routes messages and plays agents by what it learned from a template's examples.

    It keeps nothing between calls: what it asked, it reads from `additional_kwargs["offline"]` of its own messages.

    Attributes:
        template: The template.
        role: "router", or the name of one of the template's agents.
        cache_dir: Where what was learned is kept.
    """

    template: TemplateSpec
    role: str
    cache_dir: Path

    @property
    def _llm_type(self) -> str:
        return OFFLINE_MODEL_NAME

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": OFFLINE_MODEL_NAME, "role": self.role}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[Any, AIMessage]:
        """Return the model with tools; `tool_choice` is of no use to it and is left aside."""
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)

    def with_structured_output(self, schema: Any, **kwargs: Any) -> Runnable[Any, Any]:
        """Return the router's decisions; the model knows no other structure. Always with "raw" and "parsed".

        Raises:
            NotImplementedError: The schema is not RouteDecision, or the role is not "router".
        """
        if schema is not RouteDecision or self.role != ROUTER:
            name = getattr(schema, "__name__", schema)
            raise NotImplementedError(
                f"the offline model gives a RouteDecision in the role {ROUTER!r} and no other structure; "
                f"asked for {name} in the role {self.role!r}"
            )
        return Structured(self, _read)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._answer(messages, kwargs.get("tools") or [])
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await asyncio.to_thread(self._generate, messages, stop, None, **kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in _pieces(self._answer(messages, kwargs.get("tools") or [])):
            if run_manager is not None:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        message = await asyncio.to_thread(self._answer, messages, kwargs.get("tools") or [])
        for chunk in _pieces(message):
            if run_manager is not None:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _brain(self) -> Brain:
        from agents.offline.cache import get_brain

        return get_brain(self.template, self.cache_dir)

    def _answer(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> AIMessage:
        message = self._route(messages) if self.role == ROUTER else self._act(messages, tools)
        message.usage_metadata = _usage(messages, message)
        message.response_metadata = {"model_name": OFFLINE_MODEL_NAME}
        return message

    def _route(self, messages: list[BaseMessage]) -> AIMessage:
        from agents.offline.router import decide

        decided = decide(messages, self._brain(), self.template)
        return AIMessage(
            content=decided.decision.model_dump_json(),
            additional_kwargs={"offline": decided.state} if decided.state else {},
        )

    def _act(self, messages: list[BaseMessage], tools: list[dict[str, Any]]) -> AIMessage:
        from agents.offline.agent import Agent

        functions = {tool["function"]["name"]: tool["function"] for tool in tools}
        move = Agent(self.template, self.role, self._brain(), functions).move(messages)
        return AIMessage(
            content=move.text,
            tool_calls=[
                {"name": name, "args": args, "id": f"call_{uuid.uuid4().hex}", "type": "tool_call"}
                for name, args in move.calls
            ],
            additional_kwargs={"offline": move.state} if move.state else {},
        )


def _read(message: AIMessage) -> RouteDecision:
    return RouteDecision.model_validate_json(str(message.text))


def _pieces(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """Yield a few words at a time; the last piece carries all that is no text."""
    for piece in _PIECE.findall(str(message.text)):
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content="",
            tool_call_chunks=[
                tool_call_chunk(
                    name=call["name"], args=json.dumps(call["args"]), id=call["id"], index=at
                )
                for at, call in enumerate(message.tool_calls)
            ],
            additional_kwargs=message.additional_kwargs,
            response_metadata=message.response_metadata,
            usage_metadata=message.usage_metadata,
            chunk_position="last",
        )
    )


def _usage(messages: list[BaseMessage], answer: AIMessage) -> UsageMetadata:
    """Return an estimate, so that budgets can be tried without a key; the model itself costs nothing."""
    read = sum(len(str(message.text)) for message in messages) // CHARACTERS_A_TOKEN
    calls = sum(len(json.dumps(call["args"])) + len(call["name"]) for call in answer.tool_calls)
    written = max(1, (len(str(answer.text)) + calls) // CHARACTERS_A_TOKEN)
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)

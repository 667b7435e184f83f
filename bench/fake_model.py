"""A language model in the process: one routing decision, then tokens, at once. It costs what LangChain costs.

The platform calls it as it calls its own models; the handler and the bare graph as LangChain does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable

from agents.lean_model import LeanChatModel, Structured
from agents.spec import ROUTER, TemplateSpec
from bench.answers import pieces_for


def _usage(tokens: int) -> UsageMetadata:
    return UsageMetadata(input_tokens=400, output_tokens=tokens, total_tokens=400 + tokens)


class InstantModel(BaseChatModel):
    """The router names the template's first agent; every agent gives the answer of `bench.answers`."""

    role: str
    first_agent: str

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, AIMessage]:
        return self.bind(tools=tools)

    def _decision(self, messages: list[BaseMessage]) -> dict[str, Any]:
        intent = {"agent": self.first_agent, "request": messages[-1].text}
        return {"name": "RouteDecision", "args": {"intents": [intent]}, "id": "call_route"}

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        calls = [self._decision(messages)] if self.role == ROUTER else []
        pieces = [] if calls else pieces_for(messages[-1].text)
        message = AIMessage(
            content="".join(pieces), tool_calls=calls, usage_metadata=_usage(len(pieces))
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> ChatResult:
        return self._generate(messages)

    async def _astream(
        self, messages: list[BaseMessage], *args: Any, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.role == ROUTER:  # streamed only when somebody listens to the router, too
            result = self._generate(messages).generations[0].message
            chunks = [AIMessageChunk(**result.model_dump(exclude={"type"}))]
        else:
            pieces = pieces_for(messages[-1].text)
            chunks = [AIMessageChunk(content=piece) for piece in pieces]
            chunks.append(AIMessageChunk(content="", usage_metadata=_usage(len(pieces))))
        for message in chunks:
            # A socket would give the loop back here; without it one answer would block all others.
            await asyncio.sleep(0)
            chunk = ChatGenerationChunk(message=message)
            if run_manager is not None:
                await run_manager.on_llm_new_token(message.text, chunk=chunk)
            yield chunk


class LeanInstantModel(LeanChatModel, InstantModel):
    """The same, called as the platform calls its models."""

    def with_structured_output(self, schema: Any = None, **kwargs: Any) -> Runnable[Any, Any]:
        return Structured(self, lambda raw: schema.model_validate(raw.tool_calls[0]["args"]))


def install(model: type[InstantModel]) -> None:
    """Let templates be compiled with an instant model. Before anything imports `agents.compiled`."""
    from agents import chat_models

    def build(spec: TemplateSpec, role: str) -> BaseChatModel:
        return model(role=role, first_agent=spec.agents[0].name)

    chat_models.build_chat_model = build

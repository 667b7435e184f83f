"""Chat models past LangChain's callbacks and chains, which cost about a seventh of a turn (performance.md).

Nobody hears those callbacks but LangSmith; while it is asked for, models are called as LangChain calls them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from django.conf import settings
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable, RunnableConfig


class LeanChatModel(BaseChatModel):
    """Asks `_agenerate` and `_astream` for an answer and gives it as it is."""

    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Stream an answer."""
        if settings.LANGSMITH_TRACING:
            async for chunk in super().astream(input, config, stop=stop, **kwargs):
                yield chunk
            return
        messages = self._convert_input(input).to_messages()
        async for generation in self._astream(messages, stop, **kwargs):
            message = cast("AIMessageChunk", generation.message)
            message.response_metadata |= generation.generation_info or {}
            yield message

    async def ainvoke(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Return an answer."""
        if settings.LANGSMITH_TRACING:
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        kwargs.pop("ls_structured_output_format", None)  # for the callbacks
        messages = self._convert_input(input).to_messages()
        result = await self._agenerate(messages, stop, **kwargs)
        return cast("AIMessage", result.generations[0].message)


class Structured(Runnable[Any, dict[str, Any]]):
    """A model and what reads its answer: gives "raw", "parsed" and "parsing_error". A chain takes a thread and 2 ms."""

    def __init__(self, model: Runnable[Any, Any], read: Callable[[AIMessage], Any]) -> None:
        """Take a model, and what makes its message into the structure, or raises ValueError."""
        self._model = model
        self._read = read

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> dict[str, Any]:
        return self._result(self._model.invoke(input, config, **kwargs))

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> dict[str, Any]:
        return self._result(await self._model.ainvoke(input, config, **kwargs))

    def _result(self, raw: AIMessage) -> dict[str, Any]:
        try:
            return {"raw": raw, "parsed": self._read(raw), "parsing_error": None}
        except ValueError as error:  # pydantic's is one
            return {"raw": raw, "parsed": None, "parsing_error": error}

"""ChatOpenAI, less trusting and leaner: what an API did wrong becomes a ModelFault, and half an answer is none."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import openai
from django.conf import settings
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig, RunnableSequence
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, ValidationError

from agents import model_http
from agents.model_faults import ModelFault
from agents.open_ai_faults import ENDINGS, find_by_status, find_client_fault
from agents.open_ai_stream import Ending
from agents.speech import mend, without_reasoning

_FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)


class CarefulChatOpenAI(ChatOpenAI):
    """Raises ModelFault for all that an API does wrong, and for a stream that ends without saying so.

    ChatOpenAI makes requests of messages and messages of answers. What goes over the network in between is read by us,
    at a tenth of the cost (ADR 0020), but for models that want the Responses API: those are asked by OpenAI's client.
    """

    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Stream an answer; past LangChain's callbacks, which cost as much as the request, where nobody hears them."""
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
        """Return an answer, likewise."""
        if settings.LANGSMITH_TRACING:
            return await super().ainvoke(input, config, stop=stop, **kwargs)
        kwargs.pop("ls_structured_output_format", None)  # for the callbacks
        messages = self._convert_input(input).to_messages()
        result = await self._agenerate(messages, stop, **kwargs)
        return cast("AIMessage", result.generations[0].message)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        is_ours = not self._use_responses_api({**kwargs, **self.model_kwargs})
        ask = self._stream_leanly if is_ours else self._stream_by_client
        async for chunk in ask(messages, stop, run_manager, **kwargs):
            yield chunk

    async def _stream_by_client(
        self, *args: Any, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        has_begun = False
        try:
            async for chunk in super()._astream(*args, **kwargs):
                has_begun = True
                yield chunk
        except openai.OpenAIError as error:
            raise find_client_fault(error, has_begun=has_begun) from error

    async def _stream_leanly(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: AsyncCallbackManagerForLLMRun | None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        """Yield text as it comes, joined where a packet brought several pieces; at the end all the rest in one."""
        payload = self._get_request_payload(messages, stop=stop, **kwargs)
        payload |= {"stream": True, "stream_options": {"include_usage": True}}
        ending = Ending()
        try:
            async with self._post(payload) as response:
                async for events in model_http.read_events(response):
                    text = "".join([ending.take(event) for event in events])
                    if text:
                        chunk = ChatGenerationChunk(message=AIMessageChunk(content=text))
                        if run_manager is not None and run_manager.handlers:
                            await run_manager.on_llm_new_token(text, chunk=chunk)
                        yield chunk
        except aiohttp.ClientError as error:
            code = "model_broke_off" if ending.has_begun else "model_unreachable"
            raise ModelFault(code) from error
        # A proxy that gives up ends the stream in good order; without the reason half a tool call would be one.
        event = ending.as_event()
        if event is None:
            raise ModelFault("model_broke_off" if ending.has_begun else "model_failed", "no end")
        if last := self._convert_chunk_to_generation_chunk(event, AIMessageChunk, {}):
            # ChatOpenAI leaves refusals aside when it streams; the answer would look empty.
            if ending.refusal:
                last.message.additional_kwargs["refusal"] = ending.refusal
            yield last

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self._use_responses_api({**kwargs, **self.model_kwargs}):
            try:
                return await super()._agenerate(messages, stop, run_manager, **kwargs)
            except openai.OpenAIError as error:
                raise find_client_fault(error) from error
        payload = self._get_request_payload(messages, stop=stop, **kwargs) | {"stream": False}
        try:
            async with self._post(payload) as response:
                answer = model_http.read_json(await response.read())
        except aiohttp.ClientError as error:
            raise ModelFault("model_unreachable") from error
        result = self._create_chat_result(answer)
        choice = answer["choices"][0]
        if "response_format" in payload and choice.get("finish_reason") in ENDINGS:
            raise ModelFault(ENDINGS[choice["finish_reason"]])
        if refusal := choice["message"].get("refusal"):
            result.generations[0].message.additional_kwargs["refusal"] = refusal
        return result

    @asynccontextmanager
    async def _post(self, payload: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        client = self.root_async_client
        async with model_http.post(
            f"{client.base_url}chat/completions",
            {**client.default_headers, **client.auth_headers},
            payload,
            settings.LLM_TIMEOUT_SECONDS,
        ) as response:
            if response.status != 200:
                error = await model_http.read_error(response)
                raise find_by_status(response.status, error, response.headers)
            yield response

    def with_structured_output(self, schema: Any = None, **kwargs: Any) -> Runnable[Any, Any]:
        """Return the model for one structure; always with "raw", "parsed" and "parsing_error".

        OpenAI's client reads the structure strictly, and raises when a model has thought aloud before it or has put
        it in a code block. Given the schema as data, it leaves the reading to us.
        """
        kwargs.pop("include_raw", None)
        function = dict(openai.pydantic_function_tool(schema)["function"])
        asked = cast(
            "RunnableSequence[Any, Any]", super().with_structured_output(function, **kwargs)
        )
        return _Structured(asked.first, schema)


class _Structured(Runnable[Any, dict[str, Any]]):
    """A model and the reading of its structure; LangChain's chain for that takes a thread and 2 ms."""

    def __init__(self, model: Runnable[Any, Any], schema: type[BaseModel]) -> None:
        self._model = model
        self._schema = schema

    def invoke(self, input: Any, config: Any = None, **kwargs: Any) -> dict[str, Any]:
        return _read(self._model.invoke(input, config, **kwargs), self._schema)

    async def ainvoke(self, input: Any, config: Any = None, **kwargs: Any) -> dict[str, Any]:
        return _read(await self._model.ainvoke(input, config, **kwargs), self._schema)


def _read(raw: AIMessage, schema: type[BaseModel]) -> dict[str, Any]:
    if raw.additional_kwargs.get("refusal"):
        raise ModelFault("model_refused")
    parsed, problem = None, None
    try:
        if raw.tool_calls:
            parsed = schema.model_validate(raw.tool_calls[0]["args"])
        else:
            parsed = schema.model_validate_json(_json_in(raw.text))
    except ValidationError as error:
        problem = error
    return {"raw": raw, "parsed": parsed, "parsing_error": problem}


def _json_in(text: str) -> str:
    bare = mend(without_reasoning(text)).strip()
    fenced = _FENCE.search(bare)
    return fenced[1] if fenced else bare

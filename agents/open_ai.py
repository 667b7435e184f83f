"""ChatOpenAI, less trusting and leaner: what an API did wrong becomes a ModelFault, and half an answer is none."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import aiohttp
import openai
from django.conf import settings
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableSequence
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from agents import model_http
from agents.lean_model import LeanChatModel, Structured
from agents.model_faults import ModelFault
from agents.open_ai_faults import ENDINGS, find_by_status, find_client_fault
from agents.open_ai_stream import Ending
from agents.speech import mend, without_reasoning

_FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)


class CarefulChatOpenAI(LeanChatModel, ChatOpenAI):
    """Raises ModelFault for all that an API does wrong, and for a stream that ends without saying so.

    ChatOpenAI makes requests of messages and messages of answers. What goes over the network in between is read by us,
    at a tenth of the cost (ADR 0020), but for models that want the Responses API: those are asked by OpenAI's client.
    """

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
        return Structured(asked.first, partial(_read, schema))


def _read(schema: type[BaseModel], raw: AIMessage) -> BaseModel:
    if raw.additional_kwargs.get("refusal"):
        raise ModelFault("model_refused")
    if raw.tool_calls:
        return schema.model_validate(raw.tool_calls[0]["args"])
    return schema.model_validate_json(_json_in(raw.text))


def _json_in(text: str) -> str:
    bare = mend(without_reasoning(text)).strip()
    fenced = _FENCE.search(bare)
    return fenced[1] if fenced else bare

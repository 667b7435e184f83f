"""ChatOpenAI, less trusting: what an API did wrong becomes a ModelFault, and half an answer is none."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

import openai
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, ValidationError

from agents.model_faults import ModelFault
from agents.speech import mend, without_reasoning

_FENCE = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)


class CarefulChatOpenAI(ChatOpenAI):
    """Raises ModelFault for all that OpenAI's client raises, and for a stream that ends without saying so."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        has_begun = has_ended = False
        try:
            async for chunk in super()._astream(*args, **kwargs):
                has_begun = True
                has_ended = has_ended or "finish_reason" in (chunk.generation_info or {})
                yield chunk
        except openai.OpenAIError as error:
            raise find_fault(error, has_begun=has_begun) from error
        # A proxy that gives up ends the stream in good order; without the reason half a tool call would be one.
        if not has_ended and not self._use_responses_api({**kwargs, **self.model_kwargs}):
            raise ModelFault("model_broke_off" if has_begun else "model_failed", "no end")

    async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
        try:
            return await super()._agenerate(*args, **kwargs)
        except openai.OpenAIError as error:
            raise find_fault(error) from error

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], *args: Any
    ) -> ChatGenerationChunk | None:
        # ChatOpenAI leaves refusals aside when it streams; the answer would look empty.
        generation = super()._convert_chunk_to_generation_chunk(chunk, *args)
        choices = chunk.get("choices") or [{}]
        refusal = (choices[0].get("delta") or {}).get("refusal")
        if generation is not None and refusal:
            generation.message.additional_kwargs["refusal"] = refusal
        return generation

    def with_structured_output(
        self, schema: Any = None, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        """Return the model for one structure; always with "raw", "parsed" and "parsing_error".

        OpenAI's client reads the structure strictly, and raises when a model has thought aloud before it or has put
        it in a code block. Given the schema as data, it leaves the reading to us.
        """
        function = dict(openai.pydantic_function_tool(schema)["function"])
        asked = super().with_structured_output(function, include_raw=True, **kwargs)
        return asked | RunnableLambda(partial(_read, schema=schema))


def _read(answer: dict[str, Any], schema: type[BaseModel]) -> dict[str, Any]:
    raw: AIMessage = answer["raw"]
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


def find_fault(error: openai.OpenAIError, *, has_begun: bool = False) -> ModelFault:
    """Return what went wrong.

    Args:
        error: What OpenAI's client raised.
        has_begun: A part of the answer had come.
    """
    if isinstance(error, openai.LengthFinishReasonError):
        return ModelFault("model_answer_cut")
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return ModelFault("model_filtered")
    if isinstance(error, openai.APIStatusError):
        return _find_by_status(error)
    if isinstance(error, openai.APITimeoutError):
        return ModelFault("model_too_slow")
    if isinstance(error, openai.APIConnectionError):
        return ModelFault("model_broke_off" if has_begun else "model_unreachable")
    if isinstance(error, openai.APIError):  # an error in the middle of a stream
        return _find_by_code(str(error.code)) or ModelFault("model_unavailable", "in the stream")
    return ModelFault("model_failed", type(error).__name__)


def _find_by_status(error: openai.APIStatusError) -> ModelFault:
    status = error.status_code
    detail = f"HTTP {status}"
    if by_code := _find_by_code(str(error.code), detail):
        by_code.retry_after = _retry_after(error)
        return by_code
    if status in (401, 403):
        return ModelFault("model_key_refused", detail)
    if status == 402:
        return ModelFault("model_quota_used_up", detail)
    if status == 404:
        return ModelFault("model_not_found", detail)
    if status == 429:
        return ModelFault("model_busy", detail, retry_after=_retry_after(error))
    if status in (408, 409) or status >= 500:
        return ModelFault("model_unavailable", detail, retry_after=_retry_after(error))
    return ModelFault("model_request_refused", detail)


# Source: the error codes of OpenAI's and Azure's references; the status alone does not tell these apart.
_BY_CODE = {
    "content_filter": "model_filtered",
    "insufficient_quota": "model_quota_used_up",
    "invalid_api_key": "model_key_refused",
    "model_not_found": "model_not_found",
    "rate_limit_exceeded": "model_busy",
}


def _find_by_code(code: str, detail: str = "in the stream") -> ModelFault | None:
    return ModelFault(_BY_CODE[code], detail) if code in _BY_CODE else None


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Return the seconds of Retry-After, which may be a number or a date; None when it is missing or neither."""
    value = error.response.headers.get("retry-after")
    if not value:
        return None
    try:
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value)
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())

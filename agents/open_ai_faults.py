"""What an OpenAI-compatible API, or OpenAI's client, did wrong, as a ModelFault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from agents.model_faults import ModelFault

# Source: the error codes of OpenAI's and Azure's references; the status alone does not tell these apart.
_BY_CODE = {
    "content_filter": "model_filtered",
    "insufficient_quota": "model_quota_used_up",
    "invalid_api_key": "model_key_refused",
    "model_not_found": "model_not_found",
    "rate_limit_exceeded": "model_busy",
}
# Why an answer ended, where a part of one is none.
ENDINGS = {"length": "model_answer_cut", "content_filter": "model_filtered"}


def find_by_status(status: int, error: Any, headers: Mapping[str, str]) -> ModelFault:
    """Return what a refusal says.

    Args:
        status: HTTP's.
        error: The `error` of its body, if it has one.
        headers: For Retry-After.
    """
    fault = _find_by_code(error, f"HTTP {status}")
    if fault is None:
        fault = ModelFault(_code_of(status), f"HTTP {status}")
    if fault.kind.is_retried:
        fault.retry_after = _retry_after(headers)
    return fault


def _code_of(status: int) -> str:
    if status in (401, 403):
        return "model_key_refused"
    if status == 402:
        return "model_quota_used_up"
    if status == 404:
        return "model_not_found"
    if status == 429:
        return "model_busy"
    if status in (408, 409) or status >= 500:
        return "model_unavailable"
    return "model_request_refused"


def find_in_stream(error: Any) -> ModelFault:
    """Return what an error in the middle of a stream says."""
    detail = "in the stream"
    return _find_by_code(error, detail) or ModelFault("model_unavailable", detail)


def _find_by_code(error: Any, detail: str) -> ModelFault | None:
    code = error.get("code") if isinstance(error, Mapping) else None
    return ModelFault(_BY_CODE[str(code)], detail) if str(code) in _BY_CODE else None


def find_client_fault(error: openai.OpenAIError, *, has_begun: bool = False) -> ModelFault:
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
        return find_by_status(error.status_code, {"code": error.code}, error.response.headers)
    if isinstance(error, openai.APITimeoutError):
        return ModelFault("model_too_slow")
    if isinstance(error, openai.APIConnectionError):
        return ModelFault("model_broke_off" if has_begun else "model_unreachable")
    if isinstance(error, openai.APIError):
        return find_in_stream({"code": error.code})
    return ModelFault("model_failed", type(error).__name__)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After, which may be a number or a date; None when it is missing or neither."""
    value = headers.get("retry-after")
    if not value:
        return None
    try:
        if re.fullmatch(r"\d{1,9}(\.\d+)?", value):
            return float(value)
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())

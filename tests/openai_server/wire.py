"""An answer as bytes: one JSON body, or server-sent events."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from tests.openai_server.answers import Answer, Call

CHARACTERS_A_TOKEN = 4
ARGUMENT_PIECES = 3

_WORD = re.compile(r"\S+\s*|\s+")
_PAIR = re.compile("([\U00010000-\U0010ffff])")


def usage_of(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """Return an estimate with the details that OpenAI gives."""
    read = len(json.dumps(request["messages"])) // CHARACTERS_A_TOKEN
    written = len(answer.text + "".join(call.arguments for call in answer.calls))
    written = max(1, written // CHARACTERS_A_TOKEN)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": len(answer.reasoning)},
    }


def settle(request: dict[str, Any], answer: Answer) -> Answer:
    """Return the answer with its structure in the form that was asked for, its ids and its reason to end."""
    changes: dict[str, Any] = {}
    if answer.structure is not None:
        text = json.dumps(answer.structure)
        choice = request.get("tool_choice")
        if isinstance(choice, dict):
            name = choice["function"]["name"]
            changes = {"calls": [Call(name=name, arguments=text)], "structure": None}
        else:
            thought = "<think>Hm.</think>\n" if answer.reasoning == "<think>" else ""
            changes = {"text": thought + text, "structure": None}
    calls = changes.get("calls", answer.calls)
    changes["calls"] = [c.model_copy(update={"id": c.id or _new_id("call")}) for c in calls]
    default = "tool_calls" if calls else "stop"
    changes["finish_reason"] = answer.finish_reason or default
    return answer.model_copy(update=changes)


def _new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:24]}"


def body_of(request: dict[str, Any], answer: Answer) -> bytes:
    """Return the answer in one piece."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text or None,
        "refusal": answer.refusal or None,
    }
    if answer.calls:
        message["tool_calls"] = [_whole_call(call) for call in answer.calls]
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
    envelope = _envelope(request, "chat.completion")
    return json.dumps(
        {**envelope, "choices": [choice], "usage": usage_of(request, answer)}
    ).encode()


def _whole_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _envelope(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": _new_id("chatcmpl"), "object": kind, "created": 1, "model": request["model"]}


# --- streamed ---


def events_of(request: dict[str, Any], answer: Answer) -> Iterator[bytes]:
    """Yield the events of the stream, up to its end, a piece of the answer in each."""
    envelope = _envelope(request, "chat.completion.chunk")

    def event(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return line({**envelope, "choices": [choice], **more})

    yield event({"role": "assistant", "content": "", "refusal": None})
    for delta in deltas_of(answer):
        yield event(delta)
    yield event({}, answer.finish_reason)
    if (request.get("stream_options") or {}).get("include_usage"):
        yield line({**envelope, "choices": [], "usage": usage_of(request, answer)})
    yield b"data: [DONE]\n\n"


def line(value: Any, *, is_raw: bool = False) -> bytes:
    """Return one event. Not escaped, so that characters take several bytes on the wire."""
    text = value if is_raw else json.dumps(value, ensure_ascii=False)
    return f"data: {_escape_halves(text)}\n\n".encode()


def _escape_halves(text: str) -> str:
    return re.sub("[\ud800-\udfff]", lambda match: f"\\u{ord(match[0]):04x}", text)


def deltas_of(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield the pieces: reasoning, refusal, words, then each tool call's name and pieces of its arguments."""
    for word in _WORD.findall(answer.reasoning):
        yield {"reasoning_content": word}
    for word in _WORD.findall(answer.refusal):
        yield {"refusal": word}
    for word in _words(answer):
        yield {"content": word}
    for at, call in enumerate(answer.calls):
        function = {"name": call.name, "arguments": ""}
        head = {"index": at, "id": call.id, "type": "function", "function": function}
        yield {"tool_calls": [head]}
        size = max(1, -(-len(call.arguments) // ARGUMENT_PIECES))
        for start in range(0, len(call.arguments), size):
            piece = {"arguments": call.arguments[start : start + size]}
            yield {"tool_calls": [{"index": at, "function": piece}]}


def _words(answer: Answer) -> Iterator[str]:
    for word in _WORD.findall(answer.text):
        if not answer.has_surrogates:
            yield word
            continue
        for part in _PAIR.split(word):
            if _PAIR.fullmatch(part):
                yield from _halves(part)
            elif part:
                yield part


def _halves(character: str) -> list[str]:
    code = ord(character) - 0x10000
    return [chr(0xD800 + (code >> 10)), chr(0xDC00 + (code & 0x3FF))]

"""What the server answers: plain values, so that a script can also be sent to it as JSON."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


class Call(BaseModel):
    """A tool call. `arguments` goes out as it is, JSON or not."""

    name: str
    arguments: str = "{}"
    id: str = ""


class Answer(BaseModel):
    """One answer to one request, good or bad.

    Attributes:
        text: What the model says.
        calls: The tools that it calls.
        structure: Given instead of a text: as JSON text, or as a call where a function was asked for.
        reasoning: Sent as `reasoning_content` before the text.
        refusal: Sent as `refusal` instead of a text.
        finish_reason: By default "stop", or "tool_calls".
        status, error, headers: An HTTP error instead of an answer.
        stall_before: Seconds of silence before the first byte.
        stall_after: (pieces, seconds): silence within the stream.
        cut_after: Pieces after which the connection is dropped; -1 for nothing but the headers.
        end_after: Pieces after which the stream ends in good order, without a reason.
        error_after: Pieces after which an error comes in the stream.
        raw_after: (pieces, text): a line in the stream that is no JSON.
        bytes_a_piece: Cut the stream into network packets of this size, wherever a character or a line ends.
        has_surrogates: Cut characters beyond the first 65 536 into two escaped halves, in two pieces.
        ms_a_piece: How long a piece takes.
    """

    text: str = ""
    calls: list[Call] = []
    structure: Any = None
    reasoning: str = ""
    refusal: str = ""
    finish_reason: str = ""
    status: int = 200
    error: dict[str, Any] = {}
    headers: dict[str, str] = {}
    stall_before: float = 0
    stall_after: tuple[int, float] | None = None
    cut_after: int | None = None
    end_after: int | None = None
    error_after: int | None = None
    raw_after: tuple[int, str] | None = None
    bytes_a_piece: int = 0
    has_surrogates: bool = False
    ms_a_piece: float = 0


def say(text: str, **values: Any) -> Answer:
    """Answer with a text."""
    return Answer(text=text, **values)


def call(tool: str, /, **arguments: Any) -> Answer:
    """Answer with one tool call."""
    return Answer(calls=[Call(name=tool, arguments=json.dumps(arguments))])


def calls(*answers: Answer, text: str = "") -> Answer:
    """Answer with the calls of several answers at once."""
    return Answer(text=text, calls=[one for answer in answers for one in answer.calls])


def route(*agents: str, request: str = "as asked", **values: Any) -> Answer:
    """Answer as a router."""
    intents = [{"agent": agent, "request": request} for agent in agents]
    decision = {
        "is_ambiguous": False,
        "clarification_question": None,
        "intents": intents,
        "other": None,
    }
    return Answer(structure=decision, **values)


def fail(status: int, code: str | None = None, **values: Any) -> Answer:
    """Answer with an HTTP error; its message quotes a key and the customer, as providers' do."""
    message = "Incorrect API key provided: sk-hunter2 for input 'Where is my parcel?'"
    error = {"message": message, "type": "error", "param": None, "code": code}
    return Answer(status=status, error=error, **values)

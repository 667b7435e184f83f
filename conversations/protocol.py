"""The frames that a client sends. Shapes, order of checks and texts are a contract: docs/reference/protocol.md."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, NoReturn

from django.conf import settings
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
)

from conversations import errors

MAX_DEPTH = 32
THREAD_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")

Words = Annotated[str, StringConstraints(strict=True, pattern=r"^[^\x00]*$", max_length=8_000)]
ShortId = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[^\x00]*$", min_length=1, max_length=64)
]
Seq = Annotated[StrictInt, Field(ge=0, le=2**31 - 1)]


class ClientFrame(BaseModel):
    """A frame from a client. Unknown fields are ignored, so that newer clients go on working."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class ThreadFrame(ClientFrame):
    thread_id: str


class Hello(ClientFrame):
    """Who I am; with a thread_id: resume it."""

    type: Literal["hello"]
    token: Words | None = None
    identity: Words | None = None
    template: ShortId | None = None
    locale: (
        Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_-]{1,20}$")] | None
    ) = None
    thread_id: str | None = None
    after_seq: Seq | None = None


class Say(ThreadFrame):
    """Something the customer says."""

    type: Literal["message"]
    content: str
    client_message_id: ShortId | None = None


class InterruptResponse(ThreadFrame):
    """The customer approves or rejects."""

    type: Literal["interrupt_response"]
    approved: StrictBool
    interrupt_id: ShortId | None = None
    comment: Words | None = None


class Resume(ThreadFrame):
    """Send every event after that number, then go on live."""

    type: Literal["resume"]
    after_seq: Seq


class Stop(ThreadFrame):
    """Stop generating."""

    type: Literal["stop"]


class Handoff(ThreadFrame):
    """I want a person. Never passes through a model."""

    type: Literal["handoff"]
    reason: Words | None = None


class Feedback(ThreadFrame):
    """How satisfied the customer is. Of several in a conversation the last one counts."""

    type: Literal["feedback"]
    rating: Annotated[StrictInt, Field(ge=1, le=5)]
    comment: Words | None = None
    message_id: ShortId | None = None


class Typing(ThreadFrame):
    """Shown to the person who has the conversation, never stored."""

    type: Literal["typing"]


class Ping(ClientFrame):
    """Answered with pong."""

    type: Literal["ping"]


FRAMES: dict[str, type[ClientFrame]] = {
    "hello": Hello,
    "message": Say,
    "interrupt_response": InterruptResponse,
    "resume": Resume,
    "stop": Stop,
    "handoff": Handoff,
    "feedback": Feedback,
    "typing": Typing,
    "ping": Ping,
}


def parse_frame(text: str | None, data: bytes | None = None) -> ClientFrame:
    """Return the frame in a WebSocket message, or raise the first error in the contract's order.

    Args:
        text: A text message.
        data: A binary message; always refused.
    """
    size = len(text.encode("utf-8", "surrogatepass")) if text is not None else len(data or b"")
    if size > settings.MAX_FRAME_BYTES:
        raise errors.MessageTooLarge
    if text is None:
        raise errors.InvalidJson
    frame = _object(text)
    kind = frame.get("type")
    model = FRAMES.get(kind) if isinstance(kind, str) else None
    _check_thread_id(frame, is_needed=model is None or issubclass(model, ThreadFrame))
    if model is Say:
        _check_content(frame)
    if model is None:
        raise errors.UnknownType
    try:
        return model.model_validate(frame)
    except ValidationError as error:
        raise errors.InvalidField(str(error.errors()[0]["loc"][0])) from None


def parse_thread_id(text: str | None) -> str | None:
    """Return the thread that a frame names, also one that is refused for something else."""
    thread_id = _object(text or "").get("thread_id")
    return thread_id if isinstance(thread_id, str) and THREAD_ID.fullmatch(thread_id) else None


def _refuse_constant(value: str) -> NoReturn:
    raise ValueError(value)


def _object(text: str) -> dict[str, Any]:
    try:
        # Not orjson: it refuses lone surrogates as JSON, where the contract says "invalid content".
        frame = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise errors.InvalidJson from None
    if not isinstance(frame, dict) or _is_deeper_than(frame, MAX_DEPTH):
        raise errors.InvalidJson
    return frame


def _is_deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    while level:
        if depth == 0:
            return any(isinstance(item, dict | list) for item in level)
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level, depth = inner, depth - 1
    return False


def _check_thread_id(frame: dict[str, Any], *, is_needed: bool) -> None:
    thread_id = frame.get("thread_id")
    if thread_id is None and not is_needed:
        return
    if thread_id is None or thread_id == "":
        raise errors.MissingThreadId
    if not isinstance(thread_id, str) or not THREAD_ID.fullmatch(thread_id):
        raise errors.InvalidThreadId


def _check_content(frame: dict[str, Any]) -> None:
    content = frame.get("content")
    if content is None or (isinstance(content, str) and not content.strip()):
        raise errors.MissingContent
    if not isinstance(content, str) or "\0" in content or not _is_unicode(content):
        raise errors.InvalidContent
    if len(content) > settings.MAX_CONTENT_CHARS:
        raise errors.ContentTooLong


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""The server's pages: /v1/models, /v1/chat/completions, and /script and /requests to command it from outside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import TypeAdapter

from tests.openai_server import wire
from tests.openai_server.answers import Answer, fail

Answerer = Callable[[dict[str, Any]], Awaitable[Answer]]
SCRIPT = TypeAdapter(dict[str, list[Answer]])
JSON = [(b"content-type", b"application/json")]
EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]


class CutError(Exception):
    """The connection is to be dropped, in the middle of it all."""


def role_of(request: dict[str, Any]) -> str:
    """Return "router" for a request that wants a structure, else "agent"."""
    wants_function = isinstance(request.get("tool_choice"), dict)
    return "router" if request.get("response_format") or wants_function else "agent"


class OpenAIApp:
    """An ASGI application.

    Attributes:
        script: What comes next, by "role@model", role, model or "*"; the last of a list stands for all that follow.
        answerer: Answers what no script does.
        requests: All bodies that came, in order.
        keys: When set, the API keys that are let in.
        models: When set, the models that there are.
        on_request: Called with the role of each request, in the server's thread.
    """

    def __init__(self, answerer: Answerer | None = None) -> None:
        self.answerer = answerer
        self.reset()

    def reset(self) -> None:
        self.script: dict[str, list[Answer]] = {}
        self.requests: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.models: set[str] = set()
        self.on_request: Callable[[str], object] = lambda role: None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        page = PAGES.get((scope["method"], scope["path"]))
        if page is None:
            await _send_json(send, fail(404).error, 404)
            return
        await page(self, scope, await _read(receive), send)

    async def list_models(self, scope: Any, body: bytes, send: Any) -> None:
        names = self.models or {"gpt-4.1-mini"}
        data = [{"id": n, "object": "model", "created": 1, "owned_by": "tests"} for n in names]
        await _send_json(send, {"object": "list", "data": data})

    async def take_script(self, scope: Any, body: bytes, send: Any) -> None:
        self.script = SCRIPT.validate_json(body)
        await _send_json(send, {})

    async def list_requests(self, scope: Any, body: bytes, send: Any) -> None:
        await _send_json(send, self.requests)

    async def complete(self, scope: Any, body: bytes, send: Any) -> None:
        request = json.loads(body)
        self.requests.append(request)
        self.on_request(role_of(request))
        answer = self._refuse(scope, request) or await self._find_answer(request)
        await asyncio.sleep(answer.stall_before)
        if answer.status != 200:
            headers = [(k.encode(), v.encode()) for k, v in answer.headers.items()]
            await _send_json(send, {"error": answer.error}, answer.status, headers)
            return
        answer = wire.settle(request, answer)
        if not request.get("stream"):
            await _send(send, 200, JSON, wire.body_of(request, answer))
            return
        await _stream(send, request, answer)

    def _refuse(self, scope: dict[str, Any], request: dict[str, Any]) -> Answer | None:
        given = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        if self.keys and given not in self.keys:
            return fail(401, "invalid_api_key")
        if self.models and request["model"] not in self.models:
            return fail(404, "model_not_found")
        return None

    async def _find_answer(self, request: dict[str, Any]) -> Answer:
        role, model = role_of(request), request["model"]
        for key in (f"{role}@{model}", role, model, "*"):
            if queue := self.script.get(key):
                return queue.pop(0) if len(queue) > 1 else queue[0]
        if self.answerer is None:
            return fail(500, "nothing_scripted")
        return await self.answerer(request)


PAGES: dict[tuple[str, str], Any] = {
    ("GET", "/v1/models"): OpenAIApp.list_models,
    ("POST", "/v1/chat/completions"): OpenAIApp.complete,
    ("PUT", "/script"): OpenAIApp.take_script,
    ("GET", "/requests"): OpenAIApp.list_requests,
}


async def _read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _send_json(send: Any, value: Any, status: int = 200, headers: Any = ()) -> None:
    await _send(send, status, [*JSON, *headers], json.dumps(value).encode())


async def _send(send: Any, status: int, headers: Any, body: bytes) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Any, request: dict[str, Any], answer: Answer) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    # The first event, at -1, only says who speaks.
    for at, event in enumerate(wire.events_of(request, answer), start=-1):
        if at == answer.cut_after:
            raise CutError
        if at == answer.end_after:
            break
        if answer.stall_after and at == answer.stall_after[0]:
            await asyncio.sleep(answer.stall_after[1])
        if at == answer.error_after:
            await _send_part(send, wire.line({"error": {"message": "sk-hunter2", "code": None}}))
            break
        if answer.raw_after and at == answer.raw_after[0]:
            await _send_part(send, wire.line(answer.raw_after[1], is_raw=True))
        await asyncio.sleep(answer.ms_a_piece / 1000)
        size = answer.bytes_a_piece or len(event)
        for start in range(0, len(event), size):
            await _send_part(send, event[start : start + size])
    await send({"type": "http.response.body", "body": b""})


async def _send_part(send: Any, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})

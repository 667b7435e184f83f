"""A language model's API over HTTP that answers at once, and costs next to nothing: `python -m bench.openai_server`.

It speaks OpenAI's chat completions on kept connections, in a process of its own. A request for a structure is answered
with the route to the template's first agent, any other with the answer of `bench.answers`, streamed if it is asked for.
FIRST_TOKEN_MS and TOKEN_MS make it as slow as a real one, also for a whole run: `TOKEN_MS=20 make bench`.

Each token is a write of its own, as from a real API, where they come one by one. A structure comes in one piece also
when it is streamed: that is kind to LangGraph's message stream, which streams the router, too, and would otherwise pay
for each token of a JSON that nobody reads.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from functools import cache
from typing import Any

import orjson

from bench.answers import pieces_for

FIRST_TOKEN_SECONDS = float(os.environ.get("FIRST_TOKEN_MS", "0")) / 1000
TOKEN_SECONDS = float(os.environ.get("TOKEN_MS", "0")) / 1000
INPUT_TOKENS = 400
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n"
COMMON = {"id": "chatcmpl-bench", "created": 1_700_000_000, "model": "bench", "system_fingerprint": None}  # fmt: skip


def _chunk(data: bytes) -> bytes:
    """Return one event of the stream in one chunk of the body."""
    event = b"data: %b\n\n" % data
    return b"%x\r\n%b\r\n" % (len(event), event)


def _event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    content = {**COMMON, "object": "chat.completion.chunk", "choices": [choice], "usage": None}
    return _chunk(orjson.dumps(content))


def _usage(output_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": output_tokens,
        "total_tokens": INPUT_TOKENS + output_tokens,
    }


@cache
def stream(pieces: tuple[str, ...], has_usage: bool) -> tuple[bytes, list[bytes], bytes]:
    """Return head, tokens and end of a streamed answer."""
    begin = HEAD % (b"text/event-stream", b"transfer-encoding: chunked\r\n")
    begin += _event({"role": "assistant", "content": "", "refusal": None})
    end = _event({}, "stop")
    if has_usage:
        usage = {**COMMON, "object": "chat.completion.chunk", "choices": []}
        end += _chunk(orjson.dumps({**usage, "usage": _usage(len(pieces))}))
    end += _chunk(b"[DONE]") + b"0\r\n\r\n"
    return begin, [_event({"content": piece}) for piece in pieces], end


@cache
def whole(text: str, output_tokens: int) -> bytes:
    """Return an answer in one piece."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    content = {**COMMON, "object": "chat.completion", "choices": [choice], "usage": _usage(output_tokens)}  # fmt: skip
    body = orjson.dumps(content)
    return HEAD % (b"application/json", b"content-length: %d\r\n" % len(body)) + body


@cache
def route(agent: str, request: str) -> str:
    decision = {
        "is_ambiguous": False,
        "clarification_question": None,
        "intents": [{"agent": agent, "request": request}],
        "other": None,
    }
    return orjson.dumps(decision).decode()


class Connection(asyncio.Protocol):
    """One kept connection; a request at a time, as OpenAI's client sends them."""

    agent = ""

    def __init__(self) -> None:
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[:head_end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        body_at = head_end + 4
        if len(self._received) < body_at + length:
            return
        request = orjson.loads(self._received[body_at : body_at + length])
        self._received.clear()
        self._answer(request)

    def _answer(self, request: dict[str, Any]) -> None:
        asked = request["messages"][-1]["content"]
        pieces = tuple(pieces_for(asked))
        if "response_format" in request:
            pieces = (route(self.agent, asked),)
        if not request.get("stream"):
            self._transport.write(whole("".join(pieces), len(pieces)))
            return
        has_usage = bool((request.get("stream_options") or {}).get("include_usage"))
        begin, tokens, end = stream(pieces, has_usage)
        if FIRST_TOKEN_SECONDS or TOKEN_SECONDS:
            self._speaking = asyncio.ensure_future(self._speak_slowly(begin, tokens, end))
            return
        for part in (begin, *tokens, end):
            self._transport.write(part)

    async def _speak_slowly(self, begin: bytes, tokens: list[bytes], end: bytes) -> None:
        await asyncio.sleep(FIRST_TOKEN_SECONDS)
        self._transport.write(begin)
        for token in tokens:
            self._transport.write(token)
            await asyncio.sleep(TOKEN_SECONDS)
        self._transport.write(end)


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    # Not uvloop: it gathers what is written in one turn of its loop, and tokens would come all at once.
    server = await loop.create_server(Connection, "127.0.0.1", port, backlog=1024)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.openai_server")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--agent", default="orders", help="to whom messages are routed")
    options = parser.parse_args()
    Connection.agent = options.agent
    asyncio.run(serve(options.port))


if __name__ == "__main__":
    main()

"""HTTP to a language model's API: one kept session for each event loop, and server-sent events as they come.

OpenAI's own client costs 6 ms CPU a call and 0.4 ms a token (docs/explanation/performance.md): most of a turn.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

import aiohttp
import httpx
import orjson

MAX_CONNECTIONS = 1_000  # as many as OpenAI's client keeps
MAX_ERROR_BYTES = 65_536
DONE = b"[DONE]"

_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()


def _session() -> aiohttp.ClientSession:
    loop = asyncio.get_running_loop()
    if loop not in _sessions:
        # Certificates as httpx finds them: SSL_CERT_FILE, or certifi's.
        tls = httpx.create_ssl_context()
        _sessions[loop] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, ssl=tls),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
    return _sessions[loop]


async def close_session() -> None:
    """Close this event loop's session, if it was opened."""
    session = _sessions.pop(asyncio.get_running_loop(), None)
    if session is not None:
        await session.close()


def post(
    url: str, headers: Mapping[str, Any], payload: dict[str, Any], timeout_seconds: float
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """Send a request; what it returns is entered to have the response, and left to give the connection back.

    Raises:
        aiohttp.ClientError: The API cannot be reached, or hung up.
        TimeoutError: It took longer, from the connection to the last byte.
    """
    return _session().post(
        url,
        data=orjson.dumps(payload),
        # OpenAI's client marks with a value of its own what is to be left out.
        headers={name: value for name, value in headers.items() if isinstance(value, str)},
        timeout=aiohttp.ClientTimeout(total=timeout_seconds),
        proxy=_find_proxy(url),
    )


@lru_cache(maxsize=8)
def _find_proxy(url: str) -> str | None:
    """Return what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; once, where aiohttp would ask for each request."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.hostname):
        return None
    return getproxies().get(parts.scheme)


async def read_error(response: aiohttp.ClientResponse) -> Any:
    """Return the `error` of a refusal's body; None where there is none."""
    try:
        body = read_json(await response.content.read(MAX_ERROR_BYTES))
    except (ValueError, aiohttp.ClientError):
        return None
    return body.get("error") if isinstance(body, dict) else None


async def read_events(response: aiohttp.ClientResponse) -> AsyncIterator[list[Any]]:
    """Yield the JSON of the events that each packet from the network completes, up to "[DONE]".

    Raises:
        ValueError: An event is no JSON.
        aiohttp.ClientError: The stream broke off.
        TimeoutError: It took too long.
    """
    rest, data = b"", b""
    async for packet in response.content.iter_any():
        *lines, rest = (rest + packet).split(b"\n")
        events: list[Any] = []
        for line in lines:
            line = line.rstrip(b"\r")
            if line.startswith(b"data:"):
                data += line[5:].lstrip()
            elif not line and data:
                if data == DONE:
                    if events:
                        yield events
                    return
                events.append(read_json(data))
                data = b""
        if events:
            yield events


def read_json(data: bytes) -> Any:
    """Return what JSON says; raises ValueError for what is none."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return json.loads(data)  # halves of surrogate pairs, which some servers send apart

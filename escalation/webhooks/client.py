"""One HTTP request to a foreign URL: guarded, bounded in time and size, never redirected."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx
from django.conf import settings

from escalation.errors import EscalationError
from escalation.webhooks.dialling import MAX_READ_BYTES, AnswerTooLong, GuardedBackend
from escalation.webhooks.retries import Answer, read_retry_after
from escalation.webhooks.urls import check_url

KEPT_BYTES = 1024
# Shorter than any receiver's: a connection that it closes while we write would count as a failed attempt.
KEEPALIVE_SECONDS = 2.0
HEADERS = {
    "content-type": "application/json",
    "user-agent": "smart-support-webhooks/1",
    # What is read is counted as it comes; nothing is ever unpacked.
    "accept-encoding": "identity",
    "accept": "*/*",
}


class Client:
    """Sends webhooks. Belongs to one event loop, and is made once: its TLS context costs 40 ms (FACTS).

    Args:
        backend: The network; the guarded one, unless a test brings a dialler that opens no socket.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend | None = None) -> None:
        limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEPALIVE_SECONDS)
        # trust_env: a proxy of the environment would dial for us, unchecked; .netrc would add passwords.
        transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        # httpx has no parameter for it, httpcore has.
        transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=backend or GuardedBackend(),
        )
        self._client = httpx.AsyncClient(
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # none is kept for later
            timeout=httpx.Timeout(
                settings.WEBHOOK_TOTAL_SECONDS, connect=settings.WEBHOOK_CONNECT_SECONDS
            ),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send `body` and return what came of it. Raises nothing: each failure is an answer, too."""
        started = time.monotonic()
        exchange = _Exchange()
        try:
            check_url(url)  # settings may have changed since it was saved
            async with asyncio.timeout(settings.WEBHOOK_TOTAL_SECONDS):
                await exchange.run(self._client, url, body, headers)
        except EscalationError as error:
            exchange.fail(str(error), is_final=True)
        except AnswerTooLong:
            exchange.fail(f"more than {MAX_READ_BYTES} bytes came; the rest was not read")
        except TimeoutError:
            exchange.fail(f"not finished within {settings.WEBHOOK_TOTAL_SECONDS:g} s")
        except httpx.TimeoutException as error:
            exchange.fail(str(error) or _name(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            exchange.fail(f"{_name(error)}: {error}")
        return exchange.get_answer(duration_ms=round((time.monotonic() - started) * 1000))


def _name(error: Exception) -> str:
    words = {
        "ConnectTimeout": "no connection in time",
        "ReadTimeout": "no answer in time",
        "WriteTimeout": "not taken in time",
        "ConnectError": "no connection",
        "ReadError": "the connection broke off",
        "WriteError": "the connection broke off",
        "RemoteProtocolError": "the answer was no proper HTTP",
    }
    return words.get(type(error).__name__, type(error).__name__)


class _Exchange:
    """What is known of an attempt so far: an answer that breaks off has said its status before."""

    def __init__(self) -> None:
        self._status_code: int | None = None
        self._retry_after: float | None = None
        self._body = b""
        self._error = ""
        self._is_final = False

    async def run(
        self, client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
    ) -> None:
        request = {"content": body, "headers": {**HEADERS, **headers}}
        async with client.stream("POST", url, **request) as response:  # type: ignore[arg-type]
            self._status_code = response.status_code
            retry_after = response.headers.get("retry-after")
            self._retry_after = read_retry_after(retry_after, now=datetime.now(UTC))
            async for chunk in response.aiter_raw():
                self._body += chunk[: KEPT_BYTES - len(self._body)]

    def fail(self, error: str, *, is_final: bool = False) -> None:
        self._error, self._is_final = error, is_final

    def get_answer(self, *, duration_ms: int) -> Answer:
        return Answer(
            status_code=self._status_code,
            body=self._body,
            error=self._error,
            retry_after_seconds=self._retry_after,
            is_final=self._is_final,
            duration_ms=duration_ms,
        )

"""/metrics, for Prometheus: what this process has counted and, from web processes, what the rows say.

What rows say is the same from each web process: a dashboard takes the greatest and adds nothing up.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import threading
import time
from collections.abc import Iterable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conversations import figures as conversations
from conversations.database import database_now
from escalation import figures as escalation
from supportsite import health
from supportsite.questions import Question

logger = logging.getLogger(__name__)

# Several scrapers, and a person who reloads the page, cost the database one look in this time.
KEPT_SECONDS = 5.0

OPEN_SOCKETS = Gauge("smart_support_open_sockets", "Sockets of customers and of staff.")
disable_created_metrics()  # type: ignore[no-untyped-call]


def count_sockets(application: Any) -> Any:
    """Wrap the sockets' ASGI application: it runs for as long as its socket is open."""

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        with OPEN_SOCKETS.track_inprogress():
            await application(scope, receive, send)

    return counted


async def metrics(request: HttpRequest) -> HttpResponse:
    """Show the metrics to whoever has the token."""
    if not is_allowed(request.headers.get("Authorization", "")):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    parts, rows = await asyncio.gather(health.ask_parts(), _ask_rows())
    page = generate_latest(REGISTRY) + _render([_up(parts)]) + rows
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)


def is_allowed(authorization: str) -> bool:
    """Return whether this header carries the token.

    Nothing else is asked, such as an address: behind a proxy each request comes from a near one.
    """
    expected = f"Bearer {settings.METRICS_TOKEN}"
    return hmac.compare_digest(authorization.encode(), expected.encode())


def _up(parts: dict[str, str]) -> Metric:
    up = GaugeMetricFamily("smart_support_up", "Whether a part answers.", labels=["part"])
    for name, state in parts.items():
        if state in ("ok", "down", "silent"):  # of the others nothing is known
            up.add_metric([name], state == "ok")
    return up


class _Given(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _render(families: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(families))
    return generate_latest(registry)


# --- what the rows say ---

_kept: tuple[float, bytes] = (float("-inf"), b"")


def _read_rows() -> bytes:
    global _kept
    if time.monotonic() - _kept[0] > KEPT_SECONDS:
        now = database_now()
        _kept = (
            time.monotonic(),
            _render([*conversations.collect(now), *escalation.collect(now)]),
        )
    return _kept[1]


ROWS = Question("metrics", _read_rows)


async def _ask_rows() -> bytes:
    try:
        return await ROWS.answer()
    except Exception as error:
        # What the process has counted is worth showing all the same; smart_support_up tells of the rest.
        logger.warning("Metrics: the rows could not be read: %s", type(error).__name__)
        return b""


# --- a process without pages of its own ---


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/metrics":
            self._answer(404)
        elif not is_allowed(self.headers.get("Authorization", "")):
            self._answer(401)
        else:
            self._answer(200, generate_latest(REGISTRY))

    def _answer(self, status: int, page: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *args: Any) -> None:
        pass


@cache
def serve(port: int) -> None:
    """Show what this process has counted on a port of its own, beside its work; asked again, it does so already."""
    try:
        server = ThreadingHTTPServer(("", port), _Page)
    except OSError as error:
        # A second worker on this machine: its work matters more than its figures.
        logger.error("METRICS_PORT=%d: no metrics of this worker: %s", port, error.strerror)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()

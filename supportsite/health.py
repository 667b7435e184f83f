"""/health/live: the process answers. /health/ready: so do its database and its Valkey; and how its model last did."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import cache

import redis
from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from agents import model_health

logger = logging.getLogger(__name__)
TIMEOUT_SECONDS = 2


def live() -> JsonResponse:
    """Say that the process answers, and nothing of what it depends on: a restart would not mend that."""
    return JsonResponse({"status": "ok"})


def ready() -> JsonResponse:
    """Say whether the site can serve: 200 when each part answers, 503 and which one does not.

    A model that fails does not make it 503: taking the process from its balancer would not mend that, and people can
    still be reached. It is not asked here either; its last outcome in this process is told.
    """
    parts = {"database": _is_up(ask_database), "valkey": _is_up(ask_valkey)}
    is_ready = all(parts.values())
    state = {name: "ok" if up else "down" for name, up in parts.items()}
    return JsonResponse(
        {"status": "ok" if is_ready else "down", **state, "model": model_health.describe()},
        status=200 if is_ready else 503,
    )


def _is_up(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except Exception as error:
        logger.warning("Not ready: %s: %s", ask.__name__.removeprefix("ask_"), error)
        return False
    return True


def ask_database() -> None:
    """Raise when the database does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS
    )


def ask_valkey() -> None:
    """Raise when Valkey does not answer."""
    _valkey().ping()


PAGES = {"/health/live": live, "/health/ready": ready}
GetResponse = (
    Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Awaitable[HttpResponse]]
)


@sync_and_async_middleware
def health_middleware(get_response: GetResponse) -> GetResponse:
    """Answer the two pages before anything else has a say."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponse:
            if page := PAGES.get(request.path):
                return await sync_to_async(page)()
            return await get_response(request)  # type: ignore[no-any-return]

        return answer_async

    def answer(request: HttpRequest) -> HttpResponse:
        if page := PAGES.get(request.path):
            return page()
        return get_response(request)  # type: ignore[return-value]

    return answer

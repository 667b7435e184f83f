"""/health/live: the process answers. /health/ready: it can answer customers; and how all that it leans on does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from django.db import connection
from django.http import HttpRequest, JsonResponse

from agents import model_health
from supportsite import heartbeat
from supportsite.questions import Question

logger = logging.getLogger(__name__)

# Without one of these no message gets an answer. All else is told and does not count (docs/adr/0017).
NEEDED = ("database", "checkpointer")


async def live(request: HttpRequest) -> JsonResponse:
    """Say that the process answers, and nothing of what it depends on: a restart would not mend that."""
    return JsonResponse({"status": "ok"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Say whether this process can answer customers: 200, or 503; and which part does not do well."""
    parts = await ask_parts()
    is_ready = all(parts[name] != "down" for name in NEEDED)
    return JsonResponse(
        {"status": "ok" if is_ready else "down", **parts, "model": model_health.describe()},
        status=200 if is_ready else 503,
    )


async def ask_parts() -> dict[str, str]:
    """Return the state of each part: "ok", "down", "silent" or "unknown"; within some 2 s."""
    database, checkpointer, valkey = await asyncio.gather(
        _ask("database", DATABASE.answer, {"database": "down"}),
        _ask("checkpointer", CHECKPOINTER.answer, {"checkpointer": "down"}),
        _ask("valkey", VALKEY.answer, {"valkey": "down", "worker": "unknown", "beat": "unknown"}),
    )
    return {**database, **checkpointer, **valkey}


async def _ask(
    name: str, ask: Callable[[], Awaitable[dict[str, str]]], otherwise: dict[str, str]
) -> dict[str, str]:
    try:
        return await ask()
    except Exception as error:
        logger.warning("Not ready: %s: %s", name, error)
        return otherwise


def _ask_database() -> dict[str, str]:
    return _look_into("database", "conversations_conversation")


def _ask_checkpointer() -> dict[str, str]:
    return _look_into("checkpointer", "conversations_checkpoint")


def _look_into(part: str, table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        # A table, because SQLite answers SELECT 1 without a look at its file.
        cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608 - ours
    return {part: "ok"}


def _ask_valkey() -> dict[str, str]:
    return {"valkey": "ok", **heartbeat.listen()}


DATABASE = Question("health-database", _ask_database)
CHECKPOINTER = Question("health-checkpointer", _ask_checkpointer)
VALKEY = Question("health-valkey", _ask_valkey)

"""Beat and a worker show that they live: by a key in Valkey, which beat's task renews and which runs out without it."""

from __future__ import annotations

from functools import cache

import redis
from django.conf import settings

from supportsite.questions import TIMEOUT_SECONDS

KEY = "smart-support:heartbeat"
BEATS_MISSED = 4
CELERY_QUEUE = "celery"


@cache
def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS
    )


def ask_valkey() -> None:
    """Raise when Valkey does not answer."""
    _valkey().ping()


def renew() -> None:
    """Say that beat has sent, and a worker has run, this."""
    _valkey().set(KEY, 1, px=round(BEATS_MISSED * settings.HEARTBEAT_SECONDS * 1000))


def listen() -> dict[str, str]:
    """Return the state of worker and beat: "ok", "silent", or "unknown"; raises when Valkey does not answer.

    When nothing beats, the queue tells which of the two is missing: without a worker beat's messages heap up there,
    without beat there are none.
    """
    is_beating, waiting = _valkey().exists(KEY), _valkey().llen(CELERY_QUEUE)
    if is_beating:
        return {"worker": "ok", "beat": "ok"}
    return (
        {"worker": "silent", "beat": "ok"} if waiting else {"worker": "unknown", "beat": "silent"}
    )

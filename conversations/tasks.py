"""Celery entry points. A message is a wake-up, never state: sweeps find what a lost one left."""

from __future__ import annotations

import asyncio
import threading
import uuid
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import cache

from celery import shared_task

from conversations import runs
from conversations.services import interrupts
from conversations.services import runs as run_services

MAX_SECONDS = 150


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs for as long as the worker: savers and clients belong to one."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="runs", daemon=True).start()
    return loop


async def _drive(conversation_id: uuid.UUID) -> None:
    task = runs.wake(conversation_id)
    if task is not None:
        await task


@shared_task
def continue_conversation(conversation_id: str) -> None:
    """Work through a conversation's pending runs here."""
    work = asyncio.run_coroutine_threadsafe(_drive(uuid.UUID(conversation_id)), _loop())
    with suppress(CancelledError):  # the process stops, and has given its runs back
        work.result(timeout=MAX_SECONDS)


def stop_runs(*, grace_seconds: float) -> None:
    """Claim no more runs here, and give back those that have not ended within the grace. Does not wait."""
    asyncio.run_coroutine_threadsafe(runs.close(grace_seconds=grace_seconds), _loop())


@shared_task
def expire_interrupts() -> None:
    """Expire what nobody decided in time."""
    interrupts.expire_due()


@shared_task
def recover_runs() -> None:
    """Take up runs whose process has died, or which nobody took up."""
    for conversation_id in run_services.recover():
        continue_conversation.apply_async([str(conversation_id)], retry=False)

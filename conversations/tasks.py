"""Celery entry points. A message is a wake-up, never state: sweeps find what a lost one left."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

from celery import shared_task

from conversations import retention, runs
from conversations.services import interrupts
from conversations.services import runs as run_services

MAX_SECONDS = 150

Given = TypeVar("Given")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs for as long as the worker: clients belong to one."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="runs", daemon=True).start()
    return loop


async def _drive(conversation_id: uuid.UUID) -> None:
    task = runs.wake(conversation_id)
    if task is not None:
        await task


def run_in_loop(work: Coroutine[Any, Any, Given], *, timeout_seconds: float) -> Given:
    """Run something of a task in the worker's loop, and wait for what it gives."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(timeout=timeout_seconds)


@shared_task
def continue_conversation(conversation_id: str) -> None:
    """Work through a conversation's pending runs here."""
    with suppress(CancelledError):  # the process stops, and has given its runs back
        run_in_loop(_drive(uuid.UUID(conversation_id)), timeout_seconds=MAX_SECONDS)


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


@shared_task
def purge_conversations() -> None:
    """Delete what has been kept for as long as it is to be."""
    retention.purge_due()

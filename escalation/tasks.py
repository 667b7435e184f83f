"""Celery entry points. A message is a wake-up, never state: the sweep finds what a lost one left."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from celery import shared_task

from conversations.tasks import run_in_loop
from escalation.services import summaries

if TYPE_CHECKING:
    from escalation.courier import Courier

logger = logging.getLogger(__name__)

MAX_SECONDS = 60
STOP_SECONDS = 30


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return a loop that runs for as long as the worker: a client's connections belong to one."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="webhooks", daemon=True).start()
    return loop


@cache
def _courier() -> Courier:
    # Here, because httpx is slow to import, and not every process sends.
    from escalation.courier import Courier
    from escalation.webhooks.client import Client

    return Courier(Client())


async def _drain() -> bool:
    return await _courier().drain(max_seconds=MAX_SECONDS)


@shared_task
def deliver_webhooks() -> None:
    """Send the webhooks that are due; the sweep as well as what new ones ring for."""
    work = asyncio.run_coroutine_threadsafe(_drain(), _loop())
    if work.result(timeout=MAX_SECONDS + STOP_SECONDS):
        deliver_webhooks.apply_async(retry=False)


@shared_task
def summarise_escalations() -> None:
    """Let a model put into words what the newest escalations are about."""
    from agents.summaries import summarise

    while (due := summaries.claim_unsummarised()) is not None:
        text = run_in_loop(summarise(due.spec, due.said), timeout_seconds=MAX_SECONDS)
        if text:
            summaries.keep_summary(due.escalation_id, text)


_ringer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="webhook-nudge")
_is_rung = threading.Event()


def nudge() -> None:
    """Let a worker look for due webhooks now. Does not wait for the broker: a message would hang on it."""
    if not _is_rung.is_set():  # one that has not gone out yet does for all
        _is_rung.set()
        _ringer.submit(_ring)


def _ring() -> None:
    _is_rung.clear()
    try:
        deliver_webhooks.apply_async(retry=False)
    except Exception as error:
        logger.warning(
            "No worker could be told of new webhooks; the sweep will find them: %s", error
        )

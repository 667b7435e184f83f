"""Start and stop of a web process. Servers without lifespan, such as daphne, do without: everything is lazy."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from django.conf import settings

from conversations import runs
from conversations.live import hub
from supportsite.warmup import warm_up

logger = logging.getLogger(__name__)


async def lifespan(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve the ASGI lifespan protocol."""
    await receive()
    # The event loop keeps only weak references to tasks.
    warming = asyncio.create_task(warm_up())
    if not settings.DEMO_MODE:
        # Behind a balancer others serve meanwhile; this process is sent customers once it can answer them at once.
        await warming
    await send({"type": "lifespan.startup.complete"})
    await receive()
    warming.cancel()
    await runs.close(grace_seconds=settings.STOP_GRACE_SECONDS)
    await hub.flush()
    await send({"type": "lifespan.shutdown.complete"})

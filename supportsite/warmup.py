"""Import and prepare what the first answer needs, behind the first page: LangChain's imports take seconds."""

from __future__ import annotations

import asyncio
import gc
import logging

logger = logging.getLogger(__name__)

# The page first: imports hold the interpreter's lock.
DELAY_SECONDS = 0.5
# Python's own 700 are reached several times in a turn.
COLLECT_AFTER = 20_000


async def warm_up() -> None:
    """Compile the current templates and the graph. A failure is logged, and the first message tries again."""
    await asyncio.sleep(DELAY_SECONDS)
    try:
        await asyncio.to_thread(_compile_templates)
        from agents.engine import get_engine

        await asyncio.to_thread(get_engine)
        await asyncio.to_thread(_spare_the_collector)
    except Exception:
        logger.exception("warm-up failed")


def _spare_the_collector() -> None:
    """Search less often for garbage, and never in what stays: an eighth of a turn's CPU (performance.md)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _compile_templates() -> None:
    from django.conf import settings
    from django.db import close_old_connections

    from agents.compiled import get_compiled
    from agents.selectors import list_templates

    try:
        for template in list_templates():
            if template.current_version is not None:
                compiled = get_compiled(template.current_version)
                if settings.USES_OFFLINE_MODEL:
                    from agents.offline.model import warm_up as learn

                    learn(compiled.spec, settings.DATA_DIR / "offline")
    finally:
        close_old_connections()

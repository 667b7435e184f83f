"""How the calls of each model ended in this process: the last for the health page and the log, all for /metrics."""

from __future__ import annotations

import logging
import time

from django.conf import settings

from agents.metrics import MODEL_CALLS
from agents.model_faults import ModelFault

logger = logging.getLogger(__name__)

# A model that no template names any more is forgotten after this.
KEPT_SECONDS = 3600

# By model and by what it was called for: one without tools may route well and fail every agent.
_last: dict[tuple[str, str], tuple[float, ModelFault | None]] = {}


def note(model: str, use: str, fault: ModelFault | None) -> None:
    """Count and remember how a call ended, and log a bad configuration when it begins and when it ends.

    Args:
        model: Its name.
        use: What it was called for: "route", "answer" or "summary".
        fault: What went wrong; None when it answered.
    """
    MODEL_CALLS.labels(model, use, fault.code if fault else "ok").inc()
    if fault is not None and fault.kind.is_declined:
        fault = None  # it did answer
    _, before = _last.get((model, use), (0.0, None))
    _last[model, use] = (time.monotonic(), fault)
    known = before.code if before is not None and before.kind.is_configuration else None
    if fault is not None and fault.kind.is_configuration and fault.code != known:
        logger.error("model %s: %s", model, fault)
    elif fault is None and known:
        logger.warning("model %s answers again", model)


def describe() -> str:
    """Return "ok", or what is wrong with which model."""
    if settings.USES_OFFLINE_MODEL:
        return "ok"
    since = time.monotonic() - KEPT_SECONDS
    known = [(model, fault) for (model, _), (at, fault) in list(_last.items()) if at > since]
    if not known:
        return "not asked yet"
    wrong = dict.fromkeys(f"{model}: {fault}" for model, fault in known if fault is not None)
    return "; ".join(wrong) or "ok"


def forget() -> None:
    """Start anew."""
    _last.clear()

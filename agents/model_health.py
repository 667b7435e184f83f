"""How the last call of each model ended in this process: for the health page, and to log what lasts only once."""

from __future__ import annotations

import logging
import time

from django.conf import settings

from agents.model_faults import ModelFault

logger = logging.getLogger(__name__)

# A model that no template names any more is forgotten after this.
KEPT_SECONDS = 3600

_last: dict[str, tuple[float, ModelFault | None]] = {}


def note(model: str, fault: ModelFault | None) -> None:
    """Remember how a call ended; None when the model answered. Log a bad configuration when it begins and ends."""
    if fault is not None and fault.kind.is_declined:
        fault = None  # it did answer
    _, before = _last.get(model, (0.0, None))
    _last[model] = (time.monotonic(), fault)
    is_known = before is not None and before.kind.is_configuration
    if fault is not None and fault.kind.is_configuration:
        if not (is_known and before is not None and before.code == fault.code):
            logger.error("model %s: %s", model, fault)
    elif fault is None and is_known:
        logger.warning("model %s answers again", model)


def describe() -> str:
    """Return "ok", or what is wrong with which model."""
    if settings.USES_OFFLINE_MODEL:
        return "ok"
    since = time.monotonic() - KEPT_SECONDS
    known = {model: fault for model, (at, fault) in list(_last.items()) if at > since}
    if not known:
        return "not asked yet"
    wrong = [f"{model}: {fault}" for model, fault in known.items() if fault is not None]
    return "; ".join(wrong) or "ok"


def forget() -> None:
    """Start anew."""
    _last.clear()

"""Which facts become webhooks, by the fact's name: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Values = Mapping[str, Any]


def _as_is(values: Values) -> Values:
    return values


def _named(**names: str) -> Callable[[Values], Values]:
    """Return a function that gives values the webhook's names: `_named(id="effect_id")`."""
    return lambda values: {**values, **{new: values.get(old) for new, old in names.items()}}


def _from_customer(values: Values) -> Values:
    return {"id": values["message_id"], "role": "customer", "content": values["content"]}


# Facts of the handoff stand here by the names that they will have: nothing of theirs is imported.
BY_FACT: dict[str, tuple[str, Callable[[Values], Values]]] = {
    "conversation.created": ("conversation.created", _as_is),
    "message.accepted": ("message.created", _from_customer),
    "message.said": ("message.created", _named(id="message_id")),
    "interrupt.created": (
        "interrupt.created",
        _named(id="interrupt_id", tool="action", args="params"),
    ),
    "interrupt.resolved": ("interrupt.resolved", _named(id="interrupt_id")),
    "effect.done": ("effect.done", _named(id="effect_id")),
    "effect.unknown": ("effect.unknown", _named(id="effect_id")),
    "escalation.requested": ("escalation.requested", _named(id="escalation_id")),
    "escalation.assigned": ("escalation.assigned", _named(id="escalation_id")),
    "conversation.resolved": ("conversation.resolved", _as_is),
    "csat.received": ("csat.received", _as_is),
    "template.published": ("template.published", _named(name="title")),
}

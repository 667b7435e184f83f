"""What the people who run the site must hear of. Rows keep it, admin shows it; listeners hear of it after commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from django.db import transaction


@dataclass(frozen=True)
class Alert:
    """Something that people have to see to; `text` says what, in one line."""

    name: ClassVar[str]  # noun.past_tense
    text: str


@dataclass(frozen=True)
class DeliveryDied(Alert):
    """A webhook could not be delivered, and is not tried again unless somebody sends it again."""

    name = "webhook_delivery.died"
    delivery_id: str
    endpoint_id: str


@dataclass(frozen=True)
class EndpointDisabled(Alert):
    """An endpoint gets no more webhooks until somebody enables it."""

    name = "webhook_endpoint.disabled"
    endpoint_id: str


Listener = Callable[[Alert], None]
_listeners: list[Listener] = []


def subscribe(function: Listener) -> Listener:
    """Call `function` with every alert, after the commit of what caused it."""
    if function not in _listeners:
        _listeners.append(function)
    return function


def announce(alert: Alert) -> None:
    """Tell the listeners of an alert as soon as this transaction is committed."""
    for listener in _listeners:
        transaction.on_commit(partial(listener, alert), robust=True)

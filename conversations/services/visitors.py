"""Who writes: visitors."""

from __future__ import annotations

import uuid

from conversations.errors import InvalidToken
from conversations.identity import Identity
from conversations.models import Visitor
from conversations.rows import execute, insert, insertion, read, selection

NEWS = "ON CONFLICT (customer_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("name", "email", "locale")
)


def create_visitor(locale: str = "") -> Visitor:
    """Return a new anonymous visitor."""
    visitor = Visitor(locale=locale)
    insert([visitor])
    return visitor


def get_visitor(visitor_id: uuid.UUID) -> Visitor:
    """Return a known visitor; raises InvalidToken for one that was purged."""
    for visitor in read(Visitor, "pk", [visitor_id]):
        return visitor
    raise InvalidToken


def recognise_customer(identity: Identity, locale: str = "") -> Visitor:
    """Return the visitor of a customer whom the site vouches for, with what the site says of them now."""
    said = Visitor(
        customer_id=identity.customer_id, name=identity.name, email=identity.email, locale=locale
    )
    visitor: Visitor
    _, [visitor] = execute(
        insertion([said], also=NEWS), selection(Visitor, "customer_id", [identity.customer_id])
    )
    return visitor

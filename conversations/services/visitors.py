"""Who writes: visitors."""

from __future__ import annotations

import uuid

from conversations.errors import InvalidToken
from conversations.identity import Identity
from conversations.models import Visitor


def create_visitor(locale: str = "") -> Visitor:
    """Return a new anonymous visitor."""
    return Visitor.objects.create(locale=locale)


def get_visitor(visitor_id: uuid.UUID) -> Visitor:
    """Return a known visitor; raises InvalidToken for one that was purged."""
    try:
        return Visitor.objects.get(pk=visitor_id)
    except Visitor.DoesNotExist:
        raise InvalidToken from None


def recognise_customer(identity: Identity, locale: str = "") -> Visitor:
    """Return the visitor of a customer whom the site vouches for, with what the site says of them now."""
    visitor, _ = Visitor.objects.update_or_create(
        customer_id=identity.customer_id,
        defaults={"name": identity.name, "email": identity.email, "locale": locale},
    )
    return visitor

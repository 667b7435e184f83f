"""Who writes: visitors. Many at once, because after a restart all of them come again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from conversations.identity import Identity
from conversations.models import Visitor
from conversations.rows import execute, insert, insertion, read, selection

NEWS = "ON CONFLICT (customer_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in ("name", "email", "locale")
)


def create_visitors(locales: Sequence[str]) -> list[Visitor]:
    """Return a new anonymous visitor for each of these languages."""
    visitors = [Visitor(locale=locale) for locale in locales]
    insert(visitors)
    return visitors


def find_visitors(ids: Sequence[uuid.UUID]) -> list[Visitor | None]:
    """Return known visitors; None for one that was purged."""
    found = {visitor.pk: visitor for visitor in read(Visitor, "pk", ids)}
    return [found.get(visitor_id) for visitor_id in ids]


def recognise_customers(known: Sequence[tuple[Identity, str]]) -> list[Visitor]:
    """Return the visitors of customers whom the site vouches for, with what it says of them now, and their language."""
    said = {
        identity.customer_id: Visitor(
            customer_id=identity.customer_id,
            name=identity.name,
            email=identity.email,
            locale=locale,
        )
        for identity, locale in known
    }
    ids = sorted(said)  # two that change the same rows never wait for each other
    _, found = execute(
        insertion([said[one] for one in ids], also=NEWS), selection(Visitor, "customer_id", ids)
    )
    visitors: dict[str, Visitor] = {visitor.customer_id: visitor for visitor in found}
    return [visitors[identity.customer_id] for identity, _ in known]

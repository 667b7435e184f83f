"""Finding an argument in the result of a read: the only thing that fits, or the one that the customer names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agents.offline.choosing import choose_by_age, choose_named, find_day
from agents.offline.conversation import Result
from agents.offline.replies import fill_in, in_words
from agents.spec import Lookup

OFFERED = 8


@dataclass(frozen=True)
class Found:
    """What a look-up has found: one value, or several to ask about.

    Attributes:
        value: The value, when one thing is meant.
        options: Else what to choose from: [{"value", "label"}], with the "day" of each where it has one.
    """

    value: Any = None
    options: list[dict[str, Any]] | None = None


def search(lookup: Lookup, result: Result, request: str) -> Found:
    """Return what the request means among the items of a result.

    The customer's own words come first, also for a thing that does not fit: the tool then says why it cannot be done.
    """
    found = result.fields.get(lookup.items)
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    items = [item for item in items if item.get(lookup.field) is not None]
    fitting = [item for item in items if _fits(item, lookup)]
    for group in (fitting, items):
        chosen = _chosen(group, request)
        if chosen is not None:
            return Found(value=chosen[lookup.field])
    if len(fitting) == 1 or (not fitting and len(items) == 1):
        return Found(value=(fitting or items)[0][lookup.field])
    return Found(
        options=[
            {
                "value": item[lookup.field],
                "label": fill_in(lookup.label, item),
                **({"day": day} if (day := find_day(item)) else {}),
            }
            for item in fitting[:OFFERED]
        ]
    )


def _fits(item: dict[str, Any], lookup: Lookup) -> bool:
    return all(
        str(item.get(key)).lower() in {value.lower() for value in values}
        for key, values in lookup.where.items()
    )


def _chosen(items: list[dict[str, Any]], request: str) -> dict[str, Any] | None:
    if not items:
        return None
    place = choose_named(request, [_wording(item) for item in items])
    if place is None:
        place = choose_by_age(request, items)
    return items[place] if place is not None else None


def _wording(item: dict[str, Any]) -> str:
    return " ".join(in_words(value) for value in item.values() if isinstance(value, str))

"""Choosing one of several things by a customer's words: its name, "the second one", "the latest"."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

_ORDINALS = {
    "first": 0,
    "1st": 0,
    "second": 1,
    "2nd": 1,
    "third": 2,
    "3rd": 2,
    "fourth": 3,
    "4th": 3,
    "fifth": 4,
}
_LATEST = re.compile(r"\b(latest|newest|last|most recent|recent)\b", re.IGNORECASE)
_OLDEST = re.compile(r"\b(oldest|earliest)\b", re.IGNORECASE)
_NUMBERED = re.compile(
    r"\W*(?:(?:the|number|no\.?|nr\.?|option|choice)\W+)*([1-9])\W*(?:(?:one|please|thanks|thank you)\W*)*"
)
_CORRECTION = re.compile(
    r"\b(?:no,? wait|wait,? no|hold on|scratch that|actually|i meant?|(?:oh )?sorry,? (?:no|not that))\b[\s,.:!-]*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]{3,}")
_COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "you",
        "your",
        "our",
        "can",
        "could",
        "would",
        "please",
        "want",
        "need",
        "help",
        "with",
        "this",
        "that",
        "order",
        "orders",
        "from",
        "have",
        "has",
        "was",
        "one",
        "which",
        "about",
        "what",
        "when",
        "where",
        "how",
        "much",
        "many",
        "not",
        "any",
        "some",
        "been",
        "will",
        "they",
        "them",
        "item",
        "items",
        "thing",
        "make",
        "get",
        "cancel",
        "return",
        "refund",
        "change",
        "track",
        "status",
        "processing",
        "shipped",
        "delivered",
        "cancelled",
        "placed",
        "yes",
    ]
)


def choose_listed(text: str, labels: list[str]) -> int | None:
    """Return which of the listed things an answer means, by its place in the list or by its words."""
    lowered = corrected(text).lower()
    for word, place in _ORDINALS.items():
        if re.search(rf"\b{word}\b", lowered) and place < len(labels):
            return place
    if re.search(r"\blast\b", lowered) and labels:
        return len(labels) - 1
    number = _NUMBERED.fullmatch(lowered)
    if number and int(number[1]) <= len(labels):
        return int(number[1]) - 1
    return choose_named(lowered, labels)


def corrected(text: str) -> str:
    """Return what stands after a change of mind: "1045 instead" of "1042. No wait, 1045 instead"."""
    *_, last = _CORRECTION.split(text)
    return last if _WORD.search(last) or any(c.isdigit() for c in last) else text


def choose_named(text: str, labels: list[str]) -> int | None:
    """Return the one thing whose words the text uses; None when it is no one or several."""
    said = _words(text)
    hits = [len(said & _words(label)) for label in labels]
    best = max(hits, default=0)
    if best == 0 or hits.count(best) > 1:
        return None
    return hits.index(best)


def choose_by_age(text: str, items: list[dict[str, Any]]) -> int | None:
    """Return the newest or the oldest item, if the text asks for it and the items have a day that tells."""
    wanted = max if _LATEST.search(text) else min if _OLDEST.search(text) else None
    if wanted is None or not items:
        return None
    days = [day for item in items if (day := find_day(item)) is not None]
    if len(days) < len(items):
        return None
    best = wanted(days)
    return days.index(best) if days.count(best) == 1 else None


def find_day(item: dict[str, Any]) -> str | None:
    """Return the first field of an item that is a day in ISO form."""
    return next((value[:10] for value in item.values() if _is_day(value)), None)


def _words(text: str) -> set[str]:
    words = {word.lower() for word in _WORD.findall(text)}
    return {word.rstrip("s") if len(word) > 4 else word for word in words - _COMMON}


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value[:10]))
    except ValueError:
        return False

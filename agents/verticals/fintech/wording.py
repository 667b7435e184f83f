"""How amounts, cards, days and lists read in a sentence to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def round_money(amount: Decimal) -> Decimal:
    """Return the amount with two places, halves up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def money(amount: Decimal, currency: str) -> str:
    """Return "42.00 EUR"."""
    return f"{round_money(amount)} {currency}"


def plain(number: Decimal) -> str:
    """Return a rate without zeros at its end: "1.085"."""
    return f"{number.normalize():f}"


def card(ending: str) -> str:
    """Return "••4242". More of a card's number is never shown."""
    return f"••{ending}"


def day(moment: date | datetime | None) -> str:
    """Return "3 November 2026", or an empty text for None."""
    return f"{moment.day} {moment:%B %Y}" if moment else ""


def minute(moment: datetime) -> str:
    """Return "3 November 2026, 14:05 UTC"."""
    return f"{day(moment)}, {moment:%H:%M} UTC"


def bullets(lines: Sequence[str]) -> str:
    """Return a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def words(name: str) -> str:
    """Return "card payment" for "card_payment"."""
    return name.replace("_", " ")


def yes_or_no(value: bool) -> str:
    """Return a word, because a template's lookup compares a row's fields with words."""
    return "yes" if value else "no"

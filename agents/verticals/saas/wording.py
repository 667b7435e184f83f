"""How amounts, days and lists read in a sentence to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def round_money(amount: Decimal) -> Decimal:
    """Return the amount with two places, halves up as on an invoice."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def money(amount: Decimal, currency: str) -> str:
    """Return "42.00 EUR"."""
    return f"{round_money(amount)} {currency}"


def day(moment: date | datetime | None) -> str:
    """Return "3 November 2026", or an empty text for None."""
    return f"{moment.day} {moment:%B %Y}" if moment else ""


def minute(moment: datetime | None) -> str:
    """Return "3 November 2026, 14:05 UTC", or an empty text for None."""
    return f"{day(moment)}, {moment:%H:%M} UTC" if moment else ""


def count(number: int, noun: str) -> str:
    """Return "1 seat" or "2 seats"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def bullets(lines: Sequence[str]) -> str:
    """Return a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def yes_or_no(value: bool) -> str:
    """Return a word, because a template's lookup compares with words."""
    return "yes" if value else "no"

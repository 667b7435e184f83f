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


def count(number: int, noun: str) -> str:
    """Return "1 item" or "2 items"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def bullets(lines: Sequence[str]) -> str:
    """Return a Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def mask_email(email: str) -> str:
    """Return "a…@example.com": enough for its owner, useless to anybody else."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"

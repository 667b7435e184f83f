"""Exchange rates, as the bank's table has them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agents.tools import Refusal, ToolContext, support_tool
from agents.verticals.fintech.models import ExchangeRate
from agents.verticals.fintech.rules import CURRENCY
from agents.verticals.fintech.tools.arguments import Amount, Currency, OtherCurrency
from agents.verticals.fintech.wording import bullets, minute, money, plain

PLACES = Decimal("0.0001")


@support_tool(effect="read")
async def list_exchange_rates(ctx: ToolContext) -> dict[str, Any]:
    """List the currencies that can be held and exchanged, with our rate and its time."""
    rows = [row async for row in ExchangeRate.objects.order_by("currency")]
    lines = [f"{row.currency} ({row.name}): {plain(row.rate)}" for row in rows]
    as_of = minute(min(row.as_of for row in rows)) if rows else None
    return {
        "rates": [
            {"currency": row.currency, "name": row.name, "rate": plain(row.rate)} for row in rows
        ],
        "base": CURRENCY,
        "as_of": as_of,
        "summary": (
            f"For 1 {CURRENCY}, as of {as_of}:\n\n{bullets(lines)}"
            if rows
            else "Our rates are shown in the app, under Exchange."
        ),
    }


@support_tool(effect="read")
async def exchange_rate(
    ctx: ToolContext,
    currency: Currency,
    other_currency: OtherCurrency = "EUR",
    amount: Amount | None = None,
) -> dict[str, Any]:
    """Tell our exchange rate between two currencies, both ways, and of which time it is.

    Give `amount` when the customer wants a sum converted; it is converted both ways. Never give a rate from memory.
    """
    if currency == other_currency:
        raise Refusal(f"Both are {currency}. Between which two currencies would you like the rate?")
    one, other = await _get_rate(currency), await _get_rate(other_currency)
    there = (other.rate / one.rate).quantize(PLACES)
    back = (one.rate / other.rate).quantize(PLACES)
    as_of = minute(min(one.as_of, other.as_of))
    converted = ""
    if amount:
        converted = (
            f" {money(amount, currency)} are {money(amount * other.rate / one.rate, other_currency)}; "
            f"{money(amount, other_currency)} are {money(amount * one.rate / other.rate, currency)}."
        )
    return {
        "currency": currency,
        "other_currency": other_currency,
        "rate": str(there),
        "reverse_rate": str(back),
        "as_of": as_of,
        "summary": (
            f"As of {as_of}, 1 {currency} is {there} {other_currency}, and 1 {other_currency} is "
            f"{back} {currency}.{converted} The rate of the moment of your exchange counts."
        ),
    }


async def _get_rate(currency: str) -> ExchangeRate:
    if currency == CURRENCY:
        newest = await ExchangeRate.objects.order_by("-as_of").afirst()
        if newest is not None:
            return ExchangeRate(currency=CURRENCY, rate=Decimal(1), as_of=newest.as_of)
    row = await ExchangeRate.objects.filter(currency=currency).afirst()
    if row is None:
        raise Refusal(
            f"I have no rate for {currency} at the moment. The app shows it under Exchange, before "
            "you confirm."
        )
    return row

"""What tokens cost, from the price table of a maintained library; nothing is fetched."""

from __future__ import annotations

import time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from genai_prices.types import PriceCalculation

OFFLINE_MODEL = "offline-demo"
MILLION = 1_000_000


class Rates(NamedTuple):
    """US dollars for a call, and for each token of a kind."""

    call: Decimal
    read: Decimal
    cached: Decimal
    written: Decimal


def cost_usd(
    model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> Decimal | None:
    """Return what a call cost in US dollars.

    Args:
        model: The model's name as its API gives it, such as "gpt-4.1-mini".
        input_tokens: All tokens read, the cached ones among them.
        output_tokens: Tokens written.
        cached_tokens: Those of `input_tokens` that came from the provider's cache.

    Returns:
        The price, 0 for the offline model, None when the table does not know the model.

    Source: the data bundled with genai-prices (its `UpdatePrices` is never started, so no network).
    """
    if model == OFFLINE_MODEL:
        return Decimal(0)
    cached_tokens = min(cached_tokens, input_tokens)
    rates = _find_rates(model, int(time.time()) // 60)  # some prices depend on the time of day
    if rates is None:
        found = _calculate(model, input_tokens, output_tokens, cached_tokens)
        return found.total_price if found else None
    read = rates.read * (input_tokens - cached_tokens) + rates.cached * cached_tokens
    return rates.call + read + rates.written * output_tokens


@lru_cache(maxsize=64)
def _find_rates(model: str, minute: int) -> Rates | None:
    """Return this minute's rates, as the library takes 0.1 ms a calculation; None if unknown or in tiers."""
    from genai_prices.types import TieredPrices

    nothing = _calculate(model, 0, 0, 0)
    if nothing is None:
        return None
    if any(isinstance(price, TieredPrices) for price in vars(nothing.model_price).values()):
        return None

    def rate(*tokens: int) -> Decimal:
        found = _calculate(model, *tokens)
        return (found.total_price - nothing.total_price) / MILLION if found else Decimal(0)

    return Rates(
        call=nothing.total_price,
        read=rate(MILLION, 0, 0),
        cached=rate(MILLION, 0, MILLION),
        written=rate(0, MILLION, 0),
    )


def _calculate(
    model: str, input_tokens: int, output_tokens: int, cached_tokens: int
) -> PriceCalculation | None:
    # Its import takes a tenth of a second, and the offline model never needs it.
    import genai_prices

    usage = genai_prices.Usage(
        input_tokens=input_tokens, output_tokens=output_tokens, cache_read_tokens=cached_tokens
    )
    try:
        return genai_prices.calc_price(usage, model_ref=model)
    except LookupError:
        return None

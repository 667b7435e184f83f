"""What tokens cost, from the price table of a maintained library; nothing is fetched."""

from __future__ import annotations

from decimal import Decimal

OFFLINE_MODEL = "offline-demo"


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
    # Its import takes a tenth of a second, and the offline model never needs it.
    import genai_prices

    usage = genai_prices.Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=min(cached_tokens, input_tokens),
    )
    try:
        return genai_prices.calc_price(usage, model_ref=model).total_price
    except LookupError:
        return None

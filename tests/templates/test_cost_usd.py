from decimal import Decimal

import genai_prices
import pytest

from agents.prices import cost_usd


def test_a_known_model_has_a_price():
    cost = cost_usd("gpt-4.1-mini", 1_000, 100)
    assert cost == Decimal("0.00056")  # 0.40 and 1.60 US dollars a million tokens


def test_cached_tokens_cost_less():
    cost = cost_usd("gpt-4.1-mini", 1_000, 100, 500)
    assert cost is not None
    assert Decimal(0) < cost < Decimal("0.00056")


def test_the_offline_model_is_free():
    assert cost_usd("offline-demo", 1_000_000, 1_000_000) == 0


@pytest.mark.parametrize("model", ["", "our-own-model", "../../etc/passwd"])
def test_an_unknown_model_has_no_price(model):
    assert cost_usd(model, 1_000, 100) is None


def test_nothing_used_costs_nothing():
    assert cost_usd("gpt-4.1-mini", 0, 0) == 0


def test_more_cached_than_read_does_not_fail():
    assert cost_usd("gpt-4.1-mini", 10, 0, 20) is not None


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-4o", "gemini-2.5-pro", "claude-sonnet-4-5"])
@pytest.mark.parametrize("tokens", [(1, 1, 0), (812, 97, 512), (300_000, 2_000, 0)])
def test_a_cost_is_the_library_s_to_the_last_digit(model, tokens):
    read, written, cached = tokens
    usage = genai_prices.Usage(input_tokens=read, output_tokens=written, cache_read_tokens=cached)
    expected = genai_prices.calc_price(usage, model_ref=model).total_price
    assert cost_usd(model, read, written, cached) == expected

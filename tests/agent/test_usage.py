"""Prices and limits."""

from __future__ import annotations

import pytest
from anthropic.types import Usage as Reported

from memory_pipeline.agent.usage import (
    MAX_OUTPUT,
    MIN_OUTPUT,
    PRICES,
    Budget,
    Usage,
    estimated_tokens,
    price_of,
)


def test_cost_by_kind_of_token():
    usage = Usage("claude-sonnet-5-5")
    usage.add(Reported(input_tokens=1_000_000, output_tokens=0))
    assert usage.cost_usd == pytest.approx(2)
    usage.add(Reported(input_tokens=0, output_tokens=1_000_000))
    assert usage.cost_usd == pytest.approx(12)
    usage.add(Reported(input_tokens=0, output_tokens=0, cache_creation_input_tokens=1_000_000))
    usage.add(Reported(input_tokens=0, output_tokens=0, cache_read_input_tokens=1_000_000))
    assert usage.cost_usd == pytest.approx(14.6)
    assert usage.tokens == 4_000_000


def test_long_prompts_have_their_own_price():
    assert price_of("claude-haiku-5-5", 99_999).input == 0.1
    assert price_of("claude-haiku-5-5", 100_000).input == 0.5
    assert price_of("unheard-of") is None


def test_prices_are_plausible():
    """Output costs more than input, writing a cache a quarter more than reading, a cached read less."""
    for prices in PRICES.values():
        for price in prices:
            assert price.output == 5 * price.input
            assert price.cache_write == pytest.approx(1.25 * price.input)
            assert price.cache_read < price.input


def test_room_shrinks_with_what_was_used():
    budget = Budget(max_tokens=100_000, max_cost=1.0)
    usage = Usage("claude-sonnet-5-5")
    assert budget.room(usage, 5_000) == MAX_OUTPUT
    usage.add(Reported(input_tokens=80_000, output_tokens=5_000))
    assert budget.room(usage, 5_000) == 10_000
    assert budget.room(usage, 15_000 - MIN_OUTPUT + 1) == 0
    dear = Usage("claude-fable-5-1")
    dear.add(Reported(input_tokens=50_000, output_tokens=0))  # half a dollar
    assert budget.room(dear, 10_000) == 7_500  # 0.5 less 0.125 for the prompt, at $50 per million


def test_tokens_are_estimated_from_above():
    """English has about four characters a token, Chinese about one."""
    assert estimated_tokens("word " * 1000) >= 1000
    assert estimated_tokens("\u6f22\u5b57" * 500) >= 1000

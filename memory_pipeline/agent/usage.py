"""How many tokens, turns and US dollars does a discovery use, and how much of its budget is left?

Prices are US dollars per million tokens, as the API's price page listed them on `PRICES_AS_OF`. The cost of a
model that is not listed is unknown: then only the limit of tokens applies.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anthropic.types import Usage as ReportedUsage

MAX_OUTPUT = 16_000
"""Most tokens of one answer; the SDK asks for streaming above 21,333."""
MIN_OUTPUT = 1_000
"""Least tokens of an answer with a pattern; where fewer are left, no call is made."""
_MILLION = 1_000_000
_BYTES_PER_TOKEN = 3
PRICES_AS_OF = date(2026, 10, 24)


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, for prompts of at least `prompt_over` tokens.

    Cache writes are those kept for five minutes, the only ones requested here.
    """

    input: float
    output: float
    cache_write: float
    cache_read: float
    prompt_over: int = 0


PRICES: Mapping[str, tuple[Price, ...]] = {
    "claude-fable-5-1": (Price(10, 50, 12.5, 0.25),),
    "claude-opus-5-5": (Price(4, 20, 5, 0.2),),
    "claude-opus-5": (Price(5, 25, 6.25, 0.5),),
    "claude-sonnet-5-5": (Price(2, 10, 2.5, 0.1),),
    "claude-sonnet-5": (Price(2, 10, 2.5, 0.2),),
    "claude-sonnet-4-6": (Price(3, 15, 3.75, 0.3),),
    "claude-haiku-5-5": (Price(0.5, 2.5, 0.625, 0.05, prompt_over=100_000), Price(0.1, 0.5, 0.125, 0.01)),
    "claude-haiku-4-5": (Price(1, 5, 1.25, 0.1),),
}
"""Prices by model; of several, the one for the longest prompts first."""


def price_of(model: str, prompt_tokens: int = 0) -> Price | None:
    """Return the price of a model for a prompt of this length; None where it is not known."""
    return next((one for one in PRICES.get(model, ()) if prompt_tokens >= one.prompt_over), None)


@dataclass
class Usage:
    """Tokens and cost so far; `cost_usd` is None where the model's price is not known.

    Attributes
    ----------
    turns
        Answers received.
    requests, retries
        HTTP requests sent, and how many of them repeated a failed one.
    refusals
        Requests that the model declined to answer.
    input_tokens, output_tokens, cache_write_tokens, cache_read_tokens
        As the API reported them; input tokens do not include written and read cache tokens.
    """

    model: str
    turns: int = 0
    requests: int = 0
    retries: int = 0
    refusals: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    cost_usd: float | None = 0.0

    def __post_init__(self) -> None:
        if price_of(self.model) is None:
            self.cost_usd = None

    @property
    def tokens(self) -> int:
        """All tokens, read and written."""
        return self.input_tokens + self.output_tokens + self.cache_write_tokens + self.cache_read_tokens

    def add(self, reported: ReportedUsage | None) -> None:
        """Add what one answer used; a number that is missing or not a positive whole number counts as 0."""
        new, written, read, output = (
            _count(getattr(reported, name, None))
            for name in (
                "input_tokens",
                "cache_creation_input_tokens",
                "cache_read_input_tokens",
                "output_tokens",
            )
        )
        self.input_tokens += new
        self.cache_write_tokens += written
        self.cache_read_tokens += read
        self.output_tokens += output
        price = price_of(self.model, new + written + read)
        if price is not None and self.cost_usd is not None:
            dollars = (
                new * price.input
                + written * price.cache_write
                + read * price.cache_read
                + output * price.output
            )
            self.cost_usd += dollars / _MILLION


@dataclass(frozen=True)
class Budget:
    """The most that a discovery may use: tokens, and US dollars where the price is known."""

    max_tokens: int
    max_cost: float

    def room(self, usage: Usage, prompt_tokens: int) -> int:
        """Compute the most tokens of the next answer with which the limits are kept.

        Parameters
        ----------
        usage
            What was used so far.
        prompt_tokens
            Length of the next prompt, by `estimated_tokens`.

        Returns
        -------
        int
            At most `MAX_OUTPUT`; 0 where less than `MIN_OUTPUT` is left.
        """
        left = float(self.max_tokens - usage.tokens - prompt_tokens)
        price = price_of(usage.model, prompt_tokens)
        if price is not None and usage.cost_usd is not None:
            dollars = self.max_cost - usage.cost_usd - prompt_tokens * price.cache_write / _MILLION
            left = min(left, dollars / price.output * _MILLION)
        return min(int(left), MAX_OUTPUT) if left >= MIN_OUTPUT else 0


def estimated_tokens(request: Any) -> int:
    """Estimate an upper bound of the tokens of plain values: a third of their bytes as JSON."""
    written = json.dumps(request, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    return len(written) // _BYTES_PER_TOKEN + 1


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0

"""Prices of answers: a TOML file with a table per model, prices per million tokens in any currency.

["gpt-5.4"]
input = 1.25
output = 10.0

PriceError    the file cannot be used
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.analysis.standings import Entrant
from reports.records.toml_tables import TomlError, check_keys, number, read_file
from scoring.questions import Mode

MOST = 1_000_000


class PriceError(TomlError):
    """A file of prices that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Per million tokens."""

    input: float
    output: float


def read_prices(path: Path) -> dict[str, Price]:
    """Read the price of each model. Raises PriceError."""
    return read_file(path, _prices, PriceError)


def cost_per_answer(entrant: Entrant, prices: Mapping[str, Price], mode: Mode) -> float | None:
    """Return the mean cost of an answer in a mode; None without the model's price or without token counts.

    Tokens are those of the counted answers; retries and judges are not included.
    """
    price, effort = prices.get(entrant.identity.model or ""), entrant.effort.get(mode)
    if price is None or effort is None or effort.prompt_tokens is None or effort.completion_tokens is None:
        return None
    return (effort.prompt_tokens * price.input + effort.completion_tokens * price.output) / 1_000_000


def _prices(_: Path, data: Mapping[str, Any]) -> dict[str, Price]:
    prices = {}
    for model, entry in data.items():
        place = f'["{model}"]'
        if not isinstance(entry, dict):
            raise PriceError(f"{model}: a table with input and output was expected, such as {place}")
        check_keys(place, entry, {"input", "output"})
        prices[model] = Price(
            input=number(place, entry, "input", 0, MOST), output=number(place, entry, "output", 0, MOST)
        )
    return prices

"""Read the endpoints of the model and the judges, with their keys from the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from qcal_plugin.cli.requests import read_headers
from qcal_plugin.cli.values import parsed
from qcal_plugin.engine.targets import TargetOption, parse_target

MODEL_KEY_VARIABLE = "QCAL_MODEL_KEY"
JUDGE_KEY_VARIABLE = "QCAL_JUDGE_KEY"


def read_model(option: Callable[[str], Any]) -> TargetOption | None:
    """Return the model's endpoint; None without ``--model-url``. Raises pytest.UsageError."""
    if not option("model_url"):
        return None
    key, variable = _key("--model-key-env", option("model_key_env"), MODEL_KEY_VARIABLE)
    return TargetOption(
        target=parsed("--model-url", parse_target, option("model_url")),
        model=option("model") or None,
        key=key,
        key_variable=variable,
        headers=read_headers("--model-header", option("model_header")),
    )


def read_judges(option: Callable[[str], Any]) -> tuple[TargetOption, ...]:
    """Pair URLs with models: as many of each, one URL for all models, or URLs without models, which serve one each.

    Raises pytest.UsageError.
    """
    urls, models, variables = option("judge_url"), option("judge_model"), option("judge_key_env")
    if models and not urls:
        raise pytest.UsageError("--judge-model without --judge-url: give the judge's URL")
    if variables and not urls:
        raise pytest.UsageError("--judge-key-env without --judge-url: there is no judge that needs a key")
    if len(urls) == 1:
        urls = urls * max(1, len(models))
    models = models or [None] * len(urls)
    if len(models) != len(urls):
        raise pytest.UsageError(
            f"{len(urls)} --judge-url and {len(models)} --judge-model: give as many of each, or one URL for all"
        )
    if len(variables) > 1 and len(variables) != len(urls):
        raise pytest.UsageError(
            f"{len(variables)} --judge-key-env for {len(urls)} judges: give one, or one for each"
        )
    variables = variables * len(urls) if len(variables) == 1 else variables or [None] * len(urls)
    headers = read_headers("--judge-header", option("judge_header"))
    return tuple(_judge(*judge, headers) for judge in zip(urls, models, variables, strict=True))


def _judge(url: str, model: str | None, variable: str | None, headers: Mapping[str, str]) -> TargetOption:
    key, variable = _key("--judge-key-env", variable, JUDGE_KEY_VARIABLE)
    target = parsed("--judge-url", parse_target, url)
    return TargetOption(target=target, model=model, key=key, key_variable=variable, headers=headers)


def _key(flag: str, variable: str | None, default_variable: str) -> tuple[str | None, str]:
    """Return the key and the variable that it comes from.

    Raises pytest.UsageError if a named variable is not set.
    """
    key = os.environ.get(variable or default_variable, "").strip()
    if variable and not key:
        raise pytest.UsageError(f"{flag} {variable}: the environment variable is not set or empty")
    if any(not char.isprintable() or ord(char) > 126 for char in key):
        raise pytest.UsageError(
            f"{flag} {variable or default_variable}: the key holds characters no header can carry"
        )
    return key or None, variable or default_variable

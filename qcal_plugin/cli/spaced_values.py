"""Lists of numbers that are separated by spaces on the command line: ``--parallel 1 2 5``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

NUMBER = re.compile(r"\d+(\.\d+)?")


def take_spaced_values(config: pytest.Config, flags: Sequence[str]) -> dict[str, list[str]]:
    """Return the numbers after the first of each flag, and remove them from the test paths, where pytest put them."""
    spaced: dict[str, list[str]] = {flag: [] for flag in flags}
    flag = previous = ""
    for argument in map(str, config.invocation_params.args):
        if argument.startswith("-"):
            flag = argument.partition("=")[0]
        elif previous.startswith("-") and "=" not in previous:
            pass  # the option's own value
        elif (
            flag in spaced
            and argument in config.args
            and NUMBER.fullmatch(argument)
            and not Path(argument).exists()
        ):
            spaced[flag].append(argument)
            config.args.remove(argument)
        previous = argument
    return spaced

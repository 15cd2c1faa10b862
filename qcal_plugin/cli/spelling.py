"""Rewrite options whose value pytest would take for a path: ``--run-dir runs/mine`` becomes ``--run-dir=runs/mine``.

pytest looks for its rootdir, ini file and cache before any plugin is loaded, so before it knows that these
options take a value. An existing path after one of them moves the rootdir there, and ``--lf`` finds no cache.
A value that is joined to its option by an equals sign is not taken for a path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from qcal_plugin.cli.declarations import GROUPS


def run_respelled(config: pytest.Config) -> int | pytest.ExitCode | None:
    """Run the session again if a value misleads pytest; return its exit status, or None if no value does.

    xdist's workers get the controller's arguments, but start when the run's folder exists, which misleads
    them as well.
    """
    if hasattr(config, "workerinput"):
        return None
    given = [str(argument) for argument in config.invocation_params.args]
    distributed = config.getoption("numprocesses", None) or config.getoption("tx", None)
    respelled = join_paths(
        given, config.invocation_params.dir, made_by_run={"--run-dir"} if distributed else set()
    )
    if respelled == given:
        return None
    return pytest.main(respelled, plugins=config.invocation_params.plugins)


def join_paths(arguments: Sequence[str], folder: Path, *, made_by_run: Collection[str] = ()) -> list[str]:
    """Return the arguments with each of our options joined to its value, if that is an existing path.

    Values of the options ``made_by_run`` need not exist yet.
    """
    with_value = value_flags()
    misleading = {
        index
        for index, (flag, value) in enumerate(pairwise(arguments))
        if flag in with_value
        and not value.startswith("-")
        and (flag in made_by_run or (folder / value).exists())
    }
    joined = [
        f"{flag}={arguments[index + 1]}" if index in misleading else flag
        for index, flag in enumerate(arguments)
    ]
    return [argument for index, argument in enumerate(joined) if index - 1 not in misleading]


def value_flags() -> frozenset[str]:
    """Return our options that take a value."""
    return frozenset(flag for flag, action in _declared() if action != "store_true")


def first_given(arguments: Iterable[str]) -> str | None:
    """Return the first of our options among the arguments of a command line; None if there is none."""
    ours = {flag for flag, _ in _declared()}
    flags = (str(argument).partition("=")[0] for argument in arguments)
    return next((flag for flag in flags if flag in ours), None)


def _declared() -> list[tuple[str, str]]:
    """Return each of our options with its action."""
    options: list[tuple[str, str]] = []

    def add(flag: str, *, action: str = "store", **_: Any) -> None:  # noqa: ANN401 - whatever argparse takes
        options.append((flag, action))

    for group in GROUPS:
        group.declare(add)
    return options

"""The options of studies, which ask items under other conditions (docs/studies.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qcal_plugin.cli.spaced_values import take_spaced_values
from qcal_plugin.cli.values import at_least, parsed
from qcal_plugin.studies.shots import ShotPlan, parse_counts, parse_families


def add_study_options(add: Callable[..., None]) -> None:
    """Declare the options."""
    add(
        "--control",
        metavar="LIST",
        help="also ask with another picture: blank, shuffled, sibling (default: none)",
        example="blank,sibling",
    )
    add(
        "--perturb",
        metavar="LIST",
        help="also ask with redrawn synthetic plots: colormap, dpi, jpeg, axis-order (default: none)",
        example="colormap,jpeg",
    )
    add(
        "--shots",
        metavar="LIST",
        action="append",
        default=[],
        help="numbers of demonstrations to ask with (default: those of the dataset)",
        example="0 1 2 3 4 5",
    )
    add(
        "--shot-orders",
        metavar="K",
        type=int,
        default=1,
        help="ask each set of demonstrations in K orders (default: 1)",
        example="3",
    )
    add(
        "--shot-families",
        metavar="LIST",
        default="five",
        help="families of --shots: names, paper, all, or five (default), those with five scenario types",
        example="rabi,drag",
    )


def read_shots(config: pytest.Config) -> ShotPlan | None:
    """Return what ``--shots`` asks for; None without it. Raises pytest.UsageError."""
    option: Callable[[str], Any] = config.getoption
    given = [*option("shots"), *take_spaced_values(config, ["--shots"])["--shots"]]
    if not given:
        return None
    for other in ("control", "perturb", "judge_baselines"):
        if option(other):
            raise pytest.UsageError(
                f"--shots and --{other.replace('_', '-')}: give one of them; both change how items are asked"
            )
    return ShotPlan(
        counts=parsed("--shots", parse_counts, given),
        orders=at_least(1, "--shot-orders", option("shot_orders")),
        families=parsed("--shot-families", parse_families, option("shot_families")),
    )

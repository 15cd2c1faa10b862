"""Holm's correction for several tests: S. Holm 1979, Scand. J. Statist. 6, 65."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def step_down(tests: Sequence[Callable[[float], bool]], level: float) -> list[float]:
    """Return the level of each test at which the chance of any false claim is at most 1 - ``level``.

    A test returns whether its claim is shown at a confidence level. A claim shown at one level is shown at
    any lower level. All m tests start at 1 - (1 - level) / m; each claim that is shown reduces m by one for
    the others.
    """
    levels = [level] * len(tests)
    open_tests = set(range(len(tests)))
    while open_tests:
        corrected = 1 - (1 - level) / len(open_tests)
        for index in open_tests:
            levels[index] = corrected
        shown = {index for index in open_tests if tests[index](corrected)}
        if not shown:
            break
        open_tests -= shown
    return levels


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return each p-value adjusted for all of them: at most 5% means shown at 5% among all these tests.

    The k-th smallest of m is multiplied by m - k + 1. The result is never less than for a smaller p-value and
    never above 1.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected

"""Several tests at once: S. Holm 1979, Scand. J. Statist. 6, 65."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def step_down(tests: Sequence[Callable[[float], bool]], level: float) -> list[float]:
    """The level at which each test is to be read, so that none of those that hold errs with more than 1 - ``level``.

    A test says whether its claim is shown at a level of confidence, and what it shows at one it shows at any lower one.
    With m tests the first is read at 1 - (1 - level) / m; for each claim shown, m is one less for the others.
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
    """Each p-value as it stands after all of them were tested: below 5%, its claim is shown beside all the others.

    The k-th smallest of m, times m - k + 1; never less than a smaller one's, and never above 1.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected

"""How often verdicts are right and wrong, over designs and flip rates: the tables of docs/ci.md.

    python -m tests.gate_simulation                  the tables, in Markdown
    uv run --with statgate==0.1.1 --with evalsig==0.1.2 python -m tests.gate_simulation --others
                                                     the verdicts of these two on the same releases

The benchmark has its real size: 243 samples of 22 families, six questions, Q1, Q3 and Q5 graded in thirds. Each item
has its own probability of a right answer; families differ, and so do the samples of a family. The probabilities are
chosen to give the stated flip rate between two runs of one model. Everything is seeded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from reports.statistics.fixed_benchmark import bounds, growth
from reports.statistics.group_sequential import Look

Floats: TypeAlias = NDArray[np.float64]

SAMPLES, FAMILIES, QUESTIONS = 243, 22, 6
GRADED = np.array([True, False, True, False, True, False])
PARTS = 3
MEAN = 0.6
MAX_DROP = 0.02
LEVEL = 0.95
FLIP_RATES = (0.35, 0.18, 0.09, 0.03)
SEED = 20260428
AT_ONCE = 100
NEW_ITEMS = 0.5
"""The share of items on which another model has new chances."""


# --- models ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A model in production: its chances, shape (samples, questions), and how much an item's chance varies."""

    chances: Floats
    families: Floats
    spread: float


@lru_cache
def world(flips: float) -> World:
    """Return the model with this share of answers that flip between two runs."""
    random = np.random.default_rng(SEED)
    families = random.beta(8 * MEAN, 8 * (1 - MEAN), size=FAMILIES)[np.arange(SAMPLES) % FAMILIES][:, None]
    place = random.random((SAMPLES, QUESTIONS))
    low, high = 1e-3, 1e3
    for _ in range(40):
        spread = float(np.sqrt(low * high))
        chances = _chances(families, spread, place)
        low, high = (spread, high) if np.mean(2 * chances * (1 - chances)) < flips else (low, spread)
    return World(chances, families, spread)


def _chances(families: Floats, spread: float, place: Floats) -> Floats:
    chances: Floats = betaincinv(spread * families, spread * (1 - families), place)
    return chances


def same(base: World, drop: float = 0.0) -> Floats:
    """Return the model itself; with a drop every item is a little worse."""
    return base.chances * (1 - drop / base.chances.mean())


def concentrated(base: World, drop: float) -> Floats:
    """Return the model with a drop on few samples: all their questions break."""
    chances, left = base.chances.copy(), drop * base.chances.size
    for sample in np.random.default_rng(SEED + 1).permutation(SAMPLES):
        total = chances[sample].sum()
        chances[sample] *= 1 - min(1.0, left / total) if total > 0 else 1
        left -= min(left, total)
    return chances


def another(base: World, drop: float = 0.0) -> Floats:
    """Return another model with this mean on the same items: half of them have new chances."""
    random = np.random.default_rng(SEED + 2)
    fresh = _chances(base.families, base.spread, random.random(base.chances.shape))
    mixed = np.clip(np.where(random.random(fresh.shape) < NEW_ITEMS, fresh, base.chances), 1e-9, 1 - 1e-9)
    odds, low, high = np.log(mixed / (1 - mixed)), -9.0, 9.0
    for _ in range(60):
        shift = (low + high) / 2
        shifted: Floats = 1 / (1 + np.exp(-(odds + shift)))
        low, high = (shift, high) if shifted.mean() < base.chances.mean() - drop else (low, shift)
    return shifted


CASES: dict[str, Callable[[World], Floats]] = {
    "same": same,
    "new": another,
    "drop 2, thin": lambda base: same(base, 0.02),
    "drop 2, concentrated": lambda base: concentrated(base, 0.02),
    "drop 2, new": lambda base: another(base, 0.02),
    "drop 4, thin": lambda base: same(base, 0.04),
    "drop 4, concentrated": lambda base: concentrated(base, 0.04),
    "drop 4, new": lambda base: another(base, 0.04),
}


def answers(random: np.random.Generator, chances: Floats, releases: int, repeats: int) -> Floats:
    """Return scores of items: shape (releases, repeats, samples, questions)."""
    shape = (releases, repeats, len(chances))
    labels = random.random((*shape, int((~GRADED).sum())), dtype=np.float32) < chances[:, ~GRADED]
    fields = (
        random.random((*shape, int(GRADED.sum()), PARTS), dtype=np.float32) < chances[:, GRADED][..., None]
    )
    scores: Floats = np.empty((*shape, QUESTIONS))
    scores[..., ~GRADED], scores[..., GRADED] = labels, fields.mean(axis=-1)
    return scores


# --- designs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Design:
    """The number of the baseline's repeats, and the numbers of the candidate's repeats after which there is a look."""

    name: str
    baseline: int
    looks: tuple[int, ...]


ONCE = Design("1 run against 1", 1, (1,))
SEQUENTIAL = Design("up to 4 against 8, a look after each", 8, (1, 2, 3, 4))
"""What docs/ci.md recommends."""
SHARDED = Design("3 runs against 8", 8, (3,))
"""What the recipes with shards do."""
DESIGNS = (
    ONCE,
    Design("1 run against 4", 4, (1,)),
    Design("2 runs against 4", 4, (2,)),
    Design("4 runs against 4", 4, (4,)),
    Design("2 runs against 8", 8, (2,)),
    SHARDED,
    Design("up to 4 against 4, a look after each", 4, (1, 2, 3, 4)),
    SEQUENTIAL,
)


@dataclass(frozen=True)
class Shares:
    """The shares of simulated releases that pass and that fail, and the mean number of repeats."""

    passed: float
    failed: float
    repeats: float


@lru_cache(maxsize=512)
def simulate(flips: float, case: str, design: Design, *, releases: int, seed: int = 0) -> Shares:
    """Return the shares of verdicts of a gate on the mean of six questions with max_drop 2."""
    base, random = world(flips), np.random.default_rng((SEED, seed))
    chances = CASES[case](base)
    parts = [
        verdicts(
            answers(random, base.chances, count, design.baseline),
            answers(random, chances, count, design.looks[-1]),
            design,
        )
        for count in _portions(releases)
    ]
    passed, failed, repeats = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Shares(float(passed.mean()), float(failed.mean()), float(repeats.mean()))


def _portions(releases: int) -> Iterator[int]:
    for start in range(0, releases, AT_ONCE):
        yield min(AT_ONCE, releases - start)


def verdicts(baseline: Floats, candidate: Floats, design: Design) -> tuple[NDArray[np.bool_], ...]:
    """Return passed, failed and repeats of each release: the arithmetic of `reports.gates`, vectorised."""
    count = len(baseline)
    passed, failed, still = np.zeros(count, bool), np.zeros(count, bool), np.ones(count, bool)
    used = np.zeros(count)
    for repeats in design.looks:
        level = Look(repeats=repeats, planned=design.looks, baseline_repeats=design.baseline).nominal(LEVEL)
        low, high = interval(baseline, candidate[:, :repeats], level)
        used[still] = repeats
        passes, fails = low >= -MAX_DROP - 1e-9, high < -MAX_DROP - 1e-9
        passed |= still & passes
        failed |= still & fails
        still &= ~(passes | fails)
    return passed, failed, used


def interval(baseline: Floats, candidate: Floats, level: float) -> tuple[Floats, Floats]:
    """Return the interval on this benchmark if both sides have repeats, else for plots like these."""
    growths = [_gained(side) for side in (baseline, candidate) if side.shape[1] > 1]
    baseline, candidate = baseline.mean(axis=-1), candidate.mean(axis=-1)
    differences = candidate.mean(axis=1) - baseline.mean(axis=1)
    mean, samples = differences.mean(axis=1), differences.shape[1]
    if min(baseline.shape[1], candidate.shape[1]) == 1:
        variance = differences.var(axis=1, ddof=1) / samples
        size = (differences**2).sum(axis=1) / np.maximum(np.abs(differences).sum(axis=1), 1e-12)
        freedom = np.full(len(mean), samples - 1.0)
        gained = np.minimum(size, growths[0]) if growths else size
        return bounds(mean, variance, freedom, answers=samples, item=size, gained=gained, level=level)
    sides = [_noise(side) for side in (baseline, candidate)]
    variance = sides[0][0] + sides[1][0]
    squares = sides[0][1] + sides[1][1]
    asked = samples * min(baseline.shape[1], candidate.shape[1])
    freedom = np.where(squares > 0, np.maximum(1.0, variance**2 / np.maximum(squares, 1e-300)), asked - 1.0)
    gained = np.maximum(*growths)
    return bounds(mean, variance, freedom, answers=asked, item=1 / QUESTIONS, gained=gained, level=level)


def _gained(side: Floats) -> Floats:
    """Return what `growth` returns, for ``side`` of shape (releases, repeats, samples, questions)."""
    means, variances = side.mean(axis=1), side.var(axis=1, ddof=1)
    largest = means * (1 - means) + variances / side.shape[1]
    return growth(means.mean(axis=1), variances.mean(axis=1), largest.mean(axis=1))


def _noise(side: Floats) -> tuple[Floats, Floats]:
    repeats, samples = side.shape[1:3]
    variances = side.var(axis=1, ddof=1) / repeats / samples**2
    return variances.sum(axis=1), (variances**2).sum(axis=1) / (repeats + 1)


# --- other gates -----------------------------------------------------------------------------------------------------


def statgate_verdict(baseline: Floats, candidate: Floats) -> tuple[bool, bool]:
    """Return statgate's verdict (ships, blocks): paired, margin 2 points, 95%."""
    from statgate import EvalRecord, GateSettings, evaluate_gate

    sides = [
        [EvalRecord(case_id=str(n), score=float(value)) for n, value in enumerate(side)]
        for side in (baseline, candidate)
    ]
    settings = GateSettings(margin=MAX_DROP, resamples=1000, permutations=100, seed=1)
    verdict = evaluate_gate(*sides, settings).verdict.value
    return verdict == "SHIP", verdict == "BLOCK"


def evalsig_verdict(baseline: Floats, candidate: Floats) -> tuple[bool, bool]:
    """Return evalsig's verdict (allows, rejects): paired t, one-sided 5%, at least 2 points better."""
    import evalsig

    frames = [
        evalsig.RunFrame(
            "run", "model", "task", "score", [evalsig.ItemResult(str(n), float(v)) for n, v in enumerate(s)]
        )
        for s in (baseline, candidate)
    ]
    verdict = evalsig.gate(*frames, min_delta=MAX_DROP, method="paired_t").verdict.value
    return verdict == "ALLOW", verdict == "REJECT"


OTHERS = {"statgate 0.1.1": statgate_verdict, "evalsig 0.1.2": evalsig_verdict}


def others(releases: int) -> Iterator[str]:
    """Return a table of other gates' verdicts on one run against one, for the mean of six questions."""
    cases = ("same", "new", "drop 2, thin", "drop 4, thin")
    yield from _head(
        ("gate", "flips", "same model passes", "new one passes", "drop of 2 passes", "drop of 4 fails")
    )
    for name, judge in OTHERS.items():
        for flips in FLIP_RATES:
            shares = []
            for case in cases:
                random = np.random.default_rng((SEED, 9))
                before = answers(random, world(flips).chances, releases, 1)[:, 0].mean(axis=-1)
                now = answers(random, CASES[case](world(flips)), releases, 1)[:, 0].mean(axis=-1)
                shares.append(np.mean([judge(*pair) for pair in zip(before, now, strict=True)], axis=0))
            figures = [shares[0][0], shares[1][0], shares[2][0], shares[3][1]]
            yield _row(name, f"{100 * flips:.0f}%", *(f"{figure:.2f}" for figure in figures))


# --- tables ----------------------------------------------------------------------------------------------------------


def tables(releases: int, designs: Sequence[Design] = DESIGNS) -> Iterator[str]:
    """Yield the Markdown table, a row per design and flip rate. It shows the worst of three kinds of drop."""
    yield from _head(
        (
            "design",
            "flips",
            "same model passes",
            "equally good new one passes",
            "drop of exactly 2 passes",
            "drop of 4 fails",
            "mean repeats, same / new",
        )
    )
    for design in designs:
        for flips in FLIP_RATES:
            shares = {case: simulate(flips, case, design, releases=releases) for case in CASES}
            wrong = max(shares[case].passed for case in CASES if case.startswith("drop 2"))
            right = min(shares[case].failed for case in CASES if case.startswith("drop 4"))
            yield _row(
                design.name,
                f"{100 * flips:.0f}%",
                *(f"{figure:.2f}" for figure in (shares["same"].passed, shares["new"].passed)),
                f"{wrong:.3f}",
                f"{right:.2f}",
                f"{shares['same'].repeats:.1f} / {shares['new'].repeats:.1f}",
            )


def _head(names: Sequence[str]) -> Iterator[str]:
    yield _row(*names)
    yield _row(*["---"] * len(names))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the tables that the options select."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--others", action="store_true", help="statgate and evalsig in place of our own designs"
    )
    parser.add_argument("--releases", type=int, default=1000, help="of each kind (default: 1000)")
    options = parser.parse_args()
    for line in others(options.releases) if options.others else tables(options.releases):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

"""``python -m synthetic audit``: small models guess the status from text, style, axes or thumbnails alone."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from statistics import fmean

from tqdm import tqdm

from synthetic.audit.copying import copy_score
from synthetic.audit.guesses import AXES, STYLE, TEXT, THUMBNAILS, Guesses, guesses
from synthetic.audit.observed import Observed, observe
from synthetic.production import mapped, sample_keys
from synthetic.settings import SettingsError, checked_settings

SEEDS = 3
ALLOWED = 0.02
"""The allowed lead over the majority of a model that sees the text or the style, as a share of all samples."""
PARTS = (TEXT, STYLE, AXES, THUMBNAILS)


def audit(arguments: Sequence[str], program: str) -> int:
    """Print the accuracies; return 0 if text and style give nothing away, 1 if one of them does.

    Raises:
        SettingsError: settings that cannot be used, or scikit-learn is missing.
    """
    options = _parser(program).parse_args(arguments)
    if importlib.util.find_spec("sklearn") is None:
        raise SettingsError("audit needs scikit-learn: pip install 'qcaleval-pytest[dev]'")
    families = options.families.split(",") if options.families else None
    settings = [
        checked_settings(seed=options.seed + k, per_scenario=options.per_scenario, families=families)
        for k in range(SEEDS)
    ]
    keys = [key for setting in settings for key in sample_keys(setting)]
    with tqdm(total=len(keys), unit="sample", disable=None) as bar:
        observed = []
        for each in mapped(observe, keys, workers=options.workers):
            observed.append(each)
            bar.update()
    rows = [guesses(family, _of(family, observed)) for family in settings[0].families]
    copied = [
        copy_score([each.sample for each in observed if each.sample.key.seed == s.seed]) for s in settings
    ]
    leaks = leaking(rows)
    sys.stdout.write(
        _table(rows) + _copying([score for score in copied if score is not None]) + _verdict(leaks)
    )
    return 1 if leaks else 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"{program} audit", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first of three seeds (default: 1)")
    parser.add_argument(
        "--per-scenario", type=int, default=4, metavar="N", help="samples per scenario type and seed"
    )
    parser.add_argument("--families", metavar="A,B", help="only these families (default: all)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    return parser


def _of(family: str, observed: Sequence[Observed]) -> list[Observed]:
    return [each for each in observed if each.sample.key.family == family]


def leaking(rows: Sequence[Guesses]) -> tuple[str, ...]:
    """Return which of text and style gives the status away: guesses beat the majority by more than ``ALLOWED``.

    This is over all families, because a single one has too few samples for such a small difference.
    """
    samples, majority = sum(row.samples for row in rows), sum(row.majority for row in rows)
    return tuple(
        part for part in (TEXT, STYLE) if sum(row.right[part] for row in rows) - majority > ALLOWED * samples
    )


def _table(rows: Sequence[Guesses]) -> str:
    total = Guesses(
        family="all",
        samples=sum(row.samples for row in rows),
        majority=sum(row.majority for row in rows),
        right={part: sum(row.right[part] for row in rows) for part in PARTS},
    )
    width = max(len(row.family) for row in (*rows, total))
    head = f"{'family':<{width}} {'n':>5} {'majority':>9}" + "".join(f" {part:>10}" for part in PARTS)
    return "\n".join(
        ["Accuracy in %, trained on the other seeds", head, *(_line(row, width) for row in (*rows, total))]
    )


def _line(row: Guesses, width: int) -> str:
    shares = "".join(f" {100.0 * row.right[part] / row.samples:>10.1f}" for part in PARTS)
    return f"{row.family:<{width}} {row.samples:>5} {100.0 * row.majority / row.samples:>9.1f}{shares}"


def _copying(scores: Sequence[float]) -> str:
    if not scores:
        return "\n"
    return f"\nRepeating the demonstration's answer to Q5 scores {100.0 * fmean(scores):.1f}\n"


def _verdict(leaks: Sequence[str]) -> str:
    if leaks:
        return f"{' and '.join(leaks)}: better than the majority by more than {100.0 * ALLOWED:.0f} points\n"
    return "text and style give nothing away about the status\n"

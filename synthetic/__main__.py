"""``python -m synthetic``: write synthetic samples as a data set, a contact sheet or training data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from synthetic.audit.command import audit
from synthetic.beside import RealPlot, known_plots, read_real_plots, write_beside
from synthetic.dataset import write_dataset
from synthetic.drawing.perturbation import Perturbation
from synthetic.production import produce, sample_keys
from synthetic.settings import PER_SCENARIO, SettingsError, SyntheticSettings, checked_settings
from synthetic.sft import write_sft
from synthetic.sheet import write_sheet

PROGRAM = "python -m synthetic"
AUDIT = "audit"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    0 if it did what was asked, 1 if an audit finds that samples give their status away, 2 with one line on stderr if it
    could not.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        if given[:1] == [AUDIT]:
            return audit(given[1:], PROGRAM)
        options = _parser().parse_args(given)
        _write(options, _settings(options))
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Simulated calibration plots with questions and answers of known truth.",
        epilog=f"{PROGRAM} {AUDIT} --help: can the status be told from text, style or axes alone?",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write a dataset in the layout of the Hub repository"
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE.png", help="write a contact sheet: one tile per scenario type"
    )
    parser.add_argument(
        "--beside",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="write real plots of these folders and ours into the picture --out FILE.png: a row per scenario type",
    )
    parser.add_argument(
        "--sft", type=Path, metavar="DIR", help="write chat-format training data, zero-shot and in-context"
    )
    parser.add_argument(
        "--seed", type=int, default=7, help="samples depend on it and on nothing else (default: 7)"
    )
    parser.add_argument(
        "--per-scenario", type=int, metavar="N", help=f"samples per scenario type (default: {PER_SCENARIO})"
    )
    parser.add_argument(
        "--balance",
        metavar="benchmark",
        help="as many samples of each family as the benchmark has, 243 in all",
    )
    parser.add_argument(
        "--siblings",
        type=int,
        default=0,
        metavar="K",
        help="one sample more of K scenario types (default: 0)",
    )
    parser.add_argument("--families", metavar="A,B", help="only these families (default: all)")
    parser.add_argument("--perturb", metavar="NAME", help=f"draw them otherwise: {', '.join(Perturbation)}")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    return parser


def _settings(options: argparse.Namespace) -> SyntheticSettings:
    if options.beside and not options.out:
        raise SettingsError("--beside needs --out FILE.png, the picture to write")
    if not (options.out or options.sheet or options.sft):
        raise SettingsError("nothing to do: give --out DIR, --sheet FILE.png or --sft DIR")
    families = options.families.split(",") if options.families else None
    return checked_settings(
        seed=options.seed,
        per_scenario=options.per_scenario,
        balance=options.balance,
        siblings=options.siblings,
        families=families,
        perturb=options.perturb,
    )


def _write(options: argparse.Namespace, settings: SyntheticSettings) -> None:
    real = _real_plots(options.beside or (), settings)  # first: it may fail
    keys = sample_keys(settings)
    if not (options.out or options.sft):
        keys = [key for key in keys if key.index == 0]
    with tqdm(total=len(keys), unit="sample", disable=None) as bar:  # None: only on a terminal
        samples = produce(keys, workers=options.workers, on_sample=bar.update)
    if options.beside:
        write_beside(options.out, real, samples)
    elif options.out:
        write_dataset(options.out, settings, samples)
    if options.sft:
        write_sft(options.sft, samples)
    if options.sheet:
        write_sheet(options.sheet, [sample for sample in samples if sample.key.index == 0])


def _real_plots(folders: Sequence[Path], settings: SyntheticSettings) -> list[RealPlot]:
    """The real plots of these folders that belong to a chosen family."""
    plots = known_plots([plot for folder in folders for plot in read_real_plots(folder)], settings.families)
    if folders and not plots:
        raise SettingsError(f"{', '.join(map(str, folders))}: no plot of {', '.join(settings.families)}")
    return plots


if __name__ == "__main__":
    sys.exit(main())

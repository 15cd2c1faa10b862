"""``python -m synthetic``: write synthetic samples as a data set, a contact sheet or training data."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from scoring.questions import Mode
from synthetic.audit.command import audit
from synthetic.beside import RealPlot, known_plots, read_real_plots, write_side_by_side
from synthetic.dataset import write_dataset
from synthetic.drawing.perturbation import Perturbation
from synthetic.production import produce, sample_keys
from synthetic.settings import PER_SCENARIO, SettingsError, SyntheticSettings, checked_settings
from synthetic.sft.conversations import Format
from synthetic.sft.write import check_modes, write_sft
from synthetic.sheet import write_sheet

PROGRAM = "python -m synthetic"
AUDIT = "audit"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns 0 on success, 1 if an audit finds that samples give their status away, and 2 after an error, which
    is one line on stderr.
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
        epilog=f"{PROGRAM} {AUDIT} --help: can the status be guessed from text, style or axes alone?",
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
        "--sft", type=Path, metavar="DIR", help="write training data for supervised fine-tuning (--format)"
    )
    parser.add_argument(
        "--format",
        type=Format,
        choices=Format,
        help="with --sft: files for TRL, LLaMA-Factory, ms-swift or LLaVA (default: trl)",
    )
    parser.add_argument(
        "--modes", metavar="A,B", help="with --sft: zeroshot, icl (default: both, in one file each)"
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of all samples (default: 7)")
    parser.add_argument(
        "--per-scenario", type=int, metavar="N", help=f"samples per scenario type (default: {PER_SCENARIO})"
    )
    parser.add_argument(
        "--balance",
        metavar="benchmark",
        help="the benchmark's number of samples of each family, 243 in all",
    )
    parser.add_argument(
        "--siblings",
        type=int,
        default=0,
        metavar="K",
        help="one more sample of K scenario types (default: 0)",
    )
    parser.add_argument(
        "--families",
        metavar="A,B|FILE",
        help="only these families (default: all); a file names one a line, as for qcaleval compare",
    )
    parser.add_argument("--perturb", metavar="NAME", help=f"draw them differently: {', '.join(Perturbation)}")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    return parser


def _settings(options: argparse.Namespace) -> SyntheticSettings:
    if options.beside and not options.out:
        raise SettingsError("--beside needs --out FILE.png, the picture to write")
    if not (options.out or options.sheet or options.sft):
        raise SettingsError("nothing to do: give --out DIR, --sheet FILE.png or --sft DIR")
    if not options.sft and (options.format or options.modes):
        raise SettingsError("--format and --modes are options of --sft DIR")
    return checked_settings(
        seed=options.seed,
        per_scenario=options.per_scenario,
        balance=options.balance,
        siblings=options.siblings,
        families=_families(options.families) if options.families else None,
        perturb=options.perturb,
    )


def _families(text: str) -> list[str]:
    """Return the named families, or those that a file of this name lists, one a line.

    ``#`` begins a comment.
    """
    path = Path(text)
    if not path.is_file():
        return text.split(",")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeError:
        raise SettingsError(f"{path} is not a text file; expected one family a line") from None
    named = [name for line in lines if (name := line.partition("#")[0].strip())]
    if not named:
        raise SettingsError(f"{path} names no family; expected one a line")
    return named


def _modes(text: str | None) -> tuple[Mode, ...]:
    named = text.split(",") if text else list(Mode)
    if unknown := [name for name in named if name not in set(Mode)]:
        raise SettingsError(f"--modes {','.join(unknown)}: unknown; there are {', '.join(Mode)}")
    return tuple(mode for mode in Mode if mode in named)


def _write(options: argparse.Namespace, settings: SyntheticSettings) -> None:
    real = _real_plots(options.beside or (), settings)  # first: it may fail
    keys = sample_keys(settings)
    modes = _modes(options.modes)
    if options.sft:
        check_modes(keys, modes)
    if not (options.out or options.sft):
        keys = [key for key in keys if key.index == 0]
    with tqdm(total=len(keys), unit="sample", disable=None) as bar:  # None: only on a terminal
        samples = produce(keys, workers=options.workers, on_sample=bar.update)
    if options.beside:
        write_side_by_side(options.out, real, samples)
    elif options.out:
        write_dataset(options.out, settings, samples)
    if options.sft:
        write_sft(options.sft, settings, samples, modes, options.format or Format.TRL)
    if options.sheet:
        write_sheet(options.sheet, [sample for sample in samples if sample.key.index == 0])


def _real_plots(folders: Sequence[Path], settings: SyntheticSettings) -> list[RealPlot]:
    """Return the real plots of these folders that belong to a chosen family."""
    plots = known_plots([plot for folder in folders for plot in read_real_plots(folder)], settings.families)
    if folders and not plots:
        raise SettingsError(f"{', '.join(map(str, folders))}: no plot of {', '.join(settings.families)}")
    return plots


if __name__ == "__main__":
    sys.exit(main())

"""``qcaleval baseline``: makes a run a baseline, and downloads baselines that a CI stores."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from qcal_plugin.ci.baselines import BASELINES_VARIABLE, branch_folder, fetch
from qcal_plugin.ci.forges import NoArtifactError
from reports.gates.file import ARTIFACT_PREFIX, read_gate_file
from reports.gates.promotion import promote
from reports.records.plain_text import log_line
from reports.records.run_files import MANIFEST_NAME
from scoring.errors import QCalError

PROGRAM = "qcaleval baseline"
DEFAULT_FOLDER = "baselines/production"
NOT_THERE = 3
"""Exit status of ``fetch`` if the branch has no baseline yet."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return the exit status: 0 done, 2 not possible (one line says why), 3 no baseline yet."""
    given = _parser().parse_args(arguments or ["--help"])
    try:
        lines = given.run(given)
    except NoArtifactError as error:
        sys.stderr.write(log_line(f"{PROGRAM}: {error}") + "\n")
        return NOT_THERE
    except (QCalError, OSError) as error:
        sys.stderr.write(log_line(f"{PROGRAM}: {error}") + "\n")
        return 2
    sys.stdout.writelines(f"{log_line(line)}\n" for line in lines)
    return 0


def _promote(given: argparse.Namespace) -> list[str]:
    done = promote(given.run_dir, given.to, replace=given.replace, chosen_from=given.chosen_from)
    times = "once" if done.repeats == 1 else f"{done.repeats} times"
    missing = f"; {done.unmeasured:,} could be measured and were not" if done.unmeasured else ""
    counts = f"{done.measured:,} of {done.planned:,} items measured, each sample asked {times}{missing}"
    return [
        f"{given.run_dir} -> {done.folder}: {done.model}, {counts}",
        f'in the gate file: baseline = "{done.folder.as_posix()}"',
    ]


def _fetch(given: argparse.Namespace) -> list[str]:
    if given.gate is not None:
        branches = list(read_gate_file(given.gate).artifacts.values())
    else:
        branches = [given.baseline.removeprefix(ARTIFACT_PREFIX)]
    return [_keep(branch, given.to) for branch in branches]


def _keep(branch: str, to: Path) -> str:
    source, target = fetch(branch), branch_folder(to, branch)
    if target != source:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    return f"{ARTIFACT_PREFIX}{branch} -> {target / MANIFEST_NAME}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Baselines of gates (docs/ci.md).")
    commands = parser.add_subparsers(title="commands", metavar="", required=True)
    promoted = commands.add_parser(
        "promote", help="copy what gates read of a run into a folder, to be committed"
    )
    promoted.add_argument("run_dir", type=Path, metavar="RUN")
    promoted.add_argument(
        "--to",
        type=Path,
        default=Path(DEFAULT_FOLDER),
        metavar="DIR",
        help=f"folder of the baseline (default: {DEFAULT_FOLDER})",
    )
    promoted.add_argument(
        "--replace", action="store_true", help="take the place of another run in that folder"
    )
    promoted.add_argument(
        "--chosen-from", type=int, metavar="N", help="the run is the best of N; reports of gates mention it"
    )
    promoted.set_defaults(run=_promote)
    fetched = commands.add_parser(
        "fetch", help="download the run that artifact:BRANCH refers to; exit status 3 if there is none yet"
    )
    what = fetched.add_mutually_exclusive_group(required=True)
    what.add_argument("baseline", nargs="?", metavar="artifact:BRANCH")
    what.add_argument("--gate", type=Path, metavar="FILE", help="all that this gate file names")
    fetched.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="DIR",
        help=f"parent folder; {BASELINES_VARIABLE}=DIR uses it later without a download",
    )
    fetched.set_defaults(run=_fetch)
    return parser

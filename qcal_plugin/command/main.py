"""``qcaleval``: commands about runs, synthetic samples and endpoints. pytest runs evaluations."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Sequence

PROGRAM = "qcaleval"
USAGE = """\
usage: qcaleval COMMAND ...

  qcaleval doctor --model-url URL      what the endpoint can do, and the pytest command for it
  qcaleval report RUN                  print a run's tables; write its reports again
  qcaleval compare RUN_A RUN_B         what changed from the first run to the second
  qcaleval leaderboard RUN... [--out site]
                                       a site over many runs, to open or to publish
  qcaleval gate RUN --gate FILE        whether the run passes the gates of a file
  qcaleval baseline promote RUN        make a run the baseline that gates compare with
  qcaleval comment RUN                 put the run's summary on the pull or merge request
  qcaleval merge RUN... --out DIR      join the runs of shards into one
  qcaleval export RUN --format csv --out FILE
                                       records for other tools
  qcaleval import judged.json          the tables of the reference's result files
  qcaleval synthetic --out DIR         simulated plots with questions and answers
  qcaleval --version

For details: qcaleval COMMAND --help. To evaluate a model: pytest --model-url http://localhost:8000/v1
All of its options: pytest test_qcaleval --help
"""
REPORTS = {"report": "show"} | {
    name: name for name in ("compare", "leaderboard", "gate", "merge", "export", "import")
}
"""Commands of `reports`, by their names here."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit status: 0 done, 2 not possible (one line says why).

    Gate has its own.
    """
    name, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in {"-h", "--help"}:
        sys.stdout.write(USAGE)
        return 0
    if name in {"-V", "--version"}:
        sys.stdout.write(f"{PROGRAM} {importlib.metadata.version('qcaleval-pytest')}\n")
        return 0
    command = _command(name)
    if command is None:
        sys.stderr.write(f"{PROGRAM}: unknown command {name!r}; {PROGRAM} --help lists the commands\n")
        return 2
    return command(rest)


def _command(name: str) -> Callable[[Sequence[str]], int] | None:
    """Return the function that runs the command, imported on demand; None for an unknown command."""
    if name in REPORTS:
        from qcal_plugin.ci.baselines import with_artifacts
        from reports.__main__ import main as reports

        return lambda rest: reports([REPORTS[name], *rest], program=PROGRAM, locate=with_artifacts)
    if name == "baseline":
        from qcal_plugin.command.baseline import main as baseline

        return baseline
    if name == "comment":
        from qcal_plugin.command.comment import main as comment

        return comment
    if name == "synthetic":
        from synthetic.__main__ import main as synthetic

        return synthetic
    if name == "doctor":
        from qcal_plugin.command.doctor import main as doctor

        return doctor
    return None

"""``qcaleval comment RUN``: one comment on the pull or merge request that started the workflow, updated in place."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from qcal_plugin.ci.comments import comment_text, publish_comment
from qcal_plugin.ci.forges import forge_of
from reports.records.plain_text import log_line
from scoring.errors import QCalError

PROGRAM = "qcaleval comment"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return the exit status: 0 done, 2 not possible (one line says why)."""
    given = _parser().parse_args(arguments)
    try:
        forge = forge_of(os.environ)
        text = comment_text(given.run_dir, given.name, _links(given.report_url, forge.run_url))
        done, place = publish_comment(forge, given.name, text)
    except QCalError as error:
        sys.stderr.write(log_line(f"{PROGRAM}: {error}") + "\n")
        return 2
    sys.stdout.write(log_line(f"{done}: {place}") + "\n")
    return 0


def _links(report_url: str | None, run_url: str | None) -> Iterator[tuple[str, str]]:
    if report_url:
        yield "Report with every item", report_url
    if run_url:
        yield "Workflow run", run_url


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Comment on the pull request (GitHub Actions) or merge request (GitLab CI) with a run's summary; "
        "a later call replaces the comment.",
    )
    parser.add_argument("run_dir", type=Path, metavar="RUN")
    parser.add_argument(
        "--name",
        default="QCalEval",
        help="title of the comment; give each model its own, to keep several (default: QCalEval)",
    )
    parser.add_argument("--report-url", metavar="URL", help="where report.html can be opened or downloaded")
    return parser

"""One comment on a pull or merge request: the verdict and the tables of a run, updated in place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from qcal_plugin.ci.client import CIError, CIRefusedError
from qcal_plugin.ci.forges import Forge
from reports.publish import JSON_NAME, SUMMARY_NAME
from reports.records.files import read_file, read_if_there

MAX_CHARACTERS = 60_000
"""GitHub takes 65,536."""
NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,80}")


def comment_text(run_dir: Path, name: str, links: Iterable[tuple[str, str]]) -> str:
    """Return the text of the comment with this name, with links (title, URL) after the tables.

    Raises CIError.

    `publish_comment` recognises it by its first line, an invisible mark.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise CIError(f"--name {name!r}: expected letters, digits, spaces, dots, dashes and underscores")
    try:
        summary = read_file(run_dir / SUMMARY_NAME).decode()
    except OSError as error:
        raise CIError(
            f"{run_dir}: no {SUMMARY_NAME} ({error.strerror}); make it with: python -m reports {run_dir}"
        ) from error
    verdict = _verdict(run_dir)
    title = f"# {name}: {verdict}" if verdict else f"# {name}"
    if summary.startswith("# "):  # its own title, which names the model, as the head below it does
        summary = summary.partition("\n")[2]
    footer = " · ".join(f"[{words}]({url})" for words, url in links)
    room = MAX_CHARACTERS - len(footer)
    if len(summary) > room:
        summary = f"{summary[:room].rpartition(chr(10))[0]}\n\nThe report has the rest.\n"
    return "\n\n".join(filter(None, [f"{_mark(name)}\n{title}", summary.strip(), footer])) + "\n"


def publish_comment(forge: Forge, name: str, text: str) -> tuple[str, str]:
    """Replace or add the comment with this name.

    Return "updated" or "added", and its place. Raises CIError.
    """
    for address, body in forge.comments():
        if body.startswith(_mark(name)):
            try:
                return "updated", forge.edit_comment(address, text)
            except CIRefusedError as error:
                if error.status != 403:
                    raise  # else it is somebody else's, who quoted the mark
    return "added", forge.add_comment(text)


def _mark(name: str) -> str:
    return f"<!-- qcaleval: {name} -->"


def _verdict(run_dir: Path) -> str:
    """Return the verdict of the run's gates; empty if it was not gated."""
    try:
        gates = json.loads(read_if_there(run_dir / JSON_NAME) or b"{}").get("gates") or {}
        return str(gates.get("verdict", ""))
    except (OSError, ValueError, AttributeError):
        return ""

"""Generate docs/options.md from the declarations: ``python -m qcal_plugin.cli.reference > docs/options.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from qcal_plugin.cli.declarations import GROUPS, OptionGroup, with_example

HEAD = """\
# Options

All options that this suite adds to pytest, as `pytest test_qcaleval --help` prints them. They exist in sessions
that ask for an evaluation: with `--model-url`, `--demo`, `--baseline`, `--answers`, `--dry-run`, `--list`,
`--resume`, a load (`--parallel`, `--rate`, `--replay`, `--find-max-load`), or a path in `test_qcaleval`. In a
checkout they always exist.

This page is generated: `python -m qcal_plugin.cli.reference > docs/options.md`.
"""


def options_page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(line for group in GROUPS for line in _section(group))])


def _section(group: OptionGroup) -> Iterator[str]:
    yield f"## {group.title[0].upper()}{group.title[1:]}\n"
    yield "| option | meaning |"
    yield "|---|---|"
    rows: list[str] = []

    def add(flag: str, *, help: str, metavar: str = "", **_: Any) -> None:  # noqa: A002, ANN401 - argparse's
        text = help.replace("|", "\\|")
        meaning, example, command = text.partition("; example: ")
        rows.append(
            f"| `{f'{flag} {metavar}'.strip()}` | {meaning}{f'; example: `{command}`' if example else ''} |"
        )

    group.declare(with_example(add))
    yield from rows
    yield ""


if __name__ == "__main__":
    sys.stdout.write(options_page())

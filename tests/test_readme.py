"""The README keeps what it promises."""

import re

import pytest

from qcal_plugin.cli.options import add_options
from tests.inner_run import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


class OptionTable:
    """Takes the place of pytest's parser and writes the README's table."""

    def __init__(self):
        self.rows = []

    def getgroup(self, *_):
        return self

    def addoption(self, name, *, help, metavar="", **_):  # noqa: A002 - pytest's name
        self.rows.append(f"| `{f'{name} {metavar}'.strip()}` | {help} |")


def test_the_table_of_options_is_that_of_the_command_line():
    table = OptionTable()
    add_options(table)

    assert "\n".join(table.rows) in README


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README))))
def test_a_linked_file_exists(target):
    assert (REPOSITORY / target).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^    make (\w+)", README, re.MULTILINE))))
def test_a_make_target_exists(target):
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)

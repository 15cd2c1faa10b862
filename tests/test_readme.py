"""The README keeps what it promises."""

import re
import shlex

import pytest

from qcal_plugin.cli.declarations import GROUPS
from qcal_plugin.cli.reference import options_page
from tests.inner_run import REPOSITORY

pytest_plugins = ["pytester"]

README = (REPOSITORY / "README.md").read_text()


def test_the_page_of_options_is_that_of_the_command_line():
    """Written by: python -m qcal_plugin.cli.reference > docs/options.md"""
    assert options_page() == (REPOSITORY / "docs" / "options.md").read_text()


def test_every_option_says_its_default_and_one_with_a_value_shows_how_it_is_given():
    def declare(flag, *, help, action="store", example=None, **others):  # noqa: A002 - argparse's name
        if action.startswith("store_"):
            return
        assert "default" in help or flag in {"--list", "--model-url"}, flag
        assert example is not None or "default" in others or others["type"] is int, flag

    for group in GROUPS:
        group.declare(declare)


def test_every_example_can_be_typed(pytester):
    given = []
    for group in GROUPS:
        group.declare(
            lambda flag, *, example=None, **_: given.extend([flag, *shlex.split(example)] if example else [])
        )
    config = pytester.parseconfig("test_qcaleval", *given)
    assert "runs/my-vlm" == config.getoption("run_dir")
    assert '{"top_p": 0.9}' == config.getoption("extra_body")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README))))
def test_a_linked_file_exists(target):
    assert (REPOSITORY / target).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^    make (\w+)", README, re.MULTILINE))))
def test_a_make_target_exists(target):
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)


# --- troubleshooting ---

TROUBLESHOOTING = (REPOSITORY / "docs" / "troubleshooting.md").read_text()


@pytest.mark.parametrize("message", re.findall(r"^### `(.+)`$", TROUBLESHOOTING, re.MULTILINE))
def test_explained_messages_exist(message):
    """Joined source lines: a message may be written as several literals."""
    source = "".join(
        path.read_text()
        for package in ("qcal_plugin", "reports")
        for path in (REPOSITORY / package).rglob("*.py")
    )
    said = re.sub(r'"\s*\n\s*f?"', "", source)
    assert message.strip() in said


def test_every_option_that_is_explained_exists():
    flags = set()
    for group in GROUPS:
        group.declare(lambda flag, **_: flags.add(flag))
    of_others = {"--timeout", "--noconftest", "--lf", "--anyway"}
    assert set(re.findall(r"`[^`]*?(--[a-z-]+)", TROUBLESHOOTING)) <= flags | of_others

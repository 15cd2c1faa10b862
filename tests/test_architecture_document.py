"""ARCHITECTURE.md names only modules and packages that exist, and all packages of the first levels."""

import re

import pytest

from tests.inner_run import REPOSITORY

DOCUMENT = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
ITEM = DOCUMENT.partition("## One item")[2].partition("\n## ")[0]
OF_A_RUN = {"plots/"}
ROOTS = (REPOSITORY, REPOSITORY / "synthetic", REPOSITORY / "qcal_plugin", REPOSITORY / "reports")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+(?:\.py|/))`", DOCUMENT)) - OF_A_RUN))
def test_what_the_document_names_exists(path):
    assert any((root / path).exists() for root in ROOTS)


@pytest.mark.parametrize("package", ["qcal_plugin", "reports"])
def test_every_subpackage_is_on_the_map(package):
    folders = {path.parent.name for path in (REPOSITORY / package).glob("*/__init__.py")}
    assert set() == {name for name in folders if f"`{name}/`" not in DOCUMENT}


def test_an_item_passes_few_modules():
    assert 15 < len(set(re.findall(r"`([\w/]+\.py)`", ITEM))) <= 25

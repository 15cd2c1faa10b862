"""docs/protocol.md names the test of each quirk, and has the sections that docstrings cite."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
PACKAGES = ("scoring", "reports", "synthetic", "qcal_plugin", "bench", "tests")


def sources():
    return {
        path: path.read_text(encoding="utf-8") for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    }


def anchors():
    titles = re.findall(r"^#+ (.+)$", DOCUMENT, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_test_that_the_document_names_exists():
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    existing = set(re.findall(r"^def (test_\w+)", "\n".join(sources().values()), re.MULTILINE))
    assert len(named) > 40
    assert set() == named - existing


def test_every_quirk_under_test_is_in_the_document():
    texts = [text for path, text in sources().items() if path.name.startswith("test_scoring_")]
    quirks = set(re.findall(r"^def (test_quirk_\w+)", "\n".join(texts), re.MULTILINE))
    assert set() == {name for name in quirks if name not in DOCUMENT}


def test_sections_that_are_cited_or_linked_exist():
    cited = {
        match for text in sources().values() for match in re.findall(r"docs/protocol\.md#([\w-]+)", text)
    }
    linked = set(re.findall(r"\]\(#([\w-]+)\)", DOCUMENT))
    assert len(cited) > 10
    assert set() == (cited | linked) - anchors()


def test_nothing_cites_a_document_that_is_not_in_the_repository():
    cited = {
        path.name
        for path, text in sources().items()
        if "PROTOCOL" + ".md" in text or "DESIGN" + ".md" in text
    }
    assert set() == cited
